//! The modes of operands and results as types, so that a handler is written once for all of them.
//!
//! The names are those of [`Mode`].

use super::dispatch::Regs;
use crate::engine::lower::Mode;

/// Where an operand comes from. `float` tells the class of the registers; a value is its bits.
pub(super) trait Source {
    const MODE: Mode;
    /// How many words of the instruction it takes, besides its short operand.
    const WORDS: usize = 0;

    /// The value. `at` is the number of its short operand, and `word` of its word.
    ///
    /// # Safety
    /// As for [`super::dispatch::Body::run`], of an instruction with this operand.
    unsafe fn get(s: &Regs, float: bool, at: usize, word: usize) -> u64;
}

/// Where a result goes. The accumulator receives it whatever the mode.
pub(super) trait Dest {
    const MODE: Mode;

    /// Puts the value.
    ///
    /// # Safety
    /// As for [`super::dispatch::Body::run`], of an instruction with this result.
    unsafe fn put(s: &mut Regs, float: bool, value: u64);
}

/// The number of the short operand of a result.
const RESULT: usize = 3;

pub(super) struct N;
pub(super) struct S;
pub(super) struct A;
pub(super) struct P;
pub(super) struct Q;
pub(super) struct I;

impl Source for N {
    const MODE: Mode = Mode::N;

    #[inline(always)]
    unsafe fn get(_: &Regs, _: bool, _: usize, _: usize) -> u64 {
        0
    }
}

impl Source for S {
    const MODE: Mode = Mode::S;

    #[inline(always)]
    unsafe fn get(s: &Regs, _: bool, at: usize, _: usize) -> u64 {
        // SAFETY: the operand is a cell of the frame.
        unsafe { *s.fp.add(s.short(at)) }
    }
}

impl Source for A {
    const MODE: Mode = Mode::A;

    #[inline(always)]
    unsafe fn get(s: &Regs, float: bool, _: usize, _: usize) -> u64 {
        if float { s.f0.to_bits() } else { s.r0 }
    }
}

impl Source for P {
    const MODE: Mode = Mode::P;

    #[inline(always)]
    unsafe fn get(s: &Regs, float: bool, _: usize, _: usize) -> u64 {
        if float { s.f1.to_bits() } else { s.r1 }
    }
}

impl Source for Q {
    const MODE: Mode = Mode::Q;

    #[inline(always)]
    unsafe fn get(s: &Regs, float: bool, _: usize, _: usize) -> u64 {
        if float { s.f2.to_bits() } else { s.r2 }
    }
}

impl Source for I {
    const MODE: Mode = Mode::I;
    const WORDS: usize = 1;

    #[inline(always)]
    unsafe fn get(s: &Regs, _: bool, _: usize, word: usize) -> u64 {
        // SAFETY: the instruction holds the constant.
        unsafe { s.word(word) }
    }
}

/// Puts a value into the accumulator.
#[inline(always)]
fn accumulate(s: &mut Regs, float: bool, value: u64) {
    match float {
        true => s.f0 = f64::from_bits(value),
        false => s.r0 = value,
    }
}

/// Puts a value into the cell of the result.
#[inline(always)]
unsafe fn keep(s: &mut Regs, value: u64) {
    // SAFETY: the result has a cell of the frame.
    unsafe { *s.fp.add(s.short(RESULT)) = value }
}

impl Dest for N {
    const MODE: Mode = Mode::N;

    #[inline(always)]
    unsafe fn put(_: &mut Regs, _: bool, _: u64) {}
}

impl Dest for A {
    const MODE: Mode = Mode::A;

    #[inline(always)]
    unsafe fn put(s: &mut Regs, float: bool, value: u64) {
        accumulate(s, float, value);
    }
}

impl Dest for S {
    const MODE: Mode = Mode::S;

    #[inline(always)]
    unsafe fn put(s: &mut Regs, float: bool, value: u64) {
        // SAFETY: as above.
        unsafe { keep(s, value) };
        accumulate(s, float, value);
    }
}

impl Dest for P {
    const MODE: Mode = Mode::P;

    #[inline(always)]
    unsafe fn put(s: &mut Regs, float: bool, value: u64) {
        // SAFETY: as above.
        unsafe { keep(s, value) };
        accumulate(s, float, value);
        match float {
            true => s.f1 = f64::from_bits(value),
            false => s.r1 = value,
        }
    }
}

impl Dest for Q {
    const MODE: Mode = Mode::Q;

    #[inline(always)]
    unsafe fn put(s: &mut Regs, float: bool, value: u64) {
        // SAFETY: as above.
        unsafe { keep(s, value) };
        accumulate(s, float, value);
        match float {
            true => s.f2 = f64::from_bits(value),
            false => s.r2 = value,
        }
    }
}

/// A copy leaves no trace in the accumulator.
///
/// # Safety
/// As for [`Dest::put`].
#[inline(always)]
pub(super) unsafe fn move_to<D: Dest>(s: &mut Regs, float: bool, value: u64) {
    let (r0, f0) = (s.r0, s.f0);
    // SAFETY: as the caller vouches for the destination.
    unsafe { D::put(s, float, value) };
    (s.r0, s.f0) = (r0, f0);
}
