//! Values of one type as values of another, if nothing is lost.

use super::report::Reason;
use super::types::Scalar;

/// A kind of value, and how many bits it takes: fields may be narrower than their type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form<'t> {
    pub scalar: &'t Scalar,
    pub bits: u32,
}

/// Whether values of one kind may be values of the other at all.
pub(super) fn convertible(from: &Scalar, to: &Scalar) -> bool {
    match (from, to) {
        (Scalar::Float, Scalar::Float) | (Scalar::Byte, Scalar::Byte) => true,
        (Scalar::Float | Scalar::Byte, _) | (_, Scalar::Float | Scalar::Byte) => false,
        _ => true,
    }
}

/// The bits of a value in another form; `None` if no value of that form is the same.
pub(super) fn convert(value: u64, from: Form, to: Form) -> Option<u64> {
    match (from.scalar, to.scalar) {
        (a, b) if a == b && from.bits == to.bits => Some(value),
        (Scalar::Float, Scalar::Float) => float(value, from.bits, to.bits),
        (a, b) if convertible(a, b) => {
            let number = number(value, from);
            let number = match (a, b) {
                (Scalar::Enumeration { names: old, .. }, Scalar::Enumeration { names, .. }) => {
                    renumber(number, old, names)?
                }
                _ => number,
            };
            bits(number, to)
        }
        _ => None,
    }
}

/// What a value is called in the reason for leaving it behind.
pub(super) fn show(value: u64, form: Form) -> String {
    match form.scalar {
        Scalar::Float if form.bits == 32 => f32::from_bits(value as u32).to_string(),
        Scalar::Float => f64::from_bits(value).to_string(),
        Scalar::Enumeration { names, .. } => {
            let number = number(value, form);
            let named = names.iter().find(|(_, value)| *value == number);
            named.map_or_else(|| number.to_string(), |(name, _)| name.clone())
        }
        _ => number(value, form).to_string(),
    }
}

/// Why a value stays behind.
pub(super) fn misfit(value: u64, from: Form, to: &str) -> Reason {
    Reason::DoesNotFit { value: show(value, from), to: to.to_owned() }
}

fn float(value: u64, from: u32, to: u32) -> Option<u64> {
    match (from, to) {
        (32, 64) => Some(f64::from(f32::from_bits(value as u32)).to_bits()),
        (64, 32) => {
            let narrow = f64::from_bits(value) as f32;
            (f64::from(narrow).to_bits() == value).then_some(narrow.to_bits().into())
        }
        _ => None,
    }
}

fn is_signed(scalar: &Scalar) -> bool {
    matches!(scalar, Scalar::Integer { signed: true } | Scalar::Enumeration { signed: true, .. })
}

/// The whole number that some bits stand for.
fn number(value: u64, form: Form) -> i128 {
    let unused = 64 - form.bits;
    match is_signed(form.scalar) {
        true => i128::from((value << unused) as i64 >> unused),
        false => i128::from(value << unused >> unused),
    }
}

/// The bits that stand for a whole number.
fn bits(number: i128, form: Form) -> Option<u64> {
    let value = number as u64 & (u64::MAX >> (64 - form.bits));
    let is_truth = !matches!(form.scalar, Scalar::Boolean) || matches!(number, 0 | 1);
    (is_truth && self::number(value, form) == number).then_some(value)
}

/// The number of an enumerator in the new enumeration. What has no name, such as a set of flags,
/// keeps its number if all that has one does.
fn renumber(number: i128, old: &[(String, i128)], new: &[(String, i128)]) -> Option<i128> {
    let named = |names: &[(String, i128)], wanted: &str| {
        names.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value)
    };
    let mut same = old.iter().filter(|(_, value)| *value == number).peekable();
    if same.peek().is_none() {
        let kept = old.iter().all(|(name, value)| named(new, name) == Some(*value));
        return kept.then_some(number);
    }
    same.find_map(|(name, _)| named(new, name)).or_else(|| {
        // Renamed: the number is that of an enumerator which was not there before.
        let renamed =
            new.iter().any(|(name, value)| *value == number && named(old, name).is_none());
        renamed.then_some(number)
    })
}

/// The `width` bits of an image that begin with bit `start`; at most 64.
pub(super) fn read_bits(image: &[u8], start: u64, width: u32) -> u64 {
    let first = (start / 8) as usize;
    let shift = (start % 8) as u32;
    let mut window = [0; 16];
    let size = (shift + width).div_ceil(8) as usize;
    window[..size].copy_from_slice(&image[first..first + size]);
    (u128::from_le_bytes(window) >> shift) as u64 & (u64::MAX >> (64 - width))
}

/// Sets the `width` bits of an image that begin with bit `start`.
pub(super) fn write_bits(image: &mut [u8], start: u64, width: u32, value: u64) {
    let first = (start / 8) as usize;
    let shift = (start % 8) as u32;
    let size = (shift + width).div_ceil(8) as usize;
    let bytes = &mut image[first..first + size];
    let mut window = [0; 16];
    window[..size].copy_from_slice(bytes);
    let mask = u128::from(u64::MAX >> (64 - width)) << shift;
    let merged = u128::from_le_bytes(window) & !mask | u128::from(value) << shift & mask;
    bytes.copy_from_slice(&merged.to_le_bytes()[..size]);
}
