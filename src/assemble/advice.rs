//! What to say about a name that is not what it should be.

use super::assembler::Assembler;
use crate::diagnostics::{Code, Diagnostic, Help, Span, closest};
use crate::isa::Op;
use crate::isa::name::spelled;
use crate::syntax::{Operands, without_point};

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

    pub(super) fn unknown_mnemonic(&mut self, mnemonic: Span, operands: &Operands) {
        let name = self.texts.name(mnemonic);
        let alone = operands.is_empty();
        let known = Op::ALL.iter().map(|op| op.mnemonic()).chain(self.unit.macros.keys().copied());
        let help = match (without_point(name), self.closest(name, known)) {
            (Some(point), _) if alone => {
                format!("{point}; labels end with a colon: `{name}:`").into()
            }
            (Some(point), _) => Help::replace_by(&format!(".{name}"), point),
            (None, Some(near)) if alone => {
                Help::replace_by(near, format!("did you mean `{near}`, or a label, `{name}:`?"))
            }
            (None, Some(near)) => Help::did_you_mean(near),
            (None, None) if alone => Help::replace_by(
                &format!("{name}:"),
                format!("a label is followed by a colon: `{name}:`"),
            ),
            (None, None) => "docs/isa.md lists all instructions".into(),
        };
        let diagnostic =
            Diagnostic::error(Code::UnknownMnemonic, format!("unknown instruction `{name}`"));
        self.push(diagnostic.help(help), mnemonic, "no instruction has this name");
    }
}
