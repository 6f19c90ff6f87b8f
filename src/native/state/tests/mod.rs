//! State that is carried over, between libraries made by real compilers.

mod damage;
mod matrix;
mod reports;
mod together;
mod upgrades;

use super::super::os::{Loaded, open_private};
use super::{Migration, StateReport, Statics};
use crate::native::StateMode;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A library that is loaded.
struct Library {
    bytes: Vec<u8>,
    loaded: Loaded,
}

impl Library {
    /// Compiles files of C.
    fn compile(compiler: &str, flags: &[&str], files: &[(&str, &str)]) -> Library {
        let folder = tempfile::tempdir().unwrap();
        Library::compile_in(folder.path(), compiler, flags, files)
    }

    fn compile_in(
        folder: &Path,
        compiler: &str,
        flags: &[&str],
        files: &[(&str, &str)],
    ) -> Library {
        let headers = Path::new(env!("CARGO_MANIFEST_DIR")).join("native/include");
        let mut command = Command::new(compiler);
        command.current_dir(folder).args(["-shared", "-fPIC", "-g", "-o", "made.so", "-I"]);
        command.arg(headers).args(flags);
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
            command.arg(name);
        }
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Library::load(fs::read(folder.join("made.so")).unwrap())
    }

    /// One file of C, without optimisation.
    fn plain(text: &str) -> Library {
        Library::compile("cc", &["-O0"], &[("plain.c", text)])
    }

    fn load(bytes: Vec<u8>) -> Library {
        let loaded = open_private(&bytes, Path::new("made.so"), false).unwrap();
        Library { bytes, loaded }
    }

    fn call(&self, name: &str, argument: i32) -> i64 {
        let function = self.loaded.address(name).expect(name);
        // SAFETY: all functions that the tests call have this type, or take less or return nothing,
        // which comes to the same on the machines that these tests run on.
        let function: extern "C" fn(i32) -> i64 = unsafe { std::mem::transmute(function) };
        function(argument)
    }

    fn statics(&self) -> Statics {
        Statics::read(&self.bytes)
    }

    /// Carries the state over to the next generation, each variable by itself.
    fn migrate(&self, next: &Library) -> StateReport {
        self.migrate_with(next, StateMode::Partial)
    }

    fn migrate_with(&self, next: &Library, mode: StateMode) -> StateReport {
        let migration = Migration::plan(&self.statics(), &next.statics(), mode);
        let (old, new) = (self.loaded.base().unwrap(), next.loaded.base().unwrap());
        // SAFETY: both are loaded from these bytes, stay mapped, and nobody is calling them.
        unsafe { migration.apply(old, new) }
    }
}

/// Whether clang is there. CI installs it, so there it must be.
fn has_clang() -> bool {
    let found = Command::new("clang").arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CI").is_none(), "CI must have clang and lld");
    if !found {
        eprintln!("skipped: clang is not installed");
    }
    found
}
