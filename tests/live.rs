//! `hotvm run --watch`: what a program is made from changes while it runs.
#![cfg(target_os = "linux")]

mod common;

use common::{Lab, Session, wait};
use std::fs;
use std::process::Stdio;

/// C whose function `value` gives a number, after a moment: a loop that calls it should leave the
/// machine to others.
fn value(expression: impl std::fmt::Display) -> String {
    format!("#include <unistd.h>\nlong value(void) {{ usleep(100); return {expression}; }}\n")
}

/// Prints what `value` gives, whenever that is something else than before.
fn on_change(library: &str) -> String {
    format!(
        ".lib 0 \"{library}\" value () -> i64\n\
         .local last: i64\n\
         again: CALL_NATIVE 0\nDUP\nLOAD last\nEQ\nJNZ same\nDUP\nPRINT\nSTORE last\nJMP again\n\
         same: POP\nJMP again\n"
    )
}

/// Prints what `value` gives for each line of input.
fn on_enter(library: &str) -> String {
    format!(
        ".lib 0 \"{library}\" value () -> i64\n\
         again: PUSH 0\nPUSH 9\nREAD\nPUSH 0\nLT\nJNZ done\nCALL_NATIVE 0\nPRINT\nJMP again\n\
         done: HALT\n"
    )
}

/// Prints what `value` gives, and ends.
fn once(library: &str) -> String {
    format!(".lib 0 \"{library}\" value () -> i64\nCALL_NATIVE 0\nPRINT\nHALT\n")
}

fn lab_with(program: impl AsRef<[u8]>) -> Lab {
    let lab = Lab::new();
    lab.write("p.vasm", program);
    lab
}

fn watch(lab: &Lab) -> Session {
    lab.session(["run", "p.vasm", "--watch", "--events", "-"])
}

/// Starts a program and waits for the first line that it prints.
#[track_caller]
fn start(lab: &Lab, first: &str) -> Session {
    let mut session = watch(lab);
    session.expect_line(first);
    session
}

#[track_caller]
fn enter_gives(session: &mut Session, line: &str) {
    session.enter();
    session.expect_line(line);
}

/// Gives lines of input until the answer is a new one; nothing but the old may come before.
#[track_caller]
fn enter_until(session: &mut Session, new: &str, old: &str) {
    loop {
        session.enter();
        match session.next_line() {
            line if line == new => return,
            line => assert_eq!(line, old),
        }
    }
}

#[track_caller]
fn contains(text: &str, part: &str) {
    assert!(text.contains(part), "expected `{part}` in:\n{text}");
}

#[test]
fn a_running_loop_follows_its_c_source_and_back() {
    let lab = lab_with(on_change("v.c"));
    lab.write("v.c", value(1));
    let mut session = start(&lab, "1");
    lab.write("v.c", value(2));
    session.expect_line("2");
    let (event, _) = session.wait_for_event("published");
    assert_eq!((&event["generation"], &event["slots"][0]["symbol"]), (&2.into(), &"value".into()));
    contains(&session.wait_for_notice("now new"), "v.c: rebuilt in ");
    // The very first content is a change too, whoever remembers it.
    lab.write("v.c", value(1));
    session.expect_line("1");
    assert_eq!(session.wait_for_event("published").0["generation"], 3);
    // An editor that writes aside.
    lab.replace("v.c", value(4));
    session.expect_line("4");
}

#[test]
fn a_running_loop_follows_a_header() {
    let lab = lab_with(on_change("v.c"));
    lab.write("include/scale.h", "#define SCALE 1\n");
    lab.write("v.c", format!("#include \"include/scale.h\"\n{}", value("7 * SCALE")));
    let mut session = start(&lab, "7");
    lab.write("include/scale.h", "#define SCALE 3\n");
    session.expect_line("21");
}

