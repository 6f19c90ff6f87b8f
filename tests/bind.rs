//! `hotvm bind`, on files that real compilers make: for this system, Windows and macOS. A test whose
//! compiler is not installed is shown as ignored, except in CI, which installs them all.

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MINGW: &str = "x86_64-w64-mingw32-gcc";

fn main() {
    let trial = |name: &str, needs: &[&str], test: fn() -> Result<(), Failed>| {
        let installed = needs.iter().all(|tool| is_installed(tool));
        let ignored = !installed && std::env::var_os("CI").is_none();
        Trial::test(name, test).with_ignored_flag(ignored)
    };
    let trials = vec![
        trial("lines_can_be_pasted_into_a_program", &["cc"], lines_can_be_pasted),
        trial("a_contradiction_stops_a_program", &["cc"], a_contradiction_stops_a_program),
        trial("a_whole_library_is_bound_by_name", &["cc"], a_whole_library_is_bound_by_name),
        trial("whole_libraries_go_wrong_at_their_line", &["cc"], whole_libraries_go_wrong),
        trial("sources_are_built_first", &["cc"], sources_are_built_first),
        trial("clang_writes_the_same_types", &["clang"], clang_writes_the_same_types),
        trial("a_dll_is_read", &[MINGW], a_dll_is_read),
        trial("a_dylib_is_read", &["clang", "ld.lld"], a_dylib_is_read),
        trial("rust_functions_are_bound", &["rustc"], rust_functions_are_bound),
        trial("what_is_no_library_is_named", &["cc"], what_is_no_library_is_named),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn is_installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A compiler with `hotvm.h` at hand, writing to `output`.
fn compiler(program: &str, flags: &str, output: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(flags.split_whitespace()).arg("-I").arg(root().join("native/include"));
    command.arg("-o").arg(output);
    command
}

fn run(command: &mut Command) -> Result<String, Failed> {
    let output = command.output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("{command:?}:\n{}", text(&output.stderr)).into()),
    }
}

fn hotvm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotvm"));
    command.args(arguments).current_dir(folder).env("HOTVM_CACHE_DIR", folder.join("cache"));
    command
}

fn bind_json(library: &Path) -> Result<Value, Failed> {
    let folder = library.parent().unwrap();
    let name = library.file_name().unwrap().to_str().unwrap();
    Ok(serde_json::from_str(&run(&mut hotvm(folder, &["bind", name, "--json"]))?)?)
}

/// Compares with the comments in functions.c.
fn check_all(library: &Path, source: &str) -> Result<(), Failed> {
    let json = bind_json(library)?;
    let functions = json["functions"].as_array().unwrap();
    let text = fs::read_to_string(root().join("tests/bind/functions.c"))?;
    let mut count = 0;
    for (line, code) in (1..).zip(text.lines()) {
        let Some((_, comment)) = code.split_once(" /* ") else { continue };
        let (name, expected) = comment.trim_end_matches(" */").split_once(' ').unwrap();
        let found = functions.iter().find(|f| f["symbol"] == name).ok_or(name)?;
        let why = found["not_bound"].as_str();
        assert!(
            found["signature"] == expected || why.is_some_and(|why| why.contains(expected)),
            "{name}: {found}"
        );
        assert_eq!((&found["source"], &found["line"]), (&source.into(), &line.into()), "{name}");
        count += 1;
    }
    assert_eq!(functions.len(), count);
    Ok(())
}

fn functions_c() -> PathBuf {
    root().join("tests/bind/functions.c")
}

fn lines_can_be_pasted() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let library = folder.path().join("libodd names.so");
    let source = folder.path().join("source.c");
    fs::write(
        &source,
        "int add(int a, int b) { return a + b; }\nint len(void) { return 3; }\nstruct s { int a; }; int by_value(struct s s) { return s.a; }\n",
    )?;
    run(compiler("cc", "-shared -fPIC -g", &library).arg(&source))?;
    let lines = run(&mut hotvm(folder.path(), &["bind", "libodd names.so"]))?;
    let source = source.canonicalize()?.strip_prefix(folder.path().canonicalize()?)?.to_owned();
    let source = source.display();
    assert_eq!(
        lines,
        format!(
            ".lib 0 \"./libodd names.so\" add (i32, i32) -> i32    ; {source}:1\n\
             .lib 1 \"./libodd names.so\" len () -> i32            ; {source}:2\n\
             ; not bound: by_value: argument 1 is `struct s s`, passed by value    ; {source}:3\n"
        )
    );
    let program =
        format!("{lines}PUSH 2\nPUSH 3\nCALL_NATIVE add\nPRINT\nCALL_NATIVE 1\nPRINT\nHALT\n");
    fs::write(folder.path().join("program.vasm"), program)?;
    let output = hotvm(folder.path(), &["run", "program.vasm"]).output()?;
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "5\n3\n");
    Ok(())
}

