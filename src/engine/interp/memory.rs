//! Handlers that access memory and globals.

use super::compute::{class, op};
use super::dispatch::{Body, Flow, Regs, handler};
use super::operands::{Dest, Source};
use crate::engine::lower::{Class, Form, Mode, What};
use crate::engine::memory::{narrow, widen, width};
use crate::engine::numeric;
use crate::engine::trap::TrapKind;
use crate::isa::Op;
use std::marker::PhantomData;

/// Whether the value of a load or store is in registers for floats.
const fn is_float(op: Op) -> bool {
    match op.pushes() {
        [] => Class::of(op.pops()[1], false).is_float(),
        _ => Class::of(op.pushes()[0], false).is_float(),
    }
}

/// Where the bytes of an access are, if all are inside of memory.
#[inline(always)]
unsafe fn place<const OP: u8>(s: &mut Regs, address: u64) -> Option<*mut u8> {
    let size = const { width(op(OP)) };
    // SAFETY: the machine outlives its calls; memory has all bytes below its limit.
    unsafe {
        if address >= (*s.cx).limits[const { width(op(OP)).trailing_zeros() as usize }] {
            s.r0 = address;
            s.r1 = size as u64;
            return None;
        }
        Some((*s.cx).memory.add(address as usize))
    }
}

#[inline(always)]
unsafe fn read<const OP: u8>(at: *const u8) -> u64 {
    // SAFETY: `place` has seen that as many bytes are there.
    let raw = unsafe {
        match const { width(op(OP)) } {
            1 => at.read().into(),
            2 => u16::from_le(at.cast::<u16>().read_unaligned()).into(),
            4 => u32::from_le(at.cast::<u32>().read_unaligned()).into(),
            _ => u64::from_le(at.cast::<u64>().read_unaligned()),
        }
    };
    widen(op(OP), raw)
}

#[inline(always)]
unsafe fn write<const OP: u8>(at: *mut u8, value: u64) {
    let raw = narrow(op(OP), value);
    // SAFETY: `place` has seen that as many bytes are there.
    unsafe {
        match const { width(op(OP)) } {
            1 => at.write(raw as u8),
            2 => at.cast::<u16>().write_unaligned((raw as u16).to_le()),
            4 => at.cast::<u32>().write_unaligned((raw as u32).to_le()),
            _ => at.cast::<u64>().write_unaligned(raw.to_le()),
        }
    }
}

/// `d = memory[a + b + offset]`; `b` may be nothing.
pub(super) struct Load<const OP: u8, A, B, D>(PhantomData<(A, B, D)>);

impl<const OP: u8, A: Source, B: Source, D: Dest> Body for Load<OP, A, B, D> {
    const FORM: Option<Form> = Some(Form {
        what: match B::MODE {
            Mode::N => What::Load(op(OP)),
            _ => What::LoadAt(op(OP)),
        },
        a: A::MODE,
        b: B::MODE,
        c: Mode::N,
        d: D::MODE,
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let words = 2 + A::WORDS + B::WORDS;
            let (a, b) = (A::get(s, false, 0, 2), B::get(s, false, 1, 2 + A::WORDS));
            let address = a.wrapping_add(b).wrapping_add(s.word(words));
            let Some(at) = place::<OP>(s, address) else {
                return Flow::Cold(handler::<OutOfBounds>());
            };
            D::put(s, const { is_float(op(OP)) }, read::<OP>(at));
            s.next(words + 1)
        }
    }
}

/// `d = memory[a + offset] op b`, or with `FLIPPED` `b op` that.
pub(super) struct LoadWith<const LOAD: u8, const OP: u8, const FLIPPED: bool, A, B, D>(
    PhantomData<(A, B, D)>,
);

