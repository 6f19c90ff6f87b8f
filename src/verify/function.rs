//! One function: its operands, then its ways.

use super::error::VerifyError;
use super::stack::{Cell, Follow, Shapes, StackMap, Stacks};
use super::{Facts, MAX_CELLS};
use crate::diagnostics::Code as ErrorCode;
use crate::isa::{Code, FuncType, Group, Instr, Op, OperandKind, Ty, ValueType, for_each_op};
use crate::module::Module;

type Result<T> = std::result::Result<T, Box<VerifyError>>;

/// Checks the functions of a module one after the other, using its memory again.
pub(super) struct Checker<'m, F: Follow> {
    pub(super) module: &'m Module,
    /// For each import, the type of its slot: the import's index by slot number, and its type.
    slots: Vec<(u16, FuncType)>,
    /// For each of these, whether an instruction names it.
    used: Vec<bool>,
    pub(super) shapes: Shapes,
    pub(super) stacks: F,
    pub(super) code: Code,
    pub(super) function: u32,
    pub(super) ty: &'m FuncType,
    locals: Vec<ValueType>,
    /// For each instruction that a jump goes to: the stack there, once known.
    pub(super) targets: Vec<Target<F::Stack>>,
    /// Where to go on.
    work: Vec<u32>,
    stack: F::Stack,
    facts: Facts,
}

#[derive(Clone, Copy)]
pub(super) enum Target<S> {
    No,
    Unknown,
    /// The stack, and the instruction that first led here.
    Known(S, u32),
}

const NO_TYPE: &FuncType = &FuncType { params: Vec::new(), result: None };

impl<'m> Checker<'m, Stacks> {
    /// What the stack of a function holds around each of its instructions, as far as it is right, and
    /// what is wrong with it.
    pub(super) fn stack_map(&mut self, function: u32) -> (StackMap, Option<Box<VerifyError>>) {
        let error = self.check(function).err();
        (StackMap(std::mem::take(&mut self.stacks)), error)
    }
}

