//! Text to tokens, some thousand lines at a time.

use super::token::{Kind, Token};
use crate::diagnostics::Span;
use logos::Logos;

/// How many lines are lexed before they are parsed: few enough to stay in the cache, enough that
/// setting up the grammar costs nothing.
const LINES_AT_ONCE: usize = 2048;

/// Lines as tokens.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    tokens: Vec<Token>,
    lines: Vec<LineEnd>,
}

#[derive(Clone, Copy, Debug)]
struct LineEnd {
    /// The end of its tokens.
    end: u32,
    number: u32,
    begins: u32,
}

/// A line as tokens, of which there is one at least.
#[derive(Clone, Copy, Debug)]
pub struct RawLine<'c> {
    /// Its tokens.
    pub tokens: &'c [Token],
    /// Its number in its text, from 1.
    pub number: u32,
    /// The position of its first byte.
    pub begins: u32,
}

/// A line that says so little that it is understood without the grammar, which says the same of it.
/// Nearly all lines are of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// A label alone.
    Label(Span),
    /// An instruction with one operand of a single token, or none.
    Instr {
        /// Its mnemonic.
        mnemonic: Span,
        /// Its operand: a name, a number, a character or a text.
        operand: Option<Token>,
    },
}

impl RawLine<'_> {
    /// What it says, where that takes no grammar.
    pub fn plain(&self) -> Option<Plain> {
        let (first, second) = match *self.tokens {
            [first] => (first, None),
            [first, second] => (first, Some(second)),
            _ => return None,
        };
        if !first.kind.is_name() {
            return None;
        }
        match second.map(|token| token.kind) {
            Some(Kind::Colon) => Some(Plain::Label(first.span)),
            Some(kind) if !kind.is_value() => None,
            _ => Some(Plain::Instr { mnemonic: first.span, operand: second }),
        }
    }

    /// From its first token to its last.
    pub fn span(&self) -> Span {
        self.tokens[0].span.to(self.tokens[self.tokens.len() - 1].span)
    }

    /// The directive that it begins with, a label apart.
    pub fn directive(&self) -> Kind {
        match self.tokens {
            [name, colon, first, ..] if name.kind.is_name() && colon.kind == Kind::Colon => {
                first.kind
            }
            [first, ..] => first.kind,
            [] => Kind::Newline,
        }
    }
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
            self.lines.push(LineEnd { end, number, begins });
        }
    }

    /// Where its last line begins.
    pub fn last_begins(&self) -> Option<u32> {
        Some(self.lines.last()?.begins)
    }

    /// Its lines.
    pub fn lines(&self) -> impl Iterator<Item = RawLine<'_>> {
        let mut start = 0;
        self.lines.iter().map(move |line| {
            let tokens = &self.tokens[start..line.end as usize];
            start = line.end as usize;
            RawLine { tokens, number: line.number, begins: line.begins }
        })
    }
}

/// Lexes a text, a chunk at a time.
pub struct Lexer<'t> {
    lexer: logos::Lexer<'t, Kind>,
    base: u32,
    number: u32,
    begins: u32,
}

impl<'t> Lexer<'t> {
    /// Lexes a text whose first byte has this position.
    pub fn new(text: &'t str, base: u32) -> Lexer<'t> {
        Lexer { lexer: Kind::lexer(text), base, number: 1, begins: base }
    }

    /// Puts the next lines into `chunk`, in place of what it held. `false` when there are none.
    pub fn next_chunk(&mut self, chunk: &mut Chunk) -> bool {
        chunk.clear();
        while chunk.lines.len() < LINES_AT_ONCE {
            let kind = match self.lexer.next() {
                None => {
                    chunk.end_line(self.number, self.begins);
                    return !chunk.lines.is_empty();
                }
                Some(Ok(Kind::Newline)) => {
                    chunk.end_line(self.number, self.begins);
                    self.number += 1;
                    self.begins = self.base + self.lexer.span().end as u32;
                    continue;
                }
                Some(Ok(kind)) => kind,
                Some(Err(())) => Kind::Unknown,
            };
            let span = self.lexer.span();
            let span = Span::new(self.base + span.start as u32, self.base + span.end as u32);
            chunk.push(Token { kind, span });
        }
        true
    }
}
