//! Source libraries: `.c` and `.rs` files that are built with the system's compiler.
//!
//! What was built is kept in a cache, under a key of everything that went into it. The compiler
//! tells what it read only while it builds, so looking up takes two steps: the source, compiler and
//! arguments lead to a record of the last build, and that record is good if each file it names
//! still has the content it had then.

mod cache;
mod compiler;
mod dependencies;
mod product;
mod running;

use super::os;
use super::policy::shown;
use super::settings::Settings;
use crate::diagnostics::{Code, Diagnostic};
use blake3::Hash;
use cache::{Cache, Record};
use compiler::Compiler;
pub use product::{Found, Product, Toolchain};
pub use running::{end_compilers, set_compilers_apart};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// How often a build starts over because a file changed while the compiler ran.
const ATTEMPTS: usize = 4;

/// What a source is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    C,
    Rust,
}

impl Language {
    /// The language of files with this ending, if hotvm builds them.
    pub fn of_extension(extension: &OsStr) -> Option<Language> {
        match extension.to_str()? {
            "c" => Some(Language::C),
            "rs" => Some(Language::Rust),
            _ => None,
        }
    }
}

/// A library built from source.
#[derive(Debug)]
pub(super) struct Built {
    /// The library file's content.
    pub bytes: Vec<u8>,
    /// How long the compiler took; `None` where the cache had the library.
    pub took: Option<Duration>,
    /// What the compiler said although it succeeded.
    pub warnings: Option<String>,
    /// The files that the compiler read.
    pub inputs: Vec<PathBuf>,
}

/// Builds sources with the compilers that the settings name.
#[derive(Clone, Debug)]
pub(super) struct Builder {
    settings: Settings,
}

/// A file that went into a build: its content, and when it last changed.
struct Input {
    path: PathBuf,
    hash: Hash,
    changed: SystemTime,
}

impl Builder {
    pub fn new(settings: Settings) -> Builder {
        Builder { settings }
    }

    /// Builds the source file `source`, which the program calls `name`, unless the cache has it.
    pub fn build(
        &self,
        name: &str,
        source: &Path,
        language: Language,
    ) -> Result<Built, Diagnostic> {
        let cache = Cache::open(self.settings.cache_dir.as_deref())?;
        let folder = self.folder();
        let headers = cache.headers()?;
        let compiler = Compiler::find(name, language, &self.settings.config, &folder, &headers)?;
        // The header may have been written this instant; what it holds is known.
        let header = headers.join(cache::HEADER_NAME);
        let mut known = HashMap::from([(header, blake3::hash(cache::HEADER.as_bytes()))]);
        for _ in 0..ATTEMPTS {
            let hash = hash_file(source).map_err(|e| cannot_read(name, source, &e))?;
            known.insert(source.to_owned(), hash);
            let key = compiler.key(source, hash);
            if let Some((bytes, inputs)) = cache.find(key) {
                return Ok(Built { bytes, took: None, warnings: None, inputs });
            }
            if let Some(built) = attempt(name, source, &compiler, &cache, key, &mut known)? {
                return Ok(built);
            }
        }
        Err(Diagnostic::error(
            Code::StillChanging,
            format!("the sources of `{name}` changed each time they were compiled"),
        )
        .help("try again when whatever writes them is done"))
    }

    /// The folder that the compiler runs in, from which relative arguments start: the project's,
    /// wherever hotvm was started.
    fn folder(&self) -> PathBuf {
        shown(self.settings.config.folder().unwrap_or(&self.settings.program_dir))
    }
}

