//! Register code in memory.
//!
//! An instruction is a sequence of words: the address of its handler; four short operands (cells of
//! `a`, `b`, `c` and `d`); a word for each constant among them; and what else it needs, as [`rest`] says.

use super::dispatch::{Handler, handler};
use super::machine::Entry;
use super::native::{self, call_of};
use super::outside::{Burn, Count, Fetch, Plain, Put, System, Trace, Zero};
use super::table::Handlers;
use crate::engine::lower::{Dst, Inst, Lowered, Src, What};
use crate::isa::Table;
use crate::native::Libraries;
use crate::verify::{Site, Verified};

/// A function's code.
#[derive(Debug)]
pub(super) struct Encoded {
    pub words: Box<[u64]>,
    /// The addresses of `SWITCH`es' targets.
    _tables: Box<[u64]>,
    /// Where instructions begin, and for which bytecode instruction they stand.
    sites: Box<[(u32, u32)]>,
    /// Where blocks begin, and with which bytecode instruction.
    blocks: Box<[(u32, u32)]>,
    pub function: u32,
    /// How many parameters it has, behind which is the header of its frame.
    pub params: u32,
}

impl Encoded {
    /// The bytecode instruction with which a block begins at a word, if one does.
    pub fn block(&self, word: usize) -> Option<u32> {
        let at = self.blocks.binary_search_by_key(&word, |&(start, _)| start as usize).ok()?;
        Some(self.blocks[at].1)
    }

    /// The bytecode instruction for which the code at a word stands.
    pub fn site(&self, word: usize) -> Site {
        let at = self.sites.partition_point(|&(start, _)| start as usize <= word);
        Site { function: self.function, instr: self.sites[at.saturating_sub(1)].1 }
    }
}

/// What an instruction is encoded with.
struct Encoder<'a> {
    program: &'a Verified,
    libraries: &'a Libraries,
    function: u32,
    lowered: &'a Lowered,
    entries: &'a [Entry],
    /// The address of each instruction.
    addresses: Vec<u64>,
    tables: Vec<u64>,
}

pub(super) fn encode(
    program: &Verified,
    libraries: &Libraries,
    function: u32,
    lowered: &Lowered,
    entries: &[Entry],
    handlers: &Handlers,
) -> Encoded {
    let mut encoder = Encoder {
        program,
        libraries,
        function,
        lowered,
        entries,
        addresses: Vec::new(),
        tables: Vec::with_capacity(lowered.tables.len()),
    };
    let mut starts = Vec::with_capacity(lowered.insts.len());
    let mut length = 0;
    for inst in &lowered.insts {
        starts.push(length);
        length += 2 + constants(inst).count() + rest_len(inst.what);
    }
    let mut words = vec![0u64; length].into_boxed_slice();
    let base = words.as_ptr() as u64;
    encoder.addresses = starts.iter().map(|&start| base + start as u64 * 8).collect();
    encoder.tables.extend(lowered.tables.iter().map(|&to| encoder.addresses[to as usize]));
    for (inst, &start) in lowered.insts.iter().zip(&starts) {
        words[start] = handler_of(inst, handlers, libraries).address();
        words[start + 1] = shorts(inst);
        for (at, word) in (start + 2..).zip(constants(inst).chain(encoder.rest(inst))) {
            words[at] = word;
        }
    }
    let mut sites: Vec<(u32, u32)> = Vec::new();
    for (inst, &start) in lowered.insts.iter().zip(&starts) {
        if sites.last().is_none_or(|&(_, site)| site != inst.site) {
            sites.push((start as u32, inst.site));
        }
    }
    let blocks = lowered.blocks.iter().filter(|(at, _)| (*at as usize) < starts.len());
    let blocks: Box<[_]> = blocks.map(|&(at, instr)| (starts[at as usize] as u32, instr)).collect();
    let Encoder { tables, .. } = encoder;
    // Pushed within its capacity, the vector has not moved, and a box keeps its place as well.
    let tables = tables.into_boxed_slice();
    let (sites, params) = (sites.into(), lowered.params);
    Encoded { words, _tables: tables, sites, blocks, function, params }
}

