//! What engines need to call native functions by themselves.

use super::Libraries;
use crate::native::guard::{Context, Stopped};
use crate::native::{CallError, Direct};
use std::ffi::c_void;

/// The guard of the calls that compiled code makes on this thread.
#[derive(Clone, Copy, Debug)]
pub struct CallGuard(&'static Context);

/// A call of compiled code did not return.
#[derive(Debug)]
pub struct Crashed(Stopped);

impl Libraries {
    /// The address of what each import calls, 0 where it calls nothing. The table stays where it is,
    /// and changes at safepoints only. What it names is as `Libraries::call` says.
    pub fn targets(&self) -> *const usize {
        self.targets.as_ptr()
    }

    /// How an engine can call the function of an import by itself, where that is simple and calls are not
    /// guarded. It stays where it is.
    pub fn direct(&self, import: usize) -> Option<&Direct> {
        self.slots[import].plan.direct().filter(|_| self.guard.context().is_none())
    }

    /// The guard of calls on this thread, if they are guarded.
    pub fn call_guard(&self) -> Option<CallGuard> {
        self.guard.context().map(CallGuard)
    }

    /// Says what became of a call of an import.
    pub fn crashed(&mut self, import: usize, crashed: &Crashed) -> CallError {
        CallError::Fault(self.fault(import, &crashed.0))
    }
}

impl CallGuard {
    /// What code stores around a call: the addresses of a count of calls, which it increments, of the
    /// function that is called, and of the landing. The last is set to a landing as long as the call
    /// lasts, and then to 0.
    pub fn fields(self) -> [*mut u64; 3] {
        self.0.fields()
    }

    /// Calls `run`, and returns an error when it makes a call that crashes.
    ///
    /// # Safety
    /// Between `run` and the calls that it guards are no frames that must be returned to. It first
    /// asks for [`CallGuard::landing`].
    pub unsafe fn enter(
        self,
        run: unsafe extern "C" fn(*mut c_void),
        argument: *mut c_void,
    ) -> Result<(), Crashed> {
        // SAFETY: as the caller vouches.
        unsafe { self.0.around(run, argument) }.map_err(Crashed)
    }

    /// The landing for the calls of the `run` that is entered.
    pub fn landing(self) -> usize {
        self.0.disarm()
    }
}
