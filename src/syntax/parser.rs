//! Tokens to tree, a line at a time.

use super::chunk::RawLine;
use super::explain::{excess_operator, explain};
use super::grammar::{self, Tokens};
use super::texts::Texts;
use super::token::{Kind, Token};
use super::tree::{Directive, Expr, ExprKind, Line, Operand, Operands, Statement};
use crate::diagnostics::{Diagnostic, SourceId, Span, closest};
use chumsky::{Boxed, Parser as _, extra};
use logos::Logos;
use std::cell::OnceCell;

/// Reads lines.
pub struct Parser<'c, 't> {
    texts: &'t Texts<'t>,
    /// Made for the first line that needs it.
    grammar: OnceCell<Boxed<'c, 'c, Tokens<'c>, (Option<Span>, Statement), extra::Default>>,
}

/// A line that cannot be read.
pub struct Unread {
    /// Why.
    pub diagnostic: Diagnostic,
    /// What is still certain about it: its label, and that a function begins or ends there. Without
    /// it, one mistake would cause many false errors elsewhere.
    pub remains: Option<Line>,
}

impl<'c, 't> Parser<'c, 't> {
    /// Reads lines of these texts.
    pub fn new(texts: &'t Texts<'t>) -> Parser<'c, 't> {
        Parser { texts, grammar: OnceCell::new() }
    }

    /// Reads a line. Errors are told of `source`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn line(&self, raw: RawLine<'c>, source: SourceId) -> Result<Line, Box<Unread>> {
        let RawLine { tokens, number, begins } = raw;
        match common(tokens).or_else(|| self.general(tokens)) {
            Some((label, statement)) => {
                let span = without_label(tokens, label, raw.span());
                Ok(Line { number, begins, label, statement, span })
            }
            None => Err(Box::new(Unread {
                diagnostic: explain(source, self.texts, tokens),
                remains: remains(self.texts, raw),
            })),
        }
    }

    fn general(&self, tokens: Tokens<'c>) -> Option<(Option<Span>, Statement)> {
        if excess_operator(tokens).is_some() {
            return None;
        }
        let grammar = self.grammar.get_or_init(|| grammar::line().boxed());
        grammar.parse(tokens).into_output()
    }
}

/// Reads what nearly all lines are, an instruction with one plain operand or none, perhaps behind a
/// label. The grammar says the same about them, but takes longer.
fn common(tokens: Tokens) -> Option<(Option<Span>, Statement)> {
    let (label, rest) = match tokens {
        [name, colon, rest @ ..] if name.kind.is_name() && colon.kind == Kind::Colon => {
            (Some(name.span), rest)
        }
        _ => (None, tokens),
    };
    let (mnemonic, first) = match rest {
        [] => return Some((label, Statement::Empty)),
        [mnemonic] => (mnemonic, None),
        [mnemonic, operand] => (mnemonic, Some(plain(*operand)?)),
        _ => return None,
    };
    let operands = Operands { first, rest: Vec::new() };
    let instr = Statement::Instr { mnemonic: mnemonic.span, operands };
    mnemonic.kind.is_name().then_some((label, instr))
}

/// The operand that a token is by itself.
fn plain(token: Token) -> Option<Operand> {
    match token.kind {
        Kind::Text => Some(Operand::Text(token.span)),
        _ => single(token).map(Operand::Expr),
    }
}

/// The expression that a token is by itself.
pub(super) fn single(token: Token) -> Option<Expr> {
    let kind = match token.kind {
        Kind::Integer => ExprKind::Integer,
        Kind::Float => ExprKind::Float,
        Kind::Char => ExprKind::Char,
        kind if kind.is_name() => ExprKind::Name,
        _ => return None,
    };
    Some(Expr { span: token.span, kind })
}

fn without_label(line: &[Token], label: Option<Span>, whole: Span) -> Span {
    match (label, line.get(2)) {
        (Some(_), Some(first)) => first.span.to(whole),
        _ => whole,
    }
}

fn remains(texts: &Texts, raw: RawLine) -> Option<Line> {
    let (label, body) = match raw.tokens {
        [name, colon, body @ ..] if name.kind.is_name() && colon.kind == Kind::Colon => {
            (Some(name.span), body)
        }
        line => (None, line),
    };
    let statement = match body {
        [func, rest @ ..] if meant(texts, func) == Kind::Func => {
            let name = rest.first().filter(|token| token.kind.is_name());
            let name = name.map_or(func.span.after(), |token| token.span);
            let func = Directive::Func { name, params: Vec::new(), result: None };
            Statement::Directive(Box::new(func))
        }
        [end, ..] if meant(texts, end) == Kind::End => {
            Statement::Directive(Box::new(Directive::End))
        }
        _ if label.is_none() => return None,
        _ => Statement::Empty,
    };
    Some(Line { number: raw.number, begins: raw.begins, label, statement, span: raw.span() })
}

/// What a token is, or for a mistyped directive, what it was probably meant to be.
pub(super) fn meant(texts: &Texts, token: &Token) -> Kind {
    let near = match token.kind {
        Kind::UnknownDirective => closest(token.span.of(texts), Kind::DIRECTIVES),
        _ => None,
    };
    near.and_then(|name| Kind::lexer(name).next()?.ok()).unwrap_or(token.kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tokens that a common line has, and some that none has.
    const KINDS: [Kind; 16] = [
        Kind::Name,
        Kind::Name,
        Kind::At,
        Kind::Len,
        Kind::Integer,
        Kind::Float,
        Kind::Char,
        Kind::Text,
        Kind::OpenText,
        Kind::Colon,
        Kind::Colon,
        Kind::Comma,
        Kind::Minus,
        Kind::ParenOpen,
        Kind::End,
        Kind::Unknown,
    ];

    proptest! {
        #[test]
        fn the_short_way_and_the_grammar_agree(picks in prop::collection::vec(0..KINDS.len(), 1..6)) {
            let tokens: Vec<Token> = (0..)
                .zip(picks)
                .map(|(at, pick)| Token { kind: KINDS[pick], span: Span::new(2 * at, 2 * at + 1) })
                .collect();
            if let Some(short) = common(&tokens) {
                let grammar = grammar::line::<extra::Default>();
                prop_assert_eq!(Some(short), grammar.parse(&tokens[..]).into_output());
            }
        }
    }

    #[test]
    fn most_forms_go_the_short_way() {
        let line = |kinds: &[Kind]| {
            let token = |&kind| Token { kind, span: Span::default() };
            common(&kinds.iter().map(token).collect::<Vec<_>>()).is_some()
        };
        use Kind::*;
        for kinds in [&[Name][..], &[Name, Integer], &[Name, Colon], &[Name, Colon, Name, Text]] {
            assert!(line(kinds), "{kinds:?}");
        }
        assert!(!line(&[Name, Minus, Integer]) && !line(&[End]));
    }
}
