//! What limits a program that runs, and what ends it from outside, on every engine.

mod common;

use common::{Lab, Outcome};
use hotvm::engine::Engine;

const ENDLESS: &str = ".local i: i64\nagain: LOAD i\nPUSH 1\nADD\nSTORE i\nJMP again\n";

fn run(engine: Engine, flags: &[&str], text: &str) -> Outcome {
    let args = [&["run", "--engine", engine.name()], flags].concat();
    Lab::new().run_with(args, text.as_bytes())
}

#[test]
fn fuel_ends_a_program_at_the_same_place_in_every_engine() {
    for &engine in Engine::ALL {
        let text = format!("PUSH 7\nPRINT\n{ENDLESS}");
        let ended = run(engine, &["--fuel", "1000"], &text).refuses(3, "E0514");
        // The fuel is spent at the beginning of a turn.
        assert_eq!(ended.says("4:8").text(), "7\n");
    }
}

#[test]
fn fuel_is_counted_to_the_unit() {
    // Two instructions, ten turns of five, and one.
    let text =
        ".local i: i64\nPUSH 10\nSTORE i\nagain: LOAD i\nPUSH 1\nSUB\nTEE i\nJNZ again\nHALT\n";
    for &engine in Engine::ALL {
        run(engine, &["--fuel", "53"], text).done();
        run(engine, &["--fuel", "52"], text).refuses(3, "E0514");
    }
}

#[test]
fn a_time_limit_ends_a_loop_and_a_wait() {
    for &engine in Engine::ALL {
        run(engine, &["--time-limit", "0.05"], ENDLESS).refuses(3, "E0515").says("in `main`");
        run(engine, &["--time-limit", "60"], "PUSH 1\nPRINT\nHALT\n").done();
    }
    let lab = Lab::new();
    lab.write("waits.vasm", "PUSH 16\nPUSH 9\nREAD\nPRINT\nHALT\n");
    let mut session = lab.session(["run", "waits.vasm", "--time-limit", "0.05"]);
    session.wait_for_notice("E0515");
    session.wait_for_notice("waiting for input");
    session.wait().exits(3);
}

#[test]
fn a_memory_limit_holds_at_the_start_and_when_memory_grows() {
    let grows =
        ".memory 64 KiB max 1 MiB\nPUSH 65536\nMEMGROW\nPRINT\nPUSH 1\nMEMGROW\nPRINT\nHALT\n";
    for &engine in Engine::ALL {
        assert_eq!(run(engine, &[], grows).done().text(), "65536\n131072\n");
        let limited = run(engine, &["--memory-limit", "128KiB"], grows).done();
        assert_eq!(limited.text(), "65536\n-1\n");
        run(engine, &["--memory-limit", "63KiB"], grows)
            .refuses(1, "E0407")
            .says("only have 64512");
    }
}

#[test]
fn limits_that_are_none_are_wrong_usage() {
    for flags in [["--fuel", "-1"], ["--time-limit", "0"], ["--memory-limit", "lots"]] {
        run(Engine::default(), &flags, "HALT\n").exits(2);
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_loop_and_a_wait() {
    let lab = Lab::new();
    // Reading lets the output out, so the test knows that it runs.
    let reads = "PUSH 1\nPRINT\nPUSH 16\nPUSH 9\nREAD\nPOP\n";
    lab.write("loops.vasm", format!("{reads}{ENDLESS}"));
    for &engine in Engine::ALL {
        let mut session = lab.session(["run", "loops.vasm", "--engine", engine.name()]);
        session.expect_line("1");
        session.send("go");
        session.signal("INT");
        let ended = session.end().refuses(130, "E0516");
        assert!(ended.says("loops.vasm:").stderr.contains("in `main`"));
    }
    let mut session = lab.session(["run", "loops.vasm"]);
    session.expect_line("1");
    session.signal("INT");
    session.wait_for_notice("waiting for input");
    session.wait().exits(130);
}

#[cfg(unix)]
#[test]
fn ctrl_c_at_the_prompt_quits() {
    let lab = Lab::new();
    lab.write("short.vasm", "HALT\n");
    for flag in ["--reload-on-enter", "--watch"] {
        let mut session = lab.session(["run", "short.vasm", flag]);
        session.wait_for_notice(if flag == "--watch" { "Ctrl-C quits" } else { "press Enter" });
        session.signal("INT");
        session.wait().exits(130);
    }
}
