//! The thread that prepares.

use super::changes::Changes;
use super::refusals::Refusals;
use super::{Ledger, LiveOptions, Request, Ring, Update};
use crate::diagnostics::Diagnostic;
use crate::native::BindError;
use crate::native::early::is_crash;
use crate::native::events::{Event, EventKind, EventSink};
use crate::native::generation::{Generation, Image};
use crate::native::prepare::{Candidate, Known, Preparer, Rejection};
use crate::native::read::Writer;
use crate::native::retire::Aftermath;
use crate::native::watch::Watcher;
use blake3::Hash;
use std::collections::{HashMap, HashSet};
use std::mem;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime};

/// For how long nothing else must change before a group is looked at: what belongs together is
/// seldom written in one instant.
const GROUP_REST: Duration = Duration::from_millis(50);

/// How often to look for what the program leaves, while it is to take what was handed over: at first,
/// and when it takes its time.
const SHORTEST_WAIT: Duration = Duration::from_micros(200);
const LONGEST_WAIT: Duration = Duration::from_millis(20);

pub(super) struct Worker {
    preparer: Preparer,
    ledger: Ledger,
    events: EventSink,
    outbox: Sender<Update>,
    leavings: Receiver<Aftermath>,
    atomic_group: bool,
    bell: Box<dyn Fn(Ring) + Send>,
    watcher: Option<Watcher>,
    also: Vec<PathBuf>,
    /// By library, the content that was handed over and is not loaded yet.
    waiting: HashMap<usize, (Hash, Option<Arc<Image>>)>,
    refusals: Refusals,
    /// Contents that have crashed, in this thread or in the program's.
    bad: HashSet<Hash>,
    /// Native code has crashed in this thread, and nothing may be unmapped any more.
    has_crashed: bool,
    /// Libraries of which a change may have been missed, to be looked at next.
    missed: Vec<usize>,
}

impl Worker {
    /// A worker that hands candidates over by `outbox`, finds in `leavings` what became of them, and
    /// asks itself for work by `requests`.
    pub fn new(
        preparer: Preparer,
        ledger: Ledger,
        events: EventSink,
        (outbox, leavings): (Sender<Update>, Receiver<Aftermath>),
        options: LiveOptions,
        requests: &Sender<Request>,
    ) -> Result<Worker, Diagnostic> {
        let watcher = match options.watch {
            true => Some(Watcher::new(requests.clone())?),
            false => None,
        };
        let mut worker = Worker {
            preparer,
            ledger,
            events,
            outbox,
            leavings,
            atomic_group: options.atomic_group,
            bell: options.bell,
            watcher,
            also: options.also,
            waiting: HashMap::new(),
            refusals: Refusals::default(),
            bad: HashSet::new(),
            has_crashed: false,
            missed: Vec::new(),
        };
        worker.rewatch();
        Ok(worker)
    }

    /// Does what it is asked to, until the end.
    pub fn run(&mut self, inbox: &Receiver<Request>) {
        let mut patience = SHORTEST_WAIT;
        loop {
            let first = match self.waiting.is_empty() {
                true => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => inbox.recv_timeout(patience),
            };
            let mut changes = Changes::default();
            let goes_on = match first {
                Ok(request) => {
                    patience = SHORTEST_WAIT;
                    self.take_all(request, inbox, &mut changes)
                }
                Err(RecvTimeoutError::Timeout) => {
                    patience = (2 * patience).min(LONGEST_WAIT);
                    self.tidy_up();
                    ControlFlow::Continue(())
                }
                Err(RecvTimeoutError::Disconnected) => ControlFlow::Break(()),
            };
            if goes_on.is_break() {
                return;
            }
            self.look(&mut changes);
            while !self.missed.is_empty() {
                self.look(&mut Changes::default());
            }
            if changes.all {
                changes.touched.extend(self.also.iter().cloned());
            }
            if !changes.touched.is_empty() {
                (self.bell)(Ring::Touched(changes.touched));
            }
        }
    }

