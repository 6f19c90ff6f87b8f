//! Why a line cannot be read.

use super::grammar::{self, Tokens, describe};
use super::odd;
use super::texts::Texts;
use super::token::{Kind, Token};
use crate::diagnostics::{Code, Diagnostic, Help, SourceId, Span, closest};
use chumsky::error::{Rich, RichPattern, RichReason};
use chumsky::prelude::*;

/// The most operators in one expression, so that its depth stays far from that of the call stack.
const MAX_OPERATORS: usize = 100;

/// The operator with which an expression becomes too long.
pub(super) fn excess_operator(line: Tokens<'_>) -> Option<&Token> {
    let mut operators = 0;
    line.iter().find(|token| {
        operators = match token.kind {
            Kind::Comma => 0,
            kind => operators + usize::from(kind.is_operator()),
        };
        operators > MAX_OPERATORS
    })
}

/// Finds out why a line cannot be read.
pub(super) fn explain(source: SourceId, texts: &Texts, tokens: Tokens) -> Diagnostic {
    if let Some(diagnostic) = odd::explain(source, texts, tokens) {
        return diagnostic;
    }
    if let Some(excess) = excess_operator(tokens) {
        let message = format!("more than {MAX_OPERATORS} operators in one expression");
        let help = match texts.is_expansion(tokens[0].span.start) {
            true => {
                "an argument whose value is not known yet, such as an address, grows with each macro \
                 that hands it on; let the macros hand on a number, and add it to the address in the last"
            }
            false => "name parts of it with `.const`",
        };
        return Diagnostic::error(Code::TooComplex, message)
            .at_span(source, excess.span, "one too many")
            .help(help);
    }
    let errors = grammar::line::<extra::Err<Rich<Token>>>().parse(tokens).into_errors();
    let error = errors.first().expect("the cheap parser has refused the line");
    let at = error.span().start;
    let last = tokens[tokens.len() - 1].span;
    let span = tokens.get(at).map_or(last.after(), |t| t.span);
    let found = match tokens.get(at) {
        Some(token) => match texts.name(token.span) {
            "" => describe(token.kind).to_owned(),
            text => format!("`{text}`"),
        },
        None => "the end of the line".to_owned(),
    };
    let words = expected(error.reason());
    let misread = mistyped_word(texts, tokens, at, &words);
    if let Some((word, help)) = misread.or_else(|| unknown_function(texts, tokens, at)) {
        let message = format!("`{}` cannot stand here", word.of(texts));
        return Diagnostic::error(Code::Syntax, message)
            .at_span(source, word, "not known here")
            .help(help);
    }
    let expected = in_words(words);
    Diagnostic::error(Code::Syntax, format!("expected {expected}, found {found}"))
        .at_span(source, span, format!("expected {expected}"))
        .maybe_help(form_of(tokens).or_else(|| without_point(tokens.first()?.span.of(texts))))
}

/// A word such as `max` that is expected, and which the token there, or that before it, is nearly.
fn mistyped_word(
    texts: &Texts,
    tokens: Tokens,
    at: usize,
    expected: &[String],
) -> Option<(Span, Help)> {
    let words: Vec<&str> = expected.iter().map(|it| it.trim_matches('`')).collect();
    let words = words.into_iter().filter(|word| word.chars().all(|c| c.is_ascii_alphabetic()));
    let words: Vec<&str> = words.collect();
    let places = [Some(at), at.checked_sub(1)].into_iter().flatten();
    let mut found = places.filter_map(|at| tokens.get(at)).filter(|it| it.kind == Kind::Name);
    found.find_map(|token| {
        let near = closest(token.span.of(texts), words.iter().copied())?;
        Some((token.span, Help::did_you_mean(near)))
    })
}

/// The functions that an expression can call, with names that they have elsewhere.
const FUNCTIONS: [(&str, [&str; 4]); 2] = [
    ("len", ["length", "size", "sizeof", "strlen"]),
    ("defined", ["def", "exists", "isdef", "ifdef"]),
];

