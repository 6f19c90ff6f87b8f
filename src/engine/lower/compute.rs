//! Numbers: constants are computed, comparisons brought to few forms, and an instruction that uses what
//! the last one left in the accumulator becomes one with it where there is a handler for both.

use super::code::{Class, Inst, Mode, Src, Test, What};
use super::values::{Entry, Values};
use crate::engine::numeric;
use crate::isa::Op;

const INT: Class = Class::Int;

impl Values<'_> {
    /// An instruction of one operand.
    pub fn unary(&mut self, op: Op, float: bool) {
        self.make_room(1);
        let class_in = Class::of(op.pops()[0], float);
        let class_out = Class::of(op.pushes()[0], float);
        match (op, self.top()) {
            (_, Entry::Const(a)) => {
                if let Ok(value) = numeric::unary(op, float, a) {
                    self.pop();
                    return self.push(Entry::Const(value));
                }
            }
            // The bits stay where they are, but not in the other class of register.
            (Op::Itob | Op::Btoi, Entry::Local(_) | Entry::Temp(_)) => return,
            (Op::Not, _) => return self.with_constant(Op::Xor, u64::MAX),
            (Op::Neg, _) if !float => {
                let b = self.pop();
                return self.emit_binary(Op::Sub, false, Entry::Const(0), b);
            }
            (Op::Eqz, entry) => {
                if !self.invert(entry) {
                    self.with_constant(Op::Eq, 0);
                }
                return;
            }
            _ => {}
        }
        let entry = self.pop();
        let a = self.operand(entry, class_in);
        let inst = Inst { a, ..Inst::new(What::Unary(op, float)) };
        self.produce(inst, [class_in; 3], class_out);
    }

    fn with_constant(&mut self, op: Op, b: u64) {
        let a = self.pop();
        self.emit_binary(op, false, a, Entry::Const(b));
    }

    /// Turns a comparison of integers, which was just made, into its contrary.
    fn invert(&mut self, entry: Entry) -> bool {
        self.pop();
        let last = self.peek_last(entry);
        if let Some(Inst { what: What::Binary(op, false), a, b, .. }) = last
            && let Some((op, a, b)) = contrary(op, a, b)
            && let inst = (Inst { a, b, ..Inst::new(What::Binary(op, false)) })
            && let Some(inst) = self.fused(inst, &[Mode::A, Mode::S])
        {
            self.take_last(entry);
            self.produce(inst, [INT; 3], INT);
            return true;
        }
        self.push(entry);
        false
    }

    /// An instruction of two operands.
    pub fn binary(&mut self, op: Op, float: bool) {
        self.make_room(2);
        let (b, a) = (self.pop(), self.pop());
        if let (Entry::Const(a), Entry::Const(b)) = (a, b)
            && let Ok(value) = numeric::binary(op, float, a, b)
        {
            return self.push(Entry::Const(value));
        }
        self.emit_binary(op, float, a, b);
    }

    fn emit_binary(&mut self, op: Op, float: bool, a: Entry, b: Entry) {
        let (op, a, b) = normal(op, float, a, b);
        let class_in = Class::of(op.pops()[0], float);
        let class_out = Class::of(op.pushes()[0], float);
        if class_in == class_out
            && (self.tree(op, class_in, a, b, false) || self.tree(op, class_in, b, a, true))
        {
            return;
        }
        let (a, b) = (self.operand(a, class_in), self.operand(b, class_in));
        let (op, a, b) = ordered(op, a, b);
        let inst = Inst { a, b, ..Inst::new(What::Binary(op, float)) };
        self.produce(inst, [class_in; 3], class_out);
    }

    /// Makes one instruction of the last and this one, which uses its result.
    fn tree(&mut self, op: Op, class: Class, made: Entry, other: Entry, flipped: bool) -> bool {
        let Some(last) = self.peek_last(made).filter(|_| other != made) else { return false };
        let flipped = flipped && !is_commutative(op);
        let more = match last.what {
            What::Binary(first, float) if float == class.is_float() => {
                let c = self.operand_before(other, class);
                Inst { c, what: What::Tree(first, op, class, flipped), ..last }
            }
            What::Load(load) => {
                let b = self.operand_before(other, class);
                Inst { b, what: What::LoadWith(load, op, flipped), ..last }
            }
            _ => return false,
        };
        let Some(inst) = self.fused(more, &[Mode::A, Mode::S]) else { return false };
        self.take_last(made);
        self.produce(inst, [class; 3], class);
        true
    }
}

