//! Programs that run for long enough to be compiled while they run: they do what they do on the
//! reference engine, whichever engine is in the middle of it.

mod common;

use common::running::{Ended, run_partly, run_verified};
use hotvm::diagnostics::Sources;
use hotvm::engine::{Engine, Exit, Limits};
use hotvm::program::{Input, load};
use std::fmt::Write;

/// Runs a text on every engine, and gives what all of them do.
#[track_caller]
fn agree(text: &str, limits: Limits) -> Ended {
    let input = Input::from_text("hot", text);
    let program = match load(input, &mut Sources::new()) {
        Ok(program) => program.verified,
        Err(errors) => panic!("{errors:?}"),
    };
    let expected = run_verified(Engine::Reference, &program, limits);
    for &engine in Engine::ALL {
        let ended = run_verified(engine, &program, limits);
        assert_eq!(ended, expected, "{}", engine.name());
    }
    let main = &program.module().functions[program.module().entry as usize];
    for &engine in Engine::ALL {
        let ended = run_partly(engine, &program, limits, Some(main.code.len() - 1));
        assert_eq!(ended, expected, "{} without main", engine.name());
    }
    expected
}

/// A main that does something many times. The number of the turn is in `i`.
fn hot(functions: &str, turn: &str) -> String {
    format!(
        "{functions}\n.global sum: i64\n.local i: i64\n\
         again: {turn}\nLOAD i\nPUSH 1\nADD\nTEE i\nPUSH 200000\nLT\nJNZ again\n\
         LOAD sum\nPRINT\nHALT\n"
    )
}

const ADD_UP: &str = "LOAD sum\nADD\nSTORE sum";

#[test]
fn a_loop_in_main_is_taken_over_with_its_variables_and_operands() {
    let text = ".local i: i64\n.local x: f64\nPUSH 7\nPUSH 0.5\n\
                again: LOAD x\nADD\nLOAD i\nITOF\nSTORE x\n\
                LOAD i\nPUSH 1\nADD\nTEE i\nPUSH 300000\nLT\nJNZ again\n\
                PRINT\nPRINT\nLOAD i\nPRINT\nHALT\n";
    assert_eq!(agree(text, Limits::default()).end, Ok(Exit::Done));
}

#[test]
fn arguments_of_both_kinds_and_any_number_come_across() {
    let mut functions = String::new();
    let mut turn = String::new();
    for count in [0, 1, 5, 9, 20] {
        let params: Vec<_> = (0..count)
            .map(|i| format!("p{i}: {}", if i % 3 == 1 { "f64" } else { "i64" }))
            .collect();
        let _ = writeln!(functions, ".func f{count} ({}) -> f64\nPUSH 0.0", params.join(", "));
        for i in 0..count {
            let convert = if i % 3 == 1 { "" } else { "ITOF\n" };
            let _ = writeln!(functions, "LOAD p{i}\n{convert}ADD\nPUSH 1.5\nMUL");
        }
        functions += "RET\n.end\n";
        for i in 0..count {
            let convert = if i % 3 == 1 { "ITOF\n" } else { "" };
            let _ = writeln!(turn, "LOAD i\nPUSH {i}\nXOR\n{convert}");
        }
        let _ = writeln!(turn, "CALL f{count}\nFTOIS\n{ADD_UP}");
    }
    let text = hot(&functions, &turn).replace("200000", "20000");
    agree(&text, Limits::default());
}

#[test]
fn a_result_comes_back_from_a_function_without_parameters() {
    let functions = ".global g: i64 = 1\n.func next -> i64\n.local k: i64\n\
                     more: LOAD k\nPUSH 1\nADD\nTEE k\nPUSH 50\nLT\nJNZ more\n\
                     LOAD g\nLOAD k\nADD\nTEE g\nRET\n.end\n";
    agree(
        &hot(functions, &format!("CALL next\n{ADD_UP}")).replace("200000", "20000"),
        Limits::default(),
    );
    // A single call that takes long.
    let slow = functions.replace("PUSH 50", "PUSH 300000");
    agree(&format!("{slow}CALL next\nPRINT\nHALT\n"), Limits::default());
}

#[test]
fn a_trap_after_long_has_its_whole_stack() {
    let functions = ".func inner (n: i64) -> i64\nPUSH 1000000\nPUSH 190000\nLOAD n\nSUB\nDIV\nRET\n.end\n\
                     .func middle (n: i64) -> i64\nLOAD n\nCALL inner\nPUSH 1\nADD\nRET\n.end\n\
                     .func outer (n: i64) -> i64\nLOAD n\nPUSH 0\nADD\nCALL middle\nRET\n.end\n";
    let ended = agree(&hot(functions, &format!("LOAD i\nCALL outer\n{ADD_UP}")), Limits::default());
    assert_eq!(ended.end.unwrap_err().stack.len(), 4);
}

