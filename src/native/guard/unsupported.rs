//! Platforms without a guard: calls are made as they are.

use super::{Callee, Crash};
use crate::native::call::Returned;
use std::convert::Infallible;
use std::ffi::c_void;
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

/// Never called: there is no context.
impl Context {
    /// Never called.
    ///
    /// # Safety
    /// There is none to call it on.
    pub unsafe fn around(
        &self,
        _: unsafe extern "C" fn(*mut c_void),
        _: *mut c_void,
    ) -> Result<(), Stopped> {
        match self.0 {}
    }

    /// Never called.
    pub fn fields(&self) -> [*mut u64; 3] {
        match self.0 {}
    }

    /// Never called.
    pub fn disarm(&self) -> usize {
        match self.0 {}
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

/// Never called with a crash.
pub fn end_with(_words: fmt::Arguments<'_>) -> ! {
    end_process(3)
}

/// Does work of the system's loader.
pub fn in_loader<T>(_callee: Callee, _library: &str, work: impl FnOnce() -> T) -> T {
    work()
}

/// Ends the process at once.
pub fn end_process(status: u8) -> ! {
    std::process::exit(status.into())
}
