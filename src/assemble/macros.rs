//! Macros: their bodies are recorded as tokens, and read again for each call.
//!
//! In an expansion the tokens of the body have positions of their own, while those of arguments keep
//! theirs (`syntax::Texts`). A label or local that the body defines is therefore known in that
//! expansion only, and one that an argument names is the caller's.

use super::assembler::{Assembler, unspelled};
use super::reading::{Input, MAX_DEPTH};
use crate::diagnostics::{Code, Diagnostic, Help, Span, closest};
use crate::isa::Op;
use crate::module::MacroCall;
use crate::syntax::{Chunk, Kind, Parser, RawLine, Token, directive_elsewhere};
use std::borrow::Cow;
use std::rc::Rc;

/// The most bytes that all expansions together may have, so that macros that call others twice do not
/// fill the memory.
pub(super) const MAX_EXPANSION: u32 = 64 << 20;

/// What an expansion takes at least, whatever it holds.
const LEAST_EXPANSION: u32 = 16;

/// A macro.
pub(super) struct Macro<'s> {
    pub(super) name: Span,
    /// Its `.macro`.
    pub(super) opened: Span,
    /// The names of its parameters.
    params: Vec<&'s str>,
    body: Chunk,
    /// From the first byte of the body to the last.
    span: Span,
    /// Its file, and its name, by their numbers in the source map.
    file: u32,
    number: u32,
}

impl Macro<'_> {
    /// Appends a line, or the beginning of one, to the body.
    fn push_line(&mut self, tokens: &[Token], raw: RawLine) {
        tokens.iter().for_each(|&token| self.body.push(token));
        self.body.end_line(raw.number, raw.begins);
        if self.span.start == self.opened.end {
            self.span.start = raw.begins;
        }
        self.span.end = tokens.last().map_or(self.span.end, |last| last.span.end);
    }
}

impl<'s> Assembler<'s> {
    /// `.macro`
    pub(super) fn begin_macro(&mut self, name: Span, params: &[Span], opened: Span) {
        if self.texts.scope(opened) != 0 {
            let message = "a macro cannot be defined in the expansion of another";
            return self.misplaced(opened, message, "define it outside");
        }
        let mut names: Vec<&str> = Vec::with_capacity(params.len());
        for &param in params {
            let text = self.texts.name(param);
            match names.iter().position(|known| *known == text) {
                Some(first) => self.duplicate("parameters", param, params[first]),
                None => names.push(text),
            }
        }
        self.recording = Some(Macro {
            name,
            opened,
            params: names,
            body: Chunk::default(),
            span: Span::new(opened.end, opened.end),
            file: self.input.file,
            number: self.map.macros.len() as u32,
        });
    }

    /// Adds a line to the macro that is being defined, or ends it.
    pub(super) fn record(&mut self, raw: RawLine) {
        let Some(recording) = &mut self.recording else { return };
        match raw.directive() {
            Kind::EndMacro => {
                let Some(mut done) = self.recording.take() else { return };
                // A label in front of it is the last of the body.
                if let [name, colon, _, ..] = *raw.tokens(self.texts)
                    && colon.kind == Kind::Colon
                {
                    done.push_line(&[name, colon], raw);
                }
                self.define(done);
                if let Err(unread) = Parser::new(self.texts).line(raw, self.source) {
                    self.unread.push(unread.diagnostic);
                }
            }
            Kind::Macro => {
                let first = recording.opened;
                let message = "a `.macro` inside of a macro";
                let diagnostic = Diagnostic::error(Code::MisplacedDirective, message)
                    .at_span(self.source, raw.span(), "the inner one")
                    .at_span(self.source, first, "the macro around it")
                    .help("end the first with `.endmacro`; macros may call each other");
                self.diagnostics.push(diagnostic);
            }
            _ => recording.push_line(&raw.tokens(self.texts), raw),
        }
    }

