//! `--trace` and `--profile`: alike on every engine.

mod common;

use common::{Lab, Outcome};
use hotvm::engine::Engine;

const PROGRAM: &str = "\
.func half (n: i64, x: f64) -> f64
    LOAD x
    LOAD n
    JZ end
    PUSH 2.0
    DIV
end:
    RET
.end
.local i: i64
again: PUSH 1
    PUSH 3.0
    CALL half
    POP
    LOAD i
    PUSH 1
    ADD
    TEE i
    PUSH 3
    LT
    JNZ again
    HALT
";

/// Runs the program with flags, and gives what it wrote, and to a file called `file`.
fn run(engine: Engine, flags: &[&str]) -> (Outcome, String) {
    let lab = Lab::new();
    lab.write("half.vasm", PROGRAM);
    let args = [&["run", "half.vasm", "--engine", engine.name()], flags].concat();
    let outcome = lab.run(args);
    (outcome, std::fs::read_to_string(lab.path("file")).unwrap_or_default())
}

#[test]
fn a_trace_is_every_instruction_with_the_stack_before_it() {
    const FIRST: &str = "\
main:0           PUSH 1                   |
main:1           PUSH 3.0                 | 1
main:2           CALL half                | 1 3.0
half:0           LOAD x                   |
half:1           LOAD n                   | 3.0
half:2           JZ end                   | 3.0 1
half:3           PUSH 2.0                 | 3.0
half:4           DIV                      | 3.0 2.0
half:5           RET                      | 1.5
main:3           POP                      | 1.5
main:4           LOAD i                   |
main:5           PUSH 1                   | 0
main:6           ADD                      | 0 1
main:7           TEE i                    | 1
main:8           PUSH 3                   | 1
main:9           LT                       | 1 3
main:10          JNZ again                | 1
main:0           PUSH 1                   |
";
    for &engine in Engine::ALL {
        let (outcome, trace) = run(engine, &["--trace", "file"]);
        outcome.done();
        assert!(trace.starts_with(FIRST), "{}:\n{trace}", engine.name());
        assert_eq!(trace.lines().count(), 3 * 17 + 1);
        assert!(trace.ends_with("\nmain:11          HALT                     |\n"), "{trace}");
    }
}

#[test]
fn a_trace_goes_up_to_the_trap() {
    for &engine in Engine::ALL {
        let lab = Lab::new();
        let text = "PUSH 1\nPUSH 0\nDIV\nPRINT\nHALT\n";
        let args = ["run", "--engine", engine.name(), "--trace", "-"];
        let trapped = lab.run_with(args, text.as_bytes()).refuses(3, "E0501");
        assert!(trapped.stderr.starts_with("main:0  "), "{}", trapped.stderr);
        trapped.says("| 1 0\n[E0501]");
    }
}

#[test]
fn a_profile_by_count_counts_each_line() {
    for &engine in Engine::ALL {
        let outcome = run(engine, &["--profile=count"]).0.done();
        for part in [
            "profile: 52 instructions\n",
            " 65.38%            34  main\n",
            " 34.62%            18  half\n",
            "  5.77%             3  half.vasm:6  DIV\n",
            "  1.92%             1  half.vasm:22  HALT",
        ] {
            assert!(outcome.stderr.contains(part), "{}: {}", engine.name(), outcome.stderr);
        }
    }
}

#[test]
fn a_profile_by_time_knows_functions_lines_and_stacks() {
    // Long enough to be seen by many samples, wherever it runs.
    let text = PROGRAM.replace("PUSH 3\n", "PUSH 1_000_000\n");
    for &engine in Engine::ALL {
        let lab = Lab::new();
        lab.write("half.vasm", &text);
        let args =
            ["run", "half.vasm", "--engine", engine.name(), "--profile", "--folded", "stacks"];
        let outcome = lab.run(args).done().says("[hotvm] profile: ");
        assert!(outcome.stderr.contains("100.00%  main"), "{}", outcome.stderr);
        let stacks = String::from_utf8(lab.read("stacks")).unwrap();
        let names: Vec<_> = stacks.lines().map(|line| line.rsplit_once(' ').unwrap().0).collect();
        assert!(names.contains(&"main"), "{stacks}");
        assert!(names.iter().all(|name| ["main", "main;half"].contains(name)), "{stacks}");
    }
}

