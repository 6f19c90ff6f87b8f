//! Replacing libraries: whole or not at all, by what is loaded, and never the old for the new.

use super::super::Reload;
use super::super::os::open_private;
use super::*;
use crate::diagnostics::Code;
use std::sync::atomic::{AtomicBool, Ordering};

fn returning(value: i64) -> String {
    format!("long f(void) {{ return {value}; }}")
}

fn replaced(library: &str, generation: u32, slots: &[(u16, &str)]) -> Reload {
    Reload::Replaced {
        library: library.to_owned(),
        generation,
        built: None,
        slots: slots.iter().map(|s| (s.0, s.1.to_owned())).collect(),
    }
}

#[test]
fn a_new_file_under_the_name_is_the_next_generation() {
    let lab = Lab::new();
    lab.compile("libf.so", &returning(1));
    let mut libraries = lab.bound(&[number("f", "f")]);
    let unchanged = Reload::Unchanged { library: "f".to_owned() };
    assert_eq!(libraries.reload(0), Ok(unchanged.clone()));
    for generation in 2..20 {
        lab.compile("libf.so", &returning(generation));
        let expected = replaced("f", generation as u32, &[(7, "f")]);
        assert_eq!(libraries.reload(0), Ok(expected));
        assert_eq!(ask(&mut libraries, 0, &[]), generation);
    }
    assert_eq!(libraries.reload(0), Ok(unchanged));
}

#[test]
fn a_file_overwritten_in_place_is_seen_and_the_old_code_unharmed() {
    let lab = Lab::new();
    let path = lab.compile("libf.so", &returning(1));
    let mut libraries = lab.bound(&[number("f", "f")]);
    let new = fs::read(lab.compile("libnew.so", &returning(2))).unwrap();
    fs::write(&path, &new).unwrap();
    assert_eq!(ask(&mut libraries, 0, &[]), 1);
    assert_eq!(libraries.reload(0), Ok(replaced("f", 2, &[(7, "f")])));
    assert_eq!(ask(&mut libraries, 0, &[]), 2);
    fs::write(&path, b"").unwrap();
    assert_eq!(libraries.reload(0).unwrap_err().diagnostic.code, Code::IncompleteLibrary);
    assert_eq!(ask(&mut libraries, 0, &[]), 2);
}

#[test]
fn a_change_back_to_the_first_version_is_a_change() {
    let lab = Lab::new();
    let path = lab.compile("libf.so", "static long n; long f(void) { return ++n; }");
    let first = fs::read(&path).unwrap();
    let mut libraries = lab.bound(&[number("f", "f")]);
    assert_eq!(ask(&mut libraries, 0, &[]), 1);
    lab.compile("libf.so", &returning(50));
    assert_eq!(libraries.reload(0), Ok(replaced("f", 2, &[(7, "f")])));
    fs::write(&path, &first).unwrap();
    assert_eq!(libraries.reload(0), Ok(replaced("f", 3, &[(7, "f")])));
    // It is loaded anew, not found among the old: its variables start over.
    assert_eq!(ask(&mut libraries, 0, &[]), 1);
}

#[test]
fn slots_of_one_library_change_together() {
    let lab = Lab::new();
    lab.compile("libf.so", "long f(void) { return 1; } long g(void) { return 10; }");
    let mut imports = [number("f", "f"), number("./libf.so", "g"), number("f", "g")];
    imports[1].slot = 8;
    imports[2].lazy = true;
    let mut libraries = lab.bound(&imports);
    lab.compile("libf.so", "long f(void) { return 2; } long g(void) { return 20; }");
    assert_eq!(libraries.reload(1), Ok(replaced("f", 2, &[(7, "f"), (8, "g")])));
    assert_eq!((ask(&mut libraries, 0, &[]), ask(&mut libraries, 1, &[])), (2, 20));
    libraries.bind(2).unwrap();
    assert_eq!(ask(&mut libraries, 2, &[]), 20);
}

#[test]
fn a_generation_that_lacks_anything_changes_nothing() {
    let lab = Lab::new();
    lab.compile("libf.so", "long f(void) { return 1; } long g(void) { return 10; }");
    let mut imports = [number("f", "f"), number("f", "g")];
    imports[0].version = None;
    let mut libraries = lab.bound(&imports);
    lab.compile("libf.so", &returning(2));
    let error = libraries.reload(0).unwrap_err();
    assert_eq!((error.import, error.diagnostic.code), (1, Code::MissingSymbol));
    fs::write(lab.file("libf.so"), "long f(void);").unwrap();
    assert_eq!(libraries.reload(1).unwrap_err().diagnostic.code, Code::NotALibrary);
    fs::remove_file(lab.file("libf.so")).unwrap();
    assert_eq!(libraries.reload(1).unwrap_err().diagnostic.code, Code::LibraryNotFound);
    assert_eq!((ask(&mut libraries, 0, &[]), ask(&mut libraries, 1, &[])), (1, 10));
}

