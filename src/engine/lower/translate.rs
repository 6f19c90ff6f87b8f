//! Third pass: from bytecode to register code, block by block in the order of the text.

use super::Options;
use super::blocks::Blocks;
use super::code::{Class, Dst, Inst, Lowered, Src, Target, What, is_system};
use super::frame::{Frame, class_of};
use super::inline::Inlined;
use super::loops::Loops;
use super::values::{Entry, Values};
use crate::isa::{Code, Instr, Op, OperandKind, Table};
use crate::verify::Verified;
use rustc_hash::FxHashMap;

/// A function, and what is known of it before it is translated.
pub(super) struct Source<'a> {
    pub program: &'a Verified,
    pub function: u32,
    pub code: &'a Code,
    pub frame: &'a Frame,
    pub blocks: &'a Blocks,
    pub loops: &'a Loops,
    pub options: Options,
    /// For each instruction, what the stretch that begins there costs; empty where nobody asks.
    pub stretches: &'a [u32],
}

impl Source<'_> {
    /// What comes before the first instruction of a stretch: it is paid for, then counted.
    pub fn begin(&self, at: u32) -> impl Iterator<Item = Inst> + use<> {
        let cost = self.stretches.get(at as usize).copied().unwrap_or(0);
        let burn = Inst { arg: cost.into(), ..Inst::new(What::Burn) };
        let wanted = [(self.options.fuel, burn), (self.options.count, Inst::new(What::Count))];
        wanted.into_iter().filter(move |(wanted, _)| *wanted && cost > 0).map(|(_, inst)| inst)
    }

    /// An instruction that tells of the one that comes next, at a height of the stack.
    pub fn tell(&self, height: usize) -> Inst {
        let a = Src::Cell(self.frame.operand(0));
        Inst { a, arg: height as u64, ..Inst::new(What::Trace) }
    }
}

/// Until all blocks have their place, a label is the number of a bytecode instruction, twice, and 1
/// more where a loop is entered from outside, on a way that loads its pinned variables.
type Label = u64;

/// So many cells in a row are zeroed one by one.
const FEW: u32 = 4;

struct Translator<'a> {
    source: &'a Source<'a>,
    values: Values<'a>,
    /// Where each label is.
    labels: FxHashMap<Label, u32>,
    /// Loops that are entered from outside by jumps.
    entries: Vec<u32>,
    tables: Vec<Label>,
    /// The table of each `SWITCH`, by its operand and the loop it stands in.
    known_tables: FxHashMap<(u64, u32), u64>,
    /// The loop whose variables are in registers.
    in_loop: u32,
    /// The bytecode instruction in whose place code is made.
    at: u32,
    /// How many cells must be free from the frame on.
    cells: usize,
}

pub(super) fn translate(source: &Source<'_>, target: &dyn Target) -> Lowered {
    let mut translator = Translator {
        source,
        values: Values::new(target, source.frame),
        labels: FxHashMap::default(),
        entries: Vec::new(),
        tables: Vec::new(),
        known_tables: FxHashMap::default(),
        in_loop: 0,
        at: 0,
        cells: source.frame.cells,
    };
    translator.blocks();
    translator.entries();
    translator.finish()
}

