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

use super::events::{Event, EventKind, EventSink};
use super::generation::Generation;
use super::guard::{Callee, in_loader};
use super::live::Ledger;
use super::state::Migration;
use std::time::Duration;

/// What is left to do when libraries have changed, on whichever thread has the time.
#[derive(Debug, Default)]
pub(super) struct Aftermath {
    /// What is loaded now, for the reloading thread if there is one.
    pub ledger: Option<Ledger>,
    pub events: Vec<Event>,
    pub retirees: Vec<Retiree>,
    /// Plans that were followed, and take a moment to let go of.
    pub spent: Vec<Migration>,
}

impl Aftermath {
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.retirees.is_empty()
    }

    /// Notes for how long the program stood still.
    pub fn set_pause(&mut self, stood_still: Duration) {
        for event in &mut self.events {
            if let EventKind::Published { pause, .. } = &mut event.kind {
                *pause = stood_still;
            }
        }
    }

    /// Tells and unmaps.
    pub fn clean_up(self, events: &EventSink) {
        self.events.into_iter().for_each(|event| events.send(event));
        self.retirees.into_iter().for_each(|retiree| retiree.unload(events));
    }
}

/// A generation that nothing calls any more or goes back to.
#[derive(Debug)]
pub(super) struct Retiree {
    pub name: String,
    pub number: u32,
    pub generation: Generation,
    /// The address of one of its functions, if it may be unmapped for all that the program knows.
    pub target: Option<usize>,
}

impl Retiree {
    /// Unmaps it and says so, unless it is to stay or its file forbids that.
    pub fn unload(self, events: &EventSink) {
        let Retiree { name, number, generation, target: Some(target) } = self else { return };
        let hash = generation.hash;
        // SAFETY: whoever makes a `Retiree` knows that no slot leads to it, now or later; programs
        // call natives from one thread, which has come to a safepoint since the last slot did. None
        // of its functions that the program knows returns a pointer.
        let unload = || unsafe { generation.unload(target) };
        if in_loader(Callee::Unloading, &name, unload) {
            let kind = EventKind::Retired { unloaded: true, kept: None };
            events.emit(&name, number, hash, kind);
        }
    }
}
