//! The words of every message: what `hotvm run` says of each program in `tests/rejected` and
//! `tests/trapped` stands in a file beside it. `BLESS=1 cargo test --test messages` writes them anew.

use hotvm::diagnostics::Code;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDERS: [&str; 2] = ["tests/rejected", "tests/trapped"];

/// Codes that no program text alone brings about, and the tests that do.
const ELSEWHERE: [(&str, &[&str]); 4] = [
    (
        "tests/cli.rs",
        &["E0301", "E0302", "E0303", "E0304", "E0305", "E0511", "E0701", "E0702", "E0703"],
    ),
    ("tests/run_limits.rs", &["E0407", "E0514", "E0515", "E0516"]),
    ("tests/faults.rs", &["E0512"]),
    ("tests/runner.rs", &["E0705"]),
];

/// Codes without a message here, and why.
const NONE: [(&str, &str); 5] = [
    ("E0109", "takes a text of 4 GiB"),
    ("E0404", "takes bytecode that no assembler writes"),
    ("E0513", "takes a native function that does not return"),
    ("E0619", "takes a library that crashes twice"),
    ("E0704", "takes a terminal"),
];

fn programs() -> Vec<PathBuf> {
    let entries = FOLDERS.iter().flat_map(|folder| Path::new(folder).read_dir().unwrap());
    let mut paths: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "vasm"))
        .collect();
    paths.sort();
    paths
}

/// What a test program asks for behind a word of its comments.
fn asked(text: &str, word: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(";! "));
    let found = lines.filter_map(|line| line.strip_prefix(word)?.strip_prefix(": "));
    found.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// What hotvm says of a program, and nothing of what the program writes.
fn said(path: &Path, text: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hotvm"))
        .arg("run")
        .arg(path)
        .args(asked(text, "with").iter().map(|file| format!("--with=tests/rejected/{file}")))
        .args(asked(text, "flags"))
        .args(["--engine", "reference", "--color", "never", "--"])
        .args(asked(text, "args"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn every_message_is_as_it_was() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut changed = Vec::new();
    for path in programs() {
        let text = fs::read_to_string(&path).unwrap();
        let (said, file) = (said(&path, &text), path.with_extension("stderr"));
        if bless {
            fs::write(&file, &said).unwrap();
        } else if fs::read_to_string(&file).ok().as_ref() != Some(&said) {
            changed.push(format!("{}\n{said}", file.display()));
        }
    }
    assert!(changed.is_empty(), "with BLESS=1 these are written anew:\n{}", changed.join("\n"));
}

#[test]
fn every_code_has_its_message() {
    let rendered: Vec<String> = programs()
        .iter()
        .filter_map(|path| fs::read_to_string(path.with_extension("stderr")).ok())
        .collect();
    let named = ELSEWHERE.iter().flat_map(|(_, codes)| *codes).copied();
    let elsewhere: BTreeSet<&str> = named.chain(NONE.iter().map(|(code, _)| *code)).collect();
    for code in Code::ALL {
        let name = code.name();
        let shown = rendered.iter().any(|text| text.contains(&format!("[{name}]")));
        // What libraries do wrong is tested with libraries.
        let of_libraries = name.starts_with("E06") || matches!(name, "E0506" | "E0507");
        assert!(shown || of_libraries || elsewhere.contains(name), "no test shows {name}");
    }
}

#[test]
fn codes_that_are_tested_elsewhere_are() {
    for (file, codes) in ELSEWHERE {
        let text = fs::read_to_string(file).unwrap();
        for name in codes {
            assert!(text.contains(name), "{file} does not speak of {name}");
        }
    }
}
