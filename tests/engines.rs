//! All engines do the same: on random programs, and up to the last unit of fuel.

mod common;

use common::generate;
use common::running::{Ended, run_verified};
use hotvm::diagnostics::Sources;
use hotvm::engine::{Engine, Limits};
use hotvm::program::{Input, load};
use hotvm::verify::{Verified, verify};
use proptest::collection::vec;
use proptest::prelude::*;

/// Runs a program on every engine, and gives what the first does.
fn agree(program: &Verified, limits: Limits) -> Result<Ended, TestCaseError> {
    let expected = run_verified(Engine::Reference, program, limits);
    for &engine in Engine::ALL {
        let ended = run_verified(engine, program, limits);
        prop_assert_eq!(&ended, &expected, "{}", engine.name());
    }
    Ok(expected)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn engines_agree_on_random_programs(choices in vec(any::<u8>(), 0..1500), part in 0.0..1.0) {
        let program = verify(generate::module(&choices)).unwrap();
        agree(&program, Limits::default())?;
        // With so much fuel that it ends by itself, then with a part of what it took.
        let much = Limits { fuel: Some(1 << 40), ..Limits::default() };
        let left = agree(&program, much)?.fuel.unwrap();
        let fuel = ((1u64 << 40) - left) as f64 * part;
        agree(&program, Limits { fuel: Some(fuel as u64), ..Limits::default() })?;
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
            POP
            HALT"
        );
        let program = load(Input::from_text("deep.vasm", text), &mut Sources::new()).unwrap();
        let ended = agree(&program.verified, Limits::default()).unwrap();
        assert_eq!(ended.end.unwrap_err().kind, "CallStackExhausted");
    }
}
