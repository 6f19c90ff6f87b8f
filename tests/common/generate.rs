//! Random programs that are valid by construction, and that end.
//!
//! A program is made by choices, which are the bytes of a list; behind its end every choice is 0,
//! the simplest. So any bytes are a program, and fewer or smaller bytes a simpler one: proptest
//! shrinks it, and a fuzzer knows how to change it.
//!
//! Expressions and statements are mostly taken from the instruction table: an instruction that
//! pushes what is wanted is chosen, and values are made for what it pops.
//!
//! To end, a program has fuel, its first global: every call and every turn of a loop takes a unit.
//! Functions call those above them and themselves. `CLOCK` is left out, so that two runs do the same.
//!
//! The bits of a NaN that arithmetic gives are nobody's promise. Where a program could show them, it
//! puts one certain NaN in the place of all.

use hotvm::isa::{CType, Code, FuncType, Group, Import, Instr};
use hotvm::isa::{Op, OperandKind, Signature, Ty, ValueType};
use hotvm::module::{Function, FunctionNames, Global, Location, Memory, Module, Names};
use hotvm::module::{MacroCall, PAGE, Segment, SourceFile, SourceMap};

/// The program that a list of choices makes.
pub fn module(choices: &[u8]) -> Module {
    let mut maker = Maker { choices: Choices { bytes: choices }, ..Maker::default() };
    maker.declarations();
    for index in 0..maker.choices.below(4) {
        maker.function(index);
    }
    maker.entry();
    maker.source_map();
    maker.module.names = Some(maker.names);
    maker.module
}

/// Integers at which something changes.
const INTEGERS: [i64; 12] =
    [0, 1, -1, 2, 63, 64, 255, 0x7fff_ffff, -0x8000_0000, 1 << 53, i64::MAX, i64::MIN];

/// Bits of floats at which something changes: zeros, the smallest, infinities, NaNs quiet and not.
const FLOATS: [u64; 12] = [
    0,
    0x8000_0000_0000_0000,
    0x3ff0_0000_0000_0000,
    0xbfe0_0000_0000_0000,
    0x0000_0000_0000_0001,
    0x43e0_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0001,
    0x7ff0_0000_dead_beef,
];

/// Names that are also words of the language in other places.
const NAMES: [&str; 8] = ["x", "PUSH", "max", "at", "lazy", "version", "i64", "_"];

/// Beginnings of names that stand in quotes.
const ODD_NAMES: [&str; 16] = [
    "größe",
    "a b",
    "a.b",
    "1",
    "\"",
    "'",
    "\\",
    "$\"",
    ";",
    "\n\t\0",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{feff}",
    "e\u{301}",
    "🦀",
    "$",
];

/// Names whose letters do not say what they are, or without any.
const WHOLE_NAMES: [&str; 6] = ["", "inf", "nan", "at", "len", "JMP"];

/// How long a long name is.
const LONG_NAME: usize = 3000;

/// How deep expressions and statements may be nested.
const MAX_DEPTH: u32 = 4;

/// How many instructions a function may have before it is brought to its end.
const MAX_CODE: usize = 400;

/// The NaN that a program shows.
const NAN: u64 = 0x7ff8_0000_0000_0000;

/// How many locals a function has that has many: more than short operands can name.
const MANY_LOCALS: [usize; 3] = [40, 4000, 65_518];

/// The bits that are left of most addresses and lengths: two of them stay inside a page.
const ADDRESS_MASK: u64 = 0xfff;

