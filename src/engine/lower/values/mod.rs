//! The operand stack as it is at translation time, and the instructions made so far.
//!
//! What bytecode pushes is not yet a value in a cell: it is a constant, a local, or what an
//! accumulator holds, until something needs it in its cell. So most pushes and copies vanish. A result
//! is always left in the accumulator of its class; only when the accumulator is wanted for the next
//! result, and this one still lies on the stack, its instruction is told to write the cell as well.
//!
//! Here is the stack itself; `operands` is what instructions take from it and leave on it, `locals` how
//! it is stored.

mod locals;
mod operands;

use super::code::{Class, Dst, Inst, Src, Target, What};
use super::frame::Frame;
use super::loops::Pinned;

/// A value on the operand stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Const(u64),
    /// What a local holds, which does not change while it is on the stack.
    Local(u32),
    /// A cell of the operand stack: that of its height, but for a while after a `SWAP` or `DUP`.
    Temp(u32),
    /// What an accumulator holds.
    Acc(Class),
}

/// Where an accumulator's value came from.
#[derive(Clone, Copy, Debug)]
struct Accumulator {
    /// The instruction that made it.
    inst: usize,
    /// The cell to write it to when the accumulator is needed.
    home: u32,
    /// A cell that holds the same.
    cell: Option<u32>,
}

/// Only so many values at the top of the stack are anything but their cell, so that work on them
/// takes constant time.
const WINDOW: usize = 16;

pub(super) struct Values<'a> {
    target: &'a dyn Target,
    pub frame: &'a Frame,
    pub code: Vec<Inst>,
    /// The bytecode instruction that is being translated.
    pub site: u32,
    stack: Vec<Entry>,
    accs: [Option<Accumulator>; 2],
    /// What each accumulator held before its last result.
    before: [Option<Accumulator>; 2],
    pins: &'a [Pinned],
    /// Whether an entry may lie in the cell of another height.
    disordered: bool,
    /// Instructions before this one are final, since a label stands behind them.
    fixed: usize,
}

impl<'a> Values<'a> {
    pub fn new(target: &'a dyn Target, frame: &'a Frame) -> Values<'a> {
        Values {
            target,
            frame,
            code: Vec::new(),
            site: 0,
            stack: Vec::new(),
            accs: [None; 2],
            before: [None; 2],
            pins: &[],
            disordered: false,
            fixed: 0,
        }
    }

    /// At a label: every value is in its cell, whichever way one comes.
    pub fn begin_block(&mut self, height: u32) {
        self.stack.clear();
        let frame = self.frame;
        self.stack.extend((0..height as usize).map(|at| Entry::Temp(frame.operand(at))));
        self.accs = [None; 2];
        self.disordered = false;
        self.fixed = self.code.len();
    }

    /// From here on these variables are in registers.
    pub fn pin(&mut self, pins: &'a [Pinned]) {
        self.pins = pins;
    }

    /// Loads the registers of pinned variables.
    pub fn load_pins(&mut self, pins: &[Pinned]) {
        for &Pinned { class, pin, cell } in pins {
            self.emit(Inst {
                a: Src::Cell(cell),
                d: Dst::Pin(pin, cell),
                ..Inst::new(What::Copy(class))
            });
        }
        self.fixed = self.code.len();
    }

    pub fn height(&self) -> usize {
        self.stack.len()
    }

    /// Appends an instruction.
    pub fn emit(&mut self, inst: Inst) {
        for acc in self.accs.iter_mut().flatten() {
            if acc.cell.is_some() && acc.cell == inst.d.cell() {
                acc.cell = None;
            }
        }
        self.code.push(Inst { site: self.site, ..inst });
    }

    /// The same, where something else than this function runs in between.
    pub fn emit_call(&mut self, inst: Inst) {
        self.spill(Class::Int);
        self.spill(Class::Float);
        self.accs = [None; 2];
        self.emit(inst);
    }
}

