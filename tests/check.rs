//! `hotvm check`: one program or many, and folders of them.

mod common;

use common::Lab;

/// A project with good and bad programs in several folders.
fn project() -> Lab {
    let lab = Lab::new();
    lab.write("good.vasm", "PUSH 1\nPRINT\nHALT\n");
    lab.write("deep/er/ADD.vasm", "ADD\nHALT\n");
    lab.write("deep/two.vasm", "FROB\nJMP nowhere\n");
    lab.write("deep/good.vbc", lab.assemble("HALT\n"));
    lab.write("deep/cut.vbc", &lab.assemble("HALT\n")[..20]);
    lab.write("deep/notes.txt", "no program\n");
    lab.write(".hidden/bad.vasm", "FROB\n");
    lab
}

#[test]
fn what_can_be_run_is_accepted_in_silence() {
    let lab = project();
    for args in [&["check", "good.vasm"][..], &["check", "deep/good.vbc"]] {
        let outcome = lab.run(args).done();
        assert_eq!((outcome.text(), &*outcome.stderr), ("", ""));
    }
    let outcome = lab.run_with(["check"], b"HALT\n").done();
    assert_eq!((outcome.text(), &*outcome.stderr), ("", ""));
    lab.run(["check", "-v", "good.vasm"]).done().says("good.vasm: no errors");
    lab.run_with(["check", "-"], b"ADD\n").refuses(1, "E0401");
}

#[test]
fn all_errors_of_all_programs_are_told() {
    let lab = project();
    let outcome = lab.run(["check", "good.vasm", "deep", "missing.vasm"]).exits(1);
    let told = ["[E0401]", "deep/er/ADD.vasm:1:1", "[E0107]", "deep/two.vasm:1:1", "[E0203]"];
    let outcome = told.into_iter().fold(outcome, |outcome, part| outcome.says(part));
    let outcome = outcome.says("[E0302]").says("deep/cut.vbc").says("cannot read `missing.vasm`");
    let outcome = outcome.says("6 programs checked, 4 rejected\n");
    assert!(!outcome.stderr.contains("notes.txt") && outcome.text().is_empty());
}

#[test]
fn a_folder_is_searched_but_not_what_it_hides() {
    let lab = project();
    let outcome = lab.run(["check", "."]).exits(1).says("5 programs checked, 3 rejected\n");
    assert!(!outcome.stderr.contains("hidden"), "{}", outcome.stderr);
    // Named, it is checked.
    lab.run(["check", ".hidden"]).refuses(1, "E0107");
    // Twice the same program is one program.
    lab.run(["check", "good.vasm", "good.vasm"]).done();
    std::fs::create_dir(lab.path("empty")).unwrap();
    lab.run(["check", "empty"]).refuses(1, "E0701").says("no programs in `empty`");
}

#[test]
fn for_programs_every_line_is_json() {
    let lab = project();
    let outcome = lab.run(["check", "--error-format", "json", "."]).exits(1);
    let codes = outcome.stderr.lines().map(|line| {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        json["code"].as_str().unwrap().to_owned()
    });
    assert_eq!(codes.collect::<Vec<_>>(), ["E0302", "E0401", "E0107", "E0203"]);
}

#[test]
fn nothing_is_bound_or_run() {
    let lab = Lab::new();
    let text = ".lib 0 \"not/there.so\" f\nPUSH 1\nPUSH 2\nCALL_NATIVE 0\nPRINT\nHALT\n";
    let outcome = lab.run_with(["check"], text.as_bytes()).done();
    assert_eq!(outcome.text(), "");
    // A library that is bound as a whole must be looked into.
    let whole = b".lib \"./not/there.so\"\nPUSH 1\nCALL_NATIVE f\nHALT\n";
    lab.run_with(["check"], whole).refuses(1, "E0601");
}

#[test]
fn parts_of_programs_that_a_folder_has_are_not_programs() {
    let lab = Lab::new();
    lab.write("main.vasm", ".include \"parts/deep.vasm\"\n    show 1\n    HALT\n");
    lab.write("parts/deep.vasm", ".include \"show.vasm\"\n.macro unused\n    FROB\n.endmacro\n");
    lab.write("parts/show.vasm", ".macro show n\n    PUSH n\n    PRINT\n.endmacro\n");
    lab.write("two.vasm", ".extern f\n    CALL f\n    HALT\n");
    lab.write("f.vasm", ".public f\n.func f\n    RET\n.end\n");
    let outcome = lab.run(["check", "."]).done();
    outcome.says("1 programs checked, 0 rejected; 4 more files are only parts of others\n");
    lab.run(["check", "-v", "."]).done().says("parts/show.vasm: a part of other programs");
    // Named, each must be a program.
    lab.run(["check", "parts/show.vasm"]).refuses(1, "E0110");
    lab.run(["check", "two.vasm"]).refuses(1, "E0216");
    lab.run(["check", "two.vasm", "--with", "f.vasm"]).done();
    // What is wrong with a part by itself is told.
    lab.write("f.vasm", ".public f\n.func f\n    FROB\n.end\n");
    lab.run(["check", "."]).refuses(1, "E0107").says("3 more files are only parts");
    // What is wrong with an included file is told where it is included.
    lab.write("f.vasm", ".public f\n");
    lab.write("parts/show.vasm", ".macro show n\n    PUSH n\n    FROB\n.endmacro\n");
    let outcome = lab.run(["check", "main.vasm", "parts"]).refuses(1, "E0107");
    outcome.says("parts/show.vasm:3:5").says("1 programs checked, 1 rejected; 2 more files");
}

#[test]
fn what_is_probably_not_meant_is_told_too() {
    let lab = Lab::new();
    lab.write("main.vasm", "unused:\n    HALT\n");
    lab.run(["check", "main.vasm"]).exits(0).says("W0802");
    assert_eq!(lab.run(["check", "-A", "warnings", "main.vasm"]).done().stderr, "");
    lab.run(["check", "-D", "warnings", "."]).refuses(1, "W0802");
}
