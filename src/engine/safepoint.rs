//! The one place where the outside reaches a running program.
//!
//! Engines look at a flag on every backward jump, at the beginning of every function and after waiting
//! for input, before they execute what comes next. Only when somebody has rung do they stop to find
//! out who.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What can be asked of a running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Request {
    /// Put the libraries that are prepared in the place of the old.
    Publish = 1,
    /// End, so that another program can run.
    Stop = 2,
    /// Trap: somebody wants it to end at once.
    Interrupt = 4,
    /// Trap: it has run for as long as it may.
    TimeUp = 8,
    /// Note where it is.
    Sample = 16,
    /// Look what is worth compiling, and what is compiled.
    Tier = 32,
    /// Count this safepoint: the program has begun a short time ago.
    Begun = 64,
}

/// Rings a program from any thread.
#[derive(Clone, Debug, Default)]
pub struct Doorbell(Arc<AtomicU8>);

impl Doorbell {
    /// Asks for something; the program comes to it at its next safepoint.
    pub fn ring(&self, request: Request) {
        self.0.fetch_or(request as u8, Ordering::Release);
    }

    /// Takes a request back.
    pub fn cancel(&self, request: Request) {
        self.0.fetch_and(!(request as u8), Ordering::Relaxed);
    }

    /// The flag that engines poll: not 0 when somebody has rung. A plain load will do.
    #[allow(dead_code, reason = "for compiled code, which is not made everywhere")]
    pub(super) fn flag(&self) -> &AtomicU8 {
        &self.0
    }

    /// Whether anybody has rung.
    #[inline]
    pub(super) fn has_rung(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Takes all requests.
    pub(super) fn answer(&self) -> impl Fn(Request) -> bool + use<> {
        let requests = self.0.swap(0, Ordering::Acquire);
        move |request| requests & request as u8 != 0
    }
}
