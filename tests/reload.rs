//! Native libraries that change under a running process, which is fed through its standard input.

mod common;

use common::{Lab, Outcome, Session};
use std::fs;

const ADD: &str = "int math_add(int a, int b) { return a + b; }\n";
const MULTIPLY: &str = "int math_add(int a, int b) { return a * b; }\n";
const SUBTRACT: &str = "int math_add(int a, int b) { return a - b; }\n";

/// The program of the whole project: 10 and 5, through whatever slot 0 is now.
fn seed(library: &str) -> String {
    format!(
        ".lib 0 \"{library}\" math_add\n\
         PUSH 10\nPUSH 5\nCALL_NATIVE 0\nWRITE \"Result: \"\nPRINT\nHALT\n"
    )
}

/// A lab with the seed program.
fn lab_with_seed(library: &str) -> Lab {
    let lab = Lab::new();
    lab.write("hot_add.vasm", seed(library));
    lab
}

/// Starts a program and waits until its first run has printed `first`.
#[track_caller]
fn start(lab: &Lab, program: &str, first: &str) -> Session {
    let mut session = lab.session(["run", program, "--reload-on-enter"]);
    session.expect_line(first);
    session.wait_for_prompt();
    session
}

/// Presses Enter. Gives what was said about the reload and the run.
#[track_caller]
fn enter_gives(session: &mut Session, line: &str) -> String {
    session.enter();
    session.expect_line(line);
    session.wait_for_prompt()
}

#[track_caller]
fn contains(text: &str, part: &str) {
    assert!(text.contains(part), "expected `{part}` in:\n{text}");
}

#[track_caller]
fn is_silent_end(outcome: Outcome, status: i32) {
    let outcome = outcome.exits(status);
    assert_eq!((outcome.text(), &*outcome.stderr), ("", ""));
}

#[test]
fn the_seed_program_follows_its_c_source() {
    let lab = lab_with_seed("math_ops.c");
    lab.write("math_ops.c", ADD);
    let mut session = start(&lab, "hot_add.vasm", "Result: 15");
    lab.write("math_ops.c", MULTIPLY);
    let said = enter_gives(&mut session, "Result: 50");
    contains(&said, "math_ops.c: rebuilt in ");
    contains(&said, "generation 2; slot 0 math_add now new");
    is_silent_end(session.quit(), 0);
}

#[test]
fn the_seed_program_follows_a_library_that_is_renamed_into_place() {
    let lab = lab_with_seed("libmath_ops.so");
    lab.compile(ADD, "libmath_ops.so");
    let mut session = start(&lab, "hot_add.vasm", "Result: 15");
    let new = lab.compiled(MULTIPLY);
    lab.replace("libmath_ops.so", new);
    let said = enter_gives(&mut session, "Result: 50");
    contains(&said, "libmath_ops.so: reloaded, generation 2");
    is_silent_end(session.quit(), 0);
}

#[test]
fn the_seed_program_follows_a_library_that_is_compiled_over() {
    let lab = lab_with_seed("libmath_ops.so");
    lab.compile(ADD, "libmath_ops.so");
    let mut session = start(&lab, "hot_add.vasm", "Result: 15");
    lab.compile(MULTIPLY, "libmath_ops.so");
    enter_gives(&mut session, "Result: 50");
    // The linker makes a new file of the same name; `cp` writes into the one that is loaded.
    let new = lab.compiled(SUBTRACT);
    lab.write("libmath_ops.so", new);
    enter_gives(&mut session, "Result: 5");
    is_silent_end(session.quit(), 0);
}

#[test]
fn bytecode_is_reloaded_as_text_is() {
    let lab = lab_with_seed("math_ops.c");
    lab.write("math_ops.c", ADD);
    lab.run(["asm", "hot_add.vasm", "-o", "hot_add.vbc"]).done();
    let mut session = start(&lab, "hot_add.vbc", "Result: 15");
    lab.write("math_ops.c", MULTIPLY);
    enter_gives(&mut session, "Result: 50");
}