    fn define(&mut self, it: Macro<'s>) {
        let name = self.texts.name(it.name);
        if Op::from_mnemonic(name).is_some() {
            let message = format!("`{name}` is an instruction, and cannot name a macro");
            let diagnostic = Diagnostic::error(Code::DuplicateName, message);
            return self.push(
                diagnostic.help("mnemonics may be written in any case; choose another name"),
                it.name,
                "an instruction of this name exists",
            );
        }
        if let Some(first) = self.unit.macros.get(name) {
            return self.duplicate("macros", it.name, first.name);
        }
        self.map.macros.push(unspelled(name));
        self.unit.macros.insert(name, Rc::new(it));
    }

    /// Reports a macro without an end, and what was probably meant to be that.
    pub(super) fn macro_not_ended(&mut self, it: &Macro<'s>) {
        let meant = |line: RawLine| {
            let token = line.tokens(self.texts)[0];
            let name = token.span.of(self.texts).strip_prefix('.')?;
            let is_end = directive_elsewhere(name) == directive_elsewhere("endm")
                || closest(name, Kind::DIRECTIVES.map(|known| &known[1..])) == Some("endmacro");
            (token.kind == Kind::UnknownDirective && is_end).then_some(token.span)
        };
        let Some(end) = it.body.lines().find_map(meant) else {
            let help = "write `.endmacro` behind its last line";
            return self.not_ended("`.macro`", it.opened, help);
        };
        let diagnostic = Diagnostic::error(Code::MissingEnd, "this `.macro` has no end")
            .at_span(self.source, end, "no directive has this name")
            .at_span(self.source, it.opened, "begins here")
            .help(Help::replace_by(".endmacro", "a macro ends with `.endmacro`"));
        self.diagnostics.push(diagnostic);
    }

    /// Reads the body of a macro with the arguments of a call.
    pub(super) fn expand(&mut self, it: Rc<Macro<'s>>, name: Span, raw: RawLine, call: Span) {
        let tokens = raw.tokens(self.texts);
        let behind = tokens.iter().position(|token| token.span == name);
        let args = arguments(&tokens[behind.map_or(0, |at| at + 1)..]);
        let mut args: Vec<Cow<[Token]>> = args.into_iter().map(Cow::Borrowed).collect();
        if args.len() != it.params.len() {
            return self.wrong_arguments(&it, &args, call);
        }
        let Some(left) = self.expansion_left else { return };
        if self.input.depth >= MAX_DEPTH {
            return self.too_deep(&it, name);
        }
        let cost = (it.span.end - it.span.start).max(LEAST_EXPANSION);
        let Some(left) = left.checked_sub(cost) else { return self.too_large(name) };
        self.expansion_left = Some(left);
        if self.texts.is_expansion(self.input.base) {
            args.iter_mut().for_each(|arg| self.work_out(arg));
        }
        let Some(base) = self.texts.expand(it.span, call) else { return self.too_large(name) };
        self.tell_progress_at(raw.begins);
        let at = self.location(raw.number, raw.begins, call);
        let number = self.map.calls.len() as u32;
        self.map.calls.push(MacroCall { name: it.number, at, within: self.input.call });
        let inner = Input {
            file: it.file,
            base,
            depth: self.input.depth + 1,
            call: Some(number),
            statement: None,
            conditions: self.conditions.len(),
            expansions: self.expansions.len(),
        };
        let chunk = self.expansion(&it, &args, base);
        let outer = std::mem::replace(&mut self.input, inner);
        self.read_chunk(&chunk);
        self.end_of_text(inner.conditions);
        self.input = outer;
    }

    /// The body of a macro, as an expansion that begins at `base`.
    fn expansion(&self, it: &Macro, args: &[Cow<[Token]>], base: u32) -> Chunk {
        let moved = |at: u32| at - it.span.start + base;
        let mut chunk = Chunk::default();
        for line in it.body.lines() {
            for token in &*line.tokens(self.texts) {
                let param = match token.kind.is_name() {
                    true => {
                        it.params.iter().position(|param| *param == self.texts.name(token.span))
                    }
                    false => None,
                };
                match param {
                    Some(param) => put_in(&mut chunk, &args[param]),
                    None => {
                        let span = Span::new(moved(token.span.start), moved(token.span.end));
                        chunk.push(Token { span, ..*token });
                    }
                }
            }
            chunk.end_line(line.number, moved(line.begins));
        }
        chunk
    }

