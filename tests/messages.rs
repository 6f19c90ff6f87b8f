//! The words of every message: what `hotvm run` says of each program in `tests/natives`, `tests/rejected`
//! and `tests/trapped` stands in a file beside it. `BLESS=1 cargo test --test messages` writes them anew.

use hotvm::diagnostics::Code;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDERS: [&str; 3] = ["tests/natives", "tests/rejected", "tests/trapped"];

/// Where the other messages stand, which `tests/outside.rs` makes.
const OUTSIDE: &str = "tests/outside";

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
    let here = std::env::current_dir().unwrap();
    String::from_utf8(output.stderr).unwrap().replace(here.to_str().unwrap(), "HERE")
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
    let outside = Path::new(OUTSIDE).read_dir().unwrap().map(|entry| entry.unwrap().path());
    let files = programs().into_iter().map(|path| path.with_extension("stderr")).chain(outside);
    let rendered: Vec<String> = files.filter_map(|path| fs::read_to_string(path).ok()).collect();
    for code in Code::ALL {
        let name = code.name();
        let shown = rendered.iter().any(|text| text.contains(&format!("[{name}]")));
        assert!(shown, "{name}");
    }
}
