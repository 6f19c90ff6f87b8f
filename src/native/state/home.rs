//! Where a variable is in memory.
//!
//! Most have one address. Optimisation may split a structure into pieces with an address each, drop
//! pieces that nothing reads, and store a variable that knows two values only as one byte.

use super::super::debuginfo::{Die, Slice, Unit};
use gimli::{
    AttributeValue, DW_AT_location, EvaluationResult, Expression, Location, Operation, Piece, Value,
};
use std::ops::Range;

/// Longer than any compiler's description of a place. A damaged one may jump in circles.
const MOST_OPERATIONS: u32 = 10_000;

/// The parts of a variable, in the order of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    parts: Vec<Part>,
}

/// Some bytes of a variable that are in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// How many bytes of the variable these are.
    pub size: usize,
    pub place: Place,
}

/// Where a part is. Addresses are those of the file: the loader adds the library's base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Memory(u64),
    /// A byte that tells which of two values the part has.
    Flag {
        address: u64,
        values: [u64; 2],
    },
    /// Nowhere: the compiler found that it needs no memory.
    Nowhere,
}

impl Part {
    /// The memory that it takes: where it begins, and its size.
    pub fn memory(&self) -> Option<(u64, usize)> {
        match self.place {
            Place::Memory(address) => Some((address, self.size)),
            Place::Flag { address, .. } => Some((address, 1)),
            Place::Nowhere => None,
        }
    }
}

/// What the debug information says of a variable's place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Located {
    Home(Home),
    /// It says nothing: a declaration, or a variable that became a constant.
    Nowhere,
    /// Each thread has its own.
    ThreadLocal,
    /// On the stack or in a register: it is no static variable at all.
    Automatic,
}

impl Located {
    /// The place of a variable, whose size is yet to be told.
    pub fn of(variable: &Die) -> Located {
        match variable.attr(DW_AT_location) {
            None => Located::Nowhere,
            Some(AttributeValue::Exprloc(expression)) => {
                let first = expression.operations(variable.unit.encoding()).next();
                match first {
                    Ok(Some(
                        Operation::FrameOffset { .. }
                        | Operation::Register { .. }
                        | Operation::RegisterOffset { .. },
                    )) => Located::Automatic,
                    _ => Located::described(variable, &expression),
                }
            }
            // A list of places, one for each stretch of code: only what is not static moves about.
            Some(_) => Located::Automatic,
        }
    }

    fn described<'a>(variable: &Die<'_, 'a>, expression: &Expression<Slice<'a>>) -> Located {
        let (off, on) = match [0, 1].map(|flag| evaluate(variable, expression, flag)) {
            [Ok(off), Ok(on)] => (off, on.0),
            [Err(located), _] | [_, Err(located)] => return located,
        };
        let (off, flags) = off;
        let mut flags = flags.into_iter();
        let parts = off.iter().zip(&on).map(|(off, on)| {
            let size = off.size_in_bits.and_then(|bits| usize::try_from(bits / 8).ok());
            Part { size: size.unwrap_or(usize::MAX), place: place(off, on, &mut flags) }
        });
        let parts: Vec<_> = parts.collect();
        match parts.iter().any(|part| part.place != Place::Nowhere) {
            true => Located::Home(Home { parts }),
            false => Located::Nowhere,
        }
    }
}

/// The place that two evaluations agree on, one with all flags off and one with all of them on.
fn place(off: &Piece<Slice>, on: &Piece<Slice>, flags: &mut impl Iterator<Item = u64>) -> Place {
    match (&off.location, &on.location) {
        (Location::Address { address }, Location::Address { address: same })
            if address == same && off.bit_offset.is_none() =>
        {
            Place::Memory(*address)
        }
        (Location::Value { value: off }, Location::Value { value: on }) if off != on => {
            let bits = |value: &Value| value.to_u64(u64::MAX).ok();
            match (flags.next(), bits(off), bits(on)) {
                (Some(address), Some(off), Some(on)) => Place::Flag { address, values: [off, on] },
                _ => Place::Nowhere,
            }
        }
        _ => Place::Nowhere,
    }
}

