//! Writes the text.

use super::names::{FunctionNames, ModuleNames, is_called, is_name};
use crate::diagnostics::Span;
use crate::isa::{Code, Import, Instr, OperandKind, Signature, ValueType};
use crate::module::{self, Location, Module, Segment, SourceMap};
use crate::syntax::literal::{write_float, write_text};
use rustc_hash::FxHashMap;
use std::fmt::Write;

/// The text of a module, and where its instructions stand in it.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The text.
    pub text: String,
    /// For each function, the place of each instruction.
    pub spans: Vec<Vec<Span>>,
    /// For each function, what the text calls it and the things in it.
    pub names: Vec<module::FunctionNames>,
}

/// Writes a module as text.
pub fn disassemble(module: &Module) -> Listing {
    let mut writer = Writer {
        module,
        names: ModuleNames::new(module),
        slots: module.imports.iter().map(|import| (import.slot.into(), import)).collect(),
        out: String::new(),
        spans: Vec::new(),
        function_names: Vec::new(),
        next: None,
        open: Vec::new(),
    };
    writer.declarations();
    for function in 0..module.functions.len() {
        writer.function(function);
    }
    Listing { text: writer.out, spans: writer.spans, names: writer.function_names }
}

struct Writer<'m> {
    module: &'m Module,
    names: ModuleNames,
    slots: FxHashMap<u64, &'m Import>,
    out: String,
    spans: Vec<Vec<Span>>,
    function_names: Vec<module::FunctionNames>,
    /// The place that the assembler will give to the next statement, once there was a `.loc`.
    next: Option<Location>,
    /// The calls of macros whose expansions are open, the outermost first.
    open: Vec<u32>,
}

