//! The labels or locals of one function, by name.

use super::assembler::Scoped;
use super::declare::{Declared, Named};
use rustc_hash::FxHashMap;

/// Up to so many names it is faster to look at each than to hash one.
const FEW: usize = 8;

/// All of them, in the order of their declaration, with their numbers: of an instruction, or among the
/// locals.
#[derive(Default)]
pub(super) struct LocalNames<'s> {
    list: Vec<(Scoped<'s>, Declared)>,
    /// Where there are many, their places in the list.
    places: FxHashMap<Scoped<'s>, u32>,
}

impl<'s> LocalNames<'s> {
    /// Adds one. Where there is one of that name already, nothing changes, and it is given back.
    pub(super) fn insert(&mut self, name: Scoped<'s>, new: Declared) -> Option<Named> {
        if let Some(old) = self.get(name) {
            return Some(old.named);
        }
        self.list.push((name, new));
        if self.list.len() > FEW {
            let unplaced = self.places.len()..self.list.len();
            self.places.extend(unplaced.map(|place| (self.list[place].0, place as u32)));
        }
        None
    }

    #[inline(always)]
    pub(super) fn get(&self, name: Scoped<'s>) -> Option<&Declared> {
        let place = match self.list.len() {
            ..=FEW => self.list.iter().position(|(known, _)| *known == name)?,
            _ => *self.places.get(&name)? as usize,
        };
        Some(&self.list[place].1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Scoped<'s>, Declared)> {
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
    use crate::diagnostics::Span;

    #[test]
    fn few_names_and_many_are_found_alike() {
        let all: Vec<String> = (0..3 * FEW).map(|i| format!("n{i}")).collect();
        let mut names = LocalNames::default();
        for (index, name) in (0..).zip(&all) {
            assert!(names.insert((0, name), Declared::new(index, Span::default())).is_none());
            for (index, name) in (0..=index).zip(&all) {
                assert_eq!(names.get((0, name)).map(|it| it.named.index), Some(index));
                assert!(names.get((1, name)).is_none());
            }
            let first = names.insert((0, name), Declared::new(99, Span::default()));
            assert_eq!(first.map(|named| named.index), Some(index));
        }
        names.clear();
        assert!(names.get((0, "n0")).is_none() && names.iter().next().is_none());
    }
}
