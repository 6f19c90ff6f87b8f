//! Functions whose frames are too large for short operands. Their instructions are not made better:
//! each works on the cells of the operand stack as the bytecode says.

use super::code::{Class, Dst, Inst, Lowered, Src, Test, What, is_system};
use super::frame::class_of;
use super::translate::Source;
use crate::isa::{Instr, Op, OperandKind};

/// Translates a function instruction by instruction. What is not reachable is left out.
pub(super) fn translate(source: &Source<'_>) -> Lowered {
    let Source { program, frame, code, .. } = *source;
    let mut wide = Wide { source, insts: Vec::new(), site: 0 };
    let (first, count) = frame.zeros();
    wide.emit(Inst { a: Src::Cell(first), arg: count as u64, ..Inst::new(What::Zero) });
    let mut starts = vec![0; code.instrs.len()];
    for (at, &instr) in code.instrs.iter().enumerate() {
        starts[at] = wide.insts.len() as u32;
        let place = source.blocks.places[at];
        if !place.reachable {
            continue;
        }
        wide.site = at as u32;
        source.begin(at as u32).for_each(|inst| wide.emit(inst));
        if source.options.trace {
            wide.emit(source.tell(place.height as usize));
        }
        wide.instr(instr, place.height as usize, program.is_float(source.function, at as u32));
    }
    let Wide { mut insts, .. } = wide;
    for inst in insts.iter_mut().filter(|inst| inst.jumps()) {
        inst.arg = starts[inst.arg as usize].into();
    }
    let tables = code.targets.iter().map(|&target| starts[target as usize]).collect();
    Lowered { insts, tables, blocks: Vec::new(), params: frame.params, cells: frame.cells }
}

struct Wide<'a> {
    source: &'a Source<'a>,
    insts: Vec<Inst>,
    site: u32,
}

impl Wide<'_> {
    fn emit(&mut self, inst: Inst) {
        self.insts.push(Inst { site: self.site, ..inst });
    }

    /// Brings a cell to both accumulators.
    fn fetch(&mut self, cell: u32) {
        self.emit(Inst { a: Src::Cell(cell), ..Inst::new(What::Fetch) });
    }

    /// Puts the integer accumulator into a cell.
    fn put(&mut self, cell: u32) {
        self.emit(Inst { a: Src::Cell(cell), ..Inst::new(What::Put) });
    }

    fn instr(&mut self, instr: Instr, height: usize, float: bool) {
        let Source { program, function, frame, .. } = *self.source;
        let Instr { op, arg } = instr;
        let effect = program.effect(function, instr);
        let first = frame.operand(height.saturating_sub(effect.pops));
        let top = frame.operand(height.saturating_sub(1));
        let accumulator = |what| Inst { a: Src::Acc, arg, ..Inst::new(what) };
        let at_first = |what| Inst { a: Src::Cell(first), arg, ..Inst::new(what) };
        match op {
            Op::Pop | Op::Nop => {}
            Op::LoadLocal => {
                self.fetch(frame.local(arg as u32));
                self.put(frame.operand(height));
            }
            Op::StoreLocal | Op::TeeLocal => {
                self.fetch(top);
                self.put(frame.local(arg as u32));
            }
            Op::LoadGlobal => {
                self.emit(Inst { d: Dst::Acc, arg, ..Inst::new(What::GetGlobal(Class::Int)) });
                self.put(frame.operand(height));
            }
            Op::StoreGlobal | Op::TeeGlobal => {
                self.fetch(top);
                self.emit(accumulator(What::SetGlobal(Class::Int)));
            }
            Op::Jmp => self.emit(Inst { arg, ..Inst::new(What::Jump) }),
            Op::Jz | Op::Jnz => {
                self.fetch(top);
                let op = if op == Op::Jz { Op::Eq } else { Op::Ne };
                let test = Test { op, float: false, negated: false };
                self.emit(Inst { b: Src::Imm(0), ..accumulator(What::Branch(test)) });
            }
            Op::Switch => {
                self.fetch(top);
                self.emit(accumulator(What::Switch));
            }
            Op::Ret => match program.module().func_type(function).result {
                Some(result) => {
                    self.fetch(top);
                    self.emit(accumulator(What::Return(class_of(result))));
                }
                None => self.emit(Inst::new(What::Return(Class::Int))),
            },
            Op::Exit => {
                self.fetch(top);
                self.emit(accumulator(What::Exit));
            }
            Op::Halt => self.emit(Inst::new(What::Halt)),
            Op::Trap => self.emit(Inst::new(What::Trap)),
            Op::Call => self.emit(at_first(What::Call)),
            _ if is_system(op) => {
                let what = match op {
                    Op::CallNative => What::CallNative,
                    op => What::System(op, float),
                };
                let arg = match op.operand() {
                    OperandKind::Slot => program.import_of(arg) as u64,
                    _ => arg,
                };
                self.emit(Inst { arg, ..at_first(what) });
            }
            _ => self.emit(at_first(What::Plain(op, float))),
        }
    }
}
