//! What a library offers to programs: its functions, each with the signature that it tells.
//!
//! Nothing of the library runs. So libraries of other systems can be looked at, too: those that this
//! one could never load.

use super::build::Builder;
use super::check::check;
use super::debuginfo::Declared;
use super::policy::Policy;
use super::read::{Writer, read_at_rest};
use super::resolve::Place;
use super::settings::Settings;
use super::signature::{CSignature, Signatures, Source, exports, shown};
use crate::diagnostics::{Code, Diagnostic};
use crate::isa::Signature;
use std::path::{Path, PathBuf};

/// The functions of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The format of its file: `ELF`, `PE` or `Mach-O`.
    pub format: &'static str,
    /// By name.
    pub functions: Vec<Offered>,
    /// What the compiler had to say about a source that it did build.
    pub warnings: Vec<Diagnostic>,
}

/// A function that a library exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its name in the library.
    pub symbol: String,
    /// The signature to declare for it, or why no slot can call it.
    pub signature: Result<Signature, String>,
    /// What the library tells of it, if it does.
    pub known: Option<Known>,
}

/// What a library tells of one of its functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its C declaration.
    pub declaration: String,
    /// The file and line of that, if they are known.
    pub place: Option<(PathBuf, u64)>,
    /// Where all this was read.
    pub source: Source,
}

impl Offered {
    /// Where the function is declared, as `file:line`.
    pub fn place(&self) -> Option<String> {
        let (file, line) = self.known.as_ref()?.place.clone()?;
        Some(shown(&Declared { file, line }))
    }
}

/// What a library offers, which a program of these settings would name `library`.
///
/// # Errors
/// When it is not found, not allowed, not readable, or cannot be built.
pub fn offer(library: &str, settings: &Settings) -> Result<Offer, Diagnostic> {
    let policy = Policy::new(settings);
    let place = Place::of(library, &policy)?.admitted(library, &policy)?;
    let (file, bytes, warnings) = match place {
        Place::File(file) => {
            let bytes = read_at_rest(library, &file, Writer::Unknown)?;
            (file, bytes, None)
        }
        Place::Source(file, language) => {
            let built = Builder::new(settings.clone()).build(library, &file, language)?;
            (file, built.bytes, built.warnings)
        }
        Place::System(_) => return Err(of_the_system(library)),
    };
    let warned = |words| {
        Diagnostic::warning(Code::BuildWarning, format!("`{library}` was built with warnings"))
            .note(words)
    };
    let warnings = warnings.into_iter().map(warned).collect();
    read(library, &file, &bytes).map(|offer| Offer { warnings, ..offer })
}

fn read(library: &str, file: &Path, bytes: &[u8]) -> Result<Offer, Diagnostic> {
    let exported = exports(bytes).map_err(|error| unreadable(library, file, bytes, &error))?;
    let signatures = Signatures::read(bytes, file, is_offered);
    let names = exported.functions.into_iter().map(|f| f.name).filter(|name| is_offered(name));
    let functions = names.map(|symbol| offered(symbol, &signatures)).collect();
    Ok(Offer { format: exported.format.name(), functions, warnings: Vec::new() })
}

/// Those that the compiler adds and those that hotvm itself calls are not for programs.
fn is_offered(symbol: &str) -> bool {
    !matches!(symbol, "_init" | "_fini") && !symbol.starts_with("hotvm_")
}

fn offered(symbol: String, signatures: &Signatures) -> Offered {
    let c = signatures.get(&symbol);
    let signature = match c {
        Some(c) => c.suggested(),
        None => Err("its signature is not known (no manifest, BTF or DWARF)".to_owned()),
    };
    let known = |c: &CSignature| Known {
        declaration: c.declaration.clone(),
        place: c.declared.clone().map(|declared| (declared.file, declared.line)),
        source: c.source,
    };
    Offered { signature, known: c.map(known), symbol }
}

/// A file that holds no library that can be read. The file check knows the usual mistakes, but those
/// only that are not about another system.
fn unreadable(library: &str, file: &Path, bytes: &[u8], error: &str) -> Diagnostic {
    let other =
        |bytes: &[u8]| !bytes.starts_with(b"\x7fELF") && object::FileKind::parse(bytes).is_ok();
    let foreign = bytes.starts_with(b"MZ") || other(bytes);
    match check(bytes) {
        Err(flaw) if !foreign => flaw.diagnostic(library, file),
        _ => Diagnostic::error(Code::NotALibrary, format!("`{library}` cannot be read"))
            .note(format!("{}: {error}", file.display())),
    }
}

fn of_the_system(library: &str) -> Diagnostic {
    let message = format!("the functions of `{library}` cannot be listed");
    Diagnostic::error(Code::LibraryNotFound, message)
        .note("it is a library of the system, and where its file is only the loader knows")
        .help(format!(
            "name the function and its signature: `.lib 0 \"{library}\" name (f64) -> f64`"
        ))
}
