//! The file check: what a library must be before the system's loader may see it.
//!
//! The loader trusts its input. Given a library that a linker has half written, it most often
//! crashes the process rather than return an error. So everything that it follows blindly is
//! followed here first, with bounds: headers, segments, the dynamic table, strings, hash tables,
//! symbols, versions and relocations. The check reads bytes, runs nothing, and cannot panic.
//!
//! It is a check for incomplete files, not for hostile ones: whoever can write a library that is
//! allowed to load need not damage it to do harm.

mod dynamic;
mod elf;
mod exports;
mod initialisers;
mod relocations;
mod sections;
mod sniff;
mod symbols;
mod unload;
mod versions;

pub(super) use exports::{Exports, Kind, missing_symbol};
pub(super) use initialisers::Initialisers;
pub(super) use sniff::{BEGINNING, begins_a_library};

use crate::diagnostics::{Code, Diagnostic};
use std::path::{Path, PathBuf};

/// What the check found out about a good library.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// What it exports; `None` where the system's format is not read.
    pub exports: Option<Exports>,
    /// The libraries that it needs.
    pub needed: Needed,
    /// Why its code must stay mapped when nothing calls it any more, if it must.
    pub must_stay: Option<String>,
    pub initialisers: Initialisers,
}

/// The libraries that one needs, and where it has the loader look for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Needed {
    pub names: Vec<String>,
    /// As they are written.
    folders: Vec<String>,
}

/// What stands for the library's own folder in the names of others.
const OWN_FOLDER: [&str; 2] = ["$ORIGIN", "${ORIGIN}"];

impl Needed {
    /// Whether they are looked for relative to the library's own folder.
    pub fn is_relative(&self) -> bool {
        self.folders.iter().any(|folder| OWN_FOLDER.iter().any(|own| folder.contains(own)))
    }

    /// Where the loader looks for one of them, as far as the library in `file` says.
    pub fn places(&self, name: &str, file: &Path) -> Vec<PathBuf> {
        let own = file.parent().unwrap_or(Path::new(".")).to_string_lossy();
        let expanded = |folder: &String| {
            OWN_FOLDER.iter().fold(folder.clone(), |path, origin| path.replace(origin, &own))
        };
        match name.contains('/') {
            true => vec![name.into()],
            false => self.folders.iter().map(|it| Path::new(&expanded(it)).join(name)).collect(),
        }
    }
}

/// What is wrong with a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is something else: what, and what to do about it.
    NotALibrary(String, Option<&'static str>),
    /// It is a library, but not all of it is there or makes sense.
    Incomplete(String),
    /// It is for another machine: what the file is for.
    WrongMachine(String),
}

impl Flaw {
    /// The error about the file at `path`, which the program calls `name`.
    pub fn diagnostic(self, name: &str, path: &Path) -> Diagnostic {
        let file = format!("the file is {}", path.display());
        match self {
            Flaw::NotALibrary(what, help) => {
                Diagnostic::error(Code::NotALibrary, format!("`{name}` is {what}"))
                    .note(file)
                    .maybe_help(help.map(str::to_owned))
            }
            Flaw::Incomplete(why) => Diagnostic::error(
                Code::IncompleteLibrary,
                format!("`{name}` is incomplete or damaged: {why}"),
            )
            .note(file)
            .note("it was not given to the system's loader, which could crash on it")
            .help("if something is still writing it, try again when that is done"),
            Flaw::WrongMachine(found) => Diagnostic::error(
                Code::WrongMachine,
                format!("`{name}` is for {found}, this hotvm for {}", elf::host()),
            )
            .note(file)
            .help("build it for this machine, or run a hotvm built for the library's"),
        }
    }
}

/// Looks at a library without loading it.
pub(super) fn check(bytes: &[u8]) -> Result<Checked, Flaw> {
    match sniff::sniff(bytes)? {
        sniff::Format::Elf => check_elf(bytes),
        // The formats of other systems are told by their first bytes and otherwise trusted.
        sniff::Format::Native => {
            let unknown = "libraries of this system are not examined".to_owned();
            Ok(Checked { must_stay: Some(unknown), ..Checked::default() })
        }
    }
}

fn check_elf(bytes: &[u8]) -> Result<Checked, Flaw> {
    let image = elf::Image::parse(bytes)?;
    sections::check(&image)?;
    let dynamic = dynamic::Dynamic::parse(&image)?;
    let symbols = symbols::Symbols::parse(&image, &dynamic)?;
    versions::check(&image, &dynamic, &symbols)?;
    relocations::check(&image, &dynamic, &symbols)?;
    let exports = Some(symbols.exports(&image)?);
    let must_stay = unload::must_stay(&image, &dynamic, &symbols);
    let initialisers = Initialisers::find(&image, &dynamic);
    Ok(Checked { exports, needed: dynamic.needed_places(), must_stay, initialisers })
}

/// An `Incomplete` flaw unless `holds`.
fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Flaw> {
    if holds { Ok(()) } else { Err(Flaw::Incomplete(why())) }
}