    /// Puts its value in the place of an argument that is an integer expression, so that what macros hand on
    /// to each other does not grow with every call.
    fn work_out(&mut self, argument: &mut Cow<[Token]>) {
        let [first, .., last] = **argument else { return };
        let value = Parser::expression(argument).and_then(|expr| self.known_integer(&expr));
        let Some(left) = self.expansion_left.and_then(|left| left.checked_sub(LEAST_EXPANSION))
        else {
            return;
        };
        let literal = value.map(|value| match value {
            0.. => value.to_string(),
            // A sign would be one more operator.
            _ => format!("{value:#x}"),
        });
        let place = literal.and_then(|it| self.texts.value(it, first.span.to(last.span)));
        if let Some(span) = place {
            self.expansion_left = Some(left);
            *argument = parenthesised(&[Token { kind: Kind::Integer, span }]).collect();
        }
    }

    fn wrong_arguments(&mut self, it: &Macro, args: &[Cow<[Token]>], call: Span) {
        let name = self.texts.name(it.name);
        let takes = match it.params.len() {
            0 => "no argument".to_owned(),
            1 => "one argument".to_owned(),
            n => format!("{n} arguments"),
        };
        let message = format!("`{name}` takes {takes}, not {}", args.len());
        let form = format!("{name} {}", it.params.join(", "));
        let diagnostic = Diagnostic::error(Code::BadMacroCall, message)
            .at_span(self.source, call, format!("with {}", args.len()))
            .at_span(self.source, it.opened, "defined here")
            .help(format!("the form is: {}", form.trim_end()));
        if self.is_new(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }

    fn too_deep(&mut self, it: &Macro, name: Span) {
        let message = format!("macros and includes lead {MAX_DEPTH} deep into each other");
        let diagnostic = Diagnostic::error(Code::EndlessMacro, message)
            .at_span(self.source, name, "one too many")
            .at_span(self.source, it.name, "the macro")
            .help("end the recursion with an `.if` in the macro");
        self.diagnostics.push(diagnostic);
        // Once is enough: a macro that calls itself twice would do so 2 to the 64th times.
        self.expansion_left = None;
    }

    fn too_large(&mut self, name: Span) {
        self.expansion_left = None;
        let message = format!("macros expand to more than {} MiB of text", MAX_EXPANSION >> 20);
        let diagnostic = Diagnostic::error(Code::EndlessMacro, message);
        self.push(diagnostic.help("make a function of what is called often"), name, "too much");
    }
}

/// The arguments of a call, which commas outside of parentheses set apart.
fn arguments(tokens: &[Token]) -> Vec<&[Token]> {
    if tokens.is_empty() {
        return Vec::new();
    }
    let mut depth = 0u32;
    let is_comma = |token: &Token| {
        match token.kind {
            Kind::ParenOpen => depth += 1,
            Kind::ParenClose => depth = depth.saturating_sub(1),
            _ => {}
        }
        token.kind == Kind::Comma && depth == 0
    };
    tokens.split(is_comma).collect()
}

/// Puts an argument in the place of a parameter. An expression stays one whatever it is put into.
fn put_in(chunk: &mut Chunk, argument: &[Token]) {
    match argument.len() {
        ..=1 => argument.iter().for_each(|&token| chunk.push(token)),
        _ => parenthesised(argument).for_each(|token| chunk.push(token)),
    }
}

/// Tokens, of which there is one at least, between parentheses that stand nowhere.
fn parenthesised(tokens: &[Token]) -> impl Iterator<Item = Token> {
    let (first, last) = (tokens[0].span, tokens[tokens.len() - 1].span);
    let before = Span::new(first.start, first.start);
    let open = Token { kind: Kind::ParenOpen, span: before };
    let close = Token { kind: Kind::ParenClose, span: last.after() };
    std::iter::once(open).chain(tokens.iter().copied()).chain([close])
}
