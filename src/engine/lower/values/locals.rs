//! Stores in locals, most of which become the result of the instruction before.

use super::{Entry, Values};
use crate::engine::lower::code::{Class, Dst, Form, Inst, Src, What};
use crate::isa::Op;

impl Values<'_> {
    /// Stores a value that was popped in a local.
    pub fn store(&mut self, cell: u32, class: Class, entry: Entry) {
        if entry == Entry::Local(cell) {
            return;
        }
        self.keep_old(cell);
        let pinned = self.pins.iter().find(|it| it.cell == cell);
        let d = pinned.map_or(Dst::Cell(cell), |it| Dst::Pin(it.pin, cell));
        if self.redirect(entry, class, d) {
            self.bump(cell);
        } else {
            let mut inst = Inst { d, ..Inst::new(What::Copy(class)) };
            inst.a = self.operand(entry, class);
            if let Src::Pin(_, from) = inst.a {
                inst.a = Src::Cell(from);
            }
            self.emit(inst);
            if inst.a == Src::Acc {
                self.set_cell(class, cell);
            }
        }
    }

    /// Where the last instruction has added to a local, and the accumulator's value before is still on
    /// the stack: adds without the accumulator.
    fn bump(&mut self, cell: u32) {
        let inst = *self.code.last().expect("it has just been redirected");
        let Some(older) = self.before[Class::Int as usize] else { return };
        let in_place = matches!(inst.a, Src::Cell(a) | Src::Pin(_, a) if a == cell);
        let adds = matches!((inst.what, inst.b), (What::Binary(Op::Add, false), Src::Imm(_)));
        let wanted = older.cell.is_some_and(|held| {
            held == older.home && self.stack[self.window()].contains(&Entry::Temp(held))
        });
        if adds && in_place && wanted {
            self.fuse_last(Inst { what: What::Bump, ..inst });
            self.accs[Class::Int as usize] = Some(older);
        }
    }

    /// Values on the stack that are what the local was before.
    fn keep_old(&mut self, cell: u32) {
        let window = self.window();
        if self.stack[window.clone()].contains(&Entry::Local(cell)) {
            if self.disordered {
                return self.settle();
            }
            for at in window.filter(|&at| self.stack[at] == Entry::Local(cell)).collect::<Vec<_>>()
            {
                self.settle_one(at);
            }
        }
    }

    /// Lets the last instruction write its result, which is `entry`, to another place.
    fn redirect(&mut self, entry: Entry, class: Class, d: Dst) -> bool {
        let Some(last) = self.last() else { return false };
        let form = Form { d: d.mode(), ..last.form() };
        match entry {
            Entry::Acc(held) if held == class => {
                let Some(acc) = self.accs[class as usize] else { return false };
                if acc.inst + 1 != self.code.len() || !self.target.has(&form) {
                    return false;
                }
                self.code[acc.inst].d = d;
                self.set_cell(class, d.cell().expect("a local has a cell"));
                self.replace(entry, Entry::Local(d.cell().expect("a local has a cell")));
                true
            }
            Entry::Temp(cell) => {
                // In order, no other entry lies in the cell.
                let ours = last.d == Dst::Cell(cell) && !self.disordered;
                let rewrites = matches!(last.what, What::Select | What::Copy(_));
                if !ours || !rewrites || !self.target.has(&form) {
                    return false;
                }
                self.code.pop();
                self.emit(Inst { d, ..last });
                true
            }
            _ => false,
        }
    }

    /// From now on a cell holds the same as an accumulator, and the other accumulator does not.
    pub(super) fn set_cell(&mut self, class: Class, cell: u32) {
        for other in self.accs.iter_mut().flatten() {
            if other.cell == Some(cell) {
                other.cell = None;
            }
        }
        if let Some(acc) = &mut self.accs[class as usize] {
            acc.cell = Some(cell);
        }
    }
}
