//! The flags to watch a program with: a trace, a profile, statistics.

use super::{output, report::Report};
use clap::{Args, ValueEnum};
use hotvm::diagnostics::{Code, Diagnostic};
use hotvm::engine::{MachineCode, Profile, ProfileMode, Vm};
use hotvm::program::{Program, symbol};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, LineWriter, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use tempfile::NamedTempFile;

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
    /// Tell at the end how long each function was interpreted or ran as machine code, and what compiling
    /// it cost
    #[arg(long)]
    stats: bool,
    /// Write the names of machine code to a file, for `perf`, which reads them from /tmp/perf-PID.map
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    perf_map: Option<Option<PathBuf>>,
}

/// What is being watched.
#[derive(Default)]
pub(super) struct Watched {
    codes: Rc<RefCell<Vec<MachineCode>>>,
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
    pub(super) fn begin(&self, vm: &mut Vm<'_>, program: &Program) -> Result<Watched, Diagnostic> {
        match (self.profile, self.stats) {
            (Some(By::Count), _) => vm.profile(ProfileMode::Count),
            (Some(By::Time), _) | (None, true) => vm.profile(ProfileMode::Time),
            (None, false) => {}
        }
        let watched = Watched::default();
        self.listen_to_code(&watched, vm, program)?;
        if let Some(path) = &self.trace {
            let (mut out, mut writer) = (create(path)?, program.trace_writer());
            // Nobody may want to read on; the program is not to suffer from it.
            vm.trace(Box::new(move |site, stack| {
                let _ = out.write_all(writer.line(site, stack).as_bytes());
            }));
        }
        Ok(watched)
    }

    /// Notes what is compiled, where somebody wants to know.
    fn listen_to_code(
        &self,
        watched: &Watched,
        vm: &mut Vm<'_>,
        program: &Program,
    ) -> Result<(), Diagnostic> {
        if !self.stats && self.perf_map.is_none() {
            return Ok(());
        }
        let codes = Rc::clone(&watched.codes);
        let mut map = self.perf_map.as_ref().map(|path| create_map(path.as_deref())).transpose()?;
        let verified = Arc::clone(&program.verified);
        vm.on_machine_code(Box::new(move |code| {
            if let Some(map) = &mut map {
                let name = symbol(verified.module(), code);
                // A full disk is no reason to stop the program.
                let _ = writeln!(map, "{:x} {:x} {name}", code.address, code.size);
            }
            codes.borrow_mut().push(code.clone());
        }));
        Ok(())
    }

    /// Tells what was measured.
    pub(super) fn end(
        &self,
        watched: &Watched,
        profile: Option<Profile>,
        program: &mut Program,
        report: &mut Report,
    ) {
        if self.stats {
            let table = program.describe_stats(profile.as_ref(), &watched.codes.borrow());
            report.notice(format!("stats: {}", table.trim_end()));
        }
        let Some(profile) = profile.filter(|_| self.profile.is_some()) else { return };
        let table = program.describe_profile(&profile, &mut report.sources);
        report.notice(format!("profile: {}", table.trim_end()));
        if let Some(path) = &self.folded {
            let folded = program.fold_profile(&profile);
            output::write(Some(path), folded.as_bytes(), false, report);
        }
    }
}

/// Creates the file where `perf` looks for the names of this process, or another.
fn create_map(path: Option<&Path>) -> Result<File, Diagnostic> {
    let usual = PathBuf::from(format!("/tmp/perf-{}.map", std::process::id()));
    let path = path.unwrap_or(&usual);
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    // Everybody may write to that folder, and lay links in our way, which this replaces.
    let file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
    let file = file.and_then(|file| file.persist(path).map_err(|error| error.error));
    file.map_err(|error| cannot_write(path, &error))
}

fn create(path: &Path) -> Result<Box<dyn Write>, Diagnostic> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stderr()));
    }
    match File::create(path) {
        // Line by line, so that the last one is there whatever ends the process.
        Ok(file) => Ok(Box::new(LineWriter::new(file))),
        Err(error) => Err(cannot_write(path, &error)),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Diagnostic {
    Diagnostic::error(Code::CannotWrite, format!("cannot write `{}`: {error}", path.display()))
}
