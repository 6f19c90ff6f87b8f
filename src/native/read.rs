//! Reading a library's file once, whole and at rest.
//!
//! What is checked must be what is loaded, and a compiler or a copy may be writing the file this
//! very moment. So its bytes are read once into memory, and only counted as read if the file's
//! size and times are the same before and after, and were not set within the last instant.
//!
//! What the policy has admitted must be what is read, too. It judges a path without links; so the file
//! that was opened must be the one at that path afterwards, and the path still free of links. Whoever
//! puts a link in its place meanwhile, or takes it away again, gains nothing.
//!
//! Of a file that begins like no library, no more than the beginning is read: it is enough to say what
//! the file is, and the rest may be of any size.

use super::check::{BEGINNING, begins_a_library};
use super::os;
use crate::diagnostics::{Code, Diagnostic};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// File times move in steps of the kernel's clock, at most 10 ms. Within one step a second write
/// leaves no trace, so a file younger than two is looked at again.
const QUIET: Duration = Duration::from_millis(20);

/// What is known of whoever wrote the file last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// Nothing: it may still be at work.
    Unknown,
    /// It was seen to close the file or to rename it into place, so there is no need to wait.
    Done,
}

/// The files that something was made from, and when the first of them was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Inputs {
    pub files: Arc<[PathBuf]>,
    since: Option<SystemTime>,
}

impl Inputs {
    pub fn new(files: Vec<PathBuf>, since: SystemTime) -> Inputs {
        Inputs { files: files.into(), since: Some(since) }
    }

    /// Whether one of them may have changed since it was read.
    pub fn may_have_changed(&self) -> bool {
        let Some(since) = self.since.and_then(|since| since.checked_sub(QUIET)) else {
            return false;
        };
        let unchanged = |file: &PathBuf| file.metadata().is_ok_and(|m| os::changed_at(&m) < since);
        !self.files.iter().all(unchanged)
    }
}

/// A file that is larger is no library, whatever it begins with.
const LARGEST: u64 = 4 << 30;

/// How often a restless file is read before giving up.
const ATTEMPTS: u32 = 8;

/// The bytes of the file at `path`, which the program calls `name`. The path is absolute and free of
/// symbolic links.
pub(super) fn read_at_rest(name: &str, path: &Path, writer: Writer) -> Result<Vec<u8>, Diagnostic> {
    read_with(path, writer, || {}).map_err(|e| match e {
        Restless::Failed(e) => Diagnostic::error(Code::CannotRead, format!("cannot read `{name}`"))
            .note(format!("{}: {e}", path.display())),
        Restless::NotAFile => {
            Diagnostic::error(Code::NotALibrary, format!("`{name}` is not a file"))
                .note(format!("{} is a folder or a device", path.display()))
        }
        Restless::TooLarge(size) => {
            Diagnostic::error(Code::NotALibrary, format!("`{name}` is too large for a library"))
                .note(format!(
                    "{} has {size} bytes, and hotvm reads no more than {LARGEST}",
                    path.display()
                ))
                .help("name the library itself, not what holds it")
        }
        Restless::Changing => Diagnostic::error(
            Code::StillChanging,
            format!("`{name}` changed each time it was read"),
        )
        .note(format!("something is writing {}", path.display()))
        .help("try again when it is done"),
    })
}

enum Restless {
    Failed(io::Error),
    NotAFile,
    /// So many bytes.
    TooLarge(u64),
    Changing,
}

/// The bytes of a library's file as they are at this moment, for those who can do without.
pub(super) fn read_now(path: &Path) -> Option<Vec<u8>> {
    let metadata = path.metadata().ok().filter(Metadata::is_file)?;
    read_once(File::open(path).ok()?, metadata.len()).ok()
}

/// What a file of this size holds: all of it, or the beginning if it is no library's.
fn read_once(mut file: File, size: u64) -> Result<Vec<u8>, Restless> {
    let mut bytes = Vec::new();
    let mut read = |most: u64, bytes: &mut Vec<u8>| {
        // A file may claim any size; one that memory cannot hold is an error, not the end.
        bytes
            .try_reserve_exact(usize::try_from(most).unwrap_or(usize::MAX))
            .map_err(|_| Restless::Failed(io::ErrorKind::OutOfMemory.into()))?;
        file.by_ref().take(most).read_to_end(bytes).map_err(Restless::Failed)
    };
    read(size.min(BEGINNING), &mut bytes)?;
    if !begins_a_library(&bytes) {
        return Ok(bytes);
    }
    if size > LARGEST {
        return Err(Restless::TooLarge(size));
    }
    read(size.saturating_sub(BEGINNING), &mut bytes)?;
    Ok(bytes)
}

