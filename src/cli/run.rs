//! `hotvm run`

use super::{EXIT_STATUS, NativeFlags, reload, report::Report, status};
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use hotvm::diagnostics::{Code, Diagnostic, Position};
use hotvm::engine::{Host, Output, TrapKind, Vm};
use hotvm::native::{BindError, CallError, GuardMode, Libraries, Settings, end_process};
use hotvm::program::{Input, Program, load};
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// Runs a program. Text is assembled first.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm run game.vasm
  hotvm run game.vasm --reload-on-enter       run again with changed libraries at each Enter
  hotvm run stats.vbc -- -5 12                what follows `--` are the program's arguments

{EXIT_STATUS}"))]
pub(super) struct Run {
    /// The program, text or bytecode; standard input for `-` or nothing
    #[arg(default_value = "-")]
    input: PathBuf,
    /// Arguments of the program, which reads them with ARG
    args: Vec<OsString>,
    /// After each run, wait for Enter, reload the libraries that have changed, and run again
    #[arg(long)]
    reload_on_enter: bool,
    /// Turn crashes of native code into errors; on with --reload-on-enter, otherwise off
    #[arg(long, value_name = "WHEN")]
    guard: Option<Switch>,
    /// Interrupt native calls that take longer than this; turns the guard on
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    native_timeout: Option<Duration>,
    #[command(flatten)]
    native: NativeFlags,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|it| !it.is_zero()).ok_or_else(|| "not a number of seconds above 0".to_owned())
}

/// A program with all that it needs to run, and to run again.
pub(super) struct Session {
    pub(super) program: Program,
    pub(super) libraries: Libraries,
    pub(super) host: Host,
}

impl Run {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        if self.reload_on_enter && self.input == Path::new("-") {
            report.error(
                Diagnostic::error(
                    Code::CannotRead,
                    "--reload-on-enter needs standard input for itself",
                )
                .help("name the program's file"),
            );
            return status::USAGE;
        }
        let mut session = match self.session(report) {
            Ok(session) => session,
            Err(diagnostics) => {
                report.errors(&diagnostics);
                return status::REJECTED;
            }
        };
        match self.reload_on_enter {
            true => reload::run_on_enter(&mut session, report),
            false => session.run(report),
        }
    }

    fn session(&self, report: &mut Report) -> Result<Session, Vec<Diagnostic>> {
        let input = Input::read(&self.input).map_err(|diagnostic| vec![diagnostic])?;
        let folder = input.folder.clone();
        let program = load(input, &mut report.sources)?;
        let settings = self.native.settings(&folder).map_err(|diagnostic| vec![diagnostic])?;
        let imports = program.verified.module().imports.clone();
        let mut libraries = Libraries::new(imports, settings);
        libraries.set_guard(self.guard(report));
        libraries.set_native_timeout(self.native_timeout);
        let output = Output::new(io::stdout(), io::stdout().is_terminal());
        let args = self.args.iter().map(|arg| arg.as_encoded_bytes().to_vec()).collect();
        Ok(Session { program, libraries, host: Host::new(output, io::stdin().lock(), args) })
    }

    fn guard(&self, report: &Report) -> GuardMode {
        if self.guard == Some(Switch::Off) && self.native_timeout.is_some() {
            let words = "--native-timeout needs the guard, and --guard off turns it off\n";
            clap::Error::raw(ErrorKind::ArgumentConflict, words).exit();
        }
        let is_asked_for = self.guard.is_some() || self.native_timeout.is_some();
        let is_on = self.guard.map_or(self.reload_on_enter || is_asked_for, |it| it == Switch::On);
        if !is_on {
            return GuardMode::Off;
        }
        if is_asked_for && !GuardMode::available() {
            let words = "native code cannot be guarded on this platform";
            report.error(Diagnostic::warning(Code::Unsupported, words));
        }
        GuardMode::On
    }
}

impl NativeFlags {
    fn settings(&self, folder: &Path) -> Result<Settings, Diagnostic> {
        let mut settings = Settings::for_program(folder)?;
        settings.lib_dirs.clone_from(&self.lib_dir);
        settings.allow_libs.clone_from(&self.allow_lib);
        settings.allow_system_libs = self.allow_system_libs;
        settings.no_native = self.no_native;
        Ok(settings)
    }
}

impl Session {
    /// Binds the program's libraries and runs it once. Gives the exit status.
    pub(super) fn run(&mut self, report: &mut Report) -> u8 {
        let bound = self.libraries.bind_all();
        report.errors(&self.libraries.take_warnings());
        if let Err(errors) = bound {
            let diagnostics: Vec<_> =
                errors.into_iter().map(|e| self.at_its_lib(e, report)).collect();
            report.errors(&diagnostics);
            return status::UNBOUND;
        }
        let verified = Rc::clone(&self.program.verified);
        let mut vm = match Vm::new(&verified, &mut self.libraries, &mut self.host) {
            Ok(vm) => vm,
            Err(error) => {
                let source = self.program.places.source();
                let diagnostic = Diagnostic::error(Code::LimitExceeded, error.to_string())
                    .at(source, Position::Whole, "")
                    .help("ask for less with `.memory`");
                report.error(diagnostic);
                return status::REJECTED;
            }
        };
        match vm.run() {
            Ok(exit) => exit.status(),
            Err(trap) => {
                let diagnostic = self.program.explain(&trap, &mut report.sources);
                report.error(diagnostic);
                match trap.kind {
                    TrapKind::Native(CallError::Fault(fault)) if fault.is_tainted() => {
                        end_process(status::TRAPPED)
                    }
                    _ => status::TRAPPED,
                }
            }
        }
    }

    /// Puts what is wrong with a library at the `.lib` that asks for it.
    pub(super) fn at_its_lib(&mut self, error: BindError, report: &mut Report) -> Diagnostic {
        let module = self.program.verified.module();
        let place = self.program.places.of_import(module, error.import, &mut report.sources);
        error.diagnostic.at(place.0, place.1, "asked for here")
    }
}
