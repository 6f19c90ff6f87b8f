//! Small functions in the place of their calls.
//!
//! A function that only computes, in a straight line and without traps, needs no frame: its parameters
//! and locals are values on the caller's stack. What is left to do is to trap where the call itself
//! would have found no room on the stack of cells; whoever calls the caller sees to that, by the room
//! that [`Lowered::cells`](super::Lowered) asks for.

use super::code::is_simple;
use crate::engine::limits::FRAME_CELLS;
use crate::isa::{Code, Group, Op};
use crate::verify::Verified;

/// How many instructions a function may have, and how many values.
const INSTRS: usize = 24;
const VALUES: usize = 12;

/// How many cells calls that are no calls can take beyond a frame.
pub(super) const MOST_CELLS: usize = VALUES + FRAME_CELLS;

/// A function that is put in the place of a call.
pub(super) struct Inlined {
    pub function: u32,
    pub code: Code,
    pub params: usize,
    /// The locals that are not parameters.
    pub locals: usize,
    pub has_result: bool,
    /// The cells that its frame would have.
    pub cells: usize,
}

impl Inlined {
    /// The function, if it can be put in the place of its calls.
    pub fn find(program: &Verified, function: u32) -> Option<Inlined> {
        let module = program.module();
        let (variables, stack) = (program.locals(function), program.max_stack(function) as usize);
        // An instruction has at least one byte, and most of them not many more.
        if module.functions[function as usize].code.len() > 4 * INSTRS || variables + stack > VALUES
        {
            return None;
        }
        let code = program.code_of(function);
        let (last, others) = code.instrs.split_last()?;
        let divides_integers =
            |at: usize| code.instrs[at].op == Op::Div && !program.is_float(function, at as u32);
        let pure = others
            .iter()
            .enumerate()
            .all(|(at, &instr)| is_simple(instr) && is_pure(instr.op) && !divides_integers(at));
        if code.instrs.len() > INSTRS || last.op != Op::Ret || !pure {
            return None;
        }
        let ty = module.func_type(function);
        let (params, has_result) = (ty.params.len(), ty.result.is_some());
        let (locals, cells) = (variables - params, FRAME_CELLS + variables + stack);
        Some(Inlined { function, code, params, locals, has_result, cells })
    }
}

/// Whether an instruction cannot trap, nor be seen from outside, but for `DIV`.
fn is_pure(op: Op) -> bool {
    !matches!(op, Op::Rem | Op::Divu | Op::Remu | Op::Ftoi | Op::Ftou)
        && !matches!(op, Op::StoreGlobal | Op::TeeGlobal)
        && op.group() != Group::Memory
}
