//! `hotvm fmt`: one layout for all, with the same bytes, whatever the text.

mod common;

use common::damage::TextDamage;
use common::{Lab, generate, golden};
use hotvm::assemble::{Options, assemble};
use hotvm::diagnostics::Sources;
use hotvm::disassemble::disassemble;
use hotvm::module::Module;
use hotvm::syntax::format;
use proptest::collection::vec;
use proptest::prelude::*;

/// The program of a text without its places, or the codes of its errors.
fn meaning(text: &str) -> Result<Module, Vec<&'static str>> {
    let mut sources = Sources::new();
    let source = sources.add_text("text", text);
    match assemble(source, &mut sources, &Options::default()) {
        Ok(assembled) => Ok(Module { source_map: None, ..assembled.module }),
        Err(diagnostics) => Err(diagnostics.iter().map(|d| d.code.name()).collect()),
    }
}

#[track_caller]
fn keeps_its_meaning(text: &str) {
    let once = format(text);
    assert_eq!(format(&once), once, "of {text:?}");
    assert!(meaning(text) == meaning(&once), "{text:?}\nbecame\n{once:?}");
}

/// What is wrong with a text may be told in another way, when a label has come to stand on its own line.
#[track_caller]
fn keeps_its_bytes(text: &str) {
    let once = format(text);
    assert_eq!(format(&once), once, "of {text:?}");
    assert!(meaning(text).ok() == meaning(&once).ok(), "{text:?}\nbecame\n{once:?}");
}

#[test]
fn the_layout_is_what_it_was() {
    let text = include_str!("format/before.vasm");
    golden("format/after.vasm", &format(text));
    keeps_its_meaning(text);
}

#[test]
fn no_line_is_lost_and_none_is_made_up() {
    for (text, formatted) in [
        ("", ""),
        ("\n \n\t\n", ""),
        ("halt", "    HALT\n"),
        ("  x :halt;c\r\n", "x:\r\n    HALT                        ;c\r\n"),
        ("halt\r\nnop\n\nnop", "    HALT\r\n    NOP\r\n\r\n    NOP\r\n"),
        ("halt\nnop\r\n", "    HALT\n    NOP\n"),
        ("PUSH 1\n\n\n\nPUSH 2", "    PUSH    1\n\n    PUSH    2\n"),
        ("push - 1+ 2*-x", "    PUSH    -1 + 2 * -x\n"),
        (".data d i32 -1,- 2,3 -4", ".data d i32 -1, -2, 3 -4\n"),
        (".func f(a:i64)->i64\n.local x:i64", ".func f (a: i64) -> i64\n    .local x: i64\n"),
        ("PUSH len( d )", "    PUSH    len(d)\n"),
        ("WRITE  \"a ; b\"# c", "    WRITE   \"a ; b\"             # c\n"),
        ("  .what  ever ( 1 )  ", "  .what  ever ( 1 )\n"),
        ("  WRITE \"open ", "  WRITE \"open\n"),
        ("  i64.const   1", "  i64.const   1\n"),
        (".include  a.vasm", ".include  a.vasm\n"),
        ("frob   1 , 2", "    frob    1, 2\n"),
        (".macro add a\n\nadd 1\nsub", ".macro add a\n\n    add     1\n    SUB\n"),
    ] {
        let found = format(text);
        // Directives that do not exist yet may come to do so.
        if !text.contains(".macro") {
            assert_eq!(found, formatted, "{text:?}");
        }
        assert_eq!(format(&found), found, "{text:?}");
    }
}

#[test]
fn examples_and_tests_keep_their_meaning() {
    for folder in ["asm-examples", "tests/programs", "tests/rejected", "tests/trapped"] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "vasm")
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                keeps_its_meaning(&text);
            }
        }
    }
}

