//! Signatures, as binding and reloading check them.

use super::*;
use crate::diagnostics::Code;
use crate::native::{EventKind, EventSink, Reload};
use std::sync::{Arc, Mutex};

const ADD: &str = "int add(int a, int b) { return a + b; }";

fn add(library: &str) -> Import {
    import(library, "add", &[CType::I32, CType::I32], CType::I32)
}

#[test]
fn a_contradiction_stops_the_binding_before_anything_of_the_library_runs() {
    let lab = Lab::new();
    let trace = lab.path("trace");
    let code = format!(
        "#include <stdio.h>\n__attribute__((constructor)) static void loaded(void) \
         {{ fclose(fopen(\"{}\", \"w\")); }}\n{ADD}",
        trace.display()
    );
    lab.compile_with("x.so", &code, &["-g"]);
    let mut libraries =
        lab.libraries(&[import("./x.so", "add", &[CType::I64, CType::I64], CType::I64)]);
    let errors = libraries.bind_all().unwrap_err();
    assert_eq!(errors[0].diagnostic.code, Code::SignatureMismatch);
    assert!(!trace.exists());

    let mut libraries = lab.bound(&[add("./x.so")]);
    assert_eq!(ask(&mut libraries, 0, &[2, 3]), 5);
    assert!(trace.exists());
}

#[test]
fn a_changed_signature_is_refused_at_a_reload_and_the_old_code_answers() {
    let lab = Lab::new();
    lab.write("x.c", "int add(int a, int b) { return a + b; } int one(void) { return 1; }");
    let mut libraries = lab.bound(&[add("x.c"), import("x.c", "one", &[], CType::I32)]);
    for bad in [
        "long add(long a, long b) { return a * b; }",
        "int add(int a) { return a; }",
        "struct pair { int a, b; }; struct pair add(int a, int b) { return (struct pair){a, b}; }",
    ] {
        lab.write("x.c", &format!("{bad} int one(void) {{ return 2; }}"));
        let error = libraries.reload(0).unwrap_err();
        let place = lab.file("x.c").canonicalize().unwrap();
        let expected = format!("{}:1 declares it", place.display());
        assert_eq!(error.diagnostic.notes.last(), Some(&expected), "{error:?}");
        assert_eq!((ask(&mut libraries, 0, &[2, 3]), ask(&mut libraries, 1, &[])), (5, 1));
    }
    lab.write("x.c", "int add(int a, int b) { return a * b; } int one(void) { return 3; }");
    assert!(matches!(libraries.reload(0), Ok(Reload::Replaced { generation: 2, .. })));
    assert_eq!((ask(&mut libraries, 0, &[2, 3]), ask(&mut libraries, 1, &[])), (6, 3));
}

#[test]
fn a_slot_that_is_bound_later_is_checked_too() {
    let lab = Lab::new();
    lab.compile_with("x.so", ADD, &["-g"]);
    let wrong = Import { lazy: true, ..import("./x.so", "add", &[CType::F64], CType::F64) };
    let mut libraries = lab.bound(&[add("./x.so"), wrong]);
    // What counts is the library that is loaded, not what lies in its place by now.
    lab.compile_with("x.so", "double add(double x) { return x; }", &["-g"]);
    assert_eq!(libraries.bind(1).unwrap_err().diagnostic.code, Code::SignatureMismatch);
    assert_eq!(ask(&mut libraries, 0, &[2, 3]), 5);
}

#[test]
fn what_is_unchecked_is_told_once_and_again_when_it_becomes_so() {
    let lab = Lab::new();
    let (sink, lines) = unchecked_lines();
    let bound = |imports: &[Import]| {
        let mut libraries = lab.libraries(imports);
        libraries.on_event(sink.clone());
        libraries.bind_all().unwrap();
        libraries
    };
    let told = || std::mem::take(&mut *lines.lock().unwrap());
    lab.compile("x.so", ADD);
    let mut libraries = bound(&[add("./x.so")]);
    let expected = ["x.so: signatures unchecked (no manifest, BTF or DWARF)"];
    assert_eq!(told(), expected);
    lab.compile("x.so", "int add(int a, int b) { return a - b; }");
    libraries.reload(0).unwrap();
    assert!(told().is_empty());

    lab.compile_with("y.so", ADD, &["-g"]);
    let mut libraries = bound(&[add("./y.so")]);
    assert!(told().is_empty());
    lab.compile("y.so", "int add(int a, int b) { return a - b; }");
    libraries.reload(0).unwrap();
    assert_eq!(told().len(), 1);

    let partly = "#include <hotvm.h>\nHOTVM_FUNCTION(known, \"()\", void, (void)) { }\n";
    lab.compile("z.so", &format!("{partly}{ADD}"));
    bound(&[add("./z.so"), import("./z.so", "known", &[], CType::Void)]);
    let line = "z.so: the signature of add is unchecked (not in its manifest, BTF or DWARF)";
    assert_eq!(told(), [line]);
}

/// A sink that keeps what it is told of unchecked functions.
fn unchecked_lines() -> (EventSink, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let sink = EventSink::new(move |event| {
        if let EventKind::Unchecked(unchecked) = &event.kind {
            kept.lock().unwrap().push(unchecked.to_string());
        }
    });
    (sink, lines)
}