#[test]
fn a_running_loop_follows_a_library_however_it_is_written() {
    let lab = lab_with(on_change("libv.so"));
    let [one, two, three, four] = [1, 2, 3, 4].map(|n| lab.compiled(&value(n)));
    lab.write("libv.so", &one);
    let mut session = start(&lab, "1");
    lab.replace("libv.so", &two);
    session.expect_line("2");
    lab.write("libv.so", &three);
    session.expect_line("3");
    lab.compile(&value(5), "libv.so");
    session.expect_line("5");
    // Names for files that are complete already.
    lab.write("four.so", &four);
    fs::remove_file(lab.path("libv.so")).unwrap();
    fs::hard_link(lab.path("four.so"), lab.path("libv.so")).unwrap();
    session.expect_line("4");
    lab.write("one.so", &one);
    fs::remove_file(lab.path("libv.so")).unwrap();
    std::os::unix::fs::symlink("one.so", lab.path("libv.so")).unwrap();
    session.expect_line("1");
    // The file behind the link is the library.
    lab.replace("one.so", &two);
    session.expect_line("2");
}

#[test]
fn what_cannot_be_used_is_told_and_the_old_goes_on() {
    let lab = lab_with(on_enter("v.c"));
    lab.write("v.c", value(1));
    let mut session = watch(&lab);
    enter_gives(&mut session, "1");
    for (code, text) in [
        ("E0612", "long value(void) { return }\n"),
        ("E0605", "long other(void) { return 2; }\n"),
        ("E0606", "long value = 2;\n"),
    ] {
        lab.write("v.c", text);
        let (event, said) = session.wait_for_event("rejected");
        assert_eq!((&event["code"], &event["generation"]), (&code.into(), &1.into()), "{said}");
        let said = session.wait_for_notice("generation 1 stays");
        contains(&said, &format!("[{code}]"));
        contains(&said, "p.vasm:1:1");
        enter_gives(&mut session, "1");
    }
    lab.write("v.c", value(2));
    session.wait_for_event("prepared");
    enter_until(&mut session, "2", "1");
}

#[test]
fn half_a_library_is_told_and_the_old_goes_on() {
    let lab = lab_with(on_enter("libv.so"));
    let [one, two] = [1, 2].map(|n| lab.compiled(&value(n)));
    lab.write("libv.so", &one);
    let mut session = watch(&lab);
    enter_gives(&mut session, "1");
    for part in [0, 64, two.len() / 2, two.len() - 1] {
        lab.write("libv.so", &two[..part]);
        assert_eq!(session.wait_for_event("rejected").0["code"], "E0603");
        enter_gives(&mut session, "1");
    }
    lab.write("libv.so", &two);
    session.wait_for_event("prepared");
    enter_until(&mut session, "2", "1");
}

#[test]
fn the_programs_text_is_followed_when_it_is_right() {
    let lab = lab_with(on_change("v.c"));
    lab.write("v.c", value(1));
    lab.write("w.c", value(50));
    let mut session = start(&lab, "1");
    // Wrong: told at its place, and the program goes on as it was.
    lab.write("p.vasm", "PUSH\nHALT\n");
    let said = session.wait_for_notice("the program stays as it was");
    contains(&said, "[E0201]");
    contains(&said, "p.vasm:1:1");
    lab.write("v.c", value(2));
    session.expect_line("2");
    // Right, with the same libraries: they stay as they are.
    let added = format!("WRITE \"again\\n\"\n{}", on_change("v.c"));
    lab.write("p.vasm", &added);
    session.expect_line("again");
    session.expect_line("2");
    session.wait_for_notice("it starts again");
    lab.write("v.c", value(3));
    session.expect_line("3");
    let (event, _) = session.wait_for_event("published");
    assert_eq!(event["generation"], 3);
    // With other libraries: those are loaded, watched, and the others are not.
    lab.replace("p.vasm", on_change("w.c"));
    session.expect_line("50");
    let (event, _) = session.wait_for_event("loaded");
    assert_eq!((&event["library"], &event["generation"]), (&"w.c".into(), &1.into()));
    lab.write("v.c", "no C at all");
    lab.write("w.c", value(60));
    session.expect_line("60");
    let (_, said) = session.wait_for_event("published");
    assert!(!said.contains("v.c"), "{said}");
}

