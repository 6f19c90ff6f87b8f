//! The instruction set reference, `docs/isa.md`, expanded from the table.

use super::op::{Group, Op, OperandKind, Ty};
use std::fmt::Write;

/// The text of `docs/isa.md`.
pub fn markdown() -> String {
    let mut out = String::from(INTRODUCTION);
    let mut group: Option<Group> = None;
    for &op in Op::ALL {
        if group != Some(op.group()) {
            group = Some(op.group());
            let _ = write!(
                out,
                "\n## {}\n\n| byte | instruction | stack | formula | meaning |\n|---|---|---|---|---|\n",
                op.group().title()
            );
        }
        let _ = writeln!(
            out,
            "| `{:02x}` | `{}` | `{} → {}` | `{}` | {} |",
            op as u8,
            signature(op),
            cells(op.pops()),
            cells(op.pushes()),
            op.formula().replace('|', "\\|"),
            op.doc().trim().replace('|', "\\|"),
        );
    }
    out
}

const INTRODUCTION: &str = "\
<!-- Generated from src/isa/ops.rs. To refresh: BLESS=1 cargo test --test generated -->

# The instruction set

The operand stack holds 64-bit integers (`I`) and 64-bit floats (`F`). In a stack effect the top is
on the right; `A`, `B` and `C` are any type, the same wherever the letter repeats; `V` is the type of
the variable; `Args` and `Results` are those of the function or slot. In a formula `a`, `b`, `c` are
the popped values, deepest first, and `o` is the offset. An operator in square brackets is the one of
WebAssembly whose semantics, traps included, hold here.

Addresses: base plus offset modulo 2^64, then checked against the size of memory. Memory is
little-endian, and an address need not be aligned.
";

/// The mnemonic with its operand, as one would write it.
pub fn signature(op: Op) -> String {
    let operand = match op.operand() {
        OperandKind::None => "",
        OperandKind::Int => " n",
        OperandKind::Float => " x",
        OperandKind::Local | OperandKind::Global => " x",
        OperandKind::Label => " label",
        OperandKind::Labels => " label, …, default",
        OperandKind::Func => " function",
        OperandKind::Slot => " slot",
        OperandKind::Text => " \"text\"",
        OperandKind::Offset => " [offset]",
    };
    format!("{}{operand}", op.mnemonic())
}

fn cells(types: &[Ty]) -> String {
    let names: Vec<_> = types.iter().map(|t| format!("{t:?}")).collect();
    if names.is_empty() { "∅".to_owned() } else { names.join(" ") }
}
