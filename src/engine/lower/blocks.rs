//! First pass: where blocks begin, how high the stack is there, and which conditions are repeated at
//! the jumps that lead to them.
//!
//! A loop whose condition stands at its top takes two jumps a turn. Where an unconditional jump leads
//! to a short block that only computes and then decides, the block is repeated in the place of the
//! jump. That turns loops around, and gives each arm of a `SWITCH` in a loop a dispatch of its own.

use super::code::is_simple;
use crate::isa::{Code, Op, OperandKind};
use crate::verify::Verified;

/// How many instructions a block may have that is repeated.
const REPEATED: usize = 12;

/// What is known of a bytecode instruction before it is translated.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// Whether any way leads here.
    pub reachable: bool,
    /// Whether a block begins here: something other than the instruction before may lead here.
    pub leader: bool,
    /// The height of the operand stack before it.
    pub height: u32,
}

#[derive(Debug)]
pub(super) struct Blocks {
    /// For each instruction.
    pub places: Vec<Place>,
    /// For each jump to a block that is repeated in its place: the last instruction of that block.
    repeats: Vec<Option<u32>>,
}

impl Blocks {
    pub fn find(program: &Verified, function: u32, code: &Code) -> Blocks {
        let places = follow_ways(program, function, code);
        let mut blocks = Blocks { places, repeats: vec![None; code.instrs.len()] };
        for (at, instr) in code.instrs.iter().enumerate() {
            if blocks.places[at].reachable && instr.op == Op::Jmp {
                blocks.repeats[at] = blocks.repeated(code, instr.arg as usize);
            }
        }
        // Behind a repeated condition the code goes on where the condition itself would.
        for last in blocks.repeats.iter().flatten().map(|&last| last as usize) {
            if code.instrs[last].op.falls_through() {
                blocks.places[last + 1].leader = true;
            }
        }
        blocks
    }

    /// The last instruction of the block that stands for the jump `at`, if one does.
    pub fn repeat(&self, at: u32) -> Option<u32> {
        self.repeats[at as usize]
    }

    /// The last instruction of the block at `start`, if it is short and only decides.
    fn repeated(&self, code: &Code, start: usize) -> Option<u32> {
        for (at, &instr) in code.instrs.iter().enumerate().skip(start).take(REPEATED) {
            match instr.op.operand() {
                _ if at > start && self.places[at].leader => return None,
                OperandKind::Label if instr.op == Op::Jmp => return None,
                OperandKind::Label | OperandKind::Labels => return Some(at as u32),
                _ if is_simple(instr) => {}
                _ => return None,
            }
        }
        None
    }
}

/// Follows every way from the start, each instruction once.
fn follow_ways(program: &Verified, function: u32, code: &Code) -> Vec<Place> {
    let mut places = vec![Place::default(); code.instrs.len()];
    let mut work = vec![(0, 0)];
    while let Some((start, mut height)) = work.pop() {
        let mut at = start as usize;
        while !places[at].reachable {
            places[at] = Place { reachable: true, height, ..places[at] };
            let instr = code.instrs[at];
            let effect = program.effect(function, instr);
            height = height + effect.pushes as u32 - effect.pops as u32;
            for target in code.jump_targets(instr) {
                places[target as usize].leader = true;
                work.push((target, height));
            }
            if !instr.op.falls_through() {
                break;
            }
            at += 1;
        }
    }
    places
}
