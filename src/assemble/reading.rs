//! Where lines come from: the main text, included texts, and expansions of macros (`macros`). All are
//! read in the same way, one within the other.

use super::assembler::Assembler;
use super::{COMMAND_LINE, Included};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::module::{SourceFile, checksum};
use crate::syntax::{Chunk, Kind, Lexer, Parser, RawLine, RealText};

/// How deep texts and expansions may be brought in by others.
pub(super) const MAX_DEPTH: u32 = 64;

/// What is being read.
#[derive(Clone, Copy, Default)]
pub(super) struct Input {
    /// Its file, by its number in the source map.
    pub(super) file: u32,
    /// The call of a macro that it comes from, by its number in the source map.
    pub(super) call: Option<u32>,
    /// The position of its first byte.
    pub(super) base: u32,
    pub(super) depth: u32,
    /// The statement of an expansion that is being read.
    pub(super) statement: Option<Span>,
    /// How many conditions were open where it began, and how many `.expansion`s.
    pub(super) conditions: usize,
    pub(super) expansions: usize,
}

impl<'s> Assembler<'s> {
    /// Reads a text whose first byte has this position.
    pub(super) fn read_text(&mut self, text: &'s str, base: u32) {
        let division = (self.division)(text);
        match division.threads {
            ..=1 => self.read_lines(&mut Lexer::new(text, base), text.len()),
            _ => self.read_divided(text, base, division),
        }
        self.end_of_text(self.input.conditions);
    }

    /// Reads the lines of a text that begin before the byte `end`.
    pub(super) fn read_lines(&mut self, lexer: &mut Lexer<'s>, end: usize) {
        while let Some(chunk) = lexer.next_chunk(end) {
            self.read_chunk(chunk);
        }
    }

    /// Reads the lines of a chunk.
    pub(super) fn read_chunk(&mut self, chunk: &Chunk) {
        let parser = Parser::new(self.texts);
        let expands = self.input.call.is_some() && self.texts.is_expansion(self.input.base);
        for raw in chunk.lines() {
            if expands {
                self.input.statement = Some(raw.span());
            }
            if self.recording.is_some() {
                self.record(raw);
            } else if !self.left_out(raw) {
                match raw.plain {
                    Some(plain) => self.plain_line(plain, &raw),
                    None => self.read_line(&parser, raw),
                }
            }
        }
        if let Some(begins) = chunk.last_begins() {
            self.tell_progress_at(begins);
        }
    }

    fn read_line<'c>(&mut self, parser: &Parser<'c, 's>, raw: RawLine<'c>) {
        if let Some(plain) = raw.plain_tokens(self.texts) {
            return self.plain_line(&plain, &raw);
        }
        match parser.line(raw, self.source) {
            Ok(line) => self.line(line, raw),
            Err(unread) => {
                let diagnostic = self.blame_mnemonic(unread.diagnostic, raw);
                if self.is_new(&diagnostic) {
                    self.unread.push(diagnostic);
                }
                if raw.directive() == Kind::If {
                    self.conditions.begin(raw.span(), true);
                }
                if let Some(line) = unread.remains {
                    self.line(line, raw);
                }
            }
        }
    }

    /// What must be closed at the end of a text or expansion, which began with so many open
    /// conditions.
    pub(super) fn end_of_text(&mut self, open: usize) {
        if let Some(unfinished) = self.recording.take() {
            self.macro_not_ended(&unfinished);
        }
        for opened in self.conditions.close_down_to(open) {
            self.not_ended("`.if`", opened, "write `.endif` behind what it governs");
        }
        while self.expansions.len() > self.input.expansions {
            let opened = self.expansions.pop().unwrap_or_default();
            let help = "write `.endexpansion` behind what came from the macro";
            self.not_ended("`.expansion`", opened, help);
        }
    }

    pub(super) fn not_ended(&mut self, what: &str, opened: Span, help: &str) {
        let message = format!("this {what} has no end");
        self.push(Diagnostic::error(Code::MissingEnd, message).help(help), opened, "begins here");
    }

    /// The constants of the command line are a text as well, read before the main one.
    pub(super) fn define_constants(&mut self) {
        if self.options.defines.is_empty() {
            return;
        }
        let lines = self.options.defines.iter().map(|(name, value)| {
            // A line break would begin another statement.
            format!(".const {name} = {value}").replace(['\n', '\r'], " ") + "\n"
        });
        let text = Included { name: COMMAND_LINE.to_owned(), text: lines.collect() };
        self.read_included(text, None);
    }

    /// `.include`
    pub(super) fn include(&mut self, file: Span, span: Span) {
        let Some(name) = self.text_literal(file) else { return };
        let Ok(name) = String::from_utf8(name) else {
            return self.error(Code::BadInclude, file, "a file name is UTF-8", "not a name");
        };
        if self.input.depth >= MAX_DEPTH {
            let message = format!("texts include each other more than {MAX_DEPTH} deep");
            return self.error(Code::BadInclude, file, message, "one too many");
        }
        let from = &self.map.files[self.input.file as usize].name;
        match (self.options.includes)(&name, from) {
            Ok(found) if self.is_being_read(&found.text) => {
                let message = format!("`{}` includes itself", found.name);
                let diagnostic = Diagnostic::error(Code::BadInclude, message).help(
                    "leave one of these `.include`s out, or put what both need into a third file",
                );
                self.push(diagnostic, file, "leads back to a file that is being read");
            }
            Ok(found) => self.read_included(found, Some(span)),
            Err(diagnostic) => self.push(diagnostic, file, "asked for here"),
        }
    }

    /// Whether a text is among those around the place that is being read. Their content tells, because
    /// one file may have many names.
    fn is_being_read(&self, text: &str) -> bool {
        let here = Span::new(self.input.base, self.input.base);
        self.texts.around(here).any(|around| around == text)
    }

    pub(super) fn too_much_text(&mut self, span: Span) {
        let message = "all texts of a program together are over 4 GiB";
        self.error(Code::NotText, span, message, "one too many");
    }

    fn read_included(&mut self, found: Included, span: Option<Span>) {
        let crc = checksum(found.text.as_bytes());
        self.included.push(found.name.clone());
        let Some((text, base)) = self.texts.include(found.text, span) else {
            return self.too_much_text(span.unwrap_or_default());
        };
        let file = self.map.files.len() as u32;
        self.map.files.push(SourceFile { name: found.name, crc });
        self.files.push(Some(RealText::Included(self.included.len() - 1)));
        let (depth, conditions) = (self.input.depth + 1, self.conditions.len());
        let expansions = self.expansions.len();
        let inner =
            Input { file, base, depth, conditions, expansions, statement: None, ..self.input };
        let outer = std::mem::replace(&mut self.input, inner);
        self.read_text(text, base);
        self.input = outer;
    }
}
