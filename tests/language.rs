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
    lab.write("bytes.vasm", b"\xff\xfe");
    for (name, why) in [("folder", "it is a folder"), ("bytes.vasm", "not UTF-8 from byte 0")] {
        lab.run_text(&format!(".include \"{name}\"\nHALT\n")).refuses(1, "E0112").says(why);
    }
    #[cfg(unix)]
    lab.run_text(".include \"/dev/zero\"\nHALT\n").refuses(1, "E0112").says("no plain file");
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