/// `between` runs after each reading, before the file is looked at again.
fn read_with(path: &Path, writer: Writer, mut between: impl FnMut()) -> Result<Vec<u8>, Restless> {
    for attempt in 0..ATTEMPTS {
        // A pipe would keep `open` waiting, so the kind comes first.
        if !path.metadata().map_err(Restless::Failed)?.is_file() {
            return Err(Restless::NotAFile);
        }
        let file = File::open(path).map_err(Restless::Failed)?;
        let before = file.metadata().map_err(Restless::Failed)?;
        let bytes = read_once(file, before.len())?;
        between();
        let is_short =
            |bytes: &[u8]| begins_a_library(bytes) && (bytes.len() as u64) < before.len();
        let unchanged = is_at(path, &before) && !is_short(&bytes);
        let quiet = writer == Writer::Done || is_quiet(os::changed_at(&before));
        if unchanged && quiet {
            return Ok(bytes);
        }
        sleep(QUIET * (attempt + 1).min(3));
    }
    Err(Restless::Changing)
}

/// Whether the file that is at a path now, and not behind a link, is this one, unchanged.
fn is_at(path: &Path, file: &Metadata) -> bool {
    let found = path.symlink_metadata();
    found.is_ok_and(|found| os::stamp(&found) == os::stamp(file))
        && path.canonicalize().is_ok_and(|real| real == path)
}

/// Whether the last change is old enough to show that nothing followed it. A time in the future is
/// another machine's clock, and tells nothing.
fn is_quiet(changed: SystemTime) -> bool {
    changed.elapsed().map_or(true, |age| age >= QUIET)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    #[test]
    fn a_file_at_rest_is_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("x");
        let large = [&b"\x7fELF"[..], &[7; 100_000]].concat();
        for bytes in [&b""[..], b"abc", b"\x7fELF", &large] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(read_at_rest("x", &path, Writer::Unknown).unwrap(), bytes);
            assert_eq!(read_now(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn what_is_no_library_is_not_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("x");
        for (beginning, code) in
            [(&b""[..], None), (b"text", None), (b"\x7fELF", Some(Code::NotALibrary))]
        {
            fs::write(&path, beginning).unwrap();
            File::options().write(true).open(&path).unwrap().set_len(20 << 30).unwrap();
            match (read_at_rest("x", &path, Writer::Unknown), code) {
                (Ok(bytes), None) => assert_eq!(bytes.len() as u64, BEGINNING),
                (Err(error), Some(code)) => assert_eq!(error.code, code),
                (other, _) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("x");
        fs::write(&path, "half").unwrap();
        let mut rest = Some(" and half");
        let append = || {
            if let Some(text) = rest.take() {
                let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
                file.write_all(text.as_bytes()).unwrap();
            }
        };
        assert_eq!(read_with(&path, Writer::Unknown, append).ok(), Some(b"half and half".to_vec()));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_comes_between_is_not_followed() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (inside, outside) = (root.join("inside"), root.join("outside"));
        let (path, held) = (inside.join("x"), root.join("held"));
        for (folder, text) in [(&inside, "good"), (&outside, "evil")] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("x"), text).unwrap();
        }
        let attempt = |link: &Path, target: &Path| {
            let swap = || {
                if !held.exists() {
                    fs::rename(link, &held).unwrap();
                    symlink(target, link).unwrap();
                }
            };
            let read = read_with(&path, Writer::Done, swap);
            assert!(matches!(read, Err(Restless::Changing)));
            // It is there from the start, and taken away before anybody looks again.
            let restore = || {
                if held.exists() {
                    fs::remove_file(link).unwrap();
                    fs::rename(&held, link).unwrap();
                }
            };
            assert_eq!(read_with(&path, Writer::Done, restore).ok(), Some(b"good".to_vec()));
        };
        attempt(&path, &outside.join("x"));
        attempt(&inside, &outside);
    }

    #[test]
    fn a_file_that_never_rests_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("x");
        fs::write(&path, "").unwrap();
        let mut length = 0;
        let grow = || {
            length += 1;
            fs::write(&path, vec![b'x'; length]).unwrap();
        };
        assert!(matches!(read_with(&path, Writer::Unknown, grow), Err(Restless::Changing)));
    }

    #[test]
    fn folders_and_missing_files_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            read_at_rest("d", dir.path(), Writer::Unknown).unwrap_err().code,
            Code::NotALibrary
        );
        let missing = read_at_rest("x", &dir.path().join("x"), Writer::Unknown).unwrap_err();
        assert_eq!(missing.code, Code::CannotRead);
    }
}
