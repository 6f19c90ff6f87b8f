//! The invariants of docs/architecture.md that can be seen in the sources.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, and which others each may use.
const ROOMS: [(&str, &[&str]); 13] = [
    ("isa", &[]),
    ("diagnostics", &[]),
    ("module", &["isa"]),
    ("syntax", &["isa", "diagnostics"]),
    ("assemble", &["syntax", "module", "isa", "diagnostics"]),
    ("disassemble", &["module", "syntax", "isa", "diagnostics"]),
    ("verify", &["module", "isa", "diagnostics"]),
    ("compile", &["verify", "module", "isa"]),
    ("native", &["isa", "diagnostics"]),
    ("engine", &["verify", "native", "module", "isa", "diagnostics"]),
    (
        "program",
        &["assemble", "disassemble", "verify", "engine", "module", "syntax", "isa", "diagnostics"],
    ),
    (
        "tools",
        &[
            "program",
            "disassemble",
            "engine",
            "native",
            "verify",
            "module",
            "syntax",
            "isa",
            "diagnostics",
        ],
    ),
    ("cli", &[]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The text of each source file, without comments, by its room.
fn rooms() -> BTreeMap<String, Vec<(PathBuf, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut rooms: BTreeMap<String, Vec<(PathBuf, String)>> = BTreeMap::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().map(|line| line.split("//").next().unwrap_or(""));
        rooms
            .entry(room)
            .or_default()
            .push((inside.to_owned(), code.collect::<Vec<_>>().join("\n")));
    }
    rooms
}

#[test]
fn each_room_uses_only_the_rooms_below_it() {
    let rooms = rooms();
    for (room, may_use) in ROOMS {
        for (file, code) in &rooms[room] {
            for (other, _) in ROOMS {
                let uses = code.contains(&format!("crate::{other}::"))
                    || code.contains(&format!("crate::{{{other}"));
                assert!(
                    !uses || other == room || may_use.contains(&other),
                    "src/{} uses {other}, which {room} must not know",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn every_folder_of_src_is_a_room() {
    let known: Vec<_> = ROOMS.iter().map(|(room, _)| *room).collect();
    for room in rooms().keys().filter(|room| !room.ends_with(".rs")) {
        assert!(known.contains(&&**room), "src/{room} is not in the table of rooms");
    }
}

/// Where unsafe code may stand: what touches foreign code, and the engines that are made for speed.
const UNSAFE: [&str; 3] = ["native", "engine/interp", "engine/jit"];

#[test]
fn unsafe_code_stands_only_where_it_must() {
    for (room, files) in rooms() {
        for (file, code) in files {
            let exempt = UNSAFE.iter().any(|folder| file.starts_with(folder)) || room == "lib.rs";
            assert!(
                exempt || !code.contains("unsafe "),
                "src/{} holds unsafe code",
                file.display()
            );
            let opens =
                file.file_name().is_some_and(|name| name == "mod.rs") && file.iter().count() == 2;
            // Some folders of the engines are exempt, so their room cannot forbid it for good.
            let level = if room == "engine" { "deny" } else { "forbid" };
            let refuses = code.contains(&format!("#![{level}(unsafe_code)]"));
            // The command line is part of the binary, whose main.rs forbids it.
            assert!(
                exempt || !opens || refuses || room == "cli",
                "src/{} does not {level} it",
                file.display()
            );
        }
    }
}

#[test]
fn only_cli_prints_or_knows_clap() {
    for (room, files) in rooms() {
        for (file, code) in files {
            // Tests say what they leave out.
            if room == "cli" || file.iter().any(|part| part == "tests") {
                continue;
            }
            for word in ["println!", "print!", "clap::", "clap_complete", "stdout()", "stderr()"] {
                assert!(!code.contains(word), "src/{} has `{word}`", file.display());
            }
        }
    }
}

#[test]
fn operating_systems_differ_only_in_native_os() {
    for files in rooms().values() {
        for (file, code) in files {
            let place = file.to_str().unwrap();
            // Besides, how files are read and written.
            let files = ["program/input.rs", "cli/output.rs"];
            let exempt = place.starts_with("native") || files.contains(&place);
            assert!(
                exempt || !code.contains("cfg(unix)") && !code.contains("target_os"),
                "src/{place}"
            );
        }
    }
}
