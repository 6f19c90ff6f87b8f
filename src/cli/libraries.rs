//! What the subcommands share that need a program's libraries.

use super::language::LanguageFlags;
use super::progress::Progress;
use super::report::Report;
use clap::Args;
use hotvm::assemble::{Offer, Options};
use hotvm::diagnostics::{Diagnostic, Severity, SourceId, Sources};
use hotvm::module::Module;
use hotvm::native::{Settings, offer};
use hotvm::program::{self, Input, Program};
use hotvm::tools::inspect::Origin;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// Where native libraries may come from.
#[derive(Args, Clone)]
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
    #[command(flatten)]
    language: LanguageFlags,
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

    /// Whether a file of the program is standard input, which can be read once.
    pub(super) fn reads_standard_input(&self) -> bool {
        self.language.reads_standard_input()
    }

    /// Reads and proves a program, with a look into the libraries that it binds as a whole, and the
    /// files that it includes.
    pub(super) fn load(
        &self,
        input: Input,
        report: &mut Report,
    ) -> Result<Program, Vec<Diagnostic>> {
        let program = self.with_options(input, report, program::load_with)?;
        match self.language.asks_for_warnings() {
            true => self.judged(program, false, report),
            false => Ok(program),
        }
    }

    /// The same, and shows warnings whether a flag asks for them or not.
    pub(super) fn load_with_warnings(
        &self,
        input: Input,
        report: &mut Report,
    ) -> Result<Program, Vec<Diagnostic>> {
        let program = self.with_options(input, report, program::load_with)?;
        self.judged(program, true, report)
    }

    /// Shows the warnings of a program. With a denied one it is as good as wrong.
    fn judged(
        &self,
        mut program: Program,
        by_default: bool,
        report: &mut Report,
    ) -> Result<Program, Vec<Diagnostic>> {
        let warnings = program.warnings(&mut report.sources);
        let shown = self.language.judge(warnings, by_default);
        if shown.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(shown);
        }
        report.errors(&shown);
        Ok(program)
    }

    /// Reads a program without the proof, and tells what it was read from.
    pub(super) fn read_module(
        &self,
        input: Input,
        report: &mut Report,
    ) -> Result<(Origin, Module, SourceId), Vec<Diagnostic>> {
        self.with_options(input, report, |input, sources, options| {
            let origin = Origin::of(&input);
            let (module, source) = program::read_module(input, sources, options)?;
            Ok((origin, module, source))
        })
    }

    fn with_options<T>(
        &self,
        mut input: Input,
        report: &mut Report,
        read: impl FnOnce(Input, &mut Sources, &Options) -> Result<T, Vec<Diagnostic>>,
    ) -> Result<T, Vec<Diagnostic>> {
        self.language.add_units(&mut input).map_err(|error| vec![error])?;
        let looked = Looked::new(self, &input.folder);
        let offers = |library: &str| looked.offer(library);
        let path = self.language.include_path(&input.folder).map_err(|error| vec![error])?;
        let includes = |name: &str, from: &str| path.read(name, from);
        let defines = self.language.defines();
        let options = Options {
            offers: &offers,
            includes: &includes,
            defines: &defines,
            ..Options::default()
        };
        let what = format!("reading {}", input.name);
        let progress = Progress::begin(what, input.size() as u64, report);
        let options = Options { progress: Some(progress.position()), ..options };
        let made = read(input, &mut report.sources, &options);
        drop(progress);
        report.errors(&looked.warnings.take());
        made
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
