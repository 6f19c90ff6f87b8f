//! Why a module cannot be run.

use crate::diagnostics::Code;

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    /// The function.
    pub function: u32,
    /// The number of the instruction in it.
    pub instr: u32,
}

/// A reason, with the instructions that it concerns. Where these stand in the text is not known here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// The kind of problem.
    pub code: Code,
    /// What it is.
    pub message: String,
    /// The instructions, the faulty one first, and what there is to say about each. Empty when the
    /// problem is not in the code.
    pub places: Vec<(Site, String)>,
    /// Facts that help to understand.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
}

impl VerifyError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> VerifyError {
        let message = message.into();
        VerifyError { code, message, places: Vec::new(), notes: Vec::new(), help: None }
    }

    pub(super) fn at(mut self, function: u32, instr: u32, label: impl Into<String>) -> VerifyError {
        self.places.push((Site { function, instr }, label.into()));
        self
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> VerifyError {
        self.notes.push(note.into());
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> VerifyError {
        self.help = Some(help.into());
        self
    }
}
