//! State that a library hands over itself: `HOTVM_STATE` and `hotvm_upgrade` of hotvm.h.
//!
//! It has two phases. [`Upgrade::prepare`] calls the new generation, which makes its state from the
//! old one's and may refuse; nothing else has changed yet. [`Prepared::commit`] gives the new
//! generation its state once nothing can fail any more. A `Prepared` that is dropped changes nothing.

use super::super::check::Kind;
use crate::diagnostics::{Code, Diagnostic};
use std::ffi::{c_int, c_void};

/// The pointer that `HOTVM_STATE(type)` defines.
const STATE: &str = "hotvm_state";

/// The function that makes a new state from an old one.
const UPGRADE: &str = "hotvm_upgrade";

/// `int hotvm_upgrade(uint32_t old_version, const void *old_state, void **new_state)`.
type UpgradeFunction = unsafe extern "C" fn(u32, *const c_void, *mut *mut c_void) -> c_int;

/// What a reload calls so that a library takes its state over itself.
#[derive(Debug)]
pub(in crate::native) struct Upgrade {
    library: String,
    function: usize,
    /// Where the generations keep their pointers to their states; an old one may have none.
    old: Option<usize>,
    new: usize,
    old_version: u32,
}

/// A state that the new generation has made, and that it does not have yet.
#[derive(Debug)]
#[must_use = "dropping it leaves the new generation without its state"]
pub(in crate::native) struct Prepared {
    new: usize,
    state: *mut c_void,
}

impl Upgrade {
    /// The upgrade of `library`, if the new generation has one; then its static variables are its own
    /// concern. `old` and `new` find a generation's own symbols, by name and kind.
    pub fn find(
        library: &str,
        old: impl Fn(&str, Kind) -> Option<usize>,
        old_version: impl Fn() -> Option<u32>,
        new: impl Fn(&str, Kind) -> Option<usize>,
    ) -> Result<Option<Upgrade>, Diagnostic> {
        let Some(function) = new(UPGRADE, Kind::Function) else { return Ok(None) };
        let pointer = Kind::Data { size: size_of::<*mut c_void>() as u64 };
        let Some(state) = new(STATE, pointer) else {
            let message = format!("`{library}` has a {UPGRADE} and no state to upgrade");
            return Err(Diagnostic::error(Code::UpgradeRefused, message)
                .note("the old version stays in use")
                .help("say HOTVM_STATE(type) once in the library, outside of functions"));
        };
        Ok(Some(Upgrade {
            library: library.to_owned(),
            function,
            old: old(STATE, pointer),
            new: state,
            old_version: old_version().unwrap_or(0),
        }))
    }

    /// Has the new generation make its state. It may refuse, and the old generation stays.
    ///
    /// # Safety
    ///
    /// Both generations must be mapped, and none of the old one's code may be running.
    pub unsafe fn prepare(&self) -> Result<Prepared, Diagnostic> {
        // SAFETY: `find` has the addresses of both variables from the generations' export tables,
        // which give them the size of a pointer.
        let (old, mut state) = unsafe {
            let old = self.old.map_or(std::ptr::null_mut(), |old| pointer(old).read());
            (old, pointer(self.new).read())
        };
        // SAFETY: the address is of a function, by the export table. That it has the prototype which
        // hotvm.h declares for this name is the contract for defining it.
        let refused = unsafe {
            let upgrade = std::mem::transmute::<usize, UpgradeFunction>(self.function);
            upgrade(self.old_version, old, &raw mut state)
        };
        match refused {
            0 => Ok(Prepared { new: self.new, state }),
            status => Err(self.refused(status)),
        }
    }

    fn refused(&self, status: c_int) -> Diagnostic {
        let message = format!("the new version of `{}` refuses the state of the old", self.library);
        let old = match self.old_version {
            0 => "a version that tells no number".to_owned(),
            version => format!("version {version}"),
        };
        Diagnostic::error(Code::UpgradeRefused, message)
            .note(format!("its {UPGRADE} returned {status} for the state of {old}"))
            .note("the old version stays in use")
    }
}

impl Prepared {
    /// Gives the new generation its state.
    ///
    /// # Safety
    ///
    /// The new generation must be mapped, and none of its code may be running.
    pub unsafe fn commit(self) {
        // SAFETY: `find` has the address from the generation's export table, which gives the variable
        // the size of a pointer; nobody else uses it, as the caller vouches.
        unsafe { pointer(self.new).write(self.state) }
    }
}

fn pointer(address: usize) -> *mut *mut c_void {
    std::ptr::with_exposed_provenance_mut(address)
}
