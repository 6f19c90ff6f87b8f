//! Programs as machine code, made by Cranelift.
//!
//! A function is compiled when it is first called, or, with tiers, on a thread of its own when it has
//! shown to be worth it; until then the interpreter runs it. All calls go through one table of
//! addresses, which at first all lead to the compiler or the interpreter. What machine code does not do
//! by itself it asks a helper for; a trap ends the program without returning through the code that
//! trapped.
//!
//! - `translate` turns the bytecode of a function into Cranelift's form, and `inline` decides which
//!   calls are replaced by what they call; `compiler` makes machine code of it, and `image` is that code
//!   where it runs.
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
mod stack;
mod tier;
mod translate;
mod traps;

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod machine;

use super::observe::Profile;
use super::trap::{Trap, TrapKind};
use super::vm::{Exit, Vm};
use super::{interp, limits, reference};
use crate::native::{CallGuard, OtherStack};
use compiler::{Compiler, Unit};
use context::Context;
use image::Image;
use stack::Stack;
use std::ops::Range;
use tier::Tier;
use translate::Options;

/// Whether programs can be compiled here.
pub(super) const AVAILABLE: bool = true;

/// All that compiled code and its helpers work on, but for the context.
struct Session<'v, 'p> {
    vm: &'v mut Vm<'p>,
    image: Image,
    source: Source<'p>,
    /// How the program ends, once that is known.
    end: Option<Result<Exit, Trap>>,
    /// The trap of a helper, until the code that called it comes to its place.
    pending: Option<TrapKind>,
    /// The guard of the native calls that code makes by itself.
    guard: Option<CallGuard>,
    /// The addresses of the stack.
    stack: Range<usize>,
}

/// Where code comes from.
enum Source<'p> {
    /// Each function is compiled when it is first called.
    Lazy(Box<Compiler<'p>>),
    /// The interpreter runs what is not compiled, and a thread compiles what is worth it.
    Tiers(Tier),
}

impl<'v, 'p> Session<'v, 'p> {
    fn new(vm: &'v mut Vm<'p>, image: Image, source: Source<'p>, stack: &Stack) -> Self {
        let (guard, stack) = (vm.libraries.call_guard(), stack.range());
        Session { vm, image, source, end: None, pending: None, guard, stack }
    }

    /// How the program ended.
    fn finish(self, context: &Context) -> Result<Exit, Trap> {
        if self.vm.fuel.left().is_some() {
            self.vm.fuel = limits::Fuel::of(context.fuel());
        }
        self.end.unwrap_or(Ok(Exit::Done))
    }

    /// The calls of other activations, that led to the one at hand.
    fn outer_sites(&self) -> Vec<crate::verify::Site> {
        match &self.source {
            Source::Lazy(_) => Vec::new(),
            Source::Tiers(tier) => tier.sites(&self.image.sites, &self.stack),
        }
    }
}

/// Runs a function that takes and gives nothing, compiling each function when it is first called. Where
/// somebody watches each instruction, or the system does not have what machine code needs, the reference
/// interpreter runs it.
pub(super) fn run(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    if is_watched(vm) {
        return reference::run(vm, function);
    }
    let Some((compiler, image, stack)) = prepare(vm) else { return reference::run(vm, function) };
    let mut session = Session::new(vm, image, Source::Lazy(Box::new(compiler)), &stack);
    let mut context = Context::new(&mut session, &stack);
    let _other = OtherStack::enter(stack.range());
    stack.run(|| {
        // SAFETY: the context was made for this session and stack, and all three live on.
        unsafe { Context::enter_main(&raw mut *context, function) };
    });
    session.finish(&context)
}

/// The same, beginning in the interpreter.
pub(super) fn run_tiers(vm: &mut Vm<'_>, function: u32) -> Result<Exit, Trap> {
    match is_watched(vm) {
        true => interp::run(vm, function),
        false => tier::run(vm, function),
    }
}

/// Whether somebody wants to know of each instruction.
fn is_watched(vm: &Vm<'_>) -> bool {
    vm.tracer.is_some() || vm.profile.as_ref().is_some_and(Profile::counts)
}

fn prepare<'p>(vm: &Vm<'p>) -> Option<(Compiler<'p>, Image, Stack)> {
    let mut compiler = Compiler::new(vm.program, Options::of(vm))?;
    let mut image = Image::new(vm.program.module().functions.len())?;
    let poll = compiler.compile(Unit::Poll, &mut image.sites.places)?;
    image.add_poll(poll)?;
    Some((compiler, image, Stack::new()?))
}
