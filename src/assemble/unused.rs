//! Warnings about names that nothing uses.

use super::assembler::Assembler;
use super::body::Body;
use super::declare::Named;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::syntax::RealText;

/// Whether a name is told when nothing uses it: not when it begins with `_`, in quotes or not.
fn is_told(spelling: &str) -> bool {
    !spelling.strip_prefix("$\"").unwrap_or(spelling).starts_with('_')
}

impl<'s> Assembler<'s> {
    /// Notes the labels and locals of a function that none of its instructions names.
    pub(super) fn doubt_unused(&mut self, body: &Body<'s>) {
        for ((_, name), label) in body.labels.iter() {
            if !label.used.get() && is_told(name) {
                let message = format!("the label `{name}` is never used");
                self.doubt(Code::UnusedLabel, message, label.named.span, "nothing jumps here");
            }
        }
        let params = body.ty.params.len();
        for ((_, name), local) in body.locals.iter() {
            let index = local.named.index;
            let used = local.used.get() || body.numbered.contains(&index.into());
            if !used && index as usize >= params && is_told(name) {
                let message = format!("the local `{name}` is never used");
                self.doubt(Code::UnusedLocal, message, local.named.span, "no instruction names it");
            }
        }
    }

    /// Notes the functions, globals, data and constants that nothing in their unit names, of those that
    /// it keeps to itself. What an included text offers need not all be used, and what lies at an address
    /// of its own may be meant by that.
    pub(super) fn doubt_unused_names(&mut self) {
        let mut unused: Vec<(Code, &str, Span)> = Vec::new();
        for unit in 0..self.units.len() {
            let names = self.names_of(unit);
            let at_address = |data: &Named| self.data_decls[data.index as usize].at.is_some();
            for (code, kind, table) in [
                (Code::UnusedFunction, "function", &names.functions),
                (Code::UnusedGlobal, "global", &names.globals),
                (Code::UnusedData, "piece of data", &names.data),
            ] {
                let found = table.iter().filter(|(name, it)| !it.used.get() && is_told(name));
                let found = found.map(|(_, it)| it.named);
                let found = found.filter(|it| code != Code::UnusedData || !at_address(it));
                unused.extend(found.map(|it| (code, kind, it.span)));
            }
            let constants =
                names.constants.iter().filter(|(name, it)| !it.used.get() && is_told(name));
            unused.extend(constants.map(|(_, it)| (Code::UnusedConstant, "constant", it.span)));
        }
        // Tables have no order; all that is told is sorted by place, which is quick when it is so already.
        unused.sort_unstable_by_key(|(.., span)| span.start);
        for (code, kind, span) in unused {
            let name = self.texts.name(span);
            let own = matches!(self.texts.origin(span).text, RealText::Unit(_));
            if own && !self.public.contains_key(name) {
                let message = format!("the {kind} `{name}` is never used");
                self.doubt(code, message, span, "nothing else names it");
            }
        }
    }

    fn doubt(&mut self, code: Code, message: String, span: Span, label: &str) {
        let help = match code {
            Code::UnusedLabel | Code::UnusedLocal => "remove it, or begin its name with `_`",
            _ => "remove it, make it `.public`, or begin its name with `_`",
        };
        let diagnostic =
            Diagnostic::warning(code, message).at_span(self.source, span, label).help(help);
        if self.is_new(&diagnostic) {
            self.warnings.push(diagnostic);
        }
    }
}
