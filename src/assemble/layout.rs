//! Where data lies in memory, and what it holds.

use super::assembler::Assembler;
use super::constants::{Result, Value};
use super::declare::{Contents, DataDecl};
use crate::diagnostics::{Code, Diagnostic, Help, Span};
use crate::isa::CType;
use crate::module::{DATA_BASE, MAX_MEMORY, Memory, PAGE, Segment};
use crate::syntax::literal::UNITS;
use crate::syntax::{Operand, SizeExpr};

/// What is said of an address or length that is asked for too early.
pub(super) const NOT_LAID_OUT: &str =
    "this address or length is not known yet, because it takes part in the layout itself";

impl Assembler<'_> {
    /// Gives each piece of data its address: one behind the other, each where its elements are
    /// aligned, unless it says where.
    pub(super) fn lay_out(&mut self) {
        let mut next = DATA_BASE;
        let mut aligns = std::mem::take(&mut self.aligns).into_iter().peekable();
        for index in 0..self.data_decls.len() {
            while let Some((_, size)) = aligns.next_if(|(before, _)| *before == index) {
                next = next.next_multiple_of(self.alignment(&size).unwrap_or(1));
            }
            let Some(len) = self.data_size(index) else { continue };
            let align = match &self.data_decls[index].contents {
                Contents::Zero(_) => 16,
                Contents::Elements(ty, _) => element_size(*ty),
            };
            let at = self.data_decls[index].at.clone();
            let address = match at {
                None => next.next_multiple_of(align),
                Some(at) => {
                    let Some(address) = self.evaluate_integer(&at, "an address") else { continue };
                    let fits = u64::try_from(address).ok().filter(|a| *a <= MAX_MEMORY);
                    match fits {
                        Some(address) => address,
                        None => {
                            self.error(
                                Code::DoesNotFit,
                                at.span,
                                "no memory has this address",
                                "0 to 4 GiB",
                            );
                            continue;
                        }
                    }
                }
            };
            next = address + len;
            let name = self.data_decls[index].name;
            if next > MAX_MEMORY {
                self.error(
                    Code::DoesNotFit,
                    name,
                    "the data does not fit 4 GiB of memory",
                    "this piece",
                );
                return;
            }
            self.data_decls[index].place = Some((address, len));
        }
        for (_, size) in aligns {
            self.alignment(&size);
        }
        self.refuse_overlaps();
    }

    /// What `.align` says: a power of two.
    fn alignment(&mut self, size: &SizeExpr) -> Option<u64> {
        let align = self.size(size)?;
        if !align.is_power_of_two() {
            let span = size.value.span.to(size.unit.unwrap_or(size.value.span));
            let diagnostic = Diagnostic::error(Code::DoesNotFit, "an alignment is a power of two");
            self.push(diagnostic.help("such as 16, 64 or 4 KiB"), span, format!("this is {align}"));
            return None;
        }
        Some(align)
    }

    fn refuse_overlaps(&mut self) {
        let mut placed: Vec<(u64, u64, Span)> = self
            .data_decls
            .iter()
            .filter_map(|d| d.place.filter(|p| p.1 > 0).map(|(at, len)| (at, at + len, d.name)))
            .collect();
        placed.sort_by_key(|&(start, ..)| start);
        for pair in placed.windows(2) {
            let [(_, end, first), (start, _, second)] = pair else {
                unreachable!("windows of two")
            };
            if start < end {
                let diagnostic = Diagnostic::error(Code::DoesNotFit, "two pieces of data overlap")
                    .at_span(self.source, *second, format!("begins at {start}"))
                    .at_span(self.source, *first, format!("ends at {end}"))
                    .help("move one of them with `at`");
                self.diagnostics.push(diagnostic);
            }
        }
    }

    /// The size of a piece of data in bytes.
    fn data_size(&mut self, index: usize) -> Option<u64> {
        let DataDecl { contents, .. } = &self.data_decls[index];
        match contents {
            Contents::Zero(size) => {
                let size = size.clone();
                self.size(&size)
            }
            Contents::Elements(ty, elements) => {
                let size = element_size(*ty);
                let texts: Vec<Span> = elements
                    .iter()
                    .filter_map(|e| match e {
                        Operand::Text(span) => Some(*span),
                        Operand::Expr(_) => None,
                    })
                    .collect();
                let mut len = (elements.len() - texts.len()) as u64 * size;
                if size != 1
                    && let Some(&text) = texts.first()
                {
                    self.error(
                        Code::WrongOperand,
                        text,
                        "a text holds bytes",
                        "not an element of this type",
                    );
                    return None;
                }
                for text in texts {
                    len += self.text_literal(text)?.len() as u64;
                }
                Some(len)
            }
        }
    }

    /// A size such as `64 KiB`, in bytes.
    pub(super) fn size(&mut self, size: &SizeExpr) -> Option<u64> {
        let factor = match size.unit {
            None => 1,
            Some(unit) => self.unit(unit)?,
        };
        let value = self.evaluate_integer(&size.value, "a size")?;
        let bytes = u64::try_from(value).ok().and_then(|v| v.checked_mul(factor));
        let bytes = bytes.filter(|b| *b <= MAX_MEMORY);
        if bytes.is_none() {
            let span = size.value.span.to(size.unit.unwrap_or(size.value.span));
            self.error(Code::DoesNotFit, span, "a size is 0 to 4 GiB", "does not fit");
        }
        bytes
    }

    fn unit(&mut self, span: Span) -> Option<u64> {
        let name = self.texts.name(span);
        if let Some((_, bytes)) = UNITS.iter().find(|(unit, _)| *unit == name) {
            return Some(*bytes);
        }
        let initial = |text: &str| text.chars().next().map(|c| c.to_ascii_lowercase());
        let near = UNITS.iter().find(|(unit, _)| initial(unit) == initial(name));
        let diagnostic = Diagnostic::error(Code::DoesNotFit, format!("unknown unit `{name}`"))
            .help("units are KiB, MiB and GiB; without one it is bytes")
            .maybe_help(near.map(|(unit, _)| Help::did_you_mean(unit)));
        self.push(diagnostic, span, "not a unit");
        None
    }

    /// `len(name)` in an expression.
    pub(super) fn data_len(&mut self, index: usize, span: Span) -> Result<Value> {
        match self.data_decls[index].place {
            Some((_, len)) => Ok(Value::Int(len as i64)),
            None => self.not_laid_out(span),
        }
    }

    /// The name of a piece of data in an expression.
    pub(super) fn data_address(&mut self, index: usize, span: Span) -> Result<Value> {
        match self.data_decls[index].place {
            Some((address, _)) => Ok(Value::Int(address as i64)),
            None => self.not_laid_out(span),
        }
    }

    fn not_laid_out(&self, span: Span) -> Result<Value> {
        let diagnostic = Diagnostic::error(Code::BadConstant, NOT_LAID_OUT)
            .at_span(self.source, span, "not known here")
            .help("use it in values and instructions, not in sizes that come before it");
        Err(Some(Box::new(diagnostic)))
    }

    /// Fills in the bytes of all data, when every constant is known.
    pub(super) fn fill_data(&mut self) {
        for index in 0..self.data_decls.len() {
            let Some((address, len)) = self.data_decls[index].place else { continue };
            let mut bytes = Vec::new();
            let contents = std::mem::replace(
                &mut self.data_decls[index].contents,
                Contents::Elements(CType::U8, Vec::new()),
            );
            if let Contents::Elements(ty, elements) = contents {
                bytes.reserve(len as usize);
                elements.iter().for_each(|element| self.element(ty, element, &mut bytes));
            }
            self.module.data.push(Segment { address, len, bytes });
        }
    }

    fn element(&mut self, ty: CType, element: &Operand, bytes: &mut Vec<u8>) {
        let expr = match element {
            Operand::Text(span) => {
                return bytes.extend(self.text_literal(*span).unwrap_or_default());
            }
            Operand::Expr(expr) => expr,
        };
        let Some(value) = self.evaluate(expr) else { return };
        let size = element_size(ty) as usize;
        match (ty, value) {
            (CType::F64, Value::Float(x)) => bytes.extend(x.to_le_bytes()),
            (CType::F32, Value::Float(x)) if x.is_finite() && (x as f32).is_infinite() => {
                let message = format!("{x:?} does not fit `f32`, whose largest is {:?}", f32::MAX);
                let diagnostic = Diagnostic::error(Code::DoesNotFit, message);
                self.push(diagnostic.help("infinity is written `inf`"), expr.span, "too large");
            }
            (CType::F32, Value::Float(x)) => bytes.extend((x as f32).to_le_bytes()),
            (CType::F32 | CType::F64, Value::Int(n)) => {
                let diagnostic =
                    Diagnostic::error(Code::WrongOperand, format!("`{ty}` needs floats"));
                self.push(
                    diagnostic.help(format!("write `{n}.0`")),
                    expr.span,
                    "this is an integer",
                );
            }
            (_, Value::Float(_)) => {
                self.error(
                    Code::WrongOperand,
                    expr.span,
                    format!("`{ty}` needs integers"),
                    "this is a float",
                );
            }
            (_, Value::Int(n)) => match ty.integer_range() {
                Some((least, most)) if n < least || n > most => {
                    let message = format!("{n} does not fit `{ty}`, which holds {least} to {most}");
                    let diagnostic =
                        Diagnostic::error(Code::DoesNotFit, message).maybe_help(other_sign(ty, n));
                    self.push(diagnostic, expr.span, "does not fit");
                }
                _ => bytes.extend(&n.to_le_bytes()[..size]),
            },
        }
    }

    /// The size of memory: as `.memory` says, or what the data needs in whole pages.
    pub(super) fn memory(&mut self) {
        let end = self.data_decls.iter().filter_map(|d| d.place).map(|(at, len)| at + len).max();
        let needed = end.unwrap_or(0);
        let Some((min, max, span)) = self.memory.take() else {
            let min = needed.max(1).next_multiple_of(PAGE);
            self.module.memory = Memory { min, max: MAX_MEMORY };
            return;
        };
        let Some(min) = self.size(&min) else { return };
        let max = match max {
            None => Some(MAX_MEMORY),
            Some(max) => self.size(&max),
        };
        let Some(max) = max else { return };
        if max < min {
            let message = format!("memory begins with {min} bytes, but its maximum is {max}");
            self.error(Code::DoesNotFit, span, message, "the maximum is the smaller");
        } else if min < needed {
            let message = format!("the data reaches to {needed}, but memory has {min} bytes");
            let diagnostic = Diagnostic::error(Code::DoesNotFit, message);
            self.push(diagnostic.help("leave `.memory` out, or make it larger"), span, "too small");
        }
        self.module.memory = Memory { min, max };
    }
}

