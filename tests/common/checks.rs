//! What must hold for any input: the property tests, the fuzz targets and the replay of their corpus
//! share it.
#![allow(dead_code, reason = "every user needs a part of this")]

use hotvm::assemble::{Options, assemble};
use hotvm::diagnostics::{Diagnostic, Sources, render_json, render_terminal};
use hotvm::disassemble::disassemble;
use hotvm::module::{Module, decode, encode};
use hotvm::program::{Input, load, read_module};
use hotvm::tools::golden::Expectations;
use hotvm::verify::verify;

/// A program from nobody knows where. What is refused is told in every format; what can be read can
/// be written as text and as bytes.
pub fn program(bytes: Vec<u8>) {
    let input = Input::new("input", bytes);
    let mut sources = Sources::new();
    if let Ok((module, _)) = read_module(input.clone(), &mut sources, &Options::default()) {
        assert_eq!(decode(&encode(&module)).as_ref(), Ok(&module));
        let source = sources.add_text("listing", disassemble(&module).text);
        if let Err(diagnostics) = assemble(source, &mut sources, &Options::default()) {
            can_be_told(&diagnostics, &sources);
        }
    }
    let mut sources = Sources::new();
    if let Err(diagnostics) = load(input, &mut sources) {
        can_be_told(&diagnostics, &sources);
    }
}

/// The same for a program of several files, which stand behind each other with a NUL between them: no
/// text has one.
pub fn units(bytes: &[u8]) {
    let mut texts = bytes.split(|&byte| byte == 0).enumerate();
    let mut next = || texts.next().map(|(at, it)| Input::new(format!("unit{at}"), it.to_owned()));
    let mut input = next().expect("the first, though it may be empty");
    input.units = std::iter::from_fn(next).collect();
    let mut sources = Sources::new();
    match read_module(input.clone(), &mut sources, &Options::default()) {
        Ok((module, _)) => {
            assert_eq!(decode(&encode(&module)).as_ref(), Ok(&module));
            assert!(encode(&through_text(&module)) == encode(&module), "{module:?}");
        }
        Err(diagnostics) => can_be_told(&diagnostics, &sources),
    }
    let mut sources = Sources::new();
    if let Err(diagnostics) = load(input, &mut sources) {
        can_be_told(&diagnostics, &sources);
    }
}

/// The same for bytecode whose checksum is made right, so that what stands before it is looked at.
pub fn bytecode(mut bytes: Vec<u8>) {
    repair_checksum(&mut bytes);
    program(bytes);
}

/// Makes the checksum at the end right.
pub fn repair_checksum(bytes: &mut [u8]) {
    if let Some((body, checksum)) = bytes.split_last_chunk_mut::<4>() {
        *checksum = crc32fast::hash(body).to_le_bytes();
    }
}

/// The comments of a test: what can be read survives being written again.
pub fn expectations(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut sources = Sources::new();
    let source = sources.add_text("test", text);
    match Expectations::parse(text, source) {
        Err(diagnostic) => can_be_told(&[diagnostic], &sources),
        Ok(found) => {
            let written = found.output_lines().join("\n");
            let again = Expectations::parse(&written, source).expect("it was just written");
            assert_eq!(again.exit_status(), found.exit_status());
            assert_eq!((again.stdout, again.errors), (found.stdout, found.errors));
        }
    }
}

/// A valid program survives every form that it can have.
pub fn valid(module: &Module) {
    if let Err(rejected) = verify(module.clone()) {
        panic!("{:?}\n{}", rejected.errors, disassemble(module).text);
    }
    let bytes = encode(module);
    assert_eq!(decode(&bytes).as_ref(), Ok(module));
    assert!(encode(&through_text(module)) == bytes, "{}", disassemble(module).text);
    let stripped = stripped(module);
    let back = self::stripped(&through_text(&stripped));
    assert!(encode(&back) == encode(&stripped), "{}", disassemble(&stripped).text);
}

/// The module that the text of a module assembles to.
fn through_text(module: &Module) -> Module {
    let text = disassemble(module).text;
    let mut sources = Sources::new();
    let source = sources.add_text("listing", &*text);
    match assemble(source, &mut sources, &Options::default()) {
        Ok(made) => made.module,
        Err(errors) => panic!("{}\n{text}", render_terminal(&errors, &sources, false)),
    }
}

/// A module without names and source map.
pub fn stripped(module: &Module) -> Module {
    let mut module = module.clone();
    module.strip();
    module
}

fn can_be_told(diagnostics: &[Diagnostic], sources: &Sources) {
    assert!(!diagnostics.is_empty());
    for diagnostic in diagnostics {
        assert!(!diagnostic.message.is_empty() && !diagnostic.labels.is_empty(), "{diagnostic:?}");
        let line = render_json(diagnostic, sources);
        serde_json::from_str::<serde_json::Value>(&line).expect("a line of JSON");
    }
    assert!(!render_terminal(diagnostics, sources, true).is_empty());
}
