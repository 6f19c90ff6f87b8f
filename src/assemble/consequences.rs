//! Errors that only follow from others.
//!
//! A line that cannot be read may have declared something. That it is missing elsewhere is then no
//! second mistake.

use super::assembler::Assembler;
use super::origins::first_span;
use crate::diagnostics::{Code, Span, without_comment};
use crate::syntax::quoted_names;
use rustc_hash::FxHashSet;

impl<'s> Assembler<'s> {
    /// What the lines that could not be read may have declared: any name in them, and an unknown
    /// directive even the beginning of a function.
    pub(super) fn perhaps_declared(&self) -> FxHashSet<&'s str> {
        let mut names = FxHashSet::default();
        for diagnostic in &self.unread {
            let Some(span) = first_span(diagnostic) else { continue };
            let Span { start, end } = self.texts.line_around(span.start);
            let line = Span::new(start, end).of(self.texts);
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            names.extend(without_comment(line).split(|c| !is_part(c)));
            names.extend(quoted_names(line).map(|at| {
                self.texts.name(Span::new(start + at.start as u32, start + at.end as u32))
            }));
            if diagnostic.code == Code::UnknownDirective {
                names.insert(".end");
            }
        }
        names
    }

    /// Forgets that these were missed.
    pub(super) fn drop_consequences(&mut self, declared: &FxHashSet<&str>) {
        self.diagnostics.retain(|diagnostic| {
            let is_missing = matches!(
                diagnostic.code,
                Code::UnknownName | Code::UnknownLabel | Code::MisplacedDirective
            );
            let name = first_span(diagnostic).map_or("", |span| self.texts.name(span));
            !is_missing || !declared.contains(name)
        });
    }
}