#[test]
fn recursion_that_does_not_end_traps_at_the_same_depth() {
    let functions = ".func warm (n: i64) -> i64\nLOAD n\nPUSH 1\nADD\nRET\n.end\n\
                     .func down (n: i64) -> i64\n.local a: i64\nLOAD n\nCALL warm\nCALL down\nRET\n.end\n";
    let turn = format!(
        "LOAD i\nCALL warm\n{ADD_UP}\nLOAD i\nPUSH 150000\nEQ\nJZ on\nPUSH 0\nCALL down\nPOP\non: NOP"
    );
    let trapped = agree(&hot(functions, &turn), Limits::default()).end.unwrap_err();
    assert!(trapped.omitted > 1000, "{trapped:?}");
}

#[test]
fn fuel_runs_out_at_the_same_instruction() {
    let functions = ".func f (n: i64) -> i64\nLOAD n\nPUSH 1\nAND\nJZ even\nPUSH 3\nRET\n\
                     even: PUSH 4\nRET\n.end\n";
    let text = hot(functions, &format!("LOAD i\nCALL f\n{ADD_UP}"));
    for fuel in [10, 1_000_003, 1_500_001, 2_000_002] {
        let ended = agree(&text, Limits { fuel: Some(fuel), ..Limits::default() });
        assert_eq!(ended.end.unwrap_err().kind, "OutOfFuel");
    }
}

#[test]
fn what_is_too_large_to_compile_calls_and_is_called() {
    let mut large = ".func large (n: i64) -> i64\n.local s: i64\n".to_owned();
    for i in 0..9000 {
        let _ = write!(large, "LOAD n\nPUSH {i}\nXOR\nLOAD s\nADD\nSTORE s\n");
        if i % 3000 == 0 {
            large += "LOAD s\nCALL small\nSTORE s\n";
        }
    }
    large += "LOAD s\nRET\n.end\n.func small (n: i64) -> i64\nLOAD n\nPUSH 3\nMUL\nRET\n.end\n\
              .func between (n: i64) -> i64\nLOAD n\nCALL large\nPUSH 1\nADD\nRET\n.end\n";
    let text = hot(&large, &format!("LOAD i\nCALL between\n{ADD_UP}")).replace("200000", "60");
    agree(&text, Limits::default());
}

#[test]
fn memory_grows_under_both() {
    let functions = ".memory 64 KiB max 8 MiB\n.func touch (n: i64) -> i64\nLOAD n\nPUSH 50\nREM\nJNZ skip\n\
                     PUSH 1\nMEMGROW\nPOP\nskip: MEMSIZE\nPUSH 8\nSUB\nLOAD n\nST64\n\
                     MEMSIZE\nPUSH 8\nSUB\nLD64\nRET\n.end\n";
    let turn = format!(
        "LOAD i\nCALL touch\n{ADD_UP}\nMEMSIZE\n{ADD_UP}\nMEMSIZE\nPUSH 1\nSUB\nLD8U\n{ADD_UP}"
    );
    let ended = agree(&hot(functions, &turn).replace("200000", "60000"), Limits::default());
    assert_eq!(ended.memory.1, 8 << 20);
}

#[test]
fn a_program_can_end_from_within() {
    let functions = ".func f (n: i64)\nLOAD n\nPUSH 180000\nEQ\nJZ on\nPUSH 9\nEXIT\non: RET\n.end\n\
                     .func g (n: i64)\nLOAD n\nCALL f\nRET\n.end\n";
    let ended = agree(&hot(functions, "LOAD i\nCALL g"), Limits::default());
    assert_eq!(ended.end, Ok(Exit::Status(9)));
}

#[test]
fn mutual_recursion_and_switches_go_through_both() {
    let functions = ".func even (n: i64) -> i64\nLOAD n\nJZ yes\nLOAD n\nPUSH 1\nSUB\nCALL odd\nRET\n\
                     yes: PUSH 1\nRET\n.end\n\
                     .func odd (n: i64) -> i64\nLOAD n\nJZ no\nLOAD n\nPUSH 1\nSUB\nCALL even\nRET\n\
                     no: PUSH 0\nRET\n.end\n\
                     .func pick (n: i64) -> i64\nLOAD n\nPUSH 4\nREM\nSWITCH a, b, c, d\n\
                     a: PUSH 10\nRET\nb: PUSH 20\nJMP e\nc: PUSH 30\nRET\nd: PUSH 40\ne: PUSH 1\nADD\nRET\n.end\n";
    let turn = format!("LOAD i\nPUSH 31\nAND\nCALL even\n{ADD_UP}\nLOAD i\nCALL pick\n{ADD_UP}");
    agree(&hot(functions, &turn).replace("200000", "20000"), Limits::default());
}
