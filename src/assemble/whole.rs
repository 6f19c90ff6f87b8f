//! `.lib "library"`: a slot for each of its functions that the program names.
//!
//! What a library exports only its file tells, and the assembler reads none: whoever calls it passes
//! an answer to that question, [`Offers`]. Functions that no instruction names become no imports, so
//! bytecode stays small, and does not change with functions that it has no use for.

use super::assembler::Assembler;
use super::fixups::Missing;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::isa::name::spelled;
use crate::isa::{Import, Signature};
use crate::module::Location;
use crate::syntax::Expr;
use std::collections::{BTreeMap, BTreeSet};

/// The functions of a library, each with its signature or the reason why no slot can call it.
pub type Offer = BTreeMap<String, Result<Signature, String>>;

/// Tells what the library offers that a program calls by this name.
pub type Offers<'a> = dyn Fn(&str) -> Result<Offer, Diagnostic> + 'a;

/// A `.lib` of a whole library.
pub(super) struct WholeLib {
    pub(super) library: Span,
    pub(super) version: Option<Expr>,
    pub(super) lazy: bool,
    pub(super) location: Location,
}

/// What such a `.lib` says, once it was looked into.
struct Library {
    name: String,
    version: Option<u32>,
    offer: Offer,
}

impl Assembler<'_> {
    /// Adds an import for each function of a whole library that an instruction names. Slots are
    /// numbered from the first free one, in the order of the `.lib`s and then of names.
    pub(super) fn import_whole(&mut self) {
        let libs = std::mem::take(&mut self.whole_libs);
        if libs.is_empty() {
            return;
        }
        let named = self.named_slots();
        let mut from: BTreeMap<(usize, String), Span> = BTreeMap::new();
        let mut made: Vec<usize> = Vec::new();
        for lib in libs {
            let unit = self.texts.unit_of(lib.library);
            let Some(library) = self.look_into(&lib) else { continue };
            for (symbol, signature) in library.offer {
                let key = (unit, spelled(&symbol).into_owned());
                let Some(&span) = named.get(&key) else { continue };
                if let Some(first) = from.insert(key, lib.library) {
                    self.offered_twice(&symbol, span, first, lib.library);
                    continue;
                }
                let signature = match signature {
                    Ok(signature) => signature,
                    Err(why) => {
                        let message = format!("`{symbol}` cannot be called from a slot: {why}");
                        let diagnostic = Diagnostic::error(Code::NotCallable, message)
                            .help(
                                "write a C function around it that takes and returns numbers and \
                                 pointers; or, if it does and you know the types, bind it by a `.lib` \
                                 of its own",
                            );
                        self.push(diagnostic, span, "named here");
                        // What stands in its place is never run: there was an error.
                        Signature::default()
                    }
                };
                let (library, version) = (library.name.clone(), library.version);
                let import =
                    Import { slot: 0, library, symbol, signature, version, lazy: lib.lazy };
                // Another file of the program may have asked for the same.
                let same = |it: &&Import| Import { slot: 0, ..(*it).clone() } == import;
                let known = made.iter().map(|&index| &self.module.imports[index]).find(same);
                if let Some(slot) = known.map(|it| it.slot) {
                    self.name_slot(&import.symbol, slot, lib.library);
                    continue;
                }
                let Some(slot) = self.free_slot(lib.library) else { return };
                made.push(self.module.imports.len());
                self.add_import(Import { slot, ..import }, lib.location, lib.library);
            }
        }
    }

    /// The names by which instructions of a unit ask for slots, each with its first place. Those that the
    /// unit itself declares mean that.
    fn named_slots(&self) -> BTreeMap<(usize, String), Span> {
        let mut named = BTreeMap::new();
        for fixup in &self.fixups {
            let Missing::Slot(_, span) = fixup.missing else { continue };
            let name = self.texts.name(span);
            let unit = self.texts.unit_of(span);
            let known = self.names_of(unit);
            if !known.slots.contains_key(name) && !known.constants.contains_key(name) {
                named.entry((unit, name.to_owned())).or_insert(span);
            }
        }
        named
    }

    fn look_into(&mut self, lib: &WholeLib) -> Option<Library> {
        let name = self.name_literal(lib.library)?;
        let version = self.version(&lib.version)?;
        match (self.options.offers)(&name) {
            Ok(offer) => {
                self.offered.extend(offer.keys().map(|symbol| spelled(symbol).into_owned()));
                Some(Library { name, version, offer })
            }
            Err(diagnostic) => {
                self.push(diagnostic, lib.library, "its functions are asked for here");
                None
            }
        }
    }

    fn free_slot(&mut self, library: Span) -> Option<u16> {
        let taken: BTreeSet<u16> = self.module.imports.iter().map(|i| i.slot).collect();
        let free = (0..=u16::MAX).find(|slot| !taken.contains(slot));
        if free.is_none() {
            self.error(Code::BadLib, library, "there are more functions than slots", "too many");
        }
        free
    }

    fn offered_twice(&mut self, symbol: &str, span: Span, first: Span, second: Span) {
        let libraries = (first.of(self.texts), second.of(self.texts));
        let (first, second) = libraries;
        let message = format!("`{symbol}` is a function of both {first} and {second}");
        let diagnostic = Diagnostic::error(Code::UnknownName, message)
            .help(format!("bind the one that is meant: `.lib 0 {first} {symbol} (…)`"));
        self.push(diagnostic, span, "not unique");
    }
}
