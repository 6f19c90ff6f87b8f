//! Errors that only follow from others.
//!
//! A line that cannot be read may have declared something. That it is missing elsewhere is then no
//! second mistake.

use super::assembler::Assembler;
use crate::diagnostics::{Code, Diagnostic, Position, Span, without_comment};
use rustc_hash::FxHashSet;

impl<'s> Assembler<'s> {
    /// What the lines that have these errors may have declared: any name in them, and an unknown
    /// directive even the beginning of a function.
    pub(super) fn perhaps_declared(&self, unread: &[Diagnostic]) -> FxHashSet<&'s str> {
        let mut names = FxHashSet::default();
        for diagnostic in unread {
            let line = first_span(diagnostic).map_or("", |span| line_around(self.text, span));
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            names.extend(without_comment(line).split(|c| !is_part(c)));
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
            let name = first_span(diagnostic).map_or("", |span| span.of(self.text));
            !is_missing || !declared.contains(name)
        });
    }
}

pub(super) fn first_span(diagnostic: &Diagnostic) -> Option<Span> {
    match diagnostic.labels.first()?.position {
        Position::Span(span) => Some(span),
        _ => None,
    }
}

fn line_around(text: &str, span: Span) -> &str {
    let start = text[..span.start as usize].rfind('\n').map_or(0, |newline| newline + 1);
    let line = &text[start..];
    line.split_once('\n').map_or(line, |(line, _)| line)
}
