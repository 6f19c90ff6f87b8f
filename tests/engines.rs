//! All engines do the same: on random programs, and up to the last unit of fuel.

mod common;

use common::generate;
use common::running::{Ended, run_partly, run_verified};
use hotvm::diagnostics::Sources;
use hotvm::engine::{Engine, Limits};
use hotvm::program::{Input, load};
use hotvm::verify::{Verified, verify};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

/// Runs a program on every engine, and gives what the first does.
fn agree(program: &Arc<Verified>, limits: Limits) -> Result<Ended, TestCaseError> {
    let expected = run_verified(Engine::Reference, program, limits);
    for &engine in Engine::ALL {
        let ended = run_verified(engine, program, limits);
        prop_assert_eq!(&ended, &expected, "{}", engine.name());
    }
    // Half compiled, half interpreted.
    let sizes = program.module().functions.iter().map(|function| function.code.len());
    let mut sizes: Vec<usize> = sizes.collect();
    sizes.sort_unstable();
    for &engine in Engine::ALL {
        let ended = run_partly(engine, program, limits, Some(sizes[sizes.len() / 2]));
        prop_assert_eq!(&ended, &expected, "half of it with {}", engine.name());
    }
    Ok(expected)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn engines_agree_on_random_programs(choices in vec(any::<u8>(), 0..1500), part in 0.0..1.0) {
        let program = Arc::new(verify(generate::module(&choices)).unwrap());
        agree(&program, Limits::default())?;
        // With so much fuel that it ends by itself, then with a part of what it took.
        let much = Limits { fuel: Some(1 << 40), ..Limits::default() };
        let left = agree(&program, much)?.fuel.unwrap();
        let fuel = ((1u64 << 40) - left) as f64 * part;
        agree(&program, Limits { fuel: Some(fuel as u64), ..Limits::default() })?;
    }
}

/// Lets all engines run a text, with fuel and without.
#[track_caller]
fn agree_on(text: &str) -> Ended {
    let program = load(Input::from_text("p.vasm", text), &mut Sources::new());
    let program = program.unwrap_or_else(|errors| panic!("{errors:?} in {text}"));
    let much = Limits { fuel: Some(1 << 40), ..Limits::default() };
    agree(&program.verified, much).unwrap();
    agree(&program.verified, Limits::default()).unwrap()
}

/// A function that calls itself with one less, does some things before and after, and divides by what
/// is left.
fn recursive(depth: i64, locals: usize, before: &str, after: &str) -> String {
    let locals: String = (0..locals).map(|i| format!(".local v{i}: f64\n")).collect();
    format!(
        "PUSH {depth}\nCALL f\nPRINT\nHALT\n\
         .func f (n: i64) -> i64\n{locals}\
         LOAD n\nJNZ more\nPUSH 1\nLOAD n\nDIV\nRET\n\
         more: {before}\nLOAD n\nPUSH 1\nSUB\nCALL f\n{after}\nRET\n.end\n"
    )
}

#[test]
fn engines_agree_on_the_calls_that_led_to_a_trap() {
    for depth in (0..12).chain([100, 5000]) {
        let ended = agree_on(&recursive(depth, 0, "", "PUSH 1\nADD"));
        let trap = ended.end.unwrap_err();
        assert_eq!(trap.stack.len() + trap.omitted, depth as usize + 2);
    }
}

#[test]
fn engines_agree_on_how_deep_calls_may_be() {
    for locals in [0, 1, 5, 200] {
        for (before, after) in [("", ""), ("PUSH 1\nPUSH 2\nPUSH 3", "ADD\nADD\nADD")] {
            let ended = agree_on(&recursive(-1, locals, before, after));
            assert_eq!(ended.end.unwrap_err().kind, "CallStackExhausted");
        }
    }
    let two = ".func a\nCALL b\nRET\n.end\n.func b\n.local x: i64\nCALL a\nRET\n.end\n";
    agree_on(&format!("CALL a\nHALT\n{two}"));
    // Main may be called as well.
    agree_on(".entry f\n.func f\nCALL f\nRET\n.end\n");
}

/// Many values at once take much of the real stack, of which no program may see the end.
#[test]
fn engines_agree_on_functions_with_large_frames() {
    let values: String = (0..300).map(|i| format!("PUSH {i}\nLD64\n")).collect();
    let sum = "ADD\n".repeat(299);
    let text = recursive(20_000, 0, &format!("{values}{sum}POP"), "");
    assert_eq!(agree_on(&text).end.unwrap_err().kind, "DivisionByZero");
}

#[test]
fn engines_agree_on_addresses_that_wrap() {
    for memory in ["", "PUSH 0\nMEMGROW\nPOP\n"] {
        for base in [-40, -25, -24, -17, -16, 0, 65511, 65512, 65513, i64::MIN, i64::MAX] {
            for offset in [0, 24, -24, 65536, i64::MAX, i64::MIN] {
                agree_on(&format!(
                    "{memory}PUSH {base}\nLD64 {offset}\nPRINT\nPUSH {base}\nPUSH 7\n\
                     ST64 {offset}\nPUSH {base}\nLD8U {offset}\nPRINT\nHALT\n"
                ));
            }
        }
    }
}

#[test]
fn engines_agree_on_every_number_of_a_switch() {
    for number in [-1, 0, 1, 2, 3, 1 << 32, (1 << 32) + 1, i64::MIN, i64::MAX] {
        agree_on(&format!(
            "PUSH 5\nPUSH {number}\nSWITCH a, b, c\n\
             a: PRINT\nPUSH 1\nEXIT\nb: PUSH 1\nADD\nPUSH 2\nSWITCH a, b, c\nc: PRINT\nHALT\n"
        ));
    }
}

/// A function that needs no frame still needs room for one, to the last cell.
#[test]
fn the_stack_ends_at_the_same_call() {
    for locals in 1000..1024 {
        let locals: String = (0..locals).map(|i| format!(".local n{i}: i64\n")).collect();
        let text = format!(
            ".global depth: i64 = 0
            .func leaf (a: i64, b: i64) -> i64
                .local c: i64
                LOAD a
                LOAD b
                ADD
                TEE c
                LOAD c
                LOAD c
                SUB
                SUB
                RET
            .end
            .func deep (a: i64) -> i64
                {locals}
                LOAD a
                PUSH 1
                CALL leaf
                TEE depth
                CALL deep
                RET
            .end
            PUSH 0
            CALL deep
            HALT"
        );
        let program = load(Input::from_text("deep.vasm", text), &mut Sources::new()).unwrap();
        let ended = agree(&program.verified, Limits::default()).unwrap();
        assert_eq!(ended.end.unwrap_err().kind, "CallStackExhausted");
    }
}
