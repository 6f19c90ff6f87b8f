//! The summary: what a program consists of, and what it needs from outside.

use super::function::{Function, Inspector};
use crate::isa::{FuncType, Import, Op};
use crate::module::{Global, Segment, encode, section_sizes};
use crate::program::Input;
use serde::Serialize;
use std::collections::BTreeSet;

/// What a program consists of. Its fields are those of the JSON, which `docs/tools.md` tells.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// What it was read from.
    #[serde(flatten)]
    pub origin: Origin,
    /// The size of its bytecode in bytes.
    pub bytecode_size: usize,
    /// The sections of the bytecode.
    pub sections: Vec<SectionSize>,
    /// Whether the program can be run.
    pub valid: bool,
    /// Whether it knows the names of things, and the lines they come from.
    pub names: bool,
    /// The same of lines.
    pub source_map: bool,
    /// The function that the program begins with.
    pub entry: u32,
    /// Its functions.
    pub functions: Vec<FunctionSummary>,
    /// Its native slots.
    pub slots: Vec<SlotSummary>,
    /// Its globals.
    pub globals: Vec<GlobalSummary>,
    /// Its linear memory.
    pub memory: MemorySummary,
    /// What memory holds at the start.
    pub data: Vec<DataSummary>,
    /// What it needs from outside.
    pub needs: Needs,
}

/// What a program was read from.
#[derive(Clone, Debug, Serialize)]
pub struct Origin {
    /// The file.
    pub file: String,
    /// The other files of the program.
    pub with: Vec<String>,
    /// `text` or `bytecode`.
    pub format: &'static str,
    /// The size of all of them in bytes.
    pub size: usize,
}

/// A section, and how many bytes it holds.
#[derive(Clone, Debug, Serialize)]
pub struct SectionSize {
    /// Its name.
    pub name: &'static str,
    /// Its size in bytes, without its head.
    pub size: usize,
}

/// A function.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionSummary {
    /// Its number.
    pub index: u32,
    /// What the text calls it.
    pub name: String,
    /// The types of its parameters.
    pub params: Vec<&'static str>,
    /// The type of its result.
    pub result: Option<&'static str>,
    /// The types of its locals.
    pub locals: Vec<&'static str>,
    /// How many instructions it has.
    pub instructions: usize,
    /// How many bytes these take.
    pub size: usize,
    /// The most values on its operand stack.
    pub max_stack: usize,
    /// Whether `.public` names it; not known of a program without names.
    pub public: bool,
}

/// A slot.
#[derive(Clone, Debug, Serialize)]
pub struct SlotSummary {
    /// Its number.
    pub slot: u16,
    /// The library.
    pub library: String,
    /// The function.
    pub symbol: String,
    /// As a `.lib` has it.
    pub signature: String,
    /// The declaration in C.
    pub declaration: String,
    /// The version that the library must have.
    pub version: Option<u32>,
    /// Whether it is bound only when the program asks for it.
    pub lazy: bool,
}

/// A global.
#[derive(Clone, Debug, Serialize)]
pub struct GlobalSummary {
    /// Its name, if that is known.
    pub name: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: &'static str,
    /// Its first value in decimal.
    pub value: String,
}

/// Linear memory.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MemorySummary {
    /// Its size at the start, in bytes.
    pub min: u64,
    /// The size up to which it may grow.
    pub max: u64,
}

/// A piece of data.
#[derive(Clone, Debug, Serialize)]
pub struct DataSummary {
    /// Its name, if that is known.
    pub name: Option<String>,
    /// Where it begins.
    pub address: u64,
    /// How many bytes it takes.
    pub size: u64,
    /// How many of these are in the file; the others are zero.
    pub stored: usize,
}

/// What a program needs from outside.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Needs {
    /// The libraries, in the order of their names.
    pub libraries: Vec<String>,
    /// Whether it reads standard input.
    pub input: bool,
    /// Whether it takes arguments.
    pub arguments: bool,
    /// Whether it looks at the clock.
    pub clock: bool,
    /// Whether it lets memory grow.
    pub memory: bool,
    /// Whether it binds or replaces libraries by itself.
    pub reloads: bool,
}