fn handler_of(inst: &Inst, handlers: &Handlers, libraries: &Libraries) -> Handler {
    match inst.what {
        What::System(..) => handler::<System>(),
        What::CallNative => call_of(libraries, inst.arg as usize).0,
        What::Burn => handler::<Burn>(),
        What::Count => handler::<Count>(),
        What::Trace => handler::<Trace>(),
        What::Zero => handler::<Zero>(),
        What::Fetch => handler::<Fetch>(),
        What::Put => handler::<Put>(),
        What::Plain(..) => handler::<Plain>(),
        _ => handlers.get(&inst.form()),
    }
}

/// The constants among an instruction's operands.
fn constants(inst: &Inst) -> impl Iterator<Item = u64> {
    [inst.a, inst.b, inst.c].into_iter().filter_map(|src| match src {
        Src::Imm(value) => Some(value),
        _ => None,
    })
}

/// The short operands. What does not fit has a word of its own.
fn shorts(inst: &Inst) -> u64 {
    let source = |src| match src {
        Src::Cell(cell) | Src::Pin(_, cell) => cell,
        _ => 0,
    };
    let result = match inst.d {
        Dst::Cell(cell) | Dst::Pin(_, cell) => cell,
        _ => 0,
    };
    let cells = [source(inst.a), source(inst.b), source(inst.c), result];
    let bytes = cells.map(|cell| (cell as u16).to_ne_bytes());
    u64::from_ne_bytes(std::array::from_fn(|i| bytes[i / 2][i % 2]))
}

/// How many words [`Encoder::rest`] gives.
fn rest_len(what: What) -> usize {
    match what {
        What::Binary(..)
        | What::Unary(..)
        | What::Tree(..)
        | What::Bump
        | What::Copy(_)
        | What::Select
        | What::Halt
        | What::Exit
        | What::Trap => 0,
        What::Switch | What::Call | What::Trace | What::Zero => 2,
        What::CallNative => native::WORDS,
        What::System(..) | What::Plain(..) => 3,
        _ => 1,
    }
}

impl Encoder<'_> {
    /// The bytecode instruction as a word.
    fn site(&self, inst: &Inst) -> u64 {
        u64::from(self.function) << 32 | u64::from(inst.site)
    }

    /// What an instruction has besides its operands.
    fn rest(&self, inst: &Inst) -> impl Iterator<Item = u64> + use<> {
        let Inst { what, a, arg, .. } = *inst;
        let first = if let Src::Cell(cell) = a { u64::from(cell) } else { 0 };
        let mut words = [0; 5];
        match what {
            What::Jump | What::Branch(_) | What::Step(_) => {
                words[0] = self.addresses[arg as usize];
            }
            What::Switch => {
                let Table { start, len } = Table::from_arg(arg);
                words[0] = &raw const self.tables[start as usize] as u64;
                words[1] = u64::from(len) - 1;
            }
            What::Call => {
                let params = self.program.module().func_type(arg as u32).params.len() as u64;
                words[0] = &raw const self.entries[arg as usize] as u64;
                words[1] = first | (first + params) << 32;
            }
            What::Return(_) => words[0] = self.lowered.params.into(),
            What::CallNative => {
                let signature = &self.program.module().imports[arg as usize].signature;
                let cells: usize = signature.params.iter().map(|param| param.cells().len()).sum();
                words[0] = arg;
                words[1] = first | (cells.max(1) as u64) << 32;
                words[2..].copy_from_slice(&call_of(self.libraries, arg as usize).1);
            }
            What::System(op, float) | What::Plain(op, float) => {
                let count = op.pops().len().max(op.pushes().len()).max(1) as u64;
                words[..3].copy_from_slice(&[
                    u64::from(float) << 8 | op as u64,
                    arg,
                    first | count << 32,
                ]);
            }
            What::Count => words[0] = self.site(inst),
            What::Trace => words[..2].copy_from_slice(&[self.site(inst), first | arg << 32]),
            What::Zero => words[..2].copy_from_slice(&[first, arg]),
            What::Fetch | What::Put => words[0] = first,
            _ => words[0] = arg,
        }
        words.into_iter().take(rest_len(what))
    }
}
