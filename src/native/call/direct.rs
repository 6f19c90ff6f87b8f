//! Calls whose arguments are all integers or all doubles, and few: the compiler knows where these go,
//! so that a pointer of the right type is all it takes.
//!
//! An integer goes into a register of its own whatever its width, and a cell holds it extended to 64
//! bits, as every convention wants it at most.

use super::Returned;
use super::error::Misfit;
use crate::isa::{CType, Signature};

/// How many integers have registers on every machine.
const INTEGERS: usize = 4;
const FLOATS: usize = 4;

/// Calls the function at an address with the cells at another.
type Make = unsafe fn(usize, *const u64) -> Returned;

/// How to call a function of such a signature.
#[derive(Debug)]
pub(super) struct Direct {
    /// The least and greatest value of each integer; none for floats.
    ranges: Box<[(i64, i64)]>,
    cells: usize,
    make: Make,
}

impl Direct {
    pub fn new(signature: &Signature) -> Option<Direct> {
        let Signature { params, result } = signature;
        if !cfg!(target_pointer_width = "64") || *result == CType::F32 {
            return None;
        }
        let to_float = *result == CType::F64;
        let integers = params.iter().map(|param| match param {
            CType::F32 | CType::F64 | CType::Cstr | CType::Bytes | CType::Ptr | CType::Void => None,
            CType::I64 | CType::U64 => Some((i64::MIN, i64::MAX)),
            integer => integer.integer_range(),
        });
        let ranges: Option<Box<[_]>> = integers.collect();
        let (ranges, make) = match ranges {
            Some(ranges) => {
                let make = INTEGER_CALLS.get(ranges.len())?;
                (ranges, make)
            }
            None if params.iter().all(|&param| param == CType::F64) => {
                (Box::default(), FLOAT_CALLS.get(params.len())?)
            }
            None => return None,
        };
        Some(Direct { ranges, cells: params.len(), make: make[usize::from(to_float)] })
    }

    /// Checks the arguments and calls the function at `target`.
    ///
    /// # Safety
    /// `target` is the address of a mapped C function of the signature that this was made for.
    #[inline]
    pub unsafe fn call(&self, target: usize, args: &[u64]) -> Result<Returned, Misfit> {
        if args.len() != self.cells {
            return Err(Misfit::Count { expected: self.cells });
        }
        for (param, (&cell, &(least, greatest))) in args.iter().zip(&self.ranges).enumerate() {
            if !(least..=greatest).contains(&(cell as i64)) {
                return Err(Misfit::Range { param });
            }
        }
        // SAFETY: the caller vouches for the target; there are as many arguments as it takes.
        Ok(unsafe { (self.make)(target, args.as_ptr()) })
    }
}

/// Functions that call one of as many arguments as there are zeros, which gives an integer or nothing,
/// or a double.
macro_rules! calls {
    ($from:path, $argument:ty; $($index:literal)*) => {{
        type ToInteger = unsafe extern "C" fn($(calls!(@ $index $argument)),*) -> u64;
        type ToFloat = unsafe extern "C" fn($(calls!(@ $index $argument)),*) -> f64;
        unsafe fn to_integer(target: usize, _args: *const u64) -> Returned {
            // SAFETY: the caller vouches for the target, and for the number of arguments.
            let integer = unsafe {
                std::mem::transmute::<usize, ToInteger>(target)($($from(*_args.add($index))),*)
            };
            Returned { integer, float: 0.0 }
        }
        unsafe fn to_float(target: usize, _args: *const u64) -> Returned {
            // SAFETY: as above.
            let float = unsafe {
                std::mem::transmute::<usize, ToFloat>(target)($($from(*_args.add($index))),*)
            };
            Returned { integer: 0, float }
        }
        [to_integer as Make, to_float]
    }};
    (@ $index:literal $argument:ty) => { $argument };
}

static INTEGER_CALLS: [[Make; 2]; INTEGERS + 1] = [
    calls!(u64::from, u64;),
    calls!(u64::from, u64; 0),
    calls!(u64::from, u64; 0 1),
    calls!(u64::from, u64; 0 1 2),
    calls!(u64::from, u64; 0 1 2 3),
];

static FLOAT_CALLS: [[Make; 2]; FLOATS + 1] = [
    calls!(f64::from_bits, f64;),
    calls!(f64::from_bits, f64; 0),
    calls!(f64::from_bits, f64; 0 1),
    calls!(f64::from_bits, f64; 0 1 2),
    calls!(f64::from_bits, f64; 0 1 2 3),
];
