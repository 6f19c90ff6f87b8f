//! Text to tree, a line at a time.

use super::grammar::{self, Tokens, describe};
use super::token::{Kind, Token, next_line};
use super::tree::{Line, Statement};
use crate::diagnostics::{Code, Diagnostic, SourceId, Span, closest};
use chumsky::error::{Rich, RichPattern, RichReason};
use chumsky::prelude::*;
use logos::Logos;

/// How many lines are lexed before they are parsed: few enough to stay in the cache, enough that
/// setting up the parser costs nothing.
const LINES_AT_ONCE: usize = 2048;

/// The most operators in one expression, so that its depth stays far from that of the call stack.
const MAX_OPERATORS: usize = 100;

/// Reads a text and hands its lines over, the empty ones excepted. A line that cannot be read goes
/// to `diagnostics` instead.
///
/// The text must be under 4 GiB.
pub fn parse(
    source: SourceId,
    text: &str,
    diagnostics: &mut Vec<Diagnostic>,
    mut each: impl FnMut(Line, &mut Vec<Diagnostic>),
) {
    let mut lexer = Kind::lexer(text);
    let mut tokens: Vec<Token> = Vec::new();
    // For each line, the end of its tokens and the byte where the next line begins.
    let mut ends: Vec<(usize, u32)> = Vec::new();
    let (mut number, mut begins, mut more) = (0, 0, true);
    while more {
        tokens.clear();
        ends.clear();
        while more && ends.len() < LINES_AT_ONCE {
            more = next_line(&mut lexer, &mut tokens);
            ends.push((tokens.len(), lexer.span().end as u32));
        }
        let parser = grammar::line::<extra::Default>(text);
        let mut start = 0;
        for &(end, next) in &ends {
            let line = &tokens[start..end];
            let first_byte = begins;
            (start, begins, number) = (end, next, number + 1);
            let Some(first) = line.first() else { continue };
            let parsed = match too_complex(line) {
                false => parser.parse(line).into_output(),
                true => None,
            };
            match parsed {
                Some((label, statement)) => {
                    let span = first.span.to(line[line.len() - 1].span);
                    let span = without_label(line, label, span);
                    each(Line { number, begins: first_byte, label, statement, span }, diagnostics);
                }
                None => {
                    diagnostics.push(explain(source, text, line));
                    if let Some(line) = remains(text, line, number, first_byte) {
                        each(line, diagnostics);
                    }
                }
            }
        }
    }
}

fn without_label(line: &[Token], label: Option<Span>, whole: Span) -> Span {
    match (label, line.get(2)) {
        (Some(_), Some(first)) => first.span.to(whole),
        _ => whole,
    }
}

fn too_complex(line: &[Token]) -> bool {
    let mut operators = 0;
    line.iter().any(|token| {
        operators = match token.kind {
            Kind::Comma => 0,
            kind => operators + usize::from(kind.is_operator()),
        };
        operators > MAX_OPERATORS
    })
}

/// What is still certain about a line that cannot be read: its label, and that a function begins or
/// ends here. Without it, one mistake would cause many false errors elsewhere.
fn remains(text: &str, line: Tokens, number: u32, begins: u32) -> Option<Line> {
    let label = match line {
        [name, colon, ..] if name.kind == Kind::Name && colon.kind == Kind::Colon => {
            Some(name.span)
        }
        _ => None,
    };
    let body = if label.is_some() { &line[2..] } else { line };
    let kept = match body {
        [func, name, ..] if func.kind == Kind::Func && name.kind == Kind::Name => 2,
        [end, ..] if end.kind == Kind::End => 1,
        _ => 0,
    };
    if label.is_none() && kept == 0 {
        return None;
    }
    let statement = grammar::line::<extra::Default>(text).parse(&body[..kept]).into_output();
    let statement = statement.map_or(Statement::Empty, |(_, statement)| statement);
    let span = line[0].span.to(line[line.len() - 1].span);
    Some(Line { number, begins, label, statement, span })
}

