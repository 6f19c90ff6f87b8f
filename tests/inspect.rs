//! Views of programs: `dis` with `--listing`, `--json` and `--cfg`, and `info`. What they show of
//! `tests/inspect/*.vasm` stands beside these. To refresh: `BLESS=1 cargo test --test inspect`

mod common;

use common::{Lab, generate, golden};
use hotvm::diagnostics::Sources;
use hotvm::module::encode;
use hotvm::tools::inspect::{
    Inspector, Origin, Summary, summary_to_json, to_dot, to_json, to_listing,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

/// A lab with the programs of `tests/inspect`.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.write("program.vasm", include_str!("inspect/program.vasm"));
    lab.write("wrong.vasm", include_str!("inspect/wrong.vasm"));
    lab.run(["asm", "program.vasm", "-o", "program.vbc"]).done();
    lab.run(["asm", "program.vasm", "--strip", "-o", "stripped.vbc"]).done();
    lab
}

#[test]
fn views_of_programs_are_as_they_were() {
    let lab = lab();
    for (file, args) in [
        ("program.listing", &["dis", "--listing", "program.vasm"][..]),
        ("stripped.listing", &["dis", "--listing", "stripped.vbc"]),
        ("wrong.listing", &["dis", "--listing", "wrong.vasm"]),
        ("program.dot", &["dis", "--cfg", "program.vasm"]),
        ("wrong.dot", &["dis", "--cfg", "wrong.vasm"]),
        ("program.json", &["dis", "--json", "program.vasm", "-f", "fact"]),
        ("program.info", &["info", "program.vasm"]),
        ("stripped.info", &["info", "stripped.vbc"]),
        ("wrong.info", &["info", "wrong.vasm"]),
        ("program.info.json", &["info", "--json", "program.vasm"]),
    ] {
        let outcome = lab.run(args).done();
        assert_eq!(outcome.stderr, "", "{args:?}");
        golden(&format!("inspect/{file}"), outcome.text());
    }
}

#[test]
fn text_and_its_bytecode_look_alike() {
    let lab = lab();
    for view in ["--listing", "--cfg"] {
        let of_text = lab.run(["dis", view, "program.vasm"]).done();
        assert_eq!(of_text.text(), lab.run(["dis", view, "program.vbc"]).done().text());
    }
    // The program's text is not what it was assembled from any more, so only lines are told.
    lab.write("program.vasm", "HALT\n");
    let changed = lab.run(["dis", "--listing", "program.vbc"]).done();
    assert!(changed.text().contains("; program.vasm:4\n"), "{}", changed.text());
}

/// Bytecode is often looked at from elsewhere, and moved together with its text.
#[test]
fn the_text_of_bytecode_is_found_beside_it_too() {
    let lab = Lab::new();
    lab.write("made/here/p.vasm", "HALT\n");
    lab.run(["asm", "made/here/p.vasm", "-o", "made/here/p.vbc"]).done();
    std::fs::rename(lab.path("made"), lab.path("moved")).unwrap();
    let listing = |file: &str| lab.run(["dis", "--listing", file]).done().text().to_owned();
    let found = listing("moved/here/p.vbc");
    assert!(found.contains("; moved/here/p.vasm:1: HALT\n"), "{found}");
    // It must be what was assembled.
    lab.write("moved/here/p.vasm", "NOP\nHALT\n");
    let other = listing("moved/here/p.vbc");
    assert!(other.contains("; made/here/p.vasm:1\n"), "{other}");
}

#[test]
fn a_text_is_looked_at_with_all_that_it_is_assembled_with() {
    let lab = Lab::new();
    lab.write(
        "p.vasm",
        ".include \"n.inc\"\n.lib \"mine\"\nPUSH N\nPUSH M\nCALL_NATIVE add\nHALT\n",
    );
    lab.write("parts/n.inc", ".const N = 41\n");
    lab.write("mine.c", "int add(int a, int b) { return a + b; }\n");
    let source = lab.path("mine.c");
    std::fs::create_dir(lab.path("libs")).unwrap();
    let mut cc = std::process::Command::new("cc");
    cc.args(["-g", "-shared", "-fPIC", "-o"]).args([lab.path("libs/libmine.so"), source]);
    assert!(cc.status().unwrap().success());
    let flags = ["p.vasm", "-D", "M=1", "-I", "parts", "--lib-dir", "libs"];
    for command in [&["dis"][..], &["dis", "--listing"], &["info"]] {
        let outcome = lab.run(command.iter().chain(&flags)).done();
        assert!(outcome.text().contains("add"), "{}", outcome.text());
    }
}

#[test]
fn one_function_of_many() {
    let lab = lab();
    let outcome = lab.run(["dis", "--listing", "-f", "fact", "program.vasm"]).done();
    assert!(outcome.text().starts_with("fact (n: i64) -> i64 "), "{}", outcome.text());
    let unknown = lab.run(["dis", "--cfg", "-f", "fakt", "program.vasm"]);
    unknown.refuses(1, "E0204").says("did you mean `fact`?");
    lab.run(["dis", "-f", "fact", "program.vasm"]).exits(2);
    lab.run(["dis", "--cfg", "--listing", "program.vasm"]).exits(2);
}

#[test]
fn what_is_no_program_has_no_view() {
    let lab = Lab::new();
    for args in [&["dis", "--listing"][..], &["dis", "--cfg"], &["dis", "--json"], &["info"]] {
        lab.run_with(args, b"FROB\n").refuses(1, "E0107");
        lab.run_with(args, b"\x7fvbc").refuses(1, "E0302");
        lab.run_with(args, b"").refuses(1, "E0110");
    }
}

