//! What to say about a name that is not what it should be.

use super::assembler::Assembler;
use super::body::Body;
use super::origins::first_span;
use crate::diagnostics::{Code, Diagnostic, Help, Label, Position, Span, closest};
use crate::isa::Op;
use crate::isa::name::spelled;
use crate::syntax::{Kind, RawLine, directive_elsewhere, instruction_elsewhere, without_point};

/// How often names are looked through for a suggestion. There may be many, and nobody reads more.
pub(super) const MAX_SUGGESTIONS: u32 = 40;

impl Assembler<'_> {
    /// What to do about an unknown name: how to use what it stands for elsewhere, or the name that it
    /// was probably meant to be.
    pub(super) fn advise<'a>(
        &self,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Option<Help> {
        self.use_of(name).map(Help::from).or_else(|| self.did_you_mean(name, known))
    }

    pub(super) fn did_you_mean<'a>(
        &self,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Option<Help> {
        self.closest(name, known).map(Help::did_you_mean)
    }

    /// The word that a mistyped one was probably meant to be.
    pub(super) fn closest<'a>(
        &self,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        self.spend_suggestion()?;
        closest(name, known)
    }

    fn spend_suggestion(&self) -> Option<()> {
        self.suggestions_left.set(self.suggestions_left.get().checked_sub(1)?);
        Some(())
    }

    /// How the thing with this name is used, whatever it is.
    fn use_of(&self, name: &str) -> Option<String> {
        self.spend_suggestion()?;
        let function = self.completing.map(|index| &self.names.functions[index]);
        let is_local =
            function.is_some_and(|f| f.locals.iter().any(|local| spelled(local) == name));
        let is_label =
            function.is_some_and(|f| f.labels.iter().any(|(_, label)| spelled(label) == name));
        Some(match name {
            _ if is_local => format!("`{name}` is a local: `LOAD {name}` pushes its value"),
            _ if self.unit.globals.contains_key(name) => {
                format!("`{name}` is a global: `LOAD {name}` pushes its value")
            }
            _ if self.unit.constants.contains_key(name) => {
                format!("`{name}` is a constant: `PUSH {name}` pushes it")
            }
            _ if self.unit.data.contains_key(name) => {
                format!("`{name}` is an address: `PUSH {name}` pushes it")
            }
            _ if self.unit.functions.contains_key(name) => {
                format!("`{name}` is a function of this program: write `CALL {name}`")
            }
            _ if self.unit.slots.contains_key(name) => {
                format!("`{name}` is native: write `CALL_NATIVE {name}`")
            }
            _ if is_label => format!("`{name}` is a label: `JMP {name}` goes there"),
            _ => return self.in_another_file(name),
        })
    }

    /// What to do where an instruction stores to something that is no variable.
    pub(super) fn instead_of_storing(&self, op: Op, name: &str) -> Option<String> {
        if op.pops().is_empty() {
            return None;
        }
        if self.unit.constants.contains_key(name) {
            return Some(format!(
                "`{name}` is a constant, which keeps its value; `.global {name}: i64` can be stored to"
            ));
        }
        self.unit.data.contains_key(name).then(|| {
            format!(
                "`{name}` is an address: push it before the value, and `ST8` to `STF64` store there"
            )
        })
    }

    pub(super) fn unknown_mnemonic(&mut self, mnemonic: Span) {
        let name = self.texts.name(mnemonic);
        let diagnostic =
            Diagnostic::error(Code::UnknownMnemonic, format!("unknown instruction `{name}`"));
        let help = self.instead_of_mnemonic(name);
        self.push(diagnostic.help(help), mnemonic, "no instruction has this name");
    }

    fn instead_of_mnemonic(&self, name: &str) -> Help {
        let known = Op::ALL.iter().map(|op| op.mnemonic()).chain(self.unit.macros.keys().copied());
        without_point(name)
            .map(|text| Help::replace_by(&format!(".{name}"), text))
            .or_else(|| instruction_elsewhere(name))
            .or_else(|| self.did_you_mean(name, known))
            .unwrap_or_else(|| "docs/isa.md lists all instructions".into())
    }

    /// Blames a line that has not the form of an instruction on its first word, where that is none, nor a
    /// macro.
    pub(super) fn blame_mnemonic(&self, unread: Diagnostic, raw: RawLine) -> Diagnostic {
        let tokens = raw.tokens(self.texts);
        let [first, rest @ ..] = &*tokens else { return unread };
        let name = self.texts.name(first.span);
        let known = Op::from_mnemonic(name).is_some() || self.unit.macros.contains_key(name);
        let is_it = unread.code == Code::Syntax && unread.help.is_none() && first.kind.is_name();
        if known || !is_it || rest.first().is_some_and(|next| next.kind == Kind::Colon) {
            return unread;
        }
        let directive = match rest {
            [sign, ..] if sign.kind == Kind::Equals => directive_elsewhere("equ"),
            [word, ..] => directive_elsewhere(word.span.of(self.texts)),
            [] => None,
        };
        let help = directive.filter(|it| !it.is_edit());
        Diagnostic::error(Code::UnknownMnemonic, format!("unknown instruction `{name}`"))
            .at_span(self.source, first.span, "no instruction has this name")
            .help(help.unwrap_or_else(|| self.instead_of_mnemonic(name)))
    }

    /// Notes which of the words that are no instructions something jumps to.
    pub(super) fn note_meant_labels(&mut self, body: &Body) {
        if self.unknown_words.is_empty() {
            return;
        }
        let meant = body.labels.iter().filter(|(_, label)| label.used.get());
        let meant = meant.map(|(_, label)| label.named.span);
        self.meant_labels.extend(meant.filter(|span| self.unknown_words.contains(span)));
    }

    fn same_unit(&self, a: Span, b: Span) -> bool {
        self.texts.unit_of(a) == self.texts.unit_of(b)
    }

    /// Mends what was said of a name before all was read.
    pub(super) fn explain_late(&mut self) {
        let mut diagnostics = std::mem::take(&mut self.diagnostics);
        for diagnostic in &mut diagnostics {
            let Some(span) = first_span(diagnostic) else { continue };
            let (name, unit) = (self.texts.name(span), self.names_of(self.texts.unit_of(span)));
            let (help, place) = match diagnostic.code {
                Code::UnknownMnemonic if self.meant_labels.contains(&span) => {
                    let text = format!("a label is followed by a colon: `{name}:`");
                    (Help::replace_by(&format!("{name}:"), text), None)
                }
                Code::UnknownMnemonic => match unit.macros.get(name) {
                    Some(late) => {
                        let place = (late.opened, "the macro of this name");
                        ("define the macro above its first use".into(), Some(place))
                    }
                    None => continue,
                },
                Code::UnknownName if diagnostic.notes.iter().any(|note| note == STANDS_ABOVE) => {
                    match unit.constants.get(name) {
                        // Those of other files no condition knows.
                        Some(late) if self.same_unit(late.span, span) => {
                            let place = (late.span, "defined here, below");
                            ("define it above the condition".into(), Some(place))
                        }
                        _ => continue,
                    }
                }
                _ => continue,
            };
            diagnostic.set_help(help);
            diagnostic.labels.extend(place.map(|(span, message)| Label {
                source: self.source,
                position: Position::Span(span),
                message: message.to_owned(),
            }));
        }
        self.diagnostics = diagnostics;
    }
}

/// What conditions know.
pub(super) const STANDS_ABOVE: &str =
    "a condition knows what stands above it, and what `-D` defines";
