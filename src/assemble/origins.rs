//! Where things are from, at the end of an assembly: the spans of diagnostics, which count over all
//! texts until then, and the files and calls of the source map.

use super::Files;
use super::assembler::Assembler;
use crate::diagnostics::{Code, Diagnostic, Label, Position, SourceId, Span};
use crate::module::{MacroCall, SourceMap};
use crate::syntax::{Origin, RealText, Texts, first_token};
use rustc_hash::FxHashSet;

/// How many of the calls that led to an error are shown: so many of the innermost, and the outermost.
const SHOWN: usize = 4;

impl Assembler<'_> {
    /// Whether a diagnostic was not told of another expansion of the same macro yet.
    pub(super) fn is_new(&mut self, diagnostic: &Diagnostic) -> bool {
        match first_span(diagnostic) {
            Some(span) if self.texts.call(span).is_some() => {
                self.reported.insert((diagnostic.code, self.texts.origin(span)))
            }
            _ => true,
        }
    }

    /// Numbers the files and calls of the source map in the order in which the module has use of them,
    /// and forgets the others.
    pub(super) fn settle_places(&mut self) {
        let map = &mut self.map;
        if map.files.len() == 1 && map.calls.is_empty() {
            map.macros.clear();
            return;
        }
        let old = std::mem::take(map);
        let mut new = Renumbered::default();
        let mut settled = SourceMap { imports: old.imports, ..SourceMap::default() };
        settled.imports.iter_mut().for_each(|at| new.file(&mut at.file));
        settled.expanded = old.expanded;
        let mut expanded = settled.expanded.iter_mut().peekable();
        settled.functions = old.functions;
        for (function, runs) in settled.functions.iter_mut().enumerate() {
            let mut instr = 0;
            for run in runs {
                // A call stands in the listing before what came from it.
                while let Some(it) =
                    expanded.next_if(|it| (it.function as usize, it.first) <= (function, instr))
                {
                    new.call(&mut it.call, &old.calls, &old.macros);
                }
                new.file(&mut run.first.file);
                instr += run.count;
                while let Some(it) =
                    expanded.next_if(|it| it.function as usize == function && it.first < instr)
                {
                    new.call(&mut it.call, &old.calls, &old.macros);
                }
            }
        }
        self.files = new.files.iter().map(|&file| self.files[file as usize]).collect();
        settled.files = new.files.iter().map(|&file| old.files[file as usize].clone()).collect();
        settled.macros = new.macros.iter().map(|&name| old.macros[name as usize].clone()).collect();
        settled.calls = new.calls;
        *map = settled;
    }
}

/// New numbers for what a source map lists, given in the order in which they are asked for.
#[derive(Default)]
struct Renumbered {
    files: Vec<u32>,
    macros: Vec<u32>,
    calls: Vec<MacroCall>,
    /// The new numbers of the calls.
    numbers: rustc_hash::FxHashMap<u32, u32>,
}

impl Renumbered {
    fn file(&mut self, file: &mut u32) {
        *file = position_or_add(&mut self.files, *file);
    }

    fn call(&mut self, call: &mut u32, old: &[MacroCall], names: &[String]) {
        if let Some(&known) = self.numbers.get(call) {
            *call = known;
            return;
        }
        let mut it = old[*call as usize].clone();
        if let Some(within) = &mut it.within {
            self.call(within, old, names);
        }
        self.file(&mut it.at.file);
        // Macros of different units may have one name, which stands once.
        let name = &names[it.name as usize];
        let known = self.macros.iter().copied().find(|&known| names[known as usize] == *name);
        it.name = position_or_add(&mut self.macros, known.unwrap_or(it.name));
        let new = self.calls.len() as u32;
        self.calls.push(it);
        self.numbers.insert(*call, new);
        *call = new;
    }
}

fn position_or_add(list: &mut Vec<u32>, item: u32) -> u32 {
    let found = list.iter().position(|known| *known == item);
    let at = found.unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    });
    at as u32
}

