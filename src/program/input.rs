//! The bytes of a program, and where they are from.

use super::include::similar;
use crate::diagnostics::{Code, Diagnostic};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A program: a file, or standard input, and perhaps more files.
#[derive(Clone, Debug)]
pub struct Input {
    /// What messages call it.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// The folder that the program's relative paths start from.
    pub folder: PathBuf,
    /// The other texts of the program, each a unit with names of its own.
    pub units: Vec<Input>,
}

impl Input {
    /// Reads a file; standard input for `-`.
    ///
    /// # Errors
    /// When it cannot be read; with what to do.
    pub fn read(path: &Path) -> Result<Input, Diagnostic> {
        if path == Path::new("-") {
            let mut bytes = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut bytes);
            read.map_err(|e| {
                Diagnostic::error(Code::CannotRead, format!("cannot read standard input: {e}"))
            })?;
            return Ok(Input::new("<stdin>", bytes));
        }
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Input { folder, ..Input::new(name, bytes) })
    }

    /// Bytes that are at hand, of one file, with this name in messages.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Input {
        Input { name: name.into(), bytes, folder: PathBuf::from("."), units: Vec::new() }
    }

    /// Reads the files of one program, the first of which its relative paths start from.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read_all(paths: &[PathBuf]) -> Result<Input, Diagnostic> {
        let (first, others) = match paths {
            [first, others @ ..] => (&**first, others),
            [] => (Path::new("-"), paths),
        };
        let mut input = Input::read(first)?;
        for path in others {
            input.units.push(Input::read(path)?);
        }
        Ok(input)
    }

    /// A program that is at hand as text.
    pub fn from_text(name: impl Into<String>, text: impl Into<String>) -> Input {
        Input::new(name, text.into().into_bytes())
    }

    /// Whether it is bytecode, or cut-off bytecode, rather than text. No text begins as it does.
    pub fn is_bytecode(&self) -> bool {
        self.bytes.starts_with(b"\x7fvbc")
            || (!self.bytes.is_empty() && b"\x7fvbc".starts_with(&self.bytes))
    }

    /// The text.
    ///
    /// # Errors
    /// When it is none.
    pub fn into_text(self) -> Result<String, NotText> {
        match self.is_bytecode() {
            true => Err(NotText::Bytecode),
            false => text_of(self.bytes),
        }
    }
}

/// Why bytes are no program text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotText {
    /// They are bytecode.
    Bytecode,
    /// They are text as Windows likes to write it.
    Utf16,
    /// There is a NUL, at this byte.
    Nul(usize),
    /// From this byte on, they are not UTF-8.
    NotUtf8(usize),
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotText::Bytecode => f.write_str("it is bytecode"),
            NotText::Utf16 => f.write_str("it is UTF-16"),
            NotText::Nul(at) => write!(f, "byte {at} is a NUL, which no text has"),
            NotText::NotUtf8(at) => write!(f, "it is not UTF-8 from byte {at} on"),
        }
    }
}

impl NotText {
    /// What to do about it.
    pub fn help(self) -> &'static str {
        match self {
            NotText::Bytecode => "`hotvm dis` makes program text from bytecode",
            NotText::Utf16 => {
                "save it as UTF-8; in PowerShell, `Out-File -Encoding utf8` writes that"
            }
            NotText::Nul(_) | NotText::NotUtf8(_) => {
                "program text is UTF-8; bytecode comes from `hotvm asm`"
            }
        }
    }
}

/// The text that bytes are.
fn text_of(bytes: Vec<u8>) -> Result<String, NotText> {
    match bytes[..] {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(NotText::Utf16),
        [a, 0, b, 0, ..] | [0, a, 0, b, ..] if a != 0 && b != 0 => return Err(NotText::Utf16),
        _ => {}
    }
    // UTF-8 allows NUL, but no text has any, and nearly every binary file soon does.
    let start = &bytes[..bytes.len().min(8192)];
    if let Some(nul) = start.iter().position(|&b| b == 0) {
        return Err(NotText::Nul(nul));
    }
    String::from_utf8(bytes).map_err(|error| NotText::NotUtf8(error.utf8_error().valid_up_to()))
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let name = path.display();
    if path.is_dir() {
        return Diagnostic::error(Code::IsAFolder, format!("`{name}` is a folder"))
            .help("name a file in it, or `hotvm test` to run all its programs");
    }
    let diagnostic = Diagnostic::error(Code::CannotRead, format!("cannot read `{name}`: {error}"));
    if error.kind() == io::ErrorKind::NotFound {
        return diagnostic.maybe_help(similar(path).map(|near| format!("did you mean `{near}`?")));
    }
    diagnostic
}
