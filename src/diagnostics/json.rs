//! Diagnostics as JSON lines, for programs.

use super::diagnostic::{Diagnostic, Label, Position, Severity, readable};
use super::source::Sources;
use serde::Serialize;
use std::borrow::Cow;

/// The version of the format, in every line. It grows when a field changes its meaning or goes; new
/// fields do not change it.
pub const FORMAT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    severity: &'static str,
    code: &'static str,
    message: Cow<'a, str>,
    places: Vec<Place<'a>>,
    notes: Vec<Cow<'a, str>>,
    help: Option<Cow<'a, str>>,
    edits: Vec<Edit<'a>>,
}

/// A change of a text that mends it: these bytes become others.
#[derive(Serialize)]
struct Edit<'a> {
    file: &'a str,
    byte: u32,
    end_byte: u32,
    replacement: &'a str,
}

/// Lines and columns count from 1, columns in characters; bytes from 0.
#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    byte: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_byte: Option<u64>,
    message: Cow<'a, str>,
}

/// One line of JSON, with its newline.
pub fn render_json(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let line = Line {
        version: FORMAT_VERSION,
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        code: diagnostic.code.name(),
        message: readable(&diagnostic.message),
        places: diagnostic.labels.iter().map(|l| place(l, sources)).collect(),
        notes: diagnostic.notes.iter().map(|note| readable(note)).collect(),
        help: diagnostic.help.as_deref().map(readable),
        edits: edit(diagnostic, sources).into_iter().collect(),
    };
    let mut json = serde_json::to_string(&line).expect("strings and numbers always serialize");
    json.push('\n');
    json
}

fn edit<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Option<Edit<'a>> {
    let label = diagnostic.labels.first()?;
    let Position::Span(span) = label.position else { return None };
    Some(Edit {
        file: &sources.get(label.source).name,
        byte: span.start,
        end_byte: span.end,
        replacement: diagnostic.replacement.as_deref()?,
    })
}

fn place<'a>(label: &'a Label, sources: &'a Sources) -> Place<'a> {
    let source = sources.get(label.source);
    let mut place = Place {
        file: &source.name,
        line: None,
        column: None,
        end_line: None,
        end_column: None,
        byte: None,
        end_byte: None,
        message: readable(&label.message),
    };
    match label.position {
        Position::Span(span) => {
            let (line, column) = source.line_column(span.start);
            let (end_line, end_column) = source.line_column(span.end);
            (place.line, place.column) = (Some(line), Some(column));
            (place.end_line, place.end_column) = (Some(end_line), Some(end_column));
            (place.byte, place.end_byte) = (Some(span.start.into()), Some(span.end.into()));
        }
        Position::LineColumn(line, column) => {
            (place.line, place.column) = (Some(line), Some(column));
        }
        Position::Offset(offset) => place.byte = Some(offset),
        Position::Whole => {}
    }
    place
}