impl Writer<'_> {
    fn line(&mut self, text: impl AsRef<str>) {
        self.out.push_str(text.as_ref());
        self.out.push('\n');
    }

    fn declarations(&mut self) {
        let module = self.module;
        self.line(format!(".memory {} max {}", module.memory.min, module.memory.max));
        for (index, import) in module.imports.iter().enumerate() {
            let at = module.source_map.as_ref().and_then(|map| map.imports.get(index));
            self.place(at.copied());
            self.line(lib(import));
        }
        for (name, global) in self.names.globals.clone().iter().zip(&module.globals) {
            let value = match global.ty {
                ValueType::I64 => (global.init as i64).to_string(),
                ValueType::F64 => write_float(global.init),
            };
            self.line(format!(".global {name}: {} = {value}", global.ty));
        }
        for (name, segment) in self.names.data.clone().iter().zip(&module.data) {
            self.line(data(name, segment));
        }
        let public = module.public.iter().filter_map(|&it| self.names.functions.get(it as usize));
        let public: Vec<String> = public.cloned().collect();
        if !public.is_empty() {
            self.line(format!(".public {}", public.join(", ")));
        }
        if !self.module.functions.is_empty() && !self.is_main(self.module.entry as usize) {
            let entry = self.names.functions.get(self.module.entry as usize).cloned();
            self.line(format!(".entry {}", entry.unwrap_or_default()));
        }
    }

    /// Main is written without a `.func`: the entry, when it is last, has no name, and nothing calls
    /// it.
    fn is_main(&self, function: usize) -> bool {
        let named = self.module.names.as_ref().and_then(|n| n.functions.get(function));
        function == self.module.entry as usize
            && function + 1 == self.module.functions.len()
            && named.is_none_or(|n| n.name.is_empty())
            && !self.module.public.contains(&(function as u32))
            && !is_called(self.module, function as u32)
    }

    fn function(&mut self, index: usize) {
        let (module, mut code) = (self.module, Code::default());
        let decoded = module.code_of(index as u32, &mut code);
        let function = &module.functions[index];
        let ty = module.types.get(function.ty as usize).cloned().unwrap_or_default();
        let count = ty.params.len() + function.locals.len();
        let names = FunctionNames::new(module, index, count, &code, &self.names.globals);
        let (params, locals) = names.locals.split_at(ty.params.len());
        let is_main = self.is_main(index);
        self.line("");
        if !is_main {
            let params: Vec<_> =
                params.iter().zip(&ty.params).map(|(n, t)| format!("{n}: {t}")).collect();
            let params =
                if params.is_empty() { String::new() } else { format!(" ({})", params.join(", ")) };
            let result = ty.result.map_or(String::new(), |r| format!(" -> {r}"));
            self.line(format!(".func {}{params}{result}", self.names.functions[index]));
        }
        for (name, ty) in locals.iter().zip(&function.locals) {
            self.line(format!("    .local {name}: {ty}"));
        }
        let mut spans = Vec::with_capacity(code.instrs.len());
        let mut places = module.source_map.iter().flat_map(|map| map.places(index as u32));
        for (i, &instr) in code.instrs.iter().enumerate() {
            self.labels(&names, i as u32);
            self.expansions(module.source_map.as_ref(), index as u32, i as u32);
            self.place(places.next().flatten());
            let start = self.out.len() + 4;
            let text = self.instr(instr, &code, &names);
            let _ = write!(self.out, "    {text}");
            spans.push(Span::new(start as u32, self.out.len() as u32));
            self.comment(instr);
            self.out.push('\n');
        }
        self.close_expansions(0);
        self.labels(&names, code.instrs.len() as u32);
        if let Err(bad) = decoded {
            self.line(format!("    ; damaged from byte {} on: {}", bad.offset, bad.reason));
        }
        if !is_main {
            self.line(".end");
        }
        self.spans.push(spans);
        let name = if is_main { String::new() } else { self.names.functions[index].clone() };
        self.function_names.push(names.into_list(name));
    }

    fn labels(&mut self, names: &FunctionNames, at: u32) {
        for label in names.labels.get(&at).map_or(&[][..], |l| l) {
            self.line(format!("{label}:"));
        }
    }

    /// Ends and begins expansions, so that those are open that the next instruction came from.
    fn expansions(&mut self, map: Option<&SourceMap>, function: u32, instr: u32) {
        let Some(map) = map.filter(|map| !map.expanded.is_empty()) else { return };
        let outer = |&call: &u32| map.calls.get(call as usize)?.within.filter(|&w| w < call);
        let innermost = map.call_of(function, instr);
        let mut wanted: Vec<u32> = std::iter::successors(innermost, outer).collect();
        wanted.reverse();
        let kept = wanted.iter().zip(&self.open).take_while(|(a, b)| a == b).count();
        self.close_expansions(kept);
        for &call in &wanted[kept..] {
            let Some(it) = map.calls.get(call as usize) else { continue };
            self.place(Some(it.at));
            let name = map.macros.get(it.name as usize).map_or("", |name| name);
            self.line(format!(".expansion {}", write_text(name.as_bytes())));
            self.open.push(call);
        }
    }

    fn close_expansions(&mut self, kept: usize) {
        while self.open.len() > kept {
            self.open.pop();
            self.line(".endexpansion");
        }
    }

    /// Says where the next statement stood, unless the assembler will find that out by itself.
    fn place(&mut self, at: Option<Location>) {
        let Some(at) = at else { return };
        if self.next.map(|next| next.file) != Some(at.file)
            && let Some(file) =
                self.module.source_map.as_ref().and_then(|m| m.files.get(at.file as usize))
        {
            let line = format!(".source {} {:#010x}", write_text(file.name.as_bytes()), file.crc);
            self.line(line);
            self.next = None;
        }
        if self.next != Some(at) {
            self.line(format!(".loc {} {}", at.line, at.column));
        }
        self.next = Some(Location { line: at.line.saturating_add(1), ..at });
    }

    fn instr(&self, instr: Instr, code: &Code, names: &FunctionNames) -> String {
        let name = instr.op.mnemonic();
        let known = |list: &[String]| {
            let found = list.get(instr.arg as usize).cloned();
            format!("{name} {}", found.unwrap_or_else(|| instr.arg.to_string()))
        };
        match instr.op.operand() {
            OperandKind::None => name.to_owned(),
            OperandKind::Offset if instr.arg == 0 => name.to_owned(),
            OperandKind::Int | OperandKind::Offset => format!("{name} {}", instr.arg as i64),
            OperandKind::Float => format!("{name} {}", write_float(instr.arg)),
            OperandKind::Local => known(&names.locals),
            OperandKind::Global => known(&self.names.globals),
            OperandKind::Func => known(&self.names.functions),
            OperandKind::Label => format!("{name} {}", names.label(instr.arg as u32)),
            OperandKind::Labels => {
                let labels: Vec<_> =
                    code.table(instr.arg).iter().map(|&t| names.label(t)).collect();
                format!("{name} {}", labels.join(", "))
            }
            OperandKind::Slot => format!("{name} {}", instr.arg),
            OperandKind::Text => {
                let text = self.module.texts.get(instr.arg as usize);
                format!("{name} {}", write_text(text.map_or(&[], |t| t)))
            }
        }
    }

    /// The name of the native function that a slot number stands for.
    fn comment(&mut self, instr: Instr) {
        if instr.op.operand() == OperandKind::Slot
            && let Some(import) = self.slots.get(&instr.arg)
        {
            let symbol = import.symbol.escape_debug();
            let _ = write!(self.out, "    ; {symbol}");
        }
    }
}

fn lib(import: &Import) -> String {
    let symbol = match is_name(&import.symbol) {
        true => import.symbol.clone(),
        false => write_text(import.symbol.as_bytes()),
    };
    let library = write_text(import.library.as_bytes());
    let mut line = format!(".lib {} {library} {symbol}", import.slot);
    if import.signature != Signature::default() {
        let _ = write!(line, " {}", import.signature);
    }
    if let Some(version) = import.version {
        let _ = write!(line, " version {version}");
    }
    if import.lazy {
        line.push_str(" lazy");
    }
    line
}

fn data(name: &str, segment: &Segment) -> String {
    let Segment { address, len, bytes } = segment;
    if bytes.is_empty() && *len > 0 {
        return format!(".zero {name} {len} at {address}");
    }
    let printable = bytes.iter().filter(|b| matches!(b, b' '..=b'~' | b'\n' | b'\t')).count();
    if printable * 4 >= bytes.len() * 3 {
        return format!(".data {name} {} at {address}", write_text(bytes));
    }
    let elements: Vec<_> = bytes.iter().map(u8::to_string).collect();
    format!(".data {name} u8 {} at {address}", elements.join(", "))
}
