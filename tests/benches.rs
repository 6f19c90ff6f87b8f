//! The programs that hotvm is measured with give the same in C as in hotvm's text.
//!
//! The golden tests run the `.vasm` files; this holds their C twins to the same results. Lua, which
//! not every machine has, is compared by `benches/engines.py` only.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

const SOURCES: &str = "benches/peers/engines";

#[test]
fn c_twins_agree() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library = folder.path().join("libmath_ops.so");
    compile(&["-shared", "-fPIC", "-Inative/include", "native/math_ops.c"], &library);

    let mut compared = 0;
    for entry in Path::new(SOURCES).read_dir().expect("the sources") {
        let text = entry.expect("the folder was opened").path();
        if text.extension().is_none_or(|e| e != "vasm") {
            continue;
        }
        let program = folder.path().join(text.file_stem().expect("it has a name"));
        let source = text.with_extension("c").display().to_string();
        compile(&[&source, &format!("{SOURCES}/main.c"), "-lm", "-ldl"], &program);

        let text = std::fs::read_to_string(&text).expect("a readable program");
        let output = Command::new(&program)
            .arg(value(&text, ".global size: i64 = "))
            .env("MATH_OPS", &library)
            .output()
            .expect("the compiler has made it");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            value(&text, ";! stdout: "),
            "{source}"
        );
        compared += 1;
    }
    assert_eq!(compared, 12);
}

fn compile(arguments: &[&str], output: &Path) {
    let made = Command::new("cc").args(arguments).arg("-o").arg(output).status();
    assert!(made.expect("a C compiler").success(), "{arguments:?}");
}

/// What follows these words at the beginning of a line.
fn value<'a>(text: &'a str, words: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(words)).unwrap_or_else(|| panic!("no `{words}`"))
}
