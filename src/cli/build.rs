//! `hotvm build`

use super::libraries::NativeFlags;
use super::{EXIT_STATUS, output, report::Report, status};
use clap::{Args, ValueEnum};
use hotvm::compile::{Form, Library, exports, to_c};
use hotvm::diagnostics::{Code, Diagnostic, Position};
use hotvm::native::{Found, Product, Toolchain};
use hotvm::program::{Input, Program};
use std::path::{Path, PathBuf};

/// Compiles a program with the system's C compiler.
#[derive(Args)]
#[command(after_help = format!("\
Examples:
  hotvm build game.vasm -o game               an executable that needs no hotvm
  hotvm build main.vasm ai.vasm -o game       of several files, which share their .public names
  hotvm build ai.vasm --emit so -o libai.so   a library, whose functions are those of the program:
                                              other programs can load it into their slots
  hotvm build game.vasm --emit c -o -         the C itself

{EXIT_STATUS}"))]
pub(super) struct Build {
    /// The program, text or bytecode, one file or more; standard input for `-` or nothing
    #[arg(value_name = "INPUT", default_value = "-")]
    inputs: Vec<PathBuf>,
    /// Where to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// What to make
    #[arg(long, value_name = "WHAT", default_value = "exe")]
    emit: Emit,
    #[command(flatten)]
    native: NativeFlags,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Emit {
    /// An executable
    Exe,
    /// A shared library of the program's functions
    So,
    /// An object file of the program's functions
    Obj,
    /// The executable as C
    C,
}

impl Build {
    pub(super) fn run(self, report: &mut Report) -> u8 {
        match self.build(report) {
            Ok(bytes) if self.emit == Emit::C => {
                output::write(Some(&self.output), &bytes, false, report)
            }
            Ok(bytes) => output::write_program(&self.output, &bytes, report),
            Err(diagnostics) => {
                report.errors(&diagnostics);
                status::REJECTED
            }
        }
    }

    fn build(&self, report: &mut Report) -> Result<Vec<u8>, Vec<Diagnostic>> {
        let input = Input::read_all(&self.inputs).map_err(|diagnostic| vec![diagnostic])?;
        let (name, folder) = (input.name.clone(), input.folder.clone());
        let mut program = self.native.load(input, report)?;
        let settings = self.native.settings(&folder);
        let toolchain = Toolchain::new(settings.map_err(|diagnostic| vec![diagnostic])?);
        let found = libraries(&toolchain, &mut program, report)?;
        let form = match self.emit {
            Emit::Exe | Emit::C => Form::Executable,
            Emit::So | Emit::Obj => Form::Library,
        };
        if form == Form::Library && exports(&program.verified).next().is_none() {
            return Err(vec![nothing_to_call(&program)]);
        }
        let text = to_c(&program.verified, form, &found);
        let product = match self.emit {
            Emit::Exe => Product::Executable,
            Emit::So => Product::Library,
            Emit::Obj => Product::Object,
            Emit::C => return Ok(text.into_bytes()),
        };
        let (mut sources, mut system) = (Vec::new(), Vec::new());
        for library in found {
            match library {
                Library::Source(path) if !sources.contains(&path) => sources.push(path),
                Library::System(name) if !system.contains(&name) => system.push(name),
                _ => {}
            }
        }
        toolchain.make(&name, &text, product, &sources, &system).map_err(|error| vec![error])
    }
}

/// Where the libraries of a program's imports are.
fn libraries(
    toolchain: &Toolchain,
    program: &mut Program,
    report: &mut Report,
) -> Result<Vec<Library>, Vec<Diagnostic>> {
    let imports = program.verified.module().imports.clone();
    let (mut libraries, mut errors) = (Vec::new(), Vec::new());
    for (index, import) in imports.iter().enumerate() {
        match toolchain.find(&import.library) {
            Ok(Found::Source(path)) => {
                report.sources.add_file(path.display().to_string());
                libraries.push(Library::Source(path));
            }
            Ok(Found::System(name)) => libraries.push(Library::System(name)),
            Ok(Found::File(path)) => {
                report.sources.add_file(path.display().to_string());
                libraries.push(beside(&import.library, &path));
            }
            Err(_) if import.lazy => libraries.push(Library::Missing),
            Err(error) => {
                let module = program.verified.module();
                let place = program.places.of_import(module, index, &mut report.sources);
                errors.push(error.at(place.0, place.1, "asked for here"));
            }
        }
    }
    if errors.is_empty() { Ok(libraries) } else { Err(errors) }
}

/// A library that is looked for from where the program is, as it was from where its text is. One that
/// was found by a bare name lies beside the program.
fn beside(name: &str, path: &Path) -> Library {
    let file = path.file_name().map(|file| file.to_string_lossy().into_owned());
    match (Path::new(name).extension(), file) {
        (None, Some(file)) if !name.contains('/') => Library::File(file),
        _ => Library::File(name.to_owned()),
    }
}

fn nothing_to_call(program: &Program) -> Diagnostic {
    Diagnostic::error(Code::Unsupported, "the program has no function that a library could offer")
        .at(program.places.source(), Position::Whole, "")
        .help("a library offers what `.func` defines, by names that C has too; main is not among them")
}
