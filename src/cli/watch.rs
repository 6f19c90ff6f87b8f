//! `hotvm run --watch`: the program runs, and what it is made from changes under it.
//!
//! Libraries are replaced while it runs. A changed program text is assembled beside the running
//! program, and takes its place when it is right. When the program has ended, the next change starts
//! it again.

use super::libraries::NativeFlags;
use super::report::Report;
use super::run::{Run, Session};
use super::status;
use hotvm::diagnostics::{Diagnostic, Sources};
use hotvm::engine::{Doorbell, Exit, Request};
use hotvm::native::{LiveOptions, Ring, on_hangup};
use hotvm::program::{Input, Program};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs until the process is ended from outside, or nobody reads the output any more.
pub(super) fn run_watching(run: &Run, mut session: Session, report: &mut Report) -> u8 {
    let (next, mut changed) = (NextProgram::default(), None);
    loop {
        if changed.is_none() {
            match go_live(run, &mut session, &next, report) {
                Ok(receiver) => changed = Some(receiver),
                Err(diagnostic) => {
                    report.error(diagnostic);
                    return status::REJECTED;
                }
            }
        }
        let (status, exit) = session.run(report);
        match (exit, &changed) {
            (Some(Exit::OutputClosed), _) => return status,
            (Some(Exit::Stopped), _) => {}
            (_, Some(changed)) => {
                report.notice(
                    "the program has ended; it runs again when something changes, Ctrl-C quits",
                );
                // One save may touch several files: what has come is one reason to run again.
                let Ok(()) = changed.recv() else { return status };
                changed.try_iter().for_each(drop);
                session.libraries.publish_prepared();
            }
            (_, None) => unreachable!("a session that runs is live"),
        }
        if let Some((program, sources)) = next.take(&session.doorbell) {
            report.sources = sources;
            match session.replace_program(run, program, report) {
                Ok(same_libraries) if !same_libraries => changed = None,
                Ok(_) => {}
                Err(diagnostics) => report.errors(&diagnostics),
            }
            report.notice("the program's text has changed; it starts again");
        }
    }
}

fn go_live(
    run: &Run,
    session: &mut Session,
    next: &NextProgram,
    report: &Report,
) -> Result<Receiver<()>, Diagnostic> {
    let (send, changed) = channel();
    let real = run.input.canonicalize().unwrap_or_else(|_| run.input.clone());
    let (doorbell, next, text) = (session.doorbell.clone(), next.clone(), run.input.clone());
    let (report, native) = (report.clone(), run.native.clone());
    let bell = Bell { doorbell, next, report, native, text, real, changed: send };
    let handle = session.libraries.go_live(LiveOptions {
        atomic_group: run.atomic_group,
        watch: true,
        also: vec![run.input.clone()],
        bell: Box::new(move |ring| bell.ring(ring)),
    })?;
    on_hangup(move || handle.reload_all());
    Ok(changed)
}

/// The program that is to run next, and the request to end the one that runs: they come and go
/// together, so that no program ends for one that was taken already.
#[derive(Clone, Default)]
struct NextProgram(Arc<Mutex<Option<(Program, Sources)>>>);

impl NextProgram {
    fn put(&self, next: (Program, Sources), doorbell: &Doorbell) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(next);
        doorbell.ring(Request::Stop);
    }

    fn take(&self, doorbell: &Doorbell) -> Option<(Program, Sources)> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        doorbell.cancel(Request::Stop);
        slot.take()
    }
}

/// What the reloading thread calls.
struct Bell {
    doorbell: Doorbell,
    next: NextProgram,
    report: Report,
    native: NativeFlags,
    /// The program's text, as the user names it and as it really is.
    text: PathBuf,
    real: PathBuf,
    changed: Sender<()>,
}

impl Bell {
    fn ring(&self, ring: Ring) {
        match ring {
            Ring::Prepared => self.doorbell.ring(Request::Publish),
            Ring::Touched(paths) if paths.iter().any(|path| self.is_text(path)) => {
                let Some(next) = self.assemble() else { return };
                self.next.put(next, &self.doorbell);
            }
            // Perhaps a library that could not be bound has come.
            Ring::Touched(_) => {}
        }
        // Nobody receives once the program has ended for good.
        let _ = self.changed.send(());
    }

    fn is_text(&self, path: &Path) -> bool {
        path == self.real || path.canonicalize().is_ok_and(|path| path == self.real)
    }

    /// The program as its text is now, when that is right; otherwise tells what is not.
    fn assemble(&self) -> Option<(Program, Sources)> {
        let mut report = self.report.clone();
        report.sources = Sources::new();
        let input = Input::read(&self.text).map_err(|diagnostic| vec![diagnostic]);
        match input.and_then(|input| self.native.load(input, &mut report)) {
            Ok(program) => Some((program, report.sources)),
            Err(diagnostics) => {
                report.errors(&diagnostics);
                report.notice("the program stays as it was");
                None
            }
        }
    }
}
