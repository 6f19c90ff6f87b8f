//! The file check against real libraries, whole and damaged. What it refuses never reaches the
//! loader; what it accepts here, is loaded and called.

use super::super::check::{Flaw, check};
use super::super::os::open_private;
use super::*;
use crate::diagnostics::Code;
use proptest::prelude::*;
use std::sync::OnceLock;

const CODE: &str = "#include <hotvm.h>\n#include <stdio.h>\n
    HOTVM_VERSION(3)
    static long counter = 40; long *where = &counter;
    int get(void) { return (int)++*where; }
    int say(int n) { return printf(\"%d\", n); }
    static const char *const words[] = {\"one\", \"two\"};
    const char *word(int n) { return words[n & 1]; }";

/// A library with all that a small one has: relocations, data, imports and exports.
fn library() -> &'static [u8] {
    static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
    LIBRARY.get_or_init(|| fs::read(Lab::new().compile("libx.so", CODE)).unwrap())
}

/// Loads what the check accepted, and calls it: whatever was cut off, it was not needed.
fn use_it(bytes: &[u8]) {
    let loaded = open_private(bytes, Path::new("/damaged/libx.so"), false).unwrap();
    let address = loaded.address("get").unwrap();
    // SAFETY: the address is of the function `get` above.
    let get = unsafe { std::mem::transmute::<usize, extern "C" fn() -> i32>(address) };
    assert_eq!(get(), 41);
}

#[cfg(target_os = "linux")]
#[test]
fn every_prefix_is_refused_or_complete() {
    let whole = library();
    assert!(check(whole).is_ok());
    use_it(whole);
    for end in 0..whole.len() {
        match check(&whole[..end]) {
            Err(Flaw::Incomplete(_)) => {}
            Err(other) => panic!("{end}: {other:?}"),
            Ok(_) => use_it(&whole[..end]),
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn every_prefix_with_a_tail_of_zeros_is_refused_or_complete() {
    let mut bytes = library().to_vec();
    let mut accepted = 0;
    for end in (0..bytes.len()).rev() {
        bytes[end] = 0;
        match check(&bytes) {
            Err(Flaw::Incomplete(_)) => {}
            Err(other) => panic!("{end}: {other:?}"),
            // Only the last fields of the last section may go: they are zero or say nothing.
            Ok(_) => {
                accepted += 1;
                use_it(&bytes);
            }
        }
    }
    assert!(accepted <= 32, "{accepted}");
}

#[cfg(target_os = "linux")]
#[test]
fn libraries_of_other_linkers_and_flags_are_accepted() {
    let lab = Lab::new();
    let all: [&[&str]; 7] = [
        &["-g"],
        &["-O2", "-s"],
        &["-Wl,--hash-style=sysv"],
        &["-Wl,--hash-style=both", "-Wl,-z,now"],
        &["-Wl,-z,pack-relative-relocs"],
        &["-Wl,-z,noseparate-code"],
        &["-nostdlib", "-Wl,-Bsymbolic"],
    ];
    for flags in all {
        let code = if flags.contains(&"-nostdlib") { "int get(void) { return 41; }" } else { CODE };
        let path = lab.compile_with("libx.so", code, flags);
        let bytes = fs::read(path).unwrap();
        let checked = check(&bytes).unwrap_or_else(|e| panic!("{flags:?}: {e:?}"));
        assert!(checked.exports.unwrap().require_function("x", "get").is_ok());
        assert!(!checked.needed.is_relative());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_libraries_of_this_very_process_are_accepted() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut files: Vec<_> = maps.lines().filter_map(|line| line.split_once('/')).collect();
    files.retain(|(_, path)| path.contains(".so") && !path.contains("(deleted)"));
    files.dedup_by_key(|file| file.1);
    assert!(!files.is_empty());
    for (_, path) in files {
        let bytes = fs::read(format!("/{path}")).unwrap();
        check(&bytes).unwrap_or_else(|flaw| panic!("{path}: {flaw:?}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Damage of any kind is refused or not noticed, but is never a panic or an endless loop.
    #[test]
    fn damage_never_panics(
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        near_start in any::<bool>(),
    ) {
        let mut bytes = library().to_vec();
        // Half of the time, in the part where headers and tables are.
        let reach = if near_start { 0x700 } else { bytes.len() };
        for (at, value) in hits {
            bytes[at.index(reach)] = value;
        }
        let _ = check(&bytes);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = check(&bytes);
        let mut elf = library()[..24].to_vec();
        elf.extend(&bytes);
        let _ = check(&elf);
    }
}

/// The code of the error that a file gives when a program names it.
fn refusal(name: &str, bytes: &[u8]) -> (Code, String) {
    let lab = Lab::new();
    fs::write(lab.file(name), bytes).unwrap();
    let errors = lab.libraries(&[number(&format!("./{name}"), "get")]).bind_all().unwrap_err();
    assert_eq!(errors.len(), 1);
    let diagnostic = &errors[0].diagnostic;
    (diagnostic.code, format!("{}\n{:?}", diagnostic.message, diagnostic.help))
}

#[cfg(target_os = "linux")]
#[test]
fn files_that_are_no_libraries_say_what_they_are() {
    let (code, text) = refusal("libtext.so", b"int add(int a, int b) { return a + b; }\n");
    assert_eq!(code, Code::NotALibrary);
    assert!(text.contains("C source") && text.contains("`.c`"), "{text}");
    let (code, text) = refusal("libdll.so", b"MZ\x90\0\x03\0\0\0");
    assert!(code == Code::NotALibrary && text.contains("Windows"), "{text}");
    let (code, text) = refusal("shape.cpp", b"class Shape {};\n");
    assert!(code == Code::NotALibrary && text.contains("a text"), "{text}");
    assert_eq!(refusal("libempty.so", b"").0, Code::IncompleteLibrary);
    assert_eq!(refusal("libhalf.so", &library()[..5000]).0, Code::IncompleteLibrary);

    let mut other = library().to_vec();
    other[18] = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    let (code, text) = refusal("libother.so", &other);
    assert_eq!(code, Code::WrongMachine);
    assert!(text.contains("ARM") && text.contains("x86-64"), "{text}");
    let mut object = library().to_vec();
    object[16] = 1;
    assert!(refusal("libobject.so", &object).1.contains("an object file"));
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    let (code, text) = refusal("libprogram.so", &program);
    assert!(code == Code::NotALibrary && text.contains("a program"), "{text}");
}

#[test]
fn what_the_loader_refuses_is_told_in_its_words() {
    let lab = Lab::new();
    lab.compile("libneedy.so", "int nowhere(void); int f(void) { return nowhere(); }");
    let error = lab.libraries(&[number("needy", "f")]).bind(0).unwrap_err().diagnostic;
    assert_eq!(error.code, Code::LoadFailed);
    assert!(error.notes[0].contains("nowhere"), "{error:?}");
    assert!(!error.notes[0].contains("/proc/"), "{error:?}");
}
