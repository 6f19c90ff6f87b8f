//! The folder of libraries that were built before.
//!
//! - `records/KEY` says what went into a build, and which library came out.
//! - `libraries/HASH` is a library, named by its content.
//! - `include-HASH/hotvm.h` is the header that every C build may include.
//! - `work` is where files and libraries are made. Who does holds the file `lock`, with others; what is
//!   there when nobody does was left by a process that has ended in the middle.
//!
//! Files are written under another name and renamed, so that any number of processes may share the
//! folder, and a reader sees all of a file or none. All that is read is checked against its hash:
//! a damaged entry is no entry. The folder may be removed at any time.

use crate::diagnostics::{Code, Diagnostic};
use crate::native::os;
use blake3::Hash;
use serde::{Deserialize, Serialize};
use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What C code includes the header as.
pub(super) const HEADER_NAME: &str = "hotvm.h";

/// The header for users' C code.
pub(super) const HEADER: &str = include_str!("../../../native/include/hotvm.h");

/// An open cache.
pub(super) struct Cache {
    root: PathBuf,
}

/// A folder to build in.
pub(super) struct Workshop {
    folder: TempDir,
    _lock: Option<File>,
}

impl Workshop {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// What went into a build, and what came out.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    /// Each file that the compiler read, with the hash of its content.
    inputs: Vec<(PathBuf, String)>,
    /// The hash of the library.
    library: String,
}

impl Record {
    /// The record of a build that read `inputs` and made `library`.
    pub fn new(inputs: Vec<(PathBuf, Hash)>, library: &[u8]) -> Record {
        let text = |hash: Hash| hash.to_hex().to_string();
        Record {
            inputs: inputs.into_iter().map(|(path, hash)| (path, text(hash))).collect(),
            library: text(blake3::hash(library)),
        }
    }
}

impl Cache {
    /// Opens the cache in `folder`, or where this user's caches are.
    pub fn open(folder: Option<&Path>) -> Result<Cache, Diagnostic> {
        let root = match folder {
            Some(folder) => std::path::absolute(folder),
            None => default_folder(),
        };
        let root = root.map_err(|e| unusable(Path::new("the cache folder"), &e))?;
        for part in ["records", "libraries", "work"] {
            fs::create_dir_all(root.join(part)).map_err(|e| unusable(&root, &e))?;
        }
        let cache = Cache { root };
        cache.sweep();
        Ok(cache)
    }

    /// Removes what was left in `work`, unless somebody is at work there. What cannot be removed stays.
    fn sweep(&self) {
        let Some(lock) = self.lock().filter(|lock| lock.try_lock().is_ok()) else { return };
        for entry in fs::read_dir(self.root.join("work")).into_iter().flatten().flatten() {
            let _ = match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true => fs::remove_dir_all(entry.path()),
                false => fs::remove_file(entry.path()),
            };
        }
        drop(lock);
    }

    /// The file that is locked by who is at work.
    fn lock(&self) -> Option<File> {
        File::options().create(true).append(true).open(self.root.join("lock")).ok()
    }

    /// Keeps others from sweeping. On a file system without locks, nobody sweeps.
    fn begin_work(&self) -> Option<File> {
        self.lock().filter(|lock| lock.lock_shared().is_ok())
    }

    /// The folder that has `hotvm.h`, of this version of hotvm.
    pub fn headers(&self) -> Result<PathBuf, Diagnostic> {
        let hash = blake3::hash(HEADER.as_bytes()).to_hex();
        let folder = self.root.join(format!("include-{}", &hash[..16]));
        let file = folder.join(HEADER_NAME);
        if fs::read(&file).ok().as_deref() != Some(HEADER.as_bytes()) {
            fs::create_dir_all(&folder)
                .and_then(|()| self.write(&file, HEADER.as_bytes()))
                .map_err(|e| unusable(&folder, &e))?;
        }
        Ok(folder)
    }

    /// The library built under `key`, and the files that went into it, if all are as they were then.
    pub fn find(&self, key: Hash) -> Option<(Vec<u8>, Vec<PathBuf>)> {
        let text = fs::read(self.record(key)).ok()?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        let unchanged = record.inputs.iter().all(|(path, hash)| is_content(path, hash).is_some());
        // The hash comes from a file; it must be one before it becomes part of a path.
        let hash = Hash::from_hex(&record.library).ok().filter(|_| unchanged)?;
        let library = is_content(&self.library(hash), &record.library)?;
        Some((library, record.inputs.into_iter().map(|(path, _)| path).collect()))
    }

    /// Keeps a library. A cache that cannot be written to is a reason to build again, not to fail.
    pub fn store(&self, key: Hash, record: &Record, library: &[u8]) {
        let Ok(text) = serde_json::to_vec(record) else { return };
        let path = self.library(blake3::hash(library));
        // The library first: a record must not speak of what is not there yet.
        let _ = self.write(&path, library).and_then(|()| self.write(&self.record(key), &text));
    }

    /// An empty folder to build in, which is removed with the value.
    pub fn workshop(&self) -> Result<Workshop, Diagnostic> {
        let (work, lock) = (self.root.join("work"), self.begin_work());
        let folder = tempfile::tempdir_in(&work).map_err(|e| unusable(&work, &e))?;
        Ok(Workshop { folder, _lock: lock })
    }

    fn record(&self, key: Hash) -> PathBuf {
        self.root.join("records").join(&*key.to_hex())
    }

    fn library(&self, hash: Hash) -> PathBuf {
        self.root.join("libraries").join(&*hash.to_hex())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let _lock = self.begin_work();
        let mut file = tempfile::NamedTempFile::new_in(self.root.join("work"))?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    }
}

