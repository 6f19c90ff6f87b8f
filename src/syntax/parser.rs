//! Tokens to tree, a line at a time.

use super::chunk::RawLine;
use super::explain::{excess_operator, explain};
use super::grammar::{self, Tokens};
use super::texts::Texts;
use super::token::{Kind, Token};
use super::tree::{Directive, Expr, ExprKind, Line, Statement};
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

    /// Reads a line that is not plain. Errors are told of `source`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn line(&self, raw: RawLine<'c>, source: SourceId) -> Result<Line, Box<Unread>> {
        let (tokens, number, begins) = (raw.lexed(), raw.number, raw.begins);
        match self.statement(tokens) {
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

    /// What tokens say as an expression, if they are one.
    pub fn expression(tokens: Tokens<'c>) -> Option<Expr> {
        if excess_operator(tokens).is_some() {
            return None;
        }
        grammar::expression::<extra::Default>().parse(tokens).into_output()
    }

    fn statement(&self, tokens: Tokens<'c>) -> Option<(Option<Span>, Statement)> {
        if excess_operator(tokens).is_some() {
            return None;
        }
        let grammar = self.grammar.get_or_init(|| grammar::line().boxed());
        grammar.parse(tokens).into_output()
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
    let (label, body) = match raw.lexed() {
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
