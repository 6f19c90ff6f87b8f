//! `hotvm run`

use super::ending::Ending;
use super::engine::EngineFlag;
use super::events::EventLog;
use super::guard::GuardFlags;
use super::limits::LimitFlags;
use super::observe::ObserveFlags;
use super::watch::{NewProgram, Texts};
use super::{EXIT_STATUS, libraries::NativeFlags, reload, report::Report, status, watch};
use clap::{Args, ValueEnum};
use hotvm::diagnostics::{Code, Diagnostic, Position};
use hotvm::engine::{Doorbell, Engine, Exit, Host, Output, TrapKind, Vm};
use hotvm::native::{BindError, CallError, Libraries, StateMode, VersionMismatch, end_process};
use hotvm::program::{Input, Program};
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs a program. Text is assembled first.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm run game.vasm
  hotvm run game.vasm --watch                 libraries reload as they change, while it runs
  hotvm run game.vasm --reload-on-enter       run again with changed libraries at each Enter
  hotvm run stats.vbc -- -5 12                what follows `--` are the program's arguments

{EXIT_STATUS}"))]
pub(super) struct Run {
    /// The program, text or bytecode; standard input for `-` or nothing
    #[arg(default_value = "-")]
    pub(super) input: PathBuf,
    /// Arguments of the program, which reads them with ARG
    args: Vec<OsString>,
    /// Reload libraries while the program runs, as their files or sources change; start again when
    /// the program's own text changes, or a library after its end
    #[arg(long, conflicts_with = "reload_on_enter")]
    watch: bool,
    /// After each run, wait for Enter, reload the libraries that have changed, and run again
    #[arg(long)]
    reload_on_enter: bool,
    /// With --watch: all libraries that have changed are replaced together, or none is
    #[arg(long, requires = "watch")]
    pub(super) atomic_group: bool,
    /// Unmap code that is no longer in use where that is known to be safe; otherwise all of it stays
    /// mapped, some 20 KB for each reload
    #[arg(long)]
    unload: bool,
    /// What to do with a library of another version than its `.lib` asks for
    #[arg(long, value_name = "WHAT", default_value = "refuse")]
    version_mismatch: Mismatch,
    /// Write what happens to libraries as JSON lines to a file, or to standard error for `-`
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Let the static variables of a reloaded library begin anew, instead of carrying them over
    #[arg(long)]
    fresh_state: bool,
    /// Carry static variables over even where a pointer that they may depend on begins anew
    #[arg(long, conflicts_with = "fresh_state")]
    partial_state: bool,
    #[command(flatten)]
    engine: EngineFlag,
    #[command(flatten)]
    limits: LimitFlags,
    #[command(flatten)]
    observe: ObserveFlags,
    #[command(flatten)]
    guard: GuardFlags,
    #[command(flatten)]
    pub(super) native: NativeFlags,
}

/// What to do with a library of another version.
#[derive(Clone, Copy, ValueEnum)]
enum Mismatch {
    /// Do not bind it
    Refuse,
    /// Bind it, with a warning
    Warn,
}

impl From<Mismatch> for VersionMismatch {
    fn from(mismatch: Mismatch) -> VersionMismatch {
        match mismatch {
            Mismatch::Refuse => VersionMismatch::Refuse,
            Mismatch::Warn => VersionMismatch::Warn,
        }
    }
}

/// A program with all that it needs to run, and to run again.
pub(super) struct Session {
    pub(super) program: Program,
    pub(super) libraries: Libraries,
    pub(super) host: Host,
    pub(super) doorbell: Doorbell,
    /// The texts that the program was made from.
    pub(super) texts: Texts,
    engine: Engine,
    limits: LimitFlags,
    observe: ObserveFlags,
    ending: Ending,
    log: EventLog,
}

