//! The operands of an instruction, as the table asks for them.

use super::assembler::Assembler;
use super::body::{Arg, Item};
use crate::diagnostics::{Code, Diagnostic, Help, Span};
use crate::isa::{Op, OperandKind};
use crate::syntax::{Expr, ExprKind, Operand, Operands, Word, literal};

impl Assembler<'_> {
    /// The instruction that a mnemonic and its operands make, or `None` after an error.
    pub(super) fn operands(&mut self, op: Op, mnemonic: Span, operands: &Operands) -> Option<Item> {
        let item = self.item(op, mnemonic, operands);
        if item.is_none() {
            // The place of the instruction is kept, so that labels after it keep their distance.
            self.body().items.push(Item::nop());
        }
        item
    }

    /// The argument that a plain operand is, where it is what the instruction takes.
    pub(super) fn plain_arg(&mut self, op: Op, operand: Option<Word>) -> Option<Arg> {
        match (op.operand(), operand) {
            (OperandKind::None | OperandKind::Offset, None) => Some(Arg::Ready(0)),
            (OperandKind::Int | OperandKind::Offset, Some(word)) => Some(match word {
                Word::Integer { small: Some(value), .. } => Arg::Ready(value.into()),
                word => self.number(word.expr()),
            }),
            (kind, Some(Word::Name(name))) => Arg::named(kind, name),
            _ => None,
        }
    }

    fn item(&mut self, op: Op, mnemonic: Span, operands: &Operands) -> Option<Item> {
        let kind = op.operand();
        self.check_count(op, mnemonic, operands)?;
        let arg = match (kind, operands.first.as_ref()) {
            (OperandKind::Offset, None) => Arg::Ready(0),
            (OperandKind::Labels, _) => self.switch_labels(op, operands)?,
            (_, None) => Arg::Ready(0),
            (OperandKind::Text, Some(Operand::Text(span))) => Arg::Text(*span),
            (OperandKind::Text, Some(other)) => return self.wrong_operand(op, other),
            (_, Some(operand)) => return self.expr_operand(op, operand),
        };
        Some(Item { op, arg })
    }

    fn expr_operand(&mut self, op: Op, operand: &Operand) -> Option<Item> {
        let Operand::Expr(expr) = operand else { return self.wrong_operand(op, operand) };
        let arg = match (op.operand(), &expr.kind) {
            (OperandKind::Int | OperandKind::Offset, _) => self.number(expr.clone()),
            (kind, ExprKind::Name) => match Arg::named(kind, expr.span) {
                Some(arg) => arg,
                None => return self.wrong_operand(op, operand),
            },
            (OperandKind::Local | OperandKind::Slot, ExprKind::Integer) => {
                let index = self.index(expr.span)?;
                self.body().numbered.push(index);
                Arg::Ready(index)
            }
            _ => return self.wrong_operand(op, operand),
        };
        Some(Item { op, arg })
    }

    /// A plain literal has its value at once; anything else waits until all constants are known.
    fn number(&mut self, expr: Expr) -> Arg {
        if expr.kind == ExprKind::Integer
            && let Ok(value) = literal::signed(expr.span.of(self.texts), false)
        {
            return Arg::Ready(value as u64);
        }
        let body = self.body();
        body.exprs.push(expr);
        Arg::Expr(body.exprs.len() as u32 - 1)
    }

    fn switch_labels(&mut self, op: Op, operands: &Operands) -> Option<Arg> {
        let start = self.body().switch_labels.len() as u32;
        for operand in operands.iter() {
            match operand {
                Operand::Expr(Expr { span, kind: ExprKind::Name }) => {
                    self.body().switch_labels.push(*span);
                }
                other => return self.wrong_operand(op, other),
            }
        }
        Some(Arg::Labels(start, operands.len() as u32))
    }

    fn index(&mut self, span: Span) -> Option<u64> {
        match literal::integer(span.of(self.texts)) {
            Ok(value) if u32::try_from(value).is_ok() => Some(value),
            Ok(_) => {
                self.error(Code::DoesNotFit, span, "the index is over 32 bits", "too large");
                None
            }
            Err(bad) => {
                self.diagnostics.push(bad.at(self.source, span));
                None
            }
        }
    }

    /// The bytes of a text literal.
    pub(super) fn text_literal(&mut self, span: Span) -> Option<Vec<u8>> {
        match literal::text(span.of(self.texts)) {
            Ok(bytes) => Some(bytes),
            Err(bad) => {
                self.diagnostics.push(bad.at(self.source, span));
                None
            }
        }
    }

    fn check_count(&mut self, op: Op, mnemonic: Span, operands: &Operands) -> Option<()> {
        let (least, most) = match op.operand() {
            OperandKind::None => (0, 0),
            OperandKind::Offset => (0, 1),
            OperandKind::Labels => (1, usize::MAX),
            _ => (1, 1),
        };
        if operands.len() < least {
            let message = format!("`{}` needs an operand: {}", op.mnemonic(), wanted(op));
            let line = self.texts.line_around(mnemonic.start);
            let rest = Span::new(mnemonic.end, line.end).of(self.texts).trim_start();
            let number =
                rest.strip_prefix('#').filter(|it| it.starts_with(|c: char| !c.is_whitespace()));
            let help = number.map(|_| "`#` begins a comment; an operand stands without it");
            let diagnostic = Diagnostic::error(Code::WrongOperand, message).maybe_help(help);
            self.push(diagnostic, mnemonic, "its operand is missing");
            return None;
        }
        if let Some(excess) = operands.iter().nth(most) {
            let count = if most == 0 { "no" } else { "one" };
            let message = format!("`{}` takes {count} operand", op.mnemonic());
            self.error(Code::WrongOperand, excess.span(), message, "one too many");
            return None;
        }
        Some(())
    }

    fn wrong_operand<T>(&mut self, op: Op, operand: &Operand) -> Option<T> {
        let message = format!("`{}` takes {}", op.mnemonic(), wanted(op));
        let help = instead(op, operand, operand.span().of(self.texts));
        let diagnostic = Diagnostic::error(Code::WrongOperand, message).maybe_help(help);
        self.push(diagnostic, operand.span(), format!("this is {}", describe(operand)));
        None
    }
}

