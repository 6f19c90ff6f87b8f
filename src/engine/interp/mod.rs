//! The fast interpreter: executes register code (`engine/lower`).
//!
//! An instruction in memory (`encode`) begins with the address of its *handler*. A handler is written
//! once for all modes of its operands (`operands`), and `table` lists which combinations there are. How
//! one goes to the next has two back ends (`dispatch`): tail calls, which keep the state of the machine
//! in registers, and a loop where the compiler or the target has none.
//!
//! # Frames
//!
//! All calls share one stack of cells. A caller puts the arguments where the callee's frame begins, so
//! nothing is copied. Behind them the callee has [`FRAME_CELLS`](super::limits::FRAME_CELLS) cells of
//! header (return address, caller's frame, two spare), then its other locals and its operands. The
//! place of a frame is therefore the number that the limit of the stack is about.
//!
//! # For engines on top
//!
//! - A call goes through the callee's [`Entry`](machine::Entry): the address of its code, which is at
//!   first an instruction that lowers the function. When the function is compiled, it is one that calls
//!   the compiled code with the frame, by [`Upper`].
//! - At safepoints the engine on top may take over the rest of a function: where a block begins, all
//!   values are in their cells.
//! - [`Machine::call`](machine::Machine::call) may be called while another call of the same machine is
//!   under way, with a frame on the same stack. For a trap, the engine on top tells where the calls
//!   are that led to this one.
// Handlers read instructions and frames without checks, which the verifier has made superfluous.
#![allow(unsafe_code)]

mod compute;
mod control;
mod dispatch;
mod encode;
mod machine;
mod memory;
mod native;
mod operands;
mod outside;
mod table;

#[allow(unused_imports, reason = "for compiled code, which is not made everywhere")]
pub(super) use machine::{Caller, End, Machine, Upper};

use super::lower::{self, Options, lower};
use super::trap::Trap;
use super::vm::{Exit, Vm};
use crate::verify::Verified;

/// Runs a function that takes and gives nothing.
pub(super) fn run(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    machine::run(vm, function)
}

/// The register code of a function as text.
pub fn list(program: &Verified, function: u32) -> String {
    let options = Options { inline: true, ..Options::default() };
    lower::list(&lower(program, function, options, &table::HANDLERS))
}
