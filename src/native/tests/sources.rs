//! Source libraries: when they are built, when not, and what happens if they cannot be.

use super::super::{Config, Reload};
use super::*;
use crate::diagnostics::Code;
use std::time::Duration;

/// A lab whose compiler writes a line to a log each time it runs.
struct Workshop {
    lab: Lab,
    settings: Settings,
}

impl Workshop {
    fn new() -> Workshop {
        Workshop::with_script("exec cc \"$@\"")
    }

    /// A lab whose compiler is a shell script that ends with `script`.
    fn with_script(script: &str) -> Workshop {
        let lab = Lab::new();
        let (compiler, log) = (lab.path("my compiler"), lab.path("log"));
        let script = format!("#!/bin/sh\necho run >> '{}'\n{script}\n", log.display());
        fs::write(&compiler, script).unwrap();
        make_executable(&compiler);
        let cc = Some(compiler.to_str().unwrap().to_owned());
        let settings = Settings { config: Config { cc, ..Config::default() }, ..lab.settings() };
        Workshop { lab, settings }
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.lab.path("log")).unwrap_or_default().lines().count()
    }

    fn libraries(&self) -> Libraries {
        Libraries::new(vec![number("f.c", "f")], self.settings.clone())
    }

    /// Binds `f.c` in a new start of the program, and gives the function's result.
    fn start(&self) -> i64 {
        let mut libraries = self.libraries();
        libraries.bind_all().unwrap();
        ask(&mut libraries, 0, &[])
    }
}

#[cfg(unix)]
fn make_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_source_is_built_once_and_again_when_it_changes() {
    let workshop = Workshop::new();
    workshop.lab.write("f.c", "#include <hotvm.h>\nHOTVM_EXPORT int64_t f(void) { return 1; }");
    for _ in 0..3 {
        assert_eq!((workshop.start(), workshop.runs()), (1, 1));
    }
    workshop.lab.write("f.c", "long f(void) { return 2; }");
    assert_eq!((workshop.start(), workshop.runs()), (2, 2));
    workshop.lab.write("f.c", "#include <hotvm.h>\nHOTVM_EXPORT int64_t f(void) { return 1; }");
    assert_eq!((workshop.start(), workshop.runs()), (1, 2));
}

#[test]
fn headers_flags_and_compilers_count() {
    let mut workshop = Workshop::new();
    workshop.lab.write("my head.h", "#define VALUE 1");
    workshop.lab.write("f.c", "#include \"my head.h\"\nlong f(void) { return VALUE + MORE; }");
    workshop.settings.config.cflags = vec!["-DMORE=0".to_owned()];
    assert_eq!((workshop.start(), workshop.runs()), (1, 1));
    workshop.lab.write("my head.h", "#define VALUE 7");
    assert_eq!(workshop.start(), 7);
    let runs = workshop.runs();
    assert_eq!((workshop.start(), workshop.runs()), (7, runs));
    workshop.settings.config.cflags = vec!["-DMORE=100".to_owned()];
    assert_eq!(workshop.start(), 107);
    let log = fs::read_to_string(workshop.lab.path("my compiler")).unwrap();
    fs::write(workshop.lab.path("my compiler"), format!("{log}# another\n")).unwrap();
    let runs = workshop.runs();
    assert_eq!((workshop.start(), workshop.runs()), (107, runs + 1));
}

