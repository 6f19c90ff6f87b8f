//! A program as JSON, for programs. `docs/tools.md` tells the fields.

use super::function::{Function, Inspector, Instruction, StackTop};
use super::summary::Summary;
use crate::diagnostics::{SourceId, Sources};
use crate::isa::ValueType;
use crate::module::Location;
use crate::program::Places;
use serde::Serialize;

/// The version of the format. It grows when a field changes its meaning or goes; new fields do not
/// change it.
pub const FORMAT_VERSION: u32 = 1;

/// What `info` tells, and the code of functions where it is asked for.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    #[serde(flatten)]
    summary: &'a Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Vec<FunctionCode>>,
}

#[derive(Serialize)]
struct FunctionCode {
    function: u32,
    name: String,
    variables: Vec<Variable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
    instructions: Vec<Entry>,
}

#[derive(Serialize)]
struct Variable {
    name: String,
    #[serde(rename = "type")]
    ty: &'static str,
}

/// The first thing that is wrong with a function, and at which instruction.
#[derive(Serialize)]
struct Problem {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instruction: Option<u32>,
}

#[derive(Serialize)]
struct Entry {
    offset: u32,
    bytes: String,
    op: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    targets: Vec<u32>,
    before: Option<Stack>,
    after: Option<Stack>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
}

#[derive(Serialize)]
struct Stack {
    depth: usize,
    top: Vec<&'static str>,
}

#[derive(Serialize)]
struct Source {
    file: String,
    line: u32,
    column: u32,
    text: String,
}

/// A summary as JSON.
pub fn summary_to_json(summary: &Summary) -> String {
    let document = Document { version: FORMAT_VERSION, summary, code: None };
    let text = serde_json::to_string_pretty(&document);
    text.expect("strings and numbers always serialize") + "\n"
}

/// A program with the code of some of its functions as one line of JSON. It was read from `source`.
pub fn to_json(
    inspector: &mut Inspector,
    summary: &Summary,
    functions: &[u32],
    source: SourceId,
    sources: &mut Sources,
) -> String {
    let (module, mut places) = (inspector.module, Places::new(source));
    let mut source_of = |at: Option<Location>| {
        let line = places.line_at(module, at?, sources);
        Some(Source { file: line.file, line: line.line, column: line.column, text: line.text })
    };
    let code = functions.iter().map(|&index| {
        let function = inspector.function(index);
        let mut locations = module.source_map.iter().flat_map(|map| map.places(index));
        let instructions = (0..).zip(&function.instructions).map(|(at, instruction)| {
            entry(&function, at, instruction, source_of(locations.next().flatten()))
        });
        FunctionCode {
            function: index,
            name: function.name.to_owned(),
            variables: function.variables().map(variable).collect(),
            error: problem(&function),
            instructions: instructions.collect(),
        }
    });
    let document = Document { version: FORMAT_VERSION, summary, code: Some(code.collect()) };
    let text = serde_json::to_string(&document);
    text.expect("strings and numbers always serialize") + "\n"
}

fn entry(function: &Function, at: u32, of: &Instruction, source: Option<Source>) -> Entry {
    Entry {
        offset: function.offset + of.offset,
        bytes: of.bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        op: of.instr.op.mnemonic(),
        text: of.text.to_owned(),
        labels: function.labels(at).map(str::to_owned).collect(),
        targets: function.code.jump_targets(of.instr).collect(),
        before: of.before.as_ref().map(stack),
        after: of.after.as_ref().map(stack),
        source,
    }
}

fn stack(of: &StackTop) -> Stack {
    Stack { depth: of.depth, top: of.types.iter().map(|ty| ty.name()).collect() }
}

fn variable((name, ty): (&str, ValueType)) -> Variable {
    Variable { name: name.to_owned(), ty: ty.name() }
}

fn problem(function: &Function) -> Option<Problem> {
    let error = function.error.as_ref()?;
    let (code, message) = (error.code.name(), error.message.clone());
    Some(Problem { code, message, instruction: function.faulty() })
}
