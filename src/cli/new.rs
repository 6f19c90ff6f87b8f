//! `hotvm new`

use super::{EXIT_STATUS, report::Report, status};
use clap::Args;
use hotvm::diagnostics::{Code, Diagnostic};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes a project: a program, a C library that it calls, golden tests that pass, settings, a README,
/// and a workflow for continuous integration.
#[derive(Args)]
#[command(after_help = format!("\
Example:
  hotvm new game && cd game && hotvm test .

{EXIT_STATUS}"))]
pub(super) struct New {
    /// The folder to make; its last part is the project's name
    #[arg(value_name = "NAME")]
    folder: PathBuf,
}

/// The files of a project, and what they hold. `{name}` stands for its name.
const FILES: [(&str, &str); 8] = [
    ("{name}.vasm", include_str!("new/program.vasm")),
    ("native/{name}.c", include_str!("new/native/library.c")),
    ("tests/next_number.vasm", include_str!("new/tests/next_number.vasm")),
    ("tests/too_large.vasm", include_str!("new/tests/too_large.vasm")),
    ("hotvm.toml", include_str!("new/hotvm.toml")),
    ("README.md", include_str!("new/README.md")),
    (".github/workflows/ci.yml", include_str!("new/ci.yml")),
    (".gitignore", "*.vbc\n"),
];

impl New {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let made = name_of(&self.folder).and_then(|name| {
            let cannot_write = |error: io::Error| {
                let message = format!("cannot make `{}`: {error}", self.folder.display());
                Diagnostic::error(Code::CannotWrite, message)
            };
            refuse_to_overwrite(&self.folder)?;
            write_files(&self.folder, name).map_err(cannot_write)?;
            Ok(name)
        });
        match made {
            Ok(name) => {
                let folder = self.folder.display();
                report.notice(format!("made `{folder}`; run it: hotvm run {folder}/{name}.vasm"));
                status::DONE
            }
            Err(diagnostic) => {
                report.error(diagnostic);
                status::REJECTED
            }
        }
    }
}

/// The name goes into file names, program text and C, and is to need no quotes in any of them.
fn name_of(folder: &Path) -> Result<&str, Diagnostic> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(fits) {
        return Ok(name);
    }
    let message = format!("`{}` cannot name a project", folder.display());
    Err(Diagnostic::error(Code::CannotWrite, message)
        .help("a name begins with a letter, and consists of letters, digits, `_` and `-`"))
}

fn refuse_to_overwrite(folder: &Path) -> Result<(), Diagnostic> {
    let empty = folder.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    // What a broken symbolic link names is there as well, in a way.
    if empty || folder.symlink_metadata().is_err() {
        return Ok(());
    }
    let message = format!("`{}` is there already, and not an empty folder", folder.display());
    Err(Diagnostic::error(Code::CannotWrite, message)
        .note("nothing was changed")
        .help("choose another name, or remove it first"))
}

fn write_files(folder: &Path, name: &str) -> io::Result<()> {
    for (path, text) in FILES {
        let path = folder.join(path.replace("{name}", name));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text.replace("{name}", name))?;
    }
    Ok(())
}
