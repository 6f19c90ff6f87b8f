//! No machine code: the feature is off, or the machine unknown.

use super::reference;
use super::trap::Trap;
use super::vm::{Exit, Vm};

/// Whether programs can be compiled here.
pub(super) const AVAILABLE: bool = false;

/// Runs a function that takes and gives nothing.
pub(super) fn run(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    reference::run(vm, function)
}

/// Runs a function in the interpreter.
pub(super) fn run_tiers(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    super::interp::run(vm, function)
}
