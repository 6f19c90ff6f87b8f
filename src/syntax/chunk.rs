//! Text to lines, some thousand at a time.

use super::plain::{Plain, scan};
use super::texts::Texts;
use super::token::{Kind, Token};
use crate::diagnostics::{BYTE_ORDER_MARK, Span};
use logos::Logos;
use std::borrow::Cow;

/// How many lines are split before they are parsed: few enough to stay in the cache, enough that
/// setting up the grammar costs nothing.
const LINES_AT_ONCE: usize = 8192;

/// Lines, as tokens where these are needed.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    tokens: Vec<Token>,
    lines: Vec<LineEnd>,
}

#[derive(Clone, Copy, Debug)]
struct LineEnd {
    /// The end of its tokens.
    end: u32,
    plain: Option<Plain>,
    number: u32,
    begins: u32,
}

/// A line that says something.
#[derive(Clone, Copy, Debug)]
pub struct RawLine<'c> {
    /// Its tokens, unless it was read without.
    lexed: &'c [Token],
    /// What it says, where it was read without.
    pub plain: Option<&'c Plain>,
    /// Its number in its text, from 1.
    pub number: u32,
    /// The position of its first byte.
    pub begins: u32,
}

impl<'c> RawLine<'c> {
    /// Its tokens, of which there is one at least.
    pub fn tokens(&self, texts: &Texts) -> Cow<'c, [Token]> {
        match self.lexed {
            [] => Cow::Owned(lex(texts.line_around(self.begins).of(texts), self.begins).collect()),
            lexed => Cow::Borrowed(lexed),
        }
    }

    /// What its tokens say, where that is plain.
    pub fn plain_tokens(&self, texts: &Texts) -> Option<Plain> {
        Plain::of_tokens(self.lexed, texts)
    }

    /// Its tokens, of a line that is not plain.
    pub(super) fn lexed(&self) -> &'c [Token] {
        self.lexed
    }

    /// From its first token to its last.
    pub fn span(&self) -> Span {
        match (self.plain, self.lexed) {
            (None, [first, .., last]) => first.span.to(last.span),
            (None, lexed) => lexed[0].span,
            (Some(plain), _) => plain.span(),
        }
    }

    /// The directive that it begins with, a label apart.
    pub fn directive(&self) -> Kind {
        match self.lexed {
            [name, colon, first, ..] if name.kind.is_name() && colon.kind == Kind::Colon => {
                first.kind
            }
            [first, ..] => first.kind,
            [] => Kind::Name,
        }
    }
}

/// The tokens of a text whose first byte has the position `base`, up to the end of its first line.
fn lex(text: &str, base: u32) -> impl Iterator<Item = Token> {
    let at = move |at: usize| base + at as u32;
    Kind::lexer(text)
        .spanned()
        .map(move |(kind, range)| Token {
            kind: kind.unwrap_or(Kind::Unknown),
            span: Span::new(at(range.start), at(range.end)),
        })
        .take_while(|token| token.kind != Kind::Newline)
}

impl Chunk {
    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        self.tokens.clear();
        self.lines.clear();
    }

    /// Appends a token to the line that is being written.
    pub fn push(&mut self, token: Token) {
        self.tokens.push(token);
    }

    /// Ends the line that is being written. One without tokens is forgotten.
    pub fn end_line(&mut self, number: u32, begins: u32) {
        let end = self.tokens.len() as u32;
        if self.lines.last().map_or(0, |line| line.end) < end {
            self.lines.push(LineEnd { end, plain: None, number, begins });
        }
    }

    /// Appends a line that needs no tokens.
    fn push_plain(&mut self, plain: Plain, number: u32, begins: u32) {
        let end = self.tokens.len() as u32;
        self.lines.push(LineEnd { end, plain: Some(plain), number, begins });
    }

    /// Where its last line begins.
    pub fn last_begins(&self) -> Option<u32> {
        Some(self.lines.last()?.begins)
    }

    /// Its lines.
    pub fn lines(&self) -> impl Iterator<Item = RawLine<'_>> {
        let mut start = 0;
        self.lines.iter().map(move |&LineEnd { end, ref plain, number, begins }| {
            let lexed = &self.tokens[start..end as usize];
            start = end as usize;
            RawLine { lexed, plain: plain.as_ref(), number, begins }
        })
    }
}

/// Splits a text into lines, a chunk at a time.
pub struct Lexer<'t> {
    text: &'t str,
    base: u32,
    /// The byte that the next line begins with, and the number of that line.
    at: usize,
    number: u32,
    chunk: Chunk,
}

impl<'t> Lexer<'t> {
    /// Splits a text whose first byte has this position. A mark at its beginning is no part of what it says.
    pub fn new(text: &'t str, base: u32) -> Lexer<'t> {
        let at = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        Lexer { text, base, at, number: 1, chunk: Chunk::default() }
    }

    /// Where the next line begins, in bytes of the text.
    pub fn at(&self) -> usize {
        self.at
    }

    /// How many lines are behind.
    pub fn lines(&self) -> u32 {
        self.number - 1
    }

    /// Goes on at a byte behind so many further lines.
    pub fn skip(&mut self, to: usize, lines: u32) {
        self.at = to;
        self.number += lines;
    }

    /// The next lines that begin before the byte `end`, if there are any.
    pub fn next_chunk(&mut self, end: usize) -> Option<&Chunk> {
        let Lexer { chunk, .. } = self;
        chunk.clear();
        let end = end.min(self.text.len());
        while chunk.lines.len() < LINES_AT_ONCE && self.at < end {
            let begins = self.base + self.at as u32;
            match scan(self.text.as_bytes(), self.at, self.base) {
                Some((plain, next)) => {
                    self.at = next;
                    if let Some(plain) = plain {
                        chunk.push_plain(plain, self.number, begins);
                    }
                }
                None => {
                    let rest = &self.text[self.at..];
                    lex(rest, begins).for_each(|token| chunk.push(token));
                    chunk.end_line(self.number, begins);
                    self.at += rest.find('\n').map_or(rest.len(), |newline| newline + 1);
                }
            }
            self.number += 1;
        }
        (!chunk.lines.is_empty()).then_some(chunk)
    }
}
