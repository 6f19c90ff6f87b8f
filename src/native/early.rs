//! Functions of a library that hotvm calls by itself, before the program calls any: initialisers,
//! `get_version` and `hotvm_upgrade`. They crash as others do, and are guarded as others are.
//!
//! The loader runs initialisers while it holds its lock. Whoever throws one away that crashes there
//! leaves the lock held, and whoever asks for it next waits for ever. So where they are to be guarded,
//! the private copy of a library is loaded without them, and they are called when the loader is done.
//! Those of the libraries that it needs remain with the loader: a crash there ends the process, with a
//! message.

use super::BindError;
use super::call::{Failure, Plan, Pointers};
use super::check::Initialisers;
use super::guard::{self, Callee, Guard, Sentence, Stopped, in_loader};
use super::os::{self, Loaded};
use crate::diagnostics::{Code, Diagnostic};
use crate::isa::{CType, Signature};

/// Calls the early functions of one library.
#[derive(Clone, Copy, Debug)]
pub(super) struct Early<'a> {
    /// As the program names it.
    pub library: &'a str,
    pub guard: Guard,
}

impl Early<'_> {
    /// Has the system's loader load the library. This thread is made ready to tell of a crash there.
    pub fn load<T>(&self, open: impl FnOnce() -> T) -> T {
        let _ready = self.guard.context();
        in_loader(Callee::Loading, self.library, open)
    }

    /// What to pass to initialisers, if they are to be run by [`initialise`](Early::initialise) and not
    /// by the loader.
    pub fn guarded_arguments(&self) -> Option<[u64; 3]> {
        self.guard.context().and_then(|_| os::initialiser_arguments())
    }

    /// Runs the initialisers of a library that the loader does not know of, as the loader would.
    pub fn initialise(
        &self,
        loaded: &Loaded,
        initialisers: &Initialisers,
        arguments: [u64; 3],
    ) -> Result<(), Diagnostic> {
        let Initialisers { first, list, .. } = initialisers;
        let in_memory = |address: u64| loaded.base().map(|base| base + address as usize);
        let (list, count) = list.and_then(|(at, n)| in_memory(at).zip(Some(n))).unwrap_or_default();
        let list = std::ptr::with_exposed_provenance::<usize>(list);
        // SAFETY: the file check found the list inside of a segment that is mapped from the file, and
        // the loader has made addresses of its entries.
        let others = (0..count).map(|i| unsafe { list.add(i).read_unaligned() });
        let functions: Vec<_> = first.and_then(in_memory).into_iter().chain(others).collect();
        let params = vec![CType::I32, CType::U64, CType::U64];
        let signature = Signature { params, result: CType::Void };
        for function in functions {
            // SAFETY: it is a function that the library itself wants to be called with these
            // arguments, once, when it has been loaded.
            unsafe { self.call(Callee::Initialiser, function, &signature, &arguments) }?;
        }
        Ok(())
    }

    /// Calls a function with arguments that fit their types.
    ///
    /// # Safety
    /// `target` is the address of a mapped C function of this signature.
    pub unsafe fn call(
        &self,
        callee: Callee,
        target: usize,
        signature: &Signature,
        args: &[u64],
    ) -> Result<u64, Diagnostic> {
        let (mut plan, mut pointers) = (Plan::new(signature), Pointers::default());
        // SAFETY: by the caller's word.
        let called =
            unsafe { plan.call(target, args, &mut [], &mut pointers, self.guard.context()) };
        match called {
            Ok(result) => Ok(result.unwrap_or_default()),
            Err(Failure::Stopped(stopped)) => Err(self.explain(callee, &stopped)),
            Err(Failure::Misfit(_)) => unreachable!("the arguments fit their types"),
        }
    }

    /// Says what became of a call. If the process cannot go on, it ends here: nobody above could end
    /// it before the program, on another thread perhaps, comes to use what is damaged.
    #[cold]
    fn explain(&self, callee: Callee, stopped: &Stopped) -> Diagnostic {
        let crash = stopped.judge();
        let sentence = Sentence { callee, library: self.library, generation: None, crash: &crash };
        if crash.taint.is_some() {
            guard::end_with(Code::CrashedEarly, &sentence);
        }
        let diagnostic = Diagnostic::error(Code::CrashedEarly, sentence.to_string())
            .help("mend it: hotvm calls it before the program calls any function of the library");
        match crash.source_line() {
            Some(line) => diagnostic.note(format!("in the source of the library: {line}")),
            None => diagnostic,
        }
    }
}

/// Whether a library was refused because it has crashed. Nothing may be unmapped after that.
pub(super) fn is_crash(failed: &[BindError]) -> bool {
    failed.iter().any(|error| error.diagnostic.code == Code::CrashedEarly)
}
