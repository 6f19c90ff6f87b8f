//! What a program may use up: fuel, stack, memory. Its time is watched by whoever runs it, who rings
//! when it is up.

use super::trap::TrapKind;
use crate::isa::{Code, OperandKind};

/// How many cells all calls together may use (8 MiB). A call uses a cell for each local and for each
/// value that its operand stack can hold, and [`FRAME_CELLS`] more; its arguments are those cells in
/// which the caller has put them.
pub const MAX_STACK: usize = 1 << 20;

/// What a call uses besides its own cells, so that calls nest up to 262,144 deep. Engines keep there
/// where to return to.
pub const FRAME_CELLS: usize = 4;

/// The limits that whoever runs a program sets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// How many instructions it may execute. They are counted by *stretches*: from the beginning of a
    /// function, the target of a jump, or behind a jump, up to the next of these. A stretch is paid
    /// for as a whole when it is entered, and not entered when the fuel is not enough for it.
    pub fuel: Option<u64>,
    /// How many bytes of memory it may have, at the start and by growing.
    pub memory: Option<u64>,
}

/// What is left of the fuel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fuel(Option<u64>);

impl Fuel {
    pub(super) fn new(limits: Limits) -> Fuel {
        Fuel(limits.fuel)
    }

    /// Fuel of which so much is left.
    #[allow(dead_code, reason = "for compiled code, which is not made everywhere")]
    pub(super) fn of(left: u64) -> Fuel {
        Fuel(Some(left))
    }

    /// What is left, where there is a limit.
    pub(super) fn left(self) -> Option<u64> {
        self.0
    }

    /// Pays for a stretch.
    pub(super) fn burn(&mut self, cost: u32) -> Result<(), TrapKind> {
        if let Some(left) = &mut self.0 {
            *left = left.checked_sub(cost.into()).ok_or(TrapKind::OutOfFuel)?;
        }
        Ok(())
    }
}

/// For each instruction, the fuel of the stretch that begins there; 0 inside of a stretch.
pub(super) fn fuel_costs(code: &Code) -> Vec<u32> {
    let count = code.instrs.len();
    let mut begins = vec![false; count + 1];
    begins[0] = true;
    for (i, &instr) in code.instrs.iter().enumerate() {
        for target in code.jump_targets(instr) {
            begins[target as usize] = true;
        }
        let jumps = matches!(instr.op.operand(), OperandKind::Label | OperandKind::Labels);
        begins[i + 1] |= jumps || !instr.op.falls_through();
    }
    let mut costs = vec![0; count];
    let mut length = 0;
    for i in (0..count).rev() {
        length += 1;
        if begins[i] {
            costs[i] = length;
            length = 0;
        }
    }
    costs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{Instr, Op};

    #[test]
    fn a_stretch_ends_at_jumps_and_at_their_targets() {
        let ops = [(Op::PushInt, 0), (Op::Jz, 3), (Op::Nop, 0), (Op::Nop, 0), (Op::Halt, 0)];
        let instrs = ops.map(|(op, arg)| Instr::new(op, arg)).to_vec();
        let code = Code { instrs, targets: Vec::new() };
        assert_eq!(fuel_costs(&code), [2, 0, 1, 2, 0]);
    }

    #[test]
    fn fuel_is_never_overdrawn() {
        let mut fuel = Fuel::new(Limits { fuel: Some(5), ..Limits::default() });
        assert!(fuel.burn(3).is_ok() && fuel.burn(3).is_err());
        assert_eq!(fuel.left(), Some(2));
        assert!(Fuel::new(Limits::default()).burn(u32::MAX).is_ok());
    }
}