impl Run {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        let standard_input = self.input == Path::new("-") || self.native.reads_standard_input();
        if (self.reload_on_enter || self.watch) && standard_input {
            report.error(
                Diagnostic::error(
                    Code::CannotRead,
                    "a program from standard input cannot be run again",
                )
                .help("name the program's file"),
            );
            return status::USAGE;
        }
        self.guard.check(report);
        let mut session = match self.session(report) {
            Ok(session) => session,
            Err(diagnostics) => {
                report.errors(&diagnostics);
                return status::REJECTED;
            }
        };
        if self.watch {
            watch::run_watching(&self, session, report)
        } else if self.reload_on_enter {
            reload::run_on_enter(&mut session, report)
        } else {
            session.run(report).0
        }
    }

    fn session(&self, report: &mut Report) -> Result<Session, Vec<Diagnostic>> {
        let input = Input::read(&self.input).map_err(|diagnostic| vec![diagnostic])?;
        let live = self.watch || self.reload_on_enter;
        // What is never read again need not be known again.
        let text = live.then(|| blake3::hash(&input.bytes));
        let program = self.native.load(input, report)?;
        let texts =
            text.map(|text| Texts::new(text, &program, &report.sources)).unwrap_or_default();
        let output = Output::new(io::stdout(), io::stdout().is_terminal());
        let args = self.args.iter().map(|arg| arg.as_encoded_bytes().to_vec()).collect();
        let host = Host::new(output, io::stdin().lock(), args);
        let log = EventLog::open(self.events.as_deref(), live, report).map_err(|d| vec![d])?;
        let libraries = self.libraries(&program)?;
        let ending = Ending::default();
        if live {
            ending.listen(report);
        }
        let mut session = Session {
            program,
            libraries,
            host,
            doorbell: Doorbell::default(),
            texts,
            engine: self.engine.engine(),
            limits: self.limits,
            observe: self.observe.clone(),
            ending,
            log,
        };
        session.attend(report);
        Ok(session)
    }

    fn libraries(&self, program: &Program) -> Result<Libraries, Vec<Diagnostic>> {
        let folder = match self.input.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut settings = self.native.settings(folder).map_err(|diagnostic| vec![diagnostic])?;
        settings.unload = self.unload;
        settings.state = match (self.fresh_state, self.partial_state) {
            (true, _) => StateMode::Fresh,
            (_, true) => StateMode::Partial,
            _ => StateMode::Consistent,
        };
        settings.version_mismatch = self.version_mismatch.into();
        let imports = program.verified.module().imports.clone();
        let mut libraries = Libraries::new(imports, settings);
        self.guard.apply(&mut libraries, self.watch || self.reload_on_enter);
        Ok(libraries)
    }
}

impl Session {
    /// Lets the log hear of the libraries.
    fn attend(&mut self, report: &mut Report) {
        self.log.set_program(&mut self.program, report);
        self.libraries.on_event(self.log.sink());
    }

    /// Puts another program in the place of this one. Its libraries stay when it asks for the same, and
    /// is made from the same files, which are watched with them; tells whether they do.
    pub(super) fn replace_program(
        &mut self,
        run: &Run,
        new: NewProgram,
        report: &mut Report,
    ) -> Result<bool, Vec<Diagnostic>> {
        let NewProgram { program, sources, texts } = new;
        let imports = &self.program.verified.module().imports;
        let same = *imports == program.verified.module().imports && self.texts.same_files(&texts);
        if !same {
            self.libraries = run.libraries(&program)?;
        }
        (self.program, self.texts, report.sources) = (program, texts, sources);
        self.attend(report);
        Ok(same)
    }

    /// Binds the program's libraries and runs it once. Gives the exit status, and how the program
    /// ended if it came to run and did not trap.
    pub(super) fn run(&mut self, report: &mut Report) -> (u8, Option<Exit>) {
        let bound = self.libraries.bind_all();
        if let Err(errors) = bound {
            let diagnostics: Vec<_> =
                errors.into_iter().map(|error| self.at_its_lib(error, report)).collect();
            report.errors(&diagnostics);
            return (status::UNBOUND, None);
        }
        let verified = Arc::clone(&self.program.verified);
        let limits = self.limits.limits();
        let vm = Vm::with_limits(&verified, &mut self.libraries, &mut self.host, limits);
        let mut vm = match vm {
            Ok(vm) => vm,
            Err(error) => {
                let source = self.program.places.source();
                let diagnostic = Diagnostic::error(Code::LimitExceeded, error.to_string())
                    .at(source, Position::Whole, "")
                    .help("ask for less with `.memory`");
                report.error(diagnostic);
                return (status::REJECTED, None);
            }
        };
        vm.use_engine(self.engine);
        vm.listen(self.doorbell.clone());
        vm.when_long(|| self.ending.listen(report));
        let watched = match self.observe.begin(&mut vm, &self.program) {
            Ok(watched) => watched,
            Err(diagnostic) => {
                report.error(diagnostic);
                return (status::REJECTED, None);
            }
        };
        let running = self.ending.begin(&self.doorbell, self.limits.time(), report);
        let end = vm.run();
        drop(running);
        let profile = vm.take_profile();
        drop(vm);
        self.observe.end(&watched, profile, &mut self.program, report);
        match end {
            Ok(exit) => (exit.status(), Some(exit)),
            Err(trap) => {
                let diagnostic = self.program.explain(&trap, &mut report.sources);
                report.error(diagnostic);
                match trap.kind {
                    TrapKind::Native(CallError::Fault(fault)) if fault.is_tainted() => {
                        end_process(status::TRAPPED)
                    }
                    TrapKind::Interrupted => (status::INTERRUPTED, None),
                    _ => (status::TRAPPED, None),
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
