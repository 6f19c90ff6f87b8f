//! hotvm: an assembler and bytecode VM whose native functions can be replaced while a program runs.
//!
//! A program is text; [`program::load`] assembles and proves it. A [`engine::Vm`] runs it, with
//! [`native::Libraries`] for the C functions that it calls:
//!
//! ```
//! use hotvm::diagnostics::{Sources, render_terminal};
//! use hotvm::engine::{Exit, Host, Output, Vm};
//! use hotvm::native::{Libraries, Settings};
//! use hotvm::program::{Input, load};
//!
//! let input = Input::from_text("six.vasm", "PUSH 2\nPUSH 3\nMUL\nPRINT\nHALT\n");
//! let mut sources = Sources::new();
//! let program = load(input, &mut sources)
//!     .map_err(|errors| render_terminal(&errors, &sources, false))
//!     .unwrap();
//!
//! let settings = Settings::for_program(".").unwrap();
//! let mut libraries = Libraries::new(program.verified.module().imports.clone(), settings);
//! libraries.bind_all().unwrap();
//! let mut host = Host::new(Output::new(std::io::stdout(), false), std::io::empty(), Vec::new());
//! let mut vm = Vm::new(&program.verified, &mut libraries, &mut host).unwrap();
//! assert_eq!(vm.run().unwrap(), Exit::Done);
//! ```
//!
//! Data flows from [`syntax`] through [`assemble`] to a [`module`], through [`verify`] to an
//! [`engine`]; `docs/architecture.md` tells which room may know of which.
#![warn(missing_docs)]
#![deny(unsafe_code)]

pub mod assemble;
pub mod chars;
pub mod compile;
pub mod diagnostics;
pub mod disassemble;
pub mod engine;
pub mod isa;
pub mod module;
pub mod native;
pub mod program;
pub mod syntax;
mod threads;
pub mod tools;
pub mod verify;
