//! Views of what is inside of a program, for people and for programs: its instructions with their
//! bytes, stacks and lines, its control flow, and a summary.
//!
//! All of them work on any module, also on one that cannot be run: they show as much as there is to
//! know, and where it ends. None of them changes anything, or knows where its text goes.

mod document;
mod function;
mod graph;
mod listing;
mod summary;

pub use document::{FORMAT_VERSION, summary_to_json, to_json};
pub use function::{Function, Inspector, Instruction, StackTop};
pub use graph::to_dot;
pub use listing::to_listing;
pub use summary::{
    DataSummary, FunctionSummary, GlobalSummary, MemorySummary, Needs, Origin, SectionSize,
    SlotSummary, Summary,
};
