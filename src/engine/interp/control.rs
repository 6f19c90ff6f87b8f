//! Handlers that decide where to go on: jumps, calls, ends.

use super::compute::{class, op};
use super::dispatch::{Body, Flow, Regs, handler};
use super::machine::{Entry, Upper};
use super::operands::{Dest, Source};
use crate::engine::lower::{Form, Mode, Test, What};
use crate::engine::numeric;
use crate::engine::trap::TrapKind;
use crate::engine::vm::Exit;
use std::marker::PhantomData;

/// A form of which only the first operand has a mode.
const fn form(what: What, a: Mode) -> Option<Form> {
    Some(Form { what, a, b: Mode::N, c: Mode::N, d: Mode::N })
}

/// Whether a test holds.
#[inline(always)]
fn holds<const OP: u8, const FLOAT: bool, const NEGATED: bool>(a: u64, b: u64) -> bool {
    (numeric::binary(op(OP), FLOAT, a, b).unwrap_or_default() != 0) != NEGATED
}

/// Goes on elsewhere.
pub(super) struct Jump;

impl Body for Jump {
    const FORM: Option<Form> = form(What::Jump, Mode::N);

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe { s.jump_to(2) }
    }
}

/// Goes on elsewhere when a test holds.
pub(super) struct Branch<const OP: u8, const FLOAT: bool, const NEGATED: bool, A, B>(
    PhantomData<(A, B)>,
);

impl<const OP: u8, const FLOAT: bool, const NEGATED: bool, A: Source, B: Source> Body
    for Branch<OP, FLOAT, NEGATED, A, B>
{
    const FORM: Option<Form> = Some(Form {
        what: What::Branch(Test { op: op(OP), float: FLOAT, negated: NEGATED }),
        a: A::MODE,
        b: B::MODE,
        c: Mode::N,
        d: Mode::N,
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let (a, b) = (A::get(s, FLOAT, 0, 2), B::get(s, FLOAT, 1, 2 + A::WORDS));
            let words = 2 + A::WORDS + B::WORDS;
            match holds::<OP, FLOAT, NEGATED>(a, b) {
                true => s.jump_to(words),
                false => s.next(words + 1),
            }
        }
    }
}

/// Adds, and goes on elsewhere when a test of the sum holds.
pub(super) struct Step<const OP: u8, A, B, C, D>(PhantomData<(A, B, C, D)>);

impl<const OP: u8, A: Source, B: Source, C: Source, D: Dest> Body for Step<OP, A, B, C, D> {
    const FORM: Option<Form> = Some(Form {
        what: What::Step(Test { op: op(OP), float: false, negated: false }),
        a: A::MODE,
        b: B::MODE,
        c: C::MODE,
        d: D::MODE,
    });

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form.
        unsafe {
            let (a, b) = (A::get(s, false, 0, 2), B::get(s, false, 1, 2 + A::WORDS));
            let words = 2 + A::WORDS + B::WORDS;
            let limit = C::get(s, false, 2, words);
            let sum = a.wrapping_add(b);
            D::put(s, false, sum);
            match holds::<OP, false, false>(sum, limit) {
                true => s.jump_to(words + C::WORDS),
                false => s.next(words + C::WORDS + 1),
            }
        }
    }
}

/// Goes on where a table says.
pub(super) struct Switch<A>(PhantomData<A>);

impl<A: Source> Body for Switch<A> {
    const FORM: Option<Form> = form(What::Switch, A::MODE);

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: as the caller vouches, the instruction is of this form; its table has at least one
        // address, and as many as the second word says.
        unsafe {
            let (table, last) = (s.word(2) as *const *const u64, s.word(3));
            let at = A::get(s, false, 0, 2).min(last);
            s.jump(*table.add(at as usize))
        }
    }
}

/// Goes on in the function that the instruction calls.
///
/// # Safety
/// As for [`Body::run`], of a call whose frame has room on the stack; `code` is its function's.
#[inline(always)]
unsafe fn begin_call(s: &mut Regs, code: *const u64) -> Flow {
    // SAFETY: as the caller vouches, the header is on the stack.
    unsafe {
        let (first, header) = (s.word(3) as u32 as usize, (s.word(3) >> 32) as usize);
        *s.fp.add(header) = s.ip.add(4) as u64;
        *s.fp.add(header + 1) = s.fp as u64;
        s.fp = s.fp.add(first);
        s.jump(code)
    }
}

/// Calls a function: its arguments are where its frame begins.
pub(super) struct Call;

impl Body for Call {
    const FORM: Option<Form> = form(What::Call, Mode::S);

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the entry belongs to the machine; the whole of the callee's frame is on the stack, as
        // the comparison has seen.
        unsafe {
            let Entry { code, bytes } = *(s.word(2) as *const Entry);
            let first = s.word(3) as u32 as usize;
            if s.fp.add(first) as usize + bytes > (*s.cx).stack_end {
                return Flow::Cold(handler::<Exhausted>());
            }
            begin_call(s, code)
        }
    }
}

/// Returns to the caller, with the result in the first cell and in the accumulator.
pub(super) struct Return<const FLOAT: bool, A>(PhantomData<A>);

impl<const FLOAT: bool, A: Source> Body for Return<FLOAT, A> {
    const FORM: Option<Form> = form(What::Return(class(FLOAT)), A::MODE);