#[test]
fn a_program_that_has_ended_runs_again_at_the_next_change() {
    let lab = lab_with(once("v.c"));
    lab.write("v.c", value(1));
    let mut session = start(&lab, "1");
    session.wait_for_notice("the program has ended");
    // None of these is a change of the program: had it run for one, it would have printed.
    lab.write("unrelated.txt", "nothing\n");
    lab.write("v.c", value(1));
    lab.write("p.vasm", once("v.c"));
    lab.write("v.c", "long value(void) { return }\n");
    session.wait_for_event("rejected");
    lab.write("v.c", value(2));
    session.expect_line("2");
    session.wait_for_notice("the program has ended");
    lab.write("p.vasm", once("v.c").replace("PRINT", "PUSH 1\nADD\nPRINT"));
    session.expect_line("3");
    session.wait_for_notice("the program has ended");
    // A trap is an end too.
    lab.write("p.vasm", "TRAP\n");
    session.wait_for_notice("[E0508]");
    session.wait_for_notice("the program has ended");
    lab.write("p.vasm", once("v.c"));
    session.expect_line("2");
}

#[test]
fn a_library_that_was_missing_comes() {
    for (program, library) in
        [(once("v.c"), "v.c"), (once("deep/er/v.c"), "deep/er/v.c"), (once("v"), "libv.so")]
    {
        let lab = lab_with(program);
        let library_bytes = match library.ends_with(".so") {
            true => lab.compiled(&value(1)),
            false => value(1).into_bytes(),
        };
        let mut session = watch(&lab);
        session.wait_for_notice("[E0601]");
        session.wait_for_notice("the program has ended");
        lab.write(library, library_bytes);
        session.expect_line("1");
    }
}

#[test]
fn a_library_that_did_not_compile_at_first_is_built_when_a_header_is_mended() {
    let lab = lab_with(once("v.c"));
    lab.write("v.c", format!("#include \"late.h\"\n{}", value("LATE")));
    let mut session = watch(&lab);
    session.wait_for_notice("[E0612]");
    session.wait_for_notice("the program has ended");
    lab.write("late.h", "#define LATE 6\n");
    session.expect_line("6");
}

#[test]
fn a_folder_that_is_made_anew_is_watched_again() {
    let lab = lab_with(on_change("build/libv.so"));
    let versions = [1, 2, 3].map(|n| lab.compiled(&value(n)));
    lab.write("build/libv.so", &versions[0]);
    let mut session = start(&lab, "1");
    fs::remove_dir_all(lab.path("build")).unwrap();
    lab.write("build/libv.so", &versions[1]);
    session.expect_line("2");
    // As a package manager does: the new folder is moved into the place of the old.
    lab.write("next/libv.so", &versions[2]);
    fs::rename(lab.path("build"), lab.path("old")).unwrap();
    fs::rename(lab.path("next"), lab.path("build")).unwrap();
    session.expect_line("3");
    lab.write("build/libv.so", &versions[0]);
    session.expect_line("1");
}

/// Prints 100 times one value plus another, whenever that changes.
const SUM: &str = "\
.lib 0 \"a.c\" value () -> i64
.lib 1 \"b.c\" value () -> i64
.local last: i64
again: CALL_NATIVE 0
    PUSH 100
    MUL
    CALL_NATIVE 1
    ADD
    DUP
    LOAD last
    EQ
    JNZ same
    DUP
    PRINT
    STORE last
    JMP again
same: POP
    JMP again
";