fn a_contradiction_stops_a_program() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("half.c"), "double half(double x) { return x / 2; }\n")?;
    let program = ".lib 0 \"half.c\" half (i32) -> i32\nPUSH 6\nCALL_NATIVE half\nPRINT\nHALT\n";
    fs::write(folder.join("program.vasm"), program)?;
    let output = hotvm(folder, &["run", "program.vasm"]).output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4));
    for words in [
        "E0616",
        "int32_t half(int32_t)",
        "double half(double x)",
        "half.c:1 declares it",
        "write `half (f64) -> f64`",
        "program.vasm:1:1",
    ] {
        assert!(stderr.contains(words), "{words}: {stderr}");
    }

    let library = folder.join("half.so");
    run(compiler("cc", "-shared -fPIC", &library).arg(folder.join("half.c")))?;
    let program = ".lib 0 \"half.so\" half (f64) -> f64\nPUSH 6.0\nCALL_NATIVE half\nPRINT\nHALT\n";
    fs::write(folder.join("program.vasm"), program)?;
    let output = hotvm(folder, &["run", "program.vasm"]).output()?;
    let notice = "[hotvm] half.so: signatures unchecked (no manifest, BTF or DWARF)\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), notice);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "3.0\n");
    Ok(())
}

const WHOLE: &str = "\
.lib 1 \"math.c\" mul
.lib \"math.c\"
PUSH 3.0
CALL_NATIVE half
PRINT
PUSH 3
PUSH 4
CALL_NATIVE mul
CALL_NATIVE also
PRINT
HALT
";

const MATH: &str = "\
int mul(int a, int b) { return a * b; }
long unused(void) { return 1; }
double half(double x) { return x / 2; }
long also(int n) { return n; }
struct s { int a; }; int by_value(struct s s) { return s.a; }
";

fn a_whole_library_is_bound_by_name() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("math.c"), MATH)?;
    fs::write(folder.join("program.vasm"), WHOLE)?;
    assert_eq!(run(&mut hotvm(folder, &["run", "program.vasm"]))?, "1.5\n12\n");
    // Slots are the first free ones, by name; what nothing names is no slot.
    run(&mut hotvm(folder, &["asm", "program.vasm", "-o", "program.vbc"]))?;
    let text = run(&mut hotvm(folder, &["dis", "program.vbc"]))?;
    let libs: Vec<_> = text.lines().filter(|line| line.starts_with(".lib")).collect();
    let expected = [
        ".lib 1 \"math.c\" mul",
        ".lib 0 \"math.c\" also (i32) -> i64",
        ".lib 2 \"math.c\" half (f64) -> f64",
    ];
    assert_eq!(libs, expected);
    // The disassembled text needs no look into the library.
    fs::remove_file(folder.join("math.c"))?;
    fs::write(folder.join("again.vasm"), text)?;
    run(&mut hotvm(folder, &["asm", "again.vasm", "-o", "again.vbc"]))?;
    assert!(fs::read(folder.join("again.vbc"))? == fs::read(folder.join("program.vbc"))?);
    Ok(())
}

fn whole_libraries_go_wrong() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("math.c"), MATH)?;
    fs::write(folder.join("more.c"), "double half(double x) { return x; }")?;
    for (program, words) in [
        (".lib \"missing.so\"\nHALT", ["there is no library `missing.so`", ":1:6"]),
        (".lib \"math.c\"\nCALL_NATIVE haf\nHALT", ["did you mean `half`?", ":2:13"]),
        (".lib \"math.c\"\nCALL_NATIVE by_value\nHALT", ["passed by value", ":2:13"]),
        (
            ".lib \"math.c\"\n.lib \"more.c\"\nCALL_NATIVE half\nHALT",
            ["a function of both \"math.c\" and \"more.c\"", ":3:13"],
        ),
        (".lib \"../math.c\"\nHALT", ["../math.c", ":1:6"]),
        (".lib \"m\"\nHALT", ["--allow-system-libs", ":1:6"]),
        (".lib\nHALT", ["E01", ":1:"]),
    ] {
        fs::write(folder.join("program.vasm"), program)?;
        let output = hotvm(folder, &["run", "program.vasm"]).output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{program}: {stderr}");
        assert!(words.iter().all(|words| stderr.contains(words)), "{program}: {stderr}");
    }
    Ok(())
}

fn sources_are_built_first() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let source = root().join("native/text_ops.c");
    let lines = run(&mut hotvm(folder.path(), &["bind", source.to_str().unwrap()]))?;
    assert!(lines.contains(" text_count (cstr, u8) -> i64 "), "{lines}");
    assert!(lines.contains(" text_upper (bytes) "), "{lines}");
    Ok(())
}

