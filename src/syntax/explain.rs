//! Why a line cannot be read.

use super::grammar::{self, Tokens, describe};
use super::literal;
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
    for token in tokens {
        if let Some(diagnostic) = bad_token(source, texts, *token) {
            return diagnostic;
        }
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
    let expected = expected(error.reason());
    Diagnostic::error(Code::Syntax, format!("expected {expected}, found {found}"))
        .at_span(source, span, format!("expected {expected}"))
        .maybe_help(form_of(tokens).or_else(|| without_point(tokens.first()?.span.of(texts))))
}

/// What to do about the first word of a line that was probably meant to be a directive.
pub fn without_point(word: &str) -> Option<String> {
    let meant = Kind::DIRECTIVES.into_iter().find(|name| name[1..] == *word)?;
    Some(format!("directives begin with a point: `{meant}`"))
}

fn bad_token(source: SourceId, texts: &Texts, token: Token) -> Option<Diagnostic> {
    let found = token.span.of(texts);
    let (code, message, label, help) = match token.kind {
        Kind::Unknown if found.starts_with("$\"") => {
            return literal::name(found).err().map(|bad| bad.at(source, token.span));
        }
        Kind::Unknown => {
            let shown = if found.contains(char::is_control) {
                found.escape_debug().to_string()
            } else {
                found.to_owned()
            };
            let message = format!("unexpected character `{shown}`");
            let line = texts.line_around(token.span.end);
            let help = stray_character(found, Span::new(token.span.end, line.end).of(texts));
            let help = help.map(Help::from);
            (Code::UnexpectedCharacter, message, "begins no token", help)
        }
        Kind::OpenText | Kind::OpenChar | Kind::OpenQuoted => {
            let quote = if token.kind == Kind::OpenChar { "'" } else { "\"" };
            let message = format!("missing closing `{quote}`");
            let help = match found.contains(&format!("\\{quote}")) {
                true => {
                    format!("`\\{quote}` is a quote inside the text; a backslash is `\\\\`").into()
                }
                false => format!("close it with `{quote}` on the same line").into(),
            };
            (Code::UnterminatedText, message, "begins here", Some(help))
        }
        Kind::UnknownDirective => {
            let message = format!("unknown directive `{found}`");
            let help = match closest(found, Kind::DIRECTIVES) {
                Some(near) => Help::did_you_mean(near),
                None => format!("there are {}", Kind::DIRECTIVES.join(" ")).into(),
            };
            (Code::UnknownDirective, message, "no directive has this name", Some(help))
        }
        _ => return None,
    };
    Some(Diagnostic::error(code, message).at_span(source, token.span, label).maybe_help(help))
}

/// What was probably meant by a character that begins no token, and by what follows it.
fn stray_character(found: &str, rest: &str) -> Option<String> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let word = &rest[..end];
    let digits = |radix| !word.is_empty() && word.chars().all(|c| c.is_digit(radix));
    Some(match found {
        "$" if digits(16) => format!("a hexadecimal number is written `0x{word}`"),
        "." if digits(10) => format!("a float begins with a digit: `0.{word}`"),
        "[" => "an address lies on the stack; behind the mnemonic stands an offset".to_owned(),
        "$" => "a name in quotes is written `$\"a b\"`".to_owned(),
        _ if found.chars().all(char::is_alphabetic) => {
            "a name with other letters than those of ASCII stands in quotes: `$\"größe\"`"
                .to_owned()
        }
        _ => return None,
    })
}

/// Expectations that others say already, by the more general one.
const COVERED: [(&str, &[&str]); 3] = [
    ("an operand", &["a name or number", "a text in double quotes"]),
    ("a name or number", &["`(`", "`:`", "a name", "a type"]),
    ("an instruction", &["the end of the line"]),
];

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
    for (general, special) in COVERED.iter().rev() {
        if names.iter().any(|name| name == general) {
            names.retain(|name| !special.contains(&&**name));
        }
    }
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
