//! The end of the text: everything is declared, and what was noted can be evaluated.

use super::assembler::Assembler;
use super::constants::Value;
use super::declare::LibDecl;
use crate::diagnostics::{Code, Diagnostic, Position, Span};
use crate::isa::{FuncType, Import, Signature, ValueType};
use crate::syntax::Expr;
use rustc_hash::FxHashMap;

impl Assembler<'_> {
    pub(super) fn finish(&mut self) {
        if let Some(open) = self.function.take() {
            self.missing_end(&open, None);
            let name = open.name.of(self.texts);
            self.finish_body(open, name);
        }
        self.finish_main();
        self.lay_out();
        self.check_constants();
        self.imports();
        self.import_whole();
        for import in &self.module.imports {
            self.slots.entry(import.symbol.clone()).or_default().push(import.slot);
        }
        self.insert_missing();
        self.init_globals();
        self.memory();
        self.fill_data();
        if self.diagnostics.is_empty() {
            self.check_functions();
        }
    }

    /// Main is the last function. A program needs it, or an `.entry`.
    fn finish_main(&mut self) {
        let main = std::mem::take(&mut self.main);
        match (self.entry, main.items.is_empty()) {
            (None, false) => {
                self.module.entry = self.module.functions.len() as u32;
                self.finish_body(main, "");
            }
            (Some((name, _)), true) => match self.functions.get(name.of(self.texts)) {
                Some(entry) => self.module.entry = entry.index,
                None => self.no_such_entry(name),
            },
            (Some((name, _)), false) => {
                let message =
                    "the program has both an `.entry` and instructions outside of any function";
                let diagnostic = Diagnostic::error(Code::BadEntry, message)
                    .at_span(self.source, name, "the entry")
                    .at_span(self.source, main.first, "the first instruction outside")
                    .help("remove the `.entry`, or move those instructions into a function");
                self.diagnostics.push(diagnostic);
            }
            (None, true) if self.diagnostics.is_empty() => self.nothing_to_run(),
            (None, true) => {}
        }
    }

    fn no_such_entry(&mut self, name: Span) {
        let message = format!("the entry function `{}` does not exist", name.of(self.texts));
        let help = self.did_you_mean(name.of(self.texts), self.functions.keys().copied());
        let diagnostic = Diagnostic::error(Code::BadEntry, message).maybe_help(help);
        self.push(diagnostic, name, "no function has this name");
    }

    fn nothing_to_run(&mut self) {
        let mut functions = self.names.functions.iter().zip(&self.module.functions);
        let entry =
            functions.find(|(_, f)| self.module.types[f.ty as usize] == FuncType::default());
        let help = match entry {
            Some((function, _)) => {
                format!("name the function to begin with: `.entry {}`", function.name)
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
        for (name, function) in &self.functions {
            if self.module.functions[function.index as usize].code.is_empty() {
                let message = format!("`{name}` has no instruction");
                let diagnostic = Diagnostic::error(Code::MissingReturn, message)
                    .at_span(self.source, function.span, "an empty function")
                    .help("end it with `RET`");
                self.diagnostics.push(diagnostic);
            }
        }
        let Some((name, _)) = self.entry else { return };
        let ty = self.module.func_type(self.module.entry);
        if *ty != FuncType::default() {
            let function = name.of(self.texts);
            let message = format!("the entry function `{function}` must take and give nothing");
            let diagnostic = Diagnostic::error(Code::BadEntry, message)
                .at_span(self.source, name, "the entry")
                .at_span(self.source, self.functions[function].span, format!("is of type {ty}"));
            self.diagnostics.push(diagnostic);
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
            self.module.imports.push(import);
            self.map.imports.push(lib.location);
        }
    }

    fn import(&mut self, lib: &LibDecl) -> Option<Import> {
        let slot = self.evaluate_integer(&lib.slot, "a slot number");
        let version = self.version(&lib.version);
        let library = self.name_literal(lib.library)?;
        let symbol = match lib.symbol.of(self.texts) {
            quoted if quoted.starts_with('"') => self.name_literal(lib.symbol)?,
            name => name.to_owned(),
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
                    let name = span.of(self.texts);
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
