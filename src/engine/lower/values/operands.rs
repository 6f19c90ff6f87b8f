//! What instructions take from the stack, what they leave on it, and how two become one.

use super::{Accumulator, Entry, Values};
use crate::engine::lower::code::{Class, Dst, Form, Inst, Mode, Src, What};

impl Values<'_> {
    /// Where an instruction finds a value that was popped.
    pub fn operand(&mut self, entry: Entry, class: Class) -> Src {
        match entry {
            Entry::Const(value) => Src::Imm(value),
            Entry::Acc(held) if held == class => Src::Acc,
            Entry::Acc(held) => Src::Cell(self.write_home(held)),
            Entry::Local(cell) | Entry::Temp(cell) => match self.pinned(Src::Cell(cell), class) {
                Src::Cell(_) if self.holds(class, cell) => Src::Acc,
                src => src,
            },
        }
    }

    /// The register of a cell, if the loop keeps it in one.
    pub fn pinned(&self, src: Src, class: Class) -> Src {
        let Src::Cell(cell) = src else { return src };
        let pinned = self.pins.iter().find(|it| it.cell == cell && it.class == class);
        pinned.map_or(src, |it| Src::Pin(it.pin, cell))
    }

    /// The same, as it was before the last instruction left its result in the accumulator.
    pub fn operand_before(&mut self, entry: Entry, class: Class) -> Src {
        let at = class as usize;
        std::mem::swap(&mut self.accs[at], &mut self.before[at]);
        let src = self.operand(entry, class);
        std::mem::swap(&mut self.accs[at], &mut self.before[at]);
        src
    }

    /// Whether an accumulator holds the same as a cell.
    pub fn holds(&self, class: Class, cell: u32) -> bool {
        self.accs[class as usize].is_some_and(|acc| acc.cell == Some(cell))
    }

    /// Emits an instruction whose result, of a class, is pushed. `in_class` is that of its operands.
    pub fn produce(&mut self, inst: Inst, in_class: [Class; 3], class: Class) {
        let mut inst = self.fit(inst, in_class, &[Mode::A, Mode::S]);
        self.spill(class);
        self.before[class as usize] = self.accs[class as usize];
        let home = self.frame.operand(self.stack.len());
        let has = |mode| self.target.has(&Form { d: mode, ..inst.form() });
        inst.d = if has(Mode::A) { Dst::Acc } else { Dst::Cell(home) };
        self.emit(inst);
        let cell = inst.d.cell();
        self.accs[class as usize] = Some(Accumulator { inst: self.code.len() - 1, home, cell });
        self.push(Entry::Acc(class));
    }

    /// Emits an instruction whose result, which no accumulator holds, is pushed.
    pub fn produce_cell(&mut self, inst: Inst) {
        let mut inst = self.fit(inst, [Class::Int; 3], &[Mode::S]);
        let home = self.frame.operand(self.stack.len());
        inst.d = Dst::Cell(home);
        self.emit(inst);
        self.push(Entry::Temp(home));
    }

    /// Pushes what a call has left in the cell of this height and in the accumulator.
    pub fn push_result(&mut self, class: Class) {
        let home = self.frame.operand(self.stack.len());
        let inst = self.code.len() - 1;
        self.accs[class as usize] = Some(Accumulator { inst, home, cell: Some(home) });
        self.push(Entry::Temp(home));
    }

    /// Emits an instruction without a result.
    pub fn consume(&mut self, inst: Inst, classes: [Class; 3]) {
        let inst = self.fit(inst, classes, &[Mode::N]);
        self.emit(inst);
    }

    /// Brings as many operands to cells as it takes for the instruction to have a handler, and those
    /// first that already are in one.
    pub fn fit(&mut self, inst: Inst, classes: [Class; 3], results: &[Mode]) -> Inst {
        let form = inst.form();
        let exists = |form: Form| results.iter().any(|&d| self.target.has(&Form { d, ..form }));
        if exists(form) {
            return inst;
        }
        let sources = [inst.a, inst.b, inst.c];
        let price = |at: usize| match sources[at] {
            Src::None | Src::Cell(_) => None,
            Src::Pin(..) => Some(1),
            Src::Acc => match self.accs[classes[at] as usize] {
                Some(Accumulator { cell: Some(_), .. }) => Some(1),
                _ => Some(2),
            },
            Src::Imm(_) => Some(4),
        };
        let in_cells = |which: usize| {
            let mode = |at: usize, mode| if which >> at & 1 == 1 { Mode::S } else { mode };
            Form { a: mode(0, form.a), b: mode(1, form.b), c: mode(2, form.c), ..form }
        };
        let costs = (1..8usize).filter_map(|which| {
            let prices = (0..3).filter(|at| which >> at & 1 == 1).map(price);
            let cost: usize = prices.sum::<Option<usize>>()?;
            exists(in_cells(which)).then_some((cost, which))
        });
        let (_, which) = costs.min().expect("what is all in cells has a handler");
        let mut cell = |at: usize, src: Src| match which >> at & 1 {
            0 => src,
            _ => Src::Cell(self.cell_of(src, classes[at], at as u32)),
        };
        Inst { a: cell(0, inst.a), b: cell(1, inst.b), c: cell(2, inst.c), ..inst }
    }

    /// A cell that holds an operand.
    fn cell_of(&mut self, src: Src, class: Class, which: u32) -> u32 {
        match src {
            Src::None => unreachable!("what is not there needs no cell"),
            Src::Cell(cell) | Src::Pin(_, cell) => cell,
            Src::Acc => match self.accs[class as usize] {
                Some(Accumulator { cell: Some(cell), .. }) => cell,
                _ => self.write_home(class),
            },
            Src::Imm(_) => {
                // The second spare cell serves both the second and third operand: no instruction
                // has three constants that would not have been computed.
                let cell = self.frame.spare(which.min(1));
                let copy = Inst::new(What::Copy(Class::Int));
                self.emit(Inst { a: src, d: Dst::Cell(cell), ..copy });
                cell
            }
        }
    }

    /// Whether there is a handler for a form.
    pub fn has(&self, form: &Form) -> bool {
        self.target.has(form)
    }

    /// The instruction that has just left `entry`, which was popped, in the accumulator, if nothing
    /// else wants its result.
    pub fn peek_last(&self, entry: Entry) -> Option<Inst> {
        let Entry::Acc(class) = entry else { return None };
        let acc = self.accs[class as usize]?;
        let unwanted = !self.stack[self.window()].contains(&entry);
        let is_last = acc.inst + 1 == self.code.len() && acc.inst >= self.fixed;
        (unwanted && is_last && acc.cell.is_none_or(|cell| cell == acc.home))
            .then(|| self.code[acc.inst])
    }

    /// Takes back what [`Self::peek_last`] has found.
    pub fn take_last(&mut self, entry: Entry) {
        if let Entry::Acc(class) = entry {
            self.accs[class as usize] = self.before[class as usize];
            self.code.pop();
        }
    }

    /// The last instruction, if no label stands behind it.
    pub fn last(&self) -> Option<Inst> {
        (self.code.len() > self.fixed).then(|| *self.code.last().expect("there is one"))
    }

    /// An instruction made of others that were taken back, if there is a handler for it. Its operands
    /// in accumulators are those from before, so that they cannot be brought to cells any more.
    pub fn fused(&self, inst: Inst, results: &[Mode]) -> Option<Inst> {
        let unpin = |which: usize, at: usize, src| match src {
            Src::Pin(_, cell) if which >> at & 1 == 1 => Src::Cell(cell),
            src => src,
        };
        let mut ways = (0..8).map(|which| {
            let (a, b) = (unpin(which, 0, inst.a), unpin(which, 1, inst.b));
            Inst { a, b, c: unpin(which, 2, inst.c), ..inst }
        });
        ways.find(|inst| results.iter().any(|&d| self.target.has(&Form { d, ..inst.form() })))
    }

    /// Puts a fused instruction in the place of the last.
    pub fn fuse_last(&mut self, inst: Inst) {
        let last = self.code.last_mut().expect("there is one");
        *last = Inst { site: last.site, ..inst };
    }
}