/// Memory.
impl Values<'_> {
    pub fn load(&mut self, op: Op, offset: u64) {
        self.make_room(1);
        let entry = self.pop();
        let class = Class::of(op.pushes()[0], false);
        let inst = Inst { arg: offset, ..Inst::new(What::Load(op)) };
        if let Some(inst) = self.address(inst, What::LoadAt(op), entry, &[Mode::A, Mode::S]) {
            self.take_last(entry);
            return self.produce(inst, [INT; 3], class);
        }
        let a = self.operand(entry, INT);
        self.produce(Inst { a, ..inst }, [INT; 3], class);
    }

    pub fn store_memory(&mut self, op: Op, offset: u64) {
        let (value, address) = (self.pop(), self.pop());
        let class = Class::of(op.pops()[1], false);
        let b = self.operand(value, class);
        let inst = Inst { b, arg: offset, ..Inst::new(What::Store(op)) };
        if !matches!((b, class), (Src::Acc, INT)) {
            // The sum takes the first two operands of the other form.
            let inst = Inst { b: Src::None, c: b, ..inst };
            if let Some(found) = self.address(inst, What::StoreAt(op), address, &[Mode::N]) {
                self.take_last(address);
                return self.emit(found);
            }
        }
        let a = self.operand(address, INT);
        self.consume(Inst { a, ..inst }, [INT, class, INT]);
    }

    /// The same access with the addition that has just made its address inside.
    fn address(&self, access: Inst, indexed: What, entry: Entry, results: &[Mode]) -> Option<Inst> {
        let made = self.peek_last(entry)?;
        let (What::Binary(Op::Add, false), a, b) = (made.what, made.a, made.b) else { return None };
        let inst = match b {
            Src::Imm(more) => {
                let (b, c) = (access.c, Src::None);
                Inst { a, b, c, arg: access.arg.wrapping_add(more), ..access }
            }
            _ => Inst { what: indexed, a, b, ..access },
        };
        self.fused(inst, results)
    }
}

/// Conditions.
impl Values<'_> {
    /// Goes to a label when the value, which was popped, is not 0, or when it is.
    pub fn branch(&mut self, condition: Entry, when: bool, label: u64) {
        if let Entry::Const(value) = condition {
            if (value != 0) == when {
                self.emit(Inst { arg: label, ..Inst::new(What::Jump) });
            }
            return;
        }
        let branch = |op, float, negated, a, b| {
            let what = What::Branch(Test { op, float, negated });
            Inst { a, b, arg: label, ..Inst::new(what) }
        };
        if let Some(Inst { what: What::Binary(op, float), a, b, .. }) = self.peek_last(condition) {
            let class = if float { Class::Float } else { INT };
            let (a, b) = (self.pinned(a, class), self.pinned(b, class));
            let inst = match (float, when) {
                // Any bit of those in common.
                _ if op == Op::And => Some(branch(op, false, !when, a, b)),
                _ if !is_comparison(op) => None,
                (true, _) => Some(branch(op, true, !when, a, b)),
                (false, true) => Some(branch(op, false, false, a, b)),
                (false, false) => {
                    contrary(op, a, b).map(|(op, a, b)| branch(op, false, false, a, b))
                }
            };
            if let Some(inst) = inst.and_then(|inst| self.fused(inst, &[Mode::N])) {
                self.take_last(condition);
                return self.emit_branch(inst);
            }
        }
        let a = self.operand(condition, INT);
        let op = if when { Op::Ne } else { Op::Eq };
        let inst = self.fit(branch(op, false, false, a, Src::Imm(0)), [INT; 3], &[Mode::N]);
        self.emit_branch(inst);
    }

    /// Emits a branch, as one with the addition before it where that steps a counter.
    fn emit_branch(&mut self, branch: Inst) {
        if let Some(step) = self.step(branch)
            && self.has(&step.form())
        {
            return self.fuse_last(step);
        }
        self.emit(branch);
    }

    fn step(&self, branch: Inst) -> Option<Inst> {
        let What::Branch(test) = branch.what else { return None };
        let add = self.last()?;
        if add.what != What::Binary(Op::Add, false) {
            return None;
        }
        let step = Inst { what: What::Step(test), c: branch.b, arg: branch.arg, ..add };
        let Some(counter) = add.d.cell() else {
            return (branch.a == Src::Acc && !test.float).then_some(step);
        };
        let is_counter = |src| match src {
            Src::Cell(cell) | Src::Pin(_, cell) => cell == counter,
            Src::Acc => self.holds(INT, counter),
            _ => false,
        };
        let steps = matches!(add.a, Src::Cell(cell) | Src::Pin(_, cell) if cell == counter);
        let c = branch.b;
        (steps && !test.float && is_counter(branch.a) && !is_counter(c) && c != Src::Acc)
            .then_some(step)
    }
}

