//! Instructions that name something outside of their function, which only the end of all texts can tell.
//!
//! Their bytes are left out of the code at first, because their length is not known, and inserted
//! when everything is. A program without such instructions is not touched again.

use super::assembler::Assembler;
use super::constants::Value;
use crate::diagnostics::{Code, Diagnostic, Help, Span};
use crate::isa::name::spelled;
use crate::isa::{Op, OperandKind, write_operand};
use crate::syntax::Expr;

/// An instruction that is missing from the code.
pub(super) struct Fixup {
    /// The function that it belongs to.
    pub(super) function: u32,
    /// Where its bytes belong, in the code without any such instruction.
    pub(super) at: u32,
    pub(super) missing: Missing,
}

/// What is not known yet.
pub(super) enum Missing {
    /// A function.
    Func(Op, Span),
    /// A global.
    Global(Op, Span),
    /// The slot of a native function.
    Slot(Op, Span),
    /// The number of a text.
    Text(Op, Span),
    /// The value of an expression.
    Expr(Op, Expr),
}

impl Missing {
    fn span(&self) -> Span {
        match self {
            Missing::Func(_, span)
            | Missing::Global(_, span)
            | Missing::Slot(_, span)
            | Missing::Text(_, span) => *span,
            Missing::Expr(_, expr) => expr.span,
        }
    }
}

impl Assembler<'_> {
    /// Inserts the missing instructions and moves the functions accordingly.
    pub(super) fn insert_missing(&mut self) {
        let fixups = std::mem::take(&mut self.fixups);
        if fixups.is_empty() {
            return;
        }
        let old = std::mem::take(&mut self.module.code);
        let mut functions = std::mem::take(&mut self.module.functions);
        let mut code = Vec::with_capacity(old.len() + fixups.len() * 4);
        let mut next = fixups.iter().peekable();
        for (index, function) in functions.iter_mut().enumerate() {
            let start = code.len() as u32;
            let mut copied = function.code.start as usize;
            self.completing = Some(index);
            while let Some(fixup) = next.next_if(|f| f.function as usize == index) {
                code.extend_from_slice(&old[copied..fixup.at as usize]);
                copied = fixup.at as usize;
                if let Some((op, arg)) = self.found(&fixup.missing) {
                    code.push(op as u8);
                    write_operand(&mut code, op.operand(), arg);
                }
            }
            code.extend_from_slice(&old[copied..function.code.end as usize]);
            function.code = start..code.len() as u32;
        }
        self.completing = None;
        self.module.code = code;
        self.module.functions = functions;
    }

    /// What was missing, now that the whole text is known.
    fn found(&mut self, missing: &Missing) -> Option<(Op, u64)> {
        self.go_to_unit_of(missing.span());
        match missing {
            Missing::Func(op, span) => {
                let index = match self.unit.functions.get(self.texts.name(*span)) {
                    // A function that nothing but itself calls is not used.
                    Some(own) if self.completing == Some(own.named.index as usize) => {
                        own.named.index
                    }
                    Some(found) => found.take().index,
                    None => return self.unknown_function(*span),
                };
                Some((*op, index.into()))
            }
            Missing::Global(op, span) => match self.unit.globals.get(self.texts.name(*span)) {
                Some(found) => Some((*op, found.take().index.into())),
                None => self.unknown_variable(*op, *span),
            },
            Missing::Slot(op, span) => Some((*op, self.slot(*span)?)),
            Missing::Text(op, span) => Some((*op, self.intern_text(*span)?)),
            Missing::Expr(op, expr) => match (op.operand(), self.evaluate(expr)?) {
                (_, Value::Int(value)) => Some((*op, value as u64)),
                (OperandKind::Int, Value::Float(value)) => {
                    let op = op.with_operand(OperandKind::Float)?;
                    Some((op, value.to_bits()))
                }
                (_, Value::Float(_)) => {
                    self.error(
                        Code::WrongOperand,
                        expr.span,
                        "an offset is an integer",
                        "this is a float",
                    );
                    None
                }
            },
        }
    }

    /// The number of a text, of which each stands in the module once.
    fn intern_text(&mut self, span: Span) -> Option<u64> {
        let bytes = self.text_literal(span)?;
        let next = self.module.texts.len() as u32;
        let index = *self.written.entry(bytes).or_insert_with_key(|bytes| {
            self.module.texts.push(bytes.clone());
            next
        });
        Some(index.into())
    }

    /// A slot is called by the name of its function, or by a constant.
    fn slot(&mut self, span: Span) -> Option<u64> {
        let name = self.texts.name(span);
        match self.unit.slots.get(name).map_or(&[][..], |slots| slots) {
            &[slot] => return Some(slot.into()),
            &[first, second, ..] => {
                let message = format!("`{name}` is the function of more than one slot");
                let help = format!("call it by number: slot {first} or {second}");
                self.push(
                    Diagnostic::error(Code::UnknownName, message).help(help),
                    span,
                    "not unique",
                );
                return None;
            }
            [] => {}
        }
        if self.unit.constants.contains_key(name) {
            let expr = Expr { span, kind: crate::syntax::ExprKind::Name };
            let slot = self.evaluate_integer(&expr, "a slot number")?;
            if u32::try_from(slot).is_err() {
                let message = format!("there is no slot {slot}");
                self.error(Code::DoesNotFit, span, message, "slots are numbered from 0 to 65535");
            }
            return u32::try_from(slot).ok().map(u64::from);
        }
        let help =
            self.advise(name, self.unit.slots.keys().chain(&self.offered).map(|symbol| &**symbol));
        let help = help.unwrap_or_else(|| {
            format!("bind it: .lib 0 \"library\" {name} (i32, i32) -> i32").into()
        });
        let message = format!("unknown native function `{name}`");
        let diagnostic = Diagnostic::error(Code::UnknownName, message).help(help);
        self.push(diagnostic, span, "no `.lib` binds it");
        None
    }

    fn unknown_function<T>(&mut self, span: Span) -> Option<T> {
        let name = self.texts.name(span);
        let help = self.advise(name, self.unit.functions.keys().copied());
        let help = help.unwrap_or_else(|| format!("define it with `.func {name}` … `.end`").into());
        let message = format!("unknown function `{name}`");
        let diagnostic = Diagnostic::error(Code::UnknownName, message).help(help);
        self.push(diagnostic, span, "no function has this name");
        None
    }

    fn unknown_variable<T>(&mut self, op: Op, span: Span) -> Option<T> {
        let name = self.texts.name(span);
        let function = self.completing.map(|index| &self.names.functions[index]);
        let locals = function.into_iter().flat_map(|function| &function.locals);
        let locals: Vec<_> = locals.map(|local| spelled(local)).collect();
        let known = locals.iter().map(|local| &**local).chain(self.unit.globals.keys().copied());
        let stored = self.instead_of_storing(op, name).map(Help::from);
        let help = stored.or_else(|| self.advise(name, known)).unwrap_or_else(|| {
            format!(
                "declare it: `.local {name}: i64` in the function, or `.global {name}: i64 = 0`"
            )
            .into()
        });
        let message = format!("unknown variable `{name}`");
        let label = "neither a local, a parameter nor a global";
        self.push(Diagnostic::error(Code::UnknownName, message).help(help), span, label);
        None
    }
}
