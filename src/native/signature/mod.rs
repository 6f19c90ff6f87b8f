//! What is known of a library's functions, and whether a `.lib` line agrees with it.
//!
//! C checks calls against declarations; a symbol table has none. But most libraries carry their
//! types with them, and they are read from the file before anything of it runs: from the manifest
//! that `HOTVM_FUNCTION` of hotvm.h leaves (`manifest`), else from BTF (`btf`), else from DWARF
//! (`dwarf`). What none of them tells is *unchecked*, which callers are expected to say.
//!
//! The readers know files and nothing of rules; `types` spells C types and sorts them by how they
//! are passed; `check` holds the rules.

mod btf;
mod check;
mod dwarf;
mod exports;
mod manifest;
mod suggest;
#[cfg(all(test, target_os = "linux"))]
mod tests;
mod types;
mod unchecked;

pub(super) use check::shown;
pub(super) use exports::exports;
pub use unchecked::Unchecked;

use super::debuginfo::{DebugFile, Declared, section, separate_file};
use crate::isa::Signature;
use exports::Exported;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use types::Value;

/// Where a signature was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The record of a `HOTVM_FUNCTION`.
    Manifest,
    /// BPF type format: `gcc -gbtf`.
    Btf,
    /// DWARF, the debug information of `-g`.
    Dwarf,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Manifest => "manifest",
            Source::Btf => "BTF",
            Source::Dwarf => "DWARF",
        })
    }
}

/// The signature of a C function, as its library tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CSignature {
    /// As C writes it: `double hypot3(double x, double y, double z)`.
    pub declaration: String,
    /// Where that stands.
    pub declared: Option<Declared>,
    /// Who told it.
    pub source: Source,
    result: Value,
    params: Vec<Value>,
    variadic: bool,
    /// What the library's author says it is for programs: only a manifest tells that.
    stated: Option<Signature>,
    /// Why the manifest cannot be right.
    flaw: Option<String>,
}

/// What is known of a library's functions.
#[derive(Debug, Default)]
pub(super) struct Signatures(BTreeMap<String, CSignature>);

impl Signatures {
    /// Reads what the bytes of a library tell about those of its functions that are `wanted`.
    /// `path` is the library's file, beside which separate debug information may lie.
    pub fn read(library: &[u8], path: &Path, wanted: impl Fn(&str) -> bool) -> Signatures {
        let library = exports::thin(library);
        let exported = exports(library).unwrap_or_default().functions;
        let wanted: Vec<Exported> = exported.into_iter().filter(|f| wanted(&f.name)).collect();
        if wanted.is_empty() {
            return Signatures::default();
        }
        let apart;
        let debug = match DebugFile::read(library) {
            Some(file) => Some(file),
            None => {
                apart = separate_file(library, path).unwrap_or_default();
                DebugFile::read(&apart)
            }
        };
        let dwarf = debug.map(|file| dwarf::read(&file.open(), &wanted)).unwrap_or_default();
        let btf = section(library, ".BTF").map(|blobs| btf::read(&blobs)).unwrap_or_default();
        let manifest = section(library, ".hotvm").map(|s| manifest::read(&s)).unwrap_or_default();
        let mut told = [manifest, btf, dwarf];
        let known = wanted.into_iter().filter_map(|function| {
            let all = told.each_mut().map(|from| from.remove(&function.name));
            Some((function.name, combined(all.into_iter().flatten())?))
        });
        Signatures(known.collect())
    }

    /// Whether nothing is known of any function.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is known of a function.
    pub fn get(&self, symbol: &str) -> Option<&CSignature> {
        self.0.get(symbol)
    }
}

/// The first of what several sources tell about one function. The others may know where it is
/// declared, or that the manifest is mistaken.
fn combined(told: impl Iterator<Item = CSignature>) -> Option<CSignature> {
    told.reduce(|mut best, other| {
        if let (Some(stated), None) = (&best.stated, &best.flaw) {
            best.flaw = check::contradiction(stated, &other);
        }
        best.declared = best.declared.or(other.declared);
        best
    })
}
