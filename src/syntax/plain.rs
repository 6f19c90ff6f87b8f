//! Plain lines: a label alone, an instruction with at most one operand of one word, and the directives
//! that every function has. Nearly all lines are plain, and these are read byte by byte, without tokens
//! and grammar, which say the same of them.

use super::token::{Kind, Token};
use super::tree::{Directive, Expr, ExprKind, Line, Operand, Operands, Param, Statement};
use crate::diagnostics::{Span, Text};
use crate::isa::Op;

/// What a plain line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// A label alone.
    Label {
        /// Its name.
        name: Span,
        /// With the colon.
        line: Span,
    },
    /// An instruction.
    Instr {
        /// The first of its mnemonic.
        op: Op,
        /// Its mnemonic.
        mnemonic: Span,
        /// Its operand.
        operand: Option<Word>,
    },
    /// A `.func` without parameters and result.
    Func {
        /// Its name.
        name: Span,
        /// All of it.
        line: Span,
    },
    /// A `.local` of one variable.
    Local {
        /// The variable.
        param: Param,
        /// All of it.
        line: Span,
    },
    /// `.end`
    End(Span),
}

/// An operand of one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// A name.
    Name(Span),
    /// An integer, perhaps a malformed one.
    Integer {
        /// Where it stands.
        span: Span,
        /// Its value, where it is decimal and has few digits, as nearly all have.
        small: Option<u32>,
    },
}

impl Word {
    /// Where it stands.
    pub fn span(self) -> Span {
        let (Word::Name(span) | Word::Integer { span, .. }) = self;
        span
    }

    /// As an expression.
    pub fn expr(self) -> Expr {
        let kind = match self {
            Word::Name(_) => ExprKind::Name,
            Word::Integer { .. } => ExprKind::Integer,
        };
        Expr { span: self.span(), kind }
    }

    fn of_token(Token { kind, span }: Token, texts: &impl Text) -> Option<Word> {
        match kind {
            Kind::Integer => {
                Some(Word::Integer { span, small: small_decimal(span.of(texts).as_bytes()) })
            }
            kind => kind.is_name().then_some(Word::Name(span)),
        }
    }
}

impl Plain {
    /// What tokens say, where that is plain.
    pub(super) fn of_tokens(tokens: &[Token], texts: &impl Text) -> Option<Plain> {
        let (first, second) = match *tokens {
            [Token { kind: Kind::End, span }] => return Some(Plain::End(span)),
            [Token { kind: Kind::Func, span }, name] if name.kind.is_name() => {
                return Some(Plain::Func { name: name.span, line: span.to(name.span) });
            }
            [Token { kind: Kind::Local, span }, name, colon, ty]
                if name.kind.is_name() && colon.kind == Kind::Colon && ty.kind.is_name() =>
            {
                let param = Param { name: name.span, ty: ty.span };
                return Some(Plain::Local { param, line: span.to(ty.span) });
            }
            [first] => (first, None),
            [first, second] => (first, Some(second)),
            _ => return None,
        };
        let Word::Name(first) = Word::of_token(first, texts)? else { return None };
        let operand = match second {
            Some(Token { kind: Kind::Colon, span }) => {
                return Some(Plain::Label { name: first, line: first.to(span) });
            }
            Some(operand) => Some(Word::of_token(operand, texts)?),
            None => None,
        };
        Some(Plain::Instr { op: Op::from_mnemonic(first.of(texts))?, mnemonic: first, operand })
    }

    /// From its first byte to its last.
    pub(super) fn span(self) -> Span {
        match self {
            Plain::Label { line, .. } | Plain::Func { line, .. } | Plain::Local { line, .. } => {
                line
            }
            Plain::End(line) => line,
            Plain::Instr { mnemonic, operand, .. } => {
                mnemonic.to(operand.map_or(mnemonic, |operand| operand.span()))
            }
        }
    }

    /// As the grammar puts it.
    pub fn line(self, number: u32, begins: u32) -> Line {
        let directive = |directive| (None, Statement::Directive(Box::new(directive)));
        let (label, statement) = match self {
            Plain::Func { name, .. } => {
                directive(Directive::Func { name, params: Vec::new(), result: None })
            }
            Plain::Local { param, .. } => directive(Directive::Local(vec![param])),
            Plain::End(_) => directive(Directive::End),
            Plain::Label { name, .. } => (Some(name), Statement::Empty),
            Plain::Instr { mnemonic, operand, .. } => {
                let first = operand.map(|operand| Operand::Expr(operand.expr()));
                let operands = Operands { first, rest: Vec::new() };
                (None, Statement::Instr { mnemonic, operands })
            }
        };
        Line { number, begins, label, statement, span: self.span() }
    }
}