fn clang_writes_the_same_types() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let library = folder.path().join("library.so");
    for flags in ["-g -O0", "-g -O2", "-g -gdwarf-4", "-g -gdwarf-5 -O1", "-g -gz"] {
        let flags = format!("{flags} -shared -fPIC -w");
        run(compiler("clang", &flags, &library).arg(functions_c()))?;
        check_all(&library, "DWARF").map_err(|e| format!("{flags}: {e:?}"))?;
    }
    Ok(())
}

/// With debug information, and stripped with a manifest.
fn a_dll_is_read() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let library = folder.path().join("text_ops.dll");
    run(compiler(MINGW, "-shared -g -w", &library).arg(root().join("native/math_ops.c")))?;
    let json = bind_json(&library)?;
    assert_eq!((&json["format"], &json["library"]), (&"PE".into(), &"./text_ops.dll".into()));
    let names: Vec<_> =
        json["functions"].as_array().unwrap().iter().map(|f| &f["symbol"]).collect();
    assert_eq!(names, ["get_version", "math_add", "math_mul"]);
    let add = &json["functions"][1];
    assert_eq!((&add["signature"], &add["line"]), (&"(i32, i32) -> i32".into(), &9.into()));

    run(compiler(MINGW, "-shared -O2 -s", &library).arg(root().join("native/text_ops.c")))?;
    check_text_ops(&bind_json(&library)?)
}

fn check_text_ops(json: &Value) -> Result<(), Failed> {
    let functions = json["functions"].as_array().unwrap();
    let bound: Vec<_> = functions
        .iter()
        .map(|f| format!("{} {}", f["symbol"].as_str().unwrap(), f["signature"].as_str().unwrap()))
        .collect();
    let expected = [
        "text_count (cstr, u8) -> i64",
        "text_hash (bytes) -> u64",
        "text_is_palindrome (bytes) -> bool",
        "text_reverse (bytes)",
        "text_upper (bytes)",
    ];
    assert_eq!(bound, expected);
    assert!(functions.iter().all(|f| f["source"] == "manifest"));
    Ok(())
}

/// macOS keeps debug information out of libraries, so the manifest tells.
fn a_dylib_is_read() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let library = folder.path().join("libtext_ops.dylib");
    let flags = "-target x86_64-apple-macos11 -ffreestanding -fuse-ld=lld -nostdlib -dynamiclib \
                 -Wl,-undefined,dynamic_lookup -g -w";
    run(compiler("clang", flags, &library).arg(root().join("native/text_ops.c")))?;
    let json = bind_json(&library)?;
    assert_eq!(json["format"], "Mach-O");
    check_text_ops(&json)?;

    // For two machines, as macOS ships them: a big-endian table in front of the files.
    let thin = fs::read(&library)?;
    let (start, size) = (4096_u32, u32::try_from(thin.len())?);
    let fields = [0xcafe_babe, 1, 0x0100_0007, 3, start, size, 12];
    let mut fat: Vec<u8> = fields.iter().flat_map(|field: &u32| field.to_be_bytes()).collect();
    fat.resize(start as usize, 0);
    fat.extend(thin);
    fs::write(&library, fat)?;
    check_text_ops(&bind_json(&library)?)
}

fn rust_functions_are_bound() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let source = "#[no_mangle]\npub extern \"C\" fn scale(by: f32, count: u16, on: bool) -> i64 \
                  { (by * count as f32) as i64 + on as i64 }\n\
                  #[no_mangle]\npub unsafe extern \"C\" fn sum(data: *const u8, size: usize) -> u32 \
                  { std::slice::from_raw_parts(data, size).iter().map(|&b| b as u32).sum() }\n";
    fs::write(folder.path().join("functions.rs"), source)?;
    let lines = run(&mut hotvm(folder.path(), &["bind", "functions.rs"]))?;
    assert!(lines.contains(" scale (f32, u16, bool) -> i64 "), "{lines}");
    assert!(lines.contains(" sum (bytes) -> u32 "), "{lines}");
    Ok(())
}

fn what_is_no_library_is_named() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    fs::write(folder.join("text.so"), "hello\n")?;
    fs::write(folder.join("cut.so"), b"\x7fELF\x02\x01")?;
    fs::write(folder.join("windows.dll"), b"MZ\x90\0\x03")?;
    for (name, code, words) in [
        ("text.so", 1, "a text, not a shared library"),
        ("cut.so", 1, "incomplete"),
        ("windows.dll", 1, "cannot be read"),
        ("missing.so", 1, "there is no library"),
    ] {
        let output = hotvm(folder, &["bind", name]).output()?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {stderr}");
        assert!(stderr.contains(words), "{name}: {stderr}");
        assert!(output.stdout.is_empty());
    }
    Ok(())
}
