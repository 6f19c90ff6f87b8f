//! What happens to libraries: as notices for people, as JSON lines with `--events`.

use super::report::Report;
use hotvm::diagnostics::{Code, Diagnostic, Position, SourceId};
use hotvm::native::{Event, EventKind, EventSink};
use hotvm::program::Program;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Where events go. Clones share it.
#[derive(Clone)]
pub(super) struct EventLog {
    writer: Arc<EventWriter>,
    /// The thread that writes while the program goes on, where that matters.
    queue: Option<Sender<Entry>>,
}

/// What comes to the thread that writes.
enum Entry {
    Event(Box<Event>),
    /// All that came before is written: say so.
    Settled(Sender<()>),
}

/// When people are told of changes, and who writes that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// Nothing changes unless the program says so.
    Quietly,
    /// Changes come between runs.
    BetweenRuns,
    /// Changes come while the program runs, which should not wait until they are told.
    Live,
}

/// Writes events, with what it takes to put an error at its `.lib`.
struct EventWriter {
    file: Option<Mutex<Box<dyn Write + Send>>>,
    /// Whether people want to know of every change.
    tells_changes: bool,
    imports: Mutex<Imports>,
}

/// The `.lib` lines of the program, and the texts that they stand in.
struct Imports {
    report: Report,
    places: Vec<(SourceId, Position)>,
}

impl EventLog {
    /// Opens the file that the user names; standard error for `-`.
    pub(super) fn open(
        path: Option<&Path>,
        telling: Telling,
        report: &Report,
    ) -> Result<EventLog, Diagnostic> {
        let file: Option<Box<dyn Write + Send>> = match path {
            None => None,
            Some(path) if path == Path::new("-") => Some(Box::new(io::stderr())),
            Some(path) => Some(Box::new(File::create(path).map_err(|error| {
                let message = format!("cannot write events to `{}`: {error}", path.display());
                Diagnostic::error(Code::CannotWrite, message)
            })?)),
        };
        let imports = Mutex::new(Imports { report: report.clone(), places: Vec::new() });
        let tells_changes = telling != Telling::Quietly;
        let writer = Arc::new(EventWriter { file: file.map(Mutex::new), tells_changes, imports });
        let queue = (telling == Telling::Live).then(|| write_aside(Arc::clone(&writer)));
        Ok(EventLog { writer, queue })
    }

    /// From now on, events are about this program.
    pub(super) fn set_program(&self, program: &mut Program, report: &mut Report) {
        let verified = Arc::clone(&program.verified);
        let module = verified.module();
        let place = |import| program.places.of_import(module, import, &mut report.sources);
        let places = (0..module.imports.len()).map(place).collect();
        *lock(&self.writer.imports) = Imports { report: report.clone(), places };
    }

    /// Where libraries send their events.
    pub(super) fn sink(&self) -> EventSink {
        let EventLog { writer, queue } = self.clone();
        EventSink::new(move |event| match &queue {
            // The thread lives as long as anybody can send.
            Some(queue) => drop(queue.send(Entry::Event(Box::new(event)))),
            None => writer.write(&event),
        })
    }

    /// Returns when all that has happened is written, so that what comes next stands behind it.
    pub(super) fn settle(&self) {
        let Some(queue) = &self.queue else { return };
        let (send, settled) = channel();
        if queue.send(Entry::Settled(send)).is_ok() {
            let _ = settled.recv();
        }
    }
}

/// Starts a thread that writes what it is sent.
fn write_aside(writer: Arc<EventWriter>) -> Sender<Entry> {
    let (queue, entries) = channel();
    thread::spawn(move || {
        for entry in entries {
            match entry {
                Entry::Event(event) => writer.write(&event),
                Entry::Settled(reply) => drop(reply.send(())),
            }
        }
    });
    queue
}

impl EventWriter {
    fn write(&self, event: &Event) {
        if let Some(file) = &self.file {
            let mut file = lock(file);
            // An event that cannot be logged is no reason to stop the program.
            let _ = file.write_all(event.to_json().as_bytes()).and_then(|()| file.flush());
        }
        let Imports { report, places } = &*lock(&self.imports);
        if let EventKind::Rejected(error) | EventKind::Warned(error) = &event.kind {
            let diagnostic = error.diagnostic.clone();
            report.error(match places.get(error.import) {
                Some(&(source, position)) => diagnostic.at(source, position, "asked for here"),
                None => diagnostic,
            });
        }
        let unchecked = matches!(event.kind, EventKind::Unchecked(_));
        match unchecked || self.tells_changes && is_news(event) {
            true => report.notice(event.to_string()),
            false => report.detail(event.to_string()),
        }
    }
}

/// Whoever panicked while it held the log has left it as good as before.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether people want to know without asking.
fn is_news(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::Published { .. } | EventKind::Rejected(_) | EventKind::RolledBack { .. }
    )
}