impl Translator<'_> {
    fn blocks(&mut self) {
        let source = self.source;
        self.zero_locals();
        let mut falls = true;
        for at in 0..source.code.instrs.len() as u32 {
            let place = source.blocks.places[at as usize];
            self.at = at;
            self.values.site = at;
            if !place.reachable {
                falls = false;
                continue;
            }
            if place.leader || !falls {
                if falls {
                    self.values.settle();
                    self.enter(source.loops.of(at));
                }
                self.labels.insert(u64::from(at) * 2, self.values.code.len() as u32);
                self.values.begin_block(place.height);
            }
            self.stay_in(source.loops.of(at));
            falls = self.instr(at);
        }
    }

    /// Zeros the locals, but for those that the first block stores in before it loads them.
    fn zero_locals(&mut self) {
        let Source { code, frame, blocks, .. } = *self.source;
        let (first, count) = frame.zeros();
        let mut stored = vec![None; count];
        for (at, instr) in code.instrs.iter().enumerate() {
            let ends = matches!(instr.op.operand(), OperandKind::Label | OperandKind::Labels);
            if ends || !instr.op.falls_through() || (at > 0 && blocks.places[at].leader) {
                break;
            }
            if instr.op.operand() == OperandKind::Local
                && let Some(local) = (instr.arg as usize).checked_sub(frame.params as usize)
            {
                stored[local].get_or_insert(instr.op != Op::LoadLocal);
            }
        }
        let mut cells =
            (first..).zip(stored).filter(|(_, stored)| *stored != Some(true)).peekable();
        while let Some((cell, _)) = cells.next() {
            let mut end = cell + 1;
            while cells.next_if(|&(next, _)| next == end).is_some() {
                end += 1;
            }
            if end - cell > FEW {
                let arg = u64::from(end - cell);
                self.values.emit(Inst { a: Src::Cell(cell), arg, ..Inst::new(What::Zero) });
                continue;
            }
            for cell in cell..end {
                let zero = Inst::new(What::Copy(Class::Int));
                self.values.emit(Inst { a: Src::Imm(0), d: Dst::Cell(cell), ..zero });
            }
        }
    }

    /// From here on the code is that of a loop, whose variables are in registers.
    fn stay_in(&mut self, number: u32) {
        self.in_loop = number;
        self.values.pin(self.source.loops.pins(number));
    }

    /// Loads the variables of a loop unless they are in registers.
    fn enter(&mut self, number: u32) {
        if number != self.in_loop {
            self.values.load_pins(self.source.loops.pins(number));
            self.stay_in(number);
        }
    }

    /// The label by which to go to an instruction from here.
    fn label(&mut self, to: u32) -> Label {
        let number = self.source.loops.of(to);
        if number == 0 || number == self.in_loop {
            return u64::from(to) * 2;
        }
        self.entries.push(to);
        u64::from(to) * 2 + 1
    }

    /// The ways into loops, behind all other code.
    fn entries(&mut self) {
        for to in std::mem::take(&mut self.entries) {
            let label = u64::from(to) * 2;
            let here = self.values.code.len() as u32;
            if self.labels.contains_key(&(label + 1)) {
                continue;
            }
            self.labels.insert(label + 1, here);
            self.values.begin_block(0);
            self.values.site = to;
            self.values.load_pins(self.source.loops.pins(self.source.loops.of(to)));
            self.values.emit(Inst { arg: label, ..Inst::new(What::Jump) });
        }
    }

    fn finish(self) -> Lowered {
        let mut insts = self.values.code;
        for inst in insts.iter_mut().filter(|inst| inst.jumps()) {
            inst.arg = self.labels[&inst.arg].into();
        }
        let tables = self.tables.iter().map(|label| self.labels[label]).collect();
        let params = self.source.frame.params;
        // The odd ones are the ways into loops, which lead to these.
        let even = self.labels.iter().filter(|(label, _)| *label % 2 == 0);
        let mut blocks: Vec<_> = even.map(|(label, &at)| (at, (label / 2) as u32)).collect();
        blocks.sort_unstable();
        Lowered { insts, tables, blocks, params, cells: self.cells }
    }

    /// Translates one instruction. Tells whether the next one may follow.
    fn instr(&mut self, at: u32) -> bool {
        let Source { program, function, code, frame, options, .. } = *self.source;
        let Instr { op, arg } = code.instrs[at as usize];
        self.values.site = at;
        self.source.begin(at).for_each(|inst| self.values.emit(inst));
        if options.trace {
            self.values.settle();
            self.values.emit(self.source.tell(self.values.height()));
        }
        let float = program.is_float(function, at);
        let values = &mut self.values;
        match op {
            Op::LoadLocal => values.push(Entry::Local(frame.local(arg as u32))),
            Op::StoreLocal | Op::TeeLocal => {
                let (cell, class) = (frame.local(arg as u32), frame.class(arg as u32));
                let entry = values.pop();
                values.store(cell, class, entry);
                if op == Op::TeeLocal {
                    values.push(match entry {
                        Entry::Acc(_) | Entry::Temp(_) => Entry::Local(cell),
                        entry => entry,
                    });
                }
            }
            Op::StoreGlobal | Op::TeeGlobal => self.set_global(op, arg),
            Op::Jmp => return self.jump(at, arg as u32),
            Op::Jz | Op::Jnz => return self.branch(op == Op::Jnz, arg as u32, at + 1),
            Op::Switch => self.switch(arg),
            Op::Call => self.call(arg as u32),
            Op::Ret => self.ret(),
            Op::Halt => values.emit(Inst::new(What::Halt)),
            Op::Exit => {
                let entry = values.pop();
                let a = values.operand(entry, Class::Int);
                values.consume(Inst { a, ..Inst::new(What::Exit) }, [Class::Int; 3]);
            }
            Op::Trap => values.emit(Inst::new(What::Trap)),
            _ if is_system(op) => self.system(Instr { op, arg }, float),
            _ if op.operand() == OperandKind::Offset && op.pushes().is_empty() => {
                values.store_memory(op, arg);
            }
            _ if op.operand() == OperandKind::Offset => values.load(op, arg),
            _ => self.pure(Instr { op, arg }, float),
        }
        op.falls_through()
    }

    /// Translates an instruction that only computes and moves values, other than locals.
    fn pure(&mut self, Instr { op, arg }: Instr, float: bool) {
        let values = &mut self.values;
        match op {
            Op::PushInt | Op::PushFloat => values.push(Entry::Const(arg)),
            Op::Pop => values.drop_top(1),
            Op::Dup => values.pick(0),
            Op::Over => values.pick(1),
            Op::Swap => values.rotate(2),
            Op::Rot => values.rotate(3),
            Op::Nop => {}
            Op::Select => self.select(),
            Op::LoadGlobal => {
                let class = self.global_class(arg);
                let values = &mut self.values;
                values.make_room(0);
                let inst = Inst { arg, ..Inst::new(What::GetGlobal(class)) };
                values.produce(inst, [class; 3], class);
            }
            _ if op.pops().len() == 1 => values.unary(op, float),
            _ => values.binary(op, float),
        }
    }

    fn select(&mut self) {
        let values = &mut self.values;
        values.make_room(3);
        let (condition, b, a) = (values.pop(), values.pop(), values.pop());
        if let Entry::Const(condition) = condition {
            return values.push_moved(if condition != 0 { a } else { b });
        }
        let [a, b, c] = [a, b, condition].map(|entry| values.operand(entry, Class::Int));
        values.produce_cell(Inst { a, b, c, ..Inst::new(What::Select) });
    }

    fn global_class(&self, index: u64) -> Class {
        class_of(self.source.program.module().globals[index as usize].ty)
    }

    fn set_global(&mut self, op: Op, arg: u64) {
        let class = self.global_class(arg);
        let values = &mut self.values;
        let entry = if op == Op::StoreGlobal { values.pop() } else { values.top() };
        let a = values.operand(entry, class);
        let inst = Inst { a, arg, ..Inst::new(What::SetGlobal(class)) };
        values.consume(inst, [class; 3]);
    }

    fn call(&mut self, function: u32) {
        let program = self.source.program;
        if self.source.options.inline
            && let Some(inlined) = Inlined::find(program, function)
        {
            return self.inline(&inlined);
        }
        let module = self.source.program.module();
        let ty = module.func_type(function);
        let values = &mut self.values;
        values.settle_top(ty.params.len());
        let first = self.source.frame.operand(values.height() - ty.params.len());
        let inst = Inst { a: Src::Cell(first), arg: function.into(), ..Inst::new(What::Call) };
        values.emit_call(inst);
        values.drop_top(ty.params.len());
        if let Some(result) = ty.result {
            values.push_result(class_of(result));
        }
    }

    /// Translates a function in the place of its call: its variables are the arguments, and more values
    /// above them.
    fn inline(&mut self, inlined: &Inlined) {
        let Inlined { function, code, params, locals, .. } = inlined;
        let first = self.values.height() - params;
        let frame = self.source.frame.operand(first) as usize;
        self.cells = self.cells.max(frame + inlined.cells);
        for _ in 0..*locals {
            self.values.push(Entry::Const(0));
        }
        for (at, &instr) in code.instrs.iter().enumerate() {
            let variable = first + instr.arg as usize;
            match instr.op {
                Op::LoadLocal => self.values.pick_at(variable),
                Op::StoreLocal => self.values.put_at(variable),
                Op::TeeLocal => {
                    self.values.pick(0);
                    self.values.put_at(variable);
                }
                Op::Ret => break,
                _ => self.pure(instr, self.source.program.is_float(*function, at as u32)),
            }
        }
        self.values.drop_below_top(self.values.height() - first, inlined.has_result);
    }

    fn system(&mut self, instr: Instr, float: bool) {
        let Source { program, function, frame, .. } = *self.source;
        let effect = program.effect(function, instr);
        let values = &mut self.values;
        values.make_room(effect.pops);
        values.settle_top(effect.pops);
        let first = frame.operand(values.height() - effect.pops);
        let what = match instr.op {
            Op::CallNative => What::CallNative,
            op => What::System(op, float),
        };
        let arg = match instr.op.operand() {
            OperandKind::Slot => program.import_of(instr.arg) as u64,
            _ => instr.arg,
        };
        values.emit_call(Inst { a: Src::Cell(first), arg, ..Inst::new(what) });
        values.drop_top(effect.pops);
        if effect.pushes > 0 {
            values.push(Entry::Temp(first));
        }
    }

    fn ret(&mut self) {
        let Source { program, function, .. } = *self.source;
        let result = program.module().func_type(function).result.map(class_of);
        let class = result.unwrap_or(Class::Int);
        let a = match result {
            Some(class) => {
                let entry = self.values.pop();
                self.values.operand(entry, class)
            }
            None => Src::None,
        };
        self.values.consume(Inst { a, ..Inst::new(What::Return(class)) }, [class; 3]);
    }
}

