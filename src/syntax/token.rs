//! The tokens of program text.

use crate::diagnostics::Span;
use logos::Logos;

/// What a token is. Where it has a value, that is read from the text when somebody needs it.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[logos(skip r"[ \t\r]+")]
#[logos(skip(r"[;#][^\n]*", allow_greedy = true))]
pub enum Kind {
    /// The end of a line.
    #[token("\n")]
    Newline,
    /// A mnemonic, a name, or a word such as `version`.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    /// `.lib`
    #[token(".lib")]
    Lib,
    /// `.func`
    #[token(".func")]
    Func,
    /// `.end`
    #[token(".end")]
    End,
    /// `.local`
    #[token(".local")]
    Local,
    /// `.global`
    #[token(".global")]
    Global,
    /// `.data`
    #[token(".data")]
    Data,
    /// `.zero`
    #[token(".zero")]
    Zero,
    /// `.const`
    #[token(".const")]
    Const,
    /// `.memory`
    #[token(".memory")]
    Memory,
    /// `.entry`
    #[token(".entry")]
    Entry,
    /// `.source`
    #[token(".source")]
    Source,
    /// `.loc`
    #[token(".loc")]
    Loc,
    /// Any other directive; there is none.
    #[regex(r"\.[A-Za-z_][A-Za-z0-9_]*")]
    UnknownDirective,
    /// An integer, perhaps a malformed one.
    #[regex(r"[0-9][0-9A-Za-z_]*")]
    Integer,
    /// A float, perhaps a malformed one.
    #[regex(r"[0-9][0-9_]*\.[0-9A-Za-z_.]*([eE][+-][0-9_]+)?", priority = 5)]
    #[regex(r"[0-9][0-9_]*[eE][+-]?[0-9_]+", priority = 5)]
    #[regex(r"nan:0[xX][0-9A-Fa-f_]+", priority = 5)]
    Float,
    /// A text with its quotes.
    #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
    Text,
    /// A text whose closing quote is missing.
    #[regex(r#""([^"\\\n]|\\[^\n])*\\?"#, priority = 1)]
    OpenText,
    /// A character with its quotes.
    #[regex(r"'([^'\\\n]|\\[^\n])*'")]
    Char,
    /// A character whose closing quote is missing.
    #[regex(r"'([^'\\\n]|\\[^\n])*\\?", priority = 1)]
    OpenChar,
    /// `:`
    #[token(":")]
    Colon,
    /// `,`
    #[token(",")]
    Comma,
    /// `(`
    #[token("(")]
    ParenOpen,
    /// `)`
    #[token(")")]
    ParenClose,
    /// `=`
    #[token("=")]
    Equals,
    /// `->`
    #[token("->")]
    Arrow,
    /// `-`
    #[token("-")]
    Minus,
    /// `+`
    #[token("+")]
    Plus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `%`
    #[token("%")]
    Percent,
    /// `&`
    #[token("&")]
    And,
    /// `|`
    #[token("|")]
    Or,
    /// `^`
    #[token("^")]
    Caret,
    /// `~`
    #[token("~")]
    Tilde,
    /// `<<`
    #[token("<<")]
    ShiftLeft,
    /// `>>`
    #[token(">>")]
    ShiftRight,
    /// Characters that begin no token.
    Unknown,
}

impl Kind {
    /// The names of the directives.
    pub const DIRECTIVES: [&'static str; 12] = [
        ".lib", ".func", ".end", ".local", ".global", ".data", ".zero", ".const", ".memory",
        ".entry", ".source", ".loc",
    ];

    /// Whether it can be part of the nesting or the length of an expression.
    pub(super) fn is_operator(self) -> bool {
        use Kind::*;
        matches!(
            self,
            ParenOpen
                | Minus
                | Plus
                | Star
                | Slash
                | Percent
                | And
                | Or
                | Caret
                | Tilde
                | ShiftLeft
                | ShiftRight
        )
    }
}

/// A token of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// Appends the tokens of the next line to `tokens`, without its newline. `false` at the end of the
/// text, when there is no further line.
pub(super) fn next_line(lexer: &mut logos::Lexer<'_, Kind>, tokens: &mut Vec<Token>) -> bool {
    loop {
        let kind = match lexer.next() {
            None => return false,
            Some(Ok(Kind::Newline)) => return true,
            Some(Ok(kind)) => kind,
            Some(Err(())) => Kind::Unknown,
        };
        let span = lexer.span();
        tokens.push(Token { kind, span: Span::new(span.start as u32, span.end as u32) });
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use crate::diagnostics::Code;
    use logos::Logos;

    #[test]
    fn every_directive_is_a_token_and_explained() {
        for name in Kind::DIRECTIVES {
            let kind = Kind::lexer(name).next();
            assert!(kind.is_some_and(|k| k.is_ok_and(|k| k != Kind::UnknownDirective)), "{name}");
            assert!(Code::UnknownDirective.explanation().contains(name), "{name}");
        }
    }
}
