//! `hotvm check`

use super::{EXIT_STATUS, libraries::NativeFlags, report::Report, status};
use clap::Args;
use hotvm::diagnostics::{Code, Diagnostic, Sources};
use hotvm::program::{Input, Program, search};
use std::path::{Path, PathBuf};

/// Assembles and proves programs as `run` does, and tells all that is wrong with them. Nothing is
/// written, bound or run.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm check game.vasm lib.vbc
  hotvm check .                               every .vasm and .vbc of the project
  hotvm check --error-format json . 2> errors.jsonl

{EXIT_STATUS}"))]
pub(super) struct Check {
    /// Programs, text or bytecode, and folders that are searched for .vasm and .vbc; standard input
    /// for `-` or nothing
    #[arg(default_value = "-")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    native: NativeFlags,
}

impl Check {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let is_program = |path: &Path| path.extension().is_some_and(|e| e == "vasm" || e == "vbc");
        let programs = match search(&self.paths, is_program) {
            Ok(programs) if programs.is_empty() => Err(nothing_found(&self.paths)),
            found => found,
        };
        let programs = match programs {
            Ok(programs) => programs,
            Err(diagnostic) => {
                report.error(diagnostic);
                return status::REJECTED;
            }
        };
        let (mut rejected, mut last) = (0, None);
        for program in &programs {
            last = self.load(program, report);
            rejected += usize::from(last.is_none());
        }
        match programs.len() {
            1 => {}
            all => report.summary(format!("{all} programs checked, {rejected} rejected")),
        }
        // The process ends here, which frees memory faster than piece by piece.
        std::mem::forget(last);
        if rejected == 0 { status::DONE } else { status::REJECTED }
    }

    fn load(&self, program: &Path, report: &mut Report) -> Option<Program> {
        // The texts of one program are of no use to the next.
        report.sources = Sources::new();
        let read = Input::read(program).map_err(|diagnostic| vec![diagnostic]);
        let loaded = read.and_then(|input| self.native.load(input, report));
        match &loaded {
            Ok(_) => report.detail(format!("{}: no errors", program.display())),
            Err(diagnostics) => report.errors(diagnostics),
        }
        loaded.ok()
    }
}

fn nothing_found(paths: &[PathBuf]) -> Diagnostic {
    let names: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    let message = format!("no programs in {}", names.join(", "));
    Diagnostic::error(Code::CannotRead, message).help("programs end in `.vasm` or `.vbc`")
}
