//! Programs as machine code, made by Cranelift.
//!
//! A function is compiled when it is first called. All calls go through one table of addresses, which
//! at first all lead to the compiler. What machine code does not do by itself it asks a helper for;
//! a trap ends the program without returning through the code that trapped.
//!
//! - `translate` turns the bytecode of a function into Cranelift's form, and `inline` decides which
//!   calls are replaced by what they call; `compiler` makes machine code of it.
//! - `context` is what code and helpers share: the first argument of every function.
//! - `helpers` are what code calls, `traps` how it ends, and `sites` how a place in machine code is
//!   one in the program again.
//! - `machine` holds what must be written in assembly; `code` and `stack` are memory of the system.
//!
//! Nothing here knows a second meaning of an instruction: what is rare is left to `Vm::system`, and
//! what a trap says to `numeric`.
#![allow(unsafe_code)]

mod code;
mod compiler;
mod context;
mod helpers;
mod inline;
mod sites;
mod stack;
mod translate;
mod traps;

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod machine;

use super::observe::Profile;
use super::trap::{Trap, TrapKind};
use super::vm::{Exit, Vm};
use super::{limits, reference};
use crate::native::OtherStack;
use compiler::Compiler;
use context::Context;
use stack::Stack;

/// Whether programs can be compiled here.
pub(super) const AVAILABLE: bool = true;

/// All that compiled code and its helpers work on, but for the context.
struct Session<'v, 'p> {
    vm: &'v mut Vm<'p>,
    compiler: Compiler,
    /// How the program ends, once that is known.
    end: Option<Result<Exit, Trap>>,
    /// The trap of a helper, until the code that called it comes to its place.
    pending: Option<TrapKind>,
}

/// Runs a function that takes and gives nothing. Where somebody watches each instruction, or the
/// system does not have what machine code needs, the reference interpreter runs it.
pub(super) fn run(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    if vm.tracer.is_some() || vm.profile.as_ref().is_some_and(Profile::counts) {
        return reference::run(vm, function);
    }
    let (Some(compiler), Some(stack)) = (Compiler::new(vm), Stack::new()) else {
        return reference::run(vm, function);
    };
    let mut session = Session { vm, compiler, end: None, pending: None };
    let mut context = Context::new(&mut session, &stack);
    let _other = OtherStack::enter(stack.range());
    // SAFETY: the context was made for this session and stack, and all three live on.
    unsafe { context.enter(function, stack.top()) };
    let fuel = context.fuel();
    if session.vm.fuel.left().is_some() {
        session.vm.fuel = limits::Fuel::of(fuel);
    }
    session.end.unwrap_or(Ok(Exit::Done))
}
