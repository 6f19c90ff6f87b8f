//! Valid programs, made from the bytes.
#![no_main]

#[path = "../../tests/common/checks.rs"]
mod checks;
#[path = "../../tests/common/generate.rs"]
mod generate;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::valid(&generate::module(bytes)));
