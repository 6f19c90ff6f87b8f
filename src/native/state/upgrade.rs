//! State that a library hands over itself: `HOTVM_STATE` and `hotvm_upgrade` of hotvm.h.
//!
//! It has two phases. [`Upgrade::prepare`] calls the new generation, which makes its state from the
//! old one's and may refuse; nothing else has changed yet. [`Prepared::commit`] gives the new
//! generation its state once nothing can fail any more. A `Prepared` that is dropped changes nothing.

use super::super::check::Kind;
use super::super::early::Early;
use super::super::guard::Callee;
use crate::diagnostics::{Code, Diagnostic};
use crate::isa::{CType, Signature};
use std::ffi::{c_int, c_void};

/// The pointer that `HOTVM_STATE(type)` defines.
const STATE: &str = "hotvm_state";

/// The function that makes a new state from an old one.
const UPGRADE: &str = "hotvm_upgrade";

/// What there is to say of every failure.
const OLD_STAYS: &str = "the old version stays in use";

/// What a reload calls so that a library takes its state over itself.
#[derive(Debug)]
pub(in crate::native) struct Upgrade<'a> {
    early: Early<'a>,
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

impl<'a> Upgrade<'a> {
    /// The upgrade of a library, if the new generation has one; then its static variables are its own
    /// concern. `old` and `new` find a generation's own symbols, by name and kind.
    pub fn find(
        early: Early<'a>,
        old: impl Fn(&str, Kind) -> Option<usize>,
        old_version: impl Fn() -> Result<Option<u32>, Diagnostic>,
        new: impl Fn(&str, Kind) -> Option<usize>,
    ) -> Result<Option<Upgrade<'a>>, Diagnostic> {
        let Some(function) = new(UPGRADE, Kind::Function) else { return Ok(None) };
        let pointer = Kind::Data { size: size_of::<*mut c_void>() as u64 };
        let Some(state) = new(STATE, pointer) else {
            let message = format!("`{}` has a {UPGRADE} and no state to upgrade", early.library);
            return Err(Diagnostic::error(Code::UpgradeRefused, message)
                .note(OLD_STAYS)
                .help("say HOTVM_STATE(type) once in the library, outside of functions"));
        };
        Ok(Some(Upgrade {
            early,
            function,
            old: old(STATE, pointer),
            new: state,
            old_version: old_version()?.unwrap_or(0),
        }))
    }

    /// Has the new generation make its state by `int hotvm_upgrade(uint32_t old_version, const void
    /// *old_state, void **new_state)`. It may refuse or crash, and the old generation stays.
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
        let params = vec![CType::U32, CType::U64, CType::U64];
        let signature = Signature { params, result: CType::I32 };
        let new_state = (&raw mut state).expose_provenance();
        let args = [self.old_version.into(), old.expose_provenance() as u64, new_state as u64];
        // SAFETY: the address is of a function, by the export table. That it has the prototype which
        // hotvm.h declares for this name is the contract for defining it.
        let status =
            unsafe { self.early.call(Callee::Function(UPGRADE), self.function, &signature, &args) };
        match status.map_err(|crash| crash.note(OLD_STAYS))? as i32 {
            0 => Ok(Prepared { new: self.new, state }),
            status => Err(self.refused(status)),
        }
    }

    fn refused(&self, status: c_int) -> Diagnostic {
        let message =
            format!("the new version of `{}` refuses the state of the old", self.early.library);
        let old = match self.old_version {
            0 => "a version that tells no number".to_owned(),
            version => format!("version {version}"),
        };
        Diagnostic::error(Code::UpgradeRefused, message)
            .note(format!("its {UPGRADE} returned {status} for the state of {old}"))
            .note(OLD_STAYS)
            .help(format!("mend its {UPGRADE}: all but 0 is a refusal"))
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
