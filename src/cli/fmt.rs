//! `hotvm fmt`

use super::{EXIT_STATUS, output, report::Report, status};
use bytestring::ByteString;
use clap::Args;
use hotvm::diagnostics::{Diagnostic, visible};
use hotvm::program::{Input, not_text, search};
use hotvm::syntax::format;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Lays program text out in its one canonical way: labels and directives at the margin, mnemonics in
/// capitals, operands and comments in columns. Comments stay, and so do the assembled bytes; what is
/// wrong stays wrong, and is for `check` to tell.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm fmt .                                 every .vasm of the project
  hotvm fmt --check .                         prints those that would change; status 1 if any
  hotvm fmt < game.vasm                       to standard output

{EXIT_STATUS}"))]
pub(super) struct Fmt {
    /// Program texts, which are rewritten, and folders that are searched for .vasm; standard input for
    /// `-` or nothing
    #[arg(default_value = "-")]
    paths: Vec<PathBuf>,
    /// Change nothing: print the names of the files that would change
    #[arg(long)]
    check: bool,
}

impl Fmt {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let is_text = |path: &Path| path.extension().is_some_and(|e| e == "vasm");
        let texts = match search(&self.paths, is_text) {
            Ok(texts) => texts,
            Err(diagnostic) => {
                report.error(diagnostic);
                return status::REJECTED;
            }
        };
        let failed = texts.iter().filter(|path| !self.format(path, report)).count();
        if failed == 0 { status::DONE } else { status::REJECTED }
    }

    /// Whether a text could be laid out or, with `--check`, is.
    fn format(&self, path: &Path, report: &mut Report) -> bool {
        let (name, text) = match read(path, report) {
            Ok(read) => read,
            Err(diagnostic) => {
                report.error(diagnostic);
                return false;
            }
        };
        let formatted = format(&text);
        let standard_input = path == Path::new("-");
        if self.check {
            if text != formatted {
                // Nobody reads on when the pipe is closed; the exit status still tells.
                let _ = writeln!(std::io::stdout().lock(), "{}", visible(&name));
            }
            return text == formatted;
        }
        if text == formatted && !standard_input {
            return true;
        }
        let to = (!standard_input).then_some(path);
        output::write(to, formatted.as_bytes(), false, report) == status::DONE
    }
}

/// The name of a text, and what it holds.
fn read(path: &Path, report: &mut Report) -> Result<(String, ByteString), Diagnostic> {
    let input = Input::read(path)?;
    match input.text() {
        Ok(text) => Ok((input.name, text)),
        Err(why) => Err(not_text(input, why, &mut report.sources)),
    }
}