/// Follows a description of a place, where every byte of memory that it looks at holds `flag`. Also
/// returns which addresses those are.
fn evaluate<'a>(
    variable: &Die<'_, 'a>,
    expression: &Expression<Slice<'a>>,
    flag: u64,
) -> Result<(Vec<Piece<Slice<'a>>>, Vec<u64>), Located> {
    let unit: &Unit = variable.unit;
    let mut flags = Vec::new();
    let mut evaluation = expression.evaluation(unit.encoding());
    evaluation.set_max_iterations(MOST_OPERATIONS);
    let mut state = evaluation.evaluate();
    loop {
        state = match state.map_err(|_| Located::Nowhere)? {
            EvaluationResult::Complete => return Ok((evaluation.result(), flags)),
            EvaluationResult::RequiresRelocatedAddress(address) => {
                evaluation.resume_with_relocated_address(address)
            }
            EvaluationResult::RequiresIndexedAddress { index, .. } => {
                let address = variable.info.dwarf.address(unit, index);
                evaluation.resume_with_indexed_address(address.map_err(|_| Located::Nowhere)?)
            }
            EvaluationResult::RequiresMemory { address, size: 1, .. } => {
                flags.push(address);
                evaluation.resume_with_memory(Value::Generic(flag))
            }
            EvaluationResult::RequiresMemory { .. } => return Err(Located::Nowhere),
            EvaluationResult::RequiresTls(_) => return Err(Located::ThreadLocal),
            _ => return Err(Located::Automatic),
        };
    }
}

impl Home {
    /// The home of a variable of this size. Compilers leave the last parts out if they are nowhere,
    /// and the size of a part that is the only one.
    pub fn sized(self, size: usize) -> Home {
        let mut left = size;
        let rest = Part { size, place: Place::Nowhere };
        let parts = self.parts.into_iter().chain([rest]).map(|part| {
            let size = part.size.min(left);
            left -= size;
            Part { size, ..part }
        });
        Home { parts: parts.filter(|part| part.size > 0).collect() }
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// All its bytes in order, where `read` fetches those at an address. What is nowhere is zero.
    pub fn gather(&self, mut read: impl FnMut(u64, &mut [u8])) -> Vec<u8> {
        let mut image = vec![0; self.parts.iter().map(|part| part.size).sum()];
        let mut rest = &mut image[..];
        for part in &self.parts {
            let (bytes, after) = rest.split_at_mut(part.size);
            rest = after;
            match part.place {
                Place::Memory(address) => read(address, bytes),
                Place::Flag { address, values } => {
                    let mut flag = [0];
                    read(address, &mut flag);
                    let value = values[usize::from(flag[0] & 1)].to_le_bytes();
                    let size = bytes.len().min(value.len());
                    bytes[..size].copy_from_slice(&value[..size]);
                }
                Place::Nowhere => {}
            }
        }
        image
    }

    /// Hands all its bytes to `write`, with the address they belong to. It [`takes`](Home::takes)
    /// this image.
    pub fn scatter(&self, image: &[u8], mut write: impl FnMut(u64, &[u8])) {
        let mut rest = image;
        for part in &self.parts {
            let (bytes, after) = rest.split_at(part.size);
            rest = after;
            match part.place {
                Place::Memory(address) => write(address, bytes),
                Place::Flag { address, values } => {
                    write(address, &[u8::from(is_value(bytes, values[1]))]);
                }
                Place::Nowhere => {}
            }
        }
    }

    /// Whether it can hold this image: a flag knows two values only.
    pub fn takes(&self, image: &[u8]) -> bool {
        let mut rest = image;
        self.parts.iter().all(|part| {
            let (bytes, after) = rest.split_at(part.size);
            rest = after;
            match part.place {
                Place::Flag { values, .. } => values.iter().any(|&value| is_value(bytes, value)),
                _ => true,
            }
        })
    }

    /// Whether all these bytes of the variable are somewhere.
    pub fn holds(&self, bytes: Range<usize>) -> bool {
        let mut start = 0;
        self.parts.iter().all(|part| {
            let end = start + part.size;
            let apart = end <= bytes.start || bytes.end <= start;
            start = end;
            apart || part.place != Place::Nowhere
        })
    }
}

/// Whether these bytes are a value's, which may have more bytes than they are.
fn is_value(bytes: &[u8], value: u64) -> bool {
    let value = value.to_le_bytes();
    let size = bytes.len().min(value.len());
    bytes[..size] == value[..size] && bytes[size..].iter().all(|&byte| byte == 0)
}
