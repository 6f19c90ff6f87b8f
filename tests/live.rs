//! `hotvm run --watch`: what a program is made from changes while it runs.
#![cfg(target_os = "linux")]

mod common;

use common::Lab;
use common::values::{
    contains, enter_gives, enter_until, lab_with, on_change, on_enter, once, start, value, watch,
};
use hotvm::engine::Engine;
use std::fs;
use std::process::Command;

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

/// A loop that does nothing else, at its full speed: what it calls may change at every turn.
#[test]
fn a_hot_loop_follows_its_library_in_all_engines() {
    let quick = |n: u32| format!("long value(void) {{ return {n}; }}\n");
    for engine in Engine::ALL {
        let lab = lab_with(on_change("libv.so"));
        let [one, two] = [1, 2].map(|n| lab.compiled(&quick(n)));
        lab.write("libv.so", &one);
        let flags = ["run", "p.vasm", "--watch", "--events", "-", "--engine", engine.name()];
        let mut session = lab.session(flags);
        for (next, line) in [(&two, "1"), (&one, "2"), (&two, "1")] {
            session.expect_line(line);
            lab.replace("libv.so", next);
        }
        session.expect_line("2");
    }
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
fn a_running_loop_follows_a_rust_source_and_its_modules() {
    let lab = lab_with(on_change("v.rs"));
    let text = |more: &str| {
        format!(
            "mod part;\n#[unsafe(no_mangle)]\npub extern \"C\" fn value() -> i64 {{\n    \
             std::thread::sleep(std::time::Duration::from_micros(100));\n    part::N{more}\n}}\n"
        )
    };
    lab.write("part.rs", "pub const N: i64 = 1;\n");
    lab.write("v.rs", text(""));
    let mut session = start(&lab, "1");
    lab.write("part.rs", "pub const N: i64 = 2;\n");
    session.expect_line("2");
    lab.write("v.rs", text(" + 10"));
    session.expect_line("12");
}

#[test]
fn a_crash_of_the_new_version_brings_the_old_one_back() {
    let lab = lab_with(on_change("v.c"));
    lab.write("v.c", value(1));
    let mut session = start(&lab, "1");
    let bad = "long value(void) { long *volatile p = 0; return *p; }\n";
    lab.write("v.c", bad);
    let (event, mut said) = session.wait_for_event("rolled_back");
    assert_eq!((&event["generation"], &event["to_generation"]), (&2.into(), &1.into()));
    contains(
        event["reason"].as_str().unwrap(),
        "`value`: SIGSEGV reading address 0x0, at value+0x",
    );
    // The program's thread tells this, and another one the events.
    if !said.contains("the program has ended") {
        said += &session.wait_for_notice("the program has ended");
    }
    for part in ["[E0512]", "`value` of v.c (generation 2) crashed", "p.vasm:", "v.c:1"] {
        contains(&said, part);
    }
    // The same again is not tried; something else is, and then the program runs again.
    lab.write("v.c", format!("{bad}\n"));
    lab.write("v.c", bad);
    assert_eq!(session.wait_for_event("rejected").0["code"], "E0619");
    lab.write("v.c", value(3));
    session.expect_line("3");
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
        let said = session.wait_for_notice(&format!("rejected ({code}), generation 1 stays"));
        contains(&said, &format!("[{code}]"));
        contains(&said, "p.vasm:1:1");
        enter_gives(&mut session, "1");
    }
    lab.write("v.c", value(2));
    session.wait_for_event("prepared");
    enter_until(&mut session, "2", "1");
}

