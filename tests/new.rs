//! `hotvm new`: what it makes works at once, and nothing is overwritten.

mod common;

use common::Lab;
use std::fs;

#[test]
fn a_new_project_passes_its_own_tests() {
    let lab = Lab::new();
    let outcome = lab.run(["new", "my-game"]).done().says("hotvm run my-game/my-game.vasm");
    assert_eq!(outcome.text(), "");
    assert_eq!(
        lab.names_in("my-game"),
        [".github", ".gitignore", "README.md", "hotvm.toml", "my-game.vasm", "native", "tests"]
    );
    let run = lab.run(["run", "my-game/my-game.vasm"]).done();
    assert_eq!(run.text(), "steps: 111\n");
    lab.run(["check", "my-game"]).done();
    let tests = lab.run(["test", "my-game"]).done();
    assert!(tests.text().ends_with("3 passed, 0 failed\n"), "{}", tests.text());
    // Its tests look at what it does.
    let library = String::from_utf8(lab.read("my-game/native/my-game.c")).unwrap();
    lab.write("my-game/native/my-game.c", library.replace("3 * n + 1", "1"));
    lab.run(["test", "my-game"]).exits(1);
}

#[test]
fn what_a_project_is_told_is_true() {
    let lab = Lab::new();
    lab.run(["new", "game"]).done();
    let readme = String::from_utf8(lab.read("game/README.md")).unwrap();
    let workflow = String::from_utf8(lab.read("game/.github/workflows/ci.yml")).unwrap();
    // It can be installed from nowhere but where the user says.
    assert!(workflow.contains("cargo install --locked --git \"$HOTVM_REPOSITORY\" hotvm"));
    assert!(readme.contains("HOTVM_REPOSITORY"));
    let commands: Vec<_> = [&*readme, &workflow]
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| {
            line.trim_start_matches([' ', '-']).trim_start_matches("run: ").strip_prefix("hotvm ")
        })
        .filter(|command| !command.contains("--watch"))
        .collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        let words = command.split('#').next().unwrap().split_whitespace();
        let mut hotvm = lab.hotvm(words);
        let outcome = common::finish(hotvm.current_dir(lab.path("game")), b"");
        assert_eq!(outcome.status, Some(0), "{command}: {outcome:?}");
    }
}

#[test]
fn nothing_is_overwritten() {
    let lab = Lab::new();
    lab.write("there/notes.txt", "mine");
    lab.write("file", "mine");
    for name in ["there", "file"] {
        lab.run(["new", name]).refuses(1, "E0702").says("is there already");
    }
    assert_eq!(lab.names_in("there"), ["notes.txt"]);
    assert_eq!(lab.read("file"), b"mine");
    fs::create_dir(lab.path("empty")).unwrap();
    lab.run(["new", "empty"]).done();
    lab.run(["new", "empty"]).refuses(1, "E0702");
    lab.run(["new", "some/where/deep"]).done();
    lab.run(["test", "some"]).done();
}

#[test]
fn a_name_that_would_need_quotes_is_refused() {
    let lab = Lab::new();
    for name in [".", "..", "a b", "-x", "1st", "größe", "a\"b", "some/"] {
        let outcome = lab.run(["new", "--", name]);
        if name == "some/" {
            outcome.done();
        } else {
            outcome.refuses(1, "E0702").says("cannot name a project");
        }
    }
    assert!(lab.names_in(".").iter().all(|name| name == "some" || name == "cache"));
}
