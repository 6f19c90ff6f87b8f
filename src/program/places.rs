//! Where a program's instructions stand: in its text when that is at hand, at a line of a text that
//! is not, or else in a disassembly made for the purpose.

use crate::assemble::Files;
use crate::diagnostics::{Diagnostic, Label, Position, Severity, SourceId, Sources};
use crate::disassemble::{Listing, disassemble};
use crate::module::{Location, Locator, Module, SourceFile, checksum};
use crate::verify::{Site, VerifyError};
use std::path::Path;

/// How many of the calls of macros that led to an instruction are shown.
const SHOWN: usize = 5;

/// Where a program's instructions stand. Texts are looked for when the first place is asked for.
#[derive(Debug)]
pub struct Places {
    /// The file that the program was read from.
    source: SourceId,
    /// For each file of the source map, its text where it still is what was assembled.
    files: Option<Vec<SourceId>>,
    /// What is known of that because it was just assembled.
    assembled: Files,
    locator: Locator,
    listing: Option<(SourceId, Listing)>,
}

/// A line that an instruction stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The file.
    pub file: String,
    /// Its number, from 1; 0 when it is not known.
    pub line: u32,
    /// The column of the instruction, in characters from 1; 0 when it is not known.
    pub column: u32,
    /// The statement, without label and comment; empty when the text is not at hand.
    pub statement: String,
    /// The whole line, without its indentation.
    pub text: String,
}

impl Places {
    /// The places of a module that was read from `source`.
    pub fn new(source: SourceId) -> Places {
        Places::assembled(source, Files::default())
    }

    /// The places of a module that was assembled from `source` and other texts.
    pub(super) fn assembled(source: SourceId, assembled: Files) -> Places {
        Places { source, files: None, assembled, locator: Locator::default(), listing: None }
    }

    /// The file that the program was read from.
    pub fn source(&self) -> SourceId {
        self.source
    }

    /// Where an instruction stands.
    pub fn of(
        &mut self,
        module: &Module,
        site: Site,
        sources: &mut Sources,
    ) -> (SourceId, Position) {
        if let Some(at) = self.locator.locate(module, site.function, site.instr) {
            return self.location(module, at, sources);
        }
        let (source, listing) = self.listing.get_or_insert_with(|| {
            let listing = disassemble(module);
            let name = format!("{} (disassembled)", sources.get(self.source).name);
            (sources.add_text(name, listing.text.clone()), listing)
        });
        let function = listing.spans.get(site.function as usize);
        match function.and_then(|spans| spans.get(site.instr as usize)) {
            Some(&span) => (*source, Position::Span(span)),
            None => (self.source, Position::Whole),
        }
    }

    /// The line that an instruction stands on.
    pub fn line_of(&mut self, module: &Module, site: Site, sources: &mut Sources) -> Line {
        line(self.of(module, site, sources), sources)
    }

    /// The line of a place that the module's source map tells.
    pub fn line_at(&mut self, module: &Module, at: Location, sources: &mut Sources) -> Line {
        line(self.location(module, at, sources), sources)
    }

    /// What the verifier says of a module, at its lines.
    pub(super) fn diagnostic(
        &mut self,
        severity: Severity,
        error: &VerifyError,
        module: &Module,
        sources: &mut Sources,
    ) -> Diagnostic {
        let mut diagnostic =
            Diagnostic { severity, ..Diagnostic::error(error.code, &error.message) };
        diagnostic.notes.clone_from(&error.notes);
        diagnostic.help.clone_from(&error.help);
        for (site, label) in &error.places {
            let (source, position) = self.of(module, *site, sources);
            diagnostic = diagnostic.at(source, position, label);
        }
        let [(site, _), others @ ..] = &error.places[..] else {
            return diagnostic.at(self.source, Position::Whole, "");
        };
        let calls = self.calls(module, *site, sources);
        let outermost = calls.last().or(diagnostic.labels.first()).map(|it| it.source);
        diagnostic.labels.extend(calls);
        diagnostic.labels.extend(outermost.into_iter().flat_map(|it| self.includes(it)));
        // What lies in the same call is shown once.
        let mut shown: Vec<(SourceId, Position)> =
            diagnostic.labels.iter().map(|it| (it.source, it.position)).collect();
        for (site, label) in others {
            for call in self.calls(module, *site, sources) {
                let at = (call.source, call.position);
                if !shown.contains(&at) {
                    shown.push(at);
                    let message = format!("{label}, {}", call.message);
                    diagnostic.labels.push(Label { message, ..call });
                }
            }
        }
        diagnostic
    }

