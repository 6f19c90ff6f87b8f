//! Writes the text.

use super::names::{FunctionNames, ModuleNames, is_called, made_up};
use crate::diagnostics::Span;
use crate::isa::name::{is_plain, spelled};
use crate::isa::{Code, Import, Instr, OperandKind, Signature, ValueType};
use crate::module::{self, Location, Module, Segment, SourceMap};
use crate::syntax::literal::{write_float, write_text};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
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

/// Writes a module as text, and notes where its instructions stand in it.
pub fn disassemble(module: &Module) -> Listing {
    let (mut listing, mut writer) = (Listing::default(), Writer::new(module));
    writer.module(Some(&mut listing));
    Listing { text: writer.out, ..listing }
}

/// Writes a module as text.
pub fn to_text(module: &Module) -> String {
    let mut writer = Writer::new(module);
    writer.module(None);
    writer.out
}

struct Writer<'m> {
    module: &'m Module,
    names: ModuleNames<'m>,
    slots: FxHashMap<u64, &'m Import>,
    out: String,
    /// The entry, where it is written without a `.func`.
    main: Option<usize>,
    /// The place that the assembler will give to the next statement, once there was a `.loc`.
    next: Option<Location>,
    /// The calls of macros whose expansions are open, the outermost first.
    open: Vec<u32>,
}

impl<'m> Writer<'m> {
    fn new(module: &'m Module) -> Writer<'m> {
        Writer {
            module,
            names: ModuleNames::new(module),
            slots: module.imports.iter().map(|import| (import.slot.into(), import)).collect(),
            out: String::new(),
            main: main_of(module),
            next: None,
            open: Vec::new(),
        }
    }

    fn module(&mut self, mut listing: Option<&mut Listing>) {
        self.declarations();
        let mut code = Code::default();
        for function in 0..self.module.functions.len() {
            self.function(function, &mut code, listing.as_deref_mut());
        }
    }

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
        let given = module.names.as_ref();
        for (i, (name, global)) in self.names.globals.iter().zip(&module.globals).enumerate() {
            let value = match global.ty {
                ValueType::I64 => (global.init as i64).to_string(),
                ValueType::F64 => write_float(global.init),
            };
            let remark = made_up(name, given.and_then(|names| names.globals.get(i)));
            let _ = writeln!(self.out, ".global {name}: {} = {value}{remark}", global.ty);
        }
        for (i, (name, segment)) in self.names.data.iter().zip(&module.data).enumerate() {
            let remark = made_up(name, given.and_then(|names| names.data.get(i)));
            let _ = writeln!(self.out, "{}{remark}", data(name, segment));
        }
        let public = module.public.iter().filter_map(|&it| self.names.functions.get(it as usize));
        let public: Vec<&str> = public.map(|name| &**name).collect();
        if !public.is_empty() {
            let _ = writeln!(self.out, ".public {}", public.join(", "));
        }
        if !module.functions.is_empty() && self.main.is_none() {
            let entry = self.names.functions.get(module.entry as usize);
            let _ = writeln!(self.out, ".entry {}", entry.map_or("", |name| name));
        }
    }

    fn function(&mut self, index: usize, code: &mut Code, listing: Option<&mut Listing>) {
        let module = self.module;
        let decoded = module.code_of(index as u32, code);
        let function = &module.functions[index];
        let types = module.types.get(function.ty as usize);
        let (params, result) = types.map_or((&[][..], None), |ty| (&ty.params[..], ty.result));
        let count = params.len() + function.locals.len();
        let names = FunctionNames::new(module, index, count, code, &self.names.globals);
        let is_main = self.main == Some(index);
        self.line("");
        if !is_main {
            self.head(index, &names.locals, params, result);
        }
        let given = module.names.as_ref().and_then(|names| names.functions.get(index));
        for (i, ty) in (params.len()..).zip(&function.locals) {
            let name = &names.locals[i];
            let remark = made_up(name, given.and_then(|given| given.locals.get(i)));
            let _ = writeln!(self.out, "    .local {name}: {ty}{remark}");
        }
        let mut spans = Vec::new();
        let mut places = module.source_map.iter().flat_map(|map| map.places(index as u32));
        for (i, &instr) in code.instrs.iter().enumerate() {
            self.labels(&names, i as u32);
            self.expansions(module.source_map.as_ref(), index as u32, i as u32);
            self.place(places.next().flatten());
            self.out.push_str("    ");
            let start = self.out.len() as u32;
            self.instr(instr, code, &names);
            if listing.is_some() {
                spans.push(Span::new(start, self.out.len() as u32));
            }
            self.comment(instr);
            self.out.push('\n');
        }
        self.close_expansions(0);
        let end = code.instrs.len() as u32;
        self.labels(&names, end);
        for (at, name) in given.iter().flat_map(|given| &given.labels).filter(|(at, _)| *at > end) {
            self.line(format!(
                "    ; left out: the label {} at {at}, behind the end",
                spelled(name)
            ));
        }
        if let Err(bad) = decoded {
            self.line(format!("    ; damaged from byte {} on: {}", bad.offset, bad.reason));
        }
        if !is_main {
            self.line(".end");
        }
        if let Some(listing) = listing {
            listing.spans.push(spans);
            let name = if is_main { "" } else { &self.names.functions[index] };
            listing.names.push(names.into_list(name));
        }
    }

