//! Platforms without a guard: calls are made as they are.

use super::Crash;
use crate::native::call::Returned;
use std::convert::Infallible;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// Whether there is a guard here.
pub const AVAILABLE: bool = false;

/// Never made.
#[derive(Debug)]
pub struct Context(Infallible);

/// Never made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped(Infallible);

impl Context {
    /// No thread has one.
    pub fn of_this_thread(_timeout: Option<Duration>) -> Option<&'static Context> {
        None
    }

    /// Never called.
    ///
    /// # Safety
    /// There is none to call it on.
    #[allow(dead_code, reason = "libffi's frames do not enter a context")]
    pub unsafe fn enter(
        &self,
        _: *const u64,
        _: usize,
        _: usize,
        _: usize,
    ) -> Result<Returned, Stopped> {
        match self.0 {}
    }
}

/// Of no use without a guard.
#[derive(Debug)]
pub struct OtherStack;

impl OtherStack {
    /// Nobody wants to know.
    pub fn enter(_stack: Range<usize>) -> OtherStack {
        OtherStack
    }
}

impl Stopped {
    /// Never called.
    pub fn judge(&self) -> Crash {
        match self.0 {}
    }
}

/// Never called with a crash.
pub fn source_line(_code: usize) -> Option<String> {
    None
}

/// Never called with a crash.
pub fn prepare_to_end(_words: fmt::Arguments<'_>) {}

/// Ends the process at once.
pub fn end_process(status: u8) -> ! {
    std::process::exit(status.into())
}
