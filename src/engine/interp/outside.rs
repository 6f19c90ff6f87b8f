//! Handlers that leave the work to somebody else, and those of the odds and ends.

use super::compute::op;
use super::control::Poll;
use super::dispatch::{Body, Flow, Regs, handler};
use crate::engine::lower::Form;
use crate::engine::numeric;
use crate::engine::trap::TrapKind;
use crate::engine::vm::Vm;
use crate::isa::{Group, Op};
use crate::verify::Site;

/// The cells that an instruction works on, as one of its words tells: the first, and how many.
pub(super) unsafe fn cells<'s>(s: &Regs, word: usize) -> &'s mut [u64] {
    // SAFETY: the cells are those of operands, which lie in the frame; nothing else refers to them
    // before the instruction has been executed.
    unsafe {
        let (first, count) = (s.word(word) as u32 as usize, (s.word(word) >> 32) as usize);
        std::slice::from_raw_parts_mut(s.fp.add(first), count)
    }
}

/// What [`Vm::system`] does.
pub(super) struct System;

impl Body for System {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls; the instruction is of this form.
        unsafe {
            let (code, operand) = (s.word(2), s.word(3));
            let (op, float) = (op(code as u8), code >> 8 != 0);
            if let Err(kind) = (*s.cx).vm().system(op, float, operand, cells(s, 4)) {
                return (*s.cx).trap(s.ip, s.fp, kind);
            }
            if op == Op::Memgrow {
                (*s.cx).measure_memory();
            }
            s.forget();
            s.ip = s.ip.add(5);
            // Reading may have waited for long.
            match op == Op::Read && (*s.cx).has_rung() {
                true => Flow::Cold(handler::<Poll>()),
                false => Flow::Next,
            }
        }
    }
}

/// Pays for a stretch.
pub(super) struct Burn;

impl Body for Burn {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls; the instruction is of this form.
        unsafe {
            match (*s.cx).vm().fuel.burn(s.word(2) as u32) {
                Ok(()) => s.next(3),
                Err(kind) => (*s.cx).trap(s.ip, s.fp, kind),
            }
        }
    }
}

/// The bytecode instruction that one of the words names.
unsafe fn site(s: &Regs) -> Site {
    // SAFETY: the instruction is of a form with such a word.
    let word = unsafe { s.word(2) };
    Site { function: (word >> 32) as u32, instr: word as u32 }
}

/// Counts a stretch.
pub(super) struct Count;

impl Body for Count {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls; the instruction is of this form.
        unsafe {
            if let Some(profile) = &mut (*s.cx).vm().profile {
                *profile.counter(site(s)) += 1;
            }
            s.next(3)
        }
    }
}

/// Tells of an instruction.
pub(super) struct Trace;

impl Body for Trace {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls; the instruction is of this form.
        unsafe {
            if let Some(tracer) = &mut (*s.cx).vm().tracer {
                tracer(site(s), cells(s, 3));
            }
            s.next(4)
        }
    }
}

/// Zeros cells.
pub(super) struct Zero;

impl Body for Zero {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the cells are locals of the frame.
        unsafe {
            s.fp.add(s.word(2) as usize).write_bytes(0, s.word(3) as usize);
            s.next(4)
        }
    }
}

/// Both accumulators = any cell.
pub(super) struct Fetch;

impl Body for Fetch {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the cell is one of the frame.
        unsafe {
            s.r0 = *s.fp.add(s.word(2) as usize);
            s.f0 = f64::from_bits(s.r0);
            s.next(3)
        }
    }
}

/// Any cell = the accumulator.
pub(super) struct Put;

impl Body for Put {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the cell is one of the frame.
        unsafe {
            *s.fp.add(s.word(2) as usize) = s.r0;
            s.next(3)
        }
    }
}

/// An instruction on the operand stack, as the bytecode has it.
pub(super) struct Plain;

impl Body for Plain {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls; the instruction is of this form.
        unsafe {
            let (code, operand) = (s.word(2), s.word(3));
            let done = plain((*s.cx).vm(), op(code as u8), code >> 8 != 0, operand, cells(s, 4));
            match done {
                Ok(()) => s.next(5),
                Err(kind) => (*s.cx).trap(s.ip, s.fp, kind),
            }
        }
    }
}

/// Executes an instruction that only computes and moves values. `cells` begins with what it pops, and
/// what it pushes takes its place.
fn plain(
    vm: &mut Vm<'_>,
    op: Op,
    float: bool,
    operand: u64,
    cells: &mut [u64],
) -> Result<(), TrapKind> {
    match op {
        Op::PushInt | Op::PushFloat => cells[0] = operand,
        Op::Dup => cells[1] = cells[0],
        Op::Over => cells[2] = cells[0],
        Op::Swap | Op::Rot => cells.rotate_left(1),
        Op::Select if cells[2] != 0 => {}
        Op::Select => cells[0] = cells[1],
        _ if op.group() == Group::Memory && op.pushes().is_empty() => {
            vm.memory.store_cell(op, cells[0].wrapping_add(operand), cells[1])?;
        }
        _ if op.group() == Group::Memory => {
            cells[0] = vm.memory.load_cell(op, cells[0].wrapping_add(operand))?;
        }
        _ if op.pops().len() == 1 => cells[0] = numeric::unary(op, float, cells[0])?,
        _ => cells[0] = numeric::binary(op, float, cells[0], cells[1])?,
    }
    Ok(())
}
