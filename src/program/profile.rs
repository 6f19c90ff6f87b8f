//! A profile, in words.

use super::Program;
use crate::diagnostics::Sources;
use crate::engine::{Profile, ProfileMode};
use crate::verify::Site;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

/// How many functions and lines are listed.
const SHOWN: usize = 20;

/// What was measured of a function or line: in it alone, and with all that it calls.
#[derive(Clone, Copy, Default)]
struct Cost {
    own: u64,
    total: u64,
}

/// Functions by number and name, or lines by number and text.
type Costs = BTreeMap<(u32, String), Cost>;

impl Program {
    /// The functions and lines of this program that cost most, as a table for people.
    pub fn describe_profile(&mut self, profile: &Profile, sources: &mut Sources) -> String {
        let (mut functions, mut lines) = (Costs::new(), Costs::new());
        match profile.mode() {
            ProfileMode::Count => self.counted(profile, sources, &mut functions, &mut lines),
            ProfileMode::Time => self.sampled(profile, sources, &mut functions, &mut lines),
        }
        let all: u64 = functions.values().map(|cost: &Cost| cost.own).sum();
        let mut text = match profile.mode() {
            ProfileMode::Count => format!("{all} instructions\n"),
            ProfileMode::Time => format!("{:.3} s\n", all as f64 * 1e-9),
        };
        table(&mut text, "function", functions, all, profile.mode());
        table(&mut text, "line", lines, all, profile.mode());
        text
    }

    fn counted(
        &mut self,
        profile: &Profile,
        sources: &mut Sources,
        functions: &mut Costs,
        lines: &mut Costs,
    ) {
        for function in 0..self.verified.module().functions.len() as u32 {
            let times = profile.executions(self.verified.module(), function);
            for (instr, &times) in (0..).zip(&times).filter(|(_, times)| **times > 0) {
                let line = self.line_of(Site { function, instr }, sources);
                lines.entry(line).or_default().own += times;
                functions.entry(self.function(function)).or_default().own += times;
            }
        }
    }

    fn sampled(
        &mut self,
        profile: &Profile,
        sources: &mut Sources,
        functions: &mut Costs,
        lines: &mut Costs,
    ) {
        for (_, stack, time) in profile.samples() {
            let time = time.as_nanos() as u64;
            // What calls itself is on the stack more than once, and counts once.
            let mut seen = HashSet::new();
            for (depth, &site) in stack.iter().enumerate() {
                let function = self.function(site.function);
                let line = self.line_of(site, sources);
                for (costs, name) in [(&mut *functions, function), (&mut *lines, line)] {
                    let cost = costs.entry(name.clone()).or_default();
                    cost.own += if depth == 0 { time } else { 0 };
                    cost.total += if seen.insert(name) { time } else { 0 };
                }
            }
        }
    }

    /// Call stacks with their microseconds, a line each, as tools for flame graphs read them: the
    /// outermost function first, semicolons between.
    pub fn fold_profile(&self, profile: &Profile) -> String {
        let mut folded = BTreeMap::<String, u64>::new();
        for (_, stack, time) in profile.samples() {
            let name = |site: &Site| self.verified.module().function_name(site.function);
            let names: Vec<_> = stack.iter().rev().map(name).collect();
            *folded.entry(names.join(";")).or_default() += time.as_micros() as u64;
        }
        folded.into_iter().map(|(stack, time)| format!("{stack} {time}\n")).collect()
    }

    fn function(&self, function: u32) -> (u32, String) {
        (function, self.verified.module().function_name(function))
    }

    /// Number of the line of an instruction, and file, line and what stands there.
    fn line_of(&mut self, site: Site, sources: &mut Sources) -> (u32, String) {
        let line = self.places.line_of(self.verified.module(), site, sources);
        let place = match line.line {
            0 => line.file,
            number => format!("{}:{number}", line.file),
        };
        (line.line, format!("{place}  {}", line.statement).trim_end().to_owned())
    }
}

/// Appends those that cost most.
fn table(text: &mut String, title: &str, costs: Costs, all: u64, mode: ProfileMode) {
    let percent = |part: u64| format!("{:6.2}%", 100.0 * part as f64 / all.max(1) as f64);
    let mut costs: Vec<_> = costs.into_iter().collect();
    costs.sort_by_key(|(_, cost)| std::cmp::Reverse((cost.own, cost.total)));
    let column = match mode {
        ProfileMode::Count => format!("{:>14}", "times"),
        ProfileMode::Time => format!("{:>9}", "total"),
    };
    let _ = writeln!(text, "\n{:>7}{column}  {title}", "own");
    for ((_, name), cost) in costs.iter().take(SHOWN) {
        let column = match mode {
            ProfileMode::Count => format!("{:14}", cost.own),
            ProfileMode::Time => format!("  {}", percent(cost.total)),
        };
        let _ = writeln!(text, "{}{column}  {name}", percent(cost.own));
    }
    if let left @ 1.. = costs.len().saturating_sub(SHOWN) {
        let _ = writeln!(text, "        ... and {left} more");
    }
}
