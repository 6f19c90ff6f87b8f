//! Which calls are replaced by what they call.

use super::translate::Function;

/// The most instructions of the inlined calls that are nested in each other. Recursion is unrolled as far:
/// `fib` three times. Beyond, what must be kept during the calls no longer fits in registers.
const MAX_NESTED: usize = 48;
/// How many instructions one function may grow by.
const MAX_GROWTH: usize = 600;

/// How much a function has grown, and what it is inside of.
#[derive(Debug, Default)]
pub struct Budget {
    /// The instructions of the inlined calls that the place at hand is in.
    nested: usize,
    grown: usize,
}

impl Budget {
    /// Whether to inline a function here; it is then charged, and is nested until [`Budget::leave`].
    pub fn enter(&mut self, callee: &Function) -> bool {
        let size = callee.code.instrs.len();
        let fits = self.nested + size <= MAX_NESTED && self.grown + size <= MAX_GROWTH;
        if fits {
            self.grown += size;
            self.nested += size;
        }
        fits
    }

    /// Behind a function that was inlined.
    pub fn leave(&mut self, callee: &Function) {
        self.nested -= callee.code.instrs.len();
    }
}
