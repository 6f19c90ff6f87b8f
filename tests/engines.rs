//! All engines do the same: on random programs, and up to the last unit of fuel.

mod common;

use common::generate;
use common::running::{Ended, run_verified};
use hotvm::engine::{Engine, Limits};
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