#[derive(Default)]
struct Choices<'c> {
    bytes: &'c [u8],
}

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((&first, rest)) => {
                self.bytes = rest;
                first
            }
            None => 0,
        }
    }

    fn below(&mut self, count: usize) -> usize {
        self.byte() as usize % count
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// True in one of `many` cases.
    fn rarely(&mut self, many: usize) -> bool {
        self.below(many) == many - 1
    }

    fn bits(&mut self) -> u64 {
        (0..8).fold(0, |bits, _| bits << 8 | u64::from(self.byte()))
    }

    fn integer(&mut self) -> u64 {
        if self.rarely(4) { self.bits() } else { self.one_of(&INTEGERS) as u64 }
    }

    fn float(&mut self) -> u64 {
        if self.rarely(4) { self.bits() } else { self.one_of(&FLOATS) }
    }

    fn ty(&mut self) -> ValueType {
        self.one_of(&ValueType::ALL)
    }

    /// A name of any characters that nothing else has, by its kind and number: text could not say what
    /// it means.
    fn name(&mut self, kind: char, number: usize) -> String {
        let begin = match self.below(8) {
            0..=3 => self.one_of(&NAMES).to_owned(),
            4 | 5 => self.one_of(&ODD_NAMES).to_owned(),
            6 => (0..self.below(4))
                .filter_map(|_| char::from_u32(self.bits() as u32 >> 11))
                .collect(),
            _ if self.rarely(16) => "é".repeat(LONG_NAME),
            // A local would hide a global that is called so.
            _ if number == 0 && kind != 'v' => return self.one_of(&WHOLE_NAMES).to_owned(),
            _ => String::new(),
        };
        format!("{begin}{kind}{number}")
    }
}

/// A program that is being made.
#[derive(Default)]
struct Maker<'c> {
    choices: Choices<'c>,
    module: Module,
    names: Names,
    body: Body,
}

/// The function that is being made.
#[derive(Default)]
struct Body {
    ty: FuncType,
    /// Parameters and locals.
    variables: Vec<ValueType>,
    code: Code,
    /// Where each label stands. Until the end of the function, jumps name labels, not instructions.
    labels: Vec<u32>,
    depth: u32,
    /// Whether it is the function that the program begins with, which calls itself nowhere.
    is_entry: bool,
}

#[derive(Clone, Copy)]
struct Label(usize);

impl Body {
    fn emit(&mut self, op: Op, arg: u64) {
        self.code.instrs.push(Instr::new(op, arg));
    }

    fn label(&mut self) -> Label {
        self.labels.push(0);
        Label(self.labels.len() - 1)
    }

    fn jump(&mut self, op: Op, to: Label) {
        self.emit(op, to.0 as u64);
    }

    fn place(&mut self, label: Label) {
        self.labels[label.0] = self.code.instrs.len() as u32;
    }

    fn put_labels_in(&mut self) {
        for instr in &mut self.code.instrs {
            if instr.op.operand() == OperandKind::Label {
                instr.arg = self.labels[instr.arg as usize].into();
            }
        }
        for target in &mut self.code.targets {
            *target = self.labels[*target as usize];
        }
    }
}

