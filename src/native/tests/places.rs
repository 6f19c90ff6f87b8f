//! Where libraries are found, and which are allowed.

use super::*;
use crate::diagnostics::{Code, Diagnostic};

const ONE: &str = "long f(void) { return 1; }";

fn failure(libraries: &mut Libraries) -> Diagnostic {
    libraries.bind(0).unwrap_err().diagnostic
}

#[test]
fn nothing_is_loaded_before_it_is_asked_for() {
    let lab = Lab::new();
    let mut lazy = number("nothing", "f");
    lazy.lazy = true;
    let mut libraries = lab.bound(&[lazy]);
    let error = libraries.bind(0).unwrap_err();
    assert_eq!((error.import, error.diagnostic.code), (0, Code::LibraryNotFound));
    lab.compile("libnothing.so", ONE);
    assert_eq!(libraries.bind(0), Ok(()));
    assert_eq!(libraries.bind(0), Ok(()));
    assert_eq!(ask(&mut libraries, 0, &[]), 1);
    assert_eq!(libraries.bind(5).unwrap_err().diagnostic.code, Code::BadIndex);
}

#[test]
fn all_failures_are_reported_once_each() {
    let lab = Lab::new();
    lab.compile("liba.so", "int table[4]; long f(void) { return 1; }");
    let imports = [
        number("a", "f"),
        number("a", "g"),
        number("missing", "x"),
        number("a", "table"),
        number("missing", "y"),
    ];
    let errors = lab.libraries(&imports).bind_all().unwrap_err();
    let codes: Vec<_> = errors.iter().map(|e| (e.import, e.diagnostic.code)).collect();
    let expected = [(1, Code::MissingSymbol), (3, Code::NotAFunction), (2, Code::LibraryNotFound)];
    assert_eq!(codes, expected);
    assert!(errors[2].diagnostic.notes.iter().any(|n| n.contains("`y`")), "{errors:?}");
}

#[cfg(unix)]
#[test]
fn links_and_paths_out_of_the_folder_are_refused() {
    let lab = Lab::new();
    let inside = lab.compile("libinside.so", ONE);
    fs::rename(&inside, lab.path("outside.so")).unwrap();
    std::os::unix::fs::symlink(lab.path("outside.so"), &inside).unwrap();
    for name in ["inside", "../outside.so", lab.path("outside.so").to_str().unwrap()] {
        let error = failure(&mut lab.libraries(&[number(name, "f")]));
        assert_eq!(error.code, Code::NotAllowed, "{name}");
        assert!(error.help.unwrap().contains("--allow-lib"), "{name}");
    }
    let settings = Settings { allow_libs: vec![lab.path("outside.so")], ..lab.settings() };
    let mut libraries = Libraries::new(vec![number("inside", "f")], settings);
    assert_eq!(libraries.bind_all(), Ok(()));
}

#[test]
fn without_native_code_nothing_is_loaded_or_built() {
    let lab = Lab::new();
    lab.compile("libf.so", ONE);
    lab.write("f.c", ONE);
    for name in ["f", "f.c"] {
        let settings = Settings { no_native: true, ..lab.settings() };
        let error = failure(&mut Libraries::new(vec![number(name, "f")], settings));
        assert_eq!(error.code, Code::NotAllowed);
        assert!(error.notes[0].contains("--no-native"));
    }
    assert!(!lab.path("cache").exists());
}

#[test]
fn sources_outside_are_not_built_even_if_named() {
    let lab = Lab::new();
    fs::write(lab.path("out.c"), ONE).unwrap();
    let settings = Settings { allow_libs: vec![lab.path("out.c")], ..lab.settings() };
    let error = failure(&mut Libraries::new(vec![number("../out.c", "f")], settings));
    assert_eq!(error.code, Code::NotAllowed);
    let settings = Settings { lib_dirs: vec![lab.path("")], ..lab.settings() };
    assert!(Libraries::new(vec![number("../out.c", "f")], settings).bind_all().is_ok());
}

#[cfg(target_os = "linux")]
#[test]
fn the_mathematics_library_is_there_by_its_bare_name() {
    let lab = Lab::new();
    let cos = import("m", "cos", &[CType::F64], CType::F64);
    let settings = || Settings { allow_system_libs: true, ..lab.settings() };
    let mut libraries = Libraries::new(vec![cos.clone(), number("m", "coz")], settings());
    libraries.bind(0).unwrap();
    assert_eq!(libraries.call(0, &[0], &mut []), Ok(Some(1f64.to_bits())));
    let error = libraries.bind(1).unwrap_err().diagnostic;
    assert_eq!(error.code, Code::MissingSymbol);
    assert!(error.help.unwrap().contains("cos"));
    let unchanged = super::super::Reload::Unchanged { library: "m".to_owned() };
    assert_eq!(libraries.reload(0), Ok(unchanged));
    let error = failure(&mut lab.libraries(&[cos]));
    assert!(error.help.unwrap().contains("--allow-system-libs"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_that_looks_beside_itself_finds_its_helper() {
    let lab = Lab::new();
    lab.compile("libhelper.so", "long help(void) { return 5; }");
    let folder = lab.file("");
    let at_helper = format!("-L{}", folder.display());
    let flags = [&*at_helper, "-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed", "-lhelper"];
    let code = "long help(void); long f(void) { return help() + 1; }";
    // The flags stand before the source, so the need must be unconditional.
    lab.compile_with("libmain.so", code, &flags);
    let mut libraries = lab.bound(&[number("main", "f")]);
    assert_eq!(ask(&mut libraries, 0, &[]), 6);
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_version_is_a_constant_or_a_function_and_must_agree() {
    let lab = Lab::new();
    lab.compile("libconst.so", "#include <hotvm.h>\nHOTVM_VERSION(4);\nlong f(void) { return 1; }");
    lab.compile("libfunc.so", "int get_version(void) { return 5; } long f(void) { return 1; }");
    lab.compile("libnone.so", ONE);
    let wanting = |library: &str, version| {
        let mut import = number(library, "f");
        import.version = version;
        let mut libraries = lab.libraries(&[import]);
        let bound = libraries.bind_all().map_err(|e| e[0].diagnostic.clone());
        (bound, libraries.version(0))
    };
    assert_eq!(wanting("const", Some(4)), (Ok(()), Some(4)));
    assert_eq!(wanting("func", Some(5)), (Ok(()), Some(5)));
    assert_eq!(wanting("none", None), (Ok(()), None));
    for (library, found) in [("const", "version 4"), ("func", "version 5"), ("none", "no version")]
    {
        let error = wanting(library, Some(9)).0.unwrap_err();
        assert_eq!(error.code, Code::VersionMismatch);
        assert!(error.message.contains(found) && error.message.contains('9'), "{error:?}");
    }
}
