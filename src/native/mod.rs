//! Foreign libraries: finding, checking, building, loading, replacing and calling them.
//!
//! A program's native functions live in numbered slots. [`Libraries`] binds them to functions of
//! shared libraries, which a reload replaces while the program goes on. Each step is a file:
//!
//! - `resolve` turns the name in a program into a place, and `policy` says whether the program may
//!   load what is there, by what the user has set (`settings`, `config`).
//! - `read` takes a file's bytes once, at rest; `build` makes them from a source.
//! - `check` looks at the bytes without running them: a half-written file must not reach the loader.
//! - `signature` reads from them what their functions take and return, in part from what `debuginfo`
//!   unpacks, and compares it with what the program declares.
//! - `generation` loads them under a private name and finds their functions; `libraries` then lets
//!   all slots of the library change together, or none.
//! - `call` passes arguments and results between the operand stack and C.
//!
//! What differs between operating systems is in `os`. This room knows nothing of modules, engines or
//! the command line, and prints nothing.
#![allow(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]

mod build;
mod call;
mod check;
mod config;
mod debuginfo;
mod generation;
mod libraries;
mod os;
mod policy;
mod read;
mod resolve;
mod settings;
mod signature;
#[allow(dead_code)]
mod state;
#[cfg(test)]
mod tests;

pub use call::CallError;
pub use config::{Config, TestConfig};
pub use libraries::{BindError, Libraries, Reload};
pub use settings::Settings;
pub use signature::Unchecked;
