//! What ran where, and what compiling cost, in words.

use super::Program;
use crate::engine::{MachineCode, Profile, Tier};
use crate::module::Module;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// How many functions are listed.
const SHOWN: usize = 20;

/// What is known of a function.
#[derive(Clone, Copy, Default)]
struct Stats {
    interpreted: Duration,
    compiled: Duration,
    /// Of its machine code, the bytes and what they took to make.
    size: usize,
    took: Duration,
}

impl Program {
    /// Where the functions of this program ran, by a profile of its time, and what machine code was made
    /// of them, as a table for people.
    pub fn describe_stats(&self, profile: Option<&Profile>, codes: &[MachineCode]) -> String {
        let mut functions = BTreeMap::<Option<u32>, Stats>::new();
        for (tier, stack, time) in profile.iter().flat_map(|profile| profile.samples()) {
            let stats = functions.entry(stack.first().map(|site| site.function)).or_default();
            match tier {
                Tier::Interpreter => stats.interpreted += time,
                Tier::MachineCode => stats.compiled += time,
            }
        }
        for code in codes {
            let stats = functions.entry(code.function).or_default();
            stats.size += code.size;
            stats.took += code.took;
        }
        let all = functions.values().fold(Stats::default(), |all, stats| Stats {
            interpreted: all.interpreted + stats.interpreted,
            compiled: all.compiled + stats.compiled,
            size: all.size + stats.size,
            took: all.took + stats.took,
        });
        let mut functions: Vec<_> = functions.into_iter().collect();
        functions
            .sort_by_key(|(_, stats)| Reverse((stats.interpreted + stats.compiled, stats.size)));

        let mut text = format!("{} pieces of machine code\n\n", codes.len());
        let _ = writeln!(
            text,
            "{:>13}{:>14}{:>9}{:>13}  function",
            "interpreted", "machine code", "bytes", "to compile"
        );
        for (function, stats) in functions.iter().take(SHOWN) {
            let name = match function {
                Some(function) => self.verified.module().function_name(*function),
                None => "(between interpreter and machine code)".to_owned(),
            };
            line(&mut text, stats, &name);
        }
        if let left @ 1.. = functions.len().saturating_sub(SHOWN) {
            let _ = writeln!(text, "... and {left} more");
        }
        line(&mut text, &all, "(all)");
        text
    }
}

fn line(text: &mut String, stats: &Stats, name: &str) {
    let Stats { interpreted, compiled, size, took } = stats;
    let (interpreted, compiled) = (interpreted.as_secs_f64(), compiled.as_secs_f64());
    let took = took.as_secs_f64() * 1e3;
    let _ = writeln!(text, "{interpreted:11.3} s{compiled:12.3} s{size:9}{took:10.2} ms  {name}");
}

/// A name for a piece of machine code: that of its function, where it begins if that is not at the
/// function's beginning, and what it is if it is of no function.
pub fn symbol(module: &Module, code: &MachineCode) -> String {
    match (code.function, code.from) {
        (Some(function), None) => module.function_name(function),
        (Some(function), Some(from)) => format!("{}:{from}..", module.function_name(function)),
        (None, _) => "[hotvm stub]".to_owned(),
    }
}
