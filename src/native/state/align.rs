//! How values get from one type to another.

use super::convert::convertible;
use super::report::Reason;
use super::types::{Field, Shape, Type};
use std::sync::Arc;

/// What becomes of a part of a variable.
#[derive(Debug)]
pub(super) struct Step {
    /// The part's name, beginning with that of the variable; the elements of an array share one.
    pub path: String,
    /// Where it begins, in bits, from the beginning of what it is part of: in the old type and in the
    /// new.
    pub from: u64,
    pub to: u64,
    pub how: How,
}

/// The ways.
#[derive(Debug)]
pub(super) enum How {
    /// Each value is converted. They are one unit: all are carried, or all have the new file's
    /// initial values.
    Values(Values),
    /// Each part on its own.
    Fields(Vec<Step>),
    /// The elements of an array, one like the other, this many bits apart.
    Each { count: u64, from: u64, to: u64, element: Box<Step> },
    /// It stays behind: so many bits.
    Leave(Reason, u64),
    /// It exists in the old type only: so many bits.
    Gone(u64),
    /// So many bits that the new type has no room for. Unless they still have their initial values,
    /// the whole variable stays behind.
    Cut(u64),
}

/// Values of one kind that become values of another.
#[derive(Debug)]
pub(super) struct Values {
    pub from: Arc<Type>,
    pub to: Arc<Type>,
    /// The bits of each.
    pub from_bits: u32,
    pub to_bits: u32,
    pub count: u64,
}

/// A type in its place.
#[derive(Clone, Copy)]
struct Spot<'t> {
    start: u64,
    bits: u64,
    ty: &'t Arc<Type>,
}

impl<'t> Spot<'t> {
    fn whole(ty: &'t Arc<Type>) -> Spot<'t> {
        Spot { start: 0, bits: ty.size * 8, ty }
    }

    fn field(field: &'t Field) -> Spot<'t> {
        Spot { start: field.start, bits: field.bits, ty: &field.ty }
    }
}

/// How a variable of one type becomes one of another.
pub(super) fn align(name: &str, old: &Arc<Type>, new: &Arc<Type>) -> Step {
    step(name.to_owned(), Spot::whole(old), Spot::whole(new))
}

fn step(path: String, old: Spot, new: Spot) -> Step {
    let how = match (&old.ty.shape, &new.ty.shape) {
        (Shape::Scalar(a), Shape::Scalar(b)) if convertible(a, b) => {
            values(old.ty, new.ty, old.bits as u32, new.bits as u32, 1)
        }
        (Shape::Array(old, before), Shape::Array(new, now)) => {
            array(&path, (old, *before), (new, *now))
        }
        (Shape::Struct(old), Shape::Struct(new)) => fields(&path, old, new),
        (Shape::Opaque(_), _) | (Shape::Union(_), _) if old.ty == new.ty => bytes(old.ty.size),
        _ => {
            let (from, to) = (old.ty.name.clone(), new.ty.name.clone());
            How::Leave(Reason::TypeChanged { from, to }, old.bits)
        }
    };
    Step { path, from: old.start, to: new.start, how }
}

fn values(from: &Arc<Type>, to: &Arc<Type>, from_bits: u32, to_bits: u32, count: u64) -> How {
    How::Values(Values { from: from.clone(), to: to.clone(), from_bits, to_bits, count })
}

/// This many bytes, whatever they mean.
fn bytes(count: u64) -> How {
    let byte = Type::byte();
    values(&byte, &byte, 8, 8, count)
}

fn array(path: &str, old: (&Arc<Type>, u64), new: (&Arc<Type>, u64)) -> How {
    let ((old, before), (new, now)) = (old, new);
    let (from, to, count) = (old.size * 8, new.size * 8, before.min(now));
    let common = match (&old.shape, &new.shape) {
        (Shape::Scalar(a), Shape::Scalar(b)) if convertible(a, b) => {
            values(old, new, from as u32, to as u32, count)
        }
        _ if old == new && old.is_plain() => bytes(old.size.saturating_mul(count)),
        _ => {
            let element = step(format!("{path}[]"), Spot::whole(old), Spot::whole(new));
            if let How::Leave(Reason::TypeChanged { .. }, _) = element.how {
                let (from, to) =
                    (format!("{}[{before}]", old.name), format!("{}[{now}]", new.name));
                return How::Leave(Reason::TypeChanged { from, to }, from_bits(old, before));
            }
            How::Each { count, from, to, element: Box::new(element) }
        }
    };
    if before <= now {
        return common;
    }
    let part = |from, how| Step { path: path.to_owned(), from, to: 0, how };
    How::Fields(vec![part(from * count, How::Cut(from * (before - count))), part(0, common)])
}

fn from_bits(element: &Type, count: u64) -> u64 {
    element.size.saturating_mul(count).saturating_mul(8)
}

fn fields(path: &str, old: &[Field], new: &[Field]) -> How {
    let steps = old.iter().map(|before| {
        let path = format!("{path}.{}", before.name);
        match new.iter().find(|field| field.name == before.name) {
            Some(now) => step(path, Spot::field(before), Spot::field(now)),
            None => Step { path, from: before.start, to: 0, how: How::Gone(before.bits) },
        }
    });
    How::Fields(steps.collect())
}
