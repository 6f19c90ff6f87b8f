//! What libraries do about functions that crash.

use super::{Libraries, Library};
use crate::native::guard::{self, Callee, Fault, GuardMode, Sentence, Stopped};
use std::time::Duration;

impl Libraries {
    /// Sets whether crashes of native code become errors; at first they do not.
    pub fn set_guard(&mut self, mode: GuardMode) {
        self.guard.mode = mode;
        self.share_guard();
    }

    /// Sets how long a guarded call may take before it is interrupted; at first, for ever.
    pub fn set_native_timeout(&mut self, timeout: Option<Duration>) {
        self.guard.timeout = timeout;
        self.share_guard();
    }

    /// Lets those know who prepare.
    fn share_guard(&mut self) {
        self.preparer.guard = self.guard;
        self.tell_live();
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
            let (callee, generation) = (Callee::Function(function), Some(*number));
            guard::prepare_to_end(&Sentence { callee, library: name, generation, crash: &crash });
        }
        let (function, library) = (function.clone(), name.clone());
        let fault = Box::new(Fault { import, function, library, generation: *number, crash });
        if !fault.is_tainted() {
            self.roll_back(import, &format!("`{}`: {crash}", fault.function));
        }
        fault
    }
}
