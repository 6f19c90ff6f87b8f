//! Finding and running compilers.

use super::{Language, running};
use crate::diagnostics::{Code, Diagnostic};
use crate::native::config::Config;
use crate::native::os;
use blake3::{Hash, Hasher};
use std::env::consts::EXE_SUFFIX;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Variables that change what compilers do without a word in their arguments.
const HEEDED: &[&str] = &[
    "CPATH",
    "C_INCLUDE_PATH",
    "LIBRARY_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "SDKROOT",
    "MACOSX_DEPLOYMENT_TARGET",
    "SOURCE_DATE_EPOCH",
    "RUSTUP_TOOLCHAIN",
];

/// A compiler with all arguments that do not depend on the source.
pub(super) struct Compiler {
    language: Language,
    program: PathBuf,
    arguments: Vec<OsString>,
    /// What stands after the source, as libraries must to be of use: the project's own, and `-lm`.
    additions: Vec<OsString>,
    /// Where it runs.
    folder: PathBuf,
    /// What tells this compiler from another under the same name.
    identity: Hash,
}

impl Compiler {
    /// The compiler for a language: for C what `hotvm.toml` says, else `CC`, else `cc`; for Rust
    /// `RUSTC` or `rustc`. It runs in `folder`, and finds `hotvm.h` in `headers`.
    pub fn find(
        name: &str,
        language: Language,
        config: &Config,
        folder: &Path,
        headers: &Path,
    ) -> Result<Compiler, Diagnostic> {
        Compiler::with(name, language, config, folder, own_arguments(language, headers))
    }

    /// The C compiler, for somebody who has arguments of his own.
    pub fn for_c(
        name: &str,
        config: &Config,
        folder: &Path,
        own: Vec<OsString>,
    ) -> Result<Compiler, Diagnostic> {
        Compiler::with(name, Language::C, config, folder, own)
    }

    fn with(
        name: &str,
        language: Language,
        config: &Config,
        folder: &Path,
        own: Vec<OsString>,
    ) -> Result<Compiler, Diagnostic> {
        let here = std::env::current_dir().unwrap_or_default();
        let variable = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let (wish, told_by, base) = match language {
            Language::C => match (&config.cc, variable("CC")) {
                (Some(cc), _) => (cc.clone(), "`cc` in hotvm.toml", folder),
                (None, Some(cc)) => (cc, "the variable `CC`", &*here),
                (None, None) => ("cc".to_owned(), "default", &*here),
            },
            Language::Rust => match variable("RUSTC") {
                Some(rustc) => (rustc, "the variable `RUSTC`", &*here),
                None => ("rustc".to_owned(), "default", &*here),
            },
        };
        let Some((program, mut arguments)) = split(&wish, base) else {
            return Err(not_found(name, language, &wish, told_by));
        };
        arguments.extend(own);
        let additions = match language {
            // Unixes keep the mathematics of the C library apart; a source should not need to know.
            Language::C => {
                let mathematics = cfg!(unix).then(|| OsString::from("-lm"));
                config.cflags.iter().map(OsString::from).chain(mathematics).collect()
            }
            Language::Rust => Vec::new(),
        };
        let identity = identity(language, &program);
        let folder = folder.to_owned();
        Ok(Compiler { language, program, arguments, additions, folder, identity })
    }

    /// Where it runs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What a build of this source with this compiler is kept under.
    pub fn key(&self, source: &Path, content: Hash) -> Hash {
        let mut hasher = Hasher::new();
        // Each field with its length, so that no two lists of fields read the same.
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        field(b"hotvm build 1");
        field(self.identity.as_bytes());
        field(self.program.as_os_str().as_encoded_bytes());
        field(self.folder.as_os_str().as_encoded_bytes());
        for arguments in [&self.arguments, &self.additions] {
            field(&(arguments.len() as u64).to_le_bytes());
            arguments.iter().for_each(|argument| field(argument.as_encoded_bytes()));
        }
        for name in HEEDED {
            field(std::env::var_os(name).unwrap_or_default().as_encoded_bytes());
        }
        field(source.as_os_str().as_encoded_bytes());
        field(content.as_bytes());
        hasher.finalize()
    }

