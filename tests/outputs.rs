//! Where results go: never over a file that they are made from.

mod common;

use common::Lab;

#[test]
fn no_result_takes_the_place_of_what_it_is_made_from() {
    let lab = Lab::new();
    let files = [
        (
            "main.vasm",
            ".include \"part.inc\"\n.lib 0 \"f.c\" f () -> i32\nCALL_NATIVE 0\nPRINT\nHALT\n",
        ),
        ("part.inc", ".const PART = 1\n"),
        ("unit.vasm", ".public UNIT\n.const UNIT = 2\n"),
        ("f.c", "int f(void) { return 7; }\n"),
    ];
    for (name, text) in files {
        lab.write(name, text);
    }
    lab.run(["asm", "main.vasm", "-o", "main.vbc"]).done();
    let bytecode = lab.read("main.vbc");
    std::os::unix::fs::symlink("main.vasm", lab.path("link")).unwrap();
    for args in [
        &["asm", "main.vasm", "-o", "main.vasm"][..],
        &["asm", "main.vasm", "-o", "./part.inc"],
        &["asm", "main.vasm", "-o", "link"],
        &["asm", "main.vasm", "unit.vasm", "-o", "unit.vasm"],
        &["asm", "main.vasm", "--with", "unit.vasm", "-o", "unit.vasm"],
        &["dis", "main.vasm", "-o", "main.vasm"],
        &["dis", "main.vbc", "-o", "main.vbc"],
        &["dis", "--cfg", "main.vasm", "-o", "part.inc"],
        &["build", "main.vasm", "-o", "main.vasm"],
        &["build", "main.vasm", "-o", "f.c"],
        &["build", "main.vasm", "--emit", "c", "-o", "f.c"],
    ] {
        lab.run(args).refuses(1, "E0702").says("is not overwritten");
        for (name, text) in files {
            assert_eq!(lab.read(name), text.as_bytes(), "{args:?}");
        }
        assert_eq!(lab.read("main.vbc"), bytecode, "{args:?}");
    }
    // What is only near is written as ever.
    lab.run(["dis", "main.vbc", "-o", "main.vasm"]).done();
    lab.run(["asm", "main.vasm", "-o", "main.vbc"]).done();
}