/// Declarations.
impl Maker<'_> {
    fn declarations(&mut self) {
        let min = PAGE * (1 + self.choices.below(3) as u64) + 3 * self.choices.below(2) as u64;
        self.module.memory = Memory { min, max: min + PAGE * self.choices.below(4) as u64 };
        self.global("fuel".to_owned(), Global { ty: ValueType::I64, init: 1000 });
        for index in 0..self.choices.below(4) {
            let name = self.choices.name('g', index);
            let ty = self.choices.ty();
            let init = match ty {
                ValueType::I64 => self.choices.integer(),
                ValueType::F64 => self.choices.float(),
            };
            self.global(name, Global { ty, init });
        }
        self.data();
        for index in 0..self.choices.below(3) {
            self.import(index);
        }
    }

    fn global(&mut self, name: String, global: Global) {
        self.names.globals.push(name);
        self.module.globals.push(global);
    }

    fn data(&mut self) {
        let mut address = 16;
        for index in 0..self.choices.below(4) {
            address += self.choices.below(40) as u64;
            let len = self.choices.below(30) as u64;
            let zeros = self.choices.rarely(3);
            let bytes = if zeros { 0 } else { len };
            let bytes = (0..bytes).map(|_| self.choices.byte()).collect();
            self.module.data.push(Segment { address, len, bytes });
            let name = self.choices.name('d', index);
            self.names.data.push(name);
            address += len;
        }
    }

    /// Imports are lazy, so that a program runs without its libraries.
    fn import(&mut self, index: usize) {
        let params: Vec<_> = CType::ALL.iter().copied().filter(|ty| ty.is_param()).collect();
        let results: Vec<_> = CType::ALL.iter().copied().filter(|ty| ty.is_result()).collect();
        let params =
            (0..self.choices.below(5)).map(|_| self.choices.one_of(&params)).collect::<Vec<_>>();
        let signature = Signature { params, result: self.choices.one_of(&results) };
        let symbol = self.choices.one_of(&["plain", "lazy", "with space", "\"quoted\"", "größe"]);
        let version = self.choices.rarely(2).then(|| self.choices.bits() as u32);
        self.module.imports.push(Import {
            slot: (index * 7000) as u16 + u16::from(self.choices.byte()),
            library: self.choices.one_of(&["no-such-library.so", "no such/library.c"]).to_owned(),
            symbol: symbol.to_owned(),
            signature,
            version,
            lazy: true,
        });
    }

    /// A function that the ones below can call.
    fn function(&mut self, index: usize) {
        let count = if self.choices.rarely(8) { 12 } else { self.choices.below(4) };
        let params = (0..count).map(|_| self.choices.ty()).collect();
        let result = self.choices.rarely(2).then(|| self.choices.ty());
        let name = self.choices.name('f', index);
        self.begin(FuncType { params, result });
        let out_of_fuel = self.body.label();
        self.take_fuel(out_of_fuel);
        self.statements();
        self.body.place(out_of_fuel);
        self.result();
        self.body.emit(Op::Ret, 0);
        self.end(name);
    }

    /// The last function, which the program begins with: main, or one of that name.
    fn entry(&mut self) {
        self.module.entry = self.module.functions.len() as u32;
        self.begin(FuncType::default());
        self.body.is_entry = true;
        self.statements();
        self.body.emit(Op::Halt, 0);
        let name = if self.choices.rarely(3) { "start" } else { "" };
        self.end(name.to_owned());
    }

    fn begin(&mut self, ty: FuncType) {
        let mut variables = ty.params.clone();
        variables.extend((0..self.choices.below(4)).map(|_| self.choices.ty()));
        if self.choices.rarely(64) {
            let many = self.choices.one_of(&MANY_LOCALS);
            let ty = self.choices.ty();
            variables.extend(std::iter::repeat_n(ty, many));
        }
        self.body = Body { ty, variables, ..Body::default() };
    }

    fn end(&mut self, name: String) {
        let mut body = std::mem::take(&mut self.body);
        body.put_labels_in();
        let locals = (0..body.variables.len()).map(|index| self.choices.name('v', index)).collect();
        let mut labels: Vec<_> = body
            .labels
            .iter()
            .enumerate()
            .map(|(i, &at)| (at, self.choices.name('l', i)))
            .collect();
        labels.sort_by_key(|&(at, _)| at);
        self.names.functions.push(FunctionNames { name, locals, labels });

        let known = self.module.types.iter().position(|ty| *ty == body.ty);
        let ty = known.unwrap_or(self.module.types.len());
        let locals = body.variables.split_off(body.ty.params.len());
        if known.is_none() {
            self.module.types.push(body.ty);
        }
        let start = self.module.code.len() as u32;
        body.code.encode(&mut self.module.code);
        let code = start..self.module.code.len() as u32;
        self.module.functions.push(Function { ty: ty as u32, locals, code });
    }

    /// Places in two files, mostly one line below the other.
    fn source_map(&mut self) {
        let file = |name: &str, crc| SourceFile { name: name.to_owned(), crc };
        let files = [file("a.vasm", 1), file("dir/\"b\" \n.vasm", u32::MAX)];
        let mut map = SourceMap::default();
        let mut at = Location { file: 0, line: 1, column: 1 };
        let mut next = |choices: &mut Choices, used: &mut Vec<SourceFile>| {
            at.line = at.line.saturating_add(1);
            if choices.rarely(8) {
                let column = choices.one_of(&[1, 5, 80, u32::MAX]);
                at = Location { column, line: choices.one_of(&[1, 7, 1000, u32::MAX]), ..at };
            }
            let wanted = &files[usize::from(choices.rarely(16))];
            let found = used.iter().position(|file| file == wanted);
            at.file = found.unwrap_or(used.len()) as u32;
            if found.is_none() {
                used.push(wanted.clone());
            }
            at
        };
        for _ in &self.module.imports {
            map.imports.push(next(&mut self.choices, &mut map.files));
        }
        let mut code = Code::default();
        for function in 0..self.module.functions.len() as u32 {
            self.module.code_of(function, &mut code).expect("it was just encoded");
            let mut runs = Vec::new();
            // The calls of macros that the next instruction came from, the outermost first.
            let mut open: Vec<u32> = Vec::new();
            for instr in 0..code.instrs.len() as u32 {
                while !open.is_empty() && self.choices.rarely(4) {
                    open.pop();
                }
                while open.len() < 3 && self.choices.rarely(8) {
                    let wanted = self.choices.one_of(&["swap", "a \"name\"\n"]);
                    let known = map.macros.iter().position(|known| known == wanted);
                    let name = known.unwrap_or(map.macros.len()) as u32;
                    if known.is_none() {
                        map.macros.push(wanted.to_owned());
                    }
                    let at = next(&mut self.choices, &mut map.files);
                    open.push(map.calls.len() as u32);
                    let within = open.iter().rev().nth(1).copied();
                    map.calls.push(MacroCall { name, at, within });
                }
                let at = next(&mut self.choices, &mut map.files);
                if let Some(&call) = open.last() {
                    SourceMap::push_expanded(&mut map.expanded, function, instr, call);
                }
                SourceMap::push(&mut runs, at);
            }
            map.functions.push(runs);
        }
        self.module.source_map = Some(map);
    }
}