/// A name in an expression that a parenthesis follows.
fn unknown_function(texts: &Texts, tokens: Tokens, at: usize) -> Option<(Span, Help)> {
    let [name, open] = tokens.get(at.checked_sub(1)?..=at)? else { return None };
    let in_expression = at > 1 && name.kind == Kind::Name && open.kind == Kind::ParenOpen;
    if !in_expression || name.span.end != open.span.start || matches!(tokens[0].kind, Kind::Func) {
        return None;
    }
    let name = name.span;
    let text = name.of(texts);
    let known = FUNCTIONS.iter().find(|(_, names)| names.contains(&text)).map(|(known, _)| *known);
    let near = known.or_else(|| closest(text, FUNCTIONS.map(|(known, _)| known)));
    let help = match near {
        Some(near) => Help::did_you_mean(near),
        None => "expressions have the functions `len(data)` and `defined(name)`".into(),
    };
    Some((name, help))
}

/// What to do about the first word of a line that was probably meant to be a directive.
pub fn without_point(word: &str) -> Option<String> {
    let meant = Kind::DIRECTIVES.into_iter().find(|name| name[1..] == *word)?;
    Some(format!("directives begin with a point: `{meant}`"))
}

/// Expectations that others say already, by the more general one.
const COVERED: [(&str, &[&str]); 3] = [
    ("an operand", &["a name or number", "a text in double quotes"]),
    ("a name or number", &["`(`", "`:`", "a name", "a type"]),
    ("an instruction", &["the end of the line"]),
];

/// The things expected.
fn expected(reason: &RichReason<'_, Token>) -> Vec<String> {
    let RichReason::ExpectedFound { expected, .. } = reason else { return Vec::new() };
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
    for (general, special) in COVERED.iter().rev() {
        if names.iter().any(|name| name == general) {
            names.retain(|name| !special.contains(&&**name));
        }
    }
    names
}

/// As a list in words.
fn in_words(mut names: Vec<String>) -> String {
    match names.pop() {
        None => "something else".to_owned(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} or {last}", names.join(", ")),
    }
}

/// The form of what a line begins with.
fn form_of(tokens: Tokens) -> Option<String> {
    let kinds: Vec<Kind> = tokens.iter().map(|token| token.kind).take(4).collect();
    if let [a, Kind::Colon, b, Kind::Colon] = kinds[..]
        && a.is_name()
        && b.is_name()
    {
        return Some("one label stands on a line".to_owned());
    }
    let form = match kinds.into_iter().find(|k| !k.is_name() && *k != Kind::Colon)? {
        Kind::Lib => {
            ".lib SLOT \"library\" function (types) -> type version N lazy, or .lib \"library\""
        }
        Kind::Func => ".func name (x: i64, y: f64) -> f64",
        Kind::End => ".end",
        Kind::Local => ".local name: i64, name: f64 (a local begins at 0)",
        Kind::Global => ".global name: i64 = 0",
        Kind::Data => ".data name \"text\", or .data name i32 1, 2, 3",
        Kind::Zero => ".zero name 4096",
        Kind::Const => ".const NAME = expression",
        Kind::Memory => ".memory 16 MiB max 1 GiB",
        Kind::Entry => ".entry function",
        Kind::Public => ".public name, name",
        Kind::Extern => {
            ".extern function (i64, f64) -> i64, or .extern global: i64, or .extern name"
        }
        Kind::Source => ".source \"file\" crc",
        Kind::Loc => ".loc line column",
        Kind::Align => ".align 16",
        Kind::Include => ".include \"file\"",
        Kind::Macro => ".macro name parameter, parameter",
        Kind::EndMacro => ".endmacro",
        Kind::If => ".if expression",
        Kind::Elif => ".elif expression",
        Kind::Else => ".else",
        Kind::EndIf => ".endif",
        Kind::Expansion => ".expansion \"macro\"",
        Kind::EndExpansion => ".endexpansion",
        _ => return None,
    };
    Some(format!("the form is: {form}"))
}
