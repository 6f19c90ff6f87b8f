//! The libraries that a library needs, in the folders that it names itself.
//!
//! The system's loader loads them. What it has loaded under a name it gives back to whoever asks for
//! that name, as long as the process lives and whatever the file holds by then. So a reload cannot
//! bring a new version of them; but it can tell that it has not.

use super::check::{Needed, check};
use super::read::read_now;
use crate::diagnostics::{Code, Diagnostic};
use blake3::Hash;
use std::collections::{HashMap, VecDeque};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// What the loader has, by name. There is one loader in a process, and so one of these.
static LOADED: LazyLock<Mutex<HashMap<String, Loaded>>> = LazyLock::new(Mutex::default);

struct Loaded {
    hash: Hash,
    /// The other content of which was told last that it is not loaded.
    told: Option<Hash>,
}

/// The libraries that one needs, and those that these need.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs(Vec<Need>);

/// One of them, as its file is now.
#[derive(Clone, Debug)]
pub(super) struct Need {
    name: String,
    file: PathBuf,
    hash: Hash,
}

impl Needs {
    /// What the library in `file` needs. What lies in no folder that is named is the system's, or
    /// missing.
    pub fn of(needed: &Needed, file: &Path) -> Needs {
        let mut needs: Vec<Need> = Vec::new();
        let mut open = VecDeque::from([(needed.clone(), file.to_owned())]);
        while let Some((needed, file)) = open.pop_front() {
            for name in &needed.names {
                let known = needs.iter().any(|need| need.name == *name);
                let file = needed.places(name, &file).into_iter().find(|file| file.exists());
                let Some(file) = file.filter(|_| !known) else { continue };
                let Some(bytes) = read_now(&file) else { continue };
                needs.push(Need {
                    name: name.clone(),
                    file: file.clone(),
                    hash: blake3::hash(&bytes),
                });
                open.extend(check(&bytes).ok().map(|checked| (checked.needed, file)));
            }
        }
        Needs(needs)
    }

    /// Where they are.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|need| &*need.file)
    }

    /// Notes that the loader has them. What it had before, it still has.
    pub fn loaded(&self) {
        let mut loaded = loaded();
        for Need { name, hash, .. } in &self.0 {
            loaded.entry(name.clone()).or_insert(Loaded { hash: *hash, told: None });
        }
    }

    /// Those of which the loader has another version.
    pub fn outdated(&self) -> Vec<Need> {
        let loaded = loaded();
        let is_other = |need: &&Need| loaded.get(&need.name).is_some_and(|l| l.hash != need.hash);
        self.0.iter().filter(is_other).cloned().collect()
    }

    /// Looks at their files once more, and gives those with other content than the loader has and than
    /// was told.
    pub fn news(&self) -> Vec<Need> {
        let now = |need: &Need| {
            let hash = blake3::hash(&read_now(&need.file)?);
            Some(Need { hash, ..need.clone() })
        };
        let now: Vec<_> = self.0.iter().filter_map(now).collect();
        let mut loaded = loaded();
        let mut is_news = |need: &Need| {
            let Some(loaded) = loaded.get_mut(&need.name) else { return false };
            let other = (need.hash != loaded.hash).then_some(need.hash);
            let told = mem::replace(&mut loaded.told, other);
            other.is_some() && told != other
        };
        now.into_iter().filter(|need| is_news(need)).collect()
    }
}

impl Need {
    /// That `library` goes on with the version that the loader has.
    pub fn diagnostic(&self, library: &str) -> Diagnostic {
        Diagnostic::warning(Code::OutdatedNeed, self.sentence(library))
            .note(format!("the file is {}", self.file.display()))
            .note("the system's loader loads a name once in a process")
            .help(
                "start anew to use it; to have it reloaded, link it into the library, from its sources \
                 or as a static library",
            )
    }

    pub fn sentence(&self, library: &str) -> String {
        let name = &self.name;
        format!("`{library}` needs {name}, which has changed; the one loaded first stays in use")
    }
}

/// Whoever panicked while it was locked has left it as good as before.
fn loaded() -> MutexGuard<'static, HashMap<String, Loaded>> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn each_other_content_is_news_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("libhelper.so");
        let mut needed = Needed::default();
        needed.names.extend([file.to_str().unwrap().to_owned(), "libc.so.6".to_owned()]);
        let find = || Needs::of(&needed, &dir.path().join("libv.so"));
        assert_eq!(find().files().count(), 0, "it is missing, and the other the system's");
        fs::write(&file, "one").unwrap();
        let needs = find();
        assert!(needs.outdated().is_empty(), "nobody has loaded it");
        needs.loaded();
        for (content, news) in
            [("one", 0), ("two", 1), ("two", 0), ("three", 1), ("one", 0), ("three", 1)]
        {
            fs::write(&file, content).unwrap();
            assert_eq!(needs.news().len(), news, "{content}");
            // Whoever loads it now gets the first.
            find().loaded();
            assert_eq!(find().outdated().len(), usize::from(content != "one"));
        }
        fs::remove_file(&file).unwrap();
        assert!(needs.news().is_empty());
    }
}
