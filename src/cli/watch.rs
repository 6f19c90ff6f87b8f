//! `hotvm run --watch`: the program runs, and what it is made from changes under it.
//!
//! Libraries are replaced while it runs. A changed program text is assembled beside the running
//! program, and takes its place when it is right. When the program has ended, the next change starts
//! it again.

use super::libraries::NativeFlags;
use super::report::Report;
use super::run::{Run, Session};
use super::status;
use blake3::Hash;
use hotvm::assemble::COMMAND_LINE;
use hotvm::diagnostics::{Diagnostic, Sources};
use hotvm::engine::{Doorbell, Exit, Request};
use hotvm::native::{LiveOptions, ReloadHandle, Ring, on_hangup};
use hotvm::program::{Input, Program};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Runs until the process is ended from outside, or nobody reads the output any more.
pub(super) fn run_watching(run: &Run, mut session: Session, report: &mut Report) -> u8 {
    let next = NextProgram::default();
    let hangup = Hangup::default();
    let mut changes = match go_live(run, &mut session, &next, &hangup, report) {
        Ok(changes) => changes,
        Err(diagnostic) => {
            report.error(diagnostic);
            return status::REJECTED;
        }
    };
    hangup.listen();
    loop {
        // What has come until now, binding sees.
        changes.try_iter().for_each(drop);
        let (status, exit) = session.run(report);
        match exit {
            Some(Exit::OutputClosed) => return status,
            None if status == status::INTERRUPTED => return status,
            Some(Exit::Stopped) => {}
            _ => {
                report.notice(
                    "the program has ended; it runs again when something changes, Ctrl-C quits",
                );
                let unbound = status == status::UNBOUND && exit.is_none();
                if !wait(&mut session, &next, &changes, unbound) {
                    return status;
                }
            }
        }
        let Some(new) = next.take(&session.doorbell) else { continue };
        match session.replace_program(run, new, report) {
            Ok(true) => {}
            Ok(false) => match go_live(run, &mut session, &next, &hangup, report) {
                Ok(receiver) => changes = receiver,
                Err(diagnostic) => {
                    report.error(diagnostic);
                    return status::REJECTED;
                }
            },
            Err(diagnostics) => {
                report.errors(&diagnostics);
                report.notice("the program stays as it was");
                continue;
            }
        }
        report.notice("the program's text has changed; it starts again");
    }
}

/// Waits until there is a reason to run again: new code, a new text, or, where a library could not be
/// bound, any change that may mend that. `false` when none can come.
fn wait(session: &mut Session, next: &NextProgram, changes: &Receiver<()>, unbound: bool) -> bool {
    // New code may have come too late for the run that has ended.
    while !session.libraries.publish_prepared() && !next.is_there() {
        match changes.recv() {
            Ok(()) if unbound => return true,
            Ok(()) => {}
            Err(_) => return false,
        }
    }
    true
}

/// Watches what the session's program is made from. What is received is a reason to look what has
/// changed.
fn go_live(
    run: &Run,
    session: &mut Session,
    next: &NextProgram,
    hangup: &Hangup,
    report: &Report,
) -> Result<Receiver<()>, Diagnostic> {
    // One reason to look is as good as many, and while the program runs nobody takes them.
    let (changed, changes) = sync_channel(1);
    let real = run.input.canonicalize().unwrap_or_else(|_| run.input.clone());
    let bell = Bell {
        doorbell: session.doorbell.clone(),
        next: next.clone(),
        report: report.clone(),
        native: run.native.clone(),
        text: run.input.clone(),
        real,
        seen: Mutex::new(session.texts.clone()),
        changed,
    };
    let bell = Arc::new(bell);
    let ringer = Arc::clone(&bell);
    let handle = session.libraries.go_live(LiveOptions {
        atomic_group: run.atomic_group,
        watch: true,
        also: [&[run.input.clone()][..], session.texts.included()].concat(),
        bell: Box::new(move |ring| ringer.ring(ring)),
    })?;
    hangup.set(handle);
    // The text may have changed since it was read, when nobody watched it yet.
    bell.ring(Ring::Touched(vec![run.input.clone()]));
    Ok(changes)
}

/// Whom a `SIGHUP` is for: the libraries of the program that runs now.
#[derive(Clone, Default)]
struct Hangup(Arc<Mutex<Option<ReloadHandle>>>);

impl Hangup {
    fn set(&self, handle: ReloadHandle) {
        *lock(&self.0) = Some(handle);
    }

    fn listen(&self) {
        let current = self.clone();
        on_hangup(move || {
            if let Some(handle) = &*lock(&current.0) {
                handle.reload_all();
            }
        });
    }
}

