//! Replays the inputs of the fuzz targets, so that what a fuzzer once found stays found.

mod common;

use common::{checks, generate};
use std::fs;
use std::path::Path;

/// Gives each input of a target to its check.
fn replay(target: &str, check: impl Fn(Vec<u8>)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut replayed = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Shown when the check fails.
        println!("{}", path.display());
        check(fs::read(path).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0, "the corpus of {target} is empty");
}

#[test]
fn assemble() {
    replay("assemble", checks::program);
}

#[test]
fn bytecode() {
    replay("bytecode", checks::bytecode);
}

#[test]
fn expectations() {
    replay("expectations", |bytes| checks::expectations(&bytes));
}

#[test]
fn units() {
    replay("units", |bytes| checks::units(&bytes));
}

#[test]
fn generated() {
    replay("generated", |bytes| checks::valid(&generate::module(&bytes)));
}
