//! macOS, and the Unixes other than Linux: libraries are loaded from private copies.
//!
//! Written for macOS but not tested there. A copy is a new file, so the signature that the system
//! remembers of an older one under the same name cannot get in its way.

use super::unix;
pub use super::unix::{
    changed_at, end_group, in_own_group, is_executable, is_link, is_mapped, on_hangup,
    private_temp_folder, stamp,
};
use super::{Loaded, OpenError};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};

/// Loads a library from bytes in memory, through a copy that no loader has seen: beside the file
/// where the library needs its folder, otherwise among the temporary files.
pub fn open_private(bytes: &[u8], file: &Path, needs_folder: bool) -> Result<Loaded, OpenError> {
    let library = match file.parent() {
        Some(folder) if needs_folder => unix::open_copy(bytes, file, folder),
        _ => unix::open_copy(bytes, file, &std::env::temp_dir()),
    };
    Ok(Loaded::new(library?, None))
}

/// The loader runs all initialisers itself.
pub fn initialiser_arguments() -> Option<[u64; 3]> {
    None
}

/// Loads a library of the system by the one name that it has. The loader does not say from where.
pub fn open_system(name: &str) -> Result<(Loaded, Option<PathBuf>), OpenError> {
    let plain = format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
    let library = unix::open(Path::new(&plain), Path::new(name))?;
    Ok((Loaded::new(library, None), None))
}

/// The name under which the loader may know the library. Many of macOS's libraries are in a shared
/// cache and not in files, so only the loader could tell whether it does.
pub fn system_files(name: &str) -> Vec<PathBuf> {
    vec![PathBuf::from(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"))]
}
