//! The examples of `hotvm explain`: each wrong one leads to its code and to no other, each right one to none.

mod common;

use common::{Lab, Outcome};
use hotvm::diagnostics::{Code, Verdict};
use std::collections::BTreeSet;

/// Codes whose example is no program: they take a file that is damaged, another machine or another time.
const OUTSIDE: [&str; 22] = [
    "E0109", "E0301", "E0302", "E0303", "E0304", "E0305", "E0404", "E0511", "E0516", "E0603",
    "E0604", "E0609", "E0613", "E0615", "E0619", "E0620", "E0622", "E0701", "E0702", "E0703",
    "E0704", "E0706",
];

/// The program of an example, in a lab that has its files.
struct Scene {
    lab: Lab,
    /// What hotvm is called with, but for the command.
    args: Vec<String>,
}

/// What stands in an explanation of one verdict, if anything does.
fn scene(code: Code, verdict: Verdict) -> Option<Scene> {
    let lab = Lab::new();
    let (mut given, mut args) = (String::new(), vec!["main.vasm".to_owned()]);
    let mut any = false;
    for example in code.examples().filter(|example| example.verdict == Some(verdict)) {
        any = true;
        lab.write(example.file.unwrap_or("main.vasm"), example.text);
        match example.file {
            None => given = example.with.to_owned(),
            Some(file) if file.ends_with(".vasm") => args.push(format!("--with={file}")),
            Some(_) => {}
        }
    }
    args.extend(given.split_whitespace().map(str::to_owned));
    any.then_some(Scene { lab, args })
}

impl Scene {
    fn run(&self, command: &str) -> Outcome {
        // A command of its own stands among the flags.
        let own = |arg: &&String| ["test", "build"].contains(&arg.as_str());
        let command = self.args.iter().find(own).map_or(command, |own| own);
        let args = self.args.iter().filter(|arg| !own(arg)).map(|arg| &**arg);
        let args: Vec<&str> = [command, "--error-format=json"].into_iter().chain(args).collect();
        self.lab.run(args)
    }
}

/// The codes of the messages, of which tests tell theirs as text.
fn told(outcome: &Outcome) -> BTreeSet<&'static str> {
    let said = format!("{}{}", outcome.stderr, outcome.text());
    let names = Code::ALL.iter().map(|code| code.name());
    let is_told = |name: &&str| {
        said.contains(&format!("\"code\":\"{name}\"")) || said.contains(&format!("[{name}]"))
    };
    names.filter(is_told).collect()
}

/// Warnings are told by `check`, all else where it matters.
fn command(code: Code) -> &'static str {
    if code.warning_name().is_some() { "check" } else { "run" }
}

#[test]
fn every_wrong_example_leads_to_its_code() {
    let (mut outside, mut failed) = (Vec::new(), Vec::new());
    for &code in Code::ALL {
        let Some(scene) = scene(code, Verdict::Wrong) else {
            outside.push(code.name());
            continue;
        };
        let outcome = scene.run(command(code));
        if told(&outcome) != BTreeSet::from([code.name()]) {
            failed.push(format!("{code}: {outcome:?}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(outside, OUTSIDE);
}

#[test]
fn every_right_example_is_right() {
    for &code in Code::ALL {
        let Some(scene) = scene(code, Verdict::Right) else { continue };
        let outcome = scene.run("check").done();
        assert_eq!(outcome.stderr, "", "{code}");
        // A trap shows only when the program runs; this one ends with the status that it wants.
        if code.name().starts_with("E05") && code != Code::BadExitStatus {
            scene.run("run").done();
        }
    }
}