impl<'m, F: Follow> Checker<'m, F> {
    pub(super) fn new(module: &'m Module) -> Checker<'m, F> {
        let mut slots: Vec<_> =
            module.imports.iter().map(|i| (i.slot, i.signature.func_type())).collect();
        slots.sort_by_key(|(slot, _)| *slot);
        Checker {
            module,
            used: vec![false; slots.len()],
            slots,
            shapes: Shapes::new(),
            stacks: F::default(),
            code: Code::default(),
            function: 0,
            ty: NO_TYPE,
            locals: Vec::new(),
            targets: Vec::new(),
            work: Vec::new(),
            stack: F::EMPTY,
            facts: Facts::default(),
        }
    }

    pub(super) fn check(&mut self, function: u32) -> Result<Facts> {
        self.function = function;
        self.ty = self.module.func_type(function);
        self.locals.clear();
        self.locals.extend(&self.ty.params);
        self.locals.extend(&self.module.functions[function as usize].locals);
        self.facts = Facts::default();
        let mut code = std::mem::take(&mut self.code);
        let decoded = self.module.code_of(function, &mut code);
        self.code = code;
        if let Err(bad) = decoded {
            let name = self.module.function_name(function);
            let message = format!("the code of `{name}` is damaged: {}", bad.reason);
            let error = VerifyError::new(ErrorCode::MalformedBytecode, message);
            return Err(Box::new(error.note(format!("at byte {} of the function", bad.offset))));
        }
        self.stacks.begin(self.code.instrs.len());
        self.operands()?;
        self.ways()?;
        Ok(std::mem::take(&mut self.facts))
    }

    /// Every index names something, and every jump lands in the function, also where no way leads.
    fn operands(&mut self) -> Result<()> {
        let count = self.code.instrs.len() as u32;
        self.targets.clear();
        self.targets.resize(count as usize, Target::No);
        for (i, &instr) in self.code.instrs.iter().enumerate() {
            let limit = match instr.op.operand() {
                OperandKind::Local => self.locals.len(),
                OperandKind::Global => self.module.globals.len(),
                OperandKind::Func => self.module.functions.len(),
                OperandKind::Text => self.module.texts.len(),
                OperandKind::Slot => match self.slot_index(instr.arg) {
                    Some(at) => {
                        self.used[at] = true;
                        continue;
                    }
                    None => return Err(self.no_such_slot(i as u32, instr)),
                },
                OperandKind::Label | OperandKind::Labels => {
                    for target in self.code.jump_targets(instr) {
                        match self.targets.get_mut(target as usize) {
                            Some(known) => *known = Target::Unknown,
                            None => return Err(self.jump_outside(i as u32, instr, target)),
                        }
                    }
                    continue;
                }
                OperandKind::None | OperandKind::Int | OperandKind::Float | OperandKind::Offset => {
                    continue;
                }
            };
            if instr.arg >= limit as u64 {
                return Err(self.bad_index(i as u32, instr, limit));
            }
        }
        Ok(())
    }

    /// Follows every way from the start, each stretch between two jump targets once.
    fn ways(&mut self) -> Result<()> {
        let count = self.code.instrs.len() as u32;
        let mut reached = 0;
        self.work.clear();
        self.work.push(0);
        self.stack = F::EMPTY;
        if let Some(first @ Target::Unknown) = self.targets.first_mut() {
            *first = Target::Known(F::EMPTY, 0);
        }
        while let Some(start) = self.work.pop() {
            let mut i = start;
            if let Some(Target::Known(stack, _)) = self.targets.get(start as usize) {
                self.stack = *stack;
            }
            loop {
                if i >= count {
                    return Err(self.no_end(count));
                }
                let instr = self.code.instrs[i as usize];
                self.stacks.before(&self.shapes, i, self.stack);
                self.facts.doubtful |= self.is_doubtful(i, instr);
                reached += 1;
                self.step(i, instr)?;
                self.stacks.after(&self.shapes, i, self.stack);
                let targets: Vec<u32>;
                match instr.op.operand() {
                    OperandKind::Label => self.flow(i, instr.arg as u32)?,
                    OperandKind::Labels => {
                        targets = self.code.table(instr.arg).to_vec();
                        targets.iter().try_for_each(|&target| self.flow(i, target))?;
                    }
                    _ => {}
                }
                if !instr.op.falls_through() {
                    break;
                }
                i += 1;
                if (i as usize) < self.targets.len()
                    && !matches!(self.targets[i as usize], Target::No)
                {
                    self.flow(i - 1, i)?;
                    break;
                }
            }
        }
        self.facts.doubtful |= reached < count;
        Ok(())
    }

    /// Whether an instruction that can be executed is probably not what was meant.
    fn is_doubtful(&self, i: u32, instr: Instr) -> bool {
        match instr.op {
            Op::Halt => self.stacks.shape(self.stack) != Shapes::EMPTY,
            Op::Jz | Op::Jnz | Op::Switch => is_constant_condition(&self.code.instrs, i, |at| {
                !matches!(self.targets[at as usize], Target::No)
            }),
            _ => false,
        }
    }

    /// Control goes from an instruction to another that is a jump target.
    fn flow(&mut self, from: u32, to: u32) -> Result<()> {
        match self.targets[to as usize] {
            Target::Known(stack, first) => {
                if self.stacks.shape(stack) != self.stacks.shape(self.stack) {
                    return Err(self.paths_disagree(to, (first, stack), (from, self.stack)));
                }
            }
            _ => {
                self.targets[to as usize] = Target::Known(self.stack, from);
                self.work.push(to);
            }
        }
        Ok(())
    }

    /// The effect of an instruction on the stack. It is made for each of the table, so that little is
    /// left of the loops.
    #[inline(always)]
    fn effect(&mut self, i: u32, instr: Instr) -> Result<()> {
        let op = instr.op;
        let before = self.stack;
        let mut bound: [Option<Cell>; 3] = [None; 3];
        for &ty in op.pops().iter().rev() {
            match ty {
                Ty::I => drop(self.pop(i, instr, before, Some(ValueType::I64))?),
                Ty::F => drop(self.pop(i, instr, before, Some(ValueType::F64))?),
                Ty::A | Ty::B | Ty::C => {
                    let found = self.pop(i, instr, before, None)?;
                    match &mut bound[letter(ty)] {
                        Some(other) if other.ty != found.ty => {
                            return Err(self.mixed_types(i, instr, found, *other));
                        }
                        letter => *letter = Some(found),
                    }
                }
                Ty::V => drop(self.pop(i, instr, before, Some(self.variable_type(instr)))?),
                Ty::Args => {
                    for at in (0..self.callee_type(instr).params.len()).rev() {
                        let param = self.callee_type(instr).params[at];
                        self.pop(i, instr, before, Some(param))?;
                    }
                }
                Ty::Results => {
                    if let Some(result) = self.ty.result {
                        self.pop(i, instr, before, Some(result))?;
                    }
                }
            }
        }
        self.facts.grows_memory |= op == Op::Memgrow;
        if op.is_overloaded() && bound[0].is_some_and(|cell| cell.ty == ValueType::F64) {
            self.mark_float(i);
        }
        for &ty in op.pushes() {
            let ty = match ty {
                Ty::I => ValueType::I64,
                Ty::F => ValueType::F64,
                Ty::V => self.variable_type(instr),
                Ty::A | Ty::B | Ty::C => {
                    let moved =
                        bound[letter(ty)].expect("the table's pushes repeat letters of its pops");
                    // A value that was only moved still comes from where it came from.
                    let at = if op.group() == Group::Stack { moved.at } else { i };
                    self.push(i, Cell { at, ..moved })?;
                    continue;
                }
                Ty::Results => match self.callee_type(instr).result {
                    Some(result) => result,
                    None => continue,
                },
                Ty::Args => unreachable!("the table pushes no arguments"),
            };
            self.push(i, Cell { ty, at: i })?;
        }
        Ok(())
    }

    #[inline(always)]
    fn push(&mut self, i: u32, cell: Cell) -> Result<()> {
        self.stack = self.stacks.push(&mut self.shapes, self.stack, cell);
        let depth = self.shapes.depth(self.stacks.shape(self.stack));
        if depth > self.facts.max_stack as usize {
            if depth > MAX_CELLS {
                return Err(self.too_deep(i));
            }
            self.facts.max_stack = depth as u32;
        }
        Ok(())
    }

    #[inline(always)]
    fn pop(
        &mut self,
        i: u32,
        instr: Instr,
        before: F::Stack,
        wanted: Option<ValueType>,
    ) -> Result<Cell> {
        let Some((cell, below)) = self.stacks.pop(&self.shapes, self.stack) else {
            return Err(self.underflow(i, instr, before));
        };
        if wanted.is_some_and(|ty| ty != cell.ty) {
            return Err(self.wrong_type(i, instr, cell));
        }
        self.stack = below;
        Ok(cell)
    }

    fn mark_float(&mut self, i: u32) {
        if self.facts.floats.is_empty() {
            self.facts.floats = vec![0; self.code.instrs.len().div_ceil(64)];
        }
        self.facts.floats[i as usize / 64] |= 1 << (i % 64);
    }

    #[inline]
    pub(super) fn variable_type(&self, instr: Instr) -> ValueType {
        match instr.op.operand() {
            OperandKind::Local => self.locals[instr.arg as usize],
            _ => self.module.globals[instr.arg as usize].ty,
        }
    }

    /// What a call takes and gives.
    pub(super) fn callee_type(&self, instr: Instr) -> &FuncType {
        match instr.op.operand() {
            OperandKind::Slot => self.slot_type(instr.arg).expect("checked with the operands"),
            _ => self.module.func_type(instr.arg as u32),
        }
    }

    fn slot_type(&self, slot: u64) -> Option<&FuncType> {
        Some(&self.slots[self.slot_index(slot)?].1)
    }

    fn slot_index(&self, slot: u64) -> Option<usize> {
        self.slots.binary_search_by_key(&slot, |(s, _)| (*s).into()).ok()
    }

    /// For each import, whether an instruction of the functions that were checked names its slot.
    pub(super) fn used_imports(&self) -> Vec<bool> {
        let is_used = |slot: u16| self.slot_index(slot.into()).is_some_and(|at| self.used[at]);
        self.module.imports.iter().map(|import| is_used(import.slot)).collect()
    }
}

/// Whether a jump takes a constant as its condition, and nothing else can jump to it with another.
pub(super) fn is_constant_condition(
    instrs: &[Instr],
    i: u32,
    is_target: impl Fn(u32) -> bool,
) -> bool {
    let before = i.checked_sub(1).map(|before| instrs[before as usize]);
    !is_target(i) && before.is_some_and(|before| before.op == Op::PushInt)
}

fn letter(ty: Ty) -> usize {
    match ty {
        Ty::A => 0,
        Ty::B => 1,
        _ => 2,
    }
}

macro_rules! define_step {
    ($($(#[doc = $doc:literal])* $byte:literal $op:ident $mnemonic:literal ($operand:ident)
       [$($pop:ident)*] -> [$($push:ident)*] $group:ident $formula:literal;)*) => {
        impl<F: Follow> Checker<'_, F> {
            #[inline(always)]
            fn step(&mut self, i: u32, Instr { op, arg }: Instr) -> Result<()> {
                match op {
                    $(Op::$op => self.effect(i, Instr { op: Op::$op, arg }),)*
                }
            }
        }
    };
}
for_each_op!(define_step);
