//! From one handler to the next.

use super::machine::Machine;
use crate::engine::lower::Form;

/// The state of the machine while it runs: what is in registers where calls are tail calls.
#[derive(Clone, Copy)]
pub(super) struct Regs {
    /// The instruction.
    pub ip: *const u64,
    /// The frame.
    pub fp: *mut u64,
    pub cx: *mut Machine,
    /// The accumulator and the pinned variables that are integers.
    pub r0: u64,
    pub r1: u64,
    pub r2: u64,
    /// The accumulator and the pinned variables that are floats.
    pub f0: f64,
    pub f1: f64,
    pub f2: f64,
}

/// What follows an instruction.
pub(super) enum Flow {
    /// The instruction at `ip`.
    Next,
    /// Something rare, which has its own handler.
    Cold(Handler),
    /// Nothing: the machine says why.
    End,
}

/// What a handler does.
pub(super) trait Body {
    /// What it is the handler of; `None` for those that no instruction of `lower` needs.
    const FORM: Option<Form>;

    /// Executes the instruction at `ip`, and moves `ip`.
    ///
    /// # Safety
    /// `ip` is at an instruction of this handler in the code of a verified function, `fp` at a frame of
    /// it that is wholly on the stack of `cx`.
    unsafe fn run(s: &mut Regs) -> Flow;
}

impl Regs {
    /// One of the four short operands of the instruction.
    #[inline(always)]
    pub unsafe fn short(&self, at: usize) -> usize {
        // SAFETY: an instruction has a word of four short operands, as `encode` writes it.
        unsafe { (*self.ip.add(1).cast::<u16>().add(at)).into() }
    }

    /// A word of the instruction.
    #[inline(always)]
    pub unsafe fn word(&self, at: usize) -> u64 {
        // SAFETY: the handler knows how many words the instruction has.
        unsafe { *self.ip.add(at) }
    }

    /// Nothing in registers is wanted any more, so that nothing need be saved across a call.
    #[inline(always)]
    pub fn forget(&mut self) {
        (self.r0, self.r1, self.r2) = (0, 0, 0);
        (self.f0, self.f1, self.f2) = (0.0, 0.0, 0.0);
    }

    /// Goes on behind an instruction of so many words.
    #[inline(always)]
    pub unsafe fn next(&mut self, words: usize) -> Flow {
        // SAFETY: as the verifier has proved, code does not end behind an instruction that can be
        // followed by another.
        self.ip = unsafe { self.ip.add(words) };
        Flow::Next
    }

    /// Goes on at an instruction, if nobody wants anything of the program.
    #[inline(always)]
    pub unsafe fn jump(&mut self, to: *const u64) -> Flow {
        self.ip = to;
        // SAFETY: the machine outlives its calls.
        match unsafe { (*self.cx).has_rung() } {
            false => Flow::Next,
            true => Flow::Cold(handler::<super::control::Poll>()),
        }
    }

    /// Goes on where an operand of the instruction says.
    #[inline(always)]
    pub unsafe fn jump_to(&mut self, word: usize) -> Flow {
        // SAFETY: `encode` has put the address of an instruction of the same function there.
        unsafe { self.jump(self.word(word) as *const u64) }
    }
}

pub(super) use backend::{Handler, handler, start};

#[cfg(tail_calls)]
mod backend {
    use super::{Body, Flow, Machine, Regs};

    type Function =
        unsafe extern "sysv64" fn(*const u64, *mut u64, *mut Machine, u64, u64, u64, f64, f64, f64);

    /// The address of a handler.
    #[derive(Clone, Copy)]
    #[repr(transparent)]
    pub struct Handler(Function);

    /// The handler with this body.
    pub const fn handler<B: Body>() -> Handler {
        Handler(enter::<B>)
    }

    impl Handler {
        pub fn address(self) -> u64 {
            self.0 as usize as u64
        }
    }

    /// Goes on with a handler. In optimised code this is a jump.
    macro_rules! go {
        ($handler:expr, $s:expr) => {
            $handler.0($s.ip, $s.fp, $s.cx, $s.r0, $s.r1, $s.r2, $s.f0, $s.f1, $s.f2)
        };
    }

    #[allow(clippy::too_many_arguments, reason = "these are the registers")]
    unsafe extern "sysv64" fn enter<B: Body>(
        ip: *const u64,
        fp: *mut u64,
        cx: *mut Machine,
        r0: u64,
        r1: u64,
        r2: u64,
        f0: f64,
        f1: f64,
        f2: f64,
    ) {
        let mut s = Regs { ip, fp, cx, r0, r1, r2, f0, f1, f2 };
        // SAFETY: whoever goes to a handler vouches for the state; each instruction begins with the
        // address of its handler.
        unsafe {
            match B::run(&mut s) {
                Flow::Next => go!(*s.ip.cast::<Handler>(), s),
                Flow::Cold(handler) => go!(handler, s),
                Flow::End => {}
            }
        }
    }

    /// Runs from a handler on until the machine ends.
    ///
    /// # Safety
    /// As for [`Body::run`], of the handler.
    pub unsafe fn start(handler: Handler, s: Regs) {
        // SAFETY: as the caller vouches.
        unsafe { go!(handler, s) }
    }
}

#[cfg(not(tail_calls))]
mod backend {
    use super::{Body, Flow, Regs};

    /// The address of a handler, which gives the next.
    #[derive(Clone, Copy)]
    #[repr(transparent)]
    pub struct Handler(unsafe fn(&mut Regs) -> Option<Handler>);

    /// The handler with this body.
    pub const fn handler<B: Body>() -> Handler {
        Handler(enter::<B>)
    }

    impl Handler {
        pub fn address(self) -> u64 {
            self.0 as usize as u64
        }
    }

    unsafe fn enter<B: Body>(s: &mut Regs) -> Option<Handler> {
        // SAFETY: the loop vouches for the state; each instruction begins with the address of its
        // handler.
        unsafe {
            match B::run(s) {
                Flow::Next => Some(*s.ip.cast::<Handler>()),
                Flow::Cold(handler) => Some(handler),
                Flow::End => None,
            }
        }
    }

    /// Runs from a handler on until the machine ends.
    ///
    /// # Safety
    /// As for [`Body::run`], of the handler.
    pub unsafe fn start(handler: Handler, mut s: Regs) {
        let mut next = Some(handler);
        while let Some(handler) = next {
            // SAFETY: each handler leaves the state as the next one wants it.
            next = unsafe { (handler.0)(&mut s) };
        }
    }
}
