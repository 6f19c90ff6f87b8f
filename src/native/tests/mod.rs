//! Tests of the room as a whole, with a real compiler and a real loader.

mod awkward;
mod calls;
mod files;
mod live;
mod places;
mod random_calls;
mod reloads;
mod signatures;
mod sources;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod state;

use super::{Event, EventKind, EventSink, Libraries, Settings};
use crate::diagnostics::Diagnostic;
use crate::isa::{CType, Import, Signature};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A folder with a program's folder and a cache of its own, where libraries are made.
struct Lab(tempfile::TempDir);

impl Lab {
    fn new() -> Lab {
        let lab = Lab(tempfile::tempdir().unwrap());
        fs::create_dir(lab.path("program")).unwrap();
        lab
    }

    /// A path inside the lab.
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A path inside the program's folder.
    fn file(&self, name: &str) -> PathBuf {
        self.path("program").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    /// Compiles C into a library in the program's folder, which appears there whole.
    fn compile(&self, name: &str, code: &str) -> PathBuf {
        self.compile_with(name, code, &[])
    }

    fn compile_with(&self, name: &str, code: &str, flags: &[&str]) -> PathBuf {
        let (source, made) = (self.path("lab.c"), self.path("lab.so"));
        fs::write(&source, code).unwrap();
        let headers = Path::new(env!("CARGO_MANIFEST_DIR")).join("native/include");
        let done = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-I"])
            .arg(headers)
            .args(flags)
            .arg("-o")
            .args([&made, &source])
            .args(["-lm"])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let library = self.file(name);
        fs::rename(made, &library).unwrap();
        library
    }

    fn settings(&self) -> Settings {
        Settings {
            program_dir: self.path("program"),
            cache_dir: Some(self.path("cache")),
            ..Settings::default()
        }
    }

    fn libraries(&self, imports: &[Import]) -> Libraries {
        Libraries::new(imports.to_vec(), self.settings())
    }

    /// The same, all bound.
    fn bound(&self, imports: &[Import]) -> Libraries {
        let mut libraries = self.libraries(imports);
        libraries.bind_all().unwrap();
        libraries
    }
}

/// The events of libraries, as they come.
struct Heard(Receiver<Event>);

impl Heard {
    /// The warnings among those that have come.
    fn warnings(&self) -> Vec<Diagnostic> {
        let warning = |event: Event| match event.kind {
            EventKind::Warned(warning) => Some(warning.diagnostic),
            _ => None,
        };
        self.0.try_iter().filter_map(warning).collect()
    }

    /// Waits for one that is wanted.
    fn wait_for(&self, wanted: impl Fn(&Event) -> bool) -> Event {
        let mut passed = Vec::new();
        loop {
            match self.0.recv_timeout(DEADLINE) {
                Ok(event) if wanted(&event) => return event,
                Ok(event) => passed.push(event.to_json()),
                Err(why) => panic!("{why}; there came {passed:#?}"),
            }
        }
    }
}

/// When a test gives up. Nothing takes as long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(120);

fn listen(libraries: &mut Libraries) -> Heard {
    let (send, receive) = channel();
    libraries.on_event(EventSink::new(move |event| drop(send.send(event))));
    Heard(receive)
}

fn import(library: &str, symbol: &str, params: &[CType], result: CType) -> Import {
    Import {
        slot: 7,
        library: library.to_owned(),
        symbol: symbol.to_owned(),
        signature: Signature { params: params.to_vec(), result },
        version: None,
        lazy: false,
    }
}

/// An import of a function without parameters that returns an `i64`.
fn number(library: &str, symbol: &str) -> Import {
    import(library, symbol, &[], CType::I64)
}

/// Calls an import without memory, and gives its integer result.
fn ask(libraries: &mut Libraries, import: usize, args: &[i64]) -> i64 {
    let cells: Vec<u64> = args.iter().map(|&arg| arg as u64).collect();
    libraries.call(import, &cells, &mut []).unwrap().unwrap() as i64
}
