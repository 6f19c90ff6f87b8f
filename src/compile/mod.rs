//! Programs compiled ahead of time: as C, which the system's compiler makes an object, a library or an
//! executable of.
//!
//! C is the one portable assembler that is everywhere, its compilers know every machine, and with
//! `#line` a debugger shows the program's own text. What a program needs of the outside is in
//! `runtime/`, which becomes part of the text.
//!
//! - `function` writes bodies, `operators` arithmetic, `natives` the calls of native functions, and
//!   `program` all that is around them.
//!
//! This room makes text and touches no files: `native` knows the compiler.
#![forbid(unsafe_code)]

mod function;
mod natives;
mod operators;
mod program;

use crate::verify::Verified;
use std::path::PathBuf;

/// What a program becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Something with a `main`.
    Executable,
    /// Something whose functions others call.
    Library,
}

/// Where the function of an import comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Library {
    /// A source that becomes part of the program.
    Source(PathBuf),
    /// A library of the system, by the name that the linker knows.
    System(String),
    /// A library that is loaded when the program starts: a path, from where the program then is.
    File(String),
    /// None, which is allowed where a `.lib` says `lazy`.
    Missing,
}

impl Library {
    /// Whether the program has to load it by itself.
    fn is_loaded(&self) -> bool {
        matches!(self, Library::File(_))
    }
}

/// Turns a program into C. `libraries` are those of its imports, in their order.
pub fn to_c(program: &Verified, form: Form, libraries: &[Library]) -> String {
    program::write(program, form, libraries)
}

/// The functions that a program offers as a library.
pub fn exports(program: &Verified) -> impl Iterator<Item = &str> {
    (0..program.module().functions.len() as u32)
        .filter_map(|function| program::exported_name(program, function))
}
