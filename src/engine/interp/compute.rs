//! Handlers that compute and move values.

use super::dispatch::{Body, Flow, Regs, handler};
use super::operands::{Dest, Source, move_to};
use crate::engine::lower::{Class, Form, Mode, What};
use crate::engine::numeric;
use crate::isa::Op;
use std::marker::PhantomData;

/// The instruction of a byte.
pub(super) const fn op(byte: u8) -> Op {
    match Op::from_byte(byte) {
        Some(op) => op,
        None => panic!("no instruction has this byte"),
    }
}

pub(super) const fn class(float: bool) -> Class {
    if float { Class::Float } else { Class::Int }
}

/// Whether the first operand of an instruction, and its result, are in registers for floats.
pub(super) const fn takes_float(op: Op, float: bool) -> bool {
    Class::of(op.pops()[0], float).is_float()
}

pub(super) const fn gives_float(op: Op, float: bool) -> bool {
    Class::of(op.pushes()[0], float).is_float()
}

/// `d = a op b`.
pub(super) struct Binary<const OP: u8, const FLOAT: bool, A, B, D>(PhantomData<(A, B, D)>);

impl<const OP: u8, const FLOAT: bool, A: Source, B: Source, D: Dest> Body
    for Binary<OP, FLOAT, A, B, D>
{
    const FORM: Option<Form> = Some(Form {
        what: What::Binary(op(OP), FLOAT),
        a: A::MODE,
        b: B::MODE,
        c: Mode::N,
        d: D::MODE,
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let (a, b) = (A::get(s, FLOAT, 0, 2), B::get(s, FLOAT, 1, 2 + A::WORDS));
            let Ok(value) = numeric::binary(op(OP), FLOAT, a, b) else {
                (s.r0, s.r1) = (a, b);
                return Flow::Cold(handler::<BinaryTrap<OP>>());
            };
            D::put(s, const { gives_float(op(OP), FLOAT) }, value);
            s.next(2 + A::WORDS + B::WORDS)
        }
    }
}

/// Traps for a [`Binary`], with its operands in the two registers.
struct BinaryTrap<const OP: u8>;

impl<const OP: u8> Body for BinaryTrap<OP> {
    const FORM: Option<Form> = None;

    #[cold]
    unsafe fn run(s: &mut Regs) -> Flow {
        match numeric::binary(op(OP), false, s.r0, s.r1) {
            // SAFETY: the state is that of an instruction that traps.
            Err(kind) => unsafe { (*s.cx).trap(s.ip, s.fp, kind) },
            Ok(_) => unreachable!("it has trapped a moment ago"),
        }
    }
}

/// `d = op a`.
pub(super) struct Unary<const OP: u8, const FLOAT: bool, A, D>(PhantomData<(A, D)>);

impl<const OP: u8, const FLOAT: bool, A: Source, D: Dest> Body for Unary<OP, FLOAT, A, D> {
    const FORM: Option<Form> = Some(Form {
        what: What::Unary(op(OP), FLOAT),
        a: A::MODE,
        b: Mode::N,
        c: Mode::N,
        d: D::MODE,
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let a = A::get(s, const { takes_float(op(OP), FLOAT) }, 0, 2);
            let Ok(value) = numeric::unary(op(OP), FLOAT, a) else {
                s.r0 = a;
                return Flow::Cold(handler::<UnaryTrap<OP>>());
            };
            D::put(s, const { gives_float(op(OP), FLOAT) }, value);
            s.next(2 + A::WORDS)
        }
    }
}

/// Traps for a [`Unary`], with its operand in the accumulator for integers.
struct UnaryTrap<const OP: u8>;

impl<const OP: u8> Body for UnaryTrap<OP> {
    const FORM: Option<Form> = None;

    #[cold]
    unsafe fn run(s: &mut Regs) -> Flow {
        match numeric::unary(op(OP), false, s.r0) {
            // SAFETY: the state is that of an instruction that traps.
            Err(kind) => unsafe { (*s.cx).trap(s.ip, s.fp, kind) },
            Ok(_) => unreachable!("it has trapped a moment ago"),
        }
    }
}

/// `d = (a op b) op c`, or with `FLIPPED` `c op (a op b)`. Neither traps.
pub(super) struct Tree<
    const FIRST: u8,
    const OP: u8,
    const FLOAT: bool,
    const FLIPPED: bool,
    A,
    B,
    C,
    D,
>(PhantomData<(A, B, C, D)>);

impl<
    const FIRST: u8,
    const OP: u8,
    const FLOAT: bool,
    const FLIPPED: bool,
    A: Source,
    B: Source,
    C: Source,
    D: Dest,
> Body for Tree<FIRST, OP, FLOAT, FLIPPED, A, B, C, D>
{
    const FORM: Option<Form> = Some(Form {
        what: What::Tree(op(FIRST), op(OP), class(FLOAT), FLIPPED),
        a: A::MODE,
        b: B::MODE,
        c: C::MODE,
        d: D::MODE,
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let (a, b) = (A::get(s, FLOAT, 0, 2), B::get(s, FLOAT, 1, 2 + A::WORDS));
            let c = C::get(s, FLOAT, 2, 2 + A::WORDS + B::WORDS);
            let made = numeric::binary(op(FIRST), FLOAT, a, b).unwrap_or_default();
            let (a, b) = if FLIPPED { (c, made) } else { (made, c) };
            D::put(s, FLOAT, numeric::binary(op(OP), FLOAT, a, b).unwrap_or_default());
            s.next(2 + A::WORDS + B::WORDS + C::WORDS)
        }
    }
}

/// `d = a + b`, which leaves the accumulator alone.
pub(super) struct Bump<A, D>(PhantomData<(A, D)>);

impl<A: Source, D: Dest> Body for Bump<A, D> {
    const FORM: Option<Form> =
        Some(Form { what: What::Bump, a: A::MODE, b: Mode::I, c: Mode::N, d: D::MODE });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let sum = A::get(s, false, 0, 2).wrapping_add(s.word(2));
            move_to::<D>(s, false, sum);
            s.next(3)
        }
    }
}

/// `d = a`.
pub(super) struct Copy<const FLOAT: bool, A, D>(PhantomData<(A, D)>);

impl<const FLOAT: bool, A: Source, D: Dest> Body for Copy<FLOAT, A, D> {
    const FORM: Option<Form> = Some(Form {
        what: What::Copy(class(FLOAT)),
        a: A::MODE,
        b: Mode::N,
        c: Mode::N,
        d: D::MODE,
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let value = A::get(s, FLOAT, 0, 2);
            move_to::<D>(s, FLOAT, value);
            s.next(2 + A::WORDS)
        }
    }
}

/// `d = c != 0 ? a : b`.
pub(super) struct Select<A, B, C, D>(PhantomData<(A, B, C, D)>);

impl<A: Source, B: Source, C: Source, D: Dest> Body for Select<A, B, C, D> {
    const FORM: Option<Form> =
        Some(Form { what: What::Select, a: A::MODE, b: B::MODE, c: C::MODE, d: D::MODE });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let (a, b) = (A::get(s, false, 0, 2), B::get(s, false, 1, 2 + A::WORDS));
            let c = C::get(s, false, 2, 2 + A::WORDS + B::WORDS);
            move_to::<D>(s, false, if c != 0 { a } else { b });
            s.next(2 + A::WORDS + B::WORDS + C::WORDS)
        }
    }
}
