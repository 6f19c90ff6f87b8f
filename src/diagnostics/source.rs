//! The texts and files that diagnostics point into.

use bytestring::ByteString;
use std::ops::Range;
use std::sync::OnceLock;

/// Bytes of a source text, from `start` up to `end`. Texts are under 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` up to `end`.
    pub fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// From the beginning of this to the end of `other`.
    pub fn to(self, other: Span) -> Span {
        Span { start: self.start, end: other.end }
    }

    /// The empty span behind this one.
    pub fn after(self) -> Span {
        Span { start: self.end, end: self.end }
    }

    /// As a range of indices.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// What this covers in `text`.
    pub fn of<T: Text + ?Sized>(self, text: &T) -> &str {
        text.at(self)
    }
}

/// What spans are places in.
pub trait Text {
    /// What a span covers.
    fn at(&self, span: Span) -> &str;
}

impl Text for str {
    fn at(&self, span: Span) -> &str {
        &self[span.range()]
    }
}

/// What some editors write at the beginning of a text. It cannot be seen, and is no part of its first line.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// Names a [`Source`] of a [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

impl SourceId {
    /// The source that was added so many later.
    pub fn plus(self, count: usize) -> SourceId {
        SourceId(self.0 + count as u32)
    }
}

/// A named text or file.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as the user gave it, or `<stdin>`.
    pub name: String,
    /// The text, where it is text and at hand.
    pub text: Option<ByteString>,
    /// Where its lines begin. Ten thousand errors are not to count them ten thousand times.
    line_starts: OnceLock<Vec<usize>>,
}

/// All that diagnostics of one run can point into.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// Nothing yet.
    pub fn new() -> Sources {
        Sources::default()
    }

    /// Adds a text.
    pub fn add_text(&mut self, name: impl Into<String>, text: impl Into<ByteString>) -> SourceId {
        self.add(name.into(), Some(text.into()))
    }

    /// Adds a file whose text is not at hand, or that has none.
    pub fn add_file(&mut self, name: impl Into<String>) -> SourceId {
        self.add(name.into(), None)
    }

    /// The id that the next source will have.
    pub fn next_id(&self) -> SourceId {
        SourceId(self.list.len() as u32)
    }

    /// The ids of all, in the order in which they were added.
    pub fn ids(&self) -> impl Iterator<Item = SourceId> {
        (0..self.list.len() as u32).map(SourceId)
    }

    fn add(&mut self, name: String, text: Option<ByteString>) -> SourceId {
        let id = self.next_id();
        self.list.push(Source { name, text, line_starts: OnceLock::new() });
        id
    }

    /// The source with this id.
    ///
    /// # Panics
    /// When the id is of another `Sources`.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.list[id.0 as usize]
    }

    /// The text of the source with this id; empty where it has none.
    pub fn text(&self, id: SourceId) -> &str {
        self.get(id).text.as_deref().unwrap_or("")
    }
}

impl Source {
    /// The line and column, both from 1, of a byte of the text. Columns count characters.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let text = self.text.as_deref().unwrap_or("");
        let mut offset = (offset as usize).min(text.len()).max(self.line_starts()[0]);
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let starts = self.line_starts();
        let line = starts.partition_point(|&start| start <= offset);
        let before = &text[starts[line - 1]..offset];
        (line as u32, before.chars().count() as u32 + 1)
    }

    /// The whole lines that a span touches, without the last newline.
    pub(super) fn lines_of(&self, span: Span) -> &str {
        let text = self.text.as_deref().unwrap_or("");
        let starts = self.line_starts();
        let line_of =
            |offset: u32| starts.partition_point(|&start| start <= offset as usize).max(1);
        let end = starts.get(line_of(span.end)).map_or(text.len(), |next| next - 1);
        &text[starts[line_of(span.start) - 1]..end]
    }

    /// The bytes at which lines begin; the first is 0, or behind the mark of the text.
    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            let text = self.text.as_deref().unwrap_or("");
            let behind_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
            let mark = text.chars().next().filter(|first| *first == BYTE_ORDER_MARK);
            std::iter::once(mark.map_or(0, char::len_utf8)).chain(behind_newlines).collect()
        })
    }

    /// The bytes of the statement that begins at a line and column, both from 1: to the end of the
    /// line without its comment. `None` when the text has no such place.
    pub fn statement_at(&self, line: u32, column: u32) -> Option<Span> {
        let text = self.text.as_deref()?;
        let start = *self.line_starts().get((line as usize).checked_sub(1)?)?;
        let rest = text[start..].split('\n').next()?;
        let skip: usize =
            rest.chars().take(column.saturating_sub(1) as usize).map(char::len_utf8).sum();
        let statement = without_comment(rest.get(skip..)?).trim_end();
        let from = (start + skip) as u32;
        (!statement.is_empty()).then(|| Span::new(from, from + statement.len() as u32))
    }
}

/// A line up to the `;` or `#` that begins a comment, which one inside quotes does not.
pub fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            ('\\', Some(_)) => drop(chars.next()),
            (c, Some(q)) if c == q => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (';' | '#', None) => return &line[..at],
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let mut sources = Sources::new();
        let id = sources.add_text("x", "ab\n  é PUSH ';' ; why\n");
        let source = sources.get(id);
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(5), (2, 3));
        assert_eq!(source.line_column(8), (2, 5));
        assert_eq!(source.line_column(999), (3, 1));
        let span = source.statement_at(2, 5).unwrap();
        assert_eq!(span.of(sources.text(id)), "PUSH ';'");
        assert_eq!(source.statement_at(9, 1), None);
        assert_eq!(source.statement_at(1, 9), None);
    }
}