#[test]
fn a_damaged_cache_is_built_anew() {
    let workshop = Workshop::new();
    workshop.lab.write("f.c", "long f(void) { return 3; }");
    assert_eq!((workshop.start(), workshop.runs()), (3, 1));
    for file in fs::read_dir(workshop.lab.path("cache/libraries")).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(3000);
        fs::write(&path, bytes).unwrap();
    }
    assert_eq!((workshop.start(), workshop.runs()), (3, 2));
    assert_eq!((workshop.start(), workshop.runs()), (3, 2));
    let left = fs::read_dir(workshop.lab.path("cache/work")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_header_edited_while_the_compiler_runs_does_not_stay_unseen() {
    // The first time, the header changes after the compiler has read it.
    let edit = "cc \"$@\" || exit 1\n\
        test -e edited || { touch edited; echo '#define VALUE 2' > value.h; }";
    let workshop = Workshop::with_script(edit);
    workshop.lab.write("value.h", "#define VALUE 1");
    workshop.lab.write("f.c", "#include \"value.h\"\nlong f(void) { return VALUE; }");
    assert_eq!((workshop.start(), workshop.runs()), (2, 2));
    assert_eq!((workshop.start(), workshop.runs()), (2, 2));
}

#[test]
fn a_source_edited_while_the_compiler_runs_does_not_stay_unseen() {
    let edit = "cc \"$@\" || exit 1\n\
        test -e edited || { touch edited; echo 'long f(void) { return 2; }' > f.c; }";
    let workshop = Workshop::with_script(edit);
    workshop.lab.write("f.c", "long f(void) { return 1; }");
    assert_eq!((workshop.start(), workshop.runs()), (2, 2));
}

#[test]
fn sources_that_never_rest_are_given_up() {
    let workshop = Workshop::with_script("cc \"$@\" || exit 1\necho '//' >> f.c");
    workshop.lab.write("f.c", "long f(void) { return 1; }\n");
    let error = workshop.libraries().bind(0).unwrap_err().diagnostic;
    assert_eq!(error.code, Code::StillChanging);
}

#[test]
fn programs_that_start_at_once_share_the_cache() {
    let workshop = Workshop::new();
    workshop.lab.write("f.c", "long f(void) { return 4; }");
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6).map(|_| scope.spawn(|| workshop.start())).collect();
        for start in starts {
            assert_eq!(start.join().unwrap(), 4);
        }
    });
    let runs = workshop.runs();
    assert_eq!((workshop.start(), workshop.runs()), (4, runs));
}

#[test]
fn a_reload_rebuilds_and_a_failed_build_keeps_the_old() {
    let workshop = Workshop::new();
    workshop.lab.write("f.c", "long f(void) { return 1; }");
    let mut libraries = workshop.libraries();
    libraries.bind_all().unwrap();
    workshop.lab.write("f.c", "long f(void) { return 1 }");
    let error = libraries.reload(0).unwrap_err().diagnostic;
    assert_eq!(error.code, Code::BuildFailed);
    let words = &error.notes[0];
    assert!(words.contains("f.c:1:") && words.contains("error:"), "{words}");
    assert_eq!(ask(&mut libraries, 0, &[]), 1);
    workshop.lab.write("f.c", "long f(void) { return 2; }");
    let Ok(Reload::Replaced { generation: 2, built: Some(time), .. }) = libraries.reload(0) else {
        panic!("not replaced")
    };
    assert!(time > Duration::ZERO);
    assert_eq!(ask(&mut libraries, 0, &[]), 2);
    let unchanged = Reload::Unchanged { library: "f.c".to_owned() };
    assert_eq!(libraries.reload(0), Ok(unchanged));
}

#[test]
fn warnings_are_told() {
    let workshop = Workshop::new();
    workshop.lab.write("f.c", "long f(void) { int unused; return 1; }");
    let mut libraries = workshop.libraries();
    let heard = listen(&mut libraries);
    libraries.bind_all().unwrap();
    let warnings = heard.warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].code, Code::BuildWarning);
    assert!(warnings[0].notes[0].contains("unused"));
}

#[test]
fn a_missing_compiler_is_an_error_that_says_what_to_do() {
    let lab = Lab::new();
    lab.write("f.c", "long f(void) { return 1; }");
    for cc in ["no-such-compiler -O2", "./nowhere/cc", "/nowhere/cc"] {
        let config = Config { cc: Some(cc.to_owned()), ..Config::default() };
        let settings = Settings { config, ..lab.settings() };
        let error = Libraries::new(vec![number("f.c", "f")], settings).bind(0).unwrap_err();
        let error = error.diagnostic;
        assert_eq!(error.code, Code::NoCompiler);
        assert!(error.notes[0].contains(cc) && error.notes[0].contains("hotvm.toml"), "{error:?}");
        assert!(error.help.unwrap().contains("gcc"));
    }
}