/// The texts of an assembly as its caller knows them.
pub(super) struct TextIds<'a> {
    pub(super) units: &'a [SourceId],
    /// The id that the first of the included texts will have.
    pub(super) first_included: SourceId,
}

impl TextIds<'_> {
    fn of(&self, text: RealText) -> SourceId {
        match text {
            RealText::Unit(number) => self.units[number],
            RealText::Included(number) => self.first_included.plus(number),
        }
    }

    /// The texts of a module whose source map has these files.
    pub(super) fn files(&self, texts: &Texts, files: &[Option<RealText>]) -> Files {
        let include = |(text, call)| {
            let Origin { text: from, span } = texts.origin(call);
            let (source, position) = (self.of(from), Position::Span(span));
            (self.of(text), Label { source, position, message: INCLUDED.to_owned() })
        };
        Files {
            of_map: files.iter().map(|text| text.map(|text| self.of(text))).collect(),
            includes: texts.includes().into_iter().map(include).collect(),
        }
    }
}

/// What is said at an `.include` that leads to an error.
const INCLUDED: &str = "included here";

/// Puts the diagnostics of an assembly in order, and each of their places into its own text. What stands
/// in an expansion or an included text says how it came there.
pub(super) fn settle(diagnostics: &mut Vec<Diagnostic>, texts: &Texts, ids: &TextIds) {
    diagnostics.sort_by_key(|diagnostic| {
        let first = first_span(diagnostic);
        first.map_or((u32::MAX, 0), |span| (texts.outermost(span).start, span.start))
    });
    for diagnostic in diagnostics.iter_mut() {
        let calls = first_span(diagnostic).map_or(Vec::new(), |span| calls(texts, span));
        let others = calls.len().saturating_sub(SHOWN + 1);
        for (i, (span, message)) in calls.into_iter().enumerate() {
            if i < SHOWN || i >= SHOWN + others {
                let position = Position::Span(span);
                diagnostic.labels.push(Label { source: ids.units[0], position, message });
            }
        }
        if others > 0 {
            diagnostic.notes.push(format!("{others} more calls lie between"));
        }
        for label in &mut diagnostic.labels {
            if let Position::Span(span) = label.position {
                let Origin { text, span } = texts.origin(span);
                label.source = ids.of(text);
                label.position = Position::Span(span);
            }
        }
        // Calls of a recursion all stand in one place.
        let mut shown: Vec<Label> = Vec::with_capacity(diagnostic.labels.len());
        for label in diagnostic.labels.drain(..) {
            if !shown.contains(&label) {
                shown.push(label);
            }
        }
        diagnostic.labels = shown;
    }
    let mut seen: FxHashSet<(Code, String, SourceId, Span)> = FxHashSet::default();
    diagnostics.retain(|it| {
        let Some(label) = it.labels.first() else { return true };
        let Position::Span(span) = label.position else { return true };
        seen.insert((it.code, it.message.clone(), label.source, span))
    });
}

/// The statements that brought in what stands at a span, the innermost first, with what they are.
fn calls(texts: &Texts, mut span: Span) -> Vec<(Span, String)> {
    let mut found = Vec::new();
    while let Some((call, is_macro)) = texts.call(span) {
        let message = match is_macro {
            true => {
                let line = Span::new(call.start, texts.line_around(call.start).end).of(texts);
                let name = first_token(line).map_or(0, |(_, name)| name.end);
                let end = call.start + name as u32;
                format!("in this call of `{}`", texts.name(Span::new(call.start, end)))
            }
            false => INCLUDED.to_owned(),
        };
        found.push((call, message));
        span = call;
    }
    found
}

/// The first place of a diagnostic.
pub(super) fn first_span(diagnostic: &Diagnostic) -> Option<Span> {
    span_of(diagnostic.labels.first()?)
}

/// All places of a diagnostic.
pub(super) fn spans(diagnostic: &Diagnostic) -> impl Iterator<Item = Span> {
    diagnostic.labels.iter().filter_map(span_of)
}

fn span_of(label: &Label) -> Option<Span> {
    match label.position {
        Position::Span(span) => Some(span),
        _ => None,
    }
}
