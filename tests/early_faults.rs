//! Crashes of what a library runs before the program calls any function of it: initialisers,
//! `get_version`, `hotvm_upgrade`, and what the system's loader runs.
#![cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]

mod common;

use common::values::{contains, lab_with, on_change, once, value, watch};
use common::{Lab, Outcome, Session};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// A body of a function that crashes, and what is said of it.
const CRASHES: [(&str, &str); 5] = [
    ("volatile long *volatile p = 0; *p = 1;", "SIGSEGV writing address 0x0, at "),
    ("abort();", "SIGABRT, it called `abort`"),
    ("__builtin_trap();", "SIGILL, not a valid instruction"),
    // In small steps: a large one may lead over the guard page, to memory of somebody else.
    ("for (;;) *(volatile char *)alloca(1000) = 1;", "its stack overflowed"),
    ("for (;;) __asm__ volatile(\"\");", "did not return within 1 s and was interrupted"),
];

/// A function `value`, and what a library does when it is loaded.
fn with_initialiser(body: &str, expression: &str) -> String {
    format!(
        "#include <stdlib.h>\n\
         __attribute__((constructor)) static void start(void) {{ {body} }}\n{}",
        value(expression)
    )
}

/// A library with a state, which counts the calls of `value`.
fn with_state(upgrade: &str, expression: &str) -> String {
    format!(
        "#include <hotvm.h>\n#include <stdlib.h>\n#include <unistd.h>\n\
         struct state {{ long calls; }};\n\
         HOTVM_STATE(struct state)\n\
         int hotvm_upgrade(uint32_t version, const void *old, void **new_state) {{\n\
             if (!old) return 0;\n\
             {upgrade}\n\
             *new_state = (void *)old;\n\
             return 0;\n\
         }}\n\
         long value(void) {{\n\
             usleep(100);\n\
             if (!hotvm_state) hotvm_state = calloc(1, sizeof *hotvm_state);\n\
             hotvm_state->calls++;\n\
             return {expression};\n\
         }}\n"
    )
}

/// On the thread's own stack: that of compiled code is so large that it takes long to overflow.
fn patient(lab: &Lab) -> Session {
    let args = ["run", "p.vasm", "--watch", "--events", "-", "--native-timeout", "1"];
    lab.session(args.into_iter().chain(["--engine", "interp"]))
}

#[test]
fn an_initialiser_that_crashes_is_named_and_the_old_goes_on() {
    let lab = lab_with(on_change("v.c"));
    lab.write("v.c", with_initialiser("", "9"));
    let mut session = patient(&lab);
    session.expect_line("9");
    // Once a change has come through, nothing is looked at again for having been missed.
    lab.write("v.c", with_initialiser("", "1"));
    session.expect_line("1");
    for (n, (body, told)) in (2..).zip(CRASHES) {
        lab.write("v.c", with_initialiser(body, "-1"));
        let (event, _) = session.wait_for_event("rejected");
        assert_eq!(event["code"], "E0621");
        let message = event["message"].as_str().unwrap();
        contains(message, "an initialiser of v.c ");
        contains(message, told);
        if !body.contains("abort") {
            contains(event["notes"][0].as_str().unwrap(), "in the source of the library: v.c:2");
        }
        assert_eq!(event["content"].as_str().map(str::len), Some(64), "{event}");
        // The same again is not even tried.
        lab.write("v.c", with_initialiser(body, "-1"));
        let (again, _) = session.wait_for_event("rejected");
        assert_eq!((&again["code"], &again["content"]), (&"E0619".into(), &event["content"]));
        lab.write("v.c", with_initialiser("", &n.to_string()));
        session.expect_line(&n.to_string());
    }
}

#[test]
fn a_program_whose_library_crashes_as_it_begins_does_not_start() {
    let lab = lab_with(once("v.c"));
    lab.write("v.c", with_initialiser(CRASHES[0].0, "1"));
    lab.run(["run", "p.vasm", "--guard", "on"]).refuses(4, "E0621").says("p.vasm:1:1");
    // Mended, it does.
    let mut session = watch(&lab);
    session.wait_for_notice("[E0621]");
    session.wait_for_notice("the program has ended");
    lab.write("v.c", with_initialiser("", "5"));
    session.expect_line("5");
    // Nobody has asked for a guard.
    lab.write("v.c", with_initialiser(CRASHES[0].0, "1"));
    assert_eq!(lab.run(["run", "p.vasm"]).status, None);
}

