//! Signatures as real compilers write them down, under many flags.

use super::types::Class;
use super::*;
use crate::diagnostics::Code;
use crate::isa::{CType, Import};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Functions of all kinds, with what is to be known of them.
const FUNCTIONS: &str = include_str!("../../../tests/bind/functions.c");

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Bench {
        Bench(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Compiles sources to a library; `None` where there is no such compiler.
    fn compile(&self, compiler: &str, flags: &str, sources: &[&str]) -> Option<Vec<u8>> {
        let ending = if compiler.ends_with("++") { "cpp" } else { "c" };
        let library = self.path("library.so");
        let mut command = Command::new(compiler);
        let headers = Path::new(env!("CARGO_MANIFEST_DIR")).join("native/include");
        command.args(["-shared", "-fPIC", "-w", "-I"]).arg(headers).arg("-o").arg(&library);
        command.args(flags.split_whitespace());
        for (index, source) in sources.iter().enumerate() {
            let file = self.path(&format!("source{index}.{ending}"));
            fs::write(&file, source).unwrap();
            command.arg(file);
        }
        let output = command.output().ok()?;
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{compiler} {flags}: {words}");
        Some(fs::read(library).unwrap())
    }

    fn strip(&self, arguments: &[&str]) -> Vec<u8> {
        let library = self.path("library.so");
        assert!(Command::new("strip").args(arguments).arg(&library).status().unwrap().success());
        fs::read(library).unwrap()
    }

    fn read(&self, library: &[u8]) -> Signatures {
        Signatures::read(library, &self.path("library.so"), |_| true)
    }

    fn cc(&self, flags: &str, source: &str) -> Signatures {
        self.read(&self.compile("cc", flags, &[source]).unwrap())
    }
}

/// The line, name and expectation of each function.
fn functions() -> impl Iterator<Item = (u64, &'static str, &'static str)> {
    (1..).zip(FUNCTIONS.lines()).filter_map(|(number, line)| {
        let comment = line.split_once(" /* ")?.1.strip_suffix(" */")?;
        let (name, expected) = comment.split_once(' ')?;
        Some((number, name, expected))
    })
}

fn check_all(signatures: &Signatures, source: Source, flags: &str) {
    for (line, name, expected) in functions() {
        let c = signatures.get(name).unwrap_or_else(|| panic!("{flags}: {name} is not known"));
        match c.suggested() {
            Ok(signature) => assert_eq!(signature.to_string(), expected, "{flags}: {name}"),
            Err(why) => assert!(why.contains(expected), "{flags}: {name}: {why}"),
        }
        assert_eq!(c.source, source, "{flags}: {name}");
        if source == Source::Dwarf {
            let declared = c.declared.as_ref().unwrap();
            assert_eq!(declared.line, line, "{flags}: {name}");
            assert!(declared.file.ends_with("source0.c"), "{flags}: {declared:?}");
        }
    }
}

#[test]
fn dwarf_of_gcc_is_read_under_all_flags() {
    for flags in [
        "-g -O0",
        "-g -O2",
        "-g3 -O1",
        "-g -gz",
        "-g -gdwarf-4",
        "-g -gdwarf-5",
        "-g -O2 -flto",
        "-g -O3 -flto -ffat-lto-objects",
        "-g -gdwarf-4 -fdebug-types-section",
        "-g -std=c99",
        "-g -Os -ffunction-sections -Wl,--gc-sections",
    ] {
        let signatures = Bench::new().cc(flags, FUNCTIONS);
        check_all(&signatures, Source::Dwarf, flags);
        assert_eq!(signatures.0.len(), functions().count(), "{flags}");
    }
}

#[test]
fn btf_is_read_without_any_dwarf() {
    let bench = Bench::new();
    // Each input has numbers of its own.
    let more = "float other(unsigned char c, float *f) { return c + *f; }";
    let library = bench.compile("cc", "-gbtf -O2", &[FUNCTIONS, more]).unwrap();
    let signatures = bench.read(&library);
    check_all(&signatures, Source::Btf, "-gbtf");
    assert_eq!(
        signatures.get("other").unwrap().declaration,
        "float other(unsigned char c, float *f)"
    );
}

#[test]
fn declarations_are_spelled_as_in_the_source() {
    let signatures = Bench::new().cc("-g", FUNCTIONS);
    for (name, expected) in [
        ("add", "int add(int a, int b)"),
        ("nothing", "void nothing(void)"),
        ("named", "number named(const number n, volatile number m)"),
        ("next", "enum colour next(enum colour c)"),
        ("norm", "double norm(const struct point *p, const double *weights)"),
        ("name_of", "char *name_of(int n)"),
        ("apply", "int apply(int (*f)(int, void *), void *data)"),
        ("format", "int format(const char *text, ...)"),
        ("mean", "double mean(const void *values, size_t size)"),
    ] {
        assert_eq!(signatures.get(name).unwrap().declaration, expected);
    }
}

#[test]
fn what_has_no_types_is_unchecked() {
    let bench = Bench::new();
    for flags in ["-g0", "-g1", "-g1 -O2 -flto"] {
        assert!(bench.cc(flags, FUNCTIONS).is_empty(), "{flags}");
    }
    bench.compile("cc", "-g", &[FUNCTIONS]).unwrap();
    assert!(bench.read(&bench.strip(&[])).is_empty());
    assert!(bench.read(b"no library").is_empty());
}

#[test]
fn a_manifest_survives_strip_and_comes_first() {
    let source = "#include <hotvm.h>\n\
        HOTVM_FUNCTION(shout, \"(bytes, cstr) -> ptr\", void *, (char *t, size_t n, const char *s))\n\
        { return n ? t : (void *)s; }\n\
        HOTVM_FUNCTION(told, \"(i32)\", void, (int));\n\
        void told(int n) { }\n\
        HOTVM_FUNCTION(odd, \"(int)\", void, (int n)) { }\n\
        HOTVM_EXPORT int plain(int n) { return n; }\n";
    let bench = Bench::new();
    for flags in ["-O2 -ffunction-sections -fdata-sections -Wl,--gc-sections -flto", "-g"] {
        bench.compile("cc", flags, &[source]).unwrap();
        let library = if flags == "-g" {
            fs::read(bench.path("library.so")).unwrap()
        } else {
            bench.strip(&[])
        };
        let signatures = bench.read(&library);
        let shout = signatures.get("shout").unwrap();
        assert_eq!(shout.source, Source::Manifest);
        assert_eq!(shout.suggested().unwrap().to_string(), "(bytes, cstr) -> ptr");
        assert_eq!(shout.declaration, "void *shout(char *t, size_t n, const char *s)");
        assert_eq!(shout.declared.as_ref().unwrap().line, 2);
        assert_eq!(signatures.get("told").unwrap().suggested().unwrap().to_string(), "(i32)");
        assert_eq!(signatures.get("plain").is_some(), flags == "-g");
        let error = signatures.check(&import("odd", "(i32)")).unwrap_err();
        assert_eq!(error.code, Code::BadManifest);
        assert!(error.notes[1].contains("no type `int`"), "{error:?}");
    }
}

#[test]
fn a_manifest_that_contradicts_the_function_is_found_out() {
    let source = "#include <hotvm.h>\n\
        HOTVM_FUNCTION(f, \"(i32)\", void, (double x)) { }\n\
        HOTVM_FUNCTION(g, \"(ptr, u64)\", void, (char *t, size_t n)) { }\n";
    let signatures = Bench::new().cc("-g", source);
    let error = signatures.check(&import("f", "(i32)")).unwrap_err();
    assert_eq!(error.code, Code::BadManifest);
    assert!(error.notes[1].contains("`double x`"), "{error:?}");
    assert!(signatures.check(&import("g", "(ptr, u64)")).is_ok());
    // The author says that it is no memory of the program.
    assert!(signatures.check(&import("g", "(bytes)")).is_err());
    assert!(signatures.check(&import("g", "(cstr, u64)")).is_err());
}

#[test]
fn names_are_those_of_symbols() {
    let bench = Bench::new();
    // Two functions of one name, of which one is exported; an alias; one chosen by the loader.
    let one = "static double twice(double x) { return 2 * x; } double user(double x) { return twice(x); }";
    let two = "int twice(int n) { return 2 * n; } int also(int n) __attribute__((alias(\"twice\")));\n\
        static void *choose(void) { return twice; }\n\
        long late(long n) __attribute__((ifunc(\"choose\")));\n";
    let signatures = bench.read(&bench.compile("cc", "-g -O0", &[one, two]).unwrap());
    assert_eq!(signatures.get("twice").unwrap().declaration, "int twice(int n)");
    assert_eq!(signatures.get("also").unwrap().declaration, "int also(int n)");
    assert!(signatures.get("late").is_none());
}

#[test]
fn overloads_of_cpp_are_told_apart() {
    let bench = Bench::new();
    let source = "int add(int a, int b) { return a + b; } double add(double a, double b) { return a + b; }\n\
        extern \"C\" float add3(float a, float &b, bool c) { return a + b + c; }\n\
        namespace deep { extern \"C\" long add4(long a) { return a; } }\n";
    let Some(library) = bench.compile("c++", "-g -O2", &[source]) else { return };
    let signatures = bench.read(&library);
    assert!(signatures.get("add").is_none());
    for (symbol, expected) in [
        ("_Z3addii", "(i32, i32) -> i32"),
        ("_Z3adddd", "(f64, f64) -> f64"),
        ("add3", "(f32, ptr, bool) -> f32"),
        ("add4", "(i64) -> i64"),
    ] {
        assert_eq!(signatures.get(symbol).unwrap().suggested().unwrap().to_string(), expected);
    }
}

#[test]
fn folded_functions_keep_their_own_signatures() {
    let bench = Bench::new();
    let source = "int plus(int a) { return a + 1; } unsigned more(unsigned a) { return a + 1; }\n\
        int same(int a) { return a + 1; }";
    let signatures = bench.cc("-g -O2", source);
    assert_eq!(signatures.get("plus").unwrap().declaration, "int plus(int a)");
    assert_eq!(signatures.get("more").unwrap().declaration, "unsigned int more(unsigned int a)");
    assert_eq!(signatures.get("same").unwrap().suggested().unwrap().to_string(), "(i32) -> i32");
}

#[test]
fn functions_of_the_old_style_take_promoted_values() {
    let signatures = Bench::new().cc(
        "-g -std=gnu89",
        "int old(c, x, n) char c; float x; long n; { return c + x + n; } int none() { return 1; }",
    );
    let classes: Vec<_> = signatures.get("old").unwrap().params.iter().map(|p| p.class).collect();
    assert_eq!(classes[1], Class::Float { size: 8 });
    assert!(matches!(classes[0], Class::Integer { size: 4, .. }));
    assert_eq!(signatures.get("none").unwrap().suggested().unwrap().to_string(), "() -> i32");
}

fn import(symbol: &str, signature: &str) -> Import {
    let (params, result) = signature.split_once(')').unwrap();
    let ty = |name: &str| CType::from_name(name.trim()).unwrap();
    let params = params.trim_start_matches('(').split(',').filter(|p| !p.is_empty()).map(ty);
    let result = result.trim().strip_prefix("->").map_or(CType::Void, ty);
    Import {
        slot: 0,
        library: "math_ops".to_owned(),
        symbol: symbol.to_owned(),
        signature: Signature { params: params.collect(), result },
        version: None,
        lazy: false,
    }
}

#[test]
fn rules_refuse_what_c_would_read_wrongly_and_nothing_else() {
    let signatures = Bench::new().cc("-g", FUNCTIONS);
    for (symbol, fitting, contradicting) in [
        (
            "add",
            "(i32, i32) -> i32|(i32, i32)",
            "(i32) -> i32|(i64, i32) -> i32|(u32, i32) -> i32|(f64, f64) -> f64|(i32, i32) -> i64|(bytes) -> i32|(i32, i32) -> ptr|(i32, i32, i32) -> i32",
        ),
        ("nothing", "()", "(i32)|() -> i32"),
        ("letter", "(i8) -> i8|(u8) -> u8", "(i32) -> i8|(bool) -> i8|(i8) -> bool"),
        ("next", "(i32) -> i32|(u32) -> u32", "(i64) -> i32|(f32) -> i32"),
        ("negate", "(bool) -> bool", "(u8) -> bool|(bool) -> u8|(i32) -> i32"),
        (
            "wide",
            "(i64, i64, u64) -> i64",
            "(i64, i64, i64) -> i64|(i32, i64, u64) -> i64|(ptr, i64, u64) -> i64",
        ),
        ("half", "(f32) -> f32", "(f64) -> f64|(i32) -> f32"),
        ("length", "(cstr) -> u64|(ptr) -> u64", "(bytes) -> u64|(u64) -> u64|(cstr) -> i32"),
        ("upper", "(bytes)|(cstr, u64)|(ptr, u64)", "(bytes, u64)|(ptr)|(ptr, u32)|(bytes) -> i32"),
        ("norm", "(ptr, ptr) -> f64", "(cstr, ptr) -> f64|(bytes) -> f64"),
        ("apply", "(ptr, ptr) -> i32|(ptr, cstr) -> i32", "(cstr, ptr) -> i32"),
        ("unknown", "(f64)", ""),
    ] {
        for signature in fitting.split('|') {
            assert_eq!(
                signatures.check(&import(symbol, signature)),
                Ok(()),
                "{symbol} {signature}"
            );
        }
        for signature in contradicting.split('|').filter(|s| !s.is_empty()) {
            let result = signatures.check(&import(symbol, signature)).map_err(|d| d.code);
            assert_eq!(result, Err(Code::SignatureMismatch), "{symbol} {signature}");
        }
    }
    for symbol in ["format", "by_value", "origin", "precise"] {
        let result = signatures.check(&import(symbol, "(i32) -> i32")).map_err(|d| d.code);
        assert_eq!(result, Err(Code::NotCallable), "{symbol}");
    }
}

#[test]
fn a_contradiction_shows_both_and_the_place() {
    let signatures = Bench::new().cc("-g", FUNCTIONS);
    let error = signatures.check(&import("mixed", "(i32, f32) -> f64")).unwrap_err();
    assert_eq!(error.message, "`mixed` in `math_ops` is not what its `.lib` says");
    assert_eq!(error.notes[0], "the `.lib` says   double mixed(int32_t, float)");
    assert_eq!(
        error.notes[1],
        "the library has  double mixed(int a, double b, float c, int64_t d)   (by its DWARF)"
    );
    assert_eq!(error.notes[2], "it takes 4 arguments, and the `.lib` passes 2");
    assert_eq!(error.notes[3], "argument 2 is `double b`, and the `.lib` passes `f32`");
    assert!(error.notes[4].ends_with("source0.c:20 declares it"), "{}", error.notes[4]);
    assert_eq!(error.help.as_deref(), Some("write `mixed (i32, f64, f32, i64) -> f64`"));
}

#[test]
fn damage_is_unknown_at_worst() {
    let bench = Bench::new();
    let source = "#include <hotvm.h>\nHOTVM_FUNCTION(f, \"(i32)\", void, (int x)) { } int g(int *a) { return *a; }";
    let sound = bench.compile("cc", "-gbtf -g -Wl,-z,noseparate-code", &[source]).unwrap();
    for at in (0..sound.len()).step_by(5) {
        let mut bytes = sound.clone();
        bytes[at] = bytes[at].wrapping_add(0x61);
        bench.read(&bytes);
        bench.read(&sound[..at]);
    }
}
