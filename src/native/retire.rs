//! Generations that are over.
//!
//! By default they stay mapped: unmapping C code is where reloaders crash, and one costs some pages.
//! With [`Settings::unload`](super::Settings::unload) one goes when all of this holds:
//!
//! - it is neither in use nor the one to go back to;
//! - the file check has found nothing in it that outlives it (`check/unload.rs`);
//! - none of the functions that the program knows of it returns a host pointer;
//! - no native function of the program has crashed.
//!
//! What remains is what no scan can see: a library that hides how it keeps a pointer, say in an integer
//! that it returns. Hence the flag.

use super::events::{EventKind, EventSink};
use super::generation::Generation;

/// A generation that nothing calls any more or goes back to, and that may be unmapped for all that
/// the program knows of it.
#[derive(Debug)]
pub(super) struct Retiree {
    pub name: String,
    pub number: u32,
    pub generation: Generation,
    /// The address of one of its functions.
    pub target: usize,
}

impl Retiree {
    /// Unmaps it, unless its file forbids that, and says so.
    pub fn unload(self, events: &EventSink) {
        let Retiree { name, number, generation, target } = self;
        let hash = generation.hash;
        // SAFETY: whoever makes a `Retiree` knows that no slot leads to it, now or later; programs
        // call natives from one thread, which has come to a safepoint since the last slot did. None
        // of its functions that the program knows returns a pointer.
        if unsafe { generation.unload(target) } {
            let kind = EventKind::Retired { unloaded: true, kept: None };
            events.emit(&name, number, hash, kind);
        }
    }
}