/// Initialisers of every kind, which note their order, and what they are given.
const ORDER: &str = "
    #include <stdio.h>
    #include <string.h>
    static long order = 1;
    static int given;
    void first(int n, char **argv, char **envp) { order = 10 * order + 2; given = n; }
    __attribute__((constructor(200))) static void third(void) { order = 10 * order + 4; }
    __attribute__((constructor(101))) static void second(int n, char **argv, char **envp) {
        order = 10 * order + 3;
        while (*envp && strncmp(*envp, \"ORDER=\", 6)) envp++;
        if (n != given || argv[n] || strcmp(argv[1], \"run\") || !*envp) order = -1000;
    }
    __attribute__((constructor)) static void fourth(void) { order = 10 * order + 5; }
    long value(void) { return order; }
";

#[test]
fn initialisers_run_in_their_order_and_once_and_get_what_main_gets() {
    let lab = lab_with(once("libv.so"));
    let source = lab.write("order.c", ORDER);
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-Wl,-init,first", "-o"])
        .args([lab.path("libv.so"), source])
        .status();
    assert!(made.unwrap().success());
    for guard in ["on", "off"] {
        let mut command = lab.hotvm(["run", "p.vasm", "--guard", guard]);
        let outcome = common::finish(command.env("ORDER", "1"), b"");
        assert_eq!(outcome.done().text(), "12345\n", "{guard}");
    }
}

#[test]
fn objects_of_cpp_are_made_under_the_guard() {
    let lab = lab_with(once("libv.so"));
    let text = "#include <vector>
        static std::vector<long> numbers = { 40, 2 };
        extern \"C\" long value() { long sum = 0; for (long n : numbers) sum += n; return sum; }";
    let source = lab.write("v.cc", text);
    let mut made = Command::new("c++");
    made.args(["-shared", "-fPIC", "-o"]).args([lab.path("libv.so"), source]);
    assert!(made.status().unwrap().success());
    let outcome = lab.run(["run", "p.vasm", "--guard", "on"]).done();
    assert_eq!(outcome.text(), "42\n");
}

#[test]
fn an_upgrade_that_crashes_is_a_refusal_and_the_old_state_stays() {
    let lab = lab_with(on_change("v.c"));
    lab.write("v.c", with_state("", "1 + 0 * hotvm_state->calls"));
    let mut session = patient(&lab);
    session.expect_line("1");
    for (n, (body, told)) in (2..).zip(CRASHES) {
        let bad = with_state(body, "-1");
        lab.write("v.c", &bad);
        let (event, _) = session.wait_for_event("rejected");
        assert_eq!(event["code"], "E0621");
        let message = event["message"].as_str().unwrap();
        contains(message, "`hotvm_upgrade` of v.c ");
        contains(message, told);
        contains(&event["notes"].to_string(), "the old version stays in use");
        // The same again is not even tried.
        lab.write("v.c", &bad);
        assert_eq!(session.wait_for_event("rejected").0["code"], "E0619");
        // The state is as it was: it has counted on.
        lab.write("v.c", with_state("", &format!("hotvm_state->calls > {n} ? {n} : -2")));
        session.expect_line(&n.to_string());
    }
}

#[test]
fn a_version_that_crashes_is_told_whoever_asks() {
    let crash = |n: i32| {
        format!(
            "int get_version(void) {{ volatile int *volatile p = 0; return *p; }}\n{}",
            value(n)
        )
    };
    let lab = lab_with(once("v.c").replace("-> i64", "-> i64 version 1"));
    lab.write("v.c", crash(1));
    for flags in [&["--guard", "on"][..], &["--guard", "on", "--version-mismatch", "warn"]] {
        let outcome = lab.run(["run", "p.vasm"].iter().chain(flags));
        outcome.refuses(4, "E0621").says("`get_version` of v.c");
    }
    // Without `version N`, only the program asks, and goes on without an answer.
    lab.write("p.vasm", once("v.c").replace("PRINT", "PRINT\nLIB_VERSION 0\nPRINT"));
    let outcome = lab.run(["run", "p.vasm", "--guard", "on"]).done();
    contains(&outcome.stderr, "[E0621] Warning: `get_version` of v.c");
    assert_eq!(outcome.text(), "1\n0\n");
}

/// What is said when the process has to end.
#[track_caller]
fn ends(outcome: Outcome, part: &str) {
    let outcome = outcome.exits(3).says(part).says("error[E0621]: ");
    outcome.says("so the process has to end");
}

const DOUBLE_FREE: &str =
    "char *volatile p = malloc(5000), *volatile keep = malloc(5000); free(p); free(p); free(keep);";

#[test]
fn a_process_that_an_early_function_has_damaged_ends_with_a_message() {
    let lab = lab_with(once("v.c"));
    lab.write("v.c", with_initialiser(DOUBLE_FREE, "1"));
    let run = || lab.run(["run", "p.vasm", "--guard", "on"]);
    ends(run(), "an initialiser of v.c crashed: SIGABRT, \"double free");

    let lab = lab_with(on_change("v.c"));
    lab.write("v.c", with_state("", "1"));
    let mut session = watch(&lab);
    session.expect_line("1");
    lab.write("v.c", with_state(DOUBLE_FREE, "2"));
    ends(session.wait(), "`hotvm_upgrade` of v.c crashed: SIGABRT, \"double free");
}

/// A library `libv.so` beside `libhelper.so`, which it needs.
fn with_helper(lab: &Lab, helper: &str) {
    lab.compile(helper, "libhelper.so");
    let source = lab.write("v.c", format!("void help(void);\n{}", value("(help(), 1)")));
    let mut made = Command::new("cc");
    made.args(["-shared", "-fPIC", "-Wl,-rpath,$ORIGIN", "-o"]).args([lab.path("libv.so"), source]);
    made.arg(lab.path("libhelper.so"));
    assert!(made.status().unwrap().success());
}

#[test]
fn a_crash_inside_the_loader_ends_the_process_with_a_message() {
    let lab = lab_with(once("libv.so"));
    let crash = CRASHES[0].0;
    with_helper(
        &lab,
        &format!(
            "void help(void) {{}}
             __attribute__((constructor)) static void start(void) {{ {crash} }}"
        ),
    );
    let outcome = lab.run(["run", "p.vasm", "--guard", "on"]);
    ends(
        outcome,
        "the loading of libv.so crashed: SIGSEGV writing address 0x0, at libhelper.so+0x",
    );
}

#[test]
fn a_crash_that_nobody_has_called_for_says_whose_it_is() {
    let lab = lab_with(once("v.c"));
    let thread = "#include <pthread.h>
        static void *crash(void *p) { return *(void *volatile *)p; }
        static void spawn(void) {
            pthread_t thread;
            pthread_create(&thread, 0, crash, 0);
            pthread_join(thread, 0);
        }";
    let late = format!(
        "__attribute__((destructor)) static void stop(void) {{ {} }}\n{}",
        CRASHES[0].0,
        value(1)
    );
    for text in [format!("{thread}\n{}", value("(spawn(), 1)")), late] {
        lab.write("v.c", text);
        let mut command = lab.hotvm(["run", "p.vasm", "--guard", "on"]);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.signal(), Some(11), "{said}");
        contains(&said, "error[E0512]: code outside of any call of v.c crashed: SIGSEGV ");
    }
}

#[test]
fn a_crash_while_a_library_is_unmapped_ends_the_process_with_a_message() {
    let lab = lab_with(on_change("v.c"));
    let version = |n: i32| {
        let (stop, crash) = ("__attribute__((destructor)) static void stop(void)", CRASHES[0].0);
        format!("{stop} {{ {crash} }}\n{}", value(n))
    };
    lab.write("v.c", version(1));
    let mut session = lab.session(["run", "p.vasm", "--watch", "--unload", "--events", "-"]);
    session.expect_line("1");
    lab.write("v.c", version(2));
    session.expect_line("2");
    lab.write("v.c", version(3));
    ends(session.wait(), "the unloading of v.c crashed: SIGSEGV writing address 0x0, at ");
}

#[test]
fn after_a_crash_nothing_is_unmapped() {
    let lab = lab_with(on_change("v.c"));
    lab.write("v.c", value(1));
    let mut session = lab.session(["run", "p.vasm", "--watch", "--unload", "--events", "-"]);
    session.expect_line("1");
    lab.write("v.c", value(2));
    session.expect_line("2");
    lab.write("v.c", with_initialiser(CRASHES[0].0, "-1"));
    assert_eq!(session.wait_for_event("rejected").0["code"], "E0621");
    for n in 3..6 {
        lab.write("v.c", value(n));
        session.expect_line(&n.to_string());
        let (retired, said) = session.wait_for_event("retired");
        assert_eq!(
            (&retired["generation"], &retired["unloaded"]),
            (&(n - 1).into(), &false.into()),
            "{said}"
        );
    }
}
