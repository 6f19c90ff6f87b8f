//! The tokens of program text.

use super::literal;
use crate::diagnostics::Span;
use logos::Logos;
use std::ops::Range;

/// What a token is. Where it has a value, that is read from the text when somebody needs it.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[logos(skip r"[ \t\r]+")]
#[logos(skip(r"[;#][^\n]*", allow_greedy = true))]
pub enum Kind {
    /// The end of a line.
    #[token("\n")]
    Newline,
    /// A mnemonic or a name.
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    /// A name in quotes, `$"…"`: any characters, and never a word of a directive or a float.
    #[regex(r#"\$"([^"\\\n]|\\[^\n])*""#, holds_name)]
    Quoted,
    /// A name whose closing quote is missing.
    #[regex(r#"\$"([^"\\\n]|\\[^\n])*\\?"#, priority = 1)]
    OpenQuoted,
    /// `at`, a word where an address can be given, and a name anywhere else.
    #[token("at")]
    At,
    /// `version`, a word in a `.lib`, and a name anywhere else.
    #[token("version")]
    Version,
    /// `lazy`, a word in a `.lib`, and a name anywhere else.
    #[token("lazy")]
    Lazy,
    /// `max`, a word in `.memory`, and a name anywhere else.
    #[token("max")]
    Max,
    /// `len`, a function where a parenthesis follows, and a name anywhere else.
    #[token("len")]
    Len,
    /// `defined`, a function where a parenthesis follows, and a name anywhere else.
    #[token("defined")]
    Defined,
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
    /// `.public`
    #[token(".public")]
    Public,
    /// `.extern`
    #[token(".extern")]
    Extern,
    /// `.source`
    #[token(".source")]
    Source,
    /// `.loc`
    #[token(".loc")]
    Loc,
    /// `.align`
    #[token(".align")]
    Align,
    /// `.include`
    #[token(".include")]
    Include,
    /// `.macro`
    #[token(".macro")]
    Macro,
    /// `.endmacro`
    #[token(".endmacro")]
    EndMacro,
    /// `.if`
    #[token(".if")]
    If,
    /// `.elif`
    #[token(".elif")]
    Elif,
    /// `.else`
    #[token(".else")]
    Else,
    /// `.endif`
    #[token(".endif")]
    EndIf,
    /// `.expansion`
    #[token(".expansion")]
    Expansion,
    /// `.endexpansion`
    #[token(".endexpansion")]
    EndExpansion,
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
    /// `)`
    #[token(")")]
    ParenClose,
    /// `=`
    #[token("=")]
    Equals,
    /// `->`
    #[token("->")]
    Arrow,
    // From here on to the last of them: what makes an expression nested or long.
    /// `(`
    #[token("(")]
    ParenOpen,
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
    /// `==`
    #[token("==")]
    Equal,
    /// `!=`
    #[token("!=")]
    NotEqual,
    /// `<`
    #[token("<")]
    Less,
    /// `<=`
    #[token("<=")]
    LessEqual,
    /// `>`
    #[token(">")]
    Greater,
    /// `>=`
    #[token(">=")]
    GreaterEqual,
    /// `&&`
    #[token("&&")]
    AndAnd,
    /// `||`
    #[token("||")]
    OrOr,
    /// `!`
    #[token("!")]
    Bang,
    /// Characters that begin no token.
    Unknown,
}

impl Kind {
    /// The names of the directives.
    pub const DIRECTIVES: [&'static str; 24] = [
        ".lib",
        ".func",
        ".end",
        ".local",
        ".global",
        ".data",
        ".zero",
        ".align",
        ".const",
        ".memory",
        ".entry",
        ".public",
        ".extern",
        ".include",
        ".macro",
        ".endmacro",
        ".if",
        ".elif",
        ".else",
        ".endif",
        ".source",
        ".loc",
        ".expansion",
        ".endexpansion",
    ];

    /// Whether it can name something. The words of some directives are names everywhere else.
    pub fn is_name(self) -> bool {
        use Kind::*;
        matches!(self, Name | Quoted | At | Version | Lazy | Max | Len | Defined)
    }

    /// Whether it is an operand by itself.
    pub fn is_value(self) -> bool {
        use Kind::*;
        matches!(self, Integer | Float | Char | Text) || self.is_name()
    }

    /// Whether it can be part of the nesting or the length of an expression.
    pub fn is_operator(self) -> bool {
        self >= Kind::ParenOpen && self <= Kind::Bang
    }
}

/// Whether a name in quotes is one: its escapes exist.
fn holds_name(lexer: &mut logos::Lexer<Kind>) -> bool {
    literal::name(lexer.slice()).is_ok()
}

/// The places of the quoted names in a line.
pub fn quoted_names(line: &str) -> impl Iterator<Item = Range<usize>> {
    let tokens = Kind::lexer(line).spanned();
    tokens.filter(|(kind, _)| *kind == Ok(Kind::Quoted)).map(|(_, range)| range)
}

/// The first token of a line, if that begins with one.
pub fn first_token(line: &str) -> Option<(Kind, Range<usize>)> {
    let (kind, range) = Kind::lexer(line).spanned().next()?;
    Some((kind.ok()?, range))
}

/// A token of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
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
