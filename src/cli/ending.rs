//! Ends a running program from outside: Ctrl-C and `--time-limit`.
//!
//! The program is rung for, and traps at its next safepoint. One that does not come to a safepoint,
//! because it waits for input or is in native code, cannot be stopped in order: then the process ends.

use super::report::Report;
use super::status;
use hotvm::diagnostics::Diagnostic;
use hotvm::engine::{Doorbell, Request, TrapKind};
use hotvm::native::{end_process, set_compilers_apart};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a program may take to come to a safepoint.
const PATIENCE: Duration = Duration::from_millis(500);

/// Knows whether a program runs, and how to reach it.
#[derive(Clone, Default)]
pub(super) struct Ending(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_listening: AtomicBool,
    state: Mutex<State>,
    run_has_ended: Condvar,
}

#[derive(Default)]
struct State {
    /// Rings the program that runs, if one does.
    doorbell: Option<Doorbell>,
    /// Counts runs, so that who waits for the end of one does not wait for that of the next.
    run: u64,
}

/// What came of ringing.
enum Rung {
    NotRunning,
    Ended,
    Stuck,
}

/// A program runs for as long as this lives.
pub(super) struct Run {
    ending: Ending,
    /// Dropped to stop the timer.
    _timer: Option<Sender<()>>,
}

impl Ending {
    /// Listens to Ctrl-C from now on, if it does not already.
    pub(super) fn listen(&self, report: &Report) {
        if self.0.is_listening.swap(true, Ordering::Relaxed) {
            return;
        }
        let (ending, report) = (self.clone(), report.clone());
        let listening = ctrlc::set_handler(move || match ending.ring(Request::Interrupt) {
            Rung::Ended => {}
            Rung::NotRunning => end_process(status::INTERRUPTED),
            Rung::Stuck => {
                report.error(stuck(TrapKind::Interrupted));
                end_process(status::INTERRUPTED)
            }
        });
        // Where the system does not let us listen, Ctrl-C does what it always does.
        if listening.is_ok() {
            set_compilers_apart();
        }
    }

    /// To be called when a program begins to run.
    pub(super) fn begin(
        &self,
        doorbell: &Doorbell,
        limit: Option<Duration>,
        report: &Report,
    ) -> Run {
        let mut state = self.state();
        state.doorbell = Some(doorbell.clone());
        state.run += 1;
        Run { ending: self.clone(), _timer: limit.map(|limit| self.time(limit, report.clone())) }
    }

    /// Starts a timer.
    fn time(&self, limit: Duration, report: Report) -> Sender<()> {
        let (cancel, cancelled) = mpsc::channel();
        let ending = self.clone();
        thread::spawn(move || {
            if cancelled.recv_timeout(limit) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            if let Rung::Stuck = ending.ring(Request::TimeUp) {
                report.error(stuck(TrapKind::OutOfTime));
                end_process(status::TRAPPED);
            }
        });
        cancel
    }

    /// Rings the program, and waits until it has ended.
    fn ring(&self, request: Request) -> Rung {
        let state = self.state();
        let Some(doorbell) = &state.doorbell else { return Rung::NotRunning };
        doorbell.ring(request);
        let run = state.run;
        let still_runs = |state: &mut State| state.doorbell.is_some() && state.run == run;
        let waited = self.0.run_has_ended.wait_timeout_while(state, PATIENCE, still_runs);
        match waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
            true => Rung::Stuck,
            false => Rung::Ended,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(doorbell) = self.ending.state().doorbell.take() {
            // It may have been rung after its last safepoint; the next run shall not hear of it.
            doorbell.cancel(Request::Interrupt);
            doorbell.cancel(Request::TimeUp);
        }
        self.ending.0.run_has_ended.notify_all();
    }
}

fn stuck(kind: TrapKind) -> Diagnostic {
    Diagnostic::error(kind.code(), kind.to_string()).note(
        "it was waiting for input or inside of native code, where it cannot be stopped in order",
    )
}