/// Statements: they leave the stack as it was.
impl Maker<'_> {
    fn statements(&mut self) {
        for _ in 0..self.choices.below(8) {
            self.statement();
        }
    }

    fn statement(&mut self) {
        if self.body.depth >= MAX_DEPTH || self.body.code.instrs.len() >= MAX_CODE {
            return self.body.emit(Op::Nop, 0);
        }
        self.body.depth += 1;
        match self.choices.below(12) {
            0 => self.body.emit(Op::Nop, 0),
            1 | 2 => self.assign(),
            3..=5 => self.consume(),
            6 => self.branch(),
            7 => self.repeat(),
            8 => self.switch(),
            9 => self.write(),
            10 => self.call(None),
            _ => self.leave(),
        }
        self.body.depth -= 1;
    }

    fn assign(&mut self) {
        let ty = self.choices.ty();
        let tee = self.choices.rarely(4);
        let Some((local, index)) = self.variable(ty) else { return };
        self.value(ty);
        if !local {
            self.one_nan(ty);
        }
        let (to_local, to_global) = match tee {
            true => (Op::TeeLocal, Op::TeeGlobal),
            false => (Op::StoreLocal, Op::StoreGlobal),
        };
        self.body.emit(if local { to_local } else { to_global }, index);
        if tee {
            self.body.emit(Op::Pop, 0);
        }
    }

    /// An instruction that pops and pushes nothing.
    fn consume(&mut self) {
        let ops: Vec<_> = from_table(&[]).filter(|op| !op.pops().is_empty()).collect();
        let op = self.choices.one_of(&ops);
        self.apply(op, None);
    }

    fn branch(&mut self) {
        let (other, end) = (self.body.label(), self.body.label());
        self.value(ValueType::I64);
        let op = self.choices.one_of(&[Op::Jz, Op::Jnz]);
        self.body.jump(op, other);
        self.statements();
        self.body.jump(Op::Jmp, end);
        self.body.place(other);
        self.statements();
        self.body.place(end);
    }

    /// A loop, in one of the shapes that compilers and people write.
    fn repeat(&mut self) {
        let (again, test, end) = (self.body.label(), self.body.label(), self.body.label());
        match self.choices.below(5) {
            // The condition at the bottom,
            0 => {
                self.body.place(again);
                self.take_fuel(end);
                self.statements();
                self.value(ValueType::I64);
                self.body.jump(Op::Jnz, again);
            }
            // at the top,
            1 => {
                self.body.place(again);
                self.value(ValueType::I64);
                self.body.jump(Op::Jz, end);
                self.take_fuel(end);
                self.statements();
                self.body.jump(Op::Jmp, again);
            }
            // or at the bottom and first to be reached;
            2 => {
                self.body.jump(Op::Jmp, test);
                self.body.place(again);
                self.statements();
                self.take_fuel(end);
                self.body.place(test);
                self.value(ValueType::I64);
                self.body.jump(Op::Jnz, again);
            }
            // a counter;
            3 => {
                self.body.place(again);
                self.take_fuel(end);
                self.statements();
                self.step(again);
            }
            // a `SWITCH` whose arms go back to it.
            _ => {
                self.body.place(again);
                self.take_fuel(end);
                self.value(ValueType::I64);
                let arms: Vec<_> = (0..=self.choices.below(4)).map(|_| self.body.label()).collect();
                let targets = arms.iter().chain([&end]).map(|arm| arm.0 as u32);
                self.body.code.push_switch(targets);
                for arm in arms {
                    self.body.place(arm);
                    self.statements();
                    self.body.jump(Op::Jmp, again);
                }
            }
        }
        self.body.place(end);
    }

    /// Goes back while a counter that steps is below something.
    fn step(&mut self, again: Label) {
        let Some((true, counter)) = self.variable(ValueType::I64) else { return };
        let step = self.choices.one_of(&[1, -1i64, 8]);
        let op = self.choices.one_of(&[Op::Lt, Op::Ne, Op::Gt, Op::Ltu]);
        self.body.emit(Op::LoadLocal, counter);
        self.body.emit(Op::PushInt, step as u64);
        self.body.emit(Op::Add, 0);
        self.body.emit(Op::StoreLocal, counter);
        self.body.emit(Op::LoadLocal, counter);
        self.value(ValueType::I64);
        self.body.emit(op, 0);
        self.body.jump(Op::Jnz, again);
    }

    fn switch(&mut self) {
        let arms: Vec<_> = (0..=self.choices.below(4)).map(|_| self.body.label()).collect();
        let end = self.body.label();
        self.value(ValueType::I64);
        self.body.code.push_switch(arms.iter().map(|arm| arm.0 as u32));
        for arm in arms {
            self.body.place(arm);
            self.statements();
            self.body.jump(Op::Jmp, end);
        }
        self.body.place(end);
    }

    fn write(&mut self) {
        let text: Vec<u8> = (0..self.choices.below(4)).map(|_| self.choices.byte()).collect();
        let found = self.module.texts.iter().position(|known| *known == text);
        let index = found.unwrap_or(self.module.texts.len());
        if found.is_none() {
            self.module.texts.push(text);
        }
        self.body.emit(Op::Write, index as u64);
    }

    /// Ends the function or the program on some ways through it.
    fn leave(&mut self) {
        let stay = self.body.label();
        self.value(ValueType::I64);
        self.body.jump(Op::Jz, stay);
        match self.choices.below(4) {
            0 => self.body.emit(Op::Halt, 0),
            1 => self.body.emit(Op::Trap, 0),
            2 => {
                self.value(ValueType::I64);
                self.masked(0x7f);
                self.body.emit(Op::Exit, 0);
            }
            _ => {
                self.result();
                self.body.emit(Op::Ret, 0);
            }
        }
        self.body.place(stay);
    }

    /// Goes to a label when the fuel is used up.
    fn take_fuel(&mut self, used_up: Label) {
        self.body.emit(Op::LoadGlobal, 0);
        self.body.emit(Op::PushInt, 1);
        self.body.emit(Op::Sub, 0);
        self.body.emit(Op::TeeGlobal, 0);
        self.body.emit(Op::PushInt, 0);
        self.body.emit(Op::Lt, 0);
        self.body.jump(Op::Jnz, used_up);
    }
}

