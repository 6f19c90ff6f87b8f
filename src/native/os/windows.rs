//! Windows: libraries are loaded from private copies, since a loaded DLL is locked.
//!
//! Written for Windows but not tested there. The copies stay until the system clears its temporary
//! files: a mapped DLL cannot be removed.

use super::{Loaded, OpenError, refused};
use libloading::Library;
use std::fs::Metadata;
use std::io::{self, Write};
use std::os::windows::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

/// Loads a library from bytes in memory, through a copy that no loader has seen: beside the file
/// where the library needs its folder, otherwise among the temporary files.
pub fn open_private(bytes: &[u8], file: &Path, needs_folder: bool) -> Result<Loaded, OpenError> {
    let folder = match file.parent() {
        Some(folder) if needs_folder => folder.to_owned(),
        _ => std::env::temp_dir(),
    };
    let failed = |e| OpenError::NoCopy(format!("a private copy in {}", folder.display()), e);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut copy = tempfile::Builder::new()
        .prefix("hotvm-")
        .suffix(&*format!("-{name}"))
        .tempfile_in(&folder)
        .map_err(failed)?;
    copy.write_all(bytes).and_then(|()| copy.flush()).map_err(failed)?;
    let path = copy.into_temp_path().keep().map_err(|e| failed(e.error))?;
    open(&path, file)
}

/// The loader runs all initialisers itself.
pub fn initialiser_arguments() -> Option<[u64; 3]> {
    None
}

/// Loads a library of the system by its name. The loader does not say from where.
pub fn open_system(name: &str) -> Result<(Loaded, Option<PathBuf>), OpenError> {
    let plain = format!("{name}.dll");
    Ok((open(Path::new(&plain), Path::new(name))?, None))
}

fn open(private: &Path, file: &Path) -> Result<Loaded, OpenError> {
    // SAFETY: loading runs the library's initialisers. The policy has admitted the library.
    let library = unsafe { Library::new(private) }.map_err(|e| refused(&e, private, file))?;
    Ok(Loaded::new(library, None))
}

/// The name under which the loader knows the library, if the system's folder has it.
pub fn system_files(name: &str) -> Vec<PathBuf> {
    let plain = PathBuf::from(format!("{name}.dll"));
    let root = std::env::var_os("SystemRoot").map(PathBuf::from).unwrap_or_default();
    let there = root.join("System32").join(&plain).is_file();
    there.then_some(plain).into_iter().collect()
}

/// All that shows a change of a file's content.
pub fn stamp(metadata: &Metadata) -> impl PartialEq + use<> {
    (metadata.len(), metadata.last_write_time(), metadata.creation_time())
}

/// When the file last changed.
pub fn changed_at(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(UNIX_EPOCH)
}

/// Whether the file is a program.
pub fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Nobody is told, so that what is unloaded is never claimed to be.
pub fn is_mapped(_: usize) -> bool {
    true
}

/// Links are seldom there, and cannot be told from files being written.
pub fn is_link(_: &Path) -> bool {
    false
}

/// `hotvm` among the temporary files, which are the user's own on Windows.
pub fn private_temp_folder() -> io::Result<PathBuf> {
    let folder = std::env::temp_dir().join("hotvm");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Windows has no such request.
pub fn on_hangup(_: impl Fn() + Send + 'static, _: fn()) {}

/// Processes have no groups that could be ended.
pub fn in_own_group(_: &mut Command) {}

/// See [`in_own_group`].
pub fn end_group(_: u32) {}
