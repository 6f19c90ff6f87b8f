//! Diagnostics as text for people: with an excerpt (by ariadne) where the text is at hand, otherwise
//! in lines of `--> file:line:column`.

use super::diagnostic::{self, Diagnostic, Position, Severity};
use super::source::Sources;
use ariadne::{Color, Config, IndexType, Label, Report, ReportKind, Source};
use bytestring::ByteString;
use std::collections::HashMap;
use std::fmt::Write;

/// The longest line that is shown, in bytes. A text may well be a single line of a million letters.
const MAX_LINE: usize = 500;

/// Renders all of them, an empty line between two.
pub fn render_terminal(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let mut excerpts = Excerpts::default();
    let rendered: Vec<String> = diagnostics
        .iter()
        .map(|d| {
            if !d.labels.is_empty() && d.labels.iter().all(|label| can_be_shown(label, sources)) {
                excerpts.render(d, sources, color)
            } else {
                plain(d, sources, color)
            }
        })
        .collect();
    clipped(&rendered.join("\n"))
}

fn can_be_shown(label: &diagnostic::Label, sources: &Sources) -> bool {
    let Position::Span(span) = label.position else { return false };
    sources.get(label.source).lines_of(span).len() <= MAX_LINE
}

/// Cuts what is left of long lines: messages repeat names of the program.
fn clipped(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(1 << 16));
    for line in text.split_inclusive('\n') {
        match line.char_indices().nth(2 * MAX_LINE) {
            Some((end, _)) => out.extend([&line[..end], "…\n"]),
            None => out.push_str(line),
        }
    }
    out
}

/// Keeps the line index of each text, which ariadne counts anew for every `Source`.
#[derive(Default)]
struct Excerpts {
    texts: HashMap<String, Source<ByteString>>,
}

impl Excerpts {
    fn render(&mut self, diagnostic: &Diagnostic, sources: &Sources, color: bool) -> String {
        for label in &diagnostic.labels {
            let source = sources.get(label.source);
            self.texts
                .entry(source.name.clone())
                .or_insert_with(|| Source::from(source.text.clone().unwrap_or_default()));
        }
        let at = |label: &super::Label| {
            let Position::Span(span) = label.position else {
                unreachable!("checked by the caller")
            };
            let name = &sources.get(label.source).name;
            let [start, end] = [span.start, span.end].map(|at| in_chars(&self.texts[name], at));
            (name.clone(), start..end)
        };
        let (kind, colour) = kind(diagnostic.severity);
        let config = Config::default().with_index_type(IndexType::Char).with_color(color);
        let mut report = Report::build(kind, at(&diagnostic.labels[0]))
            .with_config(config)
            .with_code(diagnostic.code.name())
            .with_message(&diagnostic.message);
        let mut labels: Vec<_> = diagnostic.labels.iter().enumerate().collect();
        // ariadne draws an excerpt for each stretch of lines that rise.
        let first = diagnostic.labels[0].source;
        labels.sort_by_key(|(_, label)| (label.source != first, label.source, at(label).1.start));
        for (i, label) in labels {
            let colour = if i == 0 { colour } else { Color::Cyan };
            let mut place = Label::new(at(label)).with_color(colour);
            if !label.message.is_empty() {
                place = place.with_message(&label.message);
            }
            report.add_label(place);
        }
        for note in &diagnostic.notes {
            report.add_note(note);
        }
        if let Some(help) = &diagnostic.help {
            report.add_help(help);
        }
        let mut out = Vec::new();
        let written = report.finish().write(&mut *self, &mut out);
        written.expect("writing to memory does not fail");
        let text = String::from_utf8(out).expect("ariadne writes UTF-8");
        text.lines().map(|l| l.trim_end().to_owned() + "\n").collect()
    }
}

/// A position in characters: where labels are of two files, ariadne takes those of the second as such.
fn in_chars(text: &Source<ByteString>, byte: u32) -> usize {
    let Some((line, _, column)) = text.get_byte_line(byte as usize) else { return text.len() };
    let before = text.get_line_text(line).unwrap_or_default().char_indices();
    line.offset() + before.take_while(|(at, _)| *at < column).count()
}

impl ariadne::Cache<String> for &mut Excerpts {
    type Storage = ByteString;

    fn fetch(&mut self, name: &String) -> Result<&Source<ByteString>, impl std::fmt::Debug> {
        self.texts.get(name).ok_or("a text that was not registered")
    }

    fn display<'a>(&self, name: &'a String) -> Option<impl std::fmt::Display + 'a> {
        Some(name)
    }
}

fn kind(severity: Severity) -> (ReportKind<'static>, Color) {
    match severity {
        Severity::Error => (ReportKind::Error, Color::Red),
        Severity::Warning => (ReportKind::Warning, Color::Yellow),
    }
}

fn plain(diagnostic: &Diagnostic, sources: &Sources, color: bool) -> String {
    let (name, paint) = match diagnostic.severity {
        Severity::Error => ("Error", "\x1b[31m"),
        Severity::Warning => ("Warning", "\x1b[33m"),
    };
    let (on, off) = if color { (paint, "\x1b[0m") } else { ("", "") };
    let mut out = format!("{on}[{}] {name}:{off} {}\n", diagnostic.code, diagnostic.message);
    for label in &diagnostic.labels {
        let source = sources.get(label.source);
        let place = match label.position {
            Position::Span(span) => {
                let (line, column) = source.line_column(span.start);
                format!("{}:{line}:{column}", source.name)
            }
            Position::LineColumn(line, column) => format!("{}:{line}:{column}", source.name),
            Position::Offset(offset) => format!("{}: byte {offset}", source.name),
            Position::Whole => source.name.clone(),
        };
        let gap = if label.message.is_empty() { "" } else { ": " };
        let _ = writeln!(out, "  --> {place}{gap}{}", label.message);
    }
    for note in &diagnostic.notes {
        let _ = writeln!(out, "  note: {}", note.replace('\n', "\n        "));
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "  help: {}", help.replace('\n', "\n        "));
    }
    out
}
