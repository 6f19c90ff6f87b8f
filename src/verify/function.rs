//! One function: its operands, then its ways.

use super::error::VerifyError;
use super::stack::{Cell, Seen, Shapes, Stack, StackAt, StackMap, Stacks};
use super::{Facts, MAX_CELLS};
use crate::diagnostics::Code as ErrorCode;
use crate::isa::{Code, FuncType, Group, Instr, Op, OperandKind, Ty, ValueType};
use crate::module::Module;
use rustc_hash::FxHashMap;

type Result<T> = std::result::Result<T, Box<VerifyError>>;

/// Checks the functions of a module one after the other, using its memory again.
pub(super) struct Checker<'m> {
    module: &'m Module,
    /// For each import, the type of its slot: the import's index by slot number, and its type.
    slots: Vec<(u16, FuncType)>,
    /// For each of these, whether an instruction names it.
    used: Vec<bool>,
    shapes: Shapes,
    stacks: Stacks,
    code: Code,
    function: u32,
    ty: &'m FuncType,
    locals: Vec<ValueType>,
    /// For each instruction that a jump goes to: the stack there, once known.
    targets: Vec<Target>,
    /// Where to go on.
    work: Vec<u32>,
    stack: Stack,
    /// The stacks around each instruction, where somebody wants to know.
    seen: Option<Seen>,
    facts: Facts,
}

#[derive(Clone, Copy)]
enum Target {
    No,
    Unknown,
    /// The stack, and the instruction that first led here.
    Known(Stack, u32),
}

const NO_TYPE: &FuncType = &FuncType { params: Vec::new(), result: None };

