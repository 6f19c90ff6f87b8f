//! `hotvm run`

use super::{EXIT_STATUS, NativeFlags, reload, report::Report, status};
use clap::Args;
use hotvm::diagnostics::{Code, Diagnostic, Position};
use hotvm::engine::{Host, Output, Vm};
use hotvm::native::{BindError, Libraries, Settings};
use hotvm::program::{Input, Program, load};
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::rc::Rc;

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
    #[command(flatten)]
    native: NativeFlags,
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
        let libraries = Libraries::new(program.verified.module().imports.clone(), settings);
        let output = Output::new(io::stdout(), io::stdout().is_terminal());
        let args = self.args.iter().map(|arg| arg.as_encoded_bytes().to_vec()).collect();
        Ok(Session { program, libraries, host: Host::new(output, io::stdin().lock(), args) })
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
        self.tell(report);
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
                status::TRAPPED
            }
        }
    }

    /// What the libraries have to say besides errors.
    pub(super) fn tell(&mut self, report: &Report) {
        report.errors(&self.libraries.take_warnings());
        for unchecked in self.libraries.take_unchecked() {
            report.notice(unchecked.to_string());
        }
    }

    /// Puts what is wrong with a library at the `.lib` that asks for it.
    pub(super) fn at_its_lib(&mut self, error: BindError, report: &mut Report) -> Diagnostic {
        let module = self.program.verified.module();
        let place = self.program.places.of_import(module, error.import, &mut report.sources);
        error.diagnostic.at(place.0, place.1, "asked for here")
    }
}
