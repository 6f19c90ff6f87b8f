//! Runs programs.
//!
//! A [`Vm`] holds the state of one program: its memory, globals, native libraries and its ways to the
//! outside. An engine (`interp`) runs a function of a `Verified` module on it, and never checks
//! what the verifier has proved. What can still go wrong is a [`Trap`].
//!
//! The meaning of arithmetic stands in [`numeric`] and nowhere else.
#![forbid(unsafe_code)]

mod host;
mod interp;
mod memory;
pub mod numeric;
mod safepoint;
mod trap;
mod vm;

pub use host::{Host, Output};
pub use memory::Memory;
pub use safepoint::{Doorbell, Request};
pub use trap::{Trap, TrapKind};
pub use vm::{Exit, MAX_CALL_DEPTH, MAX_STACK, OutOfMemory, Vm};
