//! What takes longer than a second shows a sign of life, on a terminal and nowhere else.
#![cfg(unix)]

mod common;

use common::{Lab, wait};
use std::io::Read;
use std::process::{Command, Stdio};

/// A program whose library is built by a compiler that waits at a gate.
fn slow_lab() -> Lab {
    let lab = Lab::new();
    lab.write("slow.vasm", ".lib \"./slow.c\"\nCALL_NATIVE f\nPRINT\nHALT\n");
    lab.write("slow.c", "#include <stdint.h>\nint32_t f(void) { return 1; }\n");
    lab.write("hotvm.toml", "cc = \"./slow-cc\"\n");
    let gate = lab.path("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());
    let cc = format!("#!/bin/sh\n[ -e {0}.open ] || cat {0}\nexec cc \"$@\"\n", gate.display());
    let cc_path = lab.write("slow-cc", cc);
    assert!(Command::new("chmod").arg("+x").arg(cc_path).status().unwrap().success());
    lab
}

/// Lets the compiler go on, which waits or comes to wait.
fn open_gate(lab: &Lab) {
    lab.write("gate.open", "");
    std::fs::OpenOptions::new().write(true).open(lab.path("gate")).unwrap();
}

#[test]
fn on_a_terminal_a_slow_build_is_told_and_leaves_no_trace() {
    let lab = slow_lab();
    let hotvm = format!("stty cols 80 rows 24; {} run slow.vasm", env!("CARGO_BIN_EXE_hotvm"));
    let mut script = Command::new("script");
    script.args(["-qec", &hotvm, "/dev/null"]).current_dir(lab.path("."));
    script.env("HOTVM_CACHE_DIR", lab.path("cache")).env("TERM", "xterm");
    let mut terminal = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = terminal.stdout.take().unwrap();
    let (mut shown, mut buffer) = (Vec::new(), [0; 1024]);
    while !String::from_utf8_lossy(&shown).contains("reading slow.vasm") {
        let count = output.read(&mut buffer).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&shown));
        shown.extend_from_slice(&buffer[..count]);
    }
    open_gate(&lab);
    output.read_to_end(&mut shown).unwrap();
    assert_eq!(wait(&mut terminal).code(), Some(0));
    let shown = String::from_utf8_lossy(&shown);
    // The sign is wiped out before the program writes.
    assert!(shown.trim_end().ends_with('1') && shown.contains("\u{1b}[2K"), "{shown:?}");
}
