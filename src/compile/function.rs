//! The body of a function as C: values of the operand stack are variables, named by their type and
//! height, and jumps are `goto`.

use super::operators::expression;
use super::program::{Writer, c_type, zero};
use crate::isa::{Code, Instr, Op, OperandKind, ValueType};
use crate::verify::Site;
use std::fmt::Write;

/// A function that is being written.
pub(super) struct Body<'w, 'p> {
    writer: &'w mut Writer<'p>,
    function: u32,
    /// The types of the operand stack before the instruction at hand, the deepest first.
    stack: Vec<ValueType>,
    /// The highest that the stack gets, for each type.
    heights: [usize; 2],
    out: String,
}

impl<'w, 'p> Body<'w, 'p> {
    pub(super) fn new(writer: &'w mut Writer<'p>, function: u32) -> Self {
        let (stack, out) = (Vec::new(), String::new());
        Body { writer, function, stack, heights: [0; 2], out }
    }

    /// Writes the function.
    pub(super) fn write(mut self) -> String {
        let program = self.writer.program;
        let (code, map) = (program.code_of(self.function), program.stack_map(self.function));
        let mut is_target = vec![false; code.instrs.len()];
        for (i, &instr) in code.instrs.iter().enumerate() {
            if map.before(i as u32).is_some() {
                code.jump_targets(instr).for_each(|target| is_target[target as usize] = true);
            }
        }
        for (i, &instr) in (0..).zip(&code.instrs) {
            // No way leads there.
            let Some(stack) = map.before(i) else { continue };
            self.stack.clear();
            self.stack.extend(stack.types());
            self.stack.reverse();
            if is_target[i as usize] {
                let _ = writeln!(self.out, "L{i}:;");
            }
            self.line(i);
            let statement = self.statement(instr, i, table(&code, instr));
            let _ = writeln!(self.out, "    {statement}");
        }
        let declarations = self.declarations();
        format!("{}\n{{\n{declarations}{}}}\n", self.writer.head(self.function), self.out)
    }

    /// Locals, and the variables of the operand stack.
    fn declarations(&self) -> String {
        let module = self.writer.program.module();
        let params = module.func_type(self.function).params.len();
        let mut text = String::new();
        for (i, &ty) in module.functions[self.function as usize].locals.iter().enumerate() {
            let name = self.writer.local(self.function, params + i);
            let _ = writeln!(text, "    {} {name} = {};", c_type(ty), zero(ty));
        }
        for (ty, height) in ValueType::ALL.into_iter().zip(self.heights) {
            let names: Vec<_> = (0..height).map(|depth| cell(depth, ty)).collect();
            if !names.is_empty() {
                let _ = writeln!(text, "    {} {};", c_type(ty), names.join(", "));
            }
        }
        text
    }

    /// Tells debuggers and compilers where the instruction stands.
    fn line(&mut self, instr: u32) {
        let module = self.writer.program.module();
        if let (Some(map), Some(at)) = (&module.source_map, self.writer.locator.locate(module, self.function, instr))
            && let Some(file) = map.files.get(at.file as usize)
            // C has no line 0, and none above this.
            && (1..=2_147_483_647).contains(&at.line)
        {
            let _ = writeln!(
                self.out,
                "#line {} {}",
                at.line,
                super::program::c_text(file.name.as_bytes())
            );
        }
    }

    /// The number of the place of an instruction.
    fn place(&mut self, instr: u32) -> usize {
        self.writer.place(Site { function: self.function, instr })
    }

    /// The variable that holds the value so many below the top.
    fn top(&self, below: usize) -> String {
        let depth = self.stack.len() - 1 - below;
        cell(depth, self.stack[depth])
    }

    /// The variable for a value at a height.
    fn set(&mut self, depth: usize, ty: ValueType) -> String {
        let height = &mut self.heights[ty as usize];
        *height = (*height).max(depth + 1);
        cell(depth, ty)
    }

    /// The variable for a value that takes the place of so many.
    fn push(&mut self, popped: usize, ty: ValueType) -> String {
        self.set(self.stack.len() - popped, ty)
    }