#[test]
fn a_source_that_does_not_compile_changes_nothing() {
    let lab = lab_with_seed("math_ops.c");
    lab.write("math_ops.c", ADD);
    let mut session = start(&lab, "hot_add.vasm", "Result: 15");
    lab.write("math_ops.c", "int math_add(int a, int b) { return a * b }\n");
    let said = enter_gives(&mut session, "Result: 15");
    contains(&said, "[E0612]");
    contains(&said, "error: expected");
    contains(&said, "generation 1 stays");
    lab.write("math_ops.c", MULTIPLY);
    contains(&enter_gives(&mut session, "Result: 50"), "generation 2");
}

#[test]
fn a_library_that_cannot_be_used_changes_nothing() {
    let lab = lab_with_seed("libmath_ops.so");
    lab.compile(ADD, "libmath_ops.so");
    let good = lab.read("libmath_ops.so");
    let mut session = start(&lab, "hot_add.vasm", "Result: 15");
    let without_it = lab.compiled("int math_sub(int a, int b) { return a - b; }\n");
    let as_data = lab.compiled("int math_add = 3;\n");
    let bad: [(&str, &[u8]); 6] = [
        ("E0605", &without_it),
        ("E0606", &as_data),
        ("E0603", &good[..good.len() / 2]),
        ("E0603", &good[..64]),
        ("E0602", b"not a library at all\n"),
        ("E0603", b""),
    ];
    for (code, contents) in bad {
        lab.write("libmath_ops.so", contents);
        let said = enter_gives(&mut session, "Result: 15");
        contains(&said, &format!("[{code}]"));
        contains(&said, "generation 1 stays");
        contains(&said, "hot_add.vasm:1:1");
    }
    fs::remove_file(lab.path("libmath_ops.so")).unwrap();
    contains(&enter_gives(&mut session, "Result: 15"), "[E0601]");
    fs::create_dir(lab.path("libmath_ops.so")).unwrap();
    contains(&enter_gives(&mut session, "Result: 15"), "generation 1 stays");
    fs::remove_dir(lab.path("libmath_ops.so")).unwrap();
    lab.compile(MULTIPLY, "libmath_ops.so");
    contains(&enter_gives(&mut session, "Result: 50"), "generation 2");
}

#[test]
fn going_back_to_the_first_version_is_a_change() {
    let lab = lab_with_seed("math_ops.c");
    lab.write("math_ops.c", ADD);
    let mut session = start(&lab, "hot_add.vasm", "Result: 15");
    lab.write("math_ops.c", MULTIPLY);
    enter_gives(&mut session, "Result: 50");
    lab.write("math_ops.c", ADD);
    contains(&enter_gives(&mut session, "Result: 15"), "generation 3");
}

#[test]
fn what_has_not_changed_is_not_loaded_again() {
    let lab = lab_with_seed("math_ops.c");
    lab.write("math_ops.c", ADD);
    let mut session = start(&lab, "hot_add.vasm", "Result: 15");
    contains(&enter_gives(&mut session, "Result: 15"), "no library has changed");
    // The same content written again is no change either.
    lab.replace("math_ops.c", ADD);
    contains(&enter_gives(&mut session, "Result: 15"), "no library has changed");
}

#[test]
fn a_library_keeps_its_variables_until_it_is_replaced() {
    let lab = Lab::new();
    let counter = |step| format!("int next(void) {{ static int n; return n += {step}; }}\n");
    lab.write("count.c", counter(1));
    lab.write("p.vasm", ".lib 0 \"count.c\" next () -> i32\nCALL_NATIVE 0\nPRINT\nHALT\n");
    let mut session = start(&lab, "p.vasm", "1");
    enter_gives(&mut session, "2");
    enter_gives(&mut session, "3");
}

