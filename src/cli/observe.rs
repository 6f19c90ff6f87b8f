//! The flags to watch a program with: a trace, a profile.

use super::{output, report::Report};
use clap::{Args, ValueEnum};
use hotvm::diagnostics::{Code, Diagnostic};
use hotvm::engine::{Profile, ProfileMode, Vm};
use hotvm::program::Program;
use std::fs::File;
use std::io::{self, LineWriter, Write};
use std::path::{Path, PathBuf};

/// What to watch.
#[derive(Args, Clone)]
pub(super) struct ObserveFlags {
    /// Write every instruction with the operand stack before it to a file, or to standard error for
    /// `-`
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Tell at the end which functions and lines cost most, by time or by instructions executed
    #[arg(long, value_name = "BY", num_args = 0..=1, default_missing_value = "time", require_equals = true)]
    profile: Option<By>,
    /// With --profile: write the call stacks for a flame graph to a file, or to standard output for
    /// `-`
    #[arg(long, value_name = "FILE", requires = "profile")]
    folded: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// Where it is each millisecond
    Time,
    /// How often each line is executed
    Count,
}

impl ObserveFlags {
    /// Begins to watch.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn begin(&self, vm: &mut Vm<'_>, program: &Program) -> Result<(), Diagnostic> {
        if let Some(by) = self.profile {
            vm.profile(match by {
                By::Time => ProfileMode::Time,
                By::Count => ProfileMode::Count,
            });
        }
        if let Some(path) = &self.trace {
            let (mut out, mut writer) = (create(path)?, program.trace_writer());
            // Nobody may want to read on; the program is not to suffer from it.
            vm.trace(Box::new(move |site, stack| {
                let _ = out.write_all(writer.line(site, stack).as_bytes());
            }));
        }
        Ok(())
    }

    /// Tells what was measured.
    pub(super) fn end(&self, profile: Option<Profile>, program: &mut Program, report: &mut Report) {
        let Some(profile) = profile else { return };
        let table = program.describe_profile(&profile, &mut report.sources);
        report.notice(format!("profile: {}", table.trim_end()));
        if let Some(path) = &self.folded {
            let folded = program.fold_profile(&profile);
            output::write(Some(path), folded.as_bytes(), false, report);
        }
    }
}

fn create(path: &Path) -> Result<Box<dyn Write>, Diagnostic> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stderr()));
    }
    match File::create(path) {
        // Line by line, so that the last one is there whatever ends the process.
        Ok(file) => Ok(Box::new(LineWriter::new(file))),
        Err(error) => {
            let message = format!("cannot write `{}`: {error}", path.display());
            Err(Diagnostic::error(Code::CannotWrite, message))
        }
    }
}