#[test]
fn a_group_of_libraries_changes_as_one() {
    let lab = lab_with(SUM);
    lab.write("a.c", value(1));
    lab.write("b.c", value(1));
    let mut session = lab.session(["run", "p.vasm", "--watch", "--events", "-", "--atomic-group"]);
    session.expect_line("101");
    lab.write("b.c", "long value(void) { return }\n");
    session.wait_for_event("rejected");
    // The other is good, and held back.
    lab.write("a.c", value(2));
    session.wait_for_event("rejected");
    lab.write("b.c", value(3));
    session.expect_line("203");
}

#[test]
fn without_a_group_each_library_changes_for_itself() {
    let lab = lab_with(SUM);
    lab.write("a.c", value(1));
    lab.write("b.c", value(1));
    let mut session = start(&lab, "101");
    lab.write("b.c", "long value(void) { return }\n");
    session.wait_for_event("rejected");
    lab.write("a.c", value(2));
    session.expect_line("201");
}

#[test]
fn a_hangup_signal_reloads() {
    let lab = lab_with(on_change("v.c"));
    lab.write("v.c", value(1));
    let mut session = start(&lab, "1");
    // With nothing to do, it does nothing.
    session.signal("HUP");
    // A file system that tells nothing of its changes: here, one that was changed through a name
    // in another folder.
    lab.write("elsewhere/held", "");
    fs::hard_link(lab.path("v.c"), lab.path("elsewhere/v.c")).unwrap();
    lab.write("elsewhere/v.c", value(2));
    session.signal("HUP");
    session.expect_line("2");
    // It reaches the libraries of the next program too.
    lab.write("w.c", value(8));
    lab.write("p.vasm", on_change("w.c"));
    session.expect_line("8");
    fs::hard_link(lab.path("w.c"), lab.path("elsewhere/w.c")).unwrap();
    lab.write("elsewhere/w.c", value(9));
    session.signal("HUP");
    session.expect_line("9");
}

#[test]
fn events_tell_all_that_happens_in_order() {
    let lab = lab_with(on_enter("v.c"));
    lab.write("v.c", value(1));
    let args = ["run", "p.vasm", "--watch", "--events", "events.jsonl", "-v"];
    let mut session = lab.session(args);
    enter_gives(&mut session, "1");
    lab.write("v.c", value(2));
    session.wait_for_notice("ready after");
    enter_until(&mut session, "2", "1");
    lab.write("v.c", "nonsense");
    session.wait_for_notice("generation 2 stays");
    session.enter();
    session.end_of_input();
    session.wait_for_notice("the program has ended");
    drop(session);

    let text = String::from_utf8(lab.read("events.jsonl")).unwrap();
    let events: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in &events {
        assert_eq!((&event["version"], &event["library"]), (&1.into(), &"v.c".into()), "{event}");
        assert!(event["time_ms"].as_u64().unwrap() > 1_600_000_000_000, "{event}");
    }
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["event"].as_str().unwrap(), event["generation"].as_u64().unwrap()))
        .filter(|told| told.0 != "unchecked")
        .collect();
    let expected = [
        ("loaded", 1),
        ("noticed", 1),
        ("prepared", 2),
        ("published", 2),
        ("retired", 1),
        ("noticed", 2),
        ("rejected", 2),
    ];
    assert_eq!(told, expected);
    let [loaded, prepared, published] = ["loaded", "prepared", "published"]
        .map(|k| events.iter().find(|e| e["event"] == k).unwrap());
    assert!(loaded["built_ms"].is_number() && prepared["took_ms"].is_number());
    assert!(published["pause_ns"].as_u64().unwrap() > 0);
    assert_eq!(prepared["content"], published["content"]);
    assert_ne!(loaded["content"], published["content"]);
}

