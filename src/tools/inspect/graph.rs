//! The control flow, for Graphviz: a cluster for each function, a node for each basic block.

use super::function::{Function, Inspector};
use crate::isa::name::spelled;
use crate::isa::{Op, OperandKind};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

/// How much of an instruction is shown, and how many cases of a `SWITCH` an arrow tells.
const TEXT: usize = 60;
const CASES: usize = 8;

/// The control flow of some functions, in Graphviz's language.
pub fn to_dot(inspector: &mut Inspector, functions: &[u32]) -> String {
    let mut out = String::from(
        "digraph program {\n  node [shape=box, fontname=monospace, fontsize=10];\n  \
         edge [fontname=monospace, fontsize=9];\n  graph [fontname=monospace];\n",
    );
    for &index in functions {
        write_function(&mut out, &inspector.function(index));
    }
    out.push_str("}\n");
    out
}

fn write_function(out: &mut String, function: &Function) {
    let index = function.index;
    let blocks = blocks(function);
    let _ = writeln!(out, "  subgraph cluster_{index} {{");
    let _ = writeln!(out, "    label={};", quoted(&function.signature()));
    if blocks.is_empty() {
        let _ = writeln!(out, "    f{index} [label=\"no instructions\", style=dashed];");
    }
    for block in &blocks {
        // Where no way leads, no stack is known.
        let reached = function.instructions[block.start as usize].before.is_some();
        let style = if reached { "" } else { ", style=dashed, color=gray" };
        let _ = writeln!(
            out,
            "    f{index}_{} [label={}{style}];",
            block.start,
            label(function, block)
        );
    }
    for block in &blocks {
        write_edges(out, function, block);
    }
    out.push_str("  }\n");
}

/// The stretches of instructions that are only entered at their first and only left at their last.
fn blocks(function: &Function) -> Vec<Range<u32>> {
    let count = function.instructions.len() as u32;
    let mut begins = vec![false; count as usize + 1];
    begins[0] = true;
    begins[count as usize] = true;
    for (at, instruction) in function.instructions.iter().enumerate() {
        let op = instruction.instr.op;
        let jumps = matches!(op.operand(), OperandKind::Label | OperandKind::Labels);
        begins[at + 1] |= jumps || !op.falls_through();
        for target in function.code.jump_targets(instruction.instr) {
            if let Some(begins) = begins.get_mut(target as usize) {
                *begins = true;
            }
        }
    }
    let starts: Vec<u32> = (0..=count).filter(|&at| begins[at as usize]).collect();
    starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

fn label(function: &Function, block: &Range<u32>) -> String {
    let mut text =
        function.labels(block.start).map(|l| format!("{}:\n", spelled(l))).collect::<String>();
    let error = function.error.as_ref().zip(function.faulty());
    for at in block.clone() {
        let instruction = function.instructions[at as usize].text;
        text.extend(instruction.chars().take(TEXT));
        text.push('\n');
        if let Some((error, _)) = error.filter(|(_, faulty)| *faulty == at) {
            let _ = writeln!(text, "! {}: {}", error.code, error.message);
        }
    }
    quoted(&text)
}

/// The arrows that leave a block: dashed to the next one, and one to each that it jumps to.
fn write_edges(out: &mut String, function: &Function, block: &Range<u32>) {
    let (index, count) = (function.index, function.instructions.len() as u32);
    let last = function.instructions[block.end as usize - 1].instr;
    let from = format!("    f{index}_{} -> f{index}_", block.start);
    let mut cases: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (case, target) in function.code.jump_targets(last).enumerate() {
        cases.entry(target).or_default().push(case);
    }
    let default = function.code.jump_targets(last).count().wrapping_sub(1);
    for (target, cases) in cases.iter().filter(|(target, _)| **target < count) {
        let label = match last.op {
            Op::Jz => "0".to_owned(),
            Op::Jnz => "not 0".to_owned(),
            Op::Switch => cases_label(cases, default),
            _ => String::new(),
        };
        let _ = writeln!(out, "{from}{target} [label={}];", quoted(&label));
    }
    if last.op.falls_through() && block.end < count {
        let _ = writeln!(out, "{from}{} [style=dashed];", block.end);
    }
}

/// `0, 3, else`
fn cases_label(cases: &[usize], default: usize) -> String {
    let name = |case: &usize| if *case == default { "else".to_owned() } else { case.to_string() };
    let mut names: Vec<_> = cases.iter().take(CASES).map(name).collect();
    if cases.len() > CASES {
        names.push("...".to_owned());
    }
    names.join(", ")
}

/// A text in Graphviz's quotes, its lines aligned to the left.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\l");
    format!("\"{text}\"")
}
