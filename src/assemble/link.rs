//! `.public` and `.extern`: what the units of a program share, once all are read.

use super::assembler::Assembler;
use super::constants::Constant;
use super::declare::{Declared, Named};
use super::units::Unit;
use crate::diagnostics::{Code, Diagnostic, Help, Span};
use crate::isa::{FuncType, ValueType};
use crate::syntax::{Expr, ExprKind, External, ExternalType};

/// A name that a unit shares with the others.
#[derive(Clone, Copy)]
pub(super) struct Public {
    unit: usize,
    /// Its `.public`.
    span: Span,
}

/// What a public name stands for. Constants and data share their names; a function and a global may
/// have one name, and are then both shared.
struct Shared {
    function: Option<Named>,
    global: Option<Named>,
    data: Option<Named>,
    constant: Option<Span>,
}

impl Unit<'_> {
    fn shared(&self, name: &str) -> Shared {
        Shared {
            function: self.functions.get(name).map(|it| it.named),
            global: self.globals.get(name).map(|it| it.named),
            data: self.data.get(name).map(|it| it.named),
            constant: self.constants.get(name).map(|constant| constant.span),
        }
    }
}

impl Shared {
    /// Where it is declared, if it stands for anything.
    fn declared(&self) -> Option<Span> {
        let named = self.function.or(self.global).or(self.data).map(|named| named.span);
        named.or(self.constant)
    }

    /// What it is, in words.
    fn describe(&self) -> &'static str {
        match self {
            Shared { function: Some(_), .. } => "a function",
            Shared { global: Some(_), .. } => "a global",
            Shared { data: Some(_), .. } => "data",
            _ => "a constant",
        }
    }
}

impl<'s> Assembler<'s> {
    /// Makes the public names of each unit known to those that ask for them.
    pub(super) fn link(&mut self) {
        let units = 0..self.units.len();
        units.clone().for_each(|unit| self.publish(unit));
        for unit in units {
            self.go_to(unit);
            let external = std::mem::take(&mut self.unit.external);
            external.iter().for_each(|it| self.bind(unit, it));
            self.unit.external = external;
        }
        let functions = self.public.iter().filter_map(|(name, public)| {
            Some(self.names_of(public.unit).functions.get(name)?.named.index)
        });
        self.module.public = functions.collect();
        self.module.public.sort_unstable();
    }

    /// Notes the public names of a unit.
    fn publish(&mut self, unit: usize) {
        self.go_to(unit);
        for span in std::mem::take(&mut self.unit.public) {
            let name = self.texts.name(span);
            if self.unit.shared(name).declared().is_none() {
                self.nothing_to_share(span);
                continue;
            }
            let first = *self.public.entry(name).or_insert(Public { unit, span });
            if first.unit != unit {
                self.public_twice(name, span, first);
            } else if first.span != span {
                self.only_one(&format!(".public {name}"), span, first.span);
            }
        }
    }

    fn nothing_to_share(&mut self, span: Span) {
        let name = self.texts.name(span);
        let of_another = self.unit.external.iter().any(|it| self.texts.name(it.name) == name);
        let help: Option<Help> = if of_another {
            Some(
                "it is said to be of another file: `.public` belongs into the one that has it"
                    .into(),
            )
        } else if self.unit.macros.contains_key(name) {
            Some("macros are shared by a file that all `.include`".into())
        } else if self.binds(name) {
            Some(
                "a `.lib` is repeated in each file that calls it; the same lines are one slot"
                    .into(),
            )
        } else {
            let tables = [&self.unit.functions, &self.unit.globals, &self.unit.data];
            let known = tables.into_iter().flat_map(|table| table.keys().copied());
            self.did_you_mean(name, known.chain(self.unit.constants.keys().copied()))
        };
        let message = format!("this file has no `{name}` to make public");
        let diagnostic = Diagnostic::error(Code::UnknownName, message).maybe_help(help);
        self.push(diagnostic, span, "neither a function, a global, data nor a constant");
    }

    /// Whether a `.lib` of the unit binds a function of this name.
    fn binds(&self, name: &str) -> bool {
        let of_unit = |lib: &&super::declare::LibDecl| self.texts.unit_of(lib.span) == self.at_unit;
        self.libs.iter().filter(of_unit).any(|lib| self.texts.name(lib.symbol) == name)
    }

    fn public_twice(&mut self, name: &str, span: Span, first: Public) {
        let declared = |unit: usize| self.names_of(unit).shared(name).declared();
        let again = declared(self.at_unit).unwrap_or(span);
        let before = declared(first.unit).unwrap_or(first.span);
        let diagnostic =
            Diagnostic::error(Code::DuplicatePublic, format!("two files make `{name}` public"))
                .at_span(self.source, again, "the second, which is public")
                .at_span(self.source, before, "the first")
                .help(
                    "rename one of them, or take its `.public` away: other names are a file's own",
                );
        self.diagnostics.push(diagnostic);
    }

