//! What the documents show works as they show it.

mod common;

use common::Lab;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use serde_json::Value;
use std::fs;

/// The program in the README, where it says that it runs.
#[test]
fn the_example_of_the_readme_prints_what_it_says() {
    let readme = fs::read_to_string("README.md").unwrap();
    let (_, rest) = readme.split_once("```vasm\n").unwrap();
    let (program, _) = rest.split_once("```").unwrap();
    let lab = Lab::new();
    for file in ["asm-examples/hotvm.toml", "native/stats.c", "native/include/hotvm.h"] {
        lab.write(file, fs::read(file).unwrap());
    }
    lab.write("asm-examples/readme.vasm", program);
    let said = program.lines().filter_map(|line| Some(line.split_once("PRINT ")?.1.trim()));
    let said: String = said.map(|line| line.trim_start_matches("; ").to_owned() + "\n").collect();
    assert_eq!(lab.run(["run", "asm-examples/readme.vasm"]).done().text(), said);
    assert_eq!(said, "3.0\n3628800\n");
}

/// What a pattern's groups hold in a line, if it matches.
fn groups(pattern: &Value, line: &str) -> Option<Vec<String>> {
    let regex = PikeVM::new(pattern["regexp"].as_str().unwrap()).unwrap();
    let mut captures = regex.create_captures();
    regex.captures(&mut regex.create_cache(), line, &mut captures);
    let group = |at| captures.get_group(at).map_or("", |span| &line[span]).to_owned();
    captures.is_match().then(|| (0..captures.group_len()).map(group).collect())
}

/// As VS Code reads lines: the second pattern looks at the line behind one that the first matches.
#[test]
fn the_problem_matcher_for_editors_finds_every_error_and_warning() {
    let package = fs::read_to_string("docs/editors/vscode/package.json").unwrap();
    let package: Value = serde_json::from_str(&package).unwrap();
    let [first, second] =
        &package["contributes"]["problemMatchers"][0]["pattern"].as_array().unwrap()[..]
    else {
        panic!("{package}");
    };
    let part = |pattern: &Value, name: &str, groups: &[String]| {
        groups[pattern[name].as_u64().unwrap() as usize].clone()
    };
    let lab = Lab::new();
    let long = format!("PUSH nowhere ; 1:2:3 {}\n", "x".repeat(1000));
    let texts = ["FROB 1\n  PUSH\n", "x: HALT\n", &long, "PUSH 1\nPUSH 2.0\nADD\nHALT\n"];
    for (number, text) in texts.iter().enumerate() {
        lab.write(&format!("a folder/{number}.vasm"), text);
    }
    let told = lab.run(["check", "--error-format", "json", "a folder"]).exits(1);
    let expected = told.stderr.lines().map(|line| {
        let told: Value = serde_json::from_str(line).unwrap();
        let at = &told["places"][0];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let words = [&told["severity"], &told["code"], &told["message"], &at["file"]].map(text);
        let [line, column] = [&at["line"], &at["column"]].map(ToString::to_string);
        words.into_iter().chain([line, column]).collect::<Vec<_>>()
    });
    let expected: Vec<_> = expected.collect();
    let said = lab.run(["check", "a folder"]).exits(1).stderr;
    let lines: Vec<&str> = said.lines().collect();
    let found = lines.windows(2).filter_map(|pair| {
        let (what, place) = (groups(first, pair[0])?, groups(second, pair[1])?);
        Some(vec![
            part(first, "severity", &what).to_lowercase(),
            part(first, "code", &what),
            part(first, "message", &what),
            part(second, "file", &place),
            part(second, "line", &place),
            part(second, "column", &place),
        ])
    });
    assert_eq!(found.collect::<Vec<_>>(), expected, "{said}");
    assert!(expected.len() >= 5, "{expected:?}");
}
