//! Writes a module as a `.vbc` file.

use super::{Function, Module, Names, SourceMap, checksum};
use crate::isa::leb128::write_unsigned;
use crate::isa::{CType, FuncType, Import, ValueType};
use std::collections::HashMap;

/// The first bytes of every file. The first of them stands in no text.
pub(super) const MAGIC: [u8; 4] = *b"\x7fvbc";

/// The format version: a reader refuses another major one, and accepts any minor one.
pub(super) const VERSION: (u8, u8) = (1, 0);

/// Stands where the next section would begin; only the checksum follows.
pub(super) const END: u8 = 0;

/// Declares the sections in the order in which they stand in a file.
macro_rules! sections {
    ($($id:literal $section:ident $name:literal;)*) => {
        /// A part of the file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub(super) enum Section { $($section = $id),* }

        impl Section {
            pub(super) fn from_byte(byte: u8) -> Option<Section> {
                match byte { $($id => Some(Section::$section),)* _ => None }
            }

            /// What it is called in `docs/bytecode.md`.
            pub(super) fn name(self) -> &'static str {
                match self { $(Section::$section => $name),* }
            }
        }
    };
}

sections! {
    1 Imports "imports";
    2 Types "types";
    3 Functions "functions";
    4 Start "start";
    5 Globals "globals";
    6 Data "data";
    7 Texts "texts";
    8 Code "code";
    9 Names "names";
    10 SourceMap "source map";
    11 Public "public";
    255 Custom "custom";
}

/// The bytes of the file. The same module gives the same bytes.
pub fn encode(module: &Module) -> Vec<u8> {
    let mut out = Vec::with_capacity(module.code.len() + module.functions.len() * 16 + 256);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[VERSION.0, VERSION.1]);
    section(&mut out, Section::Imports, |o| imports(o, &module.imports));
    section(&mut out, Section::Types, |o| list(o, &module.types, func_type));
    section(&mut out, Section::Functions, |o| list(o, &module.functions, function));
    section(&mut out, Section::Start, |o| {
        write_unsigned(o, module.entry.into());
        write_unsigned(o, module.memory.min);
        write_unsigned(o, module.memory.max);
    });
    section(&mut out, Section::Globals, |o| {
        list(o, &module.globals, |o, global| {
            value_type(o, &global.ty);
            o.extend_from_slice(&global.init.to_le_bytes());
        });
    });
    section(&mut out, Section::Data, |o| {
        list(o, &module.data, |o, segment| {
            write_unsigned(o, segment.address);
            write_unsigned(o, segment.len);
            bytes(o, &segment.bytes);
        });
    });
    section(&mut out, Section::Texts, |o| list(o, &module.texts, |o, text| bytes(o, text)));
    section(&mut out, Section::Code, |o| o.extend_from_slice(&module.code));
    if let Some(it) = &module.names {
        section(&mut out, Section::Names, |o| names(o, it));
    }
    if let Some(it) = &module.source_map {
        section(&mut out, Section::SourceMap, |o| source_map(o, it));
    }
    if !module.public.is_empty() {
        section(&mut out, Section::Public, |o| {
            list(o, &module.public, |o, &function| write_unsigned(o, function.into()));
        });
    }
    for custom in &module.custom {
        section(&mut out, Section::Custom, |o| {
            string(o, &custom.name);
            o.extend_from_slice(&custom.bytes);
        });
    }
    out.push(END);
    let crc = checksum(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// Writes a section with the length of its body in front.
fn section(out: &mut Vec<u8>, id: Section, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    body(out);
    let mut head = vec![id as u8];
    write_unsigned(&mut head, (out.len() - start) as u64);
    out.splice(start..start, head);
}

fn list<T>(out: &mut Vec<u8>, items: &[T], mut each: impl FnMut(&mut Vec<u8>, &T)) {
    write_unsigned(out, items.len() as u64);
    items.iter().for_each(|item| each(out, item));
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_unsigned(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn string(out: &mut Vec<u8>, text: &str) {
    bytes(out, text.as_bytes());
}

fn value_type(out: &mut Vec<u8>, ty: &ValueType) {
    out.push(*ty as u8);
}

fn c_type(out: &mut Vec<u8>, ty: &CType) {
    out.push(*ty as u8);
}

fn func_type(out: &mut Vec<u8>, ty: &FuncType) {
    list(out, &ty.params, value_type);
    list(out, ty.result.as_slice(), value_type);
}

fn imports(out: &mut Vec<u8>, imports: &[Import]) {
    let mut libraries: Vec<&str> = Vec::new();
    let mut index = HashMap::new();
    for import in imports {
        index.entry(&*import.library).or_insert_with(|| {
            libraries.push(&import.library);
            libraries.len() as u64 - 1
        });
    }
    list(out, &libraries, |o, name| string(o, name));
    list(out, imports, |o, import| {
        write_unsigned(o, import.slot.into());
        write_unsigned(o, index[&*import.library]);
        string(o, &import.symbol);
        list(o, &import.signature.params, c_type);
        c_type(o, &import.signature.result);
        list(o, import.version.as_slice(), |o, &v| write_unsigned(o, v.into()));
        o.push(import.lazy.into());
    });
}

/// The end of its code is enough: functions stand in the code one after the other.
fn function(out: &mut Vec<u8>, function: &Function) {
    write_unsigned(out, function.ty.into());
    list(out, &function.locals, value_type);
    write_unsigned(out, (function.code.end - function.code.start).into());
}

fn names(out: &mut Vec<u8>, names: &Names) {
    list(out, &names.functions, |o, function| {
        string(o, &function.name);
        list(o, &function.locals, |o, name| string(o, name));
        list(o, &function.labels, |o, (instr, name)| {
            write_unsigned(o, (*instr).into());
            string(o, name);
        });
    });
    list(out, &names.globals, |o, name| string(o, name));
    list(out, &names.data, |o, name| string(o, name));
}

fn source_map(out: &mut Vec<u8>, map: &SourceMap) {
    let location = |o: &mut Vec<u8>, at: &super::Location| {
        for n in [at.file, at.line, at.column] {
            write_unsigned(o, n.into());
        }
    };
    list(out, &map.files, |o, file| {
        string(o, &file.name);
        o.extend_from_slice(&file.crc.to_le_bytes());
    });
    list(out, &map.functions, |o, runs| {
        list(o, runs, |o, run| {
            write_unsigned(o, run.count.into());
            location(o, &run.first);
        });
    });
    list(out, &map.imports, location);
    list(out, &map.macros, |o, name| string(o, name));
    list(out, &map.calls, |o, call| {
        write_unsigned(o, call.name.into());
        location(o, &call.at);
        list(o, call.within.as_slice(), |o, &within| write_unsigned(o, within.into()));
    });
    list(out, &map.expanded, |o, it| {
        for n in [it.function, it.first, it.count, it.call] {
            write_unsigned(o, n.into());
        }
    });
}