/// What people learn from is in the layout that they are to write.
#[test]
fn what_users_are_shown_is_laid_out() {
    let lab = Lab::new();
    lab.run(["new", "project"]).done();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/asm-examples");
    assert_eq!(lab.run(["fmt", "--check", examples, "project"]).done().text(), "");
    let mut shown = 0;
    for file in ["README.md", "docs/assembly.md"] {
        let text = std::fs::read_to_string(file).unwrap();
        let fenced = text.split("```vasm\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let of_session = text.split_once("hot_add.vasm\n").map(|(_, rest)| rest);
        let of_session = of_session.map(|rest| rest.split("\n$ ").next().unwrap());
        for program in fenced.chain(of_session) {
            assert_eq!(format(program), program, "{file}");
            shown += 1;
        }
    }
    assert!(shown >= 4, "{shown}");
}

#[test]
fn files_are_rewritten_and_checked() {
    let lab = Lab::new();
    lab.write("good.vasm", "    HALT\n");
    lab.write("deep/bad.vasm", "halt");
    lab.write("deep/bytes.vbc", lab.assemble("HALT\n"));
    let check = lab.run(["fmt", "--check", "."]).exits(1);
    assert_eq!(check.text(), "./deep/bad.vasm\n");
    assert_eq!(lab.read("deep/bad.vasm"), b"halt");
    assert_eq!(lab.run(["fmt", "."]).done().text(), "");
    assert_eq!(lab.read("deep/bad.vasm"), b"    HALT\n");
    assert_eq!(lab.run(["fmt", "--check", "."]).done().text(), "");
    assert_eq!(lab.run_with(["fmt"], b"halt").done().text(), "    HALT\n");
    assert_eq!(lab.run_with(["fmt", "--check", "-"], b"halt").exits(1).text(), "<stdin>\n");
    lab.run(["fmt", "deep/bytes.vbc"]).refuses(1, "E0109");
    lab.run_with(["fmt"], b"\xff").refuses(1, "E0301").says("byte 0: not UTF-8");
    lab.run(["fmt", "missing.vasm"]).refuses(1, "E0701");
}

#[test]
fn what_the_assembler_rejects_is_laid_out_and_stays_as_wrong() {
    let lab = Lab::new();
    let wrong = "frob  1\n  PUSH $5  ; no token\n .what  ever\na: b: HALT\n PUSH  \"open\n\
                 PUSH\n.func f\n  add  nowhere\n jmp  nowhere\n";
    let laid_out = "    frob    1\n  PUSH $5  ; no token\n .what  ever\na: b: HALT\n PUSH  \"open\n    \
                    PUSH\n.func f\n    ADD     nowhere\n    JMP     nowhere\n";
    lab.write("wrong.vasm", wrong);
    let codes = || {
        let check = lab.run(["check", "--error-format", "json", "wrong.vasm"]).exits(1);
        let told = check.stderr.lines().map(|line| {
            let told: serde_json::Value = serde_json::from_str(line).unwrap();
            (told["code"].to_string(), told["message"].to_string())
        });
        told.collect::<Vec<_>>()
    };
    let before = codes();
    assert!(before.len() >= 6, "{before:?}");
    assert_eq!(lab.run(["fmt", "--check", "."]).exits(1).text(), "./wrong.vasm\n");
    let fmt = lab.run(["fmt", "."]).done();
    assert_eq!((fmt.text(), &*fmt.stderr), ("", ""));
    assert_eq!(String::from_utf8(lab.read("wrong.vasm")).unwrap(), laid_out);
    assert_eq!(codes(), before);
    lab.write("bytes.vasm", b"halt\xff");
    let refused = lab.run(["fmt", "bytes.vasm"]).refuses(1, "E0301");
    assert_eq!(refused.stderr, lab.run(["check", "bytes.vasm"]).exits(1).stderr);
    assert_eq!(lab.read("bytes.vasm"), b"halt\xff");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn generated_programs_keep_their_bytes(choices in vec(any::<u8>(), 0..1500)) {
        keeps_its_bytes(&disassemble(&generate::module(&choices)).text);
    }

    #[test]
    fn damaged_programs_keep_their_bytes(
        choices in vec(any::<u8>(), 0..300),
        damage in vec(any::<TextDamage>(), 1..10),
    ) {
        let generated = disassemble(&generate::module(&choices)).text;
        let text = [include_str!("format/before.vasm"), &generated].concat().into_bytes();
        let damaged = damage.iter().fold(text, |text, damage| damage.apply(&text));
        keeps_its_bytes(&String::from_utf8_lossy(&damaged));
    }

    #[test]
    fn any_characters_keep_their_bytes(text in "[-+*/~<>(),:=.;#'\"\\\\ \t\r\n0-9a-fx_ADPUSHdata.]{0,200}") {
        keeps_its_bytes(&text);
    }
}
