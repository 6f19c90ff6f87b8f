//! Calls whose arguments are all integers or all doubles, and few: the compiler knows where these go,
//! so that a pointer of the right type is all it takes.
//!
//! An integer goes into a register of its own whatever its width, and a cell holds it extended to 64
//! bits, as every convention wants it at most.

use super::Returned;
use super::error::Misfit;
use crate::isa::{CType, Signature};

/// Calls the function at an address with the cells at another.
type Make = unsafe fn(usize, *const u64) -> Returned;

/// How to call a function of such a signature.
#[derive(Debug)]
pub struct Direct {
    /// The least and greatest value of each integer; none for floats.
    ranges: Box<[(i64, i64)]>,
    cells: usize,
    takes_floats: bool,
    result: CType,
    make: Make,
}

impl Direct {
    pub(super) fn new(signature: &Signature) -> Option<Direct> {
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
        let (cells, takes_floats) = (params.len(), ranges.is_empty());
        let make = make[usize::from(to_float)];
        Some(Direct { ranges, cells, takes_floats, result: *result, make })
    }

    /// How many arguments the function takes.
    pub fn params(&self) -> usize {
        self.cells
    }

    /// Whether the arguments are doubles; integers otherwise.
    pub fn takes_floats(&self) -> bool {
        self.takes_floats
    }

    /// The least and greatest value of each integer; none for doubles.
    pub fn ranges(&self) -> &[(i64, i64)] {
        &self.ranges
    }

    /// What the function gives.
    pub fn result(&self) -> CType {
        self.result
    }

    /// Checks the arguments and calls the function at `target`.
    ///
    /// # Safety
    /// `target` is the address of a mapped C function of the signature that this was made for.
    #[inline]
    pub(super) unsafe fn call(&self, target: usize, args: &[u64]) -> Result<Returned, Misfit> {
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

/// A function that calls one which takes as many arguments of a type as it is told, up to four.
macro_rules! calls {
    ($name:ident, $argument:ty, $from:path, $what:literal) => {
        #[doc = concat!("Calls the function at an address with the first `N` cells as ", $what, ".")]
        ///
        /// # Safety
        /// It is a mapped C function that takes these, `N` of at most four, and gives an `R`; there are
        /// as many cells.
        #[inline(always)]
        pub unsafe fn $name<const N: usize, R>(target: usize, args: *const u64) -> R {
            // SAFETY: by the caller's word.
            unsafe {
                let arg = |at: usize| $from(*args.add(at));
                match N {
                    0 => calls!(R, $argument, target, arg;),
                    1 => calls!(R, $argument, target, arg; 0),
                    2 => calls!(R, $argument, target, arg; 0 1),
                    3 => calls!(R, $argument, target, arg; 0 1 2),
                    4 => calls!(R, $argument, target, arg; 0 1 2 3),
                    _ => unreachable!("at most four"),
                }
            }
        }
    };
    ($result:ident, $argument:ty, $target:ident, $arg:ident; $($at:literal)*) => {{
        type Function<R> = unsafe extern "C" fn($(calls!(@ $at $argument)),*) -> R;
        std::mem::transmute::<usize, Function<$result>>($target)($($arg($at)),*)
    }};
    (@ $at:literal $argument:ty) => { $argument };
}

calls!(call_integers, u64, u64::from, "integers");
calls!(call_floats, f64, f64::from_bits, "doubles");

macro_rules! make {
    ($call:ident; $($count:literal)*) => {
        [$({
            unsafe fn to_integer(target: usize, args: *const u64) -> Returned {
                // SAFETY: the caller vouches for the target, and for the number of arguments.
                Returned { integer: unsafe { $call::<$count, u64>(target, args) }, float: 0.0 }
            }
            unsafe fn to_float(target: usize, args: *const u64) -> Returned {
                // SAFETY: as above.
                Returned { integer: 0, float: unsafe { $call::<$count, f64>(target, args) } }
            }
            [to_integer as Make, to_float]
        }),*]
    };
}

static INTEGER_CALLS: [[Make; 2]; 5] = make!(call_integers; 0 1 2 3 4);
static FLOAT_CALLS: [[Make; 2]; 5] = make!(call_floats; 0 1 2 3 4);