#[test]
fn a_mistake_is_told_at_each_save_and_at_no_other_time() {
    let lab = lab_with(on_enter("v.c"));
    let mistake = "long value(void) { return }\n";
    lab.write("v.c", value(1));
    let mut session = watch(&lab);
    enter_gives(&mut session, "1");
    for n in 2..4 {
        for _ in 0..2 {
            lab.write("v.c", mistake);
            session.wait_for_notice("rejected (E0612)");
        }
        // It might be what the source lacks, so it is built again; that it still lacks it is no news.
        lab.write("other.h", format!("{n}"));
        lab.write("v.c", value(n));
        let (_, said) = session.wait_for_event("prepared");
        assert!(!said.contains("rejected"), "{said}");
        enter_until(&mut session, &n.to_string(), &(n - 1).to_string());
    }
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
fn included_files_are_followed_as_the_programs_text_is() {
    let greet = |word| format!(".macro greet\n    WRITE \"{word}\\n\"\n.endmacro\n");
    let lab = lab_with(format!(".include \"greet.vasm\"\n    greet\n{}", on_change("v.c")));
    lab.write("v.c", value(1));
    lab.write("greet.vasm", greet("one"));
    let mut session = watch(&lab);
    session.expect_line("one");
    session.expect_line("1");
    lab.write("greet.vasm", "PUSH\n");
    let said = session.wait_for_notice("the program stays as it was");
    contains(&said, "greet.vasm:1:1");
    lab.write("greet.vasm", greet("two"));
    session.expect_line("two");
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
fn a_source_that_was_refused_is_built_when_what_it_lacks_has_come() {
    let lab = lab_with(on_change("v.c"));
    lab.write("v.c", value(1));
    let mut session = start(&lab, "1");
    lab.write("v.c", format!("#include \"new.h\"\n{}", value("NEW")));
    session.wait_for_event("rejected");
    lab.write("new.h", "#define OTHER 5\n");
    contains(session.wait_for_event("rejected").0["notes"][0].as_str().unwrap(), "NEW");
    lab.write("new.h", "#define NEW 5\n");
    session.expect_line("5");
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

#[test]
fn a_folder_far_above_may_move() {
    let lab = lab_with(on_change("out/x86/debug/libv.so"));
    let versions = [1, 2, 3, 4].map(|n| lab.compiled(&value(n)));
    lab.write("out/x86/debug/libv.so", &versions[0]);
    let mut session = start(&lab, "1");
    let replace = |folder: &str, aside: &str| {
        fs::rename(lab.path(folder), lab.path(aside)).unwrap();
        fs::rename(lab.path("next"), lab.path(folder)).unwrap();
    };
    lab.write("next/debug/libv.so", &versions[1]);
    replace("out/x86", "former");
    session.expect_line("2");
    lab.write("next/x86/debug/libv.so", &versions[2]);
    replace("out", "older");
    session.expect_line("3");
    // The new place is watched, the old one is not.
    lab.write("older/x86/debug/libv.so", &versions[0]);
    lab.write("out/x86/debug/libv.so", &versions[3]);
    session.expect_line("4");
}

/// Links `libv.so` of C with `libhelper.so` beside it.
fn link_with_helper(lab: &Lab, expression: &str) {
    let text = format!("long help(void), more(void);\n{}", value(expression));
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-Wl,-rpath,$ORIGIN", "-o"]);
    cc.args([
        lab.path("libv.so"),
        lab.write("v.c", text),
        "-L".into(),
        lab.path("."),
        "-lhelper".into(),
    ]);
    assert!(cc.status().unwrap().success());
}

#[test]
fn a_library_that_another_needs_stays_the_old_one_and_that_is_told() {
    let lab = lab_with(on_change("libv.so"));
    let helpers = [
        "long help(void) { return 1; }",
        "long help(void) { return 2; } long more(void) { return 3; }",
    ]
    .map(|c| lab.compiled(c));
    lab.write("libhelper.so", &helpers[0]);
    link_with_helper(&lab, "help() + 10");
    let mut session = start(&lab, "11");
    lab.replace("libhelper.so", &helpers[1]);
    let (warned, _) = session.wait_for_event("warned");
    assert_eq!((&warned["code"], &warned["generation"]), (&"E0622".into(), &1.into()));
    contains(
        warned["message"].as_str().unwrap(),
        "`libv.so` needs libhelper.so, which has changed",
    );
    // What is loaded does not get to the new one.
    link_with_helper(&lab, "help() + 20");
    session.expect_line("21");
    let (warned, said) = session.wait_for_event("warned");
    assert_eq!((&warned["code"], &warned["generation"]), (&"E0622".into(), &2.into()), "{said}");
    contains(&session.wait_for_notice("Help: "), "start anew to use it");
    // Nor does what cannot do without.
    link_with_helper(&lab, "more() + 30");
    let (rejected, _) = session.wait_for_event("rejected");
    assert_eq!(rejected["code"], "E0604");
    contains(&rejected["notes"].to_string(), "the one loaded first stays in use");
    // The old one again is no news.
    lab.replace("libhelper.so", &helpers[0]);
    link_with_helper(&lab, "help() + 40");
    session.expect_line("41");
    let (_, said) = session.wait_for_event("published");
    assert!(!said.contains("\"warned\""), "{said}");
}
