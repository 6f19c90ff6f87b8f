//! The one type of error message.

use super::code::Code;
use super::source::{SourceId, Span};
use std::borrow::Cow;

/// The longest word of a message that is told in full, in characters. Messages repeat names of the program,
/// and a name may well have a million letters.
const MAX_WORD: usize = 240;

/// A message of which every word can be read: of longer ones, only their two ends are told.
pub(super) fn readable(message: &str) -> Cow<'_, str> {
    let is_long = |word: &str| word.len() > MAX_WORD && word.chars().nth(MAX_WORD).is_some();
    if !message.split_whitespace().any(is_long) {
        return Cow::Borrowed(message);
    }
    let words = message.split_inclusive(char::is_whitespace).map(|word| {
        if !is_long(word) {
            return Cow::Borrowed(word);
        }
        let at = |index| word.char_indices().nth(index).map_or(word.len(), |(at, _)| at);
        let tail = word.chars().count() - MAX_WORD / 4;
        Cow::Owned(format!("{}…{}", &word[..at(MAX_WORD / 2)], &word[at(tail)..]))
    });
    Cow::Owned(words.collect())
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The input is rejected, or the program stopped.
    Error,
    /// Probably not what was meant.
    Warning,
}

/// Where in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Bytes of its text.
    Span(Span),
    /// A line and column (in characters), both from 1, of a text that is not at hand.
    LineColumn(u32, u32),
    /// A byte of a binary file.
    Offset(u64),
    /// All of it.
    Whole,
}

/// A place with what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Which text or file.
    pub source: SourceId,
    /// Where in it.
    pub position: Position,
    /// What is there; may be empty.
    pub message: String,
}

/// An error or warning: what happened, where, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of problem; `hotvm explain` knows it.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in one sentence without a full stop.
    pub message: String,
    /// The places, the one to mend first.
    pub labels: Vec<Label>,
    /// Why: facts that help to understand.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// What to write in the place of the first label, where that would mend it.
    pub replacement: Option<Box<str>>,
}

/// What to do about a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    text: String,
    replacement: Option<Box<str>>,
}

impl Help {
    /// The word that was probably meant stands in the place of the first label.
    pub fn did_you_mean(word: &str) -> Help {
        Help { text: format!("did you mean `{word}`?"), replacement: Some(word.into()) }
    }

    /// Whether it is something to write in the place of the first label.
    pub fn is_edit(&self) -> bool {
        self.replacement.is_some()
    }

    /// This stands in the place of the first label, and the text says so in words.
    pub fn replace_by(replacement: &str, text: impl Into<String>) -> Help {
        Help { text: text.into(), replacement: Some(replacement.into()) }
    }
}

impl<T: Into<String>> From<T> for Help {
    fn from(text: T) -> Help {
        Help { text: text.into(), replacement: None }
    }
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: None,
            replacement: None,
        }
    }

    /// A warning without a place.
    pub fn warning(code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, message) }
    }

    /// Adds a place.
    pub fn at(mut self, source: SourceId, position: Position, message: impl Into<String>) -> Self {
        self.labels.push(Label { source, position, message: message.into() });
        self
    }

    /// Adds a place in a text.
    pub fn at_span(self, source: SourceId, span: Span, message: impl Into<String>) -> Self {
        self.at(source, Position::Span(span), message)
    }

    /// Adds a fact.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets what to do.
    pub fn help(self, help: impl Into<Help>) -> Self {
        self.maybe_help(Some(help))
    }

    /// Sets what to do, where there is something.
    pub fn maybe_help(mut self, help: Option<impl Into<Help>>) -> Self {
        help.into_iter().for_each(|help| self.set_help(help.into()));
        self
    }

    /// The same where it is told already.
    pub fn set_help(&mut self, help: Help) {
        (self.help, self.replacement) = (Some(help.text), help.replacement);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_words_the_ends_are_told() {
        assert_eq!(readable("unknown name `x`"), "unknown name `x`");
        let long = format!("unknown name `{}é` here", "x".repeat(1 << 20));
        let told = readable(&long);
        assert!(told.starts_with("unknown name `xxx") && told.ends_with("xé` here"), "{told}");
        assert!(told.contains('…') && told.len() < 2 * MAX_WORD, "{told}");
    }
}