#[test]
fn only_the_library_that_changed_is_replaced() {
    let lab = Lab::new();
    lab.write("one.c", "int one(void) { return 1; }\n");
    lab.write("two.c", "int two(void) { return 2; }\n");
    lab.write(
        "p.vasm",
        ".lib 0 \"one.c\" one () -> i32\n.lib 1 \"two.c\" two () -> i32\n\
         CALL_NATIVE one\nCALL_NATIVE two\nADD\nPRINT\nHALT\n",
    );
    let mut session = start(&lab, "p.vasm", "3");
    lab.write("two.c", "int two(void) { return 20; }\n");
    let said = enter_gives(&mut session, "21");
    contains(&said, "two.c: rebuilt");
    assert!(!said.contains("one.c"), "{said}");
    // One that fails does not hold the other back.
    lab.write("one.c", "int one(void) { return }\n");
    lab.write("two.c", "int two(void) { return 30; }\n");
    let said = enter_gives(&mut session, "31");
    contains(&said, "[E0612]");
    contains(&said, "two.c: rebuilt");
}

#[test]
fn all_functions_of_a_library_change_together_or_none_does() {
    let lab = Lab::new();
    lab.write("both.c", "int one(void) { return 1; }\nint two(void) { return 2; }\n");
    lab.write(
        "p.vasm",
        ".lib 3 \"both.c\" one () -> i32\n.lib 7 \"both.c\" two () -> i32\n\
         CALL_NATIVE 3\nCALL_NATIVE 7\nADD\nPRINT\nHALT\n",
    );
    let mut session = start(&lab, "p.vasm", "3");
    lab.write("both.c", "int one(void) { return 10; }\n");
    contains(&enter_gives(&mut session, "3"), "[E0605]");
    lab.write("both.c", "int one(void) { return 10; }\nint two(void) { return 20; }\n");
    contains(&enter_gives(&mut session, "30"), "slot 3 one, slot 7 two now new");
}

#[test]
fn an_edited_header_rebuilds_what_includes_it() {
    let lab = lab_with_seed("math_ops.c");
    lab.write("scale.h", "#define SCALE 1\n");
    lab.write(
        "math_ops.c",
        "#include \"scale.h\"\nint math_add(int a, int b) { return (a + b) * SCALE; }\n",
    );
    let mut session = start(&lab, "hot_add.vasm", "Result: 15");
    lab.write("scale.h", "#define SCALE 3\n");
    contains(&enter_gives(&mut session, "Result: 45"), "rebuilt");
    fs::remove_file(lab.path("scale.h")).unwrap();
    contains(&enter_gives(&mut session, "Result: 45"), "[E0612]");
}

#[test]
fn a_library_that_appears_later_is_bound_then() {
    let lab = lab_with_seed("libmath_ops.so");
    let mut session = lab.session(["run", "hot_add.vasm", "--reload-on-enter"]);
    contains(&session.wait_for_prompt(), "[E0601]");
    session.enter();
    contains(&session.wait_for_prompt(), "[E0601]");
    lab.compile(ADD, "libmath_ops.so");
    enter_gives(&mut session, "Result: 15");
    is_silent_end(session.quit(), 0);
}

#[test]
fn the_status_is_that_of_the_last_run() {
    let lab = Lab::new();
    lab.write("status.c", "int status(void) { return 7; }\n");
    lab.write("p.vasm", ".lib 0 \"status.c\" status () -> i32\nCALL_NATIVE 0\nEXIT\n");
    let mut session = lab.session(["run", "p.vasm", "--reload-on-enter"]);
    session.wait_for_prompt();
    is_silent_end(session.quit(), 7);

    let mut session = lab.session(["run", "p.vasm", "--reload-on-enter"]);
    session.wait_for_prompt();
    lab.write("status.c", "int status(void) { return 8; }\n");
    session.enter();
    session.wait_for_prompt();
    is_silent_end(session.end(), 8);

    fs::remove_file(lab.path("status.c")).unwrap();
    let mut session = lab.session(["run", "p.vasm", "--reload-on-enter"]);
    session.wait_for_prompt();
    is_silent_end(session.quit(), 4);
}