#[test]
fn compilers_may_have_arguments_and_cflags_libraries() {
    let lab = Lab::new();
    lab.write(
        "f.c",
        "#include <math.h>\n#include <hotvm.h>\nlong f(void) { return VALUE; }
        double wave(double x) { return cos(x); }",
    );
    let config = Config { cc: Some("cc -DVALUE=6".to_owned()), ..Config::default() };
    let wave = import("f.c", "wave", &[CType::F64], CType::F64);
    let settings = Settings { config, ..lab.settings() };
    let mut libraries = Libraries::new(vec![number("f.c", "f"), wave], settings);
    libraries.bind_all().unwrap();
    assert_eq!(ask(&mut libraries, 0, &[]), 6);
    assert_eq!(libraries.call(1, &[0], &mut []), Ok(Some(1f64.to_bits())));
}

#[test]
fn rust_sources_are_built_too() {
    let lab = Lab::new();
    let code = |n| {
        format!("mod part;\n#[no_mangle]\npub extern \"C\" fn f() -> i64 {{ part::N + {n} }}\n")
    };
    lab.write("part.rs", "pub const N: i64 = 1;");
    lab.write("f.rs", &code(10));
    let mut libraries = lab.bound(&[number("f.rs", "f")]);
    assert_eq!(ask(&mut libraries, 0, &[]), 11);
    lab.write("part.rs", "pub const N: i64 = 2;");
    assert!(matches!(libraries.reload(0), Ok(Reload::Replaced { generation: 2, .. })));
    assert_eq!(ask(&mut libraries, 0, &[]), 12);
    lab.write("f.rs", "fn {");
    let error = libraries.reload(0).unwrap_err().diagnostic;
    assert!(error.code == Code::BuildFailed && error.notes[0].contains("f.rs"), "{error:?}");
}

#[test]
fn the_libraries_of_the_project_itself_work() {
    let native = Path::new(env!("CARGO_MANIFEST_DIR")).join("native");
    let lab = Lab::new();
    use CType::*;
    let imports = vec![
        import("math_ops.c", "math_add", &[I32, I32], I32),
        import("text_ops.c", "text_upper", &[Bytes], Void),
        import("text_ops.c", "text_reverse", &[Bytes], Void),
        import("text_ops.c", "text_count", &[Cstr, U8], I64),
        import("text_ops.c", "text_is_palindrome", &[Bytes], Bool),
        import("text_ops.c", "text_hash", &[Bytes], U64),
        import("stats.c", "stats_variance", &[Bytes], F64),
        import("stats.c", "hypot3", &[F64, F64, F64], F64),
        import("stats.c", "logistic", &[F64], F64),
    ];
    let settings = Settings { program_dir: native, ..lab.settings() };
    let mut libraries = Libraries::new(imports, settings);
    let heard = listen(&mut libraries);
    libraries.bind_all().unwrap();
    assert_eq!(heard.warnings(), []);
    assert_eq!((libraries.version(0), libraries.version(1)), (Some(1), Some(1)));
    assert_eq!(ask(&mut libraries, 0, &[10, 5]), 15);
    let mut memory = *b"abcba!\0\0";
    let mut call = |import, args: &[u64]| libraries.call(import, args, &mut memory).unwrap();
    assert_eq!(call(4, &[0, 5]), Some(1));
    assert_eq!(call(4, &[0, 6]), Some(0));
    assert_eq!(call(3, &[0, u64::from(b'b')]), Some(2));
    // The published value of this hash for "a".
    assert_eq!(call(5, &[0, 1]), Some(0xaf63_dc4c_8601_ec8c));
    call(2, &[2, 4]);
    call(1, &[0, 6]);
    assert_eq!(&memory, b"AB!ABC\0\0");
    let mut values: Vec<u8> =
        [2f64, 4., 4., 4., 5., 5., 7., 9.].iter().flat_map(|v| v.to_le_bytes()).collect();
    let float = |cell: Option<u64>| f64::from_bits(cell.unwrap());
    assert_eq!(float(libraries.call(6, &[0, 64], &mut values).unwrap()), 4.0);
    let sides = [2f64, 3., 6.].map(f64::to_bits);
    assert_eq!(float(libraries.call(7, &sides, &mut []).unwrap()), 7.0);
    assert_eq!(float(libraries.call(8, &[0], &mut []).unwrap()), 0.5);
}
