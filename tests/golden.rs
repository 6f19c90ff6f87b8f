//! Every program with expectations is a test of its own on each engine, named by both.
//!
//! `cargo test --test golden sieve` runs those whose path contains `sieve`; with `BLESS=1` the
//! programs that behave differently get what they do on the reference engine as their expectations.

use hotvm::engine::Engine;
use hotvm::isa::Op;
use hotvm::tools::golden::{Outcome, Runner};
use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Programs that run to their end.
const RUNNING: [&str; 3] = ["asm-examples", "benches/peers/engines", "tests/programs"];
/// Programs of which many do not.
const OTHERS: [&str; 3] = ["tests/natives", "tests/rejected", "tests/trapped"];

fn main() -> ExitCode {
    let bless = std::env::var_os("BLESS").is_some();
    let engines = if bless { &[Engine::Reference] } else { Engine::ALL };
    let mut trials = Vec::new();
    for &engine in engines {
        let hotvm = env!("CARGO_BIN_EXE_hotvm").into();
        let runner = Arc::new(Runner { hotvm, bless, engine: Some(engine) });
        for path in RUNNING.iter().chain(&OTHERS).flat_map(|folder| programs(folder)) {
            let runner = Arc::clone(&runner);
            let name = format!("{} {}", engine.name(), path.display());
            trials.push(Trial::test(name, move || verdict(&runner.run(&path))));
        }
    }
    trials.push(Trial::test("every_instruction_occurs", every_instruction_occurs));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The programs of a folder. One without any expectation is a test as well: it must not print.
fn programs(folder: &str) -> Vec<PathBuf> {
    let entries = Path::new(folder).read_dir().unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("the folder was opened").path())
        .filter(|path| path.extension().is_some_and(|e| e == "vasm"))
        .collect();
    assert!(!paths.is_empty(), "{folder} has no programs");
    paths.sort();
    paths
}

fn verdict(outcome: &Outcome) -> Result<(), Failed> {
    match outcome {
        Outcome::Passed | Outcome::Blessed => Ok(()),
        Outcome::Failed(why) => Err(why.into()),
    }
}

/// A new instruction needs a program that runs it.
fn every_instruction_occurs() -> Result<(), Failed> {
    let mut used = HashSet::new();
    for path in RUNNING.iter().flat_map(|folder| programs(folder)) {
        let text = std::fs::read_to_string(path)?;
        let statements = text.lines().filter_map(|line| line.split([';', '#']).next());
        used.extend(statements.flat_map(str::split_whitespace).map(str::to_owned));
    }
    let missing: Vec<_> =
        Op::ALL.iter().map(|op| op.mnemonic()).filter(|name| !used.contains(*name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no program uses {missing:?}").into()) }
}
