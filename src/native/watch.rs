//! Watches folders for finished changes.
//!
//! The folder is watched and not the file: a file's own watch dies with its inode, and compilers and
//! editors replace files. A change is finished when a writer closes the file or renames it into
//! place; systems that do not tell report any change, and the file check refuses what is half done.

use super::live::Request;
use crate::diagnostics::{Code, Diagnostic};
use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

/// Watches the folders of files, and asks for a look at those that change.
pub(super) struct Watcher {
    inner: RecommendedWatcher,
    folders: HashSet<PathBuf>,
}

impl Watcher {
    /// A watcher that sends what it sees to the reloading thread.
    pub fn new(requests: Sender<Request>) -> Result<Watcher, Diagnostic> {
        let each = move |event: notify::Result<Event>| {
            let paths = match event {
                Ok(event) if is_finished(&event.kind) => event.paths,
                // The system has lost events: whatever they were, look at everything.
                Ok(event) if event.need_rescan() => Vec::new(),
                _ => return,
            };
            let request = if paths.is_empty() { Request::All } else { Request::Changed(paths) };
            // Nobody receives once the program has ended.
            let _ = requests.send(request);
        };
        let inner = notify::recommended_watcher(each).map_err(|error| {
            Diagnostic::error(Code::CannotRead, format!("cannot watch for changes: {error}"))
                .help("--reload-on-enter reloads without watching")
        })?;
        Ok(Watcher { inner, folders: HashSet::new() })
    }

    /// Also watches the folders of these files. One that is gone is tried again the next time.
    pub fn watch<'a>(&mut self, files: impl Iterator<Item = &'a Path>) {
        for folder in files.filter_map(folder_of) {
            if !self.folders.contains(&folder)
                && self.inner.watch(&folder, RecursiveMode::NonRecursive).is_ok()
            {
                self.folders.insert(folder);
            }
        }
    }
}

/// Whether a file is complete after such an event.
fn is_finished(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Modify(ModifyKind::Name(_)) => true,
        // Linux tells when a file is closed; elsewhere, any change is all that there is.
        EventKind::Create(_) | EventKind::Modify(_) => cfg!(not(target_os = "linux")),
        _ => false,
    }
}

/// The folder of a file as the system calls it, since events name files by it.
fn folder_of(file: &Path) -> Option<PathBuf> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).canonicalize().ok()
}

/// Whether two files lie in one folder, however it is spelled.
pub(super) fn in_same_folder(a: &Path, b: &Path) -> bool {
    folder_of(a).is_some_and(|folder| Some(folder) == folder_of(b))
}
