//! Reloading while the program runs.
//!
//! A thread notices changes and prepares candidates; the program's thread publishes them at a
//! safepoint, and does nothing else. Between the two are a channel and a bell.
//!
//! The thread is `worker`. What it has to look at, and why, is in `changes`; which refusals are news is
//! in `refusals`.

mod changes;
mod refusals;
mod worker;

use super::events::EventSink;
use super::guard::Guard;
use super::prepare::{Candidate, Known, Preparer};
use super::retire::Aftermath;
use crate::diagnostics::Diagnostic;
use blake3::Hash;
use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use worker::Worker;

/// What the thread tells whoever runs the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ring {
    /// Candidates wait: let the program come to a safepoint and call
    /// [`Libraries::publish_prepared`](super::Libraries::publish_prepared) there.
    Prepared,
    /// These files have changed, in the folders that are watched. Files whose names begin with a dot
    /// are left out: editors and hotvm itself make those.
    Touched(Vec<PathBuf>),
}

/// How to reload while the program runs.
pub struct LiveOptions {
    /// All libraries are one: those that have changed are replaced together, or none is.
    pub atomic_group: bool,
    /// Watch the files that libraries are made from. Without it, only requests reload.
    pub watch: bool,
    /// Further files to watch. A request to look at everything counts as a change of these.
    pub also: Vec<PathBuf>,
    /// Is called from another thread.
    pub bell: Box<dyn Fn(Ring) + Send>,
}

/// What the preparing thread has to know of the program's.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The libraries that are loaded.
    pub libraries: Vec<Known>,
    /// Contents that have crashed and are not tried again.
    pub bad: HashSet<Hash>,
    /// Contents that were handed over and not taken.
    pub refused: HashSet<Hash>,
    /// How calls are guarded.
    pub guard: Guard,
}

/// The program's end of the reloading thread.
pub(super) struct Live {
    requests: Sender<Request>,
    updates: Receiver<Update>,
    left: Sender<Aftermath>,
}

/// Candidates that are published together.
pub(super) type Update = Vec<(usize, Candidate)>;

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Request {
    /// Look at the libraries made from these files.
    Changed(Vec<PathBuf>),
    /// Folders, perhaps, that have come, gone or moved.
    Moved(Vec<PathBuf>),
    /// Look at all libraries.
    All,
    /// Take care of what the program has left.
    TidyUp,
    /// Nobody needs the thread any more.
    End,
}

/// Asks for a reload from anywhere, such as the handler of a signal.
#[derive(Clone, Debug)]
pub struct ReloadHandle(Sender<Request>);

impl ReloadHandle {
    /// Looks at all libraries and reloads those that have changed. Returns at once.
    pub fn reload_all(&self) {
        // The thread ends only with the program, and then there is nothing to reload.
        let _ = self.0.send(Request::All);
    }
}

impl Live {
    /// Starts the thread.
    pub fn start(
        preparer: Preparer,
        ledger: Ledger,
        events: EventSink,
        options: LiveOptions,
    ) -> Result<Live, Diagnostic> {
        let (requests, inbox) = channel();
        let (outbox, updates) = channel();
        let (left, leavings) = channel();
        let ends = (outbox, leavings);
        let mut worker = Worker::new(preparer, ledger, events, ends, options, &requests)?;
        thread::Builder::new()
            .name("hotvm reload".to_owned())
            .spawn(move || worker.run(&inbox))
            .expect("the system has a thread to spare");
        Ok(Live { requests, updates, left })
    }

    /// A way to ask for reloads.
    pub fn handle(&self) -> ReloadHandle {
        ReloadHandle(self.requests.clone())
    }

    /// The next update that waits, if any does.
    pub fn next_update(&self) -> Option<Update> {
        self.updates.try_recv().ok()
    }

    /// Leaves to the thread what is to be told and tidied up. Nobody is woken for it: as long as
    /// something waits to be published, the thread looks by itself.
    pub fn leave(&self, aftermath: Aftermath) {
        let _ = self.left.send(aftermath);
    }

    /// Has the thread take care of what was left, if nothing waits to be published.
    pub fn wake(&self) {
        let _ = self.requests.send(Request::TidyUp);
    }
}

impl Drop for Live {
    /// The watcher keeps the thread's inbox open, so it must be told.
    fn drop(&mut self) {
        let _ = self.requests.send(Request::End);
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}
