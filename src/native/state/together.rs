//! Variables that begin anew because a pointer beside them does.
//!
//! `static int ready; static char *buffer;`: the flag says that the pointer is set. Pointers are not
//! carried over, so a flag that were would tell the new generation of a buffer that it does not have. No
//! debug information tells which variables depend on each other; but what depends on a pointer must be
//! where somebody can name both. So a pointer whose value is lost takes all variables along that were
//! declared in its sight: one of a function those of the same function, and any other one those of the
//! same source file, functions included.

use super::statics::Variable;
use std::collections::HashMap;

/// Where a variable is declared: in which file, and in which function if it is inside of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    file: usize,
    function: Option<usize>,
}

/// Numbers scopes, so that they are quickly compared.
#[derive(Debug, Default)]
pub(super) struct Scopes<'v>(HashMap<&'v str, usize>);

impl<'v> Scopes<'v> {
    pub fn of(&mut self, variable: &'v Variable) -> Scope {
        let mut number = |name| {
            let next = self.0.len();
            *self.0.entry(name).or_insert(next)
        };
        let file = number(&variable.key.unit);
        let function = variable.is_local.then(|| number(&variable.key.scope));
        Scope { file, function }
    }
}

/// A lost pointer of each scope that has one.
#[derive(Debug, Default)]
pub(super) struct LostPointers<'n>(HashMap<Scope, &'n str>);

impl<'n> LostPointers<'n> {
    /// Notes one by its name.
    pub fn add(&mut self, scope: Scope, name: &'n str) {
        self.0.entry(scope).or_insert(name);
    }

    /// One that can be named where a variable of this scope is declared.
    pub fn in_sight(&self, scope: Scope) -> Option<&'n str> {
        let around = Scope { function: None, ..scope };
        [scope, around].iter().find_map(|scope| self.0.get(scope).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_in_sight_of_its_function_or_its_whole_file() {
        let scope = |file, function| Scope { file, function };
        let mut lost = LostPointers::default();
        lost.add(scope(1, None), "buffer");
        lost.add(scope(2, Some(7)), "cache");
        for (there, expected) in [
            (scope(1, None), Some("buffer")),
            (scope(1, Some(5)), Some("buffer")),
            (scope(2, None), None),
            (scope(2, Some(7)), Some("cache")),
            (scope(2, Some(8)), None),
            (scope(3, Some(7)), None),
        ] {
            assert_eq!(lost.in_sight(there), expected, "{there:?}");
        }
    }
}