/// The stack.
impl Values<'_> {
    pub fn push(&mut self, entry: Entry) {
        self.stack.push(entry);
        if self.stack.len() > WINDOW {
            let at = self.stack.len() - 1 - WINDOW;
            if self.stack[at] != Entry::Temp(self.frame.operand(at)) {
                if self.disordered { self.settle() } else { self.settle_one(at) }
            }
        }
    }

    pub fn pop(&mut self) -> Entry {
        let entry = self.stack.pop().expect("the verifier has counted the values");
        self.disordered &= !self.stack.is_empty();
        entry
    }

    pub fn drop_top(&mut self, count: usize) {
        self.stack.truncate(self.stack.len() - count);
        self.disordered &= !self.stack.is_empty();
    }

    pub fn top(&self) -> Entry {
        *self.stack.last().expect("the verifier has counted the values")
    }

    /// Pushes the entry that is `depth` below the top once more.
    pub fn pick(&mut self, depth: usize) {
        self.pick_at(self.stack.len() - 1 - depth);
    }

    /// Pushes the entry at a height once more.
    pub fn pick_at(&mut self, height: usize) {
        self.push_moved(self.stack[height]);
    }

    /// Pushes an entry that was at another height.
    pub fn push_moved(&mut self, entry: Entry) {
        self.disordered |= matches!(entry, Entry::Temp(_) | Entry::Acc(_));
        self.push(entry);
    }

    /// Pops an entry and puts it in the place of that at a height, which is in the window.
    pub fn put_at(&mut self, height: usize) {
        let entry = self.pop();
        self.stack[height] = Entry::Const(0);
        self.note_moved(entry, height);
        self.stack[height] = entry;
    }

    /// Drops the topmost entries, but keeps the very top if it is wanted.
    pub fn drop_below_top(&mut self, count: usize, keep_top: bool) {
        let top = keep_top.then(|| self.pop());
        self.drop_top(count - usize::from(keep_top));
        if let Some(entry) = top {
            self.note_moved(entry, self.stack.len());
            self.push(entry);
        }
    }

    /// Takes note that an entry, which is not on the stack just now, comes to another height.
    fn note_moved(&mut self, entry: Entry, height: usize) {
        if !self.rehome(entry, height) {
            self.disordered |= matches!(entry, Entry::Temp(_) | Entry::Acc(_));
        }
    }

    /// Makes the cell of a height the home of what the last instruction has left in the accumulator,
    /// if nothing else is there.
    fn rehome(&mut self, entry: Entry, height: usize) -> bool {
        let home = self.frame.operand(height);
        let Entry::Acc(class) = entry else { return false };
        let Some(acc) = self.accs[class as usize] else { return false };
        let copied = self.stack[self.window()].contains(&entry);
        if acc.inst + 1 != self.code.len() || copied || self.is_taken(home, self.stack.len()) {
            return false;
        }
        if self.code[acc.inst].d == Dst::Cell(acc.home) {
            self.code[acc.inst].d = Dst::Cell(home);
            self.set_cell(class, home);
        }
        self.accs[class as usize].iter_mut().for_each(|acc| acc.home = home);
        true
    }

    /// Whether an entry below a height lies in a cell, or will.
    fn is_taken(&self, cell: u32, height: usize) -> bool {
        let start = self.window().start.min(height);
        self.stack[start..height].iter().any(|&entry| match entry {
            Entry::Temp(other) => other == cell,
            Entry::Acc(class) => self.accs[class as usize].is_some_and(|acc| acc.home == cell),
            _ => false,
        })
    }

    /// Brings the entry that is `count - 1` below the top to the top.
    pub fn rotate(&mut self, count: usize) {
        let start = self.stack.len() - count;
        self.stack[start..].rotate_left(1);
        self.disordered |=
            self.stack[start..].iter().any(|entry| matches!(entry, Entry::Temp(_) | Entry::Acc(_)));
    }

    fn window(&self) -> std::ops::Range<usize> {
        self.stack.len().saturating_sub(WINDOW + 1)..self.stack.len()
    }

    /// Makes sure that the cell is free for what will be pushed when `pops` values are popped.
    pub fn make_room(&mut self, pops: usize) {
        let height = self.stack.len() - pops;
        if self.disordered && self.is_taken(self.frame.operand(height), height) {
            self.settle();
        }
    }

    /// Whether all values are in their cells.
    pub fn is_settled(&self) -> bool {
        self.window().all(|at| self.stack[at] == Entry::Temp(self.frame.operand(at)))
    }

    /// Whether an entry may lie in the cell of another height.
    pub fn is_disordered(&self) -> bool {
        self.disordered
    }

    /// Brings all values to their cells.
    pub fn settle(&mut self) {
        self.spill(Class::Int);
        self.spill(Class::Float);
        if self.disordered {
            self.settle_temps();
            self.disordered = false;
        }
        for at in self.window() {
            self.settle_one(at);
        }
    }

    /// Brings the top values to their cells; those below stay what they are.
    pub fn settle_top(&mut self, count: usize) {
        self.spill(Class::Int);
        self.spill(Class::Float);
        if self.disordered {
            return self.settle();
        }
        for at in self.stack.len() - count..self.stack.len() {
            self.settle_one(at);
        }
    }

    /// Brings one value to its cell, which is free.
    fn settle_one(&mut self, at: usize) {
        let cell = self.frame.operand(at);
        let a = match self.stack[at] {
            Entry::Temp(_) => return,
            Entry::Acc(class) => return self.spill(class),
            Entry::Const(value) => Src::Imm(value),
            Entry::Local(cell) => Src::Cell(cell),
        };
        self.emit(Inst { a, d: Dst::Cell(cell), ..Inst::new(What::Copy(Class::Int)) });
        self.stack[at] = Entry::Temp(cell);
    }

    /// Moves values that lie in cells of other heights to their own, each before its source is
    /// overwritten; where they go in a circle, by way of a spare cell.
    fn settle_temps(&mut self) {
        let mut moves: Vec<(u32, u32)> = Vec::new();
        for at in self.window() {
            let own = self.frame.operand(at);
            if let Entry::Temp(cell) = self.stack[at]
                && cell != own
            {
                moves.push((cell, own));
                self.stack[at] = Entry::Temp(own);
            }
        }
        while !moves.is_empty() {
            let ready = moves.iter().position(|&(_, to)| moves.iter().all(|&(from, _)| from != to));
            let (from, to) = match ready {
                Some(at) => moves.swap_remove(at),
                None => {
                    let (from, spare) = (moves[0].0, self.frame.spare(0));
                    moves.iter_mut().filter(|m| m.0 == from).for_each(|m| m.0 = spare);
                    (from, spare)
                }
            };
            self.emit(Inst {
                a: Src::Cell(from),
                d: Dst::Cell(to),
                ..Inst::new(What::Copy(Class::Int))
            });
        }
    }

    /// Lets the accumulator's value, where it is still on the stack, be in its cell as well.
    fn spill(&mut self, class: Class) {
        let entries = self.window();
        if self.stack[entries].contains(&Entry::Acc(class)) {
            self.write_home(class);
        }
    }

    /// Lets the instruction that made the accumulator's value write its cell; gives the cell.
    fn write_home(&mut self, class: Class) -> u32 {
        let Accumulator { inst, home, .. } = self.accs[class as usize].expect("it is on the stack");
        self.code[inst].d = Dst::Cell(home);
        self.set_cell(class, home);
        self.replace(Entry::Acc(class), Entry::Temp(home));
        home
    }

    fn replace(&mut self, old: Entry, new: Entry) {
        let window = self.window();
        self.stack[window].iter_mut().filter(|entry| **entry == old).for_each(|e| *e = new);
    }
}