#[test]
fn a_generation_of_another_version_changes_nothing() {
    let lab = Lab::new();
    let code =
        |n| format!("int get_version(void) {{ return {n}; }} long f(void) {{ return {n}; }}");
    lab.compile("libf.so", &code(1));
    let mut wanting = number("f", "f");
    wanting.version = Some(1);
    let mut libraries = lab.bound(&[wanting]);
    for _ in 0..3 {
        lab.compile("libf.so", &code(2));
        let error = libraries.reload(0).unwrap_err().diagnostic;
        assert_eq!(error.code, Code::VersionMismatch);
        assert_eq!((ask(&mut libraries, 0, &[]), libraries.version(0)), (1, Some(1)));
    }
}

#[test]
fn all_libraries_are_looked_at_and_failures_tried_again() {
    let lab = Lab::new();
    lab.compile("liba.so", &returning(1));
    lab.compile("libb.so", &returning(1));
    let mut unasked = number("d", "f");
    unasked.lazy = true;
    let imports = [number("a", "f"), number("b", "f"), number("c", "f"), unasked];
    let mut libraries = lab.libraries(&imports);
    assert_eq!(libraries.bind_all().unwrap_err().len(), 1);
    lab.compile("libb.so", &returning(2));
    let results = libraries.reload_changed();
    assert_eq!(results.len(), 3);
    assert_eq!(results[0], Ok(Reload::Unchanged { library: "a".to_owned() }));
    assert_eq!(results[1], Ok(replaced("b", 2, &[(7, "f")])));
    assert_eq!(results[2].as_ref().unwrap_err().import, 2);
    lab.compile("libc.so", &returning(3));
    assert_eq!(libraries.reload_changed()[2], Ok(replaced("c", 1, &[(7, "f")])));
    assert_eq!(ask(&mut libraries, 2, &[]), 3);
}

#[test]
fn a_file_that_is_being_written_all_the_time_does_no_harm() {
    let lab = Lab::new();
    let versions = [1, 2].map(|n| fs::read(lab.compile("libf.so", &returning(n))).unwrap());
    let mut libraries = lab.bound(&[number("f", "f")]);
    let done = AtomicBool::new(false);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        scope.spawn(|| {
            for version in versions.iter().cycle().take_while(|_| !done.load(Ordering::Relaxed)) {
                fs::write(lab.file("libf.so"), version).unwrap();
            }
        });
        let outcomes = (0..5).map(|_| (libraries.reload(0), libraries.call(0, &[], &mut [])));
        let outcomes = outcomes.collect();
        done.store(true, Ordering::Relaxed);
        outcomes
    });
    for (reload, answer) in outcomes {
        if let Err(error) = reload {
            let code = error.diagnostic.code;
            assert!(matches!(code, Code::StillChanging | Code::IncompleteLibrary), "{error:?}");
        }
        assert!([Ok(Some(1)), Ok(Some(2))].contains(&answer), "{answer:?}");
    }
}

#[test]
fn more_generations_than_descriptors_are_all_loaded_for_themselves() {
    let lab = Lab::new();
    let path = lab.compile("libf.so", "int stamp = 0x5eed5eed; int f(void) { return stamp; }");
    let mut bytes = fs::read(&path).unwrap();
    let seed = 0x5eed_5eed_u32.to_ne_bytes();
    let at = bytes.windows(4).position(|w| w == seed).unwrap();
    for stamp in 0..600i32 {
        bytes[at..at + 4].copy_from_slice(&stamp.to_ne_bytes());
        let loaded = open_private(&bytes, &path, false).unwrap();
        // SAFETY: the address is of the function `f` above.
        let f: extern "C" fn() -> i32 =
            unsafe { std::mem::transmute(loaded.address("f").unwrap()) };
        assert_eq!(f(), stamp);
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_is_turned_to_another_file_is_followed() {
    let lab = Lab::new();
    lab.compile("libf.so.1", &returning(1));
    lab.compile("libf.so.2", &returning(2));
    let link = |version: &str| {
        let _ = fs::remove_file(lab.file("libf.so"));
        std::os::unix::fs::symlink(lab.file(version), lab.file("libf.so")).unwrap();
    };
    link("libf.so.1");
    let mut libraries = lab.bound(&[number("f", "f")]);
    link("libf.so.2");
    assert_eq!(libraries.reload(0), Ok(replaced("f", 2, &[(7, "f")])));
    assert_eq!(ask(&mut libraries, 0, &[]), 2);
}
