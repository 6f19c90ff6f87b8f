//! Errors that only follow from others.
//!
//! A line that cannot be read may have declared something. That it is missing elsewhere is then no
//! second mistake. The same goes for what a text would have brought in that is not there.

use super::assembler::Assembler;
use super::origins::{first_span, spans};
use crate::diagnostics::{Code, Span, without_comment};
use crate::isa::Op;
use crate::syntax::quoted_names;
use rustc_hash::FxHashSet;

/// What closes or divides something that an unknown line may have begun.
const FOLLOWING: [&str; 5] = [".end", ".endmacro", ".elif", ".else", ".endif"];

/// What may have been declared, though nobody could read it.
#[derive(Default)]
pub(super) struct Perhaps<'s> {
    /// The words of lines that could not be read.
    unread: FxHashSet<&'s str>,
    /// The words behind unknown ones that stand outside of functions, such as a directive without its
    /// point.
    foreign: FxHashSet<&'s str>,
    /// Units with a line that may have begun a function, a macro or a condition.
    begun: FxHashSet<usize>,
    /// Units that include a text that is not there.
    incomplete: FxHashSet<usize>,
    /// How many lines could not be read. What is said of them comes first, and is no consequence.
    lines: usize,
}

impl<'s> Assembler<'s> {
    /// What may have been declared; to be asked when all units are read.
    pub(super) fn perhaps_declared(&self) -> Perhaps<'s> {
        let mut perhaps = Perhaps { lines: self.unread.len(), ..Perhaps::default() };
        for diagnostic in &self.unread {
            let Some(span) = first_span(diagnostic) else { continue };
            let line = self.line_of(span);
            if diagnostic.code == Code::UnknownDirective || begins_strangely(line) {
                perhaps.begun.insert(self.texts.unit_of(span));
            }
            perhaps.unread.extend(words(line));
        }
        for &mnemonic in &self.foreign {
            perhaps.begun.insert(self.texts.unit_of(mnemonic));
            let behind = self.line_of(mnemonic).split_once(mnemonic.of(self.texts));
            perhaps.foreign.extend(behind.into_iter().flat_map(|(_, behind)| words(behind)));
        }
        let includes = self.diagnostics.iter().filter(|it| it.code == Code::BadInclude);
        perhaps.incomplete =
            includes.filter_map(first_span).map(|span| self.texts.unit_of(span)).collect();
        perhaps
    }

    /// The line of a span, without its comment.
    fn line_of(&self, span: Span) -> &'s str {
        without_comment(self.texts.line_around(span.start).of(self.texts))
    }

    /// Forgets what only follows from other errors.
    pub(super) fn drop_consequences(&mut self, perhaps: &Perhaps<'s>) {
        let (texts, missing) = (self.texts, &self.missing);
        let mut lines = perhaps.lines;
        self.diagnostics.retain(|diagnostic| {
            if lines > 0 {
                lines -= 1;
                return true;
            }
            let Some(span) = first_span(diagnostic) else { return true };
            let (name, unit) = (texts.name(span), texts.unit_of(span));
            let unread = perhaps.unread.contains(name) || perhaps.incomplete.contains(&unit);
            let declared = unread || perhaps.foreign.contains(name);
            let follows = match diagnostic.code {
                // One of these is the reason for what is foreign, so only others excuse it.
                Code::UnknownMnemonic => unread,
                Code::UnknownName | Code::UnknownLabel => declared || missing.contains(name),
                Code::NotPublic | Code::ExternMismatch => declared,
                Code::MisplacedDirective => {
                    let directive = name.split_whitespace().next().unwrap_or_default();
                    FOLLOWING.contains(&directive) && perhaps.begun.contains(&unit)
                }
                // What seems to be of main may be of a function, and the function the entry.
                Code::BadEntry => {
                    declared
                        || spans(diagnostic).any(|it| perhaps.begun.contains(&texts.unit_of(it)))
                }
                _ => false,
            };
            !follows
        });
    }
}

/// Whether a line begins with neither an instruction nor a directive.
fn begins_strangely(line: &str) -> bool {
    let first = words(line).next();
    !line.trim_start().starts_with('.') && first.is_some_and(|it| Op::from_mnemonic(it).is_none())
}

/// The words of a line that may be names.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let quoted = quoted_names(line).map(|at| &line[at]);
    line.split(move |c| !is_part(c)).filter(|word| !word.is_empty()).chain(quoted)
}
