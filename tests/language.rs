//! The flags of the language, as a user gives them: included files, constants, warnings; and what a
//! program of several files leaves behind in its bytecode.

mod common;

use common::Lab;
use serde_json::Value;

const MAIN: &str = ".include \"parts.vasm\"\n    show SIZE\n    HALT\n";
const PARTS: &str = ".macro show number\n    PUSH number\n    PRINT\n.endmacro\n.const SIZE = 7\n";

#[test]
fn included_files_are_looked_for_beside_the_file_then_in_the_folders_that_flags_and_settings_name()
{
    let lab = Lab::new();
    lab.write("main.vasm", MAIN);
    let missing = lab.run(["run", "main.vasm"]).refuses(1, "E0112");
    missing.says("looked for `parts.vasm`").says("-I DIR");
    std::fs::create_dir_all(lab.path("settings")).unwrap();
    std::fs::create_dir_all(lab.path("flag")).unwrap();
    lab.write("settings/parts.vasm", PARTS.replace('7', "1"));
    lab.write("hotvm.toml", "include-dirs = ['settings']\n");
    assert_eq!(lab.run(["run", "main.vasm"]).done().text(), "1\n");
    lab.write("flag/parts.vasm", PARTS.replace('7', "2"));
    assert_eq!(lab.run(["run", "-I", "flag", "main.vasm"]).done().text(), "2\n");
    lab.write("parts.vasm", PARTS);
    assert_eq!(lab.run(["run", "-I", "flag", "main.vasm"]).done().text(), "7\n");
    // A program from standard input begins in the current folder.
    assert_eq!(lab.run_text(MAIN).done().text(), "7\n");
}

#[test]
fn what_is_no_text_is_not_included() {
    let lab = Lab::new();
    std::fs::create_dir_all(lab.path("folder")).unwrap();
    lab.write("bytes.vasm", b"\xff\xff");
    lab.write("wide.vasm", WIDE);
    lab.write("whole.vasm", "HALT\n");
    lab.run(["asm", "whole.vasm", "-o", "whole.vbc"]).exits(0);
    for (name, why) in [
        ("folder", "it is a folder"),
        ("bytes.vasm", "not UTF-8 from byte 0"),
        ("wide.vasm", "it is UTF-16"),
        ("whole.vbc", "it is bytecode"),
    ] {
        lab.run_text(&format!(".include \"{name}\"\nHALT\n")).refuses(1, "E0112").says(why);
    }
    #[cfg(unix)]
    lab.run_text(".include \"/dev/zero\"\nHALT\n").refuses(1, "E0112").says("no plain file");
}

/// What PowerShell's `>` makes of `HALT`.
const WIDE: &[u8] = b"\xff\xfeH\0A\0L\0T\0\r\0\n\0";

#[test]
fn text_of_another_encoding_is_told_by_its_name() {
    let lab = Lab::new();
    lab.write("wide.vasm", WIDE);
    lab.write("wide_without_mark.vasm", &WIDE[2..]);
    lab.write("latin.vasm", b"; gr\xfc\xdfe\nHALT\n");
    for (name, why) in [
        ("wide.vasm", "UTF-16"),
        ("wide_without_mark.vasm", "UTF-16"),
        ("latin.vasm", "not UTF-8 from"),
    ] {
        lab.run(["check", name]).exits(1).says(why);
        lab.run(["fmt", name]).exits(1).says(why);
    }
}

#[test]
fn a_mark_at_the_beginning_of_a_text_moves_nothing() {
    let lab = Lab::new();
    let text = "\u{feff}PUSH foo\nHALT\n";
    let outcome = lab.run_with(["run", "--error-format", "json"], text.as_bytes()).exits(1);
    let place = &serde_json::from_str::<Value>(&outcome.stderr).unwrap()["places"][0];
    let (from, to) = (place["byte"].as_u64().unwrap(), place["end_byte"].as_u64().unwrap());
    assert_eq!(&text[from as usize..to as usize], "foo");
    assert_eq!((&place["line"], &place["column"]), (&1.into(), &6.into()));
    lab.run_text(text).refuses(1, "E0204").says("<stdin>:1:6").says("│ PUSH foo");
    lab.write("parts.vasm", format!("\u{feff}{PARTS}"));
    assert_eq!(lab.run_text(&format!("\u{feff}{MAIN}")).done().text(), "7\n");
    lab.run_text("\u{feff}ADD\n").refuses(1, "E0401").says("<stdin>:1:1").says("│ ADD");
    let formatted = lab.run_with(["fmt"], text.as_bytes()).done();
    assert_eq!(formatted.text(), "    PUSH    foo\n    HALT\n");
    // Anywhere else it is a character like others.
    lab.run_text("HALT\n\u{feff}NOP\n").refuses(1, "E0101").says("U+FEFF");
}