    #[inline(always)]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the header was written by whoever called.
        unsafe {
            let header = s.word(2 + A::WORDS) as usize;
            let value = A::get(s, FLOAT, 0, 2);
            s.ip = *s.fp.add(header) as *const u64;
            let caller = *s.fp.add(header + 1) as *mut u64;
            if !matches!(A::MODE, Mode::N) {
                *s.fp = value;
                match FLOAT {
                    true => s.f0 = f64::from_bits(value),
                    false => s.r0 = value,
                }
            }
            s.fp = caller;
            Flow::Next
        }
    }
}

/// Comes behind the outermost call of an activation.
pub(super) struct Leave;

impl Body for Leave {
    const FORM: Option<Form> = None;

    unsafe fn run(_: &mut Regs) -> Flow {
        Flow::End
    }
}

/// Lowers the function that is being called, and begins it.
pub(super) struct Enter;

impl Body for Enter {
    const FORM: Option<Form> = None;

    #[cold]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls; the word behind the handler is the function.
        unsafe {
            s.ip = (*s.cx).begin(s.word(1) as u32, s.fp);
            Flow::Next
        }
    }
}

/// Somebody wants something of the program, before it goes on.
pub(super) struct Poll;

impl Body for Poll {
    const FORM: Option<Form> = None;

    #[cold]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls.
        unsafe {
            let flow = (*s.cx).safepoint(s.ip, s.fp);
            match ((*s.cx).upper(), flow) {
                (Some(upper), Flow::Next) if (*s.cx).vm().take_tier_bell() => rest(s, upper),
                (None, Flow::Next) if (*s.cx).pauses() && (*s.cx).vm().take_tier_bell() => {
                    (*s.cx).pause(*s)
                }
                (_, flow) => flow,
            }
        }
    }
}

/// Lets the rest of the function be run by compiled code, when there is some.
unsafe fn rest(s: &mut Regs, Upper { data, rest, .. }: Upper) -> Flow {
    // SAFETY: the machine outlives its calls; the frame is the one in use, and all its values are in
    // their cells where a block begins.
    unsafe {
        let (function, block, params) = (*s.cx).position(s.ip);
        let (caller, header) = ((*s.cx).caller(s.fp, params), Header::of(s.fp, params));
        match rest(data, function, block, s.fp, caller) {
            None => Flow::Next,
            Some(true) => header.come_back(s),
            Some(false) => (*s.cx).end_elsewhere(),
        }
    }
}

/// Calls a function that is compiled. It is entered like any other, with its frame.
pub(super) struct Compiled;

impl Body for Compiled {
    const FORM: Option<Form> = None;

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls; the word behind the handler is the function.
        unsafe {
            let function = s.word(1) as u32;
            let params = (*s.cx).params(function);
            let (caller, header) = ((*s.cx).caller(s.fp, params), Header::of(s.fp, params));
            let Some(Upper { data, call, .. }) = (*s.cx).upper() else {
                unreachable!("only an upper engine compiles")
            };
            match call(data, function, s.fp, caller) {
                true => header.come_back(s),
                false => (*s.cx).end_elsewhere(),
            }
        }
    }
}

/// Where a function returns to. It is read before the function runs: where there are no parameters, the
/// result takes its place.
struct Header {
    back: *const u64,
    caller: *mut u64,
}

impl Header {
    /// That of a frame that is in use.
    unsafe fn of(fp: *mut u64, params: usize) -> Header {
        // SAFETY: the header of a frame holds where its caller goes on, and the caller's frame.
        let (back, caller) = unsafe { (*fp.add(params), *fp.add(params + 1)) };
        Header { back: back as *const u64, caller: caller as *mut u64 }
    }

    /// Goes on behind the call, whose result is in the first cell of the frame.
    unsafe fn come_back(self, s: &mut Regs) -> Flow {
        // SAFETY: the frame is still there.
        unsafe { (s.r0, s.f0) = (*s.fp, f64::from_bits(*s.fp)) };
        (s.ip, s.fp) = (self.back, self.caller);
        Flow::Next
    }
}

/// There is little room for a call, or none.
struct Exhausted;

impl Body for Exhausted {
    const FORM: Option<Form> = None;

    #[cold]
    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the state is that of a call; where the frame fits, its header is on the stack.
        unsafe {
            let frame = s.fp.add(s.word(3) as u32 as usize);
            let Some(function) = (*s.cx).fits(s.word(2) as *const Entry, frame) else {
                return (*s.cx).trap(s.ip, s.fp, TrapKind::CallStackExhausted);
            };
            let code = (*s.cx).begin(function, frame);
            begin_call(s, code)
        }
    }
}

/// Ends the program.
pub(super) struct Halt;

impl Body for Halt {
    const FORM: Option<Form> = form(What::Halt, Mode::N);

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the machine outlives its calls.
        unsafe { (*s.cx).exit(Exit::Done) }
    }
}

/// Ends the program with a status.
pub(super) struct ExitWith<A>(PhantomData<A>);

impl<A: Source> Body for ExitWith<A> {
    const FORM: Option<Form> = form(What::Exit, A::MODE);

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the state is that of an instruction that may trap.
        unsafe {
            match Exit::with(A::get(s, false, 0, 2)) {
                Ok(exit) => (*s.cx).exit(exit),
                Err(kind) => (*s.cx).trap(s.ip, s.fp, kind),
            }
        }
    }
}

/// Stops the program.
pub(super) struct Trap;

impl Body for Trap {
    const FORM: Option<Form> = form(What::Trap, Mode::N);

    unsafe fn run(s: &mut Regs) -> Flow {
        // SAFETY: the state is that of an instruction that traps.
        unsafe { (*s.cx).trap(s.ip, s.fp, TrapKind::Trap) }
    }
}
