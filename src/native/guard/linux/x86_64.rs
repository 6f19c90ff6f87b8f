//! The trampoline, its landing, and the registers of a signal on x86-64.

use super::context::Context;
use crate::native::call::Returned;
use crate::native::call::machine::enter;
use crate::native::guard::Access;
use std::arch::naked_asm;
use std::mem::offset_of;
use std::ops::Range;

/// How many bytes of stack lie between a function's frames and what is needed to land.
const MOAT: usize = 2048;

/// Calls `enter` with the first four arguments, and returns what it does, or from the landing.
///
/// From the landing up, the stack holds: the context, mxcsr and the x87 control word, the landing of
/// the guarded call around this one, the six registers that belong to the caller, and the return
/// address. Below is a moat: a function that writes past its own frame shall not destroy them.
///
/// This frame is not described to unwinders. A C++ exception that nobody catches so finds an end of
/// the stack and aborts, which the guard turns into an error, instead of going on through Rust.
///
/// # Safety
/// As for `enter`; `context` is that of this thread.
#[unsafe(naked)]
pub unsafe extern "C" fn guarded(
    words: *const u64,
    target: usize,
    on_stack: usize,
    floats: usize,
    context: &Context,
) -> Returned {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push [r8 + {landing}]",
        "sub rsp, 8",
        "stmxcsr [rsp]",
        "fnstcw [rsp + 4]",
        "mov [r8 + {target}], rsi",
        // The epoch comes first: no handler may see this landing with the count of the call before.
        "inc qword ptr [r8 + {epoch}]",
        // With the return address and nine words more, the stack is where a call wants it.
        "push r8",
        "mov [r8 + {landing}], rsp",
        "sub rsp, {moat}",
        "call {enter}",
        "mov r8, [rsp + {moat}]",
        "mov rcx, [rsp + {moat} + 16]",
        "mov [r8 + {landing}], rcx",
        // C has kept the caller's registers as they were.
        "add rsp, {moat} + 72",
        "ret",
        landing = const offset_of!(Context, landing),
        epoch = const offset_of!(Context, epoch),
        target = const offset_of!(Context, target),
        moat = const MOAT,
        enter = sym enter,
    )
}

/// Where a crashed call continues, with the landing as its stack pointer: it returns from
/// `guarded`, with registers and floating-point state as they were.
#[unsafe(naked)]
unsafe extern "C" fn land() {
    naked_asm!(
        "fninit",
        "ldmxcsr [rsp + 8]",
        "fldcw [rsp + 12]",
        "add rsp, 24",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
    )
}

/// The landing of the guarded call around the one that lands at `landing`.
///
/// # Safety
/// `landing` is one that `guarded` noted, and its call has not returned.
pub unsafe fn outer_landing(landing: usize) -> usize {
    // SAFETY: the third word of the frame, as `guarded` lays it out.
    unsafe { std::ptr::with_exposed_provenance::<usize>(landing).add(2).read() }
}

/// Whether the address is in a trampoline, where a call whose frame was overwritten may crash
/// after it has returned.
pub fn in_trampoline(pc: usize) -> bool {
    const LENGTH: usize = 256;
    [enter as *const () as usize, guarded as *const () as usize]
        .iter()
        .any(|&start| (start..start + LENGTH).contains(&pc))
}

/// The registers at the moment of a signal, which the system restores when the handler returns.
#[derive(Clone, Copy)]
pub struct Registers(*mut libc::ucontext_t);

impl Registers {
    /// Flags as they are at the start of every function.
    const FLAGS: i64 = 0x202;
    /// The processor's number of a page fault.
    const PAGE_FAULT: i64 = 14;

    /// The registers in what the system passes to a handler.
    ///
    /// # Safety
    /// It is the third argument of a handler that is running.
    pub unsafe fn of(context: *mut libc::c_void) -> Registers {
        Registers(context.cast())
    }

    fn get(&self, register: i32) -> i64 {
        // SAFETY: by the promise of `of`, the system has filled the registers.
        unsafe { (&raw const (*self.0).uc_mcontext.gregs[register as usize]).read() }
    }

    /// The instruction.
    pub fn pc(&self) -> usize {
        self.get(libc::REG_RIP) as usize
    }

    /// The stack pointer.
    pub fn sp(&self) -> usize {
        self.get(libc::REG_RSP) as usize
    }

    /// What the instruction tried on memory.
    pub fn access(&self) -> Access {
        let error = self.get(libc::REG_ERR);
        match self.get(libc::REG_TRAPNO) {
            Self::PAGE_FAULT if error & 16 != 0 => Access::Execute,
            Self::PAGE_FAULT if error & 2 != 0 => Access::Write,
            Self::PAGE_FAULT => Access::Read,
            _ => Access::Unknown,
        }
    }

    /// Where a function that keeps nothing on the stack returns to; 0 if the stack pointer is not
    /// in `stack`.
    ///
    /// # Safety
    /// `stack` can be read.
    pub unsafe fn caller(&self, stack: Range<usize>) -> usize {
        let sp = self.sp();
        match stack.contains(&sp) && sp.is_multiple_of(8) {
            // SAFETY: the word lies in `stack`, whose end is a multiple of 8 too.
            true => unsafe { std::ptr::with_exposed_provenance::<usize>(sp).read() },
            false => 0,
        }
    }

    /// Lets the handler return to `land`, with these signals blocked.
    ///
    /// # Safety
    /// `landing` is one that `guarded` noted, and its call has not returned.
    pub unsafe fn land(self, landing: usize, blocked: u64) {
        // SAFETY: the system has filled the context, and reads it again when the handler returns.
        // Of the mask it knows 64 bits; what the C library declares beyond is other memory.
        unsafe {
            let registers = &raw mut (*self.0).uc_mcontext.gregs;
            (*registers)[libc::REG_RIP as usize] = land as *const () as i64;
            (*registers)[libc::REG_RSP as usize] = landing as i64;
            (*registers)[libc::REG_EFL as usize] = Self::FLAGS;
            (&raw mut (*self.0).uc_sigmask).cast::<u64>().write(blocked);
        }
    }
}