#[test]
fn of_a_name_without_end_the_ends_are_told() {
    let lab = Lab::new();
    let text = format!("PUSH {}\nHALT\n", "x".repeat(1 << 20));
    for format in ["text", "json"] {
        let outcome = lab.run_with(["run", "--error-format", format], text.as_bytes()).exits(1);
        let told = outcome.says("E0204").stderr;
        assert!(told.len() < 4000, "{}", told.len());
    }
}

#[test]
fn files_that_include_each_other_are_told_under_any_name() {
    let lab = Lab::new();
    lab.write("a.vasm", ".include \"b.vasm\"\nHALT\n");
    lab.write("b.vasm", ".include \"./a.vasm\"\n");
    let outcome = lab.run(["run", "a.vasm"]).refuses(1, "E0112");
    outcome.says("includes itself").says("b.vasm:1:").says("a.vasm:1:");
}

/// What only follows from a line that cannot be read is not told.
#[test]
fn one_mistake_is_one_error() {
    let lab = Lab::new();
    for (text, code) in [
        (".fnuc start\nRET\n.end\n.entry start\n", "E0108"),
        (".proc start\nRET\n.end\n.entry start\n", "E0108"),
        ("func start\nRET\n.end\n.entry start\n", "E0107"),
        (".mcaro twice a\nPUSH a\nPUSH a\n.endmacro\ntwice 3\nHALT\n", "E0108"),
        (".fi 1\nPUSH 1\n.elif 2\nPUSH 2\n.else\nPUSH 3\n.endif\nPRINT\nHALT\n", "E0108"),
        (".include \"no.inc\"\nPUSH N\nCALL f\ntwice 3\nLOAD g\nHALT\n", "E0112"),
    ] {
        let outcome = lab.run_text(text).refuses(1, code);
        assert_eq!(outcome.stderr.matches("Error:").count(), 1, "{}", outcome.stderr);
    }
    // Of two lines that may explain each other, none is left out.
    let outcome = lab.run_text("FROB x\nx FROB\n").refuses(1, "E0107");
    assert_eq!(outcome.stderr.matches("Error:").count(), 2, "{}", outcome.stderr);
    lab.run_text("PUSH 1 2\nHALT\n.end\n").refuses(1, "E0106").says("E0206");
}

#[test]
fn constants_of_the_command_line_are_expressions() {
    let lab = Lab::new();
    let text = "PUSH A\nPRINT\nHALT\n";
    let with = |flags: &[&str]| lab.run_with([&["run"], flags].concat(), text.as_bytes());
    assert_eq!(with(&["-D", "A=2*(3+4)"]).done().text(), "14\n");
    assert_eq!(with(&["-DB=0x10", "-DA=B"]).done().text(), "16\n");
    assert_eq!(with(&["-D", "A"]).done().text(), "1\n");
    with(&["-D", "A=1 +"]).refuses(1, "E0106").says("<command line>");
    with(&["-D", "A=1", "-D", "A=2"]).refuses(1, "E0202");
    with(&["-D", "A=1\nHALT"]).refuses(1, "E0106");
    with(&["-D", "1A=1"]).exits(2).says("is no name");
    with(&["-D", ""]).exits(2);
}

