//! `hotvm run --watch` with its other flags, signals and events, and under many reloads.
#![cfg(target_os = "linux")]

mod common;

use common::values::{
    contains, enter_gives, enter_until, lab_with, on_change, on_enter, once, start, value,
};
use common::wait;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

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

/// An interrupt of hotvm alone; from a terminal, the compiler gets one too.
#[test]
fn an_interrupt_ends_the_compiler_and_what_it_has_started() {
    for (program, is_over) in [(on_change("v.c"), false), (once("v.c"), true)] {
        let lab = lab_with(program);
        let pipe = lab.path("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // A slow one. What it starts holds the pipe, and says when it ends by itself.
        let slow = "#!/bin/sh\nif [ -e slow ]; then (sleep 60; echo) > pipe; fi\nexec cc \"$@\"\n";
        fs::set_permissions(lab.write("slow-cc", slow), Permissions::from_mode(0o755)).unwrap();
        lab.write("hotvm.toml", "cc = \"./slow-cc\"\n");
        lab.write("v.c", value(1));
        let mut session = start(&lab, "1");
        if is_over {
            session.wait_for_notice("the program has ended");
        }
        lab.write("slow", "");
        lab.write("v.c", value(2));
        let mut held = fs::File::open(&pipe).unwrap();
        session.signal("INT");
        let ended = session.wait();
        assert_eq!(ended.status, Some(130), "{}", ended.stderr);
        assert!(!ended.stderr.contains("E0612"), "{}", ended.stderr);
        assert_eq!(held.read_to_end(&mut Vec::new()).unwrap(), 0);
        // The next one tidies up.
        assert_eq!(lab.names_in("cache/work").len(), 1);
        fs::remove_file(lab.path("slow")).unwrap();
        lab.write("p.vasm", once("v.c"));
        assert_eq!(lab.run(["run", "p.vasm"]).done().text(), "2\n");
        assert!(lab.names_in("cache/work").is_empty());
    }
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
    // A change that comes while another is looked at may be told twice.
    let mut rest = told.iter();
    assert!(expected.iter().all(|step| rest.any(|told| told == step)), "{text}");
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
fn variables_are_kept_as_the_flags_say() {
    let version = |n: i32| {
        format!(
            "#include <stdlib.h>\nstatic int calls;\nstatic char *text;\n{}",
            value(format!("(text ? 0 : !!(text = malloc(8)), calls++ ? 10 : 0) + {n}"))
        )
    };
    // `calls` is 0 where it begins anew.
    for (flags, kept) in [(&[][..], "2"), (&["--partial-state"], "12"), (&["--fresh-state"], "2")] {
        let lab = lab_with(on_change("v.c"));
        lab.write("v.c", version(1));
        let args = ["run", "p.vasm", "--watch", "--events", "-"];
        let mut session = lab.session(args.iter().chain(flags));
        session.expect_line("1");
        session.expect_line("11");
        lab.write("v.c", version(2));
        session.expect_line(kept);
        let (event, _) = session.wait_for_event("published");
        let state = &event["state"];
        match flags {
            [] => {
                let lost = state["fresh"].as_array().unwrap();
                let calls = lost.iter().find(|lost| lost["name"] == "calls").unwrap();
                let reason = serde_json::json!({"kind": "beside", "pointer": "text"});
                assert_eq!(calls["reason"], reason);
            }
            ["--partial-state"] => assert_eq!(state["carried"][0]["name"], "calls"),
            _ => assert_eq!(*state, serde_json::Value::Null),
        }
    }
    let lab = lab_with("HALT\n");
    let both = lab.run(["run", "p.vasm", "--fresh-state", "--partial-state"]);
    both.exits(2).says("cannot be used with");
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
