//! What differs between operating systems: one file each, behind the same functions.
//!
//! - `open_private(bytes, file, needs_folder)` loads a library from bytes in memory under a name
//!   that no loader has ever seen. `file` is where the bytes come from; `needs_folder` says that
//!   the library looks for others relative to its own place.
//! - `open_system(name)` loads a library of the system by its bare name, and says from which file
//!   where that is known.
//! - `system_files(name)` lists what the loader may know the bare name as, the best first: paths, or
//!   names where it tells no more.
//! - `stamp(metadata)` and `changed_at(metadata)` tell whether and when a file changed.
//! - `is_executable(path)` tells whether a file is a program.
//! - `is_link(path)` tells whether a name is one more for a file that has another.
//! - `is_mapped(address)` tells whether the loader knows a library at an address.
//! - `on_hangup(f, end)` calls a function whenever the system asks the process to reload, and another
//!   when it asks it to end.
//! - `in_own_group(command)` has a process start with a group of its own, and `end_group(id)` ends it
//!   with all that it has started.
//! - `initialiser_arguments()` is what the loader passes to the initialisers of a library; `None` where
//!   they cannot be run in its stead.
//! - [`Moves`] tells when a folder is moved or removed.
//! - `private_temp_folder()` makes a folder among the temporary files that is this user's alone.

use libloading::Library;
use std::ffi::c_void;
use std::fs::File;
use std::mem::ManuallyDrop;
use std::path::Path;

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
// Also the other Unixes, which share what is used here.
#[cfg(all(unix, not(target_os = "linux")))]
#[path = "macos.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

#[cfg(unix)]
mod unix;

#[cfg_attr(not(target_os = "linux"), path = "no_moves.rs")]
mod moves;

#[cfg(target_os = "linux")]
pub(super) use system::{is_private_copy, name_in_copy};

pub(super) use moves::Moves;
pub(super) use system::{
    changed_at, end_group, in_own_group, initialiser_arguments, is_executable, is_link, is_mapped,
    on_hangup, open_private, open_system, private_temp_folder, stamp, system_files,
};

/// A library that the loader has mapped.
///
/// It stays so when this is dropped. Closing often unmaps nothing (thread-locals with destructors, C++
/// unique symbols), and where it does unmap, a thread, an `atexit` handler or a pointer that the
/// library left behind crashes the process later. A library that is kept costs some pages.
/// [`Loaded::unload`] is for those of which more is known.
#[derive(Debug)]
pub(super) struct Loaded {
    library: ManuallyDrop<Library>,
    base: Option<usize>,
    /// The file in memory that it was loaded from. The loader knows the library by the descriptor's
    /// number as long as it is mapped; were the number used again, the same name would give this
    /// library for the next.
    memory: ManuallyDrop<Option<File>>,
}

/// Why a library was not loaded.
#[derive(Debug)]
pub(super) enum OpenError {
    /// The loader's own words.
    Refused(String),
    /// The private copy could not be made: what was tried, and why it failed.
    NoCopy(String, std::io::Error),
}

impl Loaded {
    fn new(library: impl Into<Library>, base: Option<usize>) -> Loaded {
        let library = ManuallyDrop::new(library.into());
        Loaded { library, base, memory: ManuallyDrop::new(None) }
    }

    /// Keeps the file in memory that it was loaded from.
    #[cfg(target_os = "linux")]
    fn with_memory(self, memory: File) -> Loaded {
        Loaded { memory: ManuallyDrop::new(Some(memory)), ..self }
    }

    /// What the loader added to the addresses of the library's file, where it tells.
    pub fn base(&self) -> Option<usize> {
        self.base
    }

    /// Unmaps the library, and tells whether the system has done so: it may have reasons of its own
    /// to keep it. `address` is one inside of it.
    ///
    /// # Safety
    /// Nothing runs the library's code or uses its data any more, or ever will.
    pub unsafe fn unload(self, address: usize) -> bool {
        if ManuallyDrop::into_inner(self.library).close().is_err() || is_mapped(address) {
            return false;
        }
        drop(ManuallyDrop::into_inner(self.memory));
        true
    }

    /// The address of an exported symbol.
    pub fn address(&self, symbol: &str) -> Option<usize> {
        // SAFETY: the symbol is only looked up; any symbol has an address, and reading it as a
        // plain pointer claims nothing about what is there.
        let symbol = unsafe { self.library.get::<*mut c_void>(symbol) }.ok()?;
        Some(*symbol as usize).filter(|&address| address != 0)
    }
}

/// The loader's words, with the private name, which tells the user nothing, replaced by the file's.
fn refused(error: &libloading::Error, private: &Path, file: &Path) -> OpenError {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = inner.source();
    }
    let private = private.to_string_lossy();
    OpenError::Refused(words.replace(&*private, &file.to_string_lossy()))
}
