//! Names of any characters: in text, in bytecode and in what hotvm says.

mod common;

use common::Lab;
use hotvm::assemble::{Options, assemble};
use hotvm::diagnostics::Sources;
use hotvm::disassemble::to_text;
use hotvm::isa::name::spelled;
use hotvm::module::{Module, encode};

/// A program that has a thing of each kind, in whose names `%` stands.
const KINDS: &str = ".global g%: i64 = 1\n.data d% i64 5\n.const c% = 3\n.public f%, g%\n\
                     .macro m% a%\n    PUSH a%\n    JZ i%\ni%:\n.endmacro\n\
                     .func f% (p%: i64) -> i64\n    .local v%: i64\n    LOAD p%\n    TEE v%\n\
                     LOAD g%\n    ADD\n    RET\n.end\n\
                     .local w%: i64\nl%:\n    m% c%\n    m% d%\n    LOAD w%\n    CALL f%\n    JZ l%\n    HALT\n";

/// The text of that program, each name made by `name` of what stands around its `%`.
fn kinds(name: impl Fn(char) -> String) -> String {
    let mut text = String::new();
    for part in KINDS.split_inclusive('%') {
        match part.strip_suffix('%') {
            Some(before) => {
                let (rest, kind) = before.split_at(before.len() - 1);
                text.extend([rest, &name(kind.chars().next().unwrap())]);
            }
            None => text.push_str(part),
        }
    }
    text
}

fn assembled(text: &str) -> Module {
    let mut sources = Sources::new();
    let source = sources.add_text("text", text);
    let made = assemble(source, &mut sources, &Options::default());
    let mut module = made.unwrap_or_else(|errors| panic!("{errors:?}\n{text}")).module;
    // The text that it was made from is another one each time.
    module.source_map = None;
    module
}

#[test]
fn any_name_can_be_written_and_is_the_same_again() {
    let long = "x".repeat(100_000);
    let names = [
        "größe",
        "a.b",
        "a b",
        "1",
        "inf",
        "at",
        "PUSH",
        ".end",
        "; no",
        "# no",
        "\"",
        "\\",
        "'",
        "$\"x\"",
        "\n",
        "\r\n",
        "\t",
        "\0",
        "\u{1b}[31m",
        "\u{7f}",
        "\u{85}",
        "\u{202e}",
        "\u{2066}",
        "\u{feff}",
        "\u{2028}",
        "e\u{301}",
        "\u{301}",
        "👩\u{200d}🚀",
        "\u{10ffff}",
        &long,
    ];
    for name in names {
        let text = kinds(|kind| spelled(&format!("{kind}{name}")).into_owned());
        let module = assembled(&text);
        let listed = module.names.as_ref().unwrap();
        assert_eq!(listed.functions[0].name, format!("f{name}"));
        assert_eq!(listed.functions[0].locals, [format!("p{name}"), format!("v{name}")]);
        assert_eq!(
            (&listed.globals[0], &listed.data[0]),
            (&format!("g{name}"), &format!("d{name}"))
        );
        let labels: Vec<_> =
            listed.functions[1].labels.iter().map(|(_, name)| name.clone()).collect();
        assert_eq!(labels, [format!("l{name}"), format!("i{name}"), format!("i{name}_2")]);
        let written = to_text(&module);
        assert!(
            !written.contains("made up")
                && !written.contains(|c: char| c.is_control() && c != '\n'),
            "{written}"
        );
        assert!(encode(&assembled(&written)) == encode(&module), "{written}");
    }
}

#[test]
fn a_name_is_the_same_however_it_is_spelled() {
    let plain = assembled(&kinds(|kind| format!("{kind}")));
    let quoted = assembled(&kinds(|kind| format!("$\"{kind}\"")));
    let escaped = assembled(&kinds(|kind| format!("$\"\\x{:02x}\"", u32::from(kind))));
    let numbered = assembled(&kinds(|kind| format!("$\"\\u{{{:x}}}\"", u32::from(kind))));
    for other in [quoted, escaped, numbered] {
        assert!(encode(&plain) == encode(&other));
    }
}

#[test]
fn names_that_no_text_can_tell_apart_are_made_up_and_a_comment_says_so() {
    let mut module = assembled(
        ".global a: i64\n.global b: i64\n.data c 1\n.data d 1\n.func e (f: i64)\n    .local g: i64\n\
         h:\ni:\n    LOAD b\n    JZ i\n    LOAD f\n    JZ h\n    RET\n.end\n.func j\n    RET\n.end\n    \
         PUSH 1\n    CALL e\n    CALL j\n    HALT\n",
    );
    let names = module.names.as_mut().unwrap();
    (names.globals, names.data) = (vec!["x".into(), "x".into()], vec!["y z".into(), "y z".into()]);
    let function = &mut names.functions[0];
    (function.name, function.locals) = (String::new(), vec!["\u{7}".into(), "\u{7}".into()]);
    function.labels.iter_mut().for_each(|(_, name)| *name = "l".to_owned());
    names.functions[1].name = String::new();
    let text = to_text(&module);
    for line in [
        ".global g1: i64 = 0    ; made up: another is called x",
        "    ; made up: another is called $\"y z\"",
        ".func $\"\" ($\"\\u{7}\": i64)\n    .local v1: i64    ; made up: another is called $\"\\u{7}\"",
        "L1:    ; made up: another is called l",
        ".func f1    ; made up: it has no name",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(assembled(&text).code, module.code);
    // A jump that leads to no label.
    module.names.as_mut().unwrap().functions[0].labels.clear();
    let text = to_text(&module);
    assert!(text.contains("L0:    ; made up: it has no name\n"), "{text}");
    assert_eq!(assembled(&text).code, module.code);
}

#[test]
fn names_do_nothing_to_a_terminal() {
    let lab = Lab::new();
    // The program comes from a stranger, as bytecode without its text.
    let text = kinds(|kind| spelled(&format!("{kind}\u{1b}]0;title\u{7}\u{202e}")).into_owned());
    let trapping = text.replace("    RET\n", "    TRAP\n");
    for (file, text) in [("good.vasm", &text), ("trap.vasm", &trapping)] {
        lab.write(file, text);
        lab.run(["asm", file, "-o", "p.vbc"]).done();
        for args in
            [&["info"][..], &["dis"], &["dis", "--listing"], &["dis", "--cfg"], &["run", "--trace"]]
        {
            let outcome = lab.run([args, &["p.vbc"]].concat());
            let said = format!("{}{}", outcome.text(), outcome.stderr);
            let bad = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            assert!(!said.contains(bad), "{args:?} {said:?}");
        }
    }
    let outcome = lab.run(["run", "p.vbc"]).refuses(3, "E0508");
    outcome.says("in `$\"f\\u{1b}]0;title\\u{7}\\u{202e}\"`");
}
