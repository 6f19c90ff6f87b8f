//! What the reloading thread has to look at, and why.

use crate::native::os;
use crate::native::prepare::Known;
use crate::native::read::Writer;
use crate::native::resolve::Place;
use crate::native::watch::in_same_folder;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What is to be looked at.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Everything.
    pub all: bool,
    /// Libraries of which a change may have been missed.
    pub missed: Vec<usize>,
    /// Files that have changed.
    pub touched: Vec<PathBuf>,
}

/// Why a library is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A change, or a request.
    Change,
    /// A change may have been missed. Its event may still come.
    Missed,
    /// It is a source that was refused. What it lacks is not known; perhaps it has come.
    Hope,
}

impl Changes {
    pub fn any(&self) -> bool {
        self.all || !self.touched.is_empty()
    }

    /// Why to look at a library, if there is a reason. Of a `group`, every library is looked at when
    /// one has changed: one that was held back by another's failure has its turn with it.
    pub fn cause(&self, index: usize, known: &Known, refused: bool, group: bool) -> Option<Cause> {
        if self.all || group && self.any() || self.touches(known) {
            Some(Cause::Change)
        } else if self.missed.contains(&index) {
            Some(Cause::Missed)
        } else if refused && known.is_source() && !self.touched.is_empty() {
            Some(Cause::Hope)
        } else {
            None
        }
    }

    /// What is known of whoever wrote a library's files. The watcher tells of finished changes only,
    /// where the system lets it know.
    pub fn writer(&self, known: &Known) -> Writer {
        let is_own = |path: &PathBuf| known.own_files().any(|file| is_same(file, path));
        match cfg!(target_os = "linux") && self.touched.iter().any(is_own) {
            true => Writer::Done,
            false => Writer::Unknown,
        }
    }

    fn touches(&self, known: &Known) -> bool {
        self.touched.iter().any(|path| known.is_made_from(path))
    }
}

impl Known {
    /// The files that the library is made from, the one that the program names, and those of the
    /// libraries that it needs.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let needs = self.image.iter().flat_map(|image| image.needs.files());
        self.own_files().chain(needs)
    }

    /// The same without the libraries that it needs.
    fn own_files(&self) -> impl Iterator<Item = &Path> {
        self.inputs.files.iter().map(PathBuf::as_path).chain(self.place.path())
    }

    /// When the last of them changed, of those that are there.
    pub(super) fn written(&self) -> Option<SystemTime> {
        self.files().filter_map(|file| file.metadata().ok()).map(|m| os::changed_at(&m)).max()
    }

    pub(super) fn is_made_from(&self, path: &Path) -> bool {
        self.files().any(|file| is_same(file, path))
    }

    fn is_source(&self) -> bool {
        matches!(self.place, Place::Source(..))
    }
}

/// Whether two paths, of which the watcher may have made one up, are of one file.
fn is_same(file: &Path, path: &Path) -> bool {
    file == path || (file.file_name() == path.file_name() && in_same_folder(file, path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::build::Language;
    use crate::native::prepare::Numbers;
    use crate::native::read::Inputs;

    fn known(place: Place) -> Known {
        let files = vec![place.path().unwrap().to_owned(), "/lab/part.h".into()];
        Known {
            name: "it".to_owned(),
            place,
            generation: 1,
            numbers: Numbers::default(),
            hash: None,
            image: None,
            group: vec![0],
            inputs: Inputs::new(files, SystemTime::UNIX_EPOCH),
        }
    }

    fn touched(path: &str) -> Changes {
        Changes { touched: vec![path.into()], ..Changes::default() }
    }

    #[test]
    fn a_library_is_looked_at_for_its_own_files() {
        let library = known(Place::File("/lab/it.so".into()));
        for own in ["/lab/it.so", "/lab/part.h"] {
            assert_eq!(touched(own).cause(0, &library, false, false), Some(Cause::Change));
        }
        // That it was refused before changes nothing: all that it is made from is known.
        for refused in [false, true] {
            assert_eq!(touched("/lab/x.h").cause(0, &library, refused, false), None);
        }
        assert_eq!(touched("/lab/x.h").cause(0, &library, false, true), Some(Cause::Change));
        assert_eq!(Changes::default().cause(0, &library, true, true), None);
    }

    #[test]
    fn a_source_that_was_refused_is_looked_at_whatever_comes() {
        let source = known(Place::Source("/lab/it.c".into(), Language::C));
        assert_eq!(touched("/lab/it.c").cause(0, &source, true, false), Some(Cause::Change));
        assert_eq!(touched("/lab/x.h").cause(0, &source, true, false), Some(Cause::Hope));
        assert_eq!(touched("/lab/x.h").cause(0, &source, false, false), None);
        assert_eq!(Changes::default().cause(0, &source, true, false), None);
    }

    #[test]
    fn a_request_is_for_every_library_and_what_was_missed_for_one() {
        let library = known(Place::File("/lab/it.so".into()));
        let all = Changes { all: true, ..Changes::default() };
        assert_eq!(all.cause(0, &library, false, false), Some(Cause::Change));
        let missed = Changes { missed: vec![1], ..touched("/lab/x.h") };
        assert_eq!(missed.cause(0, &library, false, false), None);
        assert_eq!(missed.cause(1, &library, false, false), Some(Cause::Missed));
    }
}
