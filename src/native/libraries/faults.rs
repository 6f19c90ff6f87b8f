//! What libraries do about functions that crash.

use super::{Libraries, Library};
use crate::native::events::EventKind;
use crate::native::guard::{self, Fault, GuardMode, Stopped};
use std::time::Duration;

impl Libraries {
    /// Sets whether crashes of native code become errors; at first they do not.
    pub fn set_guard(&mut self, mode: GuardMode) {
        self.guard.mode = mode;
    }

    /// Sets how long a guarded call may take before it is interrupted; at first, for ever.
    pub fn set_native_timeout(&mut self, timeout: Option<Duration>) {
        self.guard.timeout = timeout;
    }

    /// Goes back to the generation before the one that serves an import, and remembers the content
    /// of this one as bad. `false` when there is none to go back to.
    pub fn roll_back(&mut self, import: usize, reason: &str) -> bool {
        let Some(index) = self.slots.get(import).and_then(|slot| slot.bound).map(|b| b.library)
        else {
            return false;
        };
        let library = &mut self.libraries[index];
        let Some(previous) = library.previous.take() else { return false };
        let crashed = std::mem::replace(library, *previous);
        let kind = EventKind::RolledBack { to: library.number, reason: reason.to_owned() };
        self.events.emit(&crashed.name, crashed.number, crashed.generation.hash, kind);
        self.bad.extend(crashed.generation.hash);
        self.point(index);
        self.tell_live();
        true
    }

    /// Says what became of a call, and goes back to the library's generation before, if it has one.
    /// Until it is known that the heap is sound, nothing here uses it.
    #[cold]
    pub(super) fn fault(&mut self, import: usize, stopped: &Stopped) -> Box<Fault> {
        let crash = stopped.judge();
        let function = &self.imports[import].symbol;
        let bound = self.slots[import].bound.expect("only what is bound is called");
        let Library { name, number, .. } = &self.libraries[bound.library];
        if crash.taint.is_some() {
            guard::prepare_to_end(function, name, *number, &crash);
        }
        let (function, library) = (function.clone(), name.clone());
        let fault = Box::new(Fault { import, function, library, generation: *number, crash });
        if !fault.is_tainted() {
            self.roll_back(import, &fault.to_string());
        }
        fault
    }
}