    /// The `.include`s that brought in a text, the innermost first.
    fn includes(&self, text: SourceId) -> impl Iterator<Item = Label> {
        let outward = |it: &Label| self.assembled.included_at(it.source);
        let all = std::iter::successors(self.assembled.included_at(text), outward);
        // Each leads to a text that came before.
        all.take(SHOWN)
    }

    /// The calls of macros that an instruction came from, the innermost first.
    pub fn calls(&mut self, module: &Module, site: Site, sources: &mut Sources) -> Vec<Label> {
        let Some(map) = &module.source_map else { return Vec::new() };
        let calls = map.calls_of(site.function, site.instr).take(SHOWN);
        let labels = calls.map(|call| {
            let name = map.macros.get(call.name as usize).map_or("", |name| name);
            let (source, position) = self.location(module, call.at, sources);
            Label { source, position, message: format!("in this call of `{name}`") }
        });
        labels.collect()
    }

    /// Where the `.lib` of an import stands.
    pub fn of_import(
        &mut self,
        module: &Module,
        import: usize,
        sources: &mut Sources,
    ) -> (SourceId, Position) {
        let at = module.source_map.as_ref().and_then(|map| map.imports.get(import).copied());
        at.map_or((self.source, Position::Whole), |at| self.location(module, at, sources))
    }

    fn location(
        &mut self,
        module: &Module,
        at: Location,
        sources: &mut Sources,
    ) -> (SourceId, Position) {
        let files = self.files.get_or_insert_with(|| {
            let files = module.source_map.as_ref().map_or(&[][..], |map| &map.files);
            let known = |index: usize| self.assembled.of_map.get(index).copied().flatten();
            let found = files.iter().enumerate().map(|(index, file)| {
                known(index).unwrap_or_else(|| find(file, self.source, sources))
            });
            found.collect()
        });
        let Some(&file) = files.get(at.file as usize) else {
            return (self.source, Position::Whole);
        };
        match sources.get(file).statement_at(at.line, at.column) {
            Some(span) => (file, Position::Span(span)),
            None => (file, Position::LineColumn(at.line, at.column)),
        }
    }
}

fn line((source, position): (SourceId, Position), sources: &Sources) -> Line {
    let file = sources.get(source);
    let text = file.text.as_deref().unwrap_or_default();
    let (line, column, span) = match position {
        Position::Span(span) => {
            let (line, column) = file.line_column(span.start);
            (line, column, span.range())
        }
        Position::LineColumn(line, column) => (line, column, 0..0),
        Position::Offset(_) | Position::Whole => (0, 0, 0..0),
    };
    let begin = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |newline| span.end + newline);
    let whole = if span.is_empty() { "" } else { text[begin..end].trim() };
    let (statement, text) = (text[span].to_owned(), whole.to_owned());
    Line { file: file.name.clone(), line, column, statement, text }
}

/// A file of a source map: the very text that is being assembled, the one on disk if it still is what
/// it was, or only its name.
fn find(file: &SourceFile, source: SourceId, sources: &mut Sources) -> SourceId {
    let same = |text: &str| checksum(text.as_bytes()) == file.crc;
    let is_it = |id: &SourceId| {
        let given = sources.get(*id);
        given.name == file.name && given.text.as_deref().is_some_and(same)
    };
    // Included texts were added behind the one that includes them.
    if let Some(known) = std::iter::once(source).chain(sources.ids()).find(is_it) {
        return known;
    }
    let name = Path::new(&file.name);
    let beside = Path::new(&sources.get(source).name).parent().unwrap_or(Path::new(""));
    // Where it was assembled from, or with the bytecode, which may have been moved with its texts.
    let paths =
        [name.to_owned(), beside.join(name), beside.join(name.file_name().unwrap_or_default())];
    let found = paths.iter().find_map(|path| Some((path, read_text(path).filter(|it| same(it))?)));
    match found {
        Some((path, text)) => sources.add_text(path.display().to_string(), text),
        None => sources.add_file(&file.name),
    }
}

/// The text of a file that a source map names.
fn read_text(path: &Path) -> Option<String> {
    // The name comes from the bytecode: it may as well be that of a device that never ends.
    let regular = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() < 1 << 30);
    if regular { std::fs::read_to_string(path).ok() } else { None }
}