    /// Finds what an `.extern` of a unit asks for.
    fn bind(&mut self, unit: usize, external: &External) {
        let name = self.texts.name(external.name);
        let own = self.unit.shared(name);
        // A list of `.extern`s may be included by the file that has them, too.
        let here = own.declared().is_some_and(|span| self.texts.unit_of(span) == unit);
        if here {
            return self.check_type(external, &own);
        }
        let Some(public) = self.public.get(name).copied() else {
            return self.not_public(external);
        };
        let shared = self.names_of(public.unit).shared(name);
        self.check_type(external, &shared);
        let Shared { function, global, data, constant } = shared;
        let known = |it: Named| (name, Declared::new(it.index, it.span));
        self.unit.functions.extend(function.map(known));
        self.unit.globals.extend(global.map(known));
        self.unit.data.extend(data.map(known));
        self.unit.constants.extend(constant.map(|span| {
            // It has the value that its name has where it is defined.
            let expr = Expr { span, kind: ExprKind::Name };
            (name, Constant::new(span, expr))
        }));
    }

    fn not_public(&mut self, external: &External) {
        let (span, name) = (external.name, self.texts.name(external.name));
        if self.missing.insert(name) {
            let mut diagnostic =
                Diagnostic::error(Code::NotPublic, format!("no file makes `{name}` public"))
                    .at_span(self.source, span, "said to be of another file");
            let others = (0..self.units.len()).filter(|unit| *unit != self.at_unit);
            let hidden = { others }.find_map(|unit| self.names_of(unit).shared(name).declared());
            diagnostic = match hidden {
                Some(hidden) => diagnostic
                    .at_span(self.source, hidden, "defined here, but not public")
                    .help(format!("write `.public {name}` in that file")),
                None if self.units.len() == 1 => diagnostic.help(
                    "name the file that has it, too: `hotvm asm main.vasm other.vasm`, `hotvm run \
                     main.vasm --with other.vasm`",
                ),
                None => diagnostic.maybe_help(self.did_you_mean(name, self.public.keys().copied())),
            };
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether a thing is what an `.extern` says of it.
    fn check_type(&mut self, external: &External, found: &Shared) {
        let (said, is, declared) = match &external.ty {
            ExternalType::Any => return,
            ExternalType::Global(ty) => {
                let Some(said) = self.value_type(*ty) else { return };
                let global = found.global;
                let is = global.map(|global| self.module.globals[global.index as usize].ty);
                if is == Some(said) {
                    return;
                }
                (format!("a global of type {said}"), is.map(|ty| ty.to_string()), global)
            }
            ExternalType::Function { params, result } => {
                let Some(said) = self.function_type(params, *result) else { return };
                let function = found.function;
                let is = function.map(|function| self.module.func_type(function.index).clone());
                if is.as_ref() == Some(&said) {
                    return;
                }
                (format!("a function {said}"), is.map(|ty| ty.to_string()), function)
            }
        };
        let Some(span) = declared.map(|named| named.span).or(found.declared()) else { return };
        let is = match is {
            Some(ty) => format!("is of type {ty}"),
            None => format!("is {}", found.describe()),
        };
        let message =
            format!("`{}` is not what this `.extern` says", self.texts.name(external.name));
        let diagnostic = Diagnostic::error(Code::ExternMismatch, message)
            .at_span(self.source, external.name, format!("said to be {said}"))
            .at_span(self.source, span, is)
            .help("write in both places what is meant");
        self.diagnostics.push(diagnostic);
    }

    /// The function type that types spell; `None` when one of them is none.
    fn function_type(&mut self, params: &[Span], result: Option<Span>) -> Option<FuncType> {
        let params: Vec<_> = params.iter().map(|&ty| self.value_type(ty)).collect();
        let result = result.map(|ty| self.value_type(ty));
        let params: Option<Vec<ValueType>> = params.into_iter().collect();
        let result = match result {
            Some(ty) => Some(ty?),
            None => None,
        };
        Some(FuncType { params: params?, result })
    }

    /// What to do about a name that is not known here, but is in another file.
    pub(super) fn in_another_file(&self, name: &str) -> Option<String> {
        if self.unit.external.iter().any(|it| self.texts.name(it.name) == name) {
            return Some(format!("`{name}` is of another file, and known when all are read"));
        }
        if self.public.contains_key(name) {
            return Some(format!(
                "`{name}` is public in another file: write `.extern {name}` here"
            ));
        }
        let others = (0..self.units.len()).filter(|unit| *unit != self.at_unit);
        let has = |unit: usize| self.names_of(unit).shared(name).declared().is_some();
        { others }.any(has).then(|| {
            format!(
                "another file has `{name}`: write `.public {name}` there, `.extern {name}` here"
            )
        })
    }
}
