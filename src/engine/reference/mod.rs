//! The reference interpreter: plain and clear, the measure for every faster engine.
//!
//! It decodes a function when it is first called, and then executes its instructions one by one on a
//! stack of cells.

mod machine;

use super::trap::Trap;
use super::vm::{Exit, Vm};

/// Runs a function that takes and gives nothing.
pub(super) fn run(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    machine::Machine::new(vm).run(function)
}
