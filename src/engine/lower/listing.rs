//! Register code as text, for people.

use super::code::{Class, Dst, Inst, Lowered, Src, Test, What};
use std::fmt;

/// The register code of a function, an instruction a line: its number, that of the bytecode
/// instruction that it stands for, and what it does.
pub(in crate::engine) fn list(lowered: &Lowered) -> String {
    let lines = lowered.insts.iter().enumerate().map(|(at, inst)| {
        let mut line = format!("{at:6} {:6}  {inst}", inst.site);
        if inst.what == What::Switch {
            let table = crate::isa::Table::from_arg(inst.arg);
            let labels = &lowered.tables[table.start as usize..][..table.len as usize];
            let labels: Vec<_> = labels.iter().map(|label| format!("@{label}")).collect();
            line += &labels.join(", ");
        }
        line + "\n"
    });
    lines.collect()
}

impl fmt::Display for Src {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Src::None => f.write_str("-"),
            Src::Cell(cell) => write!(f, "[{cell}]"),
            Src::Acc => f.write_str("acc"),
            Src::Pin(pin, cell) => write!(f, "pin{pin}[{cell}]"),
            Src::Imm(value) => write!(f, "{}", *value as i64),
        }
    }
}

impl fmt::Display for Dst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dst::None => f.write_str("-"),
            Dst::Acc => f.write_str("acc"),
            Dst::Cell(cell) => write!(f, "[{cell}]"),
            Dst::Pin(pin, cell) => write!(f, "pin{pin}[{cell}]"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.negated { "not " } else { "" };
        let float = if self.float { "f." } else { "" };
        write!(f, "{not}{float}{}", self.op.mnemonic())
    }
}

fn dot(float: bool) -> &'static str {
    if float { "f." } else { "" }
}

impl fmt::Display for Inst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inst { what, a, b, c, d, arg, .. } = self;
        let signed = *arg as i64;
        match what {
            What::Binary(op, float) => write!(f, "{d} = {}{} {a}, {b}", dot(*float), op.mnemonic()),
            What::Unary(op, float) => write!(f, "{d} = {}{} {a}", dot(*float), op.mnemonic()),
            What::Tree(first, op, class, flipped) => {
                let (dot, first, op) = (dot(class.is_float()), first.mnemonic(), op.mnemonic());
                match flipped {
                    false => write!(f, "{d} = {dot}{op} ({first} {a}, {b}), {c}"),
                    true => write!(f, "{d} = {dot}{op} {c}, ({first} {a}, {b})"),
                }
            }
            What::LoadWith(load, op, flipped) => {
                let (load, op) = (load.mnemonic(), op.mnemonic());
                match flipped {
                    false => write!(f, "{d} = {op} ({load} {a} + {signed}), {b}"),
                    true => write!(f, "{d} = {op} {b}, ({load} {a} + {signed})"),
                }
            }
            What::Bump => write!(f, "{d} = {a} + {b}"),
            What::Copy(Class::Int) => write!(f, "{d} = {a}"),
            What::Copy(Class::Float) => match a {
                Src::Imm(bits) => write!(f, "{d} = f.{}", f64::from_bits(*bits)),
                a => write!(f, "{d} = f.{a}"),
            },
            What::Select => write!(f, "{d} = {c} ? {a} : {b}"),
            What::Load(op) => write!(f, "{d} = {} {a} + {signed}", op.mnemonic()),
            What::LoadAt(op) => write!(f, "{d} = {} {a} + {b} + {signed}", op.mnemonic()),
            What::Store(op) => write!(f, "{} {a} + {signed}, {b}", op.mnemonic()),
            What::StoreAt(op) => write!(f, "{} {a} + {b} + {signed}, {c}", op.mnemonic()),
            What::GetGlobal(_) => write!(f, "{d} = global {arg}"),
            What::SetGlobal(_) => write!(f, "global {arg} = {a}"),
            What::Jump => write!(f, "goto @{arg}"),
            What::Branch(test) => write!(f, "if {test} {a}, {b} goto @{arg}"),
            What::Step(test) => write!(f, "{d} = ADD {a}, {b}; if {test} {d}, {c} goto @{arg}"),
            What::Switch => write!(f, "goto {a} of "),
            What::Call => write!(f, "call {arg}, from {a}"),
            What::Return(_) if *a == Src::None => f.write_str("return"),
            What::Return(_) => write!(f, "return {a}"),
            What::System(op, float) => {
                write!(f, "{}{} {arg}, from {a}", dot(*float), op.mnemonic())
            }
            What::CallNative => write!(f, "call native {arg}, from {a}"),
            What::Halt => f.write_str("halt"),
            What::Exit => write!(f, "exit {a}"),
            What::Trap => f.write_str("trap"),
            What::Burn => write!(f, "burn {arg}"),
            What::Count => f.write_str("count"),
            What::Trace => write!(f, "trace {arg} from {a}"),
            What::Zero => write!(f, "zero {arg} from {a}"),
            What::Fetch => write!(f, "acc = {a}"),
            What::Put => write!(f, "{a} = acc"),
            What::Plain(op, float) => {
                write!(f, "{}{} {signed}, from {a}", dot(*float), op.mnemonic())
            }
        }
    }
}
