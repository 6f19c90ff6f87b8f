//! From a file to a program that can be run, and from its errors back to lines of text.
//!
//! [`load`] reads a file, tells text from bytecode by its content, assembles or decodes, and
//! verifies. [`Places`] puts what the verifier and the engines report at its line; so traps, traces,
//! profiles and statistics come to be in words.
//!
//! This room knows nothing of the terminal.
#![forbid(unsafe_code)]

mod include;
mod input;
mod places;
mod profile;
mod search;
mod stats;
mod trace;
mod trap;

pub use include::IncludePath;
pub use input::{Input, NotText};
pub use places::{Line, Places};
pub use search::search;
pub use stats::symbol;
pub use trace::TraceWriter;

use crate::assemble::{Assembled, Files, Options, assemble};
use crate::diagnostics::{Code, Diagnostic, Position, Severity, SourceId, Sources};
use crate::module::{DecodeError, DecodeProblem, Module, decode_owned};
use crate::verify::{Verified, doubts, verify};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// A program that can be run, with what is needed to point at its lines.
#[derive(Debug)]
pub struct Program {
    /// The program.
    pub verified: Arc<Verified>,
    /// Where its instructions stand.
    pub places: Places,
    /// The texts that it includes.
    pub included: Vec<SourceId>,
    /// What the assembler has doubts about.
    doubts: Vec<Diagnostic>,
}

/// Turns an input into a module, which is not proved yet. Text is assembled with `options`.
///
/// # Errors
/// All that is wrong with it.
pub fn read_module(
    input: Input,
    sources: &mut Sources,
    options: &Options,
) -> Result<(Module, SourceId), Vec<Diagnostic>> {
    read(input, sources, options).map(|read| (read.module, read.source))
}

/// A module that is not proved yet.
struct Read {
    module: Module,
    source: SourceId,
    warnings: Vec<Diagnostic>,
    files: Files,
}

fn read(
    mut input: Input,
    sources: &mut Sources,
    options: &Options,
) -> Result<Read, Vec<Diagnostic>> {
    let units = std::mem::take(&mut input.units);
    if !units.is_empty() {
        check_units(&input, &units, sources)?;
    }
    if input.is_bytecode() {
        let source = sources.add_file(&input.name);
        let module = decode_owned(input.bytes.into())
            .map_err(|error| vec![decode_diagnostic(error, source)])?;
        return Ok(Read { module, source, warnings: Vec::new(), files: Files::default() });
    }
    let source = add_text(input, sources)?;
    let units = units.into_iter().map(|unit| add_text(unit, sources));
    let units = units.collect::<Result<Vec<SourceId>, _>>()?;
    let options = Options { units: &units, ..*options };
    let Assembled { module, warnings, files } = assemble(source, sources, &options)?;
    Ok(Read { module, source, warnings, files })
}

/// Whether the files of a program can be such: all are texts, and each is given once.
fn check_units(
    input: &Input,
    units: &[Input],
    sources: &mut Sources,
) -> Result<(), Vec<Diagnostic>> {
    let mut files = units.iter().chain([input]);
    let (file, code, why, help) = if let Some(bytecode) = files.find(|it| it.is_bytecode()) {
        let help = "give the texts of all files of the program, or the bytecode alone";
        (bytecode, Code::NotText, "is bytecode, which is a whole program", help)
    } else if let Some(again) = given_twice([input].into_iter().chain(units)) {
        (again, Code::GivenTwice, "is given twice", "name each file of the program once")
    } else {
        return Ok(());
    };
    let source = sources.add_file(&file.name);
    Err(vec![
        Diagnostic::error(code, format!("`{}` {why}", file.name))
            .at(source, Position::Whole, "")
            .help(help),
    ])
}

/// The first file that another one was already, perhaps by another path.
fn given_twice<'i>(mut files: impl Iterator<Item = &'i Input>) -> Option<&'i Input> {
    let file = |name: &str| Path::new(name).canonicalize().unwrap_or(name.into());
    let mut given = HashSet::new();
    files.find(|input| !given.insert(file(&input.name)))
}

/// Adds the text of an input.
fn add_text(input: Input, sources: &mut Sources) -> Result<SourceId, Vec<Diagnostic>> {
    match input.text() {
        Ok(text) => Ok(sources.add_text(input.name, text)),
        Err(why) => Err(vec![not_text(input, why, sources)]),
    }
}