/// Compiles once. `None` says that an input changed meanwhile, so that nobody can tell which of its
/// contents the compiler saw.
fn attempt(
    name: &str,
    source: &Path,
    compiler: &Compiler,
    cache: &Cache,
    key: Hash,
    known: &mut HashMap<PathBuf, Hash>,
) -> Result<Option<Built>, Diagnostic> {
    let workshop = cache.workshop()?;
    let library = workshop.path().join("library");
    let listing = workshop.path().join("dependencies");
    let start = next_tick(&workshop.path().join("clock"))
        .map_err(|e| cannot_read(name, workshop.path(), &e))?;

    let clock = Instant::now();
    let output = compiler.run(source, &library, &listing)?;
    let took = clock.elapsed();
    let words = words_of(&output);
    if !output.status.success() {
        return Err(refused(name, compiler, &output, words));
    }
    let bytes = fs::read(&library).map_err(|e| cannot_read(name, &library, &e))?;
    let listing = fs::read(&listing).unwrap_or_default();
    let paths = dependencies::parse(&listing);
    let Some(inputs) = read_inputs(source, &paths, compiler.folder()) else { return Ok(None) };
    // An input is settled if it did not change since the start, or has the content that it is known
    // to have had before: then a clock that runs ahead, on some file server, costs one more build.
    let settled = inputs.iter().all(|input| {
        known.get(&input.path) == Some(&input.hash) || settled_before(input, source, start)
    });
    known.extend(inputs.iter().map(|input| (input.path.clone(), input.hash)));
    if !settled {
        return Ok(None);
    }
    let read = inputs.iter().map(|input| input.path.clone()).collect();
    let inputs = inputs.into_iter().map(|input| (input.path, input.hash)).collect();
    cache.store(key, &Record::new(inputs, &bytes), &bytes);
    let warnings = (!words.is_empty()).then_some(words);
    Ok(Some(Built { bytes, took: Some(took), warnings, inputs: read }))
}

/// Waits for the file system's clock to move, and returns its time, which is later than that of
/// every change before. The clock moves every few milliseconds; `file` is written to read it. A
/// file system whose clock stands still gets the same answer late.
fn next_tick(file: &Path) -> io::Result<SystemTime> {
    let read = || {
        fs::write(file, b"tick")?;
        fs::metadata(file).map(|m| os::changed_at(&m))
    };
    let first = read()?;
    for _ in 0..100 {
        sleep(Duration::from_millis(1));
        let now = read()?;
        if now > first {
            return Ok(now);
        }
    }
    Ok(first)
}

/// Only the content can vouch for the source itself: it is in the key.
fn settled_before(input: &Input, source: &Path, start: SystemTime) -> bool {
    input.path != source && input.changed < start
}

/// All that the compiler read, the source first; `None` if some of it is gone again.
fn read_inputs(source: &Path, paths: &[PathBuf], folder: &Path) -> Option<Vec<Input>> {
    let listed = paths.iter().map(|path| folder.join(path)).filter(|path| path != source);
    std::iter::once(source.to_owned())
        .chain(listed)
        .map(|path| {
            let hash = hash_file(&path).ok()?;
            let changed = os::changed_at(&fs::metadata(&path).ok()?);
            Some(Input { path, hash, changed })
        })
        .collect()
}

fn hash_file(path: &Path) -> io::Result<Hash> {
    // To read a pipe would take for ever.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    fs::read(path).map(|bytes| blake3::hash(&bytes))
}

/// The compiler's messages, which some compilers write to standard output, without the last line's
/// end.
fn words_of(output: &Output) -> String {
    let mut words = String::from_utf8_lossy(&output.stderr).into_owned();
    words.push_str(&String::from_utf8_lossy(&output.stdout));
    words.truncate(words.trim_end_matches(['\r', '\n']).len());
    words
}

fn refused(name: &str, compiler: &Compiler, output: &Output, words: String) -> Diagnostic {
    let error = Diagnostic::error(Code::BuildFailed, format!("`{name}` could not be built"));
    let error = match words.trim().is_empty() {
        true => error.note(format!("the compiler said nothing and ended with {}", output.status)),
        false => error.note(words),
    };
    error.note(format!("the compiler was {}", compiler.described()))
}

fn cannot_read(name: &str, path: &Path, why: &io::Error) -> Diagnostic {
    Diagnostic::error(Code::CannotRead, format!("cannot build `{name}`"))
        .note(format!("{}: {why}", path.display()))
}