impl Summary {
    /// Sums up a program.
    pub fn new(inspector: &mut Inspector, origin: Origin) -> Summary {
        let module = inspector.module;
        let bytes = encode(module);
        let sections = section_sizes(&bytes).unwrap_or_default().into_iter();
        let mut needs = Needs::libraries(&module.imports);
        let mut valid = inspector.errors.is_empty();
        let functions = (0..module.functions.len() as u32).map(|index| {
            let function = inspector.function(index);
            valid &= function.error.is_none();
            needs.look_at(&function);
            let public = module.public.binary_search(&index).is_ok();
            FunctionSummary::new(&function, public)
        });
        let functions = functions.collect();
        let names = module.names.as_ref();
        let global = |(index, global): (usize, &Global)| GlobalSummary {
            name: names.and_then(|names| names.globals.get(index).cloned()),
            ty: global.ty.name(),
            value: global.ty.format(global.init),
        };
        let data = |(index, segment): (usize, &Segment)| DataSummary {
            name: names.and_then(|names| names.data.get(index).cloned()),
            address: segment.address,
            size: segment.len,
            stored: segment.bytes.len(),
        };
        Summary {
            origin,
            bytecode_size: bytes.len(),
            sections: sections.map(|(name, size)| SectionSize { name, size }).collect(),
            valid,
            names: names.is_some(),
            source_map: module.source_map.is_some(),
            entry: module.entry,
            functions,
            slots: module.imports.iter().map(SlotSummary::new).collect(),
            globals: module.globals.iter().enumerate().map(global).collect(),
            memory: MemorySummary { min: module.memory.min, max: module.memory.max },
            data: module.data.iter().enumerate().map(data).collect(),
            needs,
        }
    }
}

impl Origin {
    /// What a program is about to be read from, with all further files.
    pub fn of(input: &Input) -> Origin {
        Origin {
            file: input.name.clone(),
            with: input.units.iter().map(|unit| unit.name.clone()).collect(),
            format: if input.is_bytecode() { "bytecode" } else { "text" },
            size: input.size(),
        }
    }
}

impl FunctionSummary {
    fn new(function: &Function, public: bool) -> FunctionSummary {
        let FuncType { params, result } = &function.ty;
        FunctionSummary {
            index: function.index,
            name: function.name.to_owned(),
            params: params.iter().map(|ty| ty.name()).collect(),
            result: result.map(|ty| ty.name()),
            locals: function.locals.iter().map(|ty| ty.name()).collect(),
            instructions: function.instructions.len(),
            size: function.bytes.len(),
            max_stack: function.max_stack(),
            public,
        }
    }
}

impl SlotSummary {
    fn new(import: &Import) -> SlotSummary {
        SlotSummary {
            slot: import.slot,
            library: import.library.clone(),
            symbol: import.symbol.clone(),
            signature: import.signature.to_string(),
            declaration: import.signature.c_declaration(&import.symbol),
            version: import.version,
            lazy: import.lazy,
        }
    }
}

impl Needs {
    fn libraries(imports: &[Import]) -> Needs {
        let libraries: BTreeSet<_> = imports.iter().map(|import| &import.library).collect();
        Needs { libraries: libraries.into_iter().cloned().collect(), ..Needs::default() }
    }

    fn look_at(&mut self, function: &Function) {
        for instruction in &function.instructions {
            match instruction.instr.op {
                Op::Read => self.input = true,
                Op::Arg => self.arguments = true,
                Op::Clock => self.clock = true,
                Op::Memgrow => self.memory = true,
                Op::LoadLib | Op::ReloadLib => self.reloads = true,
                _ => {}
            }
        }
    }

    /// The same in words.
    pub fn words(&self) -> Vec<&'static str> {
        let all = [
            (self.input, "standard input"),
            (self.arguments, "arguments"),
            (self.clock, "the clock"),
            (self.memory, "memory that grows"),
            (self.reloads, "libraries bound while it runs"),
        ];
        all.into_iter().filter(|(needed, _)| *needed).map(|(_, words)| words).collect()
    }
}
