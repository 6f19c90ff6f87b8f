//! The canonical layout of program text.
//!
//! It works on tokens and lines, not on the tree: what cannot be assembled is laid out as well. The
//! tokens of a text stay what they are and in their order, but for the case of mnemonics, so what it
//! means cannot change. A line that this does not understand is left alone.
//!
//! Labels, directives and comments that began at the margin stand at the margin, everything else four
//! columns from it. Operands begin in one column, and so do comments behind statements.

use super::token::Kind;
use crate::diagnostics::BYTE_ORDER_MARK;
use crate::isa::Op;
use logos::Logos;
use std::collections::HashSet;
use std::ops::Range;

/// What the lexer takes as space; any other is an error, and not to be mended in silence.
const SPACE: [char; 3] = [' ', '\t', '\r'];

/// What stands before instructions.
const INDENT: &str = "    ";

/// How wide mnemonics are made.
const MNEMONIC: usize = 7;

/// The column of comments behind statements, and how far longer statements move it.
const COMMENTS: Range<usize> = 32..64;

/// A line of the result. What is neither code nor comment is blank.
#[derive(Default)]
struct Row<'t> {
    code: String,
    comment: &'t str,
    /// Whether the comment stands in the column of those behind statements.
    beside: bool,
}

/// The rows so far.
struct Layout<'t> {
    rows: Vec<Row<'t>>,
    in_function: bool,
    /// The names and parameters of macros: whatever instruction has such a name keeps its case.
    kept: HashSet<&'t str>,
}

#[derive(Clone, Copy)]
struct Token<'t> {
    kind: Kind,
    text: &'t str,
    /// Whether there is space in front of it.
    apart: bool,
}

/// The text in its canonical layout, without a mark at its beginning. All lines end as the first one does, `\n`
/// or `\r\n`.
pub fn format(text: &str) -> String {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut layout = Layout { rows: Vec::new(), in_function: false, kept: names_of_macros(text) };
    text.lines().for_each(|line| layout.line(line.trim_end_matches(SPACE)));
    let blank = |row: &Row| row.code.is_empty() && row.comment.is_empty();
    let mut out = String::with_capacity(text.len());
    for paragraph in layout.rows.split(blank).filter(|rows| !rows.is_empty()) {
        if !out.is_empty() {
            out.push('\n');
        }
        paragraph
            .chunk_by(|a, b| a.beside == b.beside || !is_comment(a) && !is_comment(b))
            .for_each(|rows| write_rows(&mut out, rows));
    }
    match text.split_once('\n') {
        Some((first, _)) if first.ends_with('\r') => out.replace('\n', "\r\n"),
        _ => out,
    }
}

/// A line that is only a comment, which parts the statements above it from those below.
fn is_comment(row: &Row) -> bool {
    !row.beside && !row.comment.is_empty()
}

/// All names that stand on the lines that begin macros.
fn names_of_macros(text: &str) -> HashSet<&str> {
    let lines = text.lines().filter(|line| line.trim_start().starts_with(".macro"));
    lines.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')).collect()
}

impl<'t> Layout<'t> {
    fn line(&mut self, line: &'t str) {
        let Some((tokens, comment)) = tokens(line) else { return self.leave(line) };
        let (label, statement) = match &tokens[..] {
            [name, colon, rest @ ..] if colon.kind == Kind::Colon => (Some(name), rest),
            all => (None, all),
        };
        // A name with a point in it is no name, and would become two words.
        let dotted = tokens[..].windows(2).any(|pair| pair[1].is_directive() && !pair[1].apart);
        let odd = match statement {
            _ if dotted => true,
            [_, colon, ..] if colon.kind == Kind::Colon => true,
            [first, ..] => !first.is_word() && !first.is_directive(),
            [] => false,
        };
        if odd || label.is_some_and(|name| !name.is_word()) {
            return self.leave(line);
        }
        let beside = !comment.is_empty();
        let label = label.map(|name| format!("{}:", name.text));
        match (label, statement) {
            (None, []) => self.comment(line, comment),
            (Some(code), []) => self.rows.push(Row { code, comment, beside }),
            (label, [first, operands @ ..]) => {
                self.rows.extend(label.map(|code| Row { code, ..Row::default() }));
                let code = self.statement(*first, operands);
                self.rows.push(Row { code, comment, beside });
            }
        }
    }

