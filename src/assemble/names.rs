//! The labels or locals of one function, by name.

use super::assembler::Scoped;
use crate::diagnostics::Span;
use rustc_hash::FxHashMap;
use std::cell::Cell;

/// Up to so many names it is faster to look at each than to hash one.
const FEW: usize = 8;

/// A label or local.
#[derive(Clone, Debug)]
pub(super) struct Local {
    /// Its number: of an instruction, or among the locals.
    pub(super) index: u32,
    /// Where it was declared.
    pub(super) span: Span,
    /// Whether anything names it.
    pub(super) used: Cell<bool>,
}

/// All of them, in the order of their declaration.
#[derive(Default)]
pub(super) struct LocalNames<'s> {
    list: Vec<(Scoped<'s>, Local)>,
    /// Where there are many, their places in the list.
    places: FxHashMap<Scoped<'s>, u32>,
}

impl<'s> LocalNames<'s> {
    /// Adds one. Where there is one of that name already, nothing changes, and it is given back.
    pub(super) fn insert(&mut self, name: Scoped<'s>, index: u32, span: Span) -> Option<Local> {
        if let Some(old) = self.get(name) {
            return Some(old.clone());
        }
        self.list.push((name, Local { index, span, used: Cell::new(false) }));
        if self.list.len() > FEW {
            let new = self.places.len()..self.list.len();
            self.places.extend(new.map(|place| (self.list[place].0, place as u32)));
        }
        None
    }

    #[inline(always)]
    pub(super) fn get(&self, name: Scoped<'s>) -> Option<&Local> {
        let place = match self.list.len() {
            ..=FEW => self.list.iter().position(|(known, _)| *known == name)?,
            _ => *self.places.get(&name)? as usize,
        };
        Some(&self.list[place].1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Scoped<'s>, Local)> {
        self.list.iter()
    }

    /// Forgets everything but the memory.
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.places.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_names_and_many_are_found_alike() {
        let all: Vec<String> = (0..3 * FEW).map(|i| format!("n{i}")).collect();
        let mut names = LocalNames::default();
        for (index, name) in (0..).zip(&all) {
            assert!(names.insert((0, name), index, Span::new(index, index)).is_none());
            for (index, name) in (0..=index).zip(&all) {
                assert_eq!(names.get((0, name)).map(|local| local.index), Some(index));
                assert!(names.get((1, name)).is_none());
            }
            let first = names.insert((0, name), 99, Span::default());
            assert_eq!(first.map(|local| local.index), Some(index));
        }
        names.clear();
        assert!(names.get((0, "n0")).is_none() && names.iter().next().is_none());
    }
}
