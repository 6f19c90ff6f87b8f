//! Watches folders for finished changes.
//!
//! The folder is watched and not the file: a file's own watch dies with its inode, and compilers and
//! editors replace files. A change is finished when a writer closes the file or renames it into
//! place; systems that do not tell report any change, and the file check refuses what is half done.
//!
//! A folder may go and come back too, as when a build starts over, or move with one above it. While it
//! is gone, the nearest one above it that is there is watched for its return.

use super::live::Request;
use super::os;
use crate::diagnostics::{Code, Diagnostic};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

/// Watches the folders of files, and asks for a look at those that change.
pub(super) struct Watcher {
    inner: RecommendedWatcher,
    /// Watches the folders above those of files; what happens in them otherwise does not matter.
    above: Option<os::Moves>,
    /// The folders of files, whether they are there or not.
    wanted: BTreeSet<PathBuf>,
    /// What the system watches.
    watched: BTreeSet<PathBuf>,
}

impl Watcher {
    /// A watcher that sends what it sees to the reloading thread.
    pub fn new(requests: Sender<Request>) -> Result<Watcher, Diagnostic> {
        let moved = requests.clone();
        let tell = move |folder| drop(moved.send(Request::Moved(vec![folder])));
        let each = move |event: notify::Result<Event>| {
            let request = match event {
                // The system has lost events: whatever they were, look at everything.
                Ok(event) if event.need_rescan() => Request::All,
                Ok(event) if is_finished(&event) => Request::Changed(event.paths),
                Ok(event) if is_of_folder(&event.kind) => Request::Moved(event.paths),
                _ => return,
            };
            // Nobody receives once the program has ended.
            let _ = requests.send(request);
        };
        let inner = notify::recommended_watcher(each).map_err(|error| {
            Diagnostic::error(Code::CannotRead, format!("cannot watch for changes: {error}"))
                .help("--reload-on-enter reloads without watching")
        })?;
        // Without it, less is noticed.
        let above = os::Moves::new(tell).ok();
        Ok(Watcher { inner, above, wanted: BTreeSet::new(), watched: BTreeSet::new() })
    }

    /// Also watches the folders of these files.
    pub fn watch<'a>(&mut self, files: impl Iterator<Item = &'a Path>) {
        for folder in files.map(folder_of) {
            if self.wanted.insert(folder.clone()) {
                self.watch_folder(&folder);
            }
        }
    }

    /// Starts over when one of these paths is a folder of files, or one above: a watch stays with
    /// the folder that it was set on, under whatever name. Tells whether one is.
    pub fn renew(&mut self, moved: &[PathBuf]) -> bool {
        let concerned = moved.iter().any(|path| self.wanted.iter().any(|f| f.starts_with(path)));
        if concerned {
            for folder in std::mem::take(&mut self.watched) {
                // One that is gone took its watch along.
                let _ = self.inner.unwatch(&folder);
            }
            self.above.iter_mut().for_each(os::Moves::clear);
            // What comes while one above is about to be watched, the second look finds.
            for folder in self.wanted.iter().chain(&self.wanted).cloned().collect::<Vec<_>>() {
                self.watch_folder(&folder);
            }
        }
        concerned
    }

    /// Whether a file lies in one of the folders.
    pub fn is_about(&self, file: &Path) -> bool {
        file.parent().is_some_and(|folder| self.wanted.contains(folder))
    }

    /// Watches a folder, or the nearest above it that is there, and whether those above move.
    fn watch_folder(&mut self, folder: &Path) {
        let (watched, inner) = (&self.watched, &mut self.inner);
        let mut watch = |folder: &&Path| {
            watched.contains(*folder) || inner.watch(folder, RecursiveMode::NonRecursive).is_ok()
        };
        let Some(nearest) = folder.ancestors().find(&mut watch) else { return };
        if self.watched.insert(nearest.to_owned())
            && let Some(moves) = &mut self.above
        {
            nearest.ancestors().skip(1).for_each(|folder| moves.watch(folder));
        }
    }
}

/// Whether a file is complete after such an event.
fn is_finished(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Modify(ModifyKind::Name(RenameMode::To)) => true,
        // Linux tells when a file is closed, and links are complete from the start. Elsewhere, any
        // change is all that there is.
        EventKind::Create(_) => {
            cfg!(not(target_os = "linux")) || event.paths.iter().all(|path| os::is_link(path))
        }
        EventKind::Modify(_) => cfg!(not(target_os = "linux")),
        _ => false,
    }
}

/// Whether such an event may be of a folder that comes, goes or moves.
fn is_of_folder(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    )
}

/// The folder of a file as the system calls it, since events name files by it; as it is written, as
/// long as it is not there.
fn folder_of(file: &Path) -> PathBuf {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let absolute = || std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    folder.canonicalize().unwrap_or_else(|_| absolute())
}

/// Whether two files lie in one folder, however it is spelled.
pub(super) fn in_same_folder(a: &Path, b: &Path) -> bool {
    folder_of(a) == folder_of(b)
}