#[test]
fn nobody_who_reads_ends_the_process() {
    let lab = lab_with(".lib 0 \"v.c\" value () -> i64\nagain: CALL_NATIVE 0\nPRINT\nJMP again\n");
    lab.write("v.c", value(1));
    let mut command = lab.hotvm(["run", "p.vasm", "--watch"]);
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(wait(&mut child).code(), Some(0));
}

#[test]
fn what_is_over_is_unmapped_on_request() {
    let lab = lab_with(on_change("v.c"));
    lab.write("v.c", value(1));
    let mut session = lab.session(["run", "p.vasm", "--watch", "--events", "-", "--unload"]);
    session.expect_line("1");
    for n in 2..5 {
        lab.write("v.c", value(n));
        session.expect_line(&n.to_string());
        let (retired, _) = session.wait_for_event("retired");
        assert_eq!(
            (&retired["generation"], &retired["unloaded"]),
            (&(n - 1).into(), &false.into())
        );
        contains(retired["kept"].as_str().unwrap(), "go back to");
        if n > 2 {
            let (gone, _) = session.wait_for_event("retired");
            assert_eq!((&gone["generation"], &gone["unloaded"]), (&(n - 2).into(), &true.into()));
        }
    }
    lab.write("v.c", format!("__thread int mine;\n{}", value("20 + mine")));
    session.expect_line("20");
    lab.write("v.c", value(6));
    session.expect_line("6");
    session.wait_for_notice("it has thread-local variables");
}

#[test]
fn another_version_can_be_let_pass() {
    let lab = lab_with(on_change("v.c").replace("-> i64", "-> i64 version 2"));
    let version = |n| format!("int get_version(void) {{ return {n}; }}\n{}", value(n));
    lab.write("v.c", version(1));
    lab.run(["run", "p.vasm"]).refuses(4, "E0608").says("--version-mismatch warn");
    let args = ["run", "p.vasm", "--watch", "--events", "-", "--version-mismatch"];
    let mut session = lab.session(args.into_iter().chain(["warn"]));
    session.expect_line("1");
    session.wait_for_event("warned");
    contains(&session.wait_for_notice("[E0608]"), "[E0608] Warning");
    lab.write("v.c", version(2));
    session.expect_line("2");
    lab.write("v.c", version(3));
    session.expect_line("3");
    assert_eq!(session.wait_for_event("warned").0["code"], "E0608");
}

/// Calls two functions of one library, which must agree, and prints what they give when it changes.
const PAIR: &str = "\
.lib 0 \"libv.so\" one () -> i64
.lib 1 \"libv.so\" two () -> i64
.local last: i64
.local now: i64
again: CALL_NATIVE 0
    TEE now
    CALL_NATIVE 1
    NE
    JNZ torn
    LOAD now
    LOAD last
    EQ
    JNZ again
    LOAD now
    DUP
    STORE last
    PRINT
    JMP again
torn: TRAP
";

#[test]
fn no_pair_of_calls_ever_sees_two_generations() {
    let reloads = if std::env::var_os("HOTVM_STRESS").is_some() { 10_000 } else { 300 };
    let lab = lab_with(PAIR);
    let template = lab.compiled(
        "static const volatile long stamp = 0x5eed5eed5eed5eed;\n\
         long one(void) { return stamp; }\nlong two(void) { return stamp; }\n",
    );
    let seed = 0x5eed_5eed_5eed_5eed_u64.to_le_bytes();
    let at = template.windows(8).position(|window| window == seed).unwrap();
    let version = |n: u64| {
        let mut bytes = template.clone();
        bytes[at..at + 8].copy_from_slice(&n.to_le_bytes());
        bytes
    };
    lab.write("libv.so", version(1));
    let mut session = lab.session(["run", "p.vasm", "--watch", "--unload", "-q"]);
    session.expect_line("1");
    for n in 2..=reloads {
        match n % 2 {
            0 => lab.replace("libv.so", version(n)),
            _ => drop(lab.write("libv.so", version(n))),
        }
        session.expect_line(&n.to_string());
    }
}
