//! A program in memory, and its file.
//!
//! A [`Module`] is what the assembler makes, the verifier proves and the engines run. Its code stays
//! in the bytes of the file: [`Module::code_of`] decodes one function when somebody needs it.
//! [`encode`] and [`decode`] are the `.vbc` format, which `docs/bytecode.md` describes.
//!
//! This room knows the instruction set and nothing else: neither text, nor diagnostics, nor how a
//! program runs. A module is not yet known to be valid; only `verify` says so.
#![forbid(unsafe_code)]

mod checksum;
mod decode;
mod encode;
mod lists;
mod source_map;

pub use checksum::checksum;
pub use decode::{DecodeError, DecodeProblem, decode, decode_owned, section_sizes};
pub use encode::encode;
pub use lists::Lists;
pub use source_map::{Expanded, Location, Locator, MacroCall, Run, SourceFile, SourceMap};

use crate::isa::name::spelled;
use crate::isa::{Code, CodeError, FuncType, Import, ValueType};
use std::ops::Range;

/// The unit in which memory grows, in bytes.
pub const PAGE: u64 = 64 * 1024;

/// The most memory that a program can ask for, in bytes.
pub const MAX_MEMORY: u64 = 1 << 32;

/// Where the assembler begins to lay out data, so that 0 is never the address of any.
pub const DATA_BASE: u64 = 16;

/// A program.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// The native functions it calls; no two with one slot number.
    pub imports: Vec<Import>,
    /// Function types, each once.
    pub types: Vec<FuncType>,
    /// Functions; instructions refer to them by index.
    pub functions: Vec<Function>,
    /// The function that the program starts with.
    pub entry: u32,
    /// The functions that `.public` names, in order; absent when stripped.
    pub public: Vec<u32>,
    /// Globals; instructions refer to them by index.
    pub globals: Vec<Global>,
    /// Linear memory.
    pub memory: Memory,
    /// What memory holds at the start.
    pub data: Vec<Segment>,
    /// The texts of `WRITE`.
    pub texts: Vec<Vec<u8>>,
    /// The bytes of all functions' instructions.
    pub code: Vec<u8>,
    /// What the program's text called things; absent when stripped.
    pub names: Option<Names>,
    /// Where in the program's text things stood; absent when stripped.
    pub source_map: Option<SourceMap>,
    /// Sections of other tools, kept as they are.
    pub custom: Vec<Custom>,
}

/// A function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Index of its type in [`Module::types`].
    pub ty: u32,
    /// Its locals, which follow the parameters and start at zero.
    pub locals: Vec<ValueType>,
    /// Its bytes in [`Module::code`].
    pub code: Range<u32>,
}

/// A global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    /// Its type.
    pub ty: ValueType,
    /// The bits of its first value.
    pub init: u64,
}

/// Linear memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The size at the start.
    pub min: u64,
    /// The size up to which it may grow.
    pub max: u64,
}

impl Default for Memory {
    /// One page, which may grow to all that there is.
    fn default() -> Self {
        Memory { min: PAGE, max: MAX_MEMORY }
    }
}

/// Bytes that memory holds at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Where they begin.
    pub address: u64,
    /// How many; those beyond `bytes` are zero.
    pub len: u64,
    /// What they are.
    pub bytes: Vec<u8>,
}

/// What the program's text called things. Each list is as long as that of the things.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of functions.
    pub functions: Vec<FunctionNames>,
    /// Of globals.
    pub globals: Vec<String>,
    /// Of data segments.
    pub data: Vec<String>,
}

/// What the program's text called a function and the things in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionNames {
    /// The function; empty for main, the instructions outside of any.
    pub name: String,
    /// Parameters, then locals.
    pub locals: Vec<String>,
    /// Labels: the number of an instruction, and its name, in order.
    pub labels: Vec<(u32, String)>,
}

/// A section that hotvm does not know and keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custom {
    /// Its name.
    pub name: String,
    /// Its contents.
    pub bytes: Vec<u8>,
}

impl Module {
    /// The type of a function.
    ///
    /// # Panics
    /// When there is no such function, or its type does not exist.
    pub fn func_type(&self, function: u32) -> &FuncType {
        &self.types[self.functions[function as usize].ty as usize]
    }

    /// Decodes the instructions of a function into `code`, whose memory is used again.
    ///
    /// # Errors
    /// When the bytes are not instructions. The assembler's always are.
    pub fn code_of(&self, function: u32, code: &mut Code) -> Result<(), CodeError> {
        let Range { start, end } = self.functions[function as usize].code;
        code.decode(&self.code[start as usize..end as usize])
    }

    /// What to call a function in messages: its name, as text spells it.
    pub fn function_name(&self, function: u32) -> String {
        let names = self.names.as_ref().and_then(|n| n.functions.get(function as usize));
        match names {
            Some(n) if !n.name.is_empty() => spelled(&n.name).into_owned(),
            _ if function == self.entry => "main".to_owned(),
            _ => format!("function {function}"),
        }
    }

    /// The import with this slot number, by its index.
    pub fn import_of_slot(&self, slot: u64) -> Option<usize> {
        self.imports.iter().position(|i| u64::from(i.slot) == slot)
    }

    /// Removes names, also of what is public, and the source map.
    pub fn strip(&mut self) {
        self.public.clear();
        self.names = None;
        self.source_map = None;
    }
}
