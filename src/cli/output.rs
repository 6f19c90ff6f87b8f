//! Results: to standard output, or to a file, which is either replaced whole or left as it was.

use super::{report::Report, status};
use hotvm::diagnostics::{Code, Diagnostic};
use std::fs::Permissions;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Writes a result to where `-o` says; standard output for `-` and nothing. Gives the exit status.
pub(super) fn write(to: Option<&Path>, bytes: &[u8], binary: bool, report: &Report) -> u8 {
    let written = match to.filter(|path| *path != Path::new("-")) {
        Some(path) => spare_input(path, report)
            .and_then(|()| write_file(path, bytes).map_err(|error| cannot_write(path, &error))),
        None if binary && io::stdout().is_terminal() => {
            Err(Diagnostic::error(Code::BinaryToTerminal, "bytecode is not written to a terminal")
                .help("name a file with `-o FILE`, or redirect the output"))
        }
        None => write_stdout(bytes),
    };
    match written {
        Ok(()) => status::DONE,
        Err(diagnostic) => {
            report.error(diagnostic);
            status::REJECTED
        }
    }
}

/// Writes a program, which may then be executed. Gives the exit status.
pub(super) fn write_program(path: &Path, bytes: &[u8], report: &Report) -> u8 {
    let written = spare_input(path, report).and_then(|()| {
        let written = write_file(path, bytes).and_then(|()| make_executable(path));
        written.map_err(|error| cannot_write(path, &error))
    });
    match written {
        Ok(()) => status::DONE,
        Err(diagnostic) => {
            report.error(diagnostic);
            status::REJECTED
        }
    }
}

/// A result takes the place of none of the files that it was made from: `-o` before the wrong name is
/// soon written, and a text is not had back from bytecode.
fn spare_input(path: &Path, report: &Report) -> Result<(), Diagnostic> {
    let same =
        |name: &str, target: &PathBuf| Path::new(name).canonicalize().is_ok_and(|it| it == *target);
    let target = path.canonicalize().ok().filter(|target| target.is_file());
    let read = |target| report.sources.ids().any(|id| same(&report.sources.get(id).name, &target));
    if !target.is_some_and(read) {
        return Ok(());
    }
    let message = format!("`{}` is not overwritten: the result is made from it", path.display());
    Err(Diagnostic::error(Code::CannotWrite, message).help("name another file with `-o FILE`"))
}

fn cannot_write(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("cannot write `{}`: {error}", path.display());
    let folder = path.parent().filter(|folder| *folder != Path::new("") && !folder.exists());
    let help = folder.map(|folder| format!("make the folder `{}` first", folder.display()));
    Diagnostic::error(Code::CannotWrite, message).maybe_help(help)
}

/// Whoever may read a file may execute it.
#[cfg(unix)]
fn make_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path)?;
    let mode = metadata.permissions().mode();
    match metadata.is_file() {
        true => std::fs::set_permissions(path, Permissions::from_mode(mode | mode >> 2 & 0o111)),
        false => Ok(()),
    }
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Writes to standard output. That nobody reads it any more is no error.
pub(super) fn write_stdout(bytes: &[u8]) -> Result<(), Diagnostic> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Diagnostic::error(
            Code::CannotWrite,
            format!("cannot write standard output: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Writes to a file, or to what is none, such as a pipe or `/dev/null`.
fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Through a symbolic link, its target is replaced and not the link.
    match path.canonicalize() {
        Ok(target) => overwrite(&target, bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match path.read_link() {
            Ok(target) => write_file(&path.with_file_name(target), bytes),
            Err(_) => replace(path, bytes, None),
        },
        Err(error) => Err(error),
    }
}

fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let there = std::fs::metadata(path)?;
    if !there.is_file() {
        return std::fs::write(path, bytes);
    }
    if there.permissions().readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
    }
    replace(path, bytes, Some(there.permissions()))
}

/// Writes aside and renames, so that there is never half a file.
fn replace(target: &Path, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    // Asked first, because a failure to write aside would name a file that nobody knows.
    std::fs::metadata(&folder)?;
    let mut aside = temporary(&folder)?;
    aside.write_all(bytes)?;
    if let Some(permissions) = permissions {
        std::fs::set_permissions(aside.path(), permissions)?;
    }
    aside.persist(target).map_err(|error| error.error)?;
    Ok(())
}

fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hotvm-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file; what the user masks is taken away by the system.
        builder.permissions(Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
