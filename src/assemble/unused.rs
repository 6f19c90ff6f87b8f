//! Warnings about names that nothing uses.

use super::assembler::Assembler;
use super::body::Body;
use crate::diagnostics::{Code, Diagnostic, Span};

impl<'s> Assembler<'s> {
    /// Notes the labels and locals of a function that none of its instructions names.
    pub(super) fn doubt_unused(&mut self, body: &Body<'s>) {
        for ((_, name), label) in body.labels.iter() {
            if !label.used.get() && !name.starts_with('_') {
                let message = format!("the label `{name}` is never used");
                self.doubt(Code::UnusedLabel, message, label.span, "nothing jumps here");
            }
        }
        let params = body.ty.params.len();
        for ((_, name), local) in body.locals.iter() {
            let index = local.index;
            let used = local.used.get() || body.numbered.contains(&index.into());
            if !used && index as usize >= params && !name.starts_with('_') {
                let message = format!("the local `{name}` is never used");
                self.doubt(Code::UnusedLocal, message, local.span, "no instruction names it");
            }
        }
    }

    fn doubt(&mut self, code: Code, message: String, span: Span, label: &str) {
        let diagnostic = Diagnostic::warning(code, message)
            .at_span(self.source, span, label)
            .help("remove it, or begin its name with `_`");
        if self.is_new(&diagnostic) {
            self.warnings.push(diagnostic);
        }
    }
}
