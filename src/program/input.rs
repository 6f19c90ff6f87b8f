//! The bytes of a program, and where they are from.

use super::include::similar;
use crate::diagnostics::{Code, Diagnostic};
use bytes::Bytes;
use bytestring::ByteString;
use memmap2::MmapMut;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

/// A program: a file, or standard input, and perhaps more files.
#[derive(Clone, Debug)]
pub struct Input {
    /// What messages call it.
    pub name: String,
    /// What it holds.
    pub bytes: Bytes,
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
        let bytes = read_file(path).map_err(|error| unreadable(path, &error))?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Input { folder, ..Input::new(name, bytes) })
    }

    /// Bytes that are at hand, of one file, with this name in messages.
    pub fn new(name: impl Into<String>, bytes: impl Into<Bytes>) -> Input {
        Input {
            name: name.into(),
            bytes: bytes.into(),
            folder: PathBuf::from("."),
            units: Vec::new(),
        }
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

    /// How many bytes it holds, with all its files.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.units.iter().map(Input::size).sum::<usize>()
    }

    /// Whether it is bytecode, or cut-off bytecode, rather than text. No text begins as it does.
    pub fn is_bytecode(&self) -> bool {
        begins_as_bytecode(&self.bytes)
    }

    /// The text.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&self) -> Result<ByteString, NotText> {
        match NotText::at_a_look(&self.bytes) {
            Some(why) => Err(why),
            None => ByteString::try_from(self.bytes.clone())
                .map_err(|error| NotText::NotUtf8(error.valid_up_to())),
        }
    }
}

fn begins_as_bytecode(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fvbc") || (!bytes.is_empty() && b"\x7fvbc".starts_with(bytes))
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
    /// What a look at the beginning of bytes tells. That they are UTF-8 is for whoever makes a text of them
    /// to see.
    pub(super) fn at_a_look(bytes: &[u8]) -> Option<NotText> {
        match *bytes {
            _ if begins_as_bytecode(bytes) => return Some(NotText::Bytecode),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some(NotText::Utf16),
            [a, 0, b, 0, ..] | [0, a, 0, b, ..] if a != 0 && b != 0 => return Some(NotText::Utf16),
            _ => {}
        }
        // UTF-8 allows NUL, but no text has any, and nearly every binary file soon does.
        let start = &bytes[..bytes.len().min(8192)];
        start.iter().position(|&b| b == 0).map(NotText::Nul)
    }

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

/// From so many bytes on, the system is asked for large pages.
const LARGE: u64 = 1 << 20;

fn read_file(path: &Path) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    let (len, mut first) = (file.metadata()?.len(), [0; 4]);
    if len >= LARGE {
        // The memory of bytecode is to become that of the module's code.
        if file.read_exact(&mut first).is_ok()
            && !begins_as_bytecode(&first)
            && let Ok(bytes) = read_large(&mut file, len)
        {
            return Ok(bytes);
        }
        file.rewind()?;
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Reads a file of so many bytes. What takes longest are the pages of the memory that it goes into: these
/// are large, where the system has such.
fn read_large(file: &mut File, len: u64) -> io::Result<Bytes> {
    let len = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut memory = MmapMut::map_anon(len)?;
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    file.rewind()?;
    file.read_exact(&mut memory)?;
    // It may have grown.
    if file.read(&mut [0])? > 0 {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Bytes::from_owner(memory))
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
