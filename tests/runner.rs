//! The runner of golden tests, tested: what it accepts, how it tells a difference, and what
//! `--bless` may touch.

use hotvm::tools::golden::{Outcome, Runner};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with one program in it.
struct Test {
    folder: TempDir,
    path: PathBuf,
}

impl Test {
    fn new(text: &str) -> Test {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("test.vasm");
        fs::write(&path, text).unwrap();
        Test { folder, path }
    }

    fn run(&self) -> Outcome {
        runner(false).run(&self.path)
    }

    fn bless(&self) -> Outcome {
        runner(true).run(&self.path)
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

fn runner(bless: bool) -> Runner {
    Runner { hotvm: env!("CARGO_BIN_EXE_hotvm").into(), bless, engine: None }
}

/// Why a test fails.
fn why(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_test_gives_input_and_looks_at_all_that_comes_out() {
    let test = Test::new(
        "\
.zero room 16
.local length: i64
    PUSH 0
    PUSH room
    PUSH len(room)
    ARG
    PRINT
    PUSH room
    PUSH len(room)
    READ
    STORE length
    PUSH room
    LOAD length
    PUTS
    PUSH 1
    PUSH 0
    DIV
    HALT
;! args: \"two words\"
;! stdin: a line
;! stdout: 9
;! stdout (no newline): a line
;! exit: 3
;! error: E0501 at 17:5
;! stderr: division
;! stderr: zero
",
    );
    assert_eq!(test.run(), Outcome::Passed);
}

#[test]
fn flags_are_handed_on() {
    let test = Test::new("    HALT\n;! flags: --no-such-flag\n;! exit: 2\n");
    assert_eq!(test.run(), Outcome::Passed);
}

#[test]
fn a_difference_in_output_is_shown_line_by_line() {
    let test = Test::new(
        "    WRITE \"one\\ntwo\\nthree\\n\"\n    HALT\n\
         ;! stdout: one\n;! stdout: TWO\n;! stdout: three\n",
    );
    let expected = "  stdout: (- expected, + found)
    @@ -1,3 +1,3 @@
     one
    -TWO
    +two
     three
";
    assert_eq!(why(test.run()), expected);
}

#[test]
fn a_missing_newline_is_a_difference() {
    let test = Test::new("    WRITE \"end\"\n    HALT\n;! stdout: end\n");
    let why = why(test.run());
    assert!(why.contains("-end") && why.contains("+end"), "{why}");
    assert!(why.contains("No newline at end"), "{why}");
}

#[test]
fn other_errors_and_statuses_are_differences_and_come_with_their_messages() {
    let test = Test::new("    PUHS 1\n    HALT\n;! error: E0107 at 1:6\n;! exit: 0\n");
    let expected = "  errors: (- expected, + found)
    @@ -1 +1 @@
    -E0107 at 1:6
    +E0107 at 1:5
  exit: expected 0, found exit status: 1
  stderr was:
    unknown instruction `PUHS`
    did you mean `PUSH`?
";
    assert_eq!(why(test.run()), expected);
}

#[test]
fn parts_of_standard_error_are_looked_for_in_order() {
    let program = "    PUHS 1\n    HALT\n;! error: E0107 at 1:5\n";
    let in_order = format!("{program};! stderr: unknown\n;! stderr: did you mean\n");
    assert_eq!(Test::new(&in_order).run(), Outcome::Passed);
    let reversed = format!("{program};! stderr: did you mean\n;! stderr: unknown\n");
    let why = why(Test::new(&reversed).run());
    assert!(why.starts_with("  stderr: expected `unknown`\n"), "{why}");
}

#[test]
fn an_expectation_that_cannot_be_read_fails_with_its_place() {
    let why = why(Test::new("    HALT\n;! stdot: x\n").run());
    assert!(why.contains("E0705") && why.contains("test.vasm:2:1"), "{why}");
}

#[test]
fn a_file_that_is_not_there_fails() {
    let test = Test::new("");
    fs::remove_file(&test.path).unwrap();
    assert!(why(test.run()).starts_with("  cannot be read"));
}

#[test]
fn blessing_leaves_a_test_alone_that_passes() {
    // Written by hand, in an order that blessing would not choose.
    let test = Test::new(";! exit: 0\n    WRITE \"a\\n\"\n    HALT\n;! stdout: a\n;! args: x\n");
    let before = test.text();
    assert_eq!(test.bless(), Outcome::Passed);
    assert_eq!(test.text(), before);
}

#[test]
fn blessing_rewrites_what_a_program_does_and_keeps_everything_else() {
    let test = Test::new(
        "\
; A comment with ;! in it.
    WRITE \"new\\n  indented\\n\"
    PUSH 7
    EXIT

;! args: unused
;! stdout: old
; A comment between.
;! stdin: unused
;! stdout: older
",
    );
    assert_eq!(test.bless(), Outcome::Blessed);
    let expected = "\
; A comment with ;! in it.
    WRITE \"new\\n  indented\\n\"
    PUSH 7
    EXIT

;! args: unused
;! stdout: new
;! stdout: \"  indented\"
;! exit: 7
; A comment between.
;! stdin: unused
";
    assert_eq!(test.text(), expected);
    assert_eq!(test.run(), Outcome::Passed);
}

#[test]
fn blessing_adds_expectations_where_there_are_none() {
    let test = Test::new("    WRITE \"a\"\n    HALT\n");
    assert_eq!(test.bless(), Outcome::Blessed);
    assert_eq!(test.text(), "    WRITE \"a\"\n    HALT\n\n;! stdout (no newline): a\n");
}

#[test]
fn errors_move_with_the_lines_that_blessing_removes() {
    let test = Test::new(";! stdout: one\n;! stdout: two\n    PUHS 1\n");
    assert_eq!(test.bless(), Outcome::Blessed);
    assert_eq!(test.text(), ";! error: E0107 at 2:5\n    PUHS 1\n");
    assert_eq!(test.run(), Outcome::Passed);
}

#[test]
fn blessing_never_rewrites_what_somebody_wants_to_read_on_standard_error() {
    let test = Test::new("    PUHS 1\n;! stderr: did you mean `PULL`?\n");
    let before = test.text();
    assert!(why(test.bless()).contains("stderr: expected `did you mean `PULL`?`"));
    assert_eq!(test.text(), before);
}

#[test]
fn blessing_keeps_the_ends_of_lines() {
    let test = Test::new("    WRITE \"a\\n\"\r\n;! stdout: b\r\n    HALT");
    assert_eq!(test.bless(), Outcome::Blessed);
    assert_eq!(test.text(), "    WRITE \"a\\n\"\r\n;! stdout: a\r\n    HALT\r\n");
    assert_eq!(test.run(), Outcome::Passed);
}

#[test]
fn an_expectation_behind_code_is_refused() {
    let why = why(Test::new("    PUSH 5\n    PRINT ;! stdout: 5\n    HALT\n").run());
    assert!(why.contains("E0705") && why.contains("on a line of its own"), "{why}");
    assert!(why.contains("test.vasm:2:11"), "{why}");
    // A comment may speak of them, and a text may hold them.
    let test = Test::new("    WRITE \";! stdout: 5\\n\" ; as in ;! stdout: 6\n    HALT\n");
    assert_eq!(test.bless(), Outcome::Blessed);
    assert!(test.text().ends_with("\n;! stdout: ;! stdout: 5\n"));
}

#[test]
fn blessing_gives_up_on_a_program_that_differs_each_time() {
    let test = Test::new("    CLOCK\n    PRINT\n    HALT\n;! stdout: 0\n");
    assert!(why(test.bless()).contains("something else each time"));
}

#[test]
fn a_folder_has_the_programs_with_expectations_at_any_depth() {
    let test = Test::new(";! stdout: x\n");
    let folder = test.folder.path();
    fs::create_dir_all(folder.join("a/b")).unwrap();
    for (name, text) in [
        ("a/b/deep.vasm", ";! exit: 0\n"),
        ("a/plain.vasm", "    HALT\n"),
        ("a/notes.txt", ";! exit: 0\n"),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    let found = Runner::find(&[folder.to_owned()]).unwrap();
    assert_eq!(found, [folder.join("a/b/deep.vasm"), test.path.clone()]);
    // A file that is named is a test, whatever it holds; one that is named twice is one test.
    let plain = folder.join("a/plain.vasm");
    assert_eq!(Runner::find(&[plain.clone(), plain.clone()]).unwrap(), [plain]);
    assert!(Runner::find(&[folder.join("missing")]).is_err());
}

#[test]
fn a_file_of_a_folder_that_is_no_text_fails_alone() {
    let test = Test::new("    HALT\n;! exit: 0\n");
    let other = test.folder.path().join("a.vasm");
    fs::write(&other, b"    HALT ; \xff\n;! exit: 0\n").unwrap();
    let found = Runner::find(&[test.folder.path().to_owned()]).unwrap();
    assert_eq!(found, [other.clone(), test.path.clone()]);
    assert!(why(runner(false).run(&other)).contains("E0301"));
    assert_eq!(test.run(), Outcome::Passed);
}

#[test]
fn outcomes_arrive_in_order() {
    let folder = TempDir::new().unwrap();
    let tests: Vec<PathBuf> = (0..20).map(|i| folder.path().join(format!("{i:02}.vasm"))).collect();
    for (i, path) in tests.iter().enumerate() {
        fs::write(path, format!("    PUSH {i}\n    PRINT\n    HALT\n;! stdout: {}\n", i % 2 * i))
            .unwrap();
    }
    let mut seen = Vec::new();
    runner(false).run_all(&tests, |path: &Path, outcome| {
        seen.push((path.to_owned(), *outcome == Outcome::Passed));
    });
    let expected: Vec<_> =
        tests.iter().enumerate().map(|(i, path)| (path.clone(), i == 0 || i % 2 == 1)).collect();
    assert_eq!(seen, expected);
}
