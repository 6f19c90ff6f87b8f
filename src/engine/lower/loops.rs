//! Second pass: the innermost loops, and the variables that each keeps in registers.
//!
//! A loop is the stretch of bytecode from the target of a backward jump to that jump. Where it holds
//! no call and no other loop (or a `SWITCH`, as the loops of interpreters do, whatever their arms hold),
//! the variables that it uses most are *pinned*: read from a register, and
//! written to the register and to their cell, so that nothing has to be saved where the loop is left.
//! Whoever enters it loads the registers.

use super::blocks::Blocks;
use super::code::{Class, Mode};
use super::frame::Frame;
use crate::isa::{Code, Instr, Op, OperandKind};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::ops::Range;

/// How many variables of each class a loop can pin.
const PINS: usize = Mode::PINS.len();

/// A pinned variable: its class, the number of its register in that class, and its cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pinned {
    pub class: Class,
    pub pin: u8,
    pub cell: u32,
}

#[derive(Debug, Default)]
pub(super) struct Loops {
    /// The pinned variables of each loop that has some.
    pins: Vec<Vec<Pinned>>,
    /// For each instruction, the loop that it is in, counted from 1; empty when there are none.
    of: Vec<u32>,
}

const NO_LOOP: u32 = u32::MAX;

impl Loops {
    /// `calls` tells which instructions need the registers for something else.
    pub fn find(
        code: &Code,
        blocks: &Blocks,
        frame: &Frame,
        calls: &dyn Fn(Instr) -> bool,
    ) -> Loops {
        let mut loops = Loops::default();
        let ends = loop_ends(code, blocks);
        let calls = count(code, blocks, calls);
        let switches = count(code, blocks, &|instr| instr.op == Op::Switch);
        let mut at = 0;
        while at < code.instrs.len() {
            if ends[at] == NO_LOOP {
                at += 1;
                continue;
            }
            let end = ends[at] as usize + 1;
            let has_calls = calls[at] < calls[end];
            let dispatches = switches[at] < switches[end];
            // The next loop that begins inside, from which the search goes on.
            let inner = ends[at + 1..end].iter().position(|&end| end != NO_LOOP);
            if let Some(inner) = inner.filter(|_| has_calls || !dispatches) {
                at += 1 + inner;
                continue;
            }
            let pins = if has_calls { Vec::new() } else { choose(code, blocks, at..end, frame) };
            if !pins.is_empty() {
                loops.pins.push(pins);
                loops.of.resize(code.instrs.len(), 0);
                loops.of[at..end].fill(loops.pins.len() as u32);
            }
            at = end;
        }
        loops
    }

    /// The loop with pinned variables that an instruction is in; 0 for none.
    pub fn of(&self, at: u32) -> u32 {
        self.of.get(at as usize).copied().unwrap_or(0)
    }

    /// The pinned variables of a loop.
    pub fn pins(&self, number: u32) -> &[Pinned] {
        match number {
            0 => &[],
            _ => &self.pins[number as usize - 1],
        }
    }
}

/// For each instruction to which a backward jump leads, the last of these jumps.
fn loop_ends(code: &Code, blocks: &Blocks) -> Vec<u32> {
    let mut ends = vec![NO_LOOP; code.instrs.len()];
    for (at, &instr) in code.instrs.iter().enumerate() {
        if blocks.places[at].reachable {
            for target in code.jump_targets(instr).filter(|&target| target as usize <= at) {
                ends[target as usize] = at as u32;
            }
        }
    }
    ends
}

/// For each instruction, how many before it are of some kind, and the same for the end.
fn count(code: &Code, blocks: &Blocks, kind: &dyn Fn(Instr) -> bool) -> Vec<u32> {
    let mut count = 0;
    let mut counts = vec![0];
    for (&instr, place) in code.instrs.iter().zip(&blocks.places) {
        count += u32::from(place.reachable && kind(instr));
        counts.push(count);
    }
    counts
}

/// The variables that a loop uses most. Those that it also changes count double: what is in a register
/// need not come back from memory in the next turn.
fn choose(code: &Code, blocks: &Blocks, body: Range<usize>, frame: &Frame) -> Vec<Pinned> {
    let mut uses: FxHashMap<u32, (u32, bool)> = FxHashMap::default();
    for at in body.filter(|&at| blocks.places[at].reachable) {
        let instr = code.instrs[at];
        if instr.op.operand() == OperandKind::Local {
            let (count, changed) = uses.entry(instr.arg as u32).or_default();
            *count += 1;
            *changed |= instr.op != Op::LoadLocal;
        }
    }
    let mut wanted: Vec<_> = uses.into_iter().filter(|(_, (count, _))| *count > 1).collect();
    wanted.sort_by_key(|&(local, (count, changed))| {
        (Reverse(count * (1 + u32::from(changed))), local)
    });
    let mut pins: Vec<Pinned> = Vec::new();
    for (local, _) in wanted {
        let class = frame.class(local);
        let pin = pins.iter().filter(|pinned| pinned.class == class).count();
        if pin < PINS {
            pins.push(Pinned { class, pin: pin as u8, cell: frame.local(local) });
        }
    }
    pins
}