/// Reads a line of a text whose first byte has the position `base`. Gives what it says, nothing for a
/// blank one, and where the next line begins; or `None` where it is not plain.
#[inline]
pub(super) fn scan(text: &[u8], begins: usize, base: u32) -> Option<(Option<Plain>, usize)> {
    let span = |start: usize, end: usize| Span::new(base + start as u32, base + end as u32);
    let start = skip(text, begins, BLANK);
    let (plain, end) = match mnemonic(text, start) {
        Some((op, end)) => {
            let (operand, behind) = operand(text, end, span);
            (Plain::Instr { op, mnemonic: span(start, end), operand }, behind)
        }
        None if text.get(start) == Some(&b'.') => directive(text, start, span)?,
        None if sees(text, start, LETTER) => label(text, start, span)?,
        None => return Some((None, end_of_line(text, start)?)),
    };
    Some((Some(plain), end_of_line(text, end)?))
}

/// The instruction whose mnemonic begins here, and where it ends. It looks at 16 bytes at once, and so
/// finds none among the last ones of a text.
#[inline]
fn mnemonic(text: &[u8], start: usize) -> Option<(Op, usize)> {
    const ONES: u128 = u128::MAX / 0xff;
    let word = u128::from_le_bytes(*text.get(start..)?.first_chunk()?);
    // The bytes before `0`, which begin no part of a word: the lowest of them has its top bit here.
    let ends = word.wrapping_sub(ONES * b'0' as u128) & !word & ONES << 7;
    let bits = ends.trailing_zeros() & !7;
    let op = Op::from_key(word & 1u128.checked_shl(bits)?.wrapping_sub(1))?;
    Some((op, start + bits as usize / 8))
}

/// The operand behind a mnemonic, if there is one, and where the two end.
#[inline]
fn operand(text: &[u8], end: usize, span: impl Fn(usize, usize) -> Span) -> (Option<Word>, usize) {
    let start = skip(text, end, BLANK);
    if sees(text, start, LETTER) {
        let end = skip(text, start, WORD);
        (Some(Word::Name(span(start, end))), end)
    } else if sees(text, start, DIGIT) {
        // Other integers have letters that floats have too.
        let digits = if text[start..].starts_with(b"0x") { WORD } else { DIGIT };
        let end = skip(text, start, digits);
        let small = small_decimal(&text[start..end]);
        (Some(Word::Integer { span: span(start, end), small }), end)
    } else {
        (None, start)
    }
}

/// The value of a decimal integer that has so few digits that it cannot be too large.
#[inline]
fn small_decimal(digits: &[u8]) -> Option<u32> {
    if digits.len() > 9 {
        return None;
    }
    let mut value = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u32::from(digit);
    }
    Some(value)
}

/// The label that begins here, and where it ends.
fn label(text: &[u8], start: usize, span: impl Fn(usize, usize) -> Span) -> Option<(Plain, usize)> {
    let end = skip(text, start, WORD);
    let colon = skip(text, end, BLANK);
    let behind = (text.get(colon) == Some(&b':')).then_some(colon + 1)?;
    Some((Plain::Label { name: span(start, end), line: span(start, behind) }, behind))
}

/// The directive that begins here, where it is plain, and where it ends.
fn directive(
    text: &[u8],
    start: usize,
    span: impl Fn(usize, usize) -> Span,
) -> Option<(Plain, usize)> {
    let name = |at| {
        let at = skip(text, at, BLANK);
        sees(text, at, LETTER).then(|| (at, skip(text, at, WORD)))
    };
    let end = skip(text, start + 1, WORD);
    match &text[start..end] {
        b".end" => Some((Plain::End(span(start, end)), end)),
        b".func" => {
            let (at, end) = name(end)?;
            Some((Plain::Func { name: span(at, end), line: span(start, end) }, end))
        }
        b".local" => {
            let (at, end) = name(end)?;
            let colon = skip(text, end, BLANK);
            let (ty, behind) = (text.get(colon) == Some(&b':')).then(|| name(colon + 1))??;
            let param = Param { name: span(at, end), ty: span(ty, behind) };
            Some((Plain::Local { param, line: span(start, behind) }, behind))
        }
        _ => None,
    }
}

#[inline]
fn sees(text: &[u8], at: usize, classes: u8) -> bool {
    text.get(at).is_some_and(|&byte| CLASSES[byte as usize] & classes != 0)
}

/// Behind all that is of these classes.
#[inline]
fn skip(text: &[u8], mut at: usize, classes: u8) -> usize {
    while sees(text, at, classes) {
        at += 1;
    }
    at
}