#[test]
fn a_trap_ends_the_run_and_not_the_process() {
    let lab = Lab::new();
    lab.write("p.vasm", ".lib 0 \"d.c\" d () -> i32\nPUSH 6\nCALL_NATIVE 0\nDIV\nPRINT\nHALT\n");
    lab.write("d.c", "int d(void) { return 0; }\n");
    let mut session = lab.session(["run", "p.vasm", "--reload-on-enter"]);
    let said = session.wait_for_prompt();
    contains(&said, "[E0501]");
    contains(&said, "p.vasm:4:1");
    lab.write("d.c", "int d(void) { return 2; }\n");
    enter_gives(&mut session, "3");
    lab.write("d.c", "int d(void) { return 0; }\n");
    session.enter();
    contains(&session.wait_for_prompt(), "[E0501]");
    is_silent_end(session.quit(), 3);
}

/// Prints each line that it reads, until an empty one.
const ECHO: &str = "\
again: PUSH 0
    PUSH 100
    READ
    DUP
    PUSH 1
    LT
    JNZ done
    STORE length
    PUSH 0
    LOAD length
    PUTS
    WRITE \"\\n\"
    JMP again
done: POP
    WRITE \"bye\\n\"
    HALT
.local length: i64
";

#[test]
fn the_program_and_the_prompt_share_the_input() {
    let lab = Lab::new();
    lab.write("echo.vasm", ECHO);
    let mut session = lab.session(["run", "echo.vasm", "--reload-on-enter"]);
    for line in ["one", "q", "three"] {
        session.send(line);
        session.expect_line(line);
    }
    session.send("");
    session.expect_line("bye");
    session.wait_for_prompt();
    session.enter();
    session.wait_for_notice("no library has changed");
    session.send("second run");
    session.expect_line("second run");
    session.send("");
    session.expect_line("bye");
    session.wait_for_prompt();
    is_silent_end(session.quit(), 0);
}

#[test]
fn a_script_can_type_everything_ahead() {
    let lab = Lab::new();
    lab.write("echo.vasm", ECHO);
    let typed = b"a\n\n\nb\n\nq\nnobody reads this\n";
    let outcome = lab.run_with(["run", "echo.vasm", "--reload-on-enter"], typed).done();
    assert_eq!(outcome.text(), "a\nbye\nb\nbye\n");
    // The end of the input ends the program's reading and then the prompt.
    let outcome = lab.run_with(["run", "echo.vasm", "--reload-on-enter"], b"a\n\n\nlast").done();
    assert_eq!(outcome.text(), "a\nbye\nlast\nbye\n");
}

#[test]
fn notices_stand_on_standard_error_and_can_be_turned_off() {
    let lab = lab_with_seed("math_ops.c");
    lab.write("math_ops.c", ADD);
    let args = ["run", "hot_add.vasm", "--reload-on-enter"];
    let outcome = lab.run_with(args, b"\nq\n").done().says("run 2 done");
    assert_eq!(outcome.text(), "Result: 15\nResult: 15\n");
    let outcome = lab.run_with(args.into_iter().chain(["-q"]), b"\nq\n").done();
    assert_eq!((outcome.text(), &*outcome.stderr), ("Result: 15\nResult: 15\n", ""));
    // Without the prompt, nothing is said at all.
    let outcome = lab.run(["run", "hot_add.vasm"]).done();
    assert_eq!((outcome.text(), &*outcome.stderr), ("Result: 15\n", ""));
}

/// At each line of input: reloads slot 0, prints whether that went well, and calls it.
const RELOADER: &str = "\
.lib 0 \"math_ops.c\" math_add
again: PUSH 0
    PUSH 100
    READ
    PUSH 0
    LT
    JNZ done
    RELOAD_LIB 0
    PRINT
    PUSH 10
    PUSH 5
    CALL_NATIVE 0
    PRINT
    JMP again
done: HALT
";

#[test]
fn a_running_program_reloads_its_own_library() {
    let lab = Lab::new();
    lab.write("p.vasm", RELOADER);
    lab.write("math_ops.c", ADD);
    let mut session = lab.session(["run", "p.vasm"]);
    let mut step = |source: &str, reloaded: &str, result: &str| {
        lab.write("math_ops.c", source);
        session.enter();
        session.expect_line(reloaded);
        session.expect_line(result);
    };
    step(ADD, "1", "15");
    step(MULTIPLY, "1", "50");
    step("int math_add(int a, int b) {", "0", "50");
    step("int another(void) { return 0; }\n", "0", "50");
    step(SUBTRACT, "1", "5");
    step(ADD, "1", "15");
    session.end().done();
}

