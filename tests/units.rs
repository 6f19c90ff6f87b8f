//! Several files as one program: what they share, what they keep to themselves, and what a user can do
//! with them. The words of the errors stand in `tests/rejected`.

mod common;

use common::Lab;
use hotvm::assemble::Options;
use hotvm::diagnostics::Sources;
use hotvm::program::{Input, load_with};
use std::sync::atomic::{AtomicU64, Ordering};

const MAIN: &str = ".extern next (i64) -> i64\n    PUSH 1\n    CALL next\n    PRINT\n    HALT\n";
const NEXT: &str = ".public next\n.func next (n: i64) -> i64\n    LOAD n\n    PUSH STEP\n    ADD\n    \
                    RET\n.end\n.const STEP = 6\n";

fn two_files() -> Lab {
    let lab = Lab::new();
    lab.write("main.vasm", MAIN);
    lab.write("deep/next.vasm", NEXT);
    lab
}

#[test]
fn every_command_that_takes_text_takes_several() {
    let lab = two_files();
    lab.run(["asm", "main.vasm", "deep/next.vasm", "-o", "all.vbc"]).done();
    // In another order it is another module, and does the same.
    lab.run(["asm", "deep/next.vasm", "-o", "other.vbc", "--with", "main.vasm"]).done();
    for run in [
        &["run", "all.vbc"][..],
        &["run", "other.vbc"],
        &["run", "main.vasm", "--with", "deep/next.vasm"],
    ] {
        assert_eq!(lab.run(run).done().text(), "7\n");
    }
    lab.run(["check", "main.vasm", "--with", "deep/next.vasm"]).done();
    let info = lab.run(["info", "main.vasm", "--with", "deep/next.vasm"]).done();
    let size = MAIN.len() + NEXT.len();
    let origin = format!("main.vasm with deep/next.vasm: program text, {size} bytes;");
    assert!(info.text().starts_with(&origin), "{}", info.text());
    assert!(info.text().contains("next (i64) -> i64"), "{}", info.text());
    for view in [&[][..], &["--listing"], &["--cfg"], &["--json"], &["--lowered"]] {
        let of_texts = ["dis", "main.vasm", "--with", "deep/next.vasm"];
        let text = lab.run([&of_texts, view].concat()).done().text().to_owned();
        let of_bytes = lab.run([&["dis", "all.vbc"], view].concat()).done();
        match view {
            // It tells its files.
            ["--json"] => assert!(text.contains(r#""with":["deep/next.vasm"]"#), "{text}"),
            _ => assert_eq!(text, of_bytes.text()),
        }
    }
    lab.run(["build", "main.vasm", "deep/next.vasm", "--emit", "c", "-o", "all.c"]).done();
    // One of them from standard input.
    let outcome = lab.run_with(["run", "main.vasm", "--with", "-"], NEXT.as_bytes()).done();
    assert_eq!(outcome.text(), "7\n");
}

#[test]
fn a_listing_of_several_files_gives_the_same_bytes() {
    let lab = Lab::new();
    // Names that clash, also with those that tell them apart, and with a local.
    let unit = |public: &str| {
        format!(
            ".public {public}\n.global n: i64 = 1\n.global n_2: i64 = 2\n.data d \"d\"\n\
             .macro twice\nPUSH n_x\nPOP\nLOAD n\nLOAD n_2\nADD\n.endmacro\n.const n_x = 3\n\
             .func f -> i64\n.local n_3: i64\ntwice\nLOAD n_3\nADD\nRET\n.end\n\
             .func f_2 -> i64\nCALL f\nRET\n.end\n.func {public} -> i64\nCALL f_2\nPUSH d\nADD\nRET\n.end\n"
        )
    };
    for name in ["a", "b", "f"] {
        lab.write(&format!("{name}.vasm"), unit(name).replace(".func f -> i64\nCALL f_2", ""));
    }
    lab.write("c.vasm", unit("c"));
    let main = ".extern a -> i64, b -> i64, c () -> i64\nCALL a\nCALL b\nADD\nCALL c\nADD\nPRINT\n\
                HALT\n";
    lab.write("main.vasm", main);
    lab.run(["asm", "main.vasm", "a.vasm", "b.vasm", "c.vasm", "-o", "all.vbc"]).done();
    let text = lab.run(["dis", "all.vbc"]).done();
    assert!(text.text().contains(".public a, b, c\n"), "{}", text.text());
    lab.write("again.vasm", text.text());
    lab.run(["asm", "again.vasm", "-o", "again.vbc"]).exits(0);
    assert!(lab.read("all.vbc") == lab.read("again.vbc"), "{}", text.text());
    let (first, second) =
        (lab.run(["run", "all.vbc"]).done(), lab.run(["run", "again.vbc"]).done());
    assert_eq!((first.text(), second.text()), ("60\n", "60\n"));
}

#[test]
fn a_trap_and_a_proof_name_the_file_of_their_unit() {
    let lab = two_files();
    lab.write("deep/next.vasm", NEXT.replace("ADD", "DROP"));
    let run = || lab.run(["run", "main.vasm", "--with", "deep/next.vasm"]);
    run().refuses(1, "E0107").says("deep/next.vasm:5:5");
    lab.write("deep/next.vasm", NEXT.replace("ADD", "POP\n    POP\n    POP"));
    run().refuses(1, "E0401").says("deep/next.vasm:7:5");
    lab.write("deep/next.vasm", NEXT.replace("PUSH STEP\n    ADD", "PUSH 0\n    DIV"));
    run().refuses(3, "E0501").says("deep/next.vasm:5:5").says("main.vasm:3:5");
    lab.run(["asm", "main.vasm", "deep/next.vasm", "-o", "all.vbc"]).exits(0);
    lab.run(["run", "all.vbc"]).refuses(3, "E0501").says("deep/next.vasm:5:5");
}

#[test]
fn slots_are_numbered_for_all_files_and_the_same_lines_are_one() {
    let lab = Lab::new();
    lab.write("two.c", "int twice(int a) { return 2 * a; }\nint thrice(int a) { return 3 * a; }\n");
    let lib = ".lib 0 \"./two.c\" twice (i32) -> i32\n";
    lab.write("main.vasm", format!("{lib}.extern f\nCALL f\nCALL_NATIVE twice\nPRINT\nHALT\n"));
    let f = ".public f\n.func f -> i64\nPUSH 5\nCALL_NATIVE twice\nRET\n.end\n";
    lab.write("f.vasm", format!("{lib}{f}"));
    let run = || lab.run(["run", "main.vasm", "--with", "f.vasm"]);
    assert_eq!(run().done().text(), "20\n");
    // Where a file does not say what it calls, that another says so is no help.
    lab.write("f.vasm", f);
    run().refuses(1, "E0204").says("f.vasm:4:13");
    lab.write("f.vasm", format!("{}{f}", lib.replace("twice", "thrice")));
    run().refuses(1, "E0202").says("slot 0 is bound twice");
    // Whole libraries give their functions numbers by themselves, each function one.
    lab.write("main.vasm", ".lib \"./two.c\"\n.extern f\nCALL f\nCALL_NATIVE twice\nPRINT\nHALT\n");
    let f = f.replace("RET", "CALL_NATIVE thrice\nRET");
    lab.write("f.vasm", format!(".lib \"./two.c\"\n{f}"));
    assert_eq!(run().done().text(), "60\n");
    let asm = lab.run(["asm", "main.vasm", "f.vasm", "-o", "all.vbc"]).done();
    assert_eq!(asm.stderr, "");
    let text = lab.run(["dis", "all.vbc"]).done();
    assert_eq!(text.text().matches(".lib ").count(), 2, "{}", text.text());
}

#[test]
fn constants_of_the_command_line_are_known_in_every_file() {
    let lab = Lab::new();
    lab.write("main.vasm", ".extern f\nCALL f\nPUSH N\nADD\nPRINT\nHALT\n");
    lab.write("f.vasm", ".public f\n.func f -> i64\nPUSH N\nRET\n.end\n");
    let outcome = lab.run(["run", "-D", "N=4", "main.vasm", "--with", "f.vasm"]).done();
    assert_eq!(outcome.text(), "8\n");
    let text = lab.run(["dis", "-D", "N=4", "main.vasm", "--with", "f.vasm"]).done();
    assert_eq!(text.text().matches("PUSH 4").count(), 2, "{}", text.text());
}

#[test]
fn constants_that_lead_through_files_to_themselves_are_told() {
    let lab = Lab::new();
    lab.write("main.vasm", ".extern B\n.public A\n.const A = B + 1\nPUSH A\nPRINT\nHALT\n");
    lab.write("b.vasm", ".extern A\n.public B\n.const B = A * 2\n");
    let outcome = lab.run(["run", "main.vasm", "--with", "b.vasm"]).refuses(1, "E0207");
    outcome.says("is defined by itself").says("main.vasm:3:").says("b.vasm:3:").says("` needs `");
    lab.write("b.vasm", ".public B\n.const B = 20\n");
    assert_eq!(lab.run(["run", "main.vasm", "--with", "b.vasm"]).done().text(), "21\n");
    // A condition is looked at before the other file is.
    lab.write("main.vasm", ".extern B\n.if B\n.endif\nHALT\n");
    let outcome = lab.run(["run", "main.vasm", "--with", "b.vasm"]).refuses(1, "E0204");
    outcome.says("`B` is of another file");
}

#[test]
fn files_of_a_program_may_share_the_files_that_they_include() {
    let lab = Lab::new();
    lab.write("shared.inc", ".macro one\nPUSH 1\n.endmacro\n.const N = 2\n.extern f () -> i64\n");
    lab.write("main.vasm", ".include \"shared.inc\"\none\nCALL f\nADD\nPUSH N\nADD\nPRINT\nHALT\n");
    lab.write("f.vasm", ".include \"shared.inc\"\n.public f\n.func f -> i64\none\nRET\n.end\n");
    assert_eq!(lab.run(["run", "main.vasm", "--with", "f.vasm"]).done().text(), "4\n");
    // What an included list says of a file is checked in this file, too.
    lab.write(
        "f.vasm",
        ".include \"shared.inc\"\n.public f\n.func f (n: i64) -> i64\none\nRET\n.end\n",
    );
    let outcome = lab.run(["run", "main.vasm", "--with", "f.vasm"]).refuses(1, "E0217");
    outcome.says("shared.inc:5:9").says("f.vasm:3:7").says("included here");
    // A file that includes the file that it is.
    lab.write("f.vasm", ".include \"f.vasm\"\n");
    lab.run(["run", "main.vasm", "--with", "f.vasm"]).refuses(1, "E0112").says("includes itself");
}

#[test]
fn a_program_of_one_file_may_say_what_is_public_and_what_it_has() {
    let lab = Lab::new();
    let text = ".public f, n, D\n.extern f (a: i64) -> i64, n: i64, D\n.global n: i64 = 5\n.const D = 2\n\
                .func f (a: i64) -> i64\nLOAD a\nRET\n.end\n.func g\nRET\n.end\n\
                LOAD n\nPUSH D\nADD\nCALL f\nPRINT\nHALT\n";
    assert_eq!(lab.run_text(text).done().text(), "7\n");
    lab.run_text(&text.replace("n: i64, D\n", "n: f64, D\n")).refuses(1, "E0217");
    // It is what a library of the program offers.
    lab.write("main.vasm", text);
    lab.run(["build", "main.vasm", "--emit", "so", "-o", "main.so"]).done();
    let bound = lab.run(["bind", "main.so"]).done();
    assert!(bound.text().contains(" f (") && !bound.text().contains(" g"), "{}", bound.text());
    lab.run(["asm", "main.vasm", "-o", "main.vbc"]).exits(0);
    lab.run(["build", "main.vbc", "--emit", "so", "-o", "main.so"]).done();
    assert_eq!(lab.run(["bind", "main.so"]).done().text(), bound.text());
}

#[test]
fn an_error_in_two_files_counts_columns_in_letters() {
    let lab = two_files();
    for letter in ["é", "𞀛"] {
        lab.write("deep/next.vasm", format!("; {}\n{NEXT}", letter.repeat(9)));
        lab.write("main.vasm", format!("; {letter}\n.extern next () ; {letter}\nHALT\n"));
        let outcome = lab.run(["run", "main.vasm", "--with", "deep/next.vasm"]).refuses(1, "E0217");
        outcome.says("main.vasm:2:9").says("deep/next.vasm:3:7");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn all_files_of_a_running_program_are_watched() {
    let lab = two_files();
    lab.write("main.vasm", MAIN.replace("HALT", "PUSH 0\n    PUSH 9\n    READ\n    HALT"));
    let mut session = lab.session(["run", "main.vasm", "--with", "deep/next.vasm", "--watch"]);
    session.expect_line("7");
    let again = ["run", "main.vasm", "--with", "-", "--watch"];
    lab.run(again).exits(2).says("cannot be run again");
    lab.write("deep/next.vasm", "FROB\n");
    let said = session.wait_for_notice("the program stays as it was");
    assert!(said.contains("deep/next.vasm:1:1"), "{said}");
    session.enter();
    lab.write("deep/next.vasm", NEXT.replace("= 6", "= 8"));
    session.expect_line("9");
}

#[test]
fn how_much_is_read_can_be_watched() {
    let mut input = Input::from_text("main", "NOP\n".repeat(5000) + "PUSH missing\nHALT\n");
    input.units.push(Input::from_text("more", ".macro m\nNOP\n.endmacro\n".repeat(3)));
    let total: usize = input.units.iter().chain([&input]).map(|it| it.bytes.len()).sum();
    let progress = AtomicU64::new(0);
    let options = Options { progress: Some(&progress), ..Options::default() };
    load_with(input, &mut Sources::new(), &options).unwrap_err();
    assert_eq!(progress.load(Ordering::Relaxed), total as u64);
}

#[test]
fn one_mistake_in_one_file_is_one_error_of_the_program() {
    let lab = two_files();
    for (right, wrong, code) in [
        (".func", ".fnuc", "E0108"),
        (".func", ".proc", "E0108"),
        (".func", "func", "E0106"),
        (".func next (n: i64) -> i64\n    LOAD n", "func next\n    PUSH 1", "E0107"),
        ("next (n: i64)", "next (n i64)", "E0106"),
        ("(n: i64) ->", "(n: i64) >", "E0106"),
        (".public", ".pubic", "E0108"),
        (".public", "public", "E0107"),
        (".const", "const", "E0106"),
        (".const", "FROB 1\n.const", "E0107"),
        (".const", ".include \"step.inc\"\n;", "E0112"),
    ] {
        lab.write("deep/next.vasm", NEXT.replacen(right, wrong, 1));
        for files in [["main.vasm", "deep/next.vasm"], ["deep/next.vasm", "main.vasm"]] {
            let outcome = lab.run(["check", files[0], "--with", files[1]]).refuses(1, code);
            assert_eq!(outcome.stderr.matches("Error:").count(), 1, "{wrong}: {}", outcome.stderr);
        }
    }
    // What stands in a function does not make one out of main, and two mistakes are two.
    for (wrong, codes) in [
        (NEXT.replacen("ADD", "FROB", 1) + "HALT\n", ["E0107", "E0210"]),
        (NEXT.replacen(".public next", ".func f\nFROB next\nRET\n.end", 1), ["E0107", "E0216"]),
    ] {
        lab.write("deep/next.vasm", wrong);
        let outcome = lab.run(["check", "main.vasm", "--with", "deep/next.vasm"]).exits(1);
        outcome.says(codes[0]).says(codes[1]);
    }
}

#[test]
fn a_file_that_is_given_twice_is_told_as_such() {
    let lab = two_files();
    let other_way = ["asm", "main.vasm", "deep/next.vasm", "./deep/next.vasm"];
    lab.run(other_way).refuses(1, "E0706").says("`./deep/next.vasm` is given twice");
    lab.run(["check", "main.vasm", "--with", "main.vasm"]).refuses(1, "E0706");
}

#[test]
fn only_texts_are_units() {
    let lab = two_files();
    lab.write("next.vbc", lab.assemble("HALT\n"));
    let outcome = lab.run(["run", "main.vasm", "--with", "next.vbc"]).refuses(1, "E0109");
    outcome.says("next.vbc").says("whole program");
    lab.run(["run", "next.vbc", "--with", "main.vasm"]).refuses(1, "E0109");
    lab.run(["run", "main.vasm", "--with", "deep/nxt.vasm"])
        .refuses(1, "E0701")
        .says("deep/next.vasm");
    lab.write("bytes.vasm", b"\xff\xff");
    lab.run(["run", "main.vasm", "--with", "bytes.vasm"]).refuses(1, "E0301").says("bytes.vasm");
}
