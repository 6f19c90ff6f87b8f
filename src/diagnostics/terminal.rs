//! Diagnostics as text for people: with an excerpt (by ariadne) where the text is at hand, otherwise
//! in lines of `--> file:line:column`.

use super::diagnostic::{self, Diagnostic, Position, Severity, readable};
use super::source::{SourceId, Sources, Span};
use super::visible::visible;
use ariadne::{Color, Config, IndexType, Label, Report, ReportKind, Source};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// The longest line that is shown, in bytes. A text may well be a single line of a million letters.
const MAX_LINE: usize = 500;

/// Renders all of them, an empty line between two.
pub fn render_terminal(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let diagnostics: Vec<Diagnostic> =
        diagnostics.iter().cloned().map(with_visible_words).collect();
    let shown = |d: &&Diagnostic| can_be_shown(d, sources);
    let mut excerpts = Excerpts::new(diagnostics.iter().filter(shown), sources);
    let rendered: Vec<String> = diagnostics
        .iter()
        .map(|d| if shown(&d) { excerpts.render(d, color) } else { plain(d, sources, color) })
        .collect();
    clipped(&rendered.join("\n"))
}

/// What a diagnostic says often quotes the program.
fn with_visible_words(mut diagnostic: Diagnostic) -> Diagnostic {
    let labels = diagnostic.labels.iter_mut().map(|label| &mut label.message);
    let words = labels.chain(&mut diagnostic.notes).chain(&mut diagnostic.help);
    for text in words.chain([&mut diagnostic.message]) {
        *text = visible(text).into_owned();
    }
    diagnostic
}

fn can_be_shown(diagnostic: &Diagnostic, sources: &Sources) -> bool {
    let is_short = |label: &diagnostic::Label| match label.position {
        Position::Span(span) => sources.get(label.source).lines_of(span).len() <= MAX_LINE,
        _ => false,
    };
    !diagnostic.labels.is_empty() && diagnostic.labels.iter().all(is_short)
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

/// The lines that are shown of each text. The others are empty, which ariadne counts faster than all that
/// a long text holds.
struct Excerpts<'s> {
    sources: &'s Sources,
    texts: HashMap<SourceId, Source<String>>,
}

impl<'s> Excerpts<'s> {
    /// What these diagnostics show.
    fn new<'d>(
        diagnostics: impl Iterator<Item = &'d Diagnostic>,
        sources: &'s Sources,
    ) -> Excerpts<'s> {
        let mut lines: HashMap<SourceId, BTreeMap<u32, &str>> = HashMap::new();
        for label in diagnostics.flat_map(|diagnostic| &diagnostic.labels) {
            let (source, span) = (sources.get(label.source), span_of(label));
            let (first, _) = source.line_column(span.start);
            let touched = (first..).zip(source.lines_of(span).split('\n'));
            lines.entry(label.source).or_default().extend(touched);
        }
        let excerpt = |(id, lines)| (id, Source::from(excerpt(&lines)));
        Excerpts { sources, texts: lines.into_iter().map(excerpt).collect() }
    }

    /// A position in characters of an excerpt: where labels are of two files, ariadne takes those of the
    /// second as such.
    fn in_chars(&self, source: SourceId, byte: u32) -> usize {
        let (line, column) = self.sources.get(source).line_column(byte);
        let line = self.texts[&source].line(line as usize - 1).expect("one of those shown");
        line.offset() + column as usize - 1
    }

    fn render(&mut self, diagnostic: &Diagnostic, color: bool) -> String {
        let at = |label: &super::Label| {
            let span = span_of(label);
            let [start, end] = [span.start, span.end].map(|at| self.in_chars(label.source, at));
            (label.source, start..end)
        };
        let (kind, colour) = kind(diagnostic.severity);
        let config = Config::default().with_index_type(IndexType::Char).with_color(color);
        let mut report = Report::build(kind, at(&diagnostic.labels[0]))
            .with_config(config)
            .with_code(diagnostic.code.name())
            .with_message(readable(&diagnostic.message));
        let mut labels: Vec<_> = diagnostic.labels.iter().enumerate().collect();
        // ariadne draws an excerpt for each stretch of lines that rise. Files stand as the labels name them.
        let of_source = |source| diagnostic.labels.iter().position(|it| it.source == source);
        labels.sort_by_key(|(_, label)| (of_source(label.source), at(label).1.start));
        for (i, label) in labels {
            let colour = if i == 0 { colour } else { Color::Cyan };
            let mut place = Label::new(at(label)).with_color(colour);
            if !label.message.is_empty() {
                place = place.with_message(readable(&label.message));
            }
            report.add_label(place);
        }
        for note in &diagnostic.notes {
            report.add_note(readable(note));
        }
        if let Some(help) = &diagnostic.help {
            report.add_help(readable(help));
        }
        let mut out = Vec::new();
        let written = report.finish().write(&mut *self, &mut out);
        written.expect("writing to memory does not fail");
        let text = String::from_utf8(out).expect("ariadne writes UTF-8");
        text.lines().map(|l| l.trim_end().to_owned() + "\n").collect()
    }
}

/// Where an excerpt is from.
fn span_of(label: &diagnostic::Label) -> Span {
    match label.position {
        Position::Span(span) => span,
        _ => unreachable!("there is no excerpt of what has no span"),
    }
}

/// A text with these lines, by their numbers, in their places.
fn excerpt(lines: &BTreeMap<u32, &str>) -> String {
    let (mut text, mut next) = (String::new(), 1);
    for (&number, line) in lines {
        text += &"\n".repeat((number - next) as usize);
        // Ariadne would end lines at other characters, too; of each, a sign is left.
        match line.strip_suffix('\r') {
            Some(line) => text.extend([&visible(line), " \n"]),
            None => text.extend([&visible(line), "\n"]),
        }
        next = number + 1;
    }
    text
}

impl ariadne::Cache<SourceId> for &mut Excerpts<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &SourceId) -> Result<&Source<String>, impl std::fmt::Debug> {
        self.texts.get(id).ok_or("a text that is not shown")
    }

    fn display<'a>(&self, id: &'a SourceId) -> Option<impl std::fmt::Display + 'a> {
        Some(visible(&self.sources.get(*id).name).into_owned())
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
    let mut out =
        format!("{on}[{}] {name}:{off} {}\n", diagnostic.code, readable(&diagnostic.message));
    for label in &diagnostic.labels {
        let source = sources.get(label.source);
        let name = visible(&source.name);
        let place = match label.position {
            Position::Span(span) => {
                let (line, column) = source.line_column(span.start);
                format!("{name}:{line}:{column}")
            }
            Position::LineColumn(line, column) => format!("{name}:{line}:{column}"),
            Position::Offset(offset) => format!("{name}: byte {offset}"),
            Position::Whole => name.into_owned(),
        };
        let gap = if label.message.is_empty() { "" } else { ": " };
        let _ = writeln!(out, "  --> {place}{gap}{}", readable(&label.message));
    }
    for note in &diagnostic.notes {
        let _ = writeln!(out, "  note: {}", readable(note).replace('\n', "\n        "));
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "  help: {}", readable(help).replace('\n', "\n        "));
    }
    out
}
