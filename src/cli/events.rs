//! What happens to libraries: as notices for people, as JSON lines with `--events`.

use super::report::Report;
use hotvm::diagnostics::{Code, Diagnostic, Position, SourceId};
use hotvm::native::{Event, EventKind, EventSink};
use hotvm::program::Program;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where events go, with what it takes to put an error at its `.lib`. Clones share it.
#[derive(Clone)]
pub(super) struct EventLog {
    file: Option<Arc<Mutex<dyn Write + Send>>>,
    /// Whether people want to know of every change, because the program reloads.
    live: bool,
    imports: Arc<Mutex<Imports>>,
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
        live: bool,
        report: &Report,
    ) -> Result<EventLog, Diagnostic> {
        let file: Option<Arc<Mutex<dyn Write + Send>>> = match path {
            None => None,
            Some(path) if path == Path::new("-") => Some(Arc::new(Mutex::new(io::stderr()))),
            Some(path) => {
                let file = File::create(path).map_err(|error| {
                    let message = format!("cannot write events to `{}`: {error}", path.display());
                    Diagnostic::error(Code::CannotWrite, message)
                })?;
                Some(Arc::new(Mutex::new(file)))
            }
        };
        let imports = Imports { report: report.clone(), places: Vec::new() };
        Ok(EventLog { file, live, imports: Arc::new(Mutex::new(imports)) })
    }

    /// From now on, events are about this program.
    pub(super) fn set_program(&self, program: &mut Program, report: &mut Report) {
        let verified = Arc::clone(&program.verified);
        let module = verified.module();
        let place = |import| program.places.of_import(module, import, &mut report.sources);
        let places = (0..module.imports.len()).map(place).collect();
        *lock(&self.imports) = Imports { report: report.clone(), places };
    }

    /// Where libraries send their events.
    pub(super) fn sink(&self) -> EventSink {
        let log = self.clone();
        EventSink::new(move |event| log.write(&event))
    }

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
        match unchecked || self.live && is_news(event) {
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
