//! What is no token here, or stands where no grammar would look for it: stray characters, names and file
//! names with a point, comments as other languages begin them.

use super::elsewhere::{directive_elsewhere, instruction_elsewhere};
use super::grammar::{Tokens, describe};
use super::literal;
use super::texts::Texts;
use super::token::{Kind, Token};
use crate::diagnostics::{Code, Diagnostic, Help, SourceId, Span, closest};
use crate::isa::Op;
use crate::isa::name::quoted;

/// What of a line can be told to be wrong at a look at its tokens.
pub(super) fn explain(source: SourceId, texts: &Texts, tokens: Tokens) -> Option<Diagnostic> {
    let file_name = unquoted_file(source, texts, tokens);
    let dotted = file_name.or_else(|| dotted_name(source, texts, tokens));
    let bad = dotted.or_else(|| tokens.iter().find_map(|it| bad_token(source, texts, *it)));
    bad.or_else(|| foreign_comment(source, tokens))
}

fn bad_token(source: SourceId, texts: &Texts, token: Token) -> Option<Diagnostic> {
    let found = token.span.of(texts);
    let (code, message, label, help) = match token.kind {
        Kind::Unknown if found.starts_with("$\"") => {
            return literal::name(found).err().map(|bad| bad.at(source, token.span));
        }
        Kind::Unknown => {
            let line = texts.line_around(token.span.end);
            let help = stray_character(found, Span::new(token.span.end, line.end).of(texts));
            let message = format!("unexpected character {}", shown(found));
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
            let known = directive_elsewhere(&found[1..]);
            let near = || closest(found, Kind::DIRECTIVES).map(Help::did_you_mean);
            let help = known
                .or_else(near)
                .unwrap_or_else(|| format!("there are {}", Kind::DIRECTIVES.join(" ")).into());
            (Code::UnknownDirective, message, "no directive has this name", Some(help))
        }
        _ => return None,
    };
    Some(Diagnostic::error(code, message).at_span(source, token.span, label).maybe_help(help))
}

/// A character in words that show it, even where nothing is to be seen of it.
fn shown(character: &str) -> String {
    let unseen = |c: &char| {
        c.is_whitespace() || MEANT.iter().any(|(of, to)| to.is_empty() && of.contains(*c))
    };
    match character.chars().next() {
        Some(c) if c.is_control() => format!("`{}`", c.escape_debug()),
        Some(c) if unseen(&c) => format!("U+{:04X}", u32::from(c)),
        _ => format!("`{character}`"),
    }
}

/// Characters that look like one of the language, or like none at all, and which.
const MEANT: [(&str, &str); 12] = [
    ("“”„‟«»″", "\""),
    ("‘’‚‛′`´", "'"),
    ("−‐‑‒–—", "-"),
    ("×", "*"),
    ("÷", "/"),
    ("≤", "<="),
    ("≥", ">="),
    ("≠", "!="),
    ("→", "->"),
    ("，", ","),
    ("：", ":"),
    ("\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}", ""),
];

/// What was probably meant by a character that begins no token, and by what follows it.
fn stray_character(found: &str, rest: &str) -> Option<Help> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let word = &rest[..end];
    let digits = |radix| !word.is_empty() && word.chars().all(|c| c.is_digit(radix));
    let meant = MEANT.iter().find(|(of, _)| of.contains(found)).map(|(_, meant)| *meant);
    Some(match (found, meant) {
        ("$", _) if digits(16) => format!("a hexadecimal number is written `0x{word}`").into(),
        (".", _) if digits(10) => format!("a float begins with a digit: `0.{word}`").into(),
        ("[", _) => "an address lies on the stack; behind the mnemonic stands an offset".into(),
        (_, Some("")) => Help::replace_by("", "it cannot be seen, and means nothing: remove it"),
        (_, Some(meant)) => Help::replace_by(meant, format!("write `{meant}`")),
        ("\u{a0}", _) => Help::replace_by(" ", "this is a no-break space: write a space"),
        _ if found.contains(char::is_whitespace) => {
            Help::replace_by(" ", "this is no space of the language: write a space")
        }
        ("$", _) => "a name in quotes is written `$\"a b\"`".into(),
        _ if !found.is_ascii() => {
            "a name of other letters than those of ASCII stands in quotes: `$\"größe\"`".into()
        }
        _ => return None,
    })
}

