//! Several texts as one program: each is a unit with names of its own.
//!
//! A name means what it means in the unit where it is written. While a unit is read that is the one that
//! is being read; afterwards whoever looks a name up goes over to the unit of its span.

use super::assembler::{Assembler, Table, unspelled};
use super::constants::Constant;
use super::declare::Declared;
use super::macros::Macro;
use super::reading::Input;
use crate::diagnostics::{Code, Diagnostic, Source, Span};
use crate::module::{SourceFile, checksum};
use crate::syntax::{External, RealText};
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;
use std::sync::atomic::Ordering;

/// The names of a unit, and what it shares with others.
#[derive(Default)]
pub(super) struct Unit<'s> {
    pub(super) macros: Table<'s, Rc<Macro<'s>>>,
    pub(super) functions: Table<'s, Declared>,
    pub(super) globals: Table<'s, Declared>,
    pub(super) constants: Table<'s, Constant>,
    pub(super) data: Table<'s, Declared>,
    /// The slots of each native function as its name is spelled, once the `.lib`s are evaluated.
    pub(super) slots: FxHashMap<String, Vec<u16>>,
    /// What `.public` names.
    pub(super) public: Vec<Span>,
    /// What `.extern` names.
    pub(super) external: Vec<External>,
}

impl<'s> Assembler<'s> {
    /// Reads all units, the first of which is the main text.
    pub(super) fn read_units(&mut self) {
        for unit in 0..self.given.len() {
            self.begin_unit(unit);
            self.define_constants();
            match self.texts.unit_text() {
                Some((text, base)) => {
                    self.input.base = base;
                    self.read_text(text, base);
                }
                None => self.too_much_text(Span::default()),
            }
            self.end_unit();
            self.tell_progress(unit + 1, 0);
        }
    }

    /// Tells that all is read up to a position, when that is one of a unit's own text.
    pub(super) fn tell_progress_at(&self, position: u32) {
        if self.input.depth == 0 {
            self.tell_progress(self.at_unit, position - self.input.base);
        }
    }

    /// Tells how much is read: so many units, and so many bytes of the next.
    fn tell_progress(&self, units: usize, bytes: u32) {
        let Some(progress) = self.options.progress else { return };
        let texts = self.given[..units].iter().filter_map(|unit| unit.text.as_deref());
        let before: u64 = texts.map(|text| text.len() as u64).sum();
        let read = before + u64::from(bytes) + self.read_ahead;
        // What was read ahead counts no more when its turn comes.
        progress.fetch_max(read, Ordering::Relaxed);
    }

    fn begin_unit(&mut self, unit: usize) {
        self.texts.begin_unit(unit);
        self.go_to(unit);
        let Source { name, text, .. } = self.given[unit];
        let file = self.map.files.len() as u32;
        let crc = checksum(text.as_deref().unwrap_or_default().as_bytes());
        self.map.files.push(SourceFile { name: name.clone(), crc });
        self.files.push(Some(RealText::Unit(unit)));
        self.input = Input { file, ..Input::default() };
        self.loc = None;
    }

    /// Closes the function that is still open, and puts main aside.
    fn end_unit(&mut self) {
        if let Some(open) = self.function.take() {
            self.missing_end(&open, None);
            let name = self.texts.name(open.name);
            self.finish_body(open, name);
        }
        let main = std::mem::take(&mut self.main);
        match &self.program_main {
            _ if main.items.is_empty() => {}
            None => self.program_main = Some(main),
            Some(first) => {
                let message = "two files of the program have instructions outside of any function";
                let diagnostic = Diagnostic::error(Code::BadEntry, message)
                    .at_span(self.source, main.first, "the first of this file")
                    .at_span(self.source, first.first, "the first of the other")
                    .help("one file has main; make functions of the instructions of the other");
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// Goes over to the names of a unit, and tells from which.
    pub(super) fn go_to(&mut self, unit: usize) -> usize {
        let before = std::mem::replace(&mut self.at_unit, unit);
        if unit != before {
            std::mem::swap(&mut self.unit, &mut self.units[before]);
            std::mem::swap(&mut self.unit, &mut self.units[unit]);
        }
        before
    }

    /// Goes over to the names that are known where a span is, and tells from which unit.
    pub(super) fn go_to_unit_of(&mut self, span: Span) -> usize {
        self.go_to(self.texts.unit_of(span))
    }

    /// A unit, whether or not its names are those that are being looked up.
    pub(super) fn names_of(&self, unit: usize) -> &Unit<'s> {
        if unit == self.at_unit { &self.unit } else { &self.units[unit] }
    }

    /// Gives things of different units that have one name different ones, so that a listing of the program
    /// can call each by its own. What is public keeps its name.
    pub(super) fn tell_names_apart(&mut self) {
        if self.units.len() == 1 {
            return;
        }
        let public: FxHashSet<String> = self.public.keys().map(|name| unspelled(name)).collect();
        let names = &mut self.names;
        let functions = names.functions.iter_mut();
        // Main has no name.
        let functions =
            functions.map(|function| &mut function.name).filter(|name| !name.is_empty());
        tell_apart(functions.collect(), &public, FxHashSet::default());
        // A local would hide a global of its name.
        let locals = names.functions.iter().flat_map(|function| function.locals.iter().cloned());
        let locals = locals.collect();
        tell_apart(names.globals.iter_mut().collect(), &public, locals);
        tell_apart(names.data.iter_mut().collect(), &public, FxHashSet::default());
    }
}

/// Numbers those names that are not the first of their kind, by numbers that make none of the `taken`.
fn tell_apart(
    mut names: Vec<&mut String>,
    public: &FxHashSet<String>,
    mut taken: FxHashSet<String>,
) {
    taken.extend(names.iter().map(|name| (**name).clone()));
    let mut seen: FxHashSet<String> = FxHashSet::default();
    // Those that keep their names come first.
    names.sort_by_key(|name| !public.contains(&**name));
    let mut counts: FxHashMap<String, u32> = FxHashMap::default();
    for name in names {
        if seen.insert(name.clone()) {
            continue;
        }
        let count = counts.entry(name.clone()).or_insert(1);
        let numbered = std::iter::repeat_with(|| {
            *count += 1;
            format!("{name}_{count}")
        });
        *name = { numbered }.find(|numbered| !taken.contains(numbered)).expect("numbers go on");
        taken.insert(name.clone());
    }
}
