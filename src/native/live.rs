//! Reloading while the program runs.
//!
//! A thread notices changes and prepares candidates; the program's thread publishes them at a
//! safepoint, and does nothing else. Between the two are a channel and a bell.

use super::events::{Event, EventKind, EventSink};
use super::generation::{Generation, Image};
use super::prepare::{Candidate, Failed, Known, Preparer};
use super::read::Writer;
use super::resolve::Place;
use super::retire::Aftermath;
use super::watch::{Watcher, in_same_folder};
use crate::diagnostics::Diagnostic;
use blake3::Hash;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::mem;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

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

/// For how long nothing else must change before a group is looked at: what belongs together is
/// seldom written in one instant.
const GROUP_REST: Duration = Duration::from_millis(50);

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
    /// Folders, perhaps, that have come, gone or moved.
    Moved(Vec<PathBuf>),
    /// Look at all libraries.
    All,
    /// This is loaded now.
    Loaded(Ledger),
    /// Candidates were published.
    CleanUp(Aftermath),
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
            refusals: HashMap::new(),
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

    /// Has the thread tell and tidy up after a change: it has the time, and is most likely awake.
    pub fn clean_up(&self, aftermath: Aftermath) {
        let _ = self.requests.send(Request::CleanUp(aftermath));
    }

    /// Tells the thread what is loaded now.
    pub fn update(&self, ledger: Ledger) {
        let _ = self.requests.send(Request::Loaded(ledger));
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
    waiting: HashMap<usize, (Hash, Option<Arc<Image>>)>,
    /// By library, why what was found last was refused.
    refusals: HashMap<usize, Refusal>,
}

/// Why a library was refused.
struct Refusal {
    reasons: Failed,
    /// Whether that was told before any event had come, which most likely follows.
    foretold: bool,
}

/// Why a library is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// A change, or a request.
    Change,
    /// A change may have been missed.
    Missed,
    /// It is a source that was refused. What it asks for is not known; perhaps it has come.
    Hope,
}

impl Worker {
    fn run(&mut self, inbox: &Receiver<Request>) {
        while let Ok(first) = inbox.recv() {
            let mut changes = Changes::default();
            if self.take(first, &mut changes).is_break() {
                return;
            }
            // What has come in the meantime is looked at together: one save may be many events.
            while let Some(request) = self.next_soon(inbox, &changes) {
                if self.take(request, &mut changes).is_break() {
                    return;
                }
            }
            self.look(&changes);
            if changes.all {
                changes.touched.extend(self.also.iter().cloned());
            }
            if !changes.touched.is_empty() {
                (self.bell)(Ring::Touched(changes.touched));
            }
        }
    }

    /// The next request that belongs to these changes.
    fn next_soon(&self, inbox: &Receiver<Request>, changes: &Changes) -> Option<Request> {
        match self.atomic_group && changes.any() {
            true => inbox.recv_timeout(GROUP_REST).ok(),
            false => inbox.try_recv().ok(),
        }
    }