impl<'m> Checker<'m> {
    pub(super) fn new(module: &'m Module, shapes: Shapes) -> Checker<'m> {
        let mut slots: Vec<_> =
            module.imports.iter().map(|i| (i.slot, i.signature.func_type())).collect();
        slots.sort_by_key(|(slot, _)| *slot);
        Checker {
            module,
            used: vec![false; slots.len()],
            slots,
            shapes,
            stacks: Stacks::new(),
            code: Code::default(),
            function: 0,
            ty: NO_TYPE,
            locals: Vec::new(),
            targets: Vec::new(),
            work: Vec::new(),
            stack: Stacks::EMPTY,
            seen: None,
            facts: Facts::default(),
        }
    }

    /// What the stack of a function holds around each of its instructions, as far as it is right, and
    /// what is wrong with it.
    pub(super) fn stack_map(&mut self, function: u32) -> (StackMap, Option<Box<VerifyError>>) {
        self.seen = Some(Seen::default());
        let error = self.check(function).err();
        let stacks = std::mem::replace(&mut self.stacks, Stacks::new());
        (StackMap { stacks, seen: self.seen.take().unwrap_or_default() }, error)
    }

    pub(super) fn check(&mut self, function: u32) -> Result<Facts> {
        self.function = function;
        self.ty = self.module.func_type(function);
        self.locals.clear();
        self.locals.extend(&self.ty.params);
        self.locals.extend(&self.module.functions[function as usize].locals);
        self.facts = Facts::default();
        self.stacks.clear();
        let mut code = std::mem::take(&mut self.code);
        let decoded = self.module.code_of(function, &mut code);
        self.code = code;
        if let Err(bad) = decoded {
            let name = self.module.function_name(function);
            let message = format!("the code of `{name}` is damaged: {}", bad.reason);
            let error = VerifyError::new(ErrorCode::MalformedBytecode, message);
            return Err(Box::new(error.note(format!("at byte {} of the function", bad.offset))));
        }
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
        if let Some(Seen { before, after }) = &mut self.seen {
            before.resize(count as usize, None);
            after.resize(count as usize, None);
        }
        let mut reached = 0;
        self.work.clear();
        self.work.push(0);
        self.stack = Stacks::EMPTY;
        if let Some(first @ Target::Unknown) = self.targets.first_mut() {
            *first = Target::Known(Stacks::EMPTY, 0);
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
                self.see(i, |seen| &mut seen.before);
                self.facts.doubtful |= self.is_doubtful(i, instr);
                reached += 1;
                self.step(i, instr)?;
                self.see(i, |seen| &mut seen.after);
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

    /// Notes the stack at an instruction, if somebody wants to know.
    fn see(&mut self, i: u32, list: fn(&mut Seen) -> &mut Vec<Option<StackAt>>) {
        if let Some(seen) = &mut self.seen {
            let depth = self.shapes.depth(self.stacks.shape(self.stack));
            list(seen)[i as usize] = Some(StackAt { stack: self.stack, depth });
        }
    }

    /// Whether an instruction that can be executed is probably not what was meant.
    fn is_doubtful(&self, i: u32, instr: Instr) -> bool {
        match instr.op {
            Op::Halt => self.stacks.shape(self.stack) != Shapes::EMPTY,
            Op::Jz | Op::Jnz => is_constant_condition(&self.code.instrs, i, |at| {
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

    /// The effect of one instruction on the stack.
    fn step(&mut self, i: u32, instr: Instr) -> Result<()> {
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
                    let callee = self.callee_type(instr).clone();
                    for &param in callee.params.iter().rev() {
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

    fn push(&mut self, i: u32, cell: Cell) -> Result<()> {
        self.stack = self.stacks.push(&mut self.shapes, self.stack, cell);
        let depth = self.shapes.depth(self.stacks.shape(self.stack));
        if depth > MAX_CELLS {
            let message = format!("the stack holds more than {MAX_CELLS} values");
            let error = VerifyError::new(ErrorCode::LimitExceeded, message);
            return Err(Box::new(error.at(self.function, i, "the one too many")));
        }
        self.facts.max_stack = self.facts.max_stack.max(depth as u32);
        Ok(())
    }

    fn pop(
        &mut self,
        i: u32,
        instr: Instr,
        before: Stack,
        wanted: Option<ValueType>,
    ) -> Result<Cell> {
        let Some((cell, below)) = self.stacks.pop(self.stack) else {
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

    fn variable_type(&self, instr: Instr) -> ValueType {
        match instr.op.operand() {
            OperandKind::Local => self.locals[instr.arg as usize],
            _ => self.module.globals[instr.arg as usize].ty,
        }
    }

    /// What a call takes and gives.
    fn callee_type(&self, instr: Instr) -> &FuncType {
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

/// The messages.
impl Checker<'_> {
    fn error(&self, code: ErrorCode, i: u32, message: String, label: &str) -> VerifyError {
        VerifyError::new(code, message).at(self.function, i, label)
    }

    /// How many values an instruction takes, and which, in words.
    fn takes(&self, instr: Instr) -> (usize, String) {
        let pops = instr.op.pops();
        let any = pops.iter().take_while(|ty| matches!(ty, Ty::A | Ty::B | Ty::C)).count();
        let mut words = match pops[..any] {
            [] => Vec::new(),
            [_] => vec!["a value".to_owned()],
            [Ty::A, Ty::A] => vec!["two values of one type".to_owned()],
            [_, _] => vec!["two values".to_owned()],
            _ => vec!["three values".to_owned()],
        };
        let types = pops[any..].iter().flat_map(|ty| match ty {
            Ty::I => vec![ValueType::I64],
            Ty::F => vec![ValueType::F64],
            Ty::V => vec![self.variable_type(instr)],
            Ty::Args => self.callee_type(instr).params.clone(),
            Ty::Results => self.ty.result.into_iter().collect(),
            Ty::A | Ty::B | Ty::C => unreachable!("the table has these first"),
        });
        let types: Vec<_> = types.map(|ty| format!("an {ty}")).collect();
        let count = any + types.len();
        words.extend(types);
        match words.split_last() {
            Some((last, [others @ .., next])) => {
                let others = others.iter().map(|other| format!("{other}, ")).collect::<String>();
                (count, format!("{others}{next} and {last}"))
            }
            _ => (count, words.concat()),
        }
    }

    fn subject(&self, instr: Instr) -> String {
        let name = instr.op.mnemonic();
        match instr.op {
            Op::Call => format!("`{name}` of `{}`", self.module.function_name(instr.arg as u32)),
            Op::CallNative => match self.module.import_of_slot(instr.arg) {
                Some(at) => {
                    let import = &self.module.imports[at];
                    format!("`{name}` of `{}{}`", import.symbol, import.signature)
                }
                None => format!("`{name}`"),
            },
            _ => format!("`{name}`"),
        }
    }

    fn underflow(&self, i: u32, instr: Instr, before: Stack) -> Box<VerifyError> {
        let (count, values) = self.takes(instr);
        let (subject, function) = (self.subject(instr), self.module.function_name(self.function));
        let plural = if count == 1 { "value" } else { "values" };
        let message = match (instr.op, self.stacks.cells(before).count()) {
            (Op::Ret, _) => {
                format!("`{function}` returns {values}, but the stack is empty at its `RET`")
            }
            (_, 0) => format!("{subject} takes {count} {plural}, but the stack is empty here"),
            (_, n) => {
                format!("{subject} takes {count} {plural}, but the stack holds only {n} here")
            }
        };
        let label = format!("takes {values}");
        let mut error = self.error(ErrorCode::StackUnderflow, i, message, &label);
        for cell in self.stacks.cells(before).take(4) {
            error = error.at(self.function, cell.at, format!("this {} is there", cell.ty));
        }
        Box::new(match instr.op {
            _ if self.function == self.module.entry => error,
            Op::Ret => error.help("push the result before the `RET`"),
            _ => error.help("a function's stack begins empty; arguments are parameters: `LOAD x`"),
        })
    }

    fn wrong_type(&self, i: u32, instr: Instr, found: Cell) -> Box<VerifyError> {
        let wanted = match found.ty {
            ValueType::I64 => "an f64",
            ValueType::F64 => "an i64",
        };
        let message = format!("{} needs {wanted}, but finds an {}", self.subject(instr), found.ty);
        let help = match found.ty {
            ValueType::I64 => "`ITOF` turns an i64 into an f64; a float literal has a point: `1.0`",
            ValueType::F64 => "`FTOI` turns an f64 into an i64",
        };
        let error = self
            .error(ErrorCode::TypeMismatch, i, message, &format!("needs {wanted} here"))
            .at(self.function, found.at, format!("this {} was pushed here", found.ty));
        Box::new(error.help(help))
    }

    fn mixed_types(&self, i: u32, instr: Instr, lower: Cell, upper: Cell) -> Box<VerifyError> {
        let message = format!(
            "{} needs two values of one type, but finds an {} and an {}",
            self.subject(instr),
            lower.ty,
            upper.ty
        );
        let error = self
            .error(ErrorCode::TypeMismatch, i, message, "needs one type")
            .at(self.function, lower.at, format!("this {} was pushed here", lower.ty))
            .at(self.function, upper.at, format!("this {} was pushed here", upper.ty));
        Box::new(error.help("convert one of them with `ITOF` or `FTOI`"))
    }

    fn paths_disagree(
        &self,
        to: u32,
        first: (u32, Stack),
        second: (u32, Stack),
    ) -> Box<VerifyError> {
        let describe = |stack| self.shapes.describe(self.stacks.shape(stack));
        let (one, other) = (describe(first.1), describe(second.1));
        let message =
            format!("two ways lead here, one with {one} on the stack, the other with {other}");
        let error = self
            .error(
                ErrorCode::PathsDisagree,
                to,
                message,
                "the stack must be the same whichever way one comes",
            )
            .at(self.function, first.0, format!("from here with {one}"))
            .at(self.function, second.0, format!("from here with {other}"));
        let error = self.where_ways_differ(error, to, first, second);
        Box::new(
            error
                .help("a loop must leave the stack as it found it; push or pop on one of the ways"),
        )
    }

    /// Shows where two ways part, and what only one of them has pushed, the lowest of it first.
    fn where_ways_differ(
        &self,
        mut error: VerifyError,
        to: u32,
        first: (u32, Stack),
        second: (u32, Stack),
    ) -> VerifyError {
        const SHOWN: usize = 3;
        if let Some(parting) = self.parting(to, first.0, second.0) {
            error = error.at(self.function, parting, "the two ways part here");
        }
        let cells = |stack| {
            let mut cells: Vec<Cell> = self.stacks.cells(stack).collect();
            cells.reverse();
            cells
        };
        let (one, other) = (cells(first.1), cells(second.1));
        let same = one.iter().zip(&other).take_while(|(a, b)| a.ty == b.ty).count();
        let differing = one[same..].iter().take(SHOWN).chain(other[same..].iter().take(SHOWN));
        for cell in differing {
            error = error.at(self.function, cell.at, format!("this {} was pushed here", cell.ty));
        }
        error
    }

    /// The instruction behind which two ways to `to` are no longer the same, if one was before it.
    fn parting(&self, to: u32, first: u32, second: u32) -> Option<u32> {
        let (one, other) = (self.way_to(first), self.way_to(second));
        if other.iter().any(|step| step.0 == to) || one.iter().any(|step| step.0 == to) {
            // One of them is a loop, which parts from the other only at its own end.
            return None;
        }
        let other: FxHashMap<u32, u32> = other.into_iter().collect();
        one.iter().find_map(|(begin, left)| Some((*left).min(*other.get(begin)?)))
    }

    /// The way by which an instruction was first reached, back to the beginning: where each of its
    /// stretches begins, and the instruction at which it is left.
    fn way_to(&self, mut left_at: u32) -> Vec<(u32, u32)> {
        let mut way = Vec::new();
        loop {
            let known = |at: &u32| matches!(self.targets[*at as usize], Target::Known(..));
            let begin = (0..=left_at).rev().find(known).unwrap_or(0);
            way.push((begin, left_at));
            match self.targets.get(begin as usize) {
                Some(&Target::Known(_, from)) if begin != 0 && way.len() < MAX_CELLS => {
                    left_at = from;
                }
                _ => return way,
            }
        }
    }

    fn no_end(&self, count: u32) -> Box<VerifyError> {
        let name = self.module.function_name(self.function);
        let end = if self.function == self.module.entry { "HALT" } else { "RET" };
        let message = format!("a way through `{name}` runs past its last instruction");
        let error = match count {
            0 => VerifyError::new(ErrorCode::MissingReturn, format!("`{name}` has no instruction")),
            _ => self.error(ErrorCode::MissingReturn, count - 1, message, "nothing follows this"),
        };
        Box::new(error.help(format!("end it with `{end}`")))
    }

    fn jump_outside(&self, i: u32, instr: Instr, target: u32) -> Box<VerifyError> {
        let count = self.code.instrs.len() as u32;
        if target == count {
            let message =
                format!("`{}` goes to a label behind the last instruction", instr.op.mnemonic());
            let error = self.error(ErrorCode::MissingReturn, i, message, "nothing stands there");
            return Box::new(
                error.help("put an instruction such as `RET` or `HALT` behind the label"),
            );
        }
        let message = format!(
            "`{}` goes to instruction {target}, but the function has {count}",
            instr.op.mnemonic()
        );
        let error = self.error(ErrorCode::JumpOutside, i, message, "leaves the function");
        Box::new(error.help("no assembler writes this; assemble the program again"))
    }

    fn no_such_slot(&self, i: u32, instr: Instr) -> Box<VerifyError> {
        const SHOWN: usize = 8;
        let (slot, name) = (instr.arg, instr.op.mnemonic());
        let message = format!("`{name}` names slot {slot}, which no `.lib` binds");
        let imports = self.module.imports.iter();
        let known = imports.map(|import| format!("{} ({})", import.slot, import.symbol));
        let mut known: Vec<_> = known.take(SHOWN + 1).collect();
        if known.len() > SHOWN {
            known[SHOWN] = "…".to_owned();
        }
        let help = match known.len() {
            _ if slot > u16::MAX.into() => format!("slots are 0 to {}", u16::MAX),
            0 => format!("bind it: .lib {slot} \"library\" function (i32, i32) -> i32"),
            1 => format!("the program has slot {}", known[0]),
            _ => format!("the program has slots {}", known.join(", ")),
        };
        Box::new(self.error(ErrorCode::BadIndex, i, message, "no such slot").help(help))
    }

    fn bad_index(&self, i: u32, instr: Instr, limit: usize) -> Box<VerifyError> {
        let what = match instr.op.operand() {
            OperandKind::Local => "local",
            OperandKind::Global => "global",
            OperandKind::Func => "function",
            _ => "text",
        };
        let there = match limit {
            0 => format!("there is no {what}"),
            1 => format!("there is only {what} 0"),
            2 => format!("there are only {what}s 0 and 1"),
            n => format!("there are only {what}s 0 to {}", n - 1),
        };
        let message = format!("`{}` names {what} {}, but {there}", instr.op.mnemonic(), instr.arg);
        Box::new(self.error(ErrorCode::BadIndex, i, message, &format!("no such {what}")))
    }
}