/// The content of a file if it has this hash.
fn is_content(path: &Path, hash: &str) -> Option<Vec<u8>> {
    let bytes = fs::read(path).ok()?;
    (*blake3::hash(&bytes).to_hex() == *hash).then_some(bytes)
}

fn default_folder() -> io::Result<PathBuf> {
    let variable =
        |name| env::var_os(name).map(PathBuf::from).filter(|p| !p.as_os_str().is_empty());
    // A relative cache folder of the desktop's convention is to be ignored, by that convention.
    let absolute = |path: &PathBuf| path.is_absolute();
    match variable("HOTVM_CACHE_DIR") {
        Some(folder) => std::path::absolute(folder),
        None => variable("XDG_CACHE_HOME")
            .filter(absolute)
            .or_else(|| env::home_dir().filter(absolute).map(|home| home.join(".cache")))
            .map_or_else(os::private_temp_folder, |caches| Ok(caches.join("hotvm"))),
    }
}

fn unusable(folder: &Path, why: &io::Error) -> Diagnostic {
    Diagnostic::error(
        Code::CannotWrite,
        format!("cannot keep built libraries in {}", folder.display()),
    )
    .note(why.to_string())
    .help("name a folder that can be written to with `HOTVM_CACHE_DIR`")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        dir: tempfile::TempDir,
        cache: Cache,
        key: Hash,
    }

    impl World {
        fn new() -> World {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("x.h"), "1").unwrap();
            let cache = Cache::open(Some(&dir.path().join("cache"))).unwrap();
            let world = World { key: blake3::hash(b"key"), dir, cache };
            let inputs = vec![(world.header(), blake3::hash(b"1"))];
            world.cache.store(world.key, &Record::new(inputs, b"library"), b"library");
            world
        }

        fn header(&self) -> PathBuf {
            self.dir.path().join("x.h")
        }
    }

    #[test]
    fn a_library_is_found_while_its_inputs_are_the_same() {
        let world = World::new();
        let (library, inputs) = world.cache.find(world.key).unwrap();
        assert_eq!((&library[..], inputs.len()), (&b"library"[..], 1));
        assert_eq!(world.cache.find(blake3::hash(b"other")), None);
        fs::write(world.header(), "2").unwrap();
        assert_eq!(world.cache.find(world.key), None);
        fs::write(world.header(), "1").unwrap();
        assert!(world.cache.find(world.key).is_some());
        fs::remove_file(world.header()).unwrap();
        assert_eq!(world.cache.find(world.key), None);
    }

    #[test]
    fn what_was_left_in_the_middle_is_removed_when_nobody_is_at_work() {
        let world = World::new();
        let work = world.dir.path().join("cache/work");
        let left = || fs::read_dir(&work).unwrap().count();
        let open = || Cache::open(Some(&world.dir.path().join("cache"))).unwrap();
        fs::create_dir_all(work.join("left/deep")).unwrap();
        fs::write(work.join("file"), "").unwrap();
        let workshop = world.cache.workshop().unwrap();
        open();
        assert!(left() == 3 && workshop.path().is_dir());
        drop(workshop);
        assert_eq!(left(), 2);
        open();
        assert_eq!(left(), 0);
        assert!(world.cache.find(world.key).is_some());
    }

    #[test]
    fn a_damaged_entry_is_no_entry() {
        let world = World::new();
        let library = world.cache.library(blake3::hash(b"library"));
        fs::write(&library, b"librarx").unwrap();
        assert_eq!(world.cache.find(world.key), None);
        fs::write(&library, b"library").unwrap();
        for damage in [&b""[..], b"{", b"{\"inputs\":[],\"library\":\"../../x\"}", &[0xff; 40]] {
            fs::write(world.cache.record(world.key), damage).unwrap();
            assert_eq!(world.cache.find(world.key), None);
        }
    }

    #[test]
    fn the_header_is_written_once_and_mended() {
        let world = World::new();
        let file = world.cache.headers().unwrap().join("hotvm.h");
        assert_eq!(fs::read_to_string(&file).unwrap(), HEADER);
        fs::write(&file, "damage").unwrap();
        world.cache.headers().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), HEADER);
    }

    #[test]
    fn a_cache_that_cannot_be_made_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = Cache::open(Some(&dir.path().join("file/cache"))).err().unwrap();
        assert_eq!(error.code, Code::CannotWrite);
    }
}
