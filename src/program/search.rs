//! Programs in folders.

use crate::diagnostics::{Code, Diagnostic};
use std::io;
use std::path::{Path, PathBuf};

/// The files that paths stand for, in order, each once: a folder for those in it, at any depth, that
/// are `wanted`, and anything else for itself. Hidden folders are left out.
///
/// # Errors
/// When a folder cannot be read.
pub fn search(
    paths: &[PathBuf],
    wanted: impl Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, Diagnostic> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            search_folder(path, &wanted, &mut found).map_err(|error| {
                let message = format!("cannot read `{}`: {error}", path.display());
                Diagnostic::error(Code::CannotRead, message)
            })?;
        } else {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn search_folder(
    folder: &Path,
    wanted: &impl Fn(&Path) -> bool,
    found: &mut Vec<PathBuf>,
) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        if path.is_dir() {
            if !hidden && !path.is_symlink() {
                search_folder(&path, wanted, found)?;
            }
        } else if wanted(&path) {
            found.push(path);
        }
    }
    Ok(())
}