    /// The `.func` of a function.
    fn head(
        &mut self,
        index: usize,
        names: &[Cow<str>],
        params: &[ValueType],
        result: Option<ValueType>,
    ) {
        let given = self.module.names.as_ref().and_then(|names| names.functions.get(index));
        let own = &self.names.functions[index];
        let mut remark = made_up(own, given.map(|given| &given.name)).into_owned();
        let _ = write!(self.out, ".func {own}");
        for (at, (name, ty)) in names.iter().zip(params).enumerate() {
            let _ = write!(self.out, "{}{name}: {ty}", if at == 0 { " (" } else { ", " });
            remark += &made_up(name, given.and_then(|given| given.locals.get(at)));
        }
        if !params.is_empty() {
            self.out.push(')');
        }
        if let Some(result) = result {
            let _ = write!(self.out, " -> {result}");
        }
        self.out.push_str(&remark);
        self.out.push('\n');
    }

    fn labels(&mut self, names: &FunctionNames, at: u32) {
        for (label, remark) in names.labels.get(&at).map_or(&[][..], |l| l) {
            let _ = writeln!(self.out, "{label}:{remark}");
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
            let _ = writeln!(self.out, ".loc {} {}", at.line, at.column);
        }
        self.next = Some(Location { line: at.line.saturating_add(1), ..at });
    }

    fn instr(&mut self, instr: Instr, code: &Code, names: &FunctionNames) {
        self.out.push_str(instr.op.mnemonic());
        match instr.op.operand() {
            OperandKind::None => return,
            OperandKind::Offset if instr.arg == 0 => return,
            _ => self.out.push(' '),
        }
        let out = &mut self.out;
        let mut name_or_number = |name: Option<&Cow<str>>| match name {
            Some(name) => out.push_str(name),
            None => drop(write!(out, "{}", instr.arg)),
        };
        let index = instr.arg as usize;
        match instr.op.operand() {
            OperandKind::None => {}
            OperandKind::Local => name_or_number(names.locals.get(index)),
            OperandKind::Global => name_or_number(self.names.globals.get(index)),
            OperandKind::Func => name_or_number(self.names.functions.get(index)),
            OperandKind::Slot => name_or_number(None),
            OperandKind::Int | OperandKind::Offset => drop(write!(out, "{}", instr.arg as i64)),
            OperandKind::Float => out.push_str(&write_float(instr.arg)),
            OperandKind::Label => out.push_str(names.label(instr.arg as u32)),
            OperandKind::Labels => {
                for (at, &target) in code.table(instr.arg).iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    out.push_str(names.label(target));
                }
            }
            OperandKind::Text => {
                let text = self.module.texts.get(index);
                out.push_str(&write_text(text.map_or(&[], |text| text)));
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

/// The entry, where it needs no `.func`: it is last, has no name, and nothing calls it.
fn main_of(module: &Module) -> Option<usize> {
    let entry = module.entry as usize;
    let named = module.names.as_ref().and_then(|names| names.functions.get(entry));
    let is_main = entry + 1 == module.functions.len()
        && named.is_none_or(|names| names.name.is_empty())
        && !module.public.contains(&module.entry)
        && !is_called(module, module.entry);
    is_main.then_some(entry)
}

fn lib(import: &Import) -> String {
    let symbol = match is_plain(&import.symbol) {
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
