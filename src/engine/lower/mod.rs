//! From stack code to register code, one function at a time, in linear time.
//!
//! The verifier has proved how high the stack is everywhere, so every value of the operand stack has a
//! cell of its own in the frame (`frame`), and instructions can name their operands. The passes, each
//! in its file:
//!
//! 1. `blocks` finds where blocks begin, and which conditions are repeated in the place of jumps to
//!    them: so loops are turned around.
//! 2. `loops` finds the innermost loops without calls, and the variables that each keeps in registers.
//! 3. `translate` goes through the code once. What the bytecode pushes is only noted (`values`), so that
//!    copies vanish; constants are computed, instructions joined (`compute`), and small functions put in
//!    the place of their calls (`inline`).
//!
//! A function whose frame is too large for short operands is translated plainly (`wide`).
//!
//! What can trap and what can be seen from outside keeps its order. An engine tells by [`Target`] for
//! which forms of instructions it has handlers; this room knows nothing else of it.
#![forbid(unsafe_code)]

mod blocks;
mod code;
mod compute;
mod frame;
mod inline;
mod listing;
mod loops;
mod translate;
mod values;
mod wide;

pub(super) use code::{Class, Dst, Form, Inst, Lowered, Mode, Src, Target, Test, What};
pub(super) use listing::list;

use super::limits::fuel_costs;
use super::vm::Vm;
use crate::isa::{Instr, Op};
use crate::verify::Verified;
use blocks::Blocks;
use frame::Frame;
use inline::Inlined;
use loops::Loops;
use translate::Source;

/// The number of cells up to which operands are short.
const SHORT: usize = 1 << 16;

/// What is asked of a translation.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options {
    /// Whether each stretch burns its price.
    pub fuel: bool,
    /// Whether each stretch is counted.
    pub count: bool,
    /// Whether each instruction is told.
    pub trace: bool,
    /// Whether small functions take the place of their calls. They never do where somebody watches.
    pub inline: bool,
}

impl Options {
    /// As whoever runs a program wants it.
    pub(super) fn of(vm: &Vm<'_>, inline: bool) -> Options {
        let fuel = vm.fuel.left().is_some();
        let count = vm.profile.as_ref().is_some_and(|profile| profile.counts());
        let trace = vm.tracer.is_some();
        Options { fuel, count, trace, inline: inline && !fuel && !count && !trace }
    }
}

/// Translates a function.
pub(super) fn lower(
    program: &Verified,
    function: u32,
    options: Options,
    target: &dyn Target,
) -> Lowered {
    let code = &program.code_of(function);
    let frame = &Frame::of(program, function);
    let blocks = &Blocks::find(program, function, code);
    let stretches: &[u32] = if options.fuel || options.count { &fuel_costs(code) } else { &[] };
    let calls = |instr: Instr| match instr.op {
        Op::Call => !options.inline || Inlined::find(program, instr.arg as u32).is_none(),
        op => self::code::is_system(op),
    };
    let loops = &Loops::find(code, blocks, frame, &calls);
    let source = Source { program, function, code, frame, blocks, loops, options, stretches };
    if frame.cells + inline::MOST_CELLS > SHORT {
        return wide::translate(&source);
    }
    translate::translate(&source, target)
}