/// Whoever panicked while it held one of these has left it as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program that is right, and the texts that it was made from.
pub(super) struct NewProgram {
    pub(super) program: Program,
    pub(super) sources: Sources,
    pub(super) texts: Texts,
}

/// The texts that a program is made from, by their content.
#[derive(Clone, Default)]
pub(super) struct Texts {
    /// `None` where nobody will ask.
    own: Option<Hash>,
    /// The files that it includes.
    files: Vec<PathBuf>,
    contents: Vec<Hash>,
}

impl Texts {
    /// The texts of a program whose own has this hash.
    pub(super) fn new(own: Hash, program: &Program, sources: &Sources) -> Texts {
        // What the command line defines is no file, and stays as it is.
        let included = || {
            let all = program.included.iter().map(|id| sources.get(*id));
            all.filter(|source| source.name != COMMAND_LINE)
        };
        Texts {
            own: Some(own),
            files: included().map(|source| PathBuf::from(&source.name)).collect(),
            contents: included()
                .map(|source| blake3::hash(source.text.as_deref().unwrap_or("").as_bytes()))
                .collect(),
        }
    }

    /// The files that the program includes.
    pub(super) fn included(&self) -> &[PathBuf] {
        &self.files
    }

    pub(super) fn same_files(&self, other: &Texts) -> bool {
        self.files == other.files
    }

    /// Whether the program's own text still has this content, and the included files have theirs.
    fn are_as_now(&self, own: Hash) -> bool {
        let mut files = self.files.iter().zip(&self.contents);
        let unchanged = |(file, then): (&PathBuf, &Hash)| {
            std::fs::read(file).is_ok_and(|bytes| blake3::hash(&bytes) == *then)
        };
        Some(own) == self.own && files.all(unchanged)
    }
}

/// The program that is to run next, and the request to end the one that runs: they come and go
/// together, so that no program ends for one that was taken already.
#[derive(Clone, Default)]
struct NextProgram(Arc<Mutex<Option<NewProgram>>>);

impl NextProgram {
    fn put(&self, next: NewProgram, doorbell: &Doorbell) {
        let mut slot = lock(&self.0);
        *slot = Some(next);
        doorbell.ring(Request::Stop);
    }

    fn take(&self, doorbell: &Doorbell) -> Option<NewProgram> {
        let mut slot = lock(&self.0);
        doorbell.cancel(Request::Stop);
        slot.take()
    }

    fn is_there(&self) -> bool {
        lock(&self.0).is_some()
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
    /// What it was made from when it was last right: the same again is no change.
    seen: Mutex<Texts>,
    changed: SyncSender<()>,
}

impl Bell {
    fn ring(&self, ring: Ring) {
        match ring {
            Ring::Prepared => self.doorbell.ring(Request::Publish),
            Ring::Touched(paths) => {
                let (text, others): (Vec<_>, Vec<_>) =
                    paths.iter().partition(|path| self.is_text(path));
                let new = if text.is_empty() { None } else { self.assemble() };
                // With others, perhaps a library has come that could not be bound.
                if new.is_none() && others.is_empty() {
                    return;
                }
                if let Some(new) = new {
                    self.next.put(new, &self.doorbell);
                }
            }
        }
        // It is full when there is a reason already, closed once the program has ended for good.
        let _ = self.changed.try_send(());
    }

    fn is_text(&self, path: &Path) -> bool {
        let real = path.canonicalize();
        let is_it = |file: &PathBuf| {
            path == file || real.as_ref().is_ok_and(|p| file.canonicalize().is_ok_and(|f| f == *p))
        };
        path == self.text
            || path == self.real
            || real.as_ref().is_ok_and(|path| *path == self.real)
            || lock(&self.seen).included().iter().any(is_it)
    }

    /// The program as its text is now, when that is another one and right. Tells what is wrong.
    fn assemble(&self) -> Option<NewProgram> {
        let mut report = self.report.clone();
        report.sources = Sources::new();
        let made =
            Input::read(&self.text).map_err(|diagnostic| vec![diagnostic]).and_then(|input| {
                let text = blake3::hash(&input.bytes);
                let same = lock(&self.seen).are_as_now(text);
                match same {
                    true => Ok(None),
                    false => {
                        self.native.load(input, &mut report).map(|program| Some((text, program)))
                    }
                }
            });
        match made {
            Ok(None) => None,
            Ok(Some((text, program))) => {
                let texts = Texts::new(text, &program, &report.sources);
                lock(&self.seen).clone_from(&texts);
                Some(NewProgram { program, sources: report.sources, texts })
            }
            Err(diagnostics) => {
                report.errors(&diagnostics);
                report.notice("the program stays as it was");
                None
            }
        }
    }
}