    /// Takes a request, and those that have come in the meantime: one save may be many events.
    fn take_all(
        &mut self,
        first: Request,
        inbox: &Receiver<Request>,
        changes: &mut Changes,
    ) -> ControlFlow<()> {
        self.take(first, changes)?;
        while let Some(request) = self.next_soon(inbox, changes) {
            self.take(request, changes)?;
        }
        ControlFlow::Continue(())
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
        self.tidy_up();
        match request {
            Request::All => changes.all = true,
            Request::Changed(paths) => {
                changes.all |= self.renew(&paths);
                let shown = |path: &PathBuf| self.shows(path);
                changes.touched.extend(paths.into_iter().filter(shown));
            }
            Request::Moved(paths) => changes.all |= self.renew(&paths),
            Request::TidyUp => {}
            Request::End => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    /// Takes care of what the program has left.
    fn tidy_up(&mut self) {
        while let Ok(mut aftermath) = self.leavings.try_recv() {
            if let Some(ledger) = aftermath.ledger.take() {
                let missed = self.loaded(ledger);
                self.missed.extend(missed);
            }
            if self.has_crashed {
                aftermath.retirees.clear();
            }
            aftermath.clean_up(&self.events);
        }
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
        self.preparer.guard = self.ledger.guard;
        self.bad.extend(&self.ledger.bad);
        let Ledger { libraries, bad, refused, .. } = &self.ledger;
        self.waiting.retain(|&index, (hash, _)| {
            let is_over = bad.contains(hash) || refused.contains(hash);
            libraries[index].hash != Some(*hash) && !is_over
        });
        self.rewatch();
        let missed = |&index: &usize| {
            let Known { inputs, generation, .. } = &self.ledger.libraries[index];
            let before = before.get(index);
            // What one goes back to was watched before, and the change since then was the crash.
            let is_back = before.is_some_and(|known| known.generation > *generation);
            let files = before.map(|known| &known.inputs.files);
            !is_back && files != Some(&inputs.files) && inputs.may_have_changed()
        };
        (0..self.ledger.libraries.len()).filter(missed).collect()
    }

    /// Prepares every library that is concerned, and hands over what is ready.
    fn look(&mut self, changes: &mut Changes) {
        changes.missed = mem::take(&mut self.missed);
        let (mut ready, mut is_whole, mut news) = (Update::new(), true, Vec::new());
        for (index, known) in self.ledger.libraries.clone().into_iter().enumerate() {
            let was_refused = self.refusals.has(index);
            let Some(cause) = changes.cause(index, &known, was_refused, self.atomic_group) else {
                continue;
            };
            let (start, looked) = (Instant::now(), SystemTime::now());
            let found = self.prepare(index, known.clone(), changes.writer(&known));
            // What was found may have been written by somebody who has seen what the program has
            // published meanwhile: that comes first.
            self.tidy_up();
            let known = &self.ledger.libraries[index];
            match found {
                Ok(found) => {
                    self.refusals.forget(index);
                    match found {
                        Some(mut candidate) => {
                            news.extend(preparation(known, &mut candidate, start.elapsed()));
                            ready.push((index, candidate));
                        }
                        None => news.extend(doubts(known, self.preparer.doubts(known))),
                    }
                }
                Err(rejection) => {
                    is_whole = false;
                    self.has_crashed |= is_crash(&rejection.reasons);
                    self.bad.extend(rejection.crashed());
                    let times = (known.written(), looked);
                    if self.refusals.note(index, &rejection, cause, times) {
                        news.extend(refusal(known, rejection));
                    }
                }
            }
            if !self.atomic_group {
                self.hand_over(mem::take(&mut ready), mem::take(&mut news));
            }
        }
        // A group changes as one: beside a failure, what was prepared is dropped.
        if !is_whole {
            ready.clear();
        }
        self.hand_over(ready, news);
    }

    /// The next generation of a library, unless it has not changed. What waits will be loaded before
    /// anything that is prepared now.
    fn prepare(
        &self,
        index: usize,
        mut known: Known,
        writer: Writer,
    ) -> Result<Option<Candidate>, Rejection> {
        if let Some((hash, image)) = self.waiting.get(&index) {
            (known.hash, known.image) = (Some(*hash), image.clone());
        }
        self.preparer.next(&known, &self.bad, writer)
    }

    /// Lets the program know of what is published together, and tells what there is to tell of it. The
    /// program need not wait until that is told; that it was published comes behind, since this thread
    /// tells that too.
    fn hand_over(&mut self, update: Update, news: Vec<Event>) {
        let waiting = update.iter().filter_map(|(index, candidate)| {
            let Generation { hash, image, .. } = &candidate.generation;
            Some((*index, ((*hash)?, image.clone())))
        });
        self.waiting.extend(waiting);
        // The program has ended when nobody receives.
        if !update.is_empty() && self.outbox.send(update).is_ok() {
            (self.bell)(Ring::Prepared);
        }
        news.into_iter().for_each(|event| self.events.send(event));
    }

    /// Watches the folders of all that libraries are made from.
    fn rewatch(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let files = self.ledger.libraries.iter().flat_map(Known::files);
        watcher.watch(files.chain(self.also.iter().map(PathBuf::as_path)));
    }
}

/// What there is to tell of a candidate.
fn preparation(known: &Known, candidate: &mut Candidate, took: Duration) -> Vec<Event> {
    let (content, number) = (candidate.generation.hash, candidate.number);
    let event = |number, kind| Event::new(&known.name, number, content, kind);
    let mut events = vec![event(known.generation, EventKind::Noticed)];
    let warnings = mem::take(&mut candidate.warnings).into_iter();
    events.extend(warnings.map(|warning| event(number, EventKind::Warned(Box::new(warning)))));
    events.push(event(number, EventKind::Prepared { took }));
    events
}

/// What there is to tell of a library that stays as it is.
fn doubts(known: &Known, doubts: Vec<BindError>) -> impl Iterator<Item = Event> {
    let event = |kind| Event::new(&known.name, known.generation, known.hash, kind);
    doubts.into_iter().map(move |doubt| event(EventKind::Warned(Box::new(doubt))))
}

/// What there is to tell of a library that is refused.
fn refusal(known: &Known, rejection: Rejection) -> Vec<Event> {
    let event = |kind| Event::new(&known.name, known.generation, rejection.content, kind);
    let reasons = rejection.reasons.into_iter();
    let rejected = reasons.map(|reason| event(EventKind::Rejected(Box::new(reason))));
    [event(EventKind::Noticed)].into_iter().chain(rejected).collect()
}
