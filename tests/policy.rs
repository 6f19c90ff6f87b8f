//! Bytecode may come from strangers, libraries may not: what a program cannot load, however it asks.
#![cfg(target_os = "linux")]

mod common;

use common::{Lab, Outcome, finish};
use std::fs;
use std::os::unix::fs::symlink;

const LIBRARY: &str = "long value(void) { return 7; }\n";

/// A lab with a program's folder, and a library in another folder.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.write("program/note.txt", "");
    lab.write("outside/v.c", LIBRARY);
    lab.compile(LIBRARY, "outside/libv.so");
    lab
}

/// Runs bytecode that asks for a library by this name.
fn ask(lab: &Lab, library: &str, flags: &[&str]) -> Outcome {
    let program = format!(".lib 0 \"{library}\" value () -> i64\nCALL_NATIVE 0\nPRINT\nHALT\n");
    let bytecode = lab.assemble(&program);
    lab.write("program/p.vbc", bytecode);
    lab.run(["run", "program/p.vbc"].iter().chain(flags))
}

#[test]
fn paths_out_of_the_folder_are_refused_with_the_flags_that_allow_them() {
    let lab = lab();
    let absolute = lab.path("outside/libv.so").canonicalize().unwrap();
    let absolute = absolute.to_str().unwrap();
    let names =
        ["../outside/libv.so", "./../outside/libv.so", "../program/../outside/libv.so", absolute];
    for name in names {
        let refused = ask(&lab, name, &[]).refuses(4, "E0607");
        let refused = refused.says(&format!("--allow-lib {absolute}")).says("--lib-dir ");
        assert_eq!(refused.text(), "");
        assert_eq!(ask(&lab, name, &["--allow-lib", absolute]).done().text(), "7\n");
        assert_eq!(ask(&lab, name, &["--lib-dir", "outside"]).done().text(), "7\n");
    }
    // To build is to run a compiler on whatever lies there: a file alone is not enough for that.
    let source = ask(&lab, "../outside/v.c", &["--allow-lib", "outside/v.c"]);
    source.refuses(4, "E0607").says("--lib-dir ");
    assert!(!lab.path("cache").exists());
}

#[test]
fn links_out_of_the_folder_are_seen_through() {
    let lab = lab();
    symlink("../outside/libv.so", lab.path("program/libv.so")).unwrap();
    symlink("../outside", lab.path("program/way")).unwrap();
    symlink("way/libv.so", lab.path("program/chain.so")).unwrap();
    symlink("../outside/v.c", lab.path("program/v.c")).unwrap();
    for name in ["libv.so", "v", "way/libv.so", "chain.so", "v.c", "way/v.c"] {
        ask(&lab, name, &[]).refuses(4, "E0607").says("--lib-dir ");
    }
    // A link that stays inside is as good as the file.
    let library = lab.compiled(LIBRARY);
    lab.write("program/deep/libw.so", library);
    symlink("deep/libw.so", lab.path("program/libw.so")).unwrap();
    assert_eq!(ask(&lab, "w", &[]).done().text(), "7\n");
}

#[test]
fn a_link_that_comes_between_two_generations_is_refused() {
    let lab = lab();
    let good = lab.compiled(LIBRARY);
    lab.write("program/libv.so", good);
    lab.write(
        "program/p.vasm",
        ".lib 0 \"v\" value () -> i64\nagain: PUSH 0\nPUSH 9\nREAD\nPUSH 0\nLT\nJNZ done\n\
         RELOAD_LIB 0\nPRINT\nCALL_NATIVE 0\nPRINT\nJMP again\ndone: HALT\n",
    );
    lab.compile("long value(void) { return 666; }\n", "outside/libv.so");
    let mut session = lab.session(["run", "program/p.vasm"]);
    session.enter();
    session.expect_line("1");
    session.expect_line("7");
    fs::remove_file(lab.path("program/libv.so")).unwrap();
    symlink("../outside/libv.so", lab.path("program/libv.so")).unwrap();
    session.enter();
    session.expect_line("0");
    session.expect_line("7");
}

#[test]
fn a_bare_name_is_not_looked_up_by_the_loader() {
    let lab = lab();
    ask(&lab, "m", &[]).refuses(4, "E0601").says("--allow-system-libs");
    let program = ".lib 0 \"v\" value () -> i64\nCALL_NATIVE 0\nPRINT\nHALT\n";
    lab.write("program/p.vasm", program);
    let with = |variable: &str, flags: &[&str]| {
        let mut command = lab.hotvm(["run", "program/p.vasm"].iter().chain(flags));
        finish(command.env(variable, lab.path("outside")), b"")
    };
    // The loader would find it there; whoever starts hotvm may have set this for other reasons.
    with("LD_LIBRARY_PATH", &[]).refuses(4, "E0601");
    with("LD_LIBRARY_PATH", &["--allow-system-libs"]).refuses(4, "E0601");
    // Not even in the place of one that the system has. (This one is glibc's, and little used.)
    let rare = "BrokenLocale";
    if cfg!(target_env = "gnu") && ask(&lab, rare, &["--allow-system-libs"]).status == Some(4) {
        lab.compile(LIBRARY, &format!("outside/lib{rare}.so.1"));
        lab.write("program/p.vasm", program.replace("\"v\"", &format!("\"{rare}\"")));
        with("LD_LIBRARY_PATH", &["--allow-system-libs"]).refuses(4, "E0605");
        lab.write("program/p.vasm", program);
    }
    // This one is meant for hotvm.
    assert_eq!(with("HOTVM_LIB_PATH", &[]).done().text(), "7\n");
    with("HOTVM_LIB_PATH", &["--no-native"]).refuses(4, "E0607").says("--no-native");
}

#[test]
fn what_is_refused_at_the_start_is_refused_to_a_running_program() {
    let lab = lab();
    let program = ".lib 0 \"../outside/libv.so\" value () -> i64 lazy\n\
                   LOAD_LIB 0\nPRINT\nRELOAD_LIB 0\nPRINT\nLIB_VERSION 0\nPRINT\nHALT\n";
    lab.write("program/p.vasm", program);
    assert_eq!(lab.run(["run", "program/p.vasm"]).done().text(), "0\n0\n0\n");
}
