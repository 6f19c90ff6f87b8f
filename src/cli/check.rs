//! `hotvm check`

use super::{EXIT_STATUS, libraries::NativeFlags, report::Report, status};
use clap::Args;
use hotvm::diagnostics::{Code, Diagnostic, Sources};
use hotvm::program::{Input, search};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Assembles and proves programs as `run` does, and tells all that is wrong with them. Nothing is
/// written, bound or run.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm check game.vasm lib.vbc
  hotvm check main.vasm --with ai.vasm        one program of two files
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

/// A program that is wrong, with the texts that its errors point into.
struct Rejected {
    sources: Sources,
    errors: Vec<Diagnostic>,
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
        let mut included = HashSet::new();
        let checked: Vec<Option<Rejected>> =
            programs.iter().map(|program| self.check(program, &mut included, report)).collect();
        let (mut rejected, mut parts) = (0, 0);
        for (program, found) in programs.iter().zip(checked) {
            let Some(found) = found else { continue };
            if !self.paths.contains(program) && is_part(program, &found, &included) {
                parts += 1;
                report.detail(format!("{}: a part of other programs", program.display()));
                continue;
            }
            rejected += 1;
            report.sources = found.sources;
            report.errors(&found.errors);
        }
        if programs.len() > 1 {
            let parts_told = match parts {
                0 => String::new(),
                1 => "; one more file is only a part of others".to_owned(),
                n => format!("; {n} more files are only parts of others"),
            };
            let checked = programs.len() - parts;
            report.summary(format!("{checked} programs checked, {rejected} rejected{parts_told}"));
        }
        if rejected == 0 { status::DONE } else { status::REJECTED }
    }

    /// What is wrong with a program, if anything is. Notes what it includes.
    fn check(
        &self,
        program: &Path,
        included: &mut HashSet<PathBuf>,
        report: &mut Report,
    ) -> Option<Rejected> {
        // The texts of one program are of no use to the next.
        report.sources = Sources::new();
        let read = Input::read(program).map_err(|diagnostic| vec![diagnostic]);
        let loaded = read.and_then(|input| self.native.load_with_warnings(input, report));
        let sources = std::mem::take(&mut report.sources);
        let others = sources.ids().skip(1).map(|id| Path::new(&sources.get(id).name));
        included.extend(others.filter_map(|path| path.canonicalize().ok()));
        match loaded {
            Ok(_) => {
                report.detail(format!("{}: no errors", program.display()));
                None
            }
            Err(errors) => Some(Rejected { sources, errors }),
        }
    }
}

/// Whether a text is no program by itself, and not meant to be: another includes it, or what it misses
/// is of other files, or it is there for them.
fn is_part(program: &Path, found: &Rejected, included: &HashSet<PathBuf>) -> bool {
    let says_public = || {
        let text = found.sources.ids().next().and_then(|id| found.sources.get(id).text.as_deref());
        text.unwrap_or_default().lines().any(|line| line.trim_start().starts_with(".public"))
    };
    let of_others = |error: &Diagnostic| match error.code {
        Code::NotPublic => true,
        Code::EmptyProgram => says_public(),
        _ => false,
    };
    program.canonicalize().is_ok_and(|path| included.contains(&path))
        || found.errors.iter().all(of_others)
}

fn nothing_found(paths: &[PathBuf]) -> Diagnostic {
    let names: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    let message = format!("no programs in {}", names.join(", "));
    Diagnostic::error(Code::CannotRead, message).help("programs end in `.vasm` or `.vbc`")
}
