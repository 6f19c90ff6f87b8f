//! Programs as machine code, made by Cranelift.
//!
//! A function is compiled when it is first called, or on a thread of its own when it has shown to be
//! worth it; until then the interpreter runs it, and so it does what cannot be compiled. All calls go
//! through one table of addresses, which at first all lead to `tier`. What machine code does not do by
//! itself it asks a helper for; a trap ends the program without returning through the code that trapped.
//!
//! - `translate` turns the bytecode of a function into Cranelift's form, and `inline` decides which
//!   calls are replaced by what they call; `compiler` makes machine code of it, `source` has that done
//!   in the foreground or background, and `image` is that code where it runs.
//! - `tier` is the way between interpreter and machine code, and back.
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
mod image;
mod inline;
mod sites;
mod source;
mod stack;
mod tier;
mod translate;
mod traps;

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod machine;

use super::interp;
use super::observe::Profile;
use super::trap::{Trap, TrapKind};
use super::vm::{Exit, Vm};
use crate::native::CallGuard;
use compiler::Compiler;
use image::Image;
use source::{Background, Source};
use stack::Stack;
use std::ops::Range;
use std::sync::Arc;
use tier::Tier;
use translate::Options;

/// Whether programs can be compiled here.
pub(super) const AVAILABLE: bool = true;

/// Functions with more bytes of bytecode than this, about half as many instructions, are not compiled in
/// the background: that takes more than linear time, and the other functions would wait for it.
const LARGE: usize = 20_000;

/// All that compiled code and its helpers work on, but for the context.
struct Session<'v, 'p> {
    vm: &'v mut Vm<'p>,
    image: Image,
    source: Source<'p>,
    tier: Tier,
    /// How the program ends, once that is known.
    end: Option<Result<Exit, Trap>>,
    /// The trap of a helper, until the code that called it comes to its place.
    pending: Option<TrapKind>,
    /// The guard of the native calls that code makes by itself.
    guard: Option<CallGuard>,
    /// The addresses of the stack.
    stack: Range<usize>,
}

/// Runs a function that takes and gives nothing, compiling each function when it is first called.
pub(super) fn run(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    let (program, options) = (vm.program, Options::of(vm, usize::MAX));
    match Compiler::new(program, options) {
        Some(compiler) => start(vm, function, Source::Foreground(Box::new(compiler))),
        None => interp::run(vm, function),
    }
}

/// The same, beginning in the interpreter.
pub(super) fn run_tiers(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    let (program, options) = (Arc::clone(vm.program), Options::of(vm, LARGE));
    let background = Background::new(program, options, vm.doorbell.clone());
    start(vm, function, Source::Background(background))
}

/// Where somebody watches each instruction, or the system does not have what machine code needs, the
/// interpreter runs it alone.
fn start<'p>(vm: &mut Vm<'p>, function: u32, source: Source<'p>) -> Result<Exit, Trap> {
    let is_watched = vm.tracer.is_some() || vm.profile.as_ref().is_some_and(Profile::counts);
    let functions = vm.program.module().functions.len();
    match (Image::new(functions), Stack::new()) {
        (Some(image), Some(stack)) if !is_watched => tier::run(vm, function, image, &stack, source),
        _ => interp::run(vm, function),
    }
}