    /// Builds `source` into the shared library `library`, and lists what was read in `listing`.
    pub fn run(&self, source: &Path, library: &Path, listing: &Path) -> Result<Output, Diagnostic> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder).stdin(Stdio::null());
        match self.language {
            Language::C => {
                command.args(["-MD", "-MT", "library", "-MF"]).arg(listing).arg("-o").arg(library)
            }
            Language::Rust => command.arg(emit("link", library)).arg(emit("dep-info", listing)),
        };
        self.finish(command.arg(source))
    }

    /// Makes `product` of several sources, as the compiler's own arguments say.
    pub fn make(&self, product: &Path, sources: &[PathBuf]) -> Result<Output, Diagnostic> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder).stdin(Stdio::null());
        self.finish(command.arg("-o").arg(product).args(sources))
    }

    fn finish(&self, command: &mut Command) -> Result<Output, Diagnostic> {
        running::output(command.args(&self.additions)).map_err(|e| {
            Diagnostic::error(
                Code::NoCompiler,
                format!("the compiler {} cannot run", self.described()),
            )
            .note(e.to_string())
        })
    }

    /// The compiler and its arguments, for messages.
    pub fn described(&self) -> String {
        let words = std::iter::once(self.program.as_os_str());
        let arguments = self.arguments.iter().chain(&self.additions);
        let words = words.chain(arguments.map(OsString::as_os_str));
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}

/// What hotvm asks of every build, before what the project adds.
fn own_arguments(language: Language, headers: &Path) -> Vec<OsString> {
    match language {
        Language::C => {
            let own = ["-shared", "-fPIC", "-O2", "-g", "-Wall", "-I"].map(OsString::from);
            own.into_iter().chain([headers.into()]).collect()
        }
        // In this edition `#[no_mangle]` means the same with and without `unsafe(…)`.
        Language::Rust => {
            ["--crate-type", "cdylib", "--edition", "2021", "-O", "-g"].map(OsString::from).into()
        }
    }
}

fn emit(what: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(format!("--emit={what}="));
    argument.push(path);
    argument
}

/// The program and arguments of a wish such as `ccache gcc -m64`, or of a single path with spaces.
fn split(wish: &str, base: &Path) -> Option<(PathBuf, Vec<OsString>)> {
    if let Some(program) = find_program(wish.trim(), base) {
        return Some((program, Vec::new()));
    }
    let mut words = wish.split_whitespace();
    let program = find_program(words.next()?, base)?;
    Some((program, words.map(OsString::from).collect()))
}

/// Finds a program as a shell would: a path starts at `base`, a plain name is in `PATH`.
fn find_program(name: &str, base: &Path) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = match Path::new(name).components().count() {
        1 if !name.contains('/') => std::env::split_paths(&path).collect(),
        _ => vec![base.to_owned()],
    };
    let named = |folder: &PathBuf| [folder.join(name), folder.join(format!("{name}{EXE_SUFFIX}"))];
    folders.iter().flat_map(named).find(|path| os::is_executable(path))
}

/// What tells one compiler from another. For C it is the program's file with its size and time:
/// that costs no process at each start, and a compiler that is upgraded or rebuilt under the same
/// version differs. `rustc` is mostly rustup's stand-in, whose file stays the same whichever
/// toolchain it runs, so it is asked.
fn identity(language: Language, program: &Path) -> Hash {
    let real = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    let mut hasher = Hasher::new();
    hasher.update(real.as_os_str().as_encoded_bytes());
    if let Ok(metadata) = real.metadata() {
        hasher.update(&metadata.len().to_le_bytes());
        let since =
            metadata.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        hasher.update(&since.unwrap_or_default().as_nanos().to_le_bytes());
    }
    if language == Language::Rust {
        let answer = Command::new(program).arg("-vV").stdin(Stdio::null()).output();
        hasher.update(&answer.map(|output| output.stdout).unwrap_or_default());
    }
    hasher.finalize()
}

fn not_found(name: &str, language: Language, wish: &str, told_by: &str) -> Diagnostic {
    let (what, help) = match language {
        Language::C => (
            "C compiler",
            "install one, such as gcc or clang; or name one with `CC`, or with `cc` in hotvm.toml",
        ),
        Language::Rust => ("Rust compiler", "install Rust, or name a compiler with `RUSTC`"),
    };
    let looked = match Path::new(OsStr::new(wish)).components().count() {
        1 => format!("there is no program `{wish}` in PATH"),
        _ => format!("there is no program `{wish}`"),
    };
    let looked = match told_by {
        "default" => looked,
        _ => format!("{looked}, which {told_by} names"),
    };
    Diagnostic::error(Code::NoCompiler, format!("there is no {what} to build `{name}`"))
        .note(looked)
        .help(help)
}