fn is_comparison(op: Op) -> bool {
    use Op::*;
    matches!(op, Eq | Ne | Lt | Le | Gt | Ge | Ltu | Leu | Gtu | Geu)
}

fn is_commutative(op: Op) -> bool {
    matches!(op, Op::Add | Op::Mul | Op::And | Op::Or | Op::Xor | Op::Eq | Op::Ne)
}

/// The comparison that holds of `b` and `a` when this one holds of `a` and `b`.
fn mirrored(op: Op) -> Option<Op> {
    Some(match op {
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        Op::Ltu => Op::Gtu,
        Op::Leu => Op::Geu,
        Op::Gtu => Op::Ltu,
        Op::Geu => Op::Leu,
        op if is_commutative(op) => op,
        _ => return None,
    })
}

/// Fewer forms: a constant is on the right where it can be, and is only compared by `<` and `>=`
/// where it is an integer; without a constant, `>` and `>=` are turned around.
fn normal(op: Op, float: bool, a: Entry, b: Entry) -> (Op, Entry, Entry) {
    let const_of = |entry| if let Entry::Const(value) = entry { Some(value) } else { None };
    let (op, a, b) = match (const_of(a), const_of(b), mirrored(op)) {
        (Some(_), None, Some(op)) => (op, b, a),
        (None, None, Some(other)) if matches!(op, Op::Gt | Op::Ge | Op::Gtu | Op::Geu) => {
            (other, b, a)
        }
        _ => (op, a, b),
    };
    let Some(c) = const_of(b).filter(|_| !float) else { return (op, a, b) };
    let (op, c) = match op {
        Op::Sub => (Op::Add, c.wrapping_neg()),
        Op::Rotr => (Op::Rotl, c.wrapping_neg() % 64),
        Op::Le if c != i64::MAX as u64 => (Op::Lt, c.wrapping_add(1)),
        Op::Gt if c != i64::MAX as u64 => (Op::Ge, c.wrapping_add(1)),
        Op::Leu if c != u64::MAX => (Op::Ltu, c + 1),
        Op::Gtu if c != u64::MAX => (Op::Geu, c + 1),
        // The greatest number has no successor.
        Op::Gt => return (Op::Lt, b, a),
        Op::Gtu => return (Op::Ltu, b, a),
        _ => (op, c),
    };
    (op, a, Entry::Const(c))
}

/// The contrary of a comparison of integers, in its normal form.
fn contrary(op: Op, a: Src, b: Src) -> Option<(Op, Src, Src)> {
    let constant = matches!(b, Src::Imm(_));
    Some(match op {
        Op::Eq => (Op::Ne, a, b),
        Op::Ne => (Op::Eq, a, b),
        Op::Lt if constant => (Op::Ge, a, b),
        Op::Ge if constant => (Op::Lt, a, b),
        Op::Ltu if constant => (Op::Geu, a, b),
        Op::Geu if constant => (Op::Ltu, a, b),
        Op::Lt => (Op::Le, b, a),
        Op::Le => (Op::Lt, b, a),
        Op::Ltu => (Op::Leu, b, a),
        Op::Leu => (Op::Ltu, b, a),
        _ => return None,
    })
}

/// Where the order of operands does not matter, registers come first and constants last.
fn ordered(op: Op, a: Src, b: Src) -> (Op, Src, Src) {
    let rank = |src: Src| match src.mode() {
        Mode::P => 0,
        Mode::Q => 1,
        Mode::A => 2,
        Mode::S => 3,
        Mode::I | Mode::N => 4,
    };
    if is_commutative(op) && rank(a) > rank(b) { (op, b, a) } else { (op, a, b) }
}
