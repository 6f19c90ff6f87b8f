//! The merge of three: a variable's value, and its initial values in the old and the new file.
//!
//! It works on images of the variable: its bytes in order, wherever they are in memory.

use super::align::{How, Step, Values};
use super::convert::{Form, convert, misfit, read_bits, write_bits};
use super::home::Home;
use super::report::{Fresh, Reason};
use super::types::{Scalar, Shape, Type};
use std::ops::Range;

/// A variable before and after.
pub(super) struct Images<'a> {
    /// Its value.
    pub live: &'a [u8],
    /// Its initial value in the old file.
    pub was: &'a [u8],
    /// Its initial value in the new file.
    pub now: &'a [u8],
    /// The new generation's variable, to be changed.
    pub image: &'a mut [u8],
    /// Where the old and the new variable are.
    pub homes: (&'a Home, &'a Home),
}

/// What became of a variable and its parts.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub carried: bool,
    pub edited: Vec<String>,
    pub fresh: Vec<Fresh>,
    pub gone: Vec<String>,
}

impl Images<'_> {
    /// Takes a step, at these bits of the old and new variable. An error means that the variable as
    /// a whole stays behind, for this reason.
    pub fn take(
        &mut self,
        step: &Step,
        from: u64,
        to: u64,
        outcome: &mut Outcome,
    ) -> Result<(), Reason> {
        let (from, to) = (from + step.from, to + step.to);
        match &step.how {
            How::Values(values) => self.values(values, &step.path, from, to, outcome)?,
            How::Fields(steps) => {
                for step in steps {
                    self.take(step, from, to, outcome)?;
                }
            }
            How::Each { count, from: before, to: now, element } => {
                for i in 0..*count {
                    self.take(element, from + i * before, to + i * now, outcome)?;
                }
            }
            How::Leave(reason, bits) => {
                outcome.leave(&step.path, reason.clone(), self.changed(from, *bits));
            }
            How::Gone(bits) if self.changed(from, *bits) => once(&mut outcome.gone, &step.path),
            How::Gone(_) => {}
            How::Cut(bits) if self.changed(from, *bits) => return Err(Reason::Shortened),
            How::Cut(_) => {}
        }
        Ok(())
    }

    fn values(
        &mut self,
        values: &Values,
        path: &str,
        from: u64,
        to: u64,
        outcome: &mut Outcome,
    ) -> Result<(), Reason> {
        let whole = u64::from(values.from_bits) * values.count;
        let target = u64::from(values.to_bits) * values.count;
        let changed = self.changed(from, whole);
        let (old, new) = self.homes;
        if !old.holds(bytes(from, whole)) {
            outcome.leave(path, Reason::Folded, false);
            return Ok(());
        }
        if !new.holds(bytes(to, target)) {
            outcome.leave(path, Reason::Folded, changed);
            return Ok(());
        }
        if !changed && !values.are_equal((self.was, from), (self.now, to)) {
            once(&mut outcome.edited, path);
            return Ok(());
        }
        values.convert((self.live, from), (self.image, to))?;
        outcome.carried = true;
        Ok(())
    }

    /// Whether these bits of the old variable are no longer the initial ones.
    fn changed(&self, from: u64, bits: u64) -> bool {
        if from.is_multiple_of(8) && bits.is_multiple_of(8) {
            return self.live[bytes(from, bits)] != self.was[bytes(from, bits)];
        }
        let part = |image| read_bits(image, from, bits as u32);
        part(self.live) != part(self.was)
    }
}

impl Values {
    /// Whether values in one image are the same as those in another, after conversion.
    fn are_equal(&self, old: (&[u8], u64), new: (&[u8], u64)) -> bool {
        let (from, to) = self.forms();
        (0..self.count).all(|i| {
            let value = read_bits(old.0, old.1 + i * u64::from(from.bits), from.bits);
            let other = read_bits(new.0, new.1 + i * u64::from(to.bits), to.bits);
            convert(value, from, to) == Some(other)
        })
    }

    fn convert(&self, old: (&[u8], u64), new: (&mut [u8], u64)) -> Result<(), Reason> {
        let (from, to) = self.forms();
        for i in 0..self.count {
            let value = read_bits(old.0, old.1 + i * u64::from(from.bits), from.bits);
            let converted =
                convert(value, from, to).ok_or_else(|| misfit(value, from, &self.to.name))?;
            write_bits(new.0, new.1 + i * u64::from(to.bits), to.bits, converted);
        }
        Ok(())
    }

    fn forms(&self) -> (Form<'_>, Form<'_>) {
        let form = |ty, bits| Form { scalar: scalar(ty), bits };
        (form(&self.from, self.from_bits), form(&self.to, self.to_bits))
    }
}

fn scalar(ty: &Type) -> &Scalar {
    match &ty.shape {
        Shape::Scalar(scalar) => scalar,
        _ => &Scalar::Byte,
    }
}

impl Outcome {
    /// Notes what stays behind. The elements of an array share a path, and a note.
    fn leave(&mut self, path: &str, reason: Reason, lost: bool) {
        match self.fresh.iter_mut().find(|fresh| fresh.name == path) {
            Some(known) => known.lost |= lost,
            None => self.fresh.push(Fresh { name: path.to_owned(), reason, lost }),
        }
    }
}

fn once(paths: &mut Vec<String>, path: &str) {
    if !paths.iter().any(|known| known == path) {
        paths.push(path.to_owned());
    }
}

/// The bytes that these bits are in.
fn bytes(start: u64, bits: u64) -> Range<usize> {
    (start / 8) as usize..(start + bits).div_ceil(8) as usize
}
