//! Programs that hotvm has written as C: compiled, and linked with the libraries that they call.

use super::cache::Cache;
use super::compiler::Compiler;
use super::{Builder, Language, cannot_read, refused, words_of};
use crate::diagnostics::{Code, Diagnostic};
use crate::native::policy::Policy;
use crate::native::resolve::Place;
use crate::native::settings::Settings;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// An object file.
    Object,
    /// A shared library.
    Library,
    /// An executable.
    Executable,
}

/// The C compiler, and where libraries are.
#[derive(Debug)]
pub struct Toolchain {
    builder: Builder,
}

/// Where a library that a program names is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A C source.
    Source(PathBuf),
    /// A library of the system, by the name that the linker knows.
    System(String),
    /// A shared library.
    File(PathBuf),
}

impl Toolchain {
    /// The toolchain of these settings.
    pub fn new(settings: Settings) -> Toolchain {
        Toolchain { builder: Builder::new(settings) }
    }

    /// Where the library called `name` is, if the policy admits it.
    ///
    /// # Errors
    /// When it is not there, not allowed, or a source in another language than C.
    pub fn find(&self, name: &str) -> Result<Found, Diagnostic> {
        let policy = Policy::new(&self.builder.settings);
        match Place::of(name, &policy)?.admitted(name, &policy)? {
            Place::File(path) => Ok(Found::File(path)),
            Place::System(name) => Ok(Found::System(name)),
            Place::Source(path, Language::C) => Ok(Found::Source(path)),
            Place::Source(_, Language::Rust) => {
                let message = format!("`{name}` cannot become part of a compiled program");
                Err(Diagnostic::error(Code::Unsupported, message)
                    .note("only C sources can")
                    .help("build it as a shared library, and name that in the `.lib`"))
            }
        }
    }

    /// Compiles a text of C, together with these sources and libraries of the system.
    ///
    /// # Errors
    /// What the compiler says.
    pub fn make(
        &self,
        name: &str,
        text: &str,
        product: Product,
        sources: &[PathBuf],
        system: &[String],
    ) -> Result<Vec<u8>, Diagnostic> {
        let settings = &self.builder.settings;
        let cache = Cache::open(settings.cache_dir.as_deref())?;
        let (headers, workshop) = (cache.headers()?, cache.workshop()?);
        let mut own: Vec<OsString> =
            ["-std=gnu11", "-O2", "-g", "-fPIC", "-fvisibility=hidden"].map(OsString::from).into();
        // Sums are rounded where the program says so, and not elsewhere; a recursion that does not end
        // is a trap, and not a loop.
        own.extend(["-ffp-contract=off", "-fno-optimize-sibling-calls", "-I"].map(OsString::from));
        own.push(headers.into());
        own.extend(match product {
            Product::Object => vec!["-c".into()],
            Product::Library => vec!["-shared".into(), "-pthread".into()],
            Product::Executable => Vec::new(),
        });
        let compiler = Compiler::for_c(name, &settings.config, &self.builder.folder(), own)?;
        let (source, target) = (workshop.path().join("program.c"), workshop.path().join("product"));
        fs::write(&source, text).map_err(|error| cannot_read(name, &source, &error))?;
        let mut inputs = vec![source];
        if product != Product::Object {
            inputs.extend_from_slice(sources);
            inputs.extend(system.iter().map(|library| format!("-l{library}").into()));
            inputs.extend(cfg!(target_os = "linux").then(|| "-ldl".into()));
        }
        let output = compiler.make(&target, &inputs)?;
        match output.status.success() {
            true => fs::read(&target).map_err(|error| cannot_read(name, &target, &error)),
            false => Err(refused(name, &compiler, &output, words_of(&output))),
        }
    }
}
