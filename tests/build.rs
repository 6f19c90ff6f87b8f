//! Programs compiled ahead of time do what they do when they are run.
//!
//! Each golden program that runs is built and compared with its own expectations. `cargo test --test
//! build sieve` runs those whose path contains `sieve`.

mod common;

use common::{Lab, finish};
use hotvm::diagnostics::Sources;
use hotvm::tools::golden::Expectations;
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Where the programs are.
const FOLDERS: [&str; 4] =
    ["asm-examples", "benches/peers/engines", "tests/programs", "tests/trapped"];

/// Programs that do something else when they are compiled, and why.
const LEFT_OUT: [(&str, &str); 1] = [(
    "recursion_of_two.vasm",
    "which of the two is the one too many is up to the machine's stack",
)];

fn main() -> ExitCode {
    let mut trials: Vec<_> = FOLDERS.iter().flat_map(|folder| programs(folder)).collect();
    for (name, test) in [
        ("library", a_program_as_a_library_is_called_and_reloaded as fn()),
        ("object", an_object_is_linked_into_a_program),
        ("trap", a_trap_in_a_library_is_a_crash_that_the_guard_catches),
        ("beside", a_library_beside_the_program_is_loaded_when_it_starts),
        ("errors", what_cannot_be_built_is_told),
    ] {
        trials.push(Trial::test(name, move || {
            test();
            Ok(())
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn programs(folder: &str) -> Vec<Trial> {
    let entries = Path::new(folder).read_dir().unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "vasm"));
    paths.retain(|path| LEFT_OUT.iter().all(|(name, _)| !path.ends_with(name)));
    paths.sort();
    let trial = |path: PathBuf| Trial::test(path.display().to_string(), move || check(&path));
    paths.into_iter().map(trial).collect()
}

/// Builds a program and compares what it does with its expectations.
fn check(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let source = Sources::new().add_text("program", &*text);
    let expected = Expectations::parse(&text, source).map_err(|error| error.message)?;
    let lab = Lab::new();
    let program = lab.path("program");
    let here = std::env::current_dir()?;
    let mut build = lab.hotvm(["build", "-o"]);
    build.arg(&program).arg(here.join(path));
    build.args(expected.with.iter().map(|file| here.join(path.with_file_name(file))));
    build.args(&expected.flags);
    finish(&mut build, b"").done();
    let ended = finish(Command::new(program).args(&expected.args), &expected.stdin);
    assert_eq!(String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&expected.stdout));
    // A trap, which hotvm reports as an error, ends with 3.
    assert_eq!(ended.status, Some(expected.exit_status().into()), "{}", ended.stderr);
    for error in &expected.errors {
        assert!(ended.stderr.contains(&format!("[{}]", error.code)), "{}", ended.stderr);
        if let Some((line, column)) = error.at {
            assert!(ended.stderr.contains(&format!(":{line}:{column}, in `")), "{}", ended.stderr);
        }
    }
    Ok(())
}

/// A program that is to become a library: it counts in a global, and in memory.
fn counter(step: u32) -> String {
    format!(
        ".global count: i64 = 100\n.zero cell 8\n\
         .func next -> i64\nLOAD count\nPUSH {step}\nADD\nTEE count\n\
         PUSH cell\nPUSH cell\nLD64\nPUSH 1\nADD\nST64\nPUSH cell\nLD64\nPUSH 1000\nMUL\nADD\nRET\n.end\n\
         .func half (x: f64) -> f64\nLOAD x\nPUSH 2.0\nDIV\nRET\n.end\nHALT\n"
    )
}

fn a_program_as_a_library_is_called_and_reloaded() {
    let lab = Lab::new();
    let build = |step| {
        lab.write("counter.vasm", counter(step));
        lab.run(["build", "counter.vasm", "--emit", "so", "-o", "libcounter.so"]).done();
    };
    build(1);
    let bound = lab.run(["bind", "libcounter.so"]).done();
    assert!(bound.text().contains("next () -> i64"), "{}", bound.text());
    lab.write(
        "main.vasm",
        ".lib 0 \"counter\" next () -> i64\n.lib 1 \"counter\" half (f64) -> f64\n\
         again: CALL_NATIVE next\nPRINT\nPUSH 3.0\nCALL_NATIVE half\nPRINT\n\
         PUSH 16\nPUSH 9\nREAD\nPOP\nRELOAD_LIB 0\nPRINT\nJMP again\n",
    );
    let mut session = lab.session(["run", "main.vasm"]);
    for line in ["1101", "1.5"] {
        session.expect_line(line);
    }
    build(10);
    session.enter();
    // The new code goes on with the old numbers.
    for line in ["1", "2111", "1.5"] {
        session.expect_line(line);
    }
}

fn an_object_is_linked_into_a_program() {
    let lab = Lab::new();
    lab.write("counter.vasm", counter(1));
    lab.run(["build", "counter.vasm", "--emit", "obj", "-o", "counter.o"]).done();
    let main = "#include <stdint.h>\n#include <stdio.h>\nint64_t next(void);\ndouble half(double);\n\
                int main(void) { printf(\"%d %d %g\\n\", (int)next(), (int)next(), half(5)); }\n";
    let source = lab.write("main.c", main);
    let mut cc = Command::new("cc");
    cc.args(["-pthread", "-o"]).arg(lab.path("main")).arg(source).arg(lab.path("counter.o"));
    assert!(cc.args(["-lm", "-ldl"]).status().unwrap().success());
    let ended = finish(&mut Command::new(lab.path("main")), b"").done();
    // In which order C evaluates arguments is its own affair.
    assert!(["1101 2102 2.5\n", "2102 1101 2.5\n"].contains(&ended.text()), "{}", ended.text());
}

fn a_trap_in_a_library_is_a_crash_that_the_guard_catches() {
    let lab = Lab::new();
    let text = ".func over (n: i64) -> i64\nPUSH 1\nLOAD n\nDIV\nRET\n.end\n\
                .func down (n: i64) -> i64\nLOAD n\nPUSH 1\nADD\nCALL down\nRET\n.end\nHALT\n";
    lab.write("over.vasm", text);
    lab.run(["build", "over.vasm", "--emit", "so", "-o", "libover.so"]).done();
    for (function, words) in [("over", "division by zero"), ("down", "nested too deep")] {
        let main = format!(
            ".lib 0 \"over\" {function} (i64) -> i64\nPUSH 0\nCALL_NATIVE 0\nPRINT\nHALT\n"
        );
        lab.write("main.vasm", main);
        let ended = lab.run(["run", "main.vasm", "--guard", "on"]).refuses(3, "E0512");
        ended.says(words).says("over.vasm:");
    }
}

fn a_library_beside_the_program_is_loaded_when_it_starts() {
    let lab = Lab::new();
    lab.compile(
        "int get_version(void) { return 7; } int twice(int a) { return 2 * a; }",
        "libtwo.so",
    );
    let text = ".lib 0 \"two\" twice (i32) -> i32\n.lib 1 \"./sub/libno.so\" f lazy\n\
                PUSH 21\nCALL_NATIVE twice\nPRINT\nLIB_VERSION 0\nPRINT\nLOAD_LIB 1\nPRINT\n\
                PUSH 0x80000000\nCALL_NATIVE twice\nPRINT\nHALT\n";
    lab.write("main.vasm", text);
    lab.run(["build", "main.vasm", "-o", "main"]).done();
    let run = || finish(&mut Command::new(lab.path("main")), b"");
    let ended = run().refuses(3, "E0506").says("2147483648").says("main.vasm:11:1");
    assert_eq!(ended.text(), "42\n7\n0\n");
    std::fs::remove_file(lab.path("libtwo.so")).unwrap();
    run().refuses(4, "E0604");
}

fn what_cannot_be_built_is_told() {
    let lab = Lab::new();
    lab.write("main.vasm", "HALT\n");
    lab.run(["build", "main.vasm", "--emit", "so", "-o", "x.so"]).refuses(1, "E0614");
    lab.run(["build", "main.vasm", "-o", "no/folder/x"]).refuses(1, "E0702");
    lab.write("main.vasm", ".lib 0 \"./no.so\" f\nHALT\n");
    lab.run(["build", "main.vasm", "-o", "x"]).refuses(1, "E0601").says("main.vasm:1:1");
    lab.write("main.vasm", ".lib 0 \"./lacks.c\" f\nPUSH 1\nPUSH 2\nCALL_NATIVE 0\nPRINT\nHALT\n");
    lab.write("lacks.c", "int g(void) { return 1; }\n");
    lab.run(["build", "main.vasm", "-o", "x"]).refuses(1, "E0612");
    assert!(!lab.path("x").exists());
}
