//! Runs programs.
//!
//! A [`Vm`] holds the state of one program: its memory, globals, native libraries and its ways to the
//! outside. An engine runs a function of a `Verified` module on it, and never checks what the verifier
//! has proved. What can still go wrong is a [`Trap`].
//!
//! - `reference` is the plain interpreter that the others are compared with.
//! - `lower` turns stack code into register code, which `interp`, the fast interpreter, executes.
//! - `jit` makes machine code of programs, where it knows the machine; `no_jit` stands in its place
//!   where it does not.
//! - [`numeric`] is the meaning of arithmetic, `memory` that of loads and stores, and `system` that of
//!   what reaches further; no other file has a second version of it.
//! - `observe` is what can be watched: a trace, a profile.
//! - `limits` says what a program may use up, and `safepoint` how it is reached while it runs.
#![deny(unsafe_code)]

mod host;
mod interp;
#[cfg(all(feature = "jit", unix, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod jit;
#[cfg(not(all(feature = "jit", unix, any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[path = "no_jit.rs"]
mod jit;
mod limits;
mod lower;
mod memory;
pub mod numeric;
mod observe;
mod reference;
mod safepoint;
mod system;
mod trap;
mod vm;

pub use host::{Host, Output};
pub use interp::list as list_lowered;
pub use limits::{FRAME_CELLS, Limits, MAX_STACK};
pub use memory::Memory;
pub use observe::{CodeListener, MachineCode, Profile, ProfileMode, Tier, Tracer};
pub use safepoint::{Doorbell, Request};
pub use trap::{Trap, TrapKind};
pub use vm::{Engine, Exit, OutOfMemory, Vm};
