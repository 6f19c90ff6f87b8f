//! A whole program as C: its tables, its functions, and how it is entered.

use super::function::{Body, float, integer};
use super::natives;
use super::{Form, Library};
use crate::isa::ValueType;
use crate::module::Locator;
use crate::verify::{Site, Verified};
use rustc_hash::FxHashMap;
use std::fmt::Write;

/// The parts of the runtime, in the order in which they build on each other.
const BEFORE_PLACES: [&str; 3] = [
    include_str!("runtime/number.h"),
    include_str!("runtime/host.h"),
    include_str!("runtime/place.h"),
];
const BEHIND_MEMORY: [&str; 3] = [
    include_str!("runtime/memory.h"),
    include_str!("runtime/operations.h"),
    include_str!("runtime/natives.h"),
];

/// Memory up to this size is initialised by the linker, so that a reload can tell what the program
/// has changed from what its author has.
const INITIALISED: u64 = 1 << 20;

/// A program that is being written.
pub(super) struct Writer<'p> {
    pub(super) program: &'p Verified,
    places: Vec<Site>,
    numbers: FxHashMap<Site, usize>,
    pub(super) locator: Locator,
}

/// Writes a program. `libraries` are where the functions of its imports come from.
pub(super) fn write(program: &Verified, form: Form, libraries: &[Library]) -> String {
    let module = program.module();
    let mut writer = Writer {
        program,
        places: Vec::new(),
        numbers: FxHashMap::default(),
        locator: Locator::default(),
    };
    let functions = 0..module.functions.len() as u32;
    let bodies: String =
        functions.clone().map(|f| Body::new(&mut writer, f).write() + "\n").collect();
    let mut text = "/* Made by hotvm. */\n#define _GNU_SOURCE\n".to_owned();
    text.extend(BEFORE_PLACES);
    text += &writer.places();
    text += &writer.memory();
    text.extend(BEHIND_MEMORY);
    text += &natives::write(program, libraries);
    text += &writer.globals();
    for function in functions {
        let _ = writeln!(text, "{};", writer.head(function));
    }
    text += &bodies;
    text += &writer.opening(libraries);
    match form {
        Form::Executable => text += include_str!("runtime/executable.h"),
        Form::Library => {
            text += include_str!("runtime/library.h");
            text += &writer.exports();
        }
    }
    text
}