#[test]
fn info_of_a_large_program_fits_a_screen() {
    let functions: String = (0..50).map(|i| format!(".func f{i}\nRET\n.end\n")).collect();
    let globals: String = (0..50).map(|i| format!(".global g{i}: i64\n")).collect();
    let data: String = (0..50).map(|i| format!(".data d{i} \"{i}\"\n")).collect();
    let slots: String = (0..50).map(|i| format!(".lib {i} \"x.c\" s{i}\n")).collect();
    let text = [&*functions, &globals, &data, &slots, ".public f40\nHALT\n"].concat();
    let lab = Lab::new();
    let outcome = lab.run_with(["info"], text.as_bytes()).done();
    assert!(outcome.text().lines().count() <= 50, "{}", outcome.text());
    // What is public comes before what is merely as large.
    assert!(outcome.text().contains("f40 ()"), "{}", outcome.text());
    let json = lab.run_with(["info", "--json"], text.as_bytes()).done();
    let json: Value = serde_json::from_str(json.text()).unwrap();
    for list in ["globals", "data", "slots"] {
        assert_eq!(json[list].as_array().unwrap().len(), 50);
    }
    assert_eq!(json["functions"].as_array().unwrap().len(), 51);
}

/// A stack of 65535 values is not written out for each of as many instructions.
#[test]
fn deep_stacks_are_shown_from_the_top() {
    let text = "PUSH 1\n".repeat(65_535) + "HALT\n";
    let lab = Lab::new();
    let outcome = lab.run_with(["dis", "--listing"], text.as_bytes()).done();
    assert!(outcome.text().contains("[... i64 i64 i64 i64 i64 i64 i64 i64]"));
    assert!(outcome.text().len() < 20_000_000, "{}", outcome.text().len());
    let json = lab.run_with(["dis", "--json"], text.as_bytes()).done();
    let json: Value = serde_json::from_str(json.text()).unwrap();
    let last = &json["code"][0]["instructions"][65_535];
    assert_eq!(last["before"]["depth"], 65_535);
    assert_eq!(last["before"]["top"].as_array().unwrap().len(), 8);
}

fn origin(file: &str, size: usize) -> Origin {
    Origin { file: file.to_owned(), with: Vec::new(), format: "bytecode", size }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    /// The bytes of a listing are those of the module, and the stacks of one instruction fit the next.
    #[test]
    fn views_tell_the_truth(choices in vec(any::<u8>(), 0..1500)) {
        let module = generate::module(&choices);
        let mut sources = Sources::new();
        let source = sources.add_file("program.vbc");
        let mut inspector = Inspector::new(&module);
        let all: Vec<u32> = (0..module.functions.len() as u32).collect();
        let mut bytes = Vec::new();
        for &index in &all {
            let function = inspector.function(index);
            prop_assert!(function.error.is_none() && function.damage.is_none());
            for (at, instruction) in function.instructions.iter().enumerate() {
                bytes.extend_from_slice(instruction.bytes);
                let next = function.instructions.get(at + 1).and_then(|next| next.before.as_ref());
                if let (Some(after), Some(next)) = (&instruction.after, next)
                    && instruction.instr.op.falls_through()
                {
                    prop_assert_eq!((after.depth, &after.types), (next.depth, &next.types));
                }
            }
        }
        prop_assert_eq!(&bytes, &module.code);
        let size = encode(&module).len();
        let summary = Summary::new(&mut inspector, origin("program.vbc", size));
        prop_assert!(summary.valid);
        prop_assert_eq!(summary.bytecode_size, size);
        let json = to_json(&mut inspector, &summary, &all, source, &mut sources);
        let json: Value = serde_json::from_str(&json).unwrap();
        let code: String = json["code"].as_array().unwrap().iter()
            .flat_map(|function| function["instructions"].as_array().unwrap())
            .map(|instruction| instruction["bytes"].as_str().unwrap())
            .collect();
        let hex: String = module.code.iter().map(|byte| format!("{byte:02x}")).collect();
        prop_assert_eq!(code, hex);
        prop_assert!(serde_json::from_str::<Value>(&summary_to_json(&summary)).is_ok());
        let lines = to_listing(&mut inspector, &all, source, &mut sources).lines().count();
        prop_assert!(lines >= bytes.len() / 16);
        let dot = to_dot(&mut inspector, &all);
        prop_assert_eq!(dot.matches("subgraph").count(), all.len());
    }

    /// Whatever is damaged, there is a view of it.
    #[test]
    fn any_module_has_views(
        choices in vec(any::<u8>(), 0..600),
        damage in vec((any::<u8>(), any::<u16>(), any::<u8>()), 1..8),
    ) {
        let bytes = common::damage::damage_sections(&encode(&generate::module(&choices)), &damage);
        let Ok(module) = hotvm::module::decode(&bytes) else { return Ok(()) };
        let mut sources = Sources::new();
        let source = sources.add_file("damaged.vbc");
        let mut inspector = Inspector::new(&module);
        let all: Vec<u32> = (0..module.functions.len() as u32).collect();
        let summary = Summary::new(&mut inspector, origin("damaged.vbc", bytes.len()));
        to_listing(&mut inspector, &all, source, &mut sources);
        to_json(&mut inspector, &summary, &all, source, &mut sources);
        to_dot(&mut inspector, &all);
        prop_assert_eq!(summary.valid, hotvm::verify::verify(module.clone()).is_ok());
    }
}