fn describe(operand: &Operand) -> &'static str {
    match operand {
        Operand::Text(_) => "a text",
        Operand::Expr(expr) => match expr.kind {
            ExprKind::Integer | ExprKind::Float => "a number",
            ExprKind::Char => "a character, which is a number",
            ExprKind::Name => "a name",
            _ => "an expression",
        },
    }
}

/// What to write instead of an operand that the instruction does not take.
fn instead(op: Op, operand: &Operand, text: &str) -> Option<Help> {
    Some(match (op.operand(), operand) {
        (OperandKind::Int, _) => "`WRITE` writes a text, `.data` puts one into memory".into(),
        (OperandKind::Text, Operand::Expr(Expr { kind: ExprKind::Name, .. })) => {
            format!("`PUSH {text}`, `PUSH len({text})` and `PUTS` write data").into()
        }
        (OperandKind::Text, Operand::Expr(Expr { kind: ExprKind::Char, .. })) => {
            let quoted = format!("\"{}\"", text[1..text.len() - 1].replace('"', "\\\""));
            Help::replace_by(&quoted, format!("a text stands in double quotes: `{quoted}`"))
        }
        (OperandKind::Text, _) => format!("`PUSH {text}` and `PRINT` write a number").into(),
        (OperandKind::Func, _) => "functions are called by name".into(),
        (OperandKind::Label | OperandKind::Labels, _) => "jumps go to labels".into(),
        (OperandKind::Local, _) => {
            "`LD8S` to `LDF64` read memory, `ST8` to `STF64` write it".into()
        }
        _ => return None,
    })
}

/// What an instruction takes, of all the rows that share its mnemonic.
fn wanted(op: Op) -> &'static str {
    match op.operand() {
        OperandKind::Int => "a number",
        OperandKind::Local => "a local, parameter or global",
        kind => kind.describe(),
    }
}
