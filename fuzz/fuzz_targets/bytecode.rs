//! Bytecode, with its checksum made right.
#![no_main]

#[path = "../../tests/common/checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::bytecode(bytes.to_vec()));