#[test]
fn warnings_are_shown_allowed_and_denied_by_name() {
    let lab = Lab::new();
    let text = "    PUSH 1\nunused:\n    HALT\n";
    let asm =
        |flags: &[&str]| lab.run_with([&["asm", "-o", "out.vbc"], flags].concat(), text.as_bytes());
    asm(&[]).exits(0).says("W0802").says("W0804");
    let one = asm(&["-A", "unused-label"]).exits(0).says("W0804");
    assert!(!one.stderr.contains("W0802"));
    let none = asm(&["-A", "warnings"]).exits(0);
    assert_eq!(none.stderr, "");
    asm(&["-A", "warnings", "-D", "value-left"]).refuses(1, "W0804");
    asm(&["-D", "warnings", "-A", "value-left"]).refuses(1, "W0802");
    asm(&["-D", "unusd-label"]).exits(2).says("did you mean `unused-label`?");
    // By its code, too, which would be the name of a constant as well.
    asm(&["-D", "W0802"]).refuses(1, "W0802");
    asm(&["-D", "W0802=1"]).exits(0);
    asm(&["-D", "unused_label"]).exits(2).says("the warning is `unused-label`");
    asm(&["-D", "unused_label=1"]).exits(0);
    asm(&["-W", "nonsense"]).exits(2).says("unreachable-code");
    // Running is silent unless somebody asks.
    let run = |flags: &[&str]| lab.run_with([&["run"], flags].concat(), text.as_bytes());
    assert_eq!(run(&[]).exits(0).stderr, "");
    let asked = run(&["-W", "value-left"]).exits(0).says("W0804");
    assert!(!asked.stderr.contains("W0802"));
}

#[test]
fn a_suggestion_is_an_edit_of_bytes() {
    let lab = Lab::new();
    let text = "; é\nstart:\n    JMP strat\n";
    let args = ["run", "--error-format", "json"];
    let outcome = lab.run_with(args, text.as_bytes()).exits(1);
    let line: Value = serde_json::from_str(&outcome.stderr).unwrap();
    let edit = &line["edits"][0];
    let (from, to) = (edit["byte"].as_u64().unwrap(), edit["end_byte"].as_u64().unwrap());
    assert_eq!(&text[from as usize..to as usize], "strat");
    assert_eq!((&edit["replacement"], &edit["file"]), (&"start".into(), &"<stdin>".into()));
}

#[test]
fn suggestions_are_what_was_meant() {
    let lab = Lab::new();
    let edit = |text: &str| {
        let args = ["run", "--error-format", "json"];
        let outcome = lab.run_with(args, text.as_bytes()).exits(1);
        let line: Value = serde_json::from_str(outcome.stderr.lines().next().unwrap()).unwrap();
        line["edits"][0]["replacement"].as_str().map(str::to_owned)
    };
    for (text, meant) in [
        ("PUSH 1\nDROP\nHALT\n", Some("POP")),
        ("CALL f\nHALT\n.func f\nRETURN\n.end\n", Some("RET")),
        ("PUSH 1\nINC\nPRINT\nHALT\n", None),
        ("x:\nPUSH 1\nJMPZ x\nHALT\n", Some("JZ")),
        ("x:\nPUSH 1\nPUSH 1\nJNE x\nHALT\n", None),
        ("loop\nJMP loop\n", Some("loop:")),
        ("loop\nHALT\n", None),
        ("x:\nHALTT\nJMP x\n", Some("HALT")),
        (".func f\nround_about\nRET\n.end\nround_about:\nJMP round_about\n", None),
        ("i64.const 1\nHALT\n", Some("PUSH")),
        ("WRITE 'hello'\nHALT\n", Some("\"hello\"")),
        (".memory 1 TiB\nHALT\n", None),
        (".memory 1 Kb\nHALT\n", Some("KiB")),
        (".data x i46 1\nHALT\n", Some("i64")),
    ] {
        assert_eq!(edit(text).as_deref(), meant, "{text}");
    }
}

/// A program whose main comes from an expansion, and a function from an included file.
const SEVERAL: &str = "\
.include \"parts.vasm\"
.macro outer a
    show a
    divide
.endmacro
.macro divide
    PUSH 1
    PUSH 0
    DIV
    PRINT
.endmacro
    outer SIZE
    HALT
";

#[test]
fn bytecode_knows_the_files_and_calls_that_it_came_from() {
    let lab = Lab::new();
    lab.write("parts.vasm", PARTS);
    lab.write("main.vasm", SEVERAL);
    lab.run(["asm", "main.vasm", "-o", "main.vbc"]).exits(0);
    for program in ["main.vasm", "main.vbc"] {
        let outcome = lab.run(["run", program]).exits(3);
        outcome
            .says("main.vasm:9:5")
            .says("in this call of `divide`")
            .says("in this call of `outer`");
    }
    let text = lab.run(["dis", "main.vbc"]).done();
    assert_eq!(text.text().matches(".expansion \"").count(), 3);
    lab.write("again.vasm", text.text());
    lab.run(["asm", "again.vasm", "-o", "again.vbc"]).exits(0);
    assert!(lab.read("main.vbc") == lab.read("again.vbc"), "{}", text.text());
}
