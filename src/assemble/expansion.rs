//! `.expansion` … `.endexpansion`: instructions that came from a call of a macro, in a text that was
//! made from bytecode.

use super::assembler::Assembler;
use crate::diagnostics::{Code, Span};
use crate::module::MacroCall;

impl Assembler<'_> {
    /// `.expansion "macro"`
    pub(super) fn begin_expansion(&mut self, name: Span, number: u32, begins: u32, span: Span) {
        let Some(bytes) = self.text_literal(name) else { return };
        let Ok(text) = String::from_utf8(bytes) else {
            return self.error(Code::DoesNotFit, name, "the name of a macro is UTF-8", "here");
        };
        let known = self.map.macros.iter().position(|known| *known == text);
        let at = self.location(number, begins, span);
        let name = known.unwrap_or_else(|| {
            self.map.macros.push(text);
            self.map.macros.len() - 1
        });
        self.expansions.push(span);
        let within = self.input.call.replace(self.map.calls.len() as u32);
        self.map.calls.push(MacroCall { name: name as u32, at, within });
    }

    /// `.endexpansion`
    pub(super) fn end_expansion(&mut self, span: Span) {
        match self.input.call {
            Some(call) if self.expansions.len() > self.input.expansions => {
                self.expansions.pop();
                self.input.call = self.map.calls[call as usize].within;
            }
            _ => {
                let message = "`.endexpansion` without an `.expansion`";
                self.misplaced(span, message, "nothing to end here");
            }
        }
    }
}