    /// A line that stays as it is.
    fn leave(&mut self, line: &str) {
        self.rows.push(Row { code: line.to_owned(), ..Row::default() });
    }

    /// A line without a statement, perhaps a blank one.
    fn comment(&mut self, line: &str, comment: &'t str) {
        let indent = line.len() - line.trim_start_matches(SPACE).len();
        // What goes on with the comment of the statement above.
        let goes_on = self.rows.last().is_some_and(|row| row.beside) && indent > INDENT.len();
        let beside = goes_on && !comment.is_empty();
        let code = if beside || indent == 0 || comment.is_empty() { "" } else { INDENT };
        self.rows.push(Row { code: code.to_owned(), comment, beside });
    }

    fn statement(&mut self, first: Token, operands: &[Token]) -> String {
        match first.kind {
            Kind::Func => self.in_function = true,
            Kind::End => self.in_function = false,
            _ => {}
        }
        let directive = first.is_directive();
        let at_margin = directive && !(self.in_function && first.kind == Kind::Local);
        let mut code = if at_margin { String::new() } else { INDENT.to_owned() };
        let is_mnemonic = Op::from_mnemonic(first.text).is_some();
        match is_mnemonic && !self.kept.contains(first.text) {
            true => code += &first.text.to_ascii_uppercase(),
            false => code += first.text,
        }
        if !directive && !operands.is_empty() {
            code = format!("{code:width$}", width = INDENT.len() + MNEMONIC);
        }
        for (at, &token) in operands.iter().enumerate() {
            if at == 0 || gap(first.kind, &operands[..at], token) {
                code.push(' ');
            }
            code.push_str(token.text);
        }
        code
    }
}

/// The tokens of a line and its comment; `None` where something in it is no token, or of a directive
/// that does not exist.
fn tokens(line: &str) -> Option<(Vec<Token<'_>>, &str)> {
    let mut tokens = Vec::new();
    let mut end = 0;
    for (kind, span) in Kind::lexer(line).spanned() {
        let kind = kind.ok()?;
        if matches!(
            kind,
            Kind::OpenText | Kind::OpenChar | Kind::OpenQuoted | Kind::UnknownDirective
        ) {
            return None;
        }
        tokens.push(Token { kind, text: &line[span.clone()], apart: span.start > end });
        end = span.end;
    }
    Some((tokens, line[end..].trim_start_matches(SPACE)))
}

/// Whether there is space between the operands so far and the next one.
fn gap(statement: Kind, operands: &[Token], next: Token) -> bool {
    let last = operands[operands.len() - 1];
    match (last.text, next.text) {
        (_, "," | ":" | ")") | ("(", _) => false,
        _ if next.begins_value() && is_sign(operands) => false,
        // In `.data d i32 -1` only the space tells what the sign is.
        ("-", _) if next.begins_value() && last.apart && !next.apart => false,
        (_, "(") if last.is_word() => {
            matches!(statement, Kind::Func | Kind::Lib | Kind::Extern) || next.apart
        }
        _ => true,
    }
}

/// Whether the last of some operands is the sign of what follows it, rather than between two values.
fn is_sign(operands: &[Token]) -> bool {
    match operands {
        [before @ .., last] => match last.text {
            "~" | "!" => true,
            "-" | "+" => before.last().is_none_or(|before| !before.ends_value()),
            _ => false,
        },
        [] => false,
    }
}

impl Token<'_> {
    fn is_word(self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
    }

    fn is_directive(self) -> bool {
        self.text.starts_with('.')
    }

    fn is_literal(self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit() || c == '\'' || c == '"')
    }

    fn begins_value(self) -> bool {
        self.is_word() || self.is_literal() || matches!(self.text, "(" | "-" | "+" | "~" | "!")
    }

    fn ends_value(self) -> bool {
        self.is_word() || self.is_literal() || self.text == ")"
    }
}

/// Writes rows whose comments stand in one column.
fn write_rows(out: &mut String, rows: &[Row]) {
    let width = |row: &Row| row.code.chars().count();
    let wide = rows.iter().filter(|row| row.beside).map(|row| width(row) + 2);
    let column = wide.filter(|wide| *wide <= COMMENTS.end).max().unwrap_or(0).max(COMMENTS.start);
    for row in rows {
        out.push_str(&row.code);
        if row.beside {
            out.extend(std::iter::repeat_n(' ', column.saturating_sub(width(row)).max(2)));
        }
        out.push_str(row.comment);
        out.push('\n');
    }
}
