//! Reloading while the program runs.
//!
//! A thread notices changes and prepares candidates; the program's thread publishes them at a
//! safepoint, and does nothing else. Between the two are a channel and a bell.

use super::events::{EventKind, EventSink};
use super::prepare::{Candidate, Known, Preparer};
use super::read::Writer;
use super::watch::{Watcher, in_same_folder};
use crate::diagnostics::Diagnostic;
use blake3::Hash;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

/// What the thread tells whoever runs the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ring {
    /// Candidates wait: let the program come to a safepoint and call
    /// [`Libraries::publish_prepared`](super::Libraries::publish_prepared) there.
    Prepared,
    /// These files have changed; some may be of libraries.
    Touched(Vec<PathBuf>),
}

/// How to reload while the program runs.
pub struct LiveOptions {
    /// Several libraries that change together change as one, or not at all.
    pub atomic_group: bool,
    /// Watch the files that libraries are made from. Without it, only requests reload.
    pub watch: bool,
    /// Further files to watch.
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
}

/// The program's end of the reloading thread.
pub(super) struct Live {
    requests: Sender<Request>,
    updates: Receiver<Update>,
}

/// Candidates that are published together.
pub(super) type Update = Vec<(usize, Candidate)>;

/// What the thread is asked to do.
#[derive(Debug)]
pub(super) enum Request {
    /// Look at the libraries made from these files.
    Changed(Vec<PathBuf>),
    /// Look at all libraries.
    All,
    /// This is loaded now.
    Loaded(Ledger),
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
        let watcher = match options.watch {
            true => Some(Watcher::new(requests.clone())?),
            false => None,
        };
        let mut worker = Worker {
            preparer,
            ledger,
            events,
            outbox,
            atomic_group: options.atomic_group,
            bell: options.bell,
            watcher,
            also: options.also,
            waiting: HashMap::new(),
        };
        worker.rewatch();
        thread::Builder::new()
            .name("hotvm reload".to_owned())
            .spawn(move || worker.run(&inbox))
            .expect("the system has a thread to spare");
        Ok(Live { requests, updates })
    }

    /// A way to ask for reloads.
    pub fn handle(&self) -> ReloadHandle {
        ReloadHandle(self.requests.clone())
    }

    /// The next update that waits, if any does.
    pub fn next_update(&self) -> Option<Update> {
        self.updates.try_recv().ok()
    }

    /// Tells the thread what is loaded now.
    pub fn update(&self, ledger: Ledger) {
        let _ = self.requests.send(Request::Loaded(ledger));
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

struct Worker {
    preparer: Preparer,
    ledger: Ledger,
    events: EventSink,
    outbox: Sender<Update>,
    atomic_group: bool,
    bell: Box<dyn Fn(Ring) + Send>,
    watcher: Option<Watcher>,
    also: Vec<PathBuf>,
    /// By library, the content that was handed over and is not loaded yet.
    waiting: HashMap<usize, Hash>,
}

impl Worker {
    fn run(&mut self, inbox: &Receiver<Request>) {
        while let Ok(first) = inbox.recv() {
            let (mut all, mut touched) = (false, Vec::new());
            // What has come in the meantime is looked at together: one save may be many events.
            for request in std::iter::once(first).chain(inbox.try_iter()) {
                match request {
                    Request::All => all = true,
                    Request::Changed(paths) => touched.extend(paths),
                    Request::Loaded(ledger) => self.loaded(ledger),
                }
            }
            if all || !touched.is_empty() {
                self.look(all, &touched);
            }
            if !touched.is_empty() {
                (self.bell)(Ring::Touched(touched));
            }
        }
    }

    fn loaded(&mut self, ledger: Ledger) {
        self.ledger = ledger;
        let libraries = &self.ledger.libraries;
        self.waiting.retain(|&index, hash| libraries[index].hash != Some(*hash));
        self.rewatch();
    }

    /// Prepares every library that is concerned, and hands over what is ready.
    fn look(&mut self, all: bool, touched: &[PathBuf]) {
        let concerned = |known: &Known| all || touched.iter().any(|path| known.is_made_from(path));
        // The watcher tells of finished changes only, where the system lets it know.
        let writer = match all || !cfg!(target_os = "linux") {
            true => Writer::Unknown,
            false => Writer::Done,
        };
        let libraries = self.ledger.libraries.iter().cloned().enumerate();
        let concerned: Vec<_> = libraries.filter(|(_, known)| concerned(known)).collect();
        let (mut ready, mut failed) = (Update::new(), false);
        for (index, known) in concerned {
            match self.prepare(index, known, writer) {
                Ok(candidate) => ready.extend(candidate.map(|candidate| (index, candidate))),
                Err(Refused) => failed = true,
            }
        }
        // A group changes as one: beside a failure, what was prepared is dropped.
        let updates: Vec<Update> = match self.atomic_group {
            true if failed => Vec::new(),
            true => vec![ready],
            false => ready.into_iter().map(|one| vec![one]).collect(),
        };
        for update in updates.into_iter().filter(|update| !update.is_empty()) {
            let hashes = update.iter().filter_map(|(i, new)| Some((*i, new.generation.hash?)));
            self.waiting.extend(hashes);
            // The program has ended when nobody receives.
            if self.outbox.send(update).is_ok() {
                (self.bell)(Ring::Prepared);
            }
        }
    }

    fn prepare(
        &self,
        index: usize,
        mut known: Known,
        writer: Writer,
    ) -> Result<Option<Candidate>, Refused> {
        let start = Instant::now();
        // What waits will be loaded before anything that is prepared now.
        if let Some(waiting) = self.waiting.get(&index) {
            known.hash = Some(*waiting);
        }
        let (name, number) = (known.name.clone(), known.generation);
        let emit = |number, content, kind| self.events.emit(&name, number, content, kind);
        match self.preparer.next(&known, &self.ledger.bad, writer) {
            Ok(None) => Ok(None),
            Ok(Some(candidate)) => {
                let content = candidate.generation.hash;
                emit(number, content, EventKind::Noticed);
                emit(number + 1, content, EventKind::Prepared { took: start.elapsed() });
                Ok(Some(candidate))
            }
            Err(errors) => {
                emit(number, None, EventKind::Noticed);
                for error in errors {
                    emit(number, None, EventKind::Rejected(Box::new(error)));
                }
                Err(Refused)
            }
        }
    }

    /// Watches the folders of all that libraries are made from.
    fn rewatch(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let files = self.ledger.libraries.iter().flat_map(Known::files);
        watcher.watch(files.chain(self.also.iter().map(PathBuf::as_path)));
    }
}

/// A library has changed, and what it is now is refused. The reasons are told as events.
struct Refused;

impl Known {
    /// The files that the library is made from, and the one that the program names.
    fn files(&self) -> impl Iterator<Item = &Path> {
        self.inputs.iter().map(PathBuf::as_path).chain(self.place.path())
    }

    fn is_made_from(&self, path: &Path) -> bool {
        let same = |file: &Path| {
            file == path || (file.file_name() == path.file_name() && in_same_folder(file, path))
        };
        self.files().any(same)
    }
}
