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
//!    copies vanish; constants are computed, and instructions joined (`compute`).
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
mod listing;
mod loops;
mod translate;
mod values;
mod wide;

pub(super) use code::{Class, Dst, Form, Inst, Lowered, Mode, Src, Target, Test, What};
pub(super) use listing::list;

use super::limits::fuel_costs;
use super::vm::Vm;
use crate::verify::Verified;
use blocks::Blocks;
use frame::Frame;
use loops::Loops;
use translate::Source;

/// The number of cells up to which operands are short.
const SHORT: usize = 1 << 16;

/// What is to happen besides what the program says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    /// Each stretch burns its price.
    fuel: bool,
    /// Each stretch is counted.
    count: bool,
    /// Each instruction is told.
    trace: bool,
}

impl Watch {
    /// As whoever runs a program wants it.
    pub(super) fn of(vm: &Vm<'_>) -> Watch {
        Watch {
            fuel: vm.fuel.left().is_some(),
            count: vm.profile.as_ref().is_some_and(|profile| profile.counts()),
            trace: vm.tracer.is_some(),
        }
    }
}

/// Translates a function.
pub(super) fn lower(
    program: &Verified,
    function: u32,
    watch: Watch,
    target: &dyn Target,
) -> Lowered {
    let code = &program.code_of(function);
    let frame = &Frame::of(program, function);
    let blocks = &Blocks::find(program, function, code);
    let loops = &Loops::find(code, blocks, frame);
    let stretches: &[u32] = if watch.fuel || watch.count { &fuel_costs(code) } else { &[] };
    let source = Source { program, function, code, frame, blocks, loops, watch, stretches };
    if frame.cells > SHORT {
        return wide::translate(&source);
    }
    translate::translate(&source, target)
}