impl Writer<'_> {
    /// The number of a place, noted once.
    pub(super) fn place(&mut self, site: Site) -> usize {
        *self.numbers.entry(site).or_insert_with(|| {
            self.places.push(site);
            self.places.len() - 1
        })
    }

    fn places(&mut self) -> String {
        let module = self.program.module();
        let mut text = "\nstatic const struct place places[] = {\n".to_owned();
        for &Site { function, instr } in &self.places {
            let at = self.locator.locate(module, function, instr);
            let file = at.and_then(|at| module.source_map.as_ref()?.files.get(at.file as usize));
            let name = file.map_or("", |file| &file.name);
            let (line, column) = at.map_or((0, 0), |at| (at.line, at.column));
            let function = module.function_name(function);
            let (name, function) = (c_text(name.as_bytes()), c_text(function.as_bytes()));
            let _ = writeln!(text, "    {{{name}, {line}, {column}, {function}}},");
        }
        text + "    {\"\", 0, 0, \"\"},\n};\n"
    }

    /// Linear memory: an array, unless it grows.
    fn memory(&self) -> String {
        let (memory, data) = (self.program.module().memory, &self.program.module().data);
        if self.program.grows_memory() {
            let (min, max) = (memory.min, memory.max);
            return format!(
                "\n#define MEMORY_GROWS\n#define MEMORY_MIN {min}\n#define MEMORY_MAX {max}\n"
            );
        }
        let mut text = format!(
            "\n#define MEMORY_MIN {}\nstatic uint8_t memory[{}]",
            memory.min,
            memory.min.max(1)
        );
        if memory.min <= INITIALISED {
            text += " = {";
            for segment in data.iter().filter(|segment| !segment.bytes.is_empty()) {
                let bytes: Vec<_> = segment.bytes.iter().map(u8::to_string).collect();
                let _ = write!(text, "\n    [{}] = {},", segment.address, bytes.join(","));
            }
            text += "\n}";
        }
        text + ";\n"
    }

    /// What is done before the first instruction.
    fn opening(&self, libraries: &[Library]) -> String {
        let module = self.program.module();
        let mut text = "static void open_program(void)\n{\n".to_owned();
        let grows = self.program.grows_memory();
        if grows {
            text += "    open_memory();\n";
        }
        if grows || module.memory.min > INITIALISED {
            for segment in module.data.iter().filter(|segment| !segment.bytes.is_empty()) {
                let (address, length) = (segment.address, segment.bytes.len());
                let literal = c_text(&segment.bytes);
                let _ = writeln!(text, "    memcpy(memory + {address}, {literal}, {length});");
            }
        }
        text += &natives::opening(self.program, libraries);
        let entry = self.name(module.entry);
        text + &format!(
            "}}\n\nstatic __attribute__((unused)) void run_program(void)\n{{\n    {entry}();\n}}\n\n"
        )
    }

    fn globals(&self) -> String {
        let mut text = String::new();
        for (i, global) in self.program.module().globals.iter().enumerate() {
            let value = match global.ty {
                ValueType::I64 => integer(global.init),
                // A function cannot stand here.
                ValueType::F64 if !f64::from_bits(global.init).is_finite() => {
                    not_finite(global.init)
                }
                ValueType::F64 if global.init == (-0.0f64).to_bits() => "-0.0".to_owned(),
                ValueType::F64 => float(global.init),
            };
            let _ = writeln!(text, "static {} {} = {value};", c_type(global.ty), self.global(i));
        }
        text
    }

    /// The functions that others can call.
    fn exports(&self) -> String {
        let module = self.program.module();
        let mut text = String::new();
        for function in 0..module.functions.len() as u32 {
            let Some(name) = exported_name(self.program, function) else { continue };
            let ty = module.func_type(function);
            let public = |ty: ValueType| match ty {
                ValueType::I64 => "int64_t",
                ValueType::F64 => "double",
            };
            let params: Vec<_> = (ty.params.iter().enumerate())
                .map(|(i, &ty)| format!("{} {}", public(ty), self.local(function, i)))
                .collect();
            let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
            let result = ty.result.map_or("void", public);
            let arguments: Vec<_> = (0..ty.params.len()).map(|i| self.local(function, i)).collect();
            let call = format!("{}({})", self.name(function), arguments.join(", "));
            let (call, last) = match ty.result {
                Some(ty) => (format!("{} result = {call};", public(ty)), "    return result;\n"),
                None => (format!("{call};"), ""),
            };
            let _ = write!(
                text,
                "\n__attribute__((visibility(\"default\"))) {result} {name}({params})\n{{\n    \
                 enter_library();\n    {call}\n    leave_library();\n{last}}}\n"
            );
        }
        text
    }

    /// A function up to its body.
    pub(super) fn head(&self, function: u32) -> String {
        let ty = self.program.module().func_type(function);
        let params: Vec<_> = (ty.params.iter().enumerate())
            .map(|(i, &ty)| format!("{} {}", c_type(ty), self.local(function, i)))
            .collect();
        let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
        format!("static {} {}({params})", ty.result.map_or("void", c_type), self.name(function))
    }

    /// What a function is called in C.
    pub(super) fn name(&self, function: u32) -> String {
        let names = self.program.module().names.as_ref();
        let name = names.and_then(|names| Some(&*names.functions.get(function as usize)?.name));
        format!("f{function}_{}", identifier(name.unwrap_or_default()))
    }

    /// What a parameter or local is called in C.
    pub(super) fn local(&self, function: u32, index: usize) -> String {
        let names = self.program.module().names.as_ref();
        let name =
            names.and_then(|names| names.functions.get(function as usize)?.locals.get(index));
        format!("l{index}_{}", identifier(name.map_or("", |name| name)))
    }

    pub(super) fn local_type(&self, function: u32, index: usize) -> ValueType {
        let module = self.program.module();
        let params = &module.func_type(function).params;
        let locals = &module.functions[function as usize].locals;
        params.get(index).copied().unwrap_or_else(|| locals[index - params.len()])
    }

    /// What a global is called in C.
    pub(super) fn global(&self, index: usize) -> String {
        let names = self.program.module().names.as_ref();
        let name = names.and_then(|names| names.globals.get(index));
        format!("g{index}_{}", identifier(name.map_or("", |name| name)))
    }
}

/// What others call a function by: its name, if it has one that is one in C too and is not main. Where
/// the program says what is `.public`, all else is its own.
pub(super) fn exported_name(program: &Verified, function: u32) -> Option<&str> {
    let module = program.module();
    let name = &module.names.as_ref()?.functions.get(function as usize)?.name;
    let mut chars = name.chars();
    let begins = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let goes_on = chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    let public = module.public.is_empty() || module.public.contains(&function);
    (begins && goes_on && public && function != module.entry).then_some(name)
}

/// What of a name C allows.
fn identifier(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect()
}

fn not_finite(bits: u64) -> String {
    let value = f64::from_bits(bits);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    match value.is_nan() {
        true => format!("{sign}__builtin_nan(\"{:#x}\")", bits & ((1 << 51) - 1)),
        false => format!("{sign}__builtin_inf()"),
    }
}

pub(super) fn c_type(ty: ValueType) -> &'static str {
    match ty {
        ValueType::I64 => "uint64_t",
        ValueType::F64 => "double",
    }
}

pub(super) fn zero(ty: ValueType) -> &'static str {
    match ty {
        ValueType::I64 => "0",
        ValueType::F64 => "0.0",
    }
}

/// Bytes as a text in quotes.
pub(super) fn c_text(bytes: &[u8]) -> String {
    let mut text = "\"".to_owned();
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', byte.into()]),
            b'\n' => text.push_str("\\n"),
            // A question mark could begin a trigraph.
            b' '..=b'~' if byte != b'?' => text.push(byte.into()),
            // Always three digits, so that one that follows is not taken for a part of it.
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text + "\""
}
