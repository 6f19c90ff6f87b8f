//! What comes to a terminal: nothing that it would obey, whatever programs and their names hold, and
//! colours only where they are wanted.

mod common;

use common::{Lab, Outcome};
use hotvm::chars::is_control;
use hotvm::module::{decode, encode};
use serde_json::Value;

/// What terminals obey, and what turns the direction of writing.
const HOSTILE: &str = "\x1b[2J\x1b]0;owned\x07\u{9b}31m\u{202e}\u{2066}\u{200f}\x7f\x08";

/// Nothing that was written can do more than be read.
#[track_caller]
fn is_harmless(outcome: &Outcome) {
    let seen = |text: &str| text.chars().all(|c| !is_control(c) || matches!(c, '\n' | '\t'));
    assert!(seen(outcome.text()) && seen(&outcome.stderr), "{outcome:?}");
}

#[test]
fn excerpts_messages_and_names_of_files_show_what_a_terminal_would_obey() {
    let lab = Lab::new();
    let name = format!("{HOSTILE}.vasm").replace('/', "");
    for text in [
        format!("FROB ; {HOSTILE}\n"),
        format!("PUSH 1{HOSTILE}\n"),
        format!(".include \"{HOSTILE}\"\n"),
        format!("FROB ; {HOSTILE}{}\n", "x".repeat(1000)),
    ] {
        lab.write(&name, text);
        let outcome = lab.run(["check", &name]).exits(1);
        is_harmless(&outcome);
        assert!(outcome.stderr.contains("␛]0;owned␇"), "{}", outcome.stderr);
        is_harmless(&lab.run(["check", "-v", "."]).exits(1));
        is_harmless(&lab.run(["fmt", "--check", &name]));
    }
    is_harmless(&lab.run(["check", &format!("missing{HOSTILE}")]).refuses(1, "E0701"));
}

#[test]
fn views_of_programs_show_it_too() {
    let lab = Lab::new();
    let program = format!(
        ".lib 0 \"{HOSTILE}\" \"{HOSTILE}\" ()\n.data d \"{HOSTILE}\"\nWRITE \"{HOSTILE}\" ; {HOSTILE}\n\
         CALL_NATIVE 0\nHALT\n"
    );
    let name = format!("{HOSTILE}.vasm");
    lab.write(&name, program);
    lab.run(["asm", &name, "-o", "p.vbc"]).done();
    for args in [
        &["dis", "p.vbc"][..],
        &["dis", "p.vbc", "--listing"],
        &["dis", "p.vbc", "--cfg"],
        &["info", "p.vbc"],
        &["info", &name],
    ] {
        is_harmless(&lab.run(args).done());
    }
    let bytes = lab.run_with(["asm"], lab.run(["dis", "p.vbc"]).done().text().as_bytes()).done();
    assert_eq!(bytes.stdout, lab.read("p.vbc"));
}

/// Names in bytecode are whatever a stranger wrote there.
#[test]
fn names_in_bytecode_are_shown_too() {
    let lab = Lab::new();
    let bytes = lab.assemble(".func f\nRET\n.end\nCALL f\nTRAP\n");
    let mut module = decode(&bytes).unwrap();
    for function in &mut module.names.as_mut().unwrap().functions {
        function.name = HOSTILE.to_owned();
    }
    lab.write("p.vbc", encode(&module));
    for view in ["--listing", "--cfg", "--lowered"] {
        is_harmless(&lab.run(["dis", view, "p.vbc"]).done());
    }
    is_harmless(&lab.run(["dis", "p.vbc"]).done());
    is_harmless(&lab.run(["info", "p.vbc"]).done());
    is_harmless(&lab.run(["run", "p.vbc", "--stats", "--profile=count"]).refuses(3, "E0508"));
}

/// Only `\n` ends a line of a program; Unicode and terminals know of others.
#[test]
fn text_and_json_count_the_same_lines() {
    let lab = Lab::new();
    for other in ["\r", "\x0b", "\x0c", "\u{85}", "\u{2028}", "\u{2029}"] {
        lab.write("p.vasm", format!("NOP ; a{other}b\n  PUSH foo ; c{other}d\n"));
        let said = lab.run(["check", "p.vasm"]).refuses(1, "E0204").says("p.vasm:2:8");
        let line = said.stderr.lines().find(|line| line.contains("PUSH foo")).unwrap();
        assert!(line.starts_with(" 2 │   PUSH foo ; c") && line.ends_with('d'), "{}", said.stderr);
        let json = lab.run(["check", "--error-format", "json", "p.vasm"]).exits(1);
        let json: Value = serde_json::from_str(&json.stderr).unwrap();
        let place = &json["places"][0];
        assert_eq!((&place["line"], &place["column"]), (&2.into(), &8.into()));
    }
    // That of a text from Windows is not shown.
    let crlf = lab.run_with(["check"], b"NOP\r\nPUSH foo\r\nHALT\r\n").says(" 2 │ PUSH foo\n");
    assert!(!crlf.stderr.contains('␍'), "{}", crlf.stderr);
}

#[test]
fn help_and_wrong_usage_have_the_colours_that_are_asked_for() {
    let lab = Lab::new();
    for args in
        [&["--help"][..], &["asm", "--help"], &["asm", "--frob"], &["frob"], &["run", "-q", "-v"]]
    {
        for (color, colored) in
            [(&["--color", "always"][..], true), (&["--color=never"], false), (&[], false)]
        {
            let outcome = lab.run(color.iter().chain(args));
            let said = outcome.text().to_owned() + &outcome.stderr;
            assert_eq!(said.contains('\x1b'), colored, "{color:?} {args:?}");
        }
    }
    // What the program is given is not for hotvm.
    let of_program = lab.run(["run", "--frob", "--", "--color", "always"]).exits(2);
    assert!(!of_program.stderr.contains('\x1b'));
    lab.run(["--color", "sometimes", "check"]).exits(2).says("possible values");
}

#[test]
fn quiet_hides_warnings_and_no_error() {
    let lab = Lab::new();
    lab.write("p.vasm", "unused: HALT\n");
    for command in ["asm", "check"] {
        lab.run([command, "p.vasm"]).done().says("[W0802]");
        assert_eq!(lab.run([command, "-q", "p.vasm"]).done().stderr, "");
        assert_eq!(lab.run([command, "-q", "--error-format", "json", "p.vasm"]).done().stderr, "");
        lab.run([command, "-q", "-D", "unused-label", "p.vasm"]).refuses(1, "W0802");
    }
}