/// Jumps.
impl Translator<'_> {
    /// Goes to an instruction, or repeats the block there. Tells whether the next one may follow.
    fn jump(&mut self, at: u32, to: u32) -> bool {
        self.values.settle();
        if let Some(last) = self.source.blocks.repeat(at) {
            self.enter(self.source.loops.of(to));
            return (to..last + 1).all(|repeated| self.instr(repeated));
        }
        self.go(to)
    }

    /// Goes to an instruction, unless it is the next. Tells whether the next one follows.
    fn go(&mut self, to: u32) -> bool {
        if to == self.at + 1 {
            return true;
        }
        let arg = self.label(to);
        self.values.emit(Inst { arg, ..Inst::new(What::Jump) });
        false
    }

    /// Goes to `to` when the top value is not 0, or when it is; otherwise to `next`. Tells whether the
    /// next instruction may follow.
    fn branch(&mut self, when: bool, to: u32, next: u32) -> bool {
        if self.values.is_disordered() {
            self.values.settle();
        }
        let condition = self.values.pop();
        if !self.values.is_settled() {
            self.values.settle();
        }
        // What is repeated at the end of a loop goes back by a branch and out by falling through.
        let back = to > self.at && next <= self.at;
        let (when, to, next) = if back { (!when, next, to) } else { (when, to, next) };
        let label = self.label(to);
        self.values.branch(condition, when, label);
        self.go(next)
    }

    fn switch(&mut self, table: u64) {
        let entry = self.values.pop();
        let a = self.values.operand(entry, Class::Int);
        let a = match a {
            Src::Cell(_) if !self.values.is_settled() => {
                // Settling could overwrite it.
                self.values.push(entry);
                self.values.settle();
                let entry = self.values.pop();
                self.values.operand(entry, Class::Int)
            }
            a => {
                self.values.settle();
                a
            }
        };
        let arg = match self.known_tables.get(&(table, self.in_loop)) {
            Some(&known) => known,
            None => self.new_table(table),
        };
        let inst = Inst { a, arg, ..Inst::new(What::Switch) };
        self.values.consume(inst, [Class::Int; 3]);
    }

    fn new_table(&mut self, table: u64) -> u64 {
        let code = self.source.code;
        let labels: Vec<_> = code.table(table).iter().map(|&to| self.label(to)).collect();
        let known = Table { start: self.tables.len() as u32, len: labels.len() as u32 }.to_arg();
        self.tables.extend(labels);
        self.known_tables.insert((table, self.in_loop), known);
        known
    }
}