/// Where the next line begins, when nothing but space and a comment is left of this one.
#[inline]
fn end_of_line(text: &[u8], at: usize) -> Option<usize> {
    let at = skip(text, at, BLANK);
    match text.get(at) {
        None => Some(at),
        Some(b'\n') => Some(at + 1),
        Some(b';' | b'#') => {
            let newline = text[at..].iter().position(|&byte| byte == b'\n');
            Some(newline.map_or(text.len(), |newline| at + newline + 1))
        }
        Some(_) => None,
    }
}

/// Space within a line.
const BLANK: u8 = 1;
/// What a name begins with.
const LETTER: u8 = 2;
/// Digits, and what groups them.
const DIGIT: u8 = 4;
/// What goes on with a name.
const WORD: u8 = 8;

/// The classes of each byte.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut at = 0;
    while at < classes.len() {
        classes[at] = match at as u8 {
            b' ' | b'\t' | b'\r' => BLANK,
            b'A'..=b'Z' | b'a'..=b'z' => LETTER | WORD,
            b'0'..=b'9' => DIGIT | WORD,
            b'_' => LETTER | DIGIT | WORD,
            _ => 0,
        };
        at += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::grammar;
    use chumsky::{Parser as _, extra};
    use logos::Logos;
    use proptest::prelude::*;

    /// Of such pieces lines are made, plain and others.
    const PIECES: [&str; 38] = [
        " ",
        "\t",
        "\r",
        "PUSH",
        "load",
        "Load",
        "CALL_NATIVE",
        "x",
        "_",
        "at",
        "len",
        "nan",
        "inf",
        "e",
        "0",
        "7",
        "12_3",
        "0x",
        "1e5",
        "0x1F",
        ".",
        ".end",
        ".func",
        ".local",
        ".Func",
        ":",
        ":0x1",
        ",",
        "-",
        "+",
        "(",
        "\"a\"",
        "$\"a b\"",
        "$",
        "'b'",
        "; c",
        "#",
        "é",
    ];

    /// A text whose first byte has a position of its own.
    struct Shifted<'t>(&'t str, u32);

    impl Text for Shifted<'_> {
        fn at(&self, span: Span) -> &str {
            &self.0[(span.start - self.1) as usize..(span.end - self.1) as usize]
        }
    }

    fn tokens(line: &str) -> Vec<Token> {
        let lexer = Kind::lexer(line).spanned();
        let token = |(kind, range): (Result<Kind, ()>, std::ops::Range<usize>)| {
            let span = Span::new(range.start as u32, range.end as u32);
            Token { kind: kind.unwrap_or(Kind::Unknown), span }
        };
        lexer.map(token).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn what_is_read_byte_by_byte_the_grammar_reads_too(
            pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..7),
        ) {
            let line = pieces.concat();
            let tokens = tokens(&line);
            for end in ["", "\n", "\nRET                \n"] {
                let text = format!("RET\n{line}{end}");
                let base = 100;
                let Some((plain, next)) = scan(text.as_bytes(), 4, base) else { continue };
                prop_assert_eq!(next, text.len().min(4 + line.len() + 1));
                let Some(plain) = plain else {
                    prop_assert!(tokens.is_empty());
                    continue;
                };
                let moved = |span: Span| Span::new(span.start + base + 4, span.end + base + 4);
                let tokens: Vec<_> =
                    tokens.iter().map(|t| Token { span: moved(t.span), ..*t }).collect();
                prop_assert_eq!(Plain::of_tokens(&tokens, &Shifted(&text, base)), Some(plain));
                let grammar = grammar::line::<extra::Default>();
                let found = grammar.parse(&tokens[..]).into_output();
                let Line { label, statement, span, .. } = plain.line(1, 0);
                prop_assert_eq!(found, Some((label, statement)));
                prop_assert_eq!(span, tokens[0].span.to(tokens[tokens.len() - 1].span));
            }
        }

        #[test]
        fn what_is_simple_is_plain(name in "_[a-z0-9_]{0,5}", number in "[0-9]{1,20}|0x[0-9a-f]{1,9}") {
            for line in [
                "  ret".to_owned(),
                format!("{name} :\r ; it"),
                format!("LIB_VERSION {name}#"),
                format!("\tpush\t{number} "),
                format!(" .func {name}"),
                format!(".local {name}: i64"),
                ".end".to_owned(),
            ] {
                let text = format!("{line}\n                ");
                let scanned = scan(text.as_bytes(), 0, 0);
                prop_assert!(matches!(scanned, Some((Some(_), next)) if next == line.len() + 1), "{line}");
            }
        }
    }
}
