//! Every program with expectations is a test of its own, named by its path.
//!
//! `cargo test --test golden sieve` runs those whose path contains `sieve`; with `BLESS=1` the
//! programs that behave differently get what they do now as their expectations.

use hotvm::tools::golden::{Outcome, Runner};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const FOLDERS: [&str; 4] = ["asm-examples", "tests/programs", "tests/rejected", "tests/trapped"];

fn main() -> ExitCode {
    let runner = Arc::new(Runner {
        hotvm: env!("CARGO_BIN_EXE_hotvm").into(),
        bless: std::env::var_os("BLESS").is_some(),
    });
    let trials = FOLDERS.iter().flat_map(|folder| programs(folder)).map(|path| {
        let runner = Arc::clone(&runner);
        Trial::test(path.display().to_string(), move || verdict(&runner.run(&path)))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
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
