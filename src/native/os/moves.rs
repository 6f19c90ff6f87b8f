//! Linux: folders that are moved or removed, and nothing else that happens in them.

use inotify::{EventMask, Inotify, WatchDescriptor, WatchMask, Watches};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{io, thread};

/// Tells when folders are moved or removed.
#[derive(Debug)]
pub struct Moves {
    watches: Watches,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    folders: Mutex<HashMap<WatchDescriptor, PathBuf>>,
    is_over: AtomicBool,
}

impl Shared {
    /// Whoever panicked while it was locked has left it as good as before.
    fn folders(&self) -> MutexGuard<'_, HashMap<WatchDescriptor, PathBuf>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Moves {
    /// Calls `each`, from a thread of its own, with every folder that is moved or removed.
    pub fn new(each: impl Fn(PathBuf) + Send + 'static) -> io::Result<Moves> {
        let inotify = Inotify::init()?;
        let (watches, shared) = (inotify.watches(), Arc::<Shared>::default());
        let seen = Arc::clone(&shared);
        thread::Builder::new()
            .name("hotvm folders".to_owned())
            .spawn(move || tell(inotify, &seen, each))?;
        Ok(Moves { watches, shared })
    }

    /// Watches a folder too, if it is there.
    pub fn watch(&mut self, folder: &Path) {
        let mask = WatchMask::MOVE_SELF | WatchMask::DELETE_SELF | WatchMask::ONLYDIR;
        // Locked before, so that its first event finds its name.
        let mut folders = self.shared.folders();
        if let Ok(watch) = self.watches.add(folder, mask) {
            folders.insert(watch, folder.to_owned());
        }
    }

    /// Watches none any more.
    pub fn clear(&mut self) {
        for (watch, _) in self.shared.folders().drain() {
            // One that is gone took its watch along.
            let _ = self.watches.remove(watch);
        }
    }
}

impl Drop for Moves {
    /// The thread waits for an event, and gets one when a watch is removed.
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.watch(Path::new("/"));
        self.clear();
    }
}

fn tell(mut inotify: Inotify, shared: &Shared, each: impl Fn(PathBuf)) {
    let mut buffer = [0; 4096];
    while let Ok(events) = inotify.read_events_blocking(&mut buffer) {
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        let moves = events.filter(|event| event.mask != EventMask::IGNORED);
        for event in moves {
            let folder = shared.folders().get(&event.wd).cloned();
            folder.into_iter().for_each(&each);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::mpsc::channel;

    #[test]
    fn folders_are_told_when_they_move_or_go_and_the_thread_ends() {
        let lab = tempfile::tempdir().unwrap();
        let path = |name| lab.path().join(name);
        let (send, told) = channel();
        let mut moves = Moves::new(move |folder| send.send(folder).unwrap()).unwrap();
        for name in ["a", "b", "c"] {
            fs::create_dir(path(name)).unwrap();
            moves.watch(&path(name));
        }
        // What happens inside is nobody's concern.
        fs::write(path("a/file"), "").unwrap();
        fs::rename(path("b"), path("d")).unwrap();
        fs::remove_dir(path("c")).unwrap();
        assert_eq!((told.recv().unwrap(), told.recv().unwrap()), (path("b"), path("c")));
        moves.clear();
        fs::rename(path("a"), path("e")).unwrap();
        drop(moves);
        assert!(told.recv().is_err(), "the thread is over");
    }
}