    /// Notes what a request asks for. Breaks at the end.
    fn take(&mut self, request: Request, changes: &mut Changes) -> ControlFlow<()> {
        match request {
            Request::All => changes.all = true,
            Request::Changed(paths) => {
                changes.all |= self.renew(&paths);
                let shown = |path: &PathBuf| self.shows(path);
                changes.touched.extend(paths.into_iter().filter(shown));
            }
            Request::Moved(paths) => changes.all |= self.renew(&paths),
            Request::Loaded(ledger) => changes.missed.extend(self.loaded(ledger)),
            Request::CleanUp(mut aftermath) => {
                if let Some(ledger) = aftermath.ledger.take() {
                    changes.missed.extend(self.loaded(ledger));
                }
                aftermath.clean_up(&self.events);
            }
            Request::End => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    fn renew(&mut self, paths: &[PathBuf]) -> bool {
        self.watcher.as_mut().is_some_and(|watcher| watcher.renew(paths))
    }

    /// Whether a file may concern the program: it lies where its files are, and is neither an
    /// editor's nor one of our own private copies.
    fn shows(&self, path: &Path) -> bool {
        let made_from = self.ledger.libraries.iter().any(|known| known.is_made_from(path));
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        made_from || (!hidden && self.watcher.as_ref().is_some_and(|w| w.is_about(path)))
    }

    /// Takes note of what is loaded. Gives the libraries that are made from other files than before,
    /// where one may have changed between being read and being watched.
    fn loaded(&mut self, ledger: Ledger) -> Vec<usize> {
        let before = mem::replace(&mut self.ledger, ledger).libraries;
        let libraries = &self.ledger.libraries;
        let refused = &self.ledger.refused;
        self.waiting.retain(|&index, (hash, _)| {
            libraries[index].hash != Some(*hash) && !refused.contains(hash)
        });
        self.rewatch();
        let missed = |&index: &usize| {
            let inputs = &self.ledger.libraries[index].inputs;
            let files = before.get(index).map(|known| &known.inputs.files);
            files != Some(&inputs.files) && inputs.may_have_changed()
        };
        (0..self.ledger.libraries.len()).filter(missed).collect()
    }

    /// Prepares every library that is concerned, and hands over what is ready. Of a group all are:
    /// one that was held back by another's failure has its turn with it.
    fn look(&mut self, Changes { all, missed, touched }: &Changes) {
        let all = *all || (self.atomic_group && !touched.is_empty());
        let is_touched = |known: &Known| touched.iter().any(|path| known.is_made_from(path));
        // The watcher tells of finished changes only, where the system lets it know.
        let writer = |known: &Known| match cfg!(target_os = "linux") && is_touched(known) {
            true => Writer::Done,
            false => Writer::Unknown,
        };
        let (mut ready, mut news, mut failed) = (Update::new(), Vec::new(), false);
        for (index, known) in self.ledger.libraries.clone().into_iter().enumerate() {
            let hopes = known.is_source() && self.refusals.contains_key(&index);
            let cause = match () {
                () if all || is_touched(&known) => Cause::Change,
                () if missed.contains(&index) => Cause::Missed,
                () if hopes && !touched.is_empty() => Cause::Hope,
                () => continue,
            };
            let writer = writer(&known);
            match self.prepare(index, known, writer, cause, &mut news) {
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
            let waiting = update.iter().filter_map(|(index, candidate)| {
                let Generation { hash, image, .. } = &candidate.generation;
                Some((*index, ((*hash)?, image.clone())))
            });
            self.waiting.extend(waiting);
            // The program has ended when nobody receives.
            if self.outbox.send(update).is_ok() {
                (self.bell)(Ring::Prepared);
            }
        }
        // The program need not wait until this is told. That it was published comes behind: this
        // thread tells that too.
        news.into_iter().for_each(|event| self.events.send(event));
    }

    fn prepare(
        &mut self,
        index: usize,
        mut known: Known,
        writer: Writer,
        cause: Cause,
        news: &mut Vec<Event>,
    ) -> Result<Option<Candidate>, Refused> {
        let start = Instant::now();
        // What waits will be loaded before anything that is prepared now.
        if let Some((hash, image)) = self.waiting.get(&index) {
            (known.hash, known.image) = (Some(*hash), image.clone());
        }
        let (name, number) = (known.name.clone(), known.generation);
        let mut tell = |number, content, kind| news.push(Event::new(&name, number, content, kind));
        let refused = self.refusals.remove(&index);
        match self.preparer.next(&known, &self.ledger.bad, writer) {
            Ok(None) => Ok(None),
            Ok(Some(mut candidate)) => {
                let content = candidate.generation.hash;
                tell(number, content, EventKind::Noticed);
                for warning in candidate.warnings.drain(..) {
                    tell(candidate.number, content, EventKind::Warned(Box::new(warning)));
                }
                tell(candidate.number, content, EventKind::Prepared { took: start.elapsed() });
                Ok(Some(candidate))
            }
            Err(reasons) => {
                // Who saves the same mistake wants to be told again; who saves another file does not.
                let known = refused.is_some_and(|refused| {
                    refused.reasons == reasons && (refused.foretold || cause != Cause::Change)
                });
                if !known {
                    tell(number, None, EventKind::Noticed);
                    for error in reasons.clone() {
                        tell(number, None, EventKind::Rejected(Box::new(error)));
                    }
                }
                self.refusals.insert(index, Refusal { reasons, foretold: cause == Cause::Missed });
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

/// What is to be looked at.
#[derive(Default)]
struct Changes {
    all: bool,
    /// Libraries of which a change may have been missed.
    missed: Vec<usize>,
    touched: Vec<PathBuf>,
}

impl Changes {
    fn any(&self) -> bool {
        self.all || !self.touched.is_empty()
    }
}

/// A library has changed, and what it is now is refused. The reasons are told as events.
struct Refused;

impl Known {
    /// The files that the library is made from, and the one that the program names.
    fn files(&self) -> impl Iterator<Item = &Path> {
        self.inputs.files.iter().map(PathBuf::as_path).chain(self.place.path())
    }

    fn is_source(&self) -> bool {
        matches!(self.place, Place::Source(..))
    }

    fn is_made_from(&self, path: &Path) -> bool {
        let same = |file: &Path| {
            file == path || (file.file_name() == path.file_name() && in_same_folder(file, path))
        };
        self.files().any(same)
    }
}
