//! Which calls are replaced by what they call.

use super::translate::Function;

/// How deep inlined calls may be nested.
const MAX_DEPTH: usize = 3;
/// The most instructions of a function that is inlined.
const MAX_CALLEE: usize = 48;
/// How many instructions one function may grow by.
const MAX_GROWTH: usize = 600;

/// How much a function has grown, and how deep it is in inlined calls.
#[derive(Debug, Default)]
pub struct Budget {
    pub depth: usize,
    grown: usize,
}

impl Budget {
    /// Whether to inline a function here; it is then charged.
    pub fn admits(&mut self, callee: &Function) -> bool {
        let size = callee.code.instrs.len();
        let fits = self.depth < MAX_DEPTH && size <= MAX_CALLEE && self.grown + size <= MAX_GROWTH;
        self.grown += if fits { size } else { 0 };
        fits
    }
}
