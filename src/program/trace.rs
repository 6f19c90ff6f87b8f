//! A trace, in words.

use super::Program;
use crate::disassemble::{Listing, disassemble};
use crate::isa::ValueType;
use crate::verify::{Site, StackMap, Verified};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Puts instructions that are executed into words.
pub struct TraceWriter {
    program: Arc<Verified>,
    listing: Listing,
    /// Types of the stacks of those functions that were met.
    stacks: FxHashMap<u32, StackMap>,
}

/// How many values of a stack are shown.
const SHOWN: usize = 8;

impl Program {
    /// Puts what this program executes into words.
    pub fn trace_writer(&self) -> TraceWriter {
        let program = Arc::clone(&self.verified);
        let listing = disassemble(program.module());
        TraceWriter { program, listing, stacks: FxHashMap::default() }
    }
}

impl TraceWriter {
    /// A line about an instruction that comes to be executed: its function and number, the
    /// instruction, and the operand stack, the top last.
    pub fn line(&mut self, site: Site, stack: &[u64]) -> String {
        let Site { function, instr } = site;
        let span = self.listing.spans[function as usize][instr as usize];
        let text = &self.listing.text[span.start as usize..span.end as usize];
        let place = format!("{}:{instr}", self.program.module().function_name(function));
        let mut line = format!("{place:<16} {text:<24} |");
        if stack.len() > SHOWN {
            line.push_str(" ...");
        }
        for value in self.values(site, stack) {
            line.push(' ');
            line.push_str(&value);
        }
        line.push('\n');
        line
    }

    /// The upper values of a stack, as its types have them.
    fn values(&mut self, Site { function, instr }: Site, stack: &[u64]) -> Vec<String> {
        let map = self.stacks.entry(function).or_insert_with(|| self.program.stack_map(function));
        let types = map.types(instr).into_iter().flatten();
        let top_first = stack.iter().rev().zip(types).take(SHOWN);
        let mut values: Vec<_> =
            top_first.map(|(&bits, ty): (_, ValueType)| ty.format(bits)).collect();
        values.reverse();
        values
    }
}