/// Finds out why a line cannot be read.
fn explain(source: SourceId, text: &str, tokens: Tokens) -> Diagnostic {
    for token in tokens {
        if let Some(diagnostic) = bad_token(source, text, *token) {
            return diagnostic;
        }
    }
    if too_complex(tokens) {
        let message = format!("more than {MAX_OPERATORS} operators in one expression");
        let span = tokens[0].span.to(tokens[tokens.len() - 1].span);
        return Diagnostic::error(Code::TooComplex, message)
            .at_span(source, span, "this line")
            .help("name parts of it with `.const`");
    }
    let errors = grammar::line::<extra::Err<Rich<Token>>>(text).parse(tokens).into_errors();
    let error = errors.first().expect("the cheap parser has refused the line");
    let at = error.span().start;
    let last = tokens[tokens.len() - 1].span;
    let span = tokens.get(at).map_or(last.after(), |t| t.span);
    let found = match tokens.get(at) {
        Some(token) => format!("`{}`", token.span.of(text)),
        None => "the end of the line".to_owned(),
    };
    let expected = expected(error.reason());
    Diagnostic::error(Code::Syntax, format!("expected {expected}, found {found}"))
        .at_span(source, span, format!("expected {expected}"))
        .maybe_help(form_of(tokens))
}

fn bad_token(source: SourceId, text: &str, token: Token) -> Option<Diagnostic> {
    let found = token.span.of(text);
    let (code, message, label, help) = match token.kind {
        Kind::Unknown => {
            let message = format!("unexpected character {found:?}");
            (Code::UnexpectedCharacter, message, "begins no token", None)
        }
        Kind::OpenText | Kind::OpenChar => {
            let quote = &found[..1];
            let message = format!("missing closing {quote}");
            let help = format!("close it with {quote} on the same line");
            (Code::UnterminatedText, message, "begins here", Some(help))
        }
        Kind::UnknownDirective => {
            let near = closest(found, Kind::DIRECTIVES);
            let message = format!("unknown directive `{found}`");
            let help = near.map(|n| format!("did you mean `{n}`?"));
            (Code::UnknownDirective, message, "no directive has this name", help)
        }
        _ => return None,
    };
    Some(Diagnostic::error(code, message).at_span(source, token.span, label).maybe_help(help))
}

/// The things expected, as a list in words.
fn expected(reason: &RichReason<'_, Token>) -> String {
    let RichReason::ExpectedFound { expected, .. } = reason else {
        return "something else".to_owned();
    };
    let mut names: Vec<String> = expected
        .iter()
        .map(|pattern| match pattern {
            RichPattern::Label(label) => label.to_string(),
            RichPattern::Token(token) => describe(token.kind).to_owned(),
            RichPattern::EndOfInput => "the end of the line".to_owned(),
            _ => "something else".to_owned(),
        })
        .filter(|name| name != "something else")
        .collect();
    names.sort();
    names.dedup();
    let covered: &[&str] = match () {
        () if names.iter().any(|n| n == "a name or number") => &["`(`", "`:`", "a name", "a type"],
        () if names.iter().any(|n| n == "an instruction") => &["the end of the line"],
        () => &[],
    };
    names.retain(|name| !covered.contains(&&**name));
    match names.pop() {
        None => "something else".to_owned(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} or {last}", names.join(", ")),
    }
}

/// The form of the directive that a line begins with.
fn form_of(tokens: &[Token]) -> Option<String> {
    let form =
        match tokens.iter().map(|t| t.kind).find(|k| *k != Kind::Name && *k != Kind::Colon)? {
            Kind::Lib => ".lib SLOT \"library\" function (types) -> type version N lazy",
            Kind::Func => ".func name (x: i64, y: f64) -> f64",
            Kind::End => ".end",
            Kind::Local => ".local name: i64, name: f64",
            Kind::Global => ".global name: i64 = 0",
            Kind::Data => ".data name \"text\", or .data name i32 1, 2, 3",
            Kind::Zero => ".zero name 4096",
            Kind::Const => ".const NAME = expression",
            Kind::Memory => ".memory 16 MiB max 1 GiB",
            Kind::Entry => ".entry function",
            Kind::Source => ".source \"file\" crc",
            Kind::Loc => ".loc line column",
            _ => return None,
        };
    Some(format!("the form is: {form}"))
}
