//! The listing: offset, bytes, instruction, stack before and after, and the line it was made from.

use super::function::{Function, Inspector, Instruction, StackTop};
use crate::diagnostics::{SourceId, Sources, visible};
use crate::isa::name::spelled;
use crate::program::{Line, Places};
use std::fmt::Write;

/// How many bytes stand on a line.
const BYTES: usize = 9;

/// The widest that the columns of instructions and of stacks are made.
const WIDEST: [usize; 2] = [28, 36];

/// How much of a source line is shown.
const SOURCE: usize = 80;

/// The listing of some functions of a program that was read from `source`.
pub fn to_listing(
    inspector: &mut Inspector,
    functions: &[u32],
    source: SourceId,
    sources: &mut Sources,
) -> String {
    let mut out = String::new();
    for error in &inspector.errors {
        let _ = writeln!(out, "! {}: {}", error.code, error.message);
    }
    let (module, mut places) = (inspector.module, Places::new(source));
    for &index in functions {
        if !out.is_empty() {
            out.push('\n');
        }
        let function = inspector.function(index);
        let mut file = None;
        let mut locations = module.source_map.iter().flat_map(|map| map.places(index));
        let line_of = |_: &Instruction| match locations.next().flatten() {
            Some(at) => describe(places.line_at(module, at, sources), &mut file),
            None => String::new(),
        };
        let lines: Vec<_> = function.instructions.iter().map(line_of).collect();
        write_function(&mut out, &function, &lines);
    }
    visible(&out).into_owned()
}

/// A line of the source, with its file where that is not the one of the line before.
fn describe(line: Line, last_file: &mut Option<String>) -> String {
    let Line { file, line, text, .. } = line;
    let text: String = text.chars().take(SOURCE).collect();
    let place = if last_file.as_ref() == Some(&file) { "" } else { &*format!("{file}:") };
    let described = format!("; {place}{line}: {text}");
    *last_file = Some(file);
    described.trim_end_matches([' ', ':']).to_owned()
}

fn write_function(out: &mut String, function: &Function, lines: &[String]) {
    let (index, size) = (function.index, function.bytes.len());
    let facts = format!("function {index}, {size} bytes, stack {}", function.max_stack());
    let _ = writeln!(out, "{}    ; {facts}", function.signature());
    for (name, ty) in function.variables().skip(function.ty.params.len()) {
        let _ = writeln!(out, "    .local {}: {ty}", spelled(name));
    }
    // Where something is wrong, ways may not have been followed to their ends.
    let unseen = if function.error.is_none() { "unreachable" } else { "unknown" };
    let stacks = function.instructions.iter().map(|instruction| stack_effect(instruction, unseen));
    let stacks: Vec<_> = stacks.collect();
    let widest =
        |lengths: &mut dyn Iterator<Item = usize>, limit| lengths.max().unwrap_or(0).min(limit);
    let columns = [
        widest(&mut function.instructions.iter().map(|i| i.bytes.len()), BYTES) * 3,
        widest(&mut function.instructions.iter().map(|i| i.text.chars().count()), WIDEST[0]),
        widest(&mut stacks.iter().map(String::len), WIDEST[1]),
    ];
    let faulty = function.faulty();
    for (at, instruction) in (0..).zip(&function.instructions) {
        out.extend(function.labels(at).map(|label| format!("{}:\n", spelled(label))));
        let (stack, line) = (&stacks[at as usize], &lines[at as usize]);
        write_instruction(out, function.offset, instruction, [stack, line], columns);
        if faulty == Some(at) {
            write_error(out, function);
        }
    }
    out.extend(function.labels(lines.len() as u32).map(|label| format!("{}:\n", spelled(label))));
    if let Some(damage) = &function.damage {
        let _ = writeln!(out, "! damaged from byte {} on: {}", damage.offset, damage.reason);
    } else if faulty.is_none_or(|at| at as usize >= lines.len()) {
        write_error(out, function);
    }
}

fn write_instruction(
    out: &mut String,
    base: u32,
    instruction: &Instruction,
    [stack, line]: [&str; 2],
    [byte_column, text_column, stack_column]: [usize; 3],
) {
    let mut rows = instruction.bytes.chunks(BYTES).zip((0..).map(|row| row * BYTES as u32));
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x} ")).collect::<String>();
    let offset = base + instruction.offset;
    let (first, _) = rows.next().unwrap_or_default();
    let row = format!(
        "  {offset:06x}  {:byte_column$} {:text_column$}  {stack:stack_column$}  {line}",
        hex(first),
        instruction.text,
    );
    let _ = writeln!(out, "{}", row.trim_end());
    for (more, skipped) in rows {
        let _ = writeln!(out, "  {:06x}  {}", offset + skipped, hex(more).trim_end());
    }
}

fn stack_effect(instruction: &Instruction, unseen: &str) -> String {
    let show =
        |stack: &Option<StackTop>| stack.as_ref().map_or("?".to_owned(), StackTop::to_string);
    match &instruction.before {
        None => unseen.to_owned(),
        before => format!("{} -> {}", show(before), show(&instruction.after)),
    }
}

fn write_error(out: &mut String, function: &Function) {
    if let Some(error) = &function.error {
        let _ = writeln!(out, "! {}: {}", error.code, error.message);
    }
}
