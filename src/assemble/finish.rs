//! The end of the text: everything is declared, and what was noted can be evaluated.

use super::assembler::Assembler;
use super::constants::Value;
use super::declare::LibDecl;
use crate::diagnostics::{Code, Diagnostic, Position, Span};
use crate::isa::{Import, ValueType};
use crate::syntax::Expr;
use rustc_hash::FxHashMap;

impl Assembler<'_> {
    pub(super) fn finish(&mut self) {
        if let Some(open) = self.function.take() {
            self.missing_end(&open, None);
            let name = open.name.of(self.text);
            self.finish_body(open, name);
        }
        self.finish_main();
        self.lay_out();
        self.check_constants();
        self.imports();
        self.insert_missing();
        self.init_globals();
        self.memory();
        self.fill_data();
    }

    /// Main is the last function. A program needs it, or an `.entry`.
    fn finish_main(&mut self) {
        let main = std::mem::take(&mut self.main);
        let exists =
            !main.items.is_empty() || !main.local_types.is_empty() || !main.labels.is_empty();
        match (self.entry, exists) {
            (None, true) => {
                self.module.entry = self.module.functions.len() as u32;
                self.finish_body(main, "");
            }
            (Some(name), false) => match self.functions.get(name.of(self.text)) {
                Some(entry) => self.module.entry = entry.index,
                None => {
                    let message =
                        format!("the entry function `{}` does not exist", name.of(self.text));
                    self.error(Code::BadEntry, name, message, "no function has this name");
                }
            },
            (Some(name), true) => {
                let message =
                    "the program has both an `.entry` and instructions outside of any function";
                let diagnostic = Diagnostic::error(Code::BadEntry, message)
                    .help("remove the one, or move the others into a function");
                self.push(diagnostic, name, "the entry");
            }
            (None, false) if self.diagnostics.is_empty() => {
                let functions = !self.module.functions.is_empty();
                let help = match functions {
                    true => "name the function to begin with: `.entry name`",
                    false => "the shortest program is `HALT`",
                };
                self.diagnostics.push(
                    Diagnostic::error(Code::EmptyProgram, "the program has nothing to run")
                        .at(self.source, Position::Whole, "no instruction outside of functions")
                        .help(help),
                );
            }
            (None, false) => {}
        }
    }

    /// Evaluates every constant, so that a wrong one is reported even when nothing uses it.
    fn check_constants(&mut self) {
        let mut names: Vec<Span> = self.constants.values().map(|c| c.span).collect();
        names.sort_by_key(|span| span.start);
        for span in names {
            self.evaluate(&Expr { span, kind: crate::syntax::ExprKind::Name });
        }
    }

    fn imports(&mut self) {
        let mut first_uses: FxHashMap<u16, Span> = FxHashMap::default();
        for lib in std::mem::take(&mut self.libs) {
            let Some(import) = self.import(&lib) else { continue };
            if let Some(first) = first_uses.insert(import.slot, lib.span) {
                let message = format!("slot {} is bound twice", import.slot);
                let diagnostic = Diagnostic::error(Code::DuplicateName, message)
                    .at_span(self.source, lib.span, "again here")
                    .at_span(self.source, first, "first here")
                    .help("give one of them another number");
                self.diagnostics.push(diagnostic);
            }
            self.slots.entry(import.symbol.clone()).or_default().push(import.slot);
            self.module.imports.push(import);
            self.map.imports.push(lib.location);
        }
    }

    fn import(&mut self, lib: &LibDecl) -> Option<Import> {
        let slot = self.evaluate_integer(&lib.slot, "a slot number");
        let version = match &lib.version {
            Some(expr) => Some(self.evaluate_integer(expr, "a version").map(|v| (v, expr.span))?),
            None => None,
        };
        let library = self.name_literal(lib.library)?;
        let symbol = match lib.symbol.of(self.text) {
            quoted if quoted.starts_with('"') => self.name_literal(lib.symbol)?,
            name => name.to_owned(),
        };
        let slot = slot?;
        let Ok(slot) = u16::try_from(slot) else {
            let message = format!("slot {slot} does not exist");
            self.error(Code::BadLib, lib.slot.span, message, "slots are numbered from 0 to 65535");
            return None;
        };
        let version = match version.map(|(v, span)| (u32::try_from(v), span)) {
            None => None,
            Some((Ok(version), _)) => Some(version),
            Some((Err(_), span)) => {
                self.error(
                    Code::DoesNotFit,
                    span,
                    "a version is a number of 32 bits",
                    "does not fit",
                );
                return None;
            }
        };
        let signature = lib.signature.clone().unwrap_or_default();
        Some(Import { slot, library, symbol, signature, version, lazy: lib.lazy })
    }

    /// A text that names a file or symbol: not empty, UTF-8, without NUL.
    fn name_literal(&mut self, span: Span) -> Option<String> {
        let bytes = self.text_literal(span)?;
        match String::from_utf8(bytes) {
            Ok(name) if !name.is_empty() && !name.contains('\0') => Some(name),
            _ => {
                self.error(
                    Code::BadLib,
                    span,
                    "not a usable name",
                    "empty, or with a NUL, or not UTF-8",
                );
                None
            }
        }
    }

    fn init_globals(&mut self) {
        for (index, (span, init)) in std::mem::take(&mut self.global_inits).into_iter().enumerate()
        {
            let Some(expr) = init else { continue };
            let Some(value) = self.evaluate(&expr) else { continue };
            let global = &mut self.module.globals[index];
            match (global.ty, value) {
                (ValueType::I64, Value::Int(n)) => global.init = n as u64,
                (ValueType::F64, Value::Float(x)) => global.init = x.to_bits(),
                (ty, value) => {
                    let name = span.of(self.text);
                    let (found, help) = match value {
                        Value::Int(n) => ("an integer", format!("write `{n}.0`")),
                        Value::Float(_) => ("a float", "declare it as `f64`".to_owned()),
                    };
                    let message = format!("`{name}` is `{ty}`, but its value is {found}");
                    self.push(
                        Diagnostic::error(Code::TypeMismatch, message).help(help),
                        expr.span,
                        found,
                    );
                }
            }
        }
    }
}
