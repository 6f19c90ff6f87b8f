//! What the subcommands share that need a program's libraries.

use super::progress::Progress;
use super::report::Report;
use clap::Args;
use hotvm::assemble::Offer;
use hotvm::diagnostics::{Diagnostic, SourceId};
use hotvm::module::Module;
use hotvm::native::{Settings, offer};
use hotvm::program::{self, Input, Program};
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// Where native libraries may come from.
#[derive(Args, Clone, Default)]
pub(super) struct NativeFlags {
    /// Also search and allow libraries in this folder; may be given more than once
    #[arg(long, value_name = "DIR")]
    lib_dir: Vec<PathBuf>,
    /// Allow this library, wherever it is; may be given more than once
    #[arg(long, value_name = "PATH")]
    allow_lib: Vec<PathBuf>,
    /// Allow the system's libraries by bare name, such as `m`
    #[arg(long)]
    allow_system_libs: bool,
    /// Refuse all native libraries
    #[arg(long)]
    no_native: bool,
}

impl NativeFlags {
    /// The settings of a program in this folder.
    pub(super) fn settings(&self, folder: &Path) -> Result<Settings, Diagnostic> {
        let mut settings = Settings::for_program(folder)?;
        settings.lib_dirs.clone_from(&self.lib_dir);
        settings.allow_libs.clone_from(&self.allow_lib);
        settings.allow_system_libs = self.allow_system_libs;
        settings.no_native = self.no_native;
        Ok(settings)
    }

    /// Reads and proves a program, with a look into the libraries that it binds as a whole.
    pub(super) fn load(
        &self,
        input: Input,
        report: &mut Report,
    ) -> Result<Program, Vec<Diagnostic>> {
        let looked = Looked::new(self, &input.folder);
        let progress = Progress::begin(format!("reading {}", input.name), report);
        let program =
            program::load_with(input, &mut report.sources, &|library| looked.offer(library));
        drop(progress);
        report.errors(&looked.warnings.take());
        program
    }

    /// The same without the proof.
    pub(super) fn read_module(
        &self,
        input: Input,
        report: &mut Report,
    ) -> Result<(Module, SourceId), Vec<Diagnostic>> {
        let looked = Looked::new(self, &input.folder);
        let progress = Progress::begin(format!("reading {}", input.name), report);
        let module =
            program::read_module(input, &mut report.sources, &|library| looked.offer(library));
        drop(progress);
        report.errors(&looked.warnings.take());
        module
    }
}

/// Looks into libraries, and keeps what compilers have to say about those that are built first.
struct Looked<'a> {
    flags: &'a NativeFlags,
    folder: PathBuf,
    warnings: RefCell<Vec<Diagnostic>>,
}

impl Looked<'_> {
    fn new<'a>(flags: &'a NativeFlags, folder: &Path) -> Looked<'a> {
        Looked { flags, folder: folder.to_owned(), warnings: RefCell::default() }
    }

    fn offer(&self, library: &str) -> Result<Offer, Diagnostic> {
        let found = offer(library, &self.flags.settings(&self.folder)?)?;
        self.warnings.borrow_mut().extend(found.warnings);
        Ok(found.functions.into_iter().map(|f| (f.symbol, f.signature)).collect())
    }
}