    fn statement(&mut self, instr: Instr, i: u32, table: &[u32]) -> String {
        let Instr { op, arg } = instr;
        match op {
            Op::PushInt => format!("{} = {};", self.push(0, ValueType::I64), integer(arg)),
            Op::PushFloat => format!("{} = {};", self.push(0, ValueType::F64), float(arg)),
            Op::Pop | Op::Nop => ";".to_owned(),
            Op::Dup => self.permute(1, &[0, 0]),
            Op::Over => self.permute(2, &[0, 1, 0]),
            Op::Swap => self.permute(2, &[1, 0]),
            Op::Rot => self.permute(3, &[1, 2, 0]),
            Op::Select => {
                let (condition, second, first) = (self.top(0), self.top(1), self.top(2));
                format!("{first} = {condition} ? {first} : {second};")
            }
            Op::LoadLocal => {
                let variable = self.writer.local(self.function, arg as usize);
                let ty = self.writer.local_type(self.function, arg as usize);
                format!("{} = {variable};", self.push(0, ty))
            }
            Op::StoreLocal | Op::TeeLocal => {
                format!("{} = {};", self.writer.local(self.function, arg as usize), self.top(0))
            }
            Op::LoadGlobal => {
                let ty = self.writer.program.module().globals[arg as usize].ty;
                format!("{} = {};", self.push(0, ty), self.writer.global(arg as usize))
            }
            Op::StoreGlobal | Op::TeeGlobal => {
                format!("{} = {};", self.writer.global(arg as usize), self.top(0))
            }
            Op::Jmp => format!("goto L{arg};"),
            Op::Jz => format!("if ({} == 0) goto L{arg};", self.top(0)),
            Op::Jnz => format!("if ({} != 0) goto L{arg};", self.top(0)),
            Op::Switch => self.switch(table),
            Op::Call => self.call(arg as u32, i),
            Op::Ret => match self.writer.program.module().func_type(self.function).result {
                Some(_) => format!("return {};", self.top(0)),
                None => "return;".to_owned(),
            },
            Op::Halt => "halt();".to_owned(),
            Op::Exit => format!("exit_with({}, {});", self.top(0), self.place(i)),
            Op::Trap => {
                format!("trap(\"E0508\", \"the program reached a TRAP\", {});", self.place(i))
            }
            Op::CallNative => self.call_native(instr, i),
            _ => self.operation(instr, i),
        }
    }

    /// Values change their places, or are repeated: of the upper `count`, the deepest is number 0.
    fn permute(&mut self, count: usize, order: &[usize]) -> String {
        let base = self.stack.len() - count;
        let types: Vec<_> = self.stack[base..].to_vec();
        let mut text = "{".to_owned();
        for (k, &ty) in types.iter().enumerate() {
            let _ = write!(text, " {} t{k} = {};", c_type(ty), cell(base + k, ty));
        }
        for (k, &from) in order.iter().enumerate() {
            let _ = write!(text, " {} = t{from};", self.set(base + k, types[from]));
        }
        text + " }"
    }

    fn switch(&mut self, table: &[u32]) -> String {
        let mut text = format!("switch ({}) {{", self.top(0));
        let (default, cases) = table.split_last().expect("the decoder refuses an empty table");
        for (value, target) in cases.iter().enumerate() {
            let _ = write!(text, " case {value}: goto L{target};");
        }
        text + &format!(" default: goto L{default}; }}")
    }

    fn call(&mut self, callee: u32, i: u32) -> String {
        let ty = self.writer.program.module().func_type(callee).clone();
        let count = ty.params.len();
        let arguments: Vec<_> = (0..count).rev().map(|below| self.top(below)).collect();
        let call = format!("{}({});", self.writer.name(callee), arguments.join(", "));
        let at = self.place(i);
        match ty.result {
            Some(result) => format!("check_stack({at}); {} = {call}", self.push(count, result)),
            None => format!("check_stack({at}); {call}"),
        }
    }

    fn call_native(&mut self, instr: Instr, i: u32) -> String {
        let program = self.writer.program;
        let import = program.import_of(instr.arg);
        let ty = program.module().imports[import].signature.func_type();
        let count = ty.params.len();
        let mut arguments: Vec<_> = (0..count).rev().map(|below| self.top(below)).collect();
        arguments.push(self.place(i).to_string());
        let call = format!("native_{import}({});", arguments.join(", "));
        match ty.result {
            Some(result) => format!("{} = {call}", self.push(count, result)),
            None => call,
        }
    }

