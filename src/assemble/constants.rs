//! Constant expressions and their values.

use super::assembler::Assembler;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::isa::name::quoted;
use crate::syntax::literal;
use crate::syntax::{BinaryOp, Expr, ExprKind};
use std::cell::Cell;

/// How far a constant may lead through others that stand further below, so that evaluation stays
/// far from the end of the call stack.
const MAX_DEPTH: u32 = 100;

/// The value of a constant expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Int(i64),
    Float(f64),
}

/// A `.const`.
pub(super) struct Constant {
    pub(super) span: Span,
    pub(super) expr: Expr,
    pub(super) state: State,
    /// Whether anything names it.
    pub(super) used: Cell<bool>,
}

impl Constant {
    pub(super) fn new(span: Span, expr: Expr) -> Constant {
        Constant { span, expr, state: State::Waiting, used: Cell::new(false) }
    }
}

/// How far a constant is evaluated.
#[derive(Clone, Copy)]
pub(super) enum State {
    Waiting,
    InProgress,
    Done(Value),
    /// Its error is reported already.
    Failed,
}

/// An error is `None` when it is reported already.
pub(super) type Result<T> = std::result::Result<T, Option<Box<Diagnostic>>>;

impl<'s> Assembler<'s> {
    /// The value of an expression; `None` after an error.
    pub(super) fn evaluate(&mut self, expr: &Expr) -> Option<Value> {
        let before = self.go_to_unit_of(expr.span);
        let value = self.value(expr, 0);
        self.go_to(before);
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.diagnostics.extend(error.map(|diagnostic| *diagnostic));
                None
            }
        }
    }

    /// The value of an expression that must be an integer.
    pub(super) fn evaluate_integer(&mut self, expr: &Expr, what: &str) -> Option<i64> {
        match self.evaluate(expr)? {
            Value::Int(value) => Some(value),
            Value::Float(_) => {
                let message = format!("{what} must be an integer");
                self.error(Code::BadConstant, expr.span, message, "this is a float");
                None
            }
        }
    }

    /// The value of an expression if it is an integer, and all that it names stands above.
    pub(super) fn known_integer(&mut self, expr: &Expr) -> Option<i64> {
        self.tentative = true;
        // Nobody reads what would be said of it.
        let suggestions = self.suggestions_left.replace(0);
        let before = self.go_to_unit_of(expr.span);
        let value = self.value(expr, 0);
        self.go_to(before);
        self.suggestions_left.set(suggestions);
        self.tentative = false;
        match value {
            Ok(Value::Int(value)) => Some(value),
            Ok(Value::Float(_)) | Err(_) => None,
        }
    }

    fn value(&mut self, expr: &Expr, depth: u32) -> Result<Value> {
        match &expr.kind {
            ExprKind::Integer => self.integer(expr.span, false),
            ExprKind::Float => Ok(Value::Float(self.float(expr.span)?)),
            ExprKind::Char => match literal::character(expr.span.of(self.texts)) {
                Ok(value) => Ok(Value::Int(value.into())),
                Err(bad) => Err(Some(Box::new(bad.at(self.source, expr.span)))),
            },
            ExprKind::Name if literal::is_float_name(expr.span.of(self.texts)) => {
                Ok(Value::Float(self.float(expr.span)?))
            }
            ExprKind::Name => {
                // That of another unit's constant leads there.
                let before = self.go_to_unit_of(expr.span);
                let value = self.name(expr.span, depth);
                self.go_to(before);
                value
            }
            ExprKind::Len(name) => match self.unit.data.get(self.texts.name(*name)) {
                Some(data) => self.data_len(data.take().index as usize, *name),
                None => self.unknown_data(*name),
            },
            ExprKind::Defined(name) => Ok(Value::Int(self.is_defined(*name).into())),
            ExprKind::Group(inner) => self.value(inner, depth),
            // The smallest integer has no positive counterpart, so its sign belongs to the literal.
            ExprKind::Neg(inner) if inner.kind == ExprKind::Integer => {
                self.integer(inner.span, true)
            }
            ExprKind::Neg(inner) => match self.value(inner, depth)? {
                Value::Int(value) => self.checked(expr.span, value.checked_neg()),
                Value::Float(value) => Ok(Value::Float(-value)),
            },
            ExprKind::Invert(inner) => Ok(Value::Int(!self.truth("~", inner, depth)?)),
            ExprKind::Not(inner) => Ok(Value::Int((self.truth("!", inner, depth)? == 0).into())),
            // The right side need not have a value when the left one decides.
            ExprKind::Binary(BinaryOp::AndAnd, a, b) => {
                let both = self.truth("&&", a, depth)? != 0 && self.truth("&&", b, depth)? != 0;
                Ok(Value::Int(both.into()))
            }
            ExprKind::Binary(BinaryOp::OrOr, a, b) => {
                let any = self.truth("||", a, depth)? != 0 || self.truth("||", b, depth)? != 0;
                Ok(Value::Int(any.into()))
            }
            ExprKind::Binary(op, a, b) => {
                let (left, right) = (self.value(a, depth)?, self.value(b, depth)?);
                self.binary(expr.span, *op, left, right)
            }
        }
    }

    /// The integer that an operator needs.
    fn truth(&mut self, op: &str, expr: &Expr, depth: u32) -> Result<i64> {
        match self.value(expr, depth)? {
            Value::Int(value) => Ok(value),
            Value::Float(_) => {
                self.no_value(expr.span, format!("`{op}` needs an integer"), "a float")
            }
        }
    }

    /// Whether something of this name stands above.
    fn is_defined(&self, name: Span) -> bool {
        let (unit, name) = (&self.unit, self.texts.name(name));
        let constant = unit.constants.get(name);
        constant.inspect(|it| it.used.set(true)).is_some()
            || [&unit.data, &unit.functions, &unit.globals].iter().any(|it| it.contains_key(name))
            || unit.macros.contains_key(name)
            || unit.external.iter().any(|it| self.texts.name(it.name) == name)
    }

    /// An expression without a value, and why.
    fn no_value<T>(
        &self,
        span: Span,
        why: impl Into<String>,
        label: impl Into<String>,
    ) -> Result<T> {
        let diagnostic = Diagnostic::error(Code::BadConstant, why);
        Err(Some(Box::new(diagnostic.at_span(self.source, span, label))))
    }

    fn integer(&self, span: Span, negative: bool) -> Result<Value> {
        let value = literal::signed(span.of(self.texts), negative);
        value.map(Value::Int).map_err(|bad| Some(Box::new(bad.at(self.source, span))))
    }

    fn float(&self, span: Span) -> Result<f64> {
        let value = literal::float(span.of(self.texts));
        value.map_err(|bad| Some(Box::new(bad.at(self.source, span))))
    }

    fn name(&mut self, span: Span, depth: u32) -> Result<Value> {
        let name = self.texts.name(span);
        if let Some(data) = self.unit.data.get(name) {
            return self.data_address(data.take().index as usize, span);
        }
        let Some(constant) = self.unit.constants.get_mut(name) else {
            return self.unknown_name(span);
        };
        // Its declaration does not use it.
        if span != constant.span {
            constant.used.set(true);
        }
        match constant.state {
            State::Done(value) => return Ok(value),
            State::Failed => return Err(None),
            State::InProgress => return self.defined_by_itself(span),
            State::Waiting if depth >= MAX_DEPTH => {
                let message = format!("constants lead on through more than {MAX_DEPTH} others");
                let diagnostic = Diagnostic::error(Code::TooComplex, message)
                    .at_span(self.source, span, "one too many")
                    .help("define them above their use");
                return Err(Some(Box::new(diagnostic)));
            }
            State::Waiting => constant.state = State::InProgress,
        }
        let expr = constant.expr.clone();
        self.evaluating.push((self.at_unit, span));
        let value = self.value(&expr, depth + 1);
        self.evaluating.pop();
        let state = match value {
            Ok(value) => State::Done(value),
            Err(_) if self.tentative => State::Waiting,
            Err(_) => State::Failed,
        };
        if let Some(constant) = self.unit.constants.get_mut(name) {
            constant.state = state;
        }
        value
    }

    /// Shows the constants that lead from one back to it.
    fn defined_by_itself<T>(&self, span: Span) -> Result<T> {
        const SHOWN: usize = 5;
        let name = self.texts.name(span);
        let is_it =
            |(unit, at): &(usize, Span)| (*unit, self.texts.name(*at)) == (self.at_unit, name);
        let first = self.evaluating.iter().rposition(is_it).unwrap_or(0);
        let links = &self.evaluating[first..];
        let message = format!("the constant `{name}` is defined by itself");
        let mut diagnostic = Diagnostic::error(Code::BadConstant, message).at_span(
            self.source,
            span,
            "leads back to itself",
        );
        for pair in links.windows(2).take(SHOWN) {
            let [of, next] = [pair[0].1, pair[1].1].map(|link| self.texts.name(link));
            diagnostic =
                diagnostic.at_span(self.source, pair[1].1, format!("`{of}` needs `{next}`"));
        }
        if let Some(others @ 1..) = links.len().checked_sub(SHOWN + 1) {
            diagnostic = diagnostic.note(format!("{others} more constants lie between"));
        }
        Err(Some(Box::new(diagnostic)))
    }

    fn unknown_name<T>(&self, span: Span) -> Result<T> {
        let name = match self.texts.name(span) {
            name if literal::is_float_name(name) => &quoted(name),
            name => name,
        };
        let known = self.unit.constants.keys().chain(self.unit.data.keys()).copied();
        let help = self.advise(name, known).unwrap_or_else(|| {
            format!("`.const {name} = …` defines a constant, `.data {name} …` a place in memory")
                .into()
        });
        let diagnostic = Diagnostic::error(Code::UnknownName, format!("unknown name `{name}`"))
            .at_span(self.source, span, "neither a constant nor data")
            .help(help);
        Err(Some(Box::new(diagnostic)))
    }

    fn unknown_data<T>(&self, span: Span) -> Result<T> {
        let name = self.texts.name(span);
        let help = self.advise(name, self.unit.data.keys().copied());
        let help = help.unwrap_or_else(|| format!("`.data {name} \"text\"` defines it").into());
        let diagnostic =
            Diagnostic::error(Code::UnknownName, format!("no data is called `{name}`"))
                .at_span(self.source, span, "only data has a length")
                .help(help);
        Err(Some(Box::new(diagnostic)))
    }

    fn checked(&self, span: Span, value: Option<i64>) -> Result<Value> {
        match value {
            Some(value) => Ok(Value::Int(value)),
            None => self.no_value(span, "the result does not fit 64 bits", "overflows"),
        }
    }

    fn binary(&self, span: Span, op: BinaryOp, a: Value, b: Value) -> Result<Value> {
        match (a, b) {
            (Value::Int(a), Value::Int(b)) => self.integer_binary(span, op, a, b),
            (Value::Float(a), Value::Float(b)) => match op {
                BinaryOp::Add => Ok(Value::Float(a + b)),
                BinaryOp::Sub => Ok(Value::Float(a - b)),
                BinaryOp::Mul => Ok(Value::Float(a * b)),
                BinaryOp::Div => Ok(Value::Float(a / b)),
                BinaryOp::Rem => Ok(Value::Float(a % b)),
                BinaryOp::Equal => Ok(Value::Int((a == b).into())),
                BinaryOp::NotEqual => Ok(Value::Int((a != b).into())),
                BinaryOp::Less => Ok(Value::Int((a < b).into())),
                BinaryOp::LessEqual => Ok(Value::Int((a <= b).into())),
                BinaryOp::Greater => Ok(Value::Int((a > b).into())),
                BinaryOp::GreaterEqual => Ok(Value::Int((a >= b).into())),
                _ => self.no_value(span, "bit operations need integers", "these are floats"),
            },
            _ => {
                let diagnostic =
                    Diagnostic::error(Code::BadConstant, "an integer and a float do not mix")
                        .at_span(self.source, span, "one of each")
                        .help("write both as floats, `2.0` for `2`");
                Err(Some(Box::new(diagnostic)))
            }
        }
    }

    fn integer_binary(&self, span: Span, op: BinaryOp, a: i64, b: i64) -> Result<Value> {
        let shift = u32::try_from(b).ok().filter(|&s| s < 64);
        let value = match op {
            BinaryOp::Or => Some(a | b),
            BinaryOp::Xor => Some(a ^ b),
            BinaryOp::And => Some(a & b),
            BinaryOp::Add => a.checked_add(b),
            BinaryOp::Sub => a.checked_sub(b),
            BinaryOp::Mul => a.checked_mul(b),
            BinaryOp::Div | BinaryOp::Rem if b == 0 => {
                return self.no_value(span, "division by zero", "the divisor is 0");
            }
            BinaryOp::Div => a.checked_div(b),
            BinaryOp::Rem => a.checked_rem(b),
            BinaryOp::Shl | BinaryOp::Shr if shift.is_none() => {
                return self.no_value(span, "a shift goes by 0 to 63", format!("by {b}"));
            }
            BinaryOp::Shl => shift.map(|s| a << s),
            BinaryOp::Shr => shift.map(|s| a >> s),
            BinaryOp::Equal => Some((a == b).into()),
            BinaryOp::NotEqual => Some((a != b).into()),
            BinaryOp::Less => Some((a < b).into()),
            BinaryOp::LessEqual => Some((a <= b).into()),
            BinaryOp::Greater => Some((a > b).into()),
            BinaryOp::GreaterEqual => Some((a >= b).into()),
            BinaryOp::AndAnd | BinaryOp::OrOr => unreachable!("evaluated from left to right"),
        };
        self.checked(span, value)
    }
}