#[test]
fn what_cannot_be_written_is_an_error_before_the_run() {
    let (outcome, _) = run(Engine::default(), &["--trace", "no/such/folder"]);
    outcome.refuses(1, "E0702");
    run(Engine::default(), &["--folded", "file"]).0.exits(2);
}

/// Two functions that take their time.
const BUSY: &str = "\
.func fib (n: i64) -> i64
    LOAD n
    PUSH 2
    LT
    JZ more
    LOAD n
    RET
more:
    LOAD n
    PUSH 1
    SUB
    CALL fib
    LOAD n
    PUSH 2
    SUB
    CALL fib
    ADD
    RET
.end
PUSH 24
CALL fib
PRINT
HALT
";

#[test]
fn statistics_tell_what_ran_where_and_what_it_cost() {
    for &engine in Engine::ALL {
        let lab = Lab::new();
        lab.write("busy.vasm", BUSY);
        let outcome = lab.run(["run", "busy.vasm", "--stats", "--engine", engine.name()]).done();
        assert_eq!(outcome.text(), "46368\n");
        let said = outcome.stderr;
        assert!(said.contains("  (all)\n") && said.contains("interpreted  machine code"), "{said}");
        let line = said.lines().find(|line| line.ends_with("  fib")).map(str::to_owned);
        let has_code = !said.contains(" 0 pieces of machine code");
        match engine {
            Engine::Reference | Engine::Interp => {
                assert!(!has_code && line.unwrap().contains("0.000 s        0      0.00 ms"));
            }
            Engine::Jit => assert!(has_code && !line.unwrap().contains("        0      0.00 ms")),
            // A fast machine is done before anything is compiled.
            Engine::Auto => {}
        }
    }
}

#[test]
fn statistics_go_with_profiles() {
    let lab = Lab::new();
    lab.write("busy.vasm", BUSY);
    lab.run(["run", "busy.vasm", "--stats", "--profile"]).done().says("stats:").says("profile:");
    let counted = lab.run(["run", "busy.vasm", "--stats", "--profile=count"]).done();
    counted.says("0 pieces of machine code").says("instructions");
}

#[test]
fn perf_finds_the_names_of_machine_code() {
    if !Engine::ALL.contains(&Engine::Jit) {
        return;
    }
    let lab = Lab::new();
    lab.write("busy.vasm", BUSY);
    lab.run(["run", "busy.vasm", "--engine", "jit", "--perf-map=map"]).done();
    let map = String::from_utf8(lab.read("map")).unwrap();
    let entries: Vec<Vec<&str>> = map.lines().map(|line| line.splitn(3, ' ').collect()).collect();
    for name in ["main", "fib", "[hotvm stub]"] {
        let entry = entries.iter().find(|entry| entry[2] == name);
        let numbers = entry.unwrap_or_else(|| panic!("no {name} in {map}"))[..2].iter();
        assert!(numbers.into_iter().all(|n| u64::from_str_radix(n, 16).is_ok_and(|n| n > 0)));
    }
    // Without a file, it is where perf looks for it.
    let mut session = lab.session(["run", "busy.vasm", "--engine", "jit", "--perf-map"]);
    session.expect_line("46368");
    let map = format!("/tmp/perf-{}.map", session.id());
    session.end().done();
    assert!(std::fs::read_to_string(&map).unwrap().contains(" fib\n"));
    std::fs::remove_file(map).unwrap();
    lab.run(["run", "busy.vasm", "--perf-map=no/such/folder"]).refuses(1, "E0702");
}
