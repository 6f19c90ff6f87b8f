//! The instructions of one function, until its end makes their labels and locals known.

use super::assembler::{Assembler, Scoped};
use super::declare::{Declared, Named};
use super::fixups::{Fixup, Missing};
use super::names::LocalNames;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::isa::{FuncType, Op, OperandKind, ValueType, leb128, write_operand};
use crate::module::{Expanded, Run};
use crate::syntax::Expr;

/// A function that is being read.
#[derive(Default)]
pub(super) struct Body<'s> {
    /// Where its name stands.
    pub(super) name: Span,
    /// Where its `.func` stands.
    pub(super) opened: Span,
    /// The mnemonic of its first instruction.
    pub(super) first: Span,
    pub(super) ty: FuncType,
    pub(super) items: Vec<Item>,
    /// The labels of `SWITCH`es.
    pub(super) switch_labels: Vec<Span>,
    /// Operands that are constant expressions.
    pub(super) exprs: Vec<Expr>,
    pub(super) labels: LocalNames<'s>,
    pub(super) label_names: Vec<(u32, Scoped<'s>)>,
    /// Parameters, then locals.
    pub(super) locals: LocalNames<'s>,
    pub(super) local_names: Vec<Scoped<'s>>,
    pub(super) local_types: Vec<ValueType>,
    pub(super) runs: Vec<Run>,
    /// The locals that instructions name by number.
    pub(super) numbered: Vec<u64>,
    /// What came from macros.
    pub(super) expanded: Vec<Expanded>,
}

impl Body<'_> {
    /// Forgets everything but the memory.
    pub(super) fn clear(&mut self) {
        self.ty = FuncType::default();
        self.items.clear();
        self.switch_labels.clear();
        self.exprs.clear();
        self.labels.clear();
        self.label_names.clear();
        self.locals.clear();
        self.local_names.clear();
        self.local_types.clear();
        self.runs.clear();
        self.expanded.clear();
        self.numbered.clear();
    }
}

/// An instruction with its operand as far as it is known.
#[derive(Clone, Copy)]
pub(super) struct Item {
    pub(super) op: Op,
    pub(super) arg: Arg,
}

impl Item {
    pub(super) fn nop() -> Item {
        Item { op: Op::Nop, arg: Arg::Ready(0) }
    }
}

/// An operand.
#[derive(Clone, Copy)]
pub(super) enum Arg {
    /// Its value.
    Ready(u64),
    /// A label.
    Label(Span),
    /// So many labels of [`Body::switch_labels`], from this one on.
    Labels(u32, u32),
    /// A local, parameter or global.
    Variable(Span),
    /// A function.
    Func(Span),
    /// A native function, or a constant that is a slot number.
    Slot(Span),
    /// A text literal.
    Text(Span),
    /// One of [`Body::exprs`].
    Expr(u32),
}

impl Arg {
    /// A name, as an instruction takes it; `None` for one that takes no name.
    pub(super) fn named(kind: OperandKind, name: Span) -> Option<Arg> {
        match kind {
            OperandKind::Local => Some(Arg::Variable(name)),
            OperandKind::Label => Some(Arg::Label(name)),
            OperandKind::Func => Some(Arg::Func(name)),
            OperandKind::Slot => Some(Arg::Slot(name)),
            _ => None,
        }
    }
}

impl<'s> Assembler<'s> {
    /// Turns the instructions of a body into bytes at the end of the module's code.
    pub(super) fn resolve_body(&mut self, body: &mut Body<'s>) {
        for i in 0..body.items.len() {
            let Item { op, arg } = body.items[i];
            match arg {
                Arg::Ready(value) => self.emit(op, value),
                Arg::Label(span) => {
                    let target = self.resolve_label(body, span);
                    self.emit(op, target);
                }
                Arg::Labels(start, len) => {
                    self.module.code.push(op as u8);
                    leb128::write_unsigned(&mut self.module.code, len.into());
                    for at in start..start + len {
                        let target = self.resolve_label(body, body.switch_labels[at as usize]);
                        leb128::write_unsigned(&mut self.module.code, target);
                    }
                }
                Arg::Variable(span) => self.emit_variable(body, op, span),
                Arg::Func(span) => self.defer(Missing::Func(op, span)),
                Arg::Slot(span) => self.defer(Missing::Slot(op, span)),
                Arg::Text(span) => self.defer(Missing::Text(op, span)),
                Arg::Expr(index) => {
                    let expr = body.exprs[index as usize].clone();
                    self.defer(Missing::Expr(op, expr));
                }
            }
        }
    }

    fn emit(&mut self, op: Op, arg: u64) {
        self.module.code.push(op as u8);
        write_operand(&mut self.module.code, op.operand(), arg);
    }

    fn defer(&mut self, missing: Missing) {
        let function = self.module.functions.len() as u32;
        self.fixups.push(Fixup { function, at: self.module.code.len() as u32, missing });
    }

    /// A name is a local's before it is a global's.
    fn emit_variable(&mut self, body: &Body<'s>, op: Op, span: Span) {
        match self.visible(&body.locals, span) {
            Some(local) => self.emit(op, local.index.into()),
            None => {
                let op = op.with_operand(OperandKind::Global).unwrap_or(op);
                self.defer(Missing::Global(op, span));
            }
        }
    }

    /// What a name stands for where it was written: in its own expansion, or in one around it, or in
    /// the function.
    fn visible(&self, names: &LocalNames<'s>, span: Span) -> Option<Named> {
        let (mut scope, name) = (self.texts.scope(span), self.texts.name(span));
        loop {
            match names.get((scope, name)) {
                None if scope != 0 => scope = self.texts.outer_scope(scope),
                found => return found.map(Declared::take),
            }
        }
    }

    fn resolve_label(&mut self, body: &Body<'s>, span: Span) -> u64 {
        let name = self.texts.name(span);
        if let Some(found) = self.visible(&body.labels, span) {
            return found.index.into();
        }
        let mut known = body.labels.iter().map(|&((_, name), _)| name);
        let help = if known.any(|it| it == name) {
            let text = format!(
                "`{name}` belongs to the expansion of a macro alone; a label of the caller is an \
                 argument of the macro"
            );
            text.into()
        } else {
            self.advise(name, body.labels.iter().map(|&((_, name), _)| name)).unwrap_or_else(|| {
                let text = format!(
                    "put `{name}:` in front of the instruction to go to; labels are local to their \
                     function"
                );
                text.into()
            })
        };
        let diagnostic = Diagnostic::error(Code::UnknownLabel, format!("unknown label `{name}`"));
        self.push(diagnostic.help(help), span, "this function has no such label");
        0
    }
}