/// A file name without its quotes.
fn unquoted_file(source: SourceId, texts: &Texts, tokens: Tokens) -> Option<Diagnostic> {
    let [Token { kind: Kind::Include, .. }, first, ..] = tokens else { return None };
    let quoted = |token: &Token| matches!(token.kind, Kind::Text | Kind::OpenText | Kind::OpenChar);
    if tokens.iter().any(quoted) {
        return None;
    }
    let name = first.span.to(tokens[tokens.len() - 1].span);
    Some(not_in_quotes(source, texts, name))
}

fn not_in_quotes(source: SourceId, texts: &Texts, name: Span) -> Diagnostic {
    let text = name.of(texts).trim_matches(['<', '>']);
    let help = format!("a file name stands in double quotes: `\"{text}\"`");
    Diagnostic::error(Code::Syntax, format!("expected a file in double quotes, found `{text}`"))
        .at_span(source, name, "without its quotes")
        .help(Help::replace_by(&format!("\"{text}\""), help))
}

/// A name with a point in it, such as `i64.add` or `math.so`.
fn dotted_name(source: SourceId, texts: &Texts, tokens: Tokens) -> Option<Diagnostic> {
    let is_dotted = |pair: &[Token]| {
        let [name, rest] = pair else { return false };
        name.kind.is_name()
            && describe(rest.kind) == describe(Kind::UnknownDirective)
            && name.span.end == rest.span.start
    };
    let at = tokens.windows(2).position(is_dotted)?;
    let span = tokens[at].span.to(tokens[at + 1].span);
    let name = span.of(texts);
    let begins = at == 0 || at == 2 && tokens[1].kind == Kind::Colon;
    let is_label = tokens.get(at + 2).is_some_and(|next| next.kind == Kind::Colon);
    if !begins || is_label {
        return Some(match tokens[0].kind {
            Kind::Lib | Kind::Source => not_in_quotes(source, texts, span),
            _ => Diagnostic::error(Code::Syntax, format!("`{name}` is not a name"))
                .at_span(source, span, "has a point in it")
                .help(Help::replace_by(
                    &quoted(name),
                    format!("a name with a point stands in quotes: `{}`", quoted(name)),
                )),
        });
    }
    let (_, operation) = name.split_once('.')?;
    let mnemonics = || Op::ALL.iter().map(|op| op.mnemonic());
    let help = instruction_elsewhere(name)
        .or_else(|| Op::from_mnemonic(operation).map(|op| Help::did_you_mean(op.mnemonic())))
        .or_else(|| instruction_elsewhere(operation))
        .or_else(|| closest(operation, mnemonics()).map(Help::did_you_mean))
        .unwrap_or_else(|| "docs/isa.md lists all instructions".into());
    let diagnostic =
        Diagnostic::error(Code::UnknownMnemonic, format!("unknown instruction `{name}`"));
    Some(diagnostic.at_span(source, span, "no instruction has this name").help(help))
}

/// A comment as other languages begin one.
fn foreign_comment(source: SourceId, tokens: Tokens) -> Option<Diagnostic> {
    let begins_comment = |pair: &&[Token]| match pair {
        [a, b] if a.span.end == b.span.start => {
            matches!((a.kind, b.kind), (Kind::Slash, Kind::Slash | Kind::Star))
                || a.span == tokens[0].span && (a.kind, b.kind) == (Kind::Minus, Kind::Minus)
        }
        _ => false,
    };
    let pair = tokens.windows(2).find(begins_comment)?;
    Some(
        Diagnostic::error(Code::Syntax, "a comment begins with `;` or `#`")
            .at_span(source, pair[0].span.to(pair[1].span), "begins none")
            .help(Help::replace_by(";", "write `;`")),
    )
}