#[test]
fn a_lazy_library_is_bound_by_load_lib() {
    let lab = Lab::new();
    let load = ".lib 0 \"libmath_ops.so\" math_add lazy\nLOAD_LIB 0\nPRINT\n";
    let call = "PUSH 10\nPUSH 5\nCALL_NATIVE 0\nPRINT\n";
    lab.write("load.vasm", format!("{load}HALT\n"));
    lab.write("call.vasm", format!("{load}{call}HALT\n"));
    assert_eq!(lab.run(["run", "load.vasm"]).done().text(), "0\n");
    let outcome = lab.run(["run", "call.vasm"]).refuses(3, "E0507").says("call.vasm:6:1");
    assert_eq!(outcome.text(), "0\n");
    lab.compile(ADD, "libmath_ops.so");
    assert_eq!(lab.run(["run", "load.vasm"]).done().text(), "1\n");
    assert_eq!(lab.run(["run", "call.vasm"]).done().text(), "1\n15\n");
}

#[test]
fn a_lazy_library_can_appear_while_the_program_runs() {
    let lab = Lab::new();
    lab.write(
        "p.vasm",
        ".lib 0 \"libmath_ops.so\" math_add lazy\n\
         again: PUSH 0\nPUSH 9\nREAD\nPOP\nLOAD_LIB 0\nDUP\nPRINT\nJZ again\n\
         PUSH 10\nPUSH 5\nCALL_NATIVE 0\nPRINT\nHALT\n",
    );
    let mut session = lab.session(["run", "p.vasm"]);
    session.enter();
    session.expect_line("0");
    session.enter();
    session.expect_line("0");
    lab.compile(ADD, "libmath_ops.so");
    session.enter();
    session.expect_line("1");
    session.expect_line("15");
    session.end().done();
}

#[test]
fn the_version_of_a_library_follows_its_reloads() {
    let lab = Lab::new();
    let program = "again: LIB_VERSION 0\nPRINT\nPUSH 0\nPUSH 9\nREAD\nPUSH 0\nLT\nJNZ done\n\
                   RELOAD_LIB 0\nPOP\nJMP again\ndone: HALT\n";
    lab.write("p.vasm", format!(".lib 0 \"v.c\" f () -> i32\n{program}"));
    let f = "int f(void) { return 0; }\n";
    lab.write("v.c", format!("#include <hotvm.h>\nHOTVM_VERSION(3)\nHOTVM_EXPORT {f}"));
    let mut session = lab.session(["run", "p.vasm"]);
    session.expect_line("3");
    lab.write("v.c", format!("int get_version(void) {{ return 4; }}\n{f}"));
    session.enter();
    session.expect_line("4");
    lab.write("v.c", f);
    session.enter();
    session.expect_line("0");
    session.end().done();
}

#[test]
fn a_program_gets_the_version_that_it_asks_for() {
    let lab = Lab::new();
    let version =
        |n| format!("int get_version(void) {{ return {n}; }}\nint f(void) {{ return {n}; }}\n");
    lab.write("p.vasm", ".lib 0 \"v.c\" f () -> i32 version 2\nCALL_NATIVE 0\nPRINT\nHALT\n");
    lab.write("v.c", version(1));
    lab.run(["run", "p.vasm"]).refuses(4, "E0608").says("p.vasm:1:1");
    lab.write("v.c", version(2));
    let mut session = start(&lab, "p.vasm", "2");
    lab.write("v.c", version(3));
    contains(&enter_gives(&mut session, "2"), "[E0608]");
}

#[test]
fn warnings_of_the_compiler_are_shown_and_do_no_harm() {
    let lab = lab_with_seed("math_ops.c");
    lab.write("math_ops.c", ADD);
    let mut session = start(&lab, "hot_add.vasm", "Result: 15");
    lab.write("math_ops.c", format!("#warning take care\n{MULTIPLY}"));
    let said = enter_gives(&mut session, "Result: 50");
    contains(&said, "[E0615]");
    contains(&said, "take care");
}