impl<const LOAD: u8, const OP: u8, const FLIPPED: bool, A: Source, B: Source, D: Dest> Body
    for LoadWith<LOAD, OP, FLIPPED, A, B, D>
{
    const FORM: Option<Form> = Some(Form {
        what: What::LoadWith(op(LOAD), op(OP), FLIPPED),
        a: A::MODE,
        b: B::MODE,
        c: Mode::N,
        d: D::MODE,
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let float = const { is_float(op(LOAD)) };
            let words = 2 + A::WORDS + B::WORDS;
            let b = B::get(s, float, 1, 2 + A::WORDS);
            let address = A::get(s, false, 0, 2).wrapping_add(s.word(words));
            let Some(at) = place::<LOAD>(s, address) else {
                return Flow::Cold(handler::<OutOfBounds>());
            };
            let loaded = read::<LOAD>(at);
            let (a, b) = if FLIPPED { (b, loaded) } else { (loaded, b) };
            D::put(s, float, numeric::binary(op(OP), float, a, b).unwrap_or_default());
            s.next(words + 1)
        }
    }
}

/// `memory[a + b + offset] = v`, where `v` is the operand behind the address; `b` may be nothing.
pub(super) struct Store<const OP: u8, A, B, V>(PhantomData<(A, B, V)>);

impl<const OP: u8, A: Source, B: Source, V: Source> Body for Store<OP, A, B, V> {
    const FORM: Option<Form> = Some(match B::MODE {
        Mode::N => {
            let what = What::Store(op(OP));
            Form { what, a: A::MODE, b: V::MODE, c: Mode::N, d: Mode::N }
        }
        _ => {
            let what = What::StoreAt(op(OP));
            Form { what, a: A::MODE, b: B::MODE, c: V::MODE, d: Mode::N }
        }
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let words = 2 + A::WORDS + B::WORDS;
            let (a, b) = (A::get(s, false, 0, 2), B::get(s, false, 1, 2 + A::WORDS));
            let operand = const { if matches!(B::MODE, Mode::N) { 1 } else { 2 } };
            let value = V::get(s, const { is_float(op(OP)) }, operand, words);
            let words = words + V::WORDS;
            let address = a.wrapping_add(b).wrapping_add(s.word(words));
            let Some(at) = place::<OP>(s, address) else {
                return Flow::Cold(handler::<OutOfBounds>());
            };
            write::<OP>(at, value);
            s.next(words + 1)
        }
    }
}

/// Traps for an access, with its address and size in the two registers.
struct OutOfBounds;

impl Body for OutOfBounds {
    const FORM: Option<Form> = None;

    #[cold]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the state is that of an instruction that traps.
        unsafe {
            let size = (*s.cx).memory_size();
            let kind = TrapKind::OutOfBounds { address: s.r0, length: s.r1, size };
            (*s.cx).trap(s.ip, s.fp, kind)
        }
    }
}

/// `d = globals[index]`.
pub(super) struct GetGlobal<const FLOAT: bool, D>(PhantomData<D>);

impl<const FLOAT: bool, D: Dest> Body for GetGlobal<FLOAT, D> {
    const FORM: Option<Form> = Some(Form {
        what: What::GetGlobal(class(FLOAT)),
        a: Mode::N,
        b: Mode::N,
        c: Mode::N,
        d: D::MODE,
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the verifier has seen that there is such a global.
        unsafe {
            let value = *(*s.cx).globals.add(s.word(2) as usize);
            D::put(s, FLOAT, value);
            s.next(3)
        }
    }
}

/// `globals[index] = a`.
pub(super) struct SetGlobal<const FLOAT: bool, A>(PhantomData<A>);

impl<const FLOAT: bool, A: Source> Body for SetGlobal<FLOAT, A> {
    const FORM: Option<Form> = Some(Form {
        what: What::SetGlobal(class(FLOAT)),
        a: A::MODE,
        b: Mode::N,
        c: Mode::N,
        d: Mode::N,
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the verifier has seen that there is such a global.
        unsafe {
            *(*s.cx).globals.add(s.word(2 + A::WORDS) as usize) = A::get(s, FLOAT, 0, 2);
            s.next(3 + A::WORDS)
        }
    }
}