    /// What C, or a function of the runtime, does.
    fn operation(&mut self, instr: Instr, i: u32) -> String {
        let Instr { op, arg } = instr;
        let is_float = self.writer.program.is_float(self.function, i);
        let pops = op.pops().len();
        if op.operand() == OperandKind::Offset {
            return self.access(instr, i);
        }
        if let Some((template, float)) = expression(op, is_float) {
            let (a, b) = (self.top(pops - 1), self.top(0));
            let at = if template.contains('@') { self.place(i).to_string() } else { String::new() };
            let value = fill(template, &a, &b, &at);
            let ty = if float { ValueType::F64 } else { ValueType::I64 };
            return format!("{} = {value};", self.push(pops, ty));
        }
        let function = match op {
            Op::Memsize => "memory_size",
            Op::Memgrow => "memory_grow",
            Op::Memcopy => "memory_copy",
            Op::Memfill => "memory_fill",
            Op::LoadLib => return self.ask(arg, "bind"),
            // What is compiled in is always current.
            Op::ReloadLib => return format!("{} = 1;", self.push(0, ValueType::I64)),
            Op::LibVersion => return self.ask(instr.arg, "version"),
            Op::Print if is_float => "print_f64",
            Op::Print => "print_i64",
            Op::Write => return self.write_text(arg as usize, i),
            Op::Puts => "write_memory",
            Op::Putc => "write_character",
            Op::Read => "read_line",
            Op::Arg => "read_argument",
            Op::Clock => "nanoseconds",
            _ => unreachable!("{op:?} is written elsewhere"),
        };
        let mut arguments: Vec<_> = (0..pops).rev().map(|below| self.top(below)).collect();
        if !matches!(op, Op::Memgrow | Op::Clock) {
            arguments.push(self.place(i).to_string());
        }
        let call = match op {
            Op::Memsize => function.to_owned(),
            _ => format!("{function}({})", arguments.join(", ")),
        };
        match op.pushes().is_empty() {
            true => format!("{call};"),
            false => format!("{} = {call};", self.push(pops, ValueType::I64)),
        }
    }

    fn access(&mut self, Instr { op, arg }: Instr, i: u32) -> String {
        let at = self.place(i);
        let name = op.mnemonic()[2..].to_lowercase();
        let sum = |address: String| match arg {
            0 => address,
            _ => format!("{address} + {}", integer(arg)),
        };
        if op.pushes().is_empty() {
            return format!("store_{name}({}, {}, {at});", sum(self.top(1)), self.top(0));
        }
        let ty = if name.starts_with('f') { ValueType::F64 } else { ValueType::I64 };
        let address = sum(self.top(0));
        format!("{} = load_{name}({address}, {at});", self.push(1, ty))
    }

    /// Asks something of the library of a slot.
    fn ask(&mut self, slot: u64, what: &str) -> String {
        let import = self.writer.program.import_of(slot);
        format!("{} = {what}_{import}();", self.push(0, ValueType::I64))
    }

    fn write_text(&mut self, text: usize, i: u32) -> String {
        let bytes = &self.writer.program.module().texts[text];
        let (literal, length) = (super::program::c_text(bytes), bytes.len());
        format!("write_text({literal}, {length}, {});", self.place(i))
    }
}

/// The targets of a `SWITCH`.
fn table(code: &Code, instr: Instr) -> &[u32] {
    match instr.op {
        Op::Switch => code.table(instr.arg),
        _ => &[],
    }
}

/// The variable of a value on the operand stack.
fn cell(depth: usize, ty: ValueType) -> String {
    match ty {
        ValueType::I64 => format!("i{depth}"),
        ValueType::F64 => format!("f{depth}"),
    }
}

/// Puts operands and place into a template. Its words are longer than one letter, but for these.
fn fill(template: &str, a: &str, b: &str, at: &str) -> String {
    let mut text = String::new();
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let (mut before, mut rest) = (None, template.chars().peekable());
    while let Some(c) = rest.next() {
        let alone = !is_word(before) && !is_word(rest.peek().copied());
        match c {
            'a' if alone => text.push_str(a),
            'b' if alone => text.push_str(b),
            '@' => text.push_str(at),
            _ => text.push(c),
        }
        before = Some(c);
    }
    text
}

/// An integer constant.
pub(super) fn integer(bits: u64) -> String {
    match bits as i64 {
        small @ 0..=0x7fff_ffff => small.to_string(),
        _ => format!("UINT64_C({bits:#x})"),
    }
}

/// A float constant.
pub(super) fn float(bits: u64) -> String {
    let value = f64::from_bits(bits);
    match value.is_finite() && bits != (-0.0f64).to_bits() {
        true => format!("{value:?}"),
        false => format!("bits_to_f64(UINT64_C({bits:#x}))"),
    }
}
