//! The end of all texts: everything is declared, and what was noted can be evaluated.

use super::assembler::{Assembler, unspelled};
use super::constants::Value;
use super::declare::{LibDecl, Named};
use crate::diagnostics::{Code, Diagnostic, Position, Span};
use crate::isa::name::spelled;
use crate::isa::{FuncType, Import, Signature, ValueType};
use crate::module::Location;
use crate::syntax::Expr;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

impl Assembler<'_> {
    pub(super) fn finish(&mut self) {
        self.link();
        self.finish_main();
        self.lay_out();
        self.check_constants();
        self.imports();
        self.import_whole();
        self.insert_missing();
        self.init_globals();
        self.memory();
        self.fill_data();
        if self.diagnostics.is_empty() {
            self.check_functions();
            self.doubt_unused_names();
        }
    }

    /// Main is the last function. A program needs it, or an `.entry`.
    fn finish_main(&mut self) {
        match (self.entry, self.program_main.take()) {
            (None, Some(main)) => {
                self.module.entry = self.module.functions.len() as u32;
                self.go_to_unit_of(main.first);
                self.finish_body(main, "");
            }
            (Some((name, _)), None) => {
                self.go_to_unit_of(name);
                match self.unit.functions.get(self.texts.name(name)) {
                    Some(entry) => self.module.entry = entry.take().index,
                    None => self.no_such_entry(name),
                }
            }
            (Some((name, _)), Some(main)) => {
                let message =
                    "the program has both an `.entry` and instructions outside of any function";
                let diagnostic = Diagnostic::error(Code::BadEntry, message)
                    .at_span(self.source, name, "the entry")
                    .at_span(self.source, main.first, "the first instruction outside")
                    .help("remove the `.entry`, or move those instructions into a function");
                self.diagnostics.push(diagnostic);
            }
            (None, None) if self.diagnostics.is_empty() => self.nothing_to_run(),
            (None, None) => {}
        }
    }

    fn no_such_entry(&mut self, name: Span) {
        let message = format!("the entry function `{}` does not exist", self.texts.name(name));
        let help = self.did_you_mean(self.texts.name(name), self.unit.functions.keys().copied());
        let diagnostic = Diagnostic::error(Code::BadEntry, message).maybe_help(help);
        self.push(diagnostic, name, "no function has this name");
    }

    fn nothing_to_run(&mut self) {
        let takes_nothing = |it: &&Named| *self.module.func_type(it.index) == FuncType::default();
        let functions = self.names_of(0).functions.values().map(|it| &it.named);
        let functions = functions.filter(takes_nothing);
        let help = match functions.min_by_key(|it| it.index) {
            Some(entry) => {
                let name = self.texts.name(entry.span);
                format!("name the function to begin with: `.entry {name}`")
            }
            None if self.units.len() > 1 || !self.public.is_empty() => {
                "one file of the program has main, which is what stands outside of functions; give it \
                 too, or write it"
                    .to_owned()
            }
            None => "the shortest program is `HALT`".to_owned(),
        };
        self.diagnostics.push(
            Diagnostic::error(Code::EmptyProgram, "the program has nothing to run")
                .at(self.source, Position::Whole, "no instruction outside of functions")
                .help(help),
        );
    }

    /// What the verifier would find as well, but could not point at.
    fn check_functions(&mut self) {
        let units = (0..self.units.len()).map(|unit| self.names_of(unit));
        let functions = units.flat_map(|names| &names.functions);
        let empty = functions
            .map(|(name, it)| (*name, it.named))
            .filter(|(_, it)| self.module.functions[it.index as usize].code.is_empty())
            .map(|(name, it)| (it.span, name));
        // Public ones are found more than once.
        for (span, name) in empty.collect::<BTreeMap<_, _>>() {
            let message = format!("`{name}` has no instruction");
            let diagnostic = Diagnostic::error(Code::MissingReturn, message)
                .at_span(self.source, span, "an empty function")
                .help("end it with `RET`");
            self.diagnostics.push(diagnostic);
        }
        let Some((name, _)) = self.entry else { return };
        self.go_to_unit_of(name);
        let ty = self.module.func_type(self.module.entry);
        if *ty != FuncType::default() {
            let function = self.texts.name(name);
            let message = format!("the entry function `{function}` must take and give nothing");
            let diagnostic = Diagnostic::error(Code::BadEntry, message)
                .at_span(self.source, name, "the entry")
                .at_span(
                    self.source,
                    self.unit.functions[function].named.span,
                    format!("is of type {ty}"),
                );
            self.diagnostics.push(diagnostic);
        }
    }

    /// Evaluates every constant, so that a wrong one is reported even when nothing uses it.
    fn check_constants(&mut self) {
        let units = (0..self.units.len()).map(|unit| self.names_of(unit));
        let mut names: Vec<Span> =
            units.flat_map(|unit| unit.constants.values()).map(|c| c.span).collect();
        names.sort_by_key(|span| span.start);
        names.dedup();
        for span in names {
            self.evaluate(&Expr { span, kind: crate::syntax::ExprKind::Name });
        }
    }

    fn imports(&mut self) {
        let mut first_uses: FxHashMap<u16, (Span, usize)> = FxHashMap::default();
        for lib in std::mem::take(&mut self.libs) {
            let Some(import) = self.import(&lib) else { continue };
            let index = self.module.imports.len();
            if let Some((first, index)) = first_uses.insert(import.slot, (lib.span, index)) {
                // What the files of a program say alike, they mean alike.
                let alike = self.texts.unit_of(first) != self.texts.unit_of(lib.span);
                if alike && self.module.imports[index] == import {
                    first_uses.insert(import.slot, (first, index));
                    self.name_slot(&import.symbol, import.slot, lib.span);
                    continue;
                }
                let message = format!("slot {} is bound twice", import.slot);
                let diagnostic = Diagnostic::error(Code::DuplicateName, message)
                    .at_span(self.source, lib.span, "again here")
                    .at_span(self.source, first, "first here")
                    .help("give one of them another number");
                self.diagnostics.push(diagnostic);
            }
            self.add_import(import, lib.location, lib.span);
        }
    }

    /// Adds the slot of a `.lib` to the program.
    pub(super) fn add_import(&mut self, import: Import, at: Location, lib: Span) {
        self.name_slot(&import.symbol, import.slot, lib);
        self.module.imports.push(import);
        self.map.imports.push(at);
    }

    /// Lets the unit of a `.lib` call a slot by the name of its function.
    pub(super) fn name_slot(&mut self, symbol: &str, slot: u16, lib: Span) {
        self.go_to_unit_of(lib);
        self.unit.slots.entry(spelled(symbol).into_owned()).or_default().push(slot);
    }

    fn import(&mut self, lib: &LibDecl) -> Option<Import> {
        let slot = self.evaluate_integer(&lib.slot, "a slot number");
        let version = self.version(&lib.version);
        let library = self.name_literal(lib.library)?;
        let symbol = match lib.symbol.of(self.texts) {
            text if text.starts_with('"') => self.name_literal(lib.symbol)?,
            _ => self.usable_name(lib.symbol, unspelled(self.texts.name(lib.symbol)).into())?,
        };
        let slot = slot?;
        let Ok(slot) = u16::try_from(slot) else {
            let message = format!("slot {slot} does not exist");
            self.error(Code::BadLib, lib.slot.span, message, "slots are numbered from 0 to 65535");
            return None;
        };
        let version = version?;
        let signature = lib.signature.clone().unwrap_or_default();
        if signature.params.len() > Signature::MAX_PARAMS {
            let message = format!("slot {slot} has more than {} parameters", Signature::MAX_PARAMS);
            self.error(Code::TooMany, lib.span, message, "C guarantees no more");
            return None;
        }
        Some(Import { slot, library, symbol, signature, version, lazy: lib.lazy })
    }

    /// The version that a `.lib` asks for, if it does; `None` after an error.
    pub(super) fn version(&mut self, expr: &Option<Expr>) -> Option<Option<u32>> {
        let Some(expr) = expr else { return Some(None) };
        let version = self.evaluate_integer(expr, "a version")?;
        if let Ok(version) = u32::try_from(version) {
            return Some(Some(version));
        }
        let message = "a version is a number of 32 bits";
        self.error(Code::DoesNotFit, expr.span, message, "does not fit");
        None
    }

    /// A text that names a file or symbol: not empty, UTF-8, without NUL.
    pub(super) fn name_literal(&mut self, span: Span) -> Option<String> {
        let bytes = self.text_literal(span)?;
        self.usable_name(span, bytes)
    }

    fn usable_name(&mut self, span: Span, bytes: Vec<u8>) -> Option<String> {
        let why = match String::from_utf8(bytes) {
            Ok(name) if name.is_empty() => "a name cannot be empty",
            Ok(name) if name.contains('\0') => "a name cannot contain a NUL",
            Ok(name) => return Some(name),
            Err(_) => "a name must be UTF-8",
        };
        self.error(Code::BadLib, span, why, "not a usable name");
        None
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
                    let name = self.texts.name(span);
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