/// Turns an input into a program that can be run. It cannot look at libraries or at other files: see
/// [`load_with`].
///
/// # Errors
/// All that is wrong with it.
pub fn load(input: Input, sources: &mut Sources) -> Result<Program, Vec<Diagnostic>> {
    load_with(input, sources, &Options::default())
}

/// Turns an input into a program that can be run. Text is assembled with `options`.
///
/// # Errors
/// All that is wrong with it.
pub fn load_with(
    input: Input,
    sources: &mut Sources,
    options: &Options,
) -> Result<Program, Vec<Diagnostic>> {
    let Read { module, source, warnings, files } = read(input, sources, options)?;
    let included = sources.ids().skip_while(|id| *id != source).skip(1).collect();
    let mut places = Places::assembled(source, files);
    match verify(module) {
        Ok(verified) => {
            Ok(Program { verified: Arc::new(verified), places, included, doubts: warnings })
        }
        Err(rejected) => {
            let found = rejected.errors.iter();
            let found = found
                .map(|error| places.diagnostic(Severity::Error, error, &rejected.module, sources));
            Err(found.collect())
        }
    }
}

impl Program {
    /// What is probably not as it was meant. Only a program that was text tells of unused names.
    pub fn warnings(&mut self, sources: &mut Sources) -> Vec<Diagnostic> {
        let module = self.verified.module();
        let mut found = self.doubts.clone();
        for doubt in doubts(&self.verified) {
            found.push(self.places.diagnostic(Severity::Warning, &doubt, module, sources));
        }
        for &index in self.verified.unused_imports() {
            let import = &module.imports[index];
            let (source, position) = self.places.of_import(module, index, sources);
            let message = format!("slot {} (`{}`) is never called", import.slot, import.symbol);
            found.push(
                Diagnostic::warning(Code::UnusedSlot, message)
                    .at(source, position, "bound here")
                    .help("remove this `.lib`"),
            );
        }
        found
    }
}

fn decode_diagnostic(error: DecodeError, source: SourceId) -> Diagnostic {
    let (code, help) = match error.problem {
        DecodeProblem::Foreign => {
            (Code::NotBytecode, "`hotvm asm` makes bytecode from program text")
        }
        DecodeProblem::Truncated => (Code::TruncatedBytecode, "assemble the program again"),
        DecodeProblem::Damaged(..) => (Code::DamagedBytecode, "assemble the program again"),
        DecodeProblem::UnknownVersion(..) => {
            (Code::UnknownVersion, "assemble the program again with this hotvm, or use a newer one")
        }
        DecodeProblem::Malformed(_) => (Code::MalformedBytecode, "assemble the program again"),
    };
    Diagnostic::error(code, error.problem.to_string())
        .at(source, Position::Offset(error.offset as u64), "")
        .help(help)
}

/// What bytes are that are neither program text nor bytecode, where that can be seen.
fn kind_of(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x7f, b'E', b'L', b'F', ..] => " (it is an ELF file, such as a shared library)",
        [b'M', b'Z', ..] => " (it looks like a Windows program or library)",
        [0, b'a', b's', b'm', ..] => " (it is a WebAssembly module)",
        _ => "",
    }
}

/// What to say of an input that should be text, and is not.
pub fn not_text(input: Input, why: NotText, sources: &mut Sources) -> Diagnostic {
    let neither = format!("neither program text nor hotvm bytecode{}", kind_of(&input.bytes));
    let whole = |message: &str| (Code::NotText, message.to_owned(), None, "");
    let (code, message, offset, label) = match why {
        NotText::Bytecode => whole("this is bytecode, not program text"),
        NotText::Utf16 => whole("this text is UTF-16"),
        NotText::Nul(at) => (Code::NotBytecode, neither, Some(at), "a NUL byte, which no text has"),
        NotText::NotUtf8(at) => (Code::NotBytecode, neither, Some(at), "not UTF-8 from here on"),
    };
    let source = sources.add_file(input.name);
    let position = offset.map_or(Position::Whole, |at| Position::Offset(at as u64));
    Diagnostic::error(code, message).at(source, position, label).help(why.help())
}