/// Expressions: they push one value.
impl Maker<'_> {
    fn result(&mut self) {
        if let Some(ty) = self.body.ty.result {
            self.value(ty);
        }
    }

    fn value(&mut self, ty: ValueType) {
        if self.body.depth >= MAX_DEPTH || self.body.code.instrs.len() >= MAX_CODE {
            return self.constant(ty);
        }
        self.body.depth += 1;
        match self.choices.below(11) {
            0 | 1 => self.constant(ty),
            2 | 3 => match self.variable(ty) {
                Some((true, index)) => self.body.emit(Op::LoadLocal, index),
                Some((false, index)) => self.body.emit(Op::LoadGlobal, index),
                None => self.constant(ty),
            },
            4..=6 => self.computed(ty),
            7 => self.shuffled(ty),
            8 => self.chosen(ty),
            9 => self.call(Some(ty)),
            // One that lies on the stack meanwhile.
            _ => {
                self.value(ty);
                self.statements();
            }
        }
        self.body.depth -= 1;
    }

    fn constant(&mut self, ty: ValueType) {
        match ty {
            ValueType::I64 => {
                let value = self.choices.integer();
                self.body.emit(Op::PushInt, value);
            }
            ValueType::F64 => {
                let value = self.choices.float();
                self.body.emit(Op::PushFloat, value);
            }
        }
    }

    /// An instruction of the table that pushes one value of the type.
    fn computed(&mut self, ty: ValueType) {
        let own = if ty == ValueType::I64 { Ty::I } else { Ty::F };
        let ops: Vec<_> = from_table(&[own]).chain(from_table(&[Ty::A])).collect();
        let op = self.choices.one_of(&ops);
        self.apply(op, Some(ty));
    }

    /// Makes what an instruction pops, and the instruction. `A` is `any`, where it matters.
    fn apply(&mut self, op: Op, any: Option<ValueType>) {
        let any = match op.pushes() {
            [Ty::A] => any.unwrap_or(ValueType::I64),
            _ => self.choices.ty(),
        };
        for &popped in op.pops() {
            let ty = match popped {
                Ty::F => ValueType::F64,
                Ty::I => ValueType::I64,
                _ => any,
            };
            self.value(ty);
            let shows = [Op::Btoi, Op::Copysign, Op::Stf32, Op::Stf64, Op::Print];
            if shows.contains(&op) {
                self.one_nan(ty);
            }
            // Most programs should not end at their first address.
            let is_address = matches!(op.group(), Group::Memory | Group::InputOutput);
            if popped == Ty::I && is_address && !self.choices.rarely(32) {
                self.masked(ADDRESS_MASK);
            }
        }
        let divides = matches!(op, Op::Div | Op::Rem | Op::Divu | Op::Remu);
        if divides && (op != Op::Div || any == ValueType::I64) && !self.choices.rarely(32) {
            self.body.emit(Op::PushInt, 1);
            self.body.emit(Op::Or, 0);
        }
        let offset = match op.operand() {
            OperandKind::Offset => self.choices.one_of(&[0, 0, 1, 100, -1i64 as u64]),
            _ => 0,
        };
        self.body.emit(op, offset);
    }

    /// Puts one NaN in the place of all.
    fn one_nan(&mut self, ty: ValueType) {
        if ty == ValueType::F64 {
            let ops = [(Op::Dup, 0), (Op::Dup, 0), (Op::Eq, 0), (Op::PushFloat, NAN)];
            let ops = ops.into_iter().chain([(Op::Swap, 0), (Op::Select, 0)]);
            ops.for_each(|(op, arg)| self.body.emit(op, arg));
        }
    }

    /// An integer of which only some bits are left.
    fn masked(&mut self, mask: u64) {
        self.body.emit(Op::PushInt, mask);
        self.body.emit(Op::And, 0);
    }

    /// A value among others, which are dropped again.
    fn shuffled(&mut self, ty: ValueType) {
        let other = self.choices.ty();
        let ops: &[Op] = match self.choices.below(4) {
            0 => {
                self.value(ty);
                &[Op::Dup, Op::Pop]
            }
            1 => {
                self.value(other);
                self.value(ty);
                &[Op::Swap, Op::Pop]
            }
            2 => {
                self.value(ty);
                self.value(other);
                &[Op::Over, Op::Swap, Op::Pop, Op::Pop]
            }
            _ => {
                self.value(ty);
                self.value(other);
                self.value(other);
                &[Op::Rot, Op::Swap, Op::Pop, Op::Swap, Op::Pop]
            }
        };
        ops.iter().for_each(|&op| self.body.emit(op, 0));
    }

    /// A value from one of two ways, which meet with it on the stack.
    fn chosen(&mut self, ty: ValueType) {
        let (other, end) = (self.body.label(), self.body.label());
        self.value(ValueType::I64);
        self.body.jump(Op::Jz, other);
        self.value(ty);
        self.body.jump(Op::Jmp, end);
        self.body.place(other);
        self.value(ty);
        self.body.place(end);
    }

    /// A call of a function or, behind a `LOAD_LIB`, of a native one, that gives this type.
    fn call(&mut self, result: Option<ValueType>) {
        let own = self.module.functions.len() as u64;
        let functions = (0..self.module.functions.len() as u32)
            .map(|index| (Op::Call, u64::from(index), self.module.func_type(index).clone()))
            .chain((!self.body.is_entry).then(|| (Op::Call, own, self.body.ty.clone())));
        let natives =
            self.module.imports.iter().map(|import| {
                (Op::CallNative, u64::from(import.slot), import.signature.func_type())
            });
        let fitting: Vec<_> =
            functions.chain(natives).filter(|(.., ty)| ty.result == result).collect();
        if fitting.is_empty() {
            return result.map_or((), |ty| self.constant(ty));
        }
        let (op, arg, ty) = fitting[self.choices.below(fitting.len())].clone();
        if op == Op::Call {
            return self.call_with(op, arg, &ty);
        }
        let (unbound, end) = (self.body.label(), self.body.label());
        let bind = self.choices.one_of(&[Op::LoadLib, Op::ReloadLib, Op::LibVersion]);
        self.body.emit(bind, arg);
        self.body.jump(Op::Jz, unbound);
        self.call_with(op, arg, &ty);
        self.body.jump(Op::Jmp, end);
        self.body.place(unbound);
        if let Some(ty) = result {
            self.constant(ty);
        }
        self.body.place(end);
    }

    fn call_with(&mut self, op: Op, arg: u64, ty: &FuncType) {
        ty.params.iter().for_each(|&param| self.value(param));
        self.body.emit(op, arg);
    }

    /// A variable of a type, but not the fuel: whether it is a local, and its index.
    fn variable(&mut self, ty: ValueType) -> Option<(bool, u64)> {
        let locals = self.body.variables.iter().zip(0..).map(|(&ty, index)| (ty, true, index));
        let globals = self.module.globals.iter().zip(0..).skip(1);
        let globals = globals.map(|(global, index)| (global.ty, false, index));
        let fitting: Vec<_> = locals.chain(globals).filter(|(found, ..)| *found == ty).collect();
        if fitting.is_empty() {
            return None;
        }
        let (_, local, index) = fitting[self.choices.below(fitting.len())];
        Some((local, index))
    }
}

/// Instructions that need no declaration, and push these.
fn from_table(pushes: &[Ty]) -> impl Iterator<Item = Op> {
    Op::ALL.iter().copied().filter(move |op| {
        op.pushes() == pushes
            && matches!(op.operand(), OperandKind::None | OperandKind::Offset)
            && op.falls_through()
            && *op != Op::Clock
    })
}