/// What to do about a number that only the type of the same size with or without a sign holds.
fn other_sign(ty: CType, value: i64) -> Option<String> {
    let (sign, bits) = ty.name().split_at(1);
    let other = CType::from_name(&format!("{}{bits}", if sign == "i" { "u" } else { "i" }))?;
    let (least, most) = other.integer_range()?;
    let modulus = 1i64.checked_shl(8 * element_size(ty) as u32).filter(|it| *it > 0)?;
    (least <= value && value <= most).then(|| {
        let same = if sign == "i" { value - modulus } else { value + modulus };
        format!("write `{same}`, or use `{other}`")
    })
}

fn element_size(ty: CType) -> u64 {
    match ty {
        CType::I8 | CType::U8 | CType::Bool => 1,
        CType::I16 | CType::U16 => 2,
        CType::I32 | CType::U32 | CType::F32 => 4,
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_advised_where_the_other_sign_holds_it() {
        let advice = |ty, value| other_sign(ty, value);
        assert_eq!(advice(CType::I8, 255).unwrap(), "write `-1`, or use `u8`");
        assert_eq!(advice(CType::U32, -1).unwrap(), "write `4294967295`, or use `i32`");
        for far in [i64::MIN, i64::MAX, 1 << 40] {
            for ty in [CType::I8, CType::U8, CType::I32, CType::U32, CType::I64, CType::U64] {
                assert!(advice(ty, far).is_none(), "{ty:?} {far}");
            }
        }
    }
}
