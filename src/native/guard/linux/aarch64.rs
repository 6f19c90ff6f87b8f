//! The trampoline, its landing, and the registers of a signal on 64-bit ARM.

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
/// From the landing up, the stack holds: the floating-point control register, the landing of the
/// guarded call around this one, the context, and the registers that belong to the caller. Below is
/// a moat: a function that writes past its own frame shall not destroy them.
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
        "sub sp, sp, #192",
        "stp x29, x30, [sp, #32]",
        "stp x19, x20, [sp, #48]",
        "stp x21, x22, [sp, #64]",
        "stp x23, x24, [sp, #80]",
        "stp x25, x26, [sp, #96]",
        "stp x27, x28, [sp, #112]",
        "stp d8, d9, [sp, #128]",
        "stp d10, d11, [sp, #144]",
        "stp d12, d13, [sp, #160]",
        "stp d14, d15, [sp, #176]",
        "mrs x9, fpcr",
        "ldr x10, [x4, #{landing}]",
        "stp x9, x10, [sp]",
        "str x4, [sp, #16]",
        "str x1, [x4, #{target}]",
        // The epoch comes first: no handler may see this landing with the count of the call before.
        "ldr x9, [x4, #{epoch}]",
        "add x9, x9, #1",
        "str x9, [x4, #{epoch}]",
        "mov x9, sp",
        "str x9, [x4, #{landing}]",
        "sub sp, sp, #{moat}",
        "bl {enter}",
        "add sp, sp, #{moat}",
        "ldp x9, x10, [sp, #8]",
        "str x9, [x10, #{landing}]",
        // C has kept the caller's registers as they were, but for the link.
        "ldp x29, x30, [sp, #32]",
        "add sp, sp, #192",
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
        "ldr x9, [sp]",
        "msr fpcr, x9",
        "ldp x29, x30, [sp, #32]",
        "ldp x19, x20, [sp, #48]",
        "ldp x21, x22, [sp, #64]",
        "ldp x23, x24, [sp, #80]",
        "ldp x25, x26, [sp, #96]",
        "ldp x27, x28, [sp, #112]",
        "ldp d8, d9, [sp, #128]",
        "ldp d10, d11, [sp, #144]",
        "ldp d12, d13, [sp, #160]",
        "ldp d14, d15, [sp, #176]",
        "add sp, sp, #192",
        "ret",
    )
}

/// The landing of the guarded call around the one that lands at `landing`.
///
/// # Safety
/// `landing` is one that `guarded` noted, and its call has not returned.
pub unsafe fn outer_landing(landing: usize) -> usize {
    // SAFETY: the second word of the frame, as `guarded` lays it out.
    unsafe { std::ptr::with_exposed_provenance::<usize>(landing).add(1).read() }
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
    /// What the kernel calls its record of the exception.
    const SYNDROME: u32 = 0x4553_5201;

    /// The registers in what the system passes to a handler.
    ///
    /// # Safety
    /// It is the third argument of a handler that is running.
    pub unsafe fn of(context: *mut libc::c_void) -> Registers {
        Registers(context.cast())
    }

    /// The instruction.
    pub fn pc(&self) -> usize {
        // SAFETY: by the promise of `of`, the system has filled the registers.
        unsafe { (&raw const (*self.0).uc_mcontext.pc).read() as usize }
    }

    /// The stack pointer.
    pub fn sp(&self) -> usize {
        // SAFETY: as above.
        unsafe { (&raw const (*self.0).uc_mcontext.sp).read() as usize }
    }

    /// What the instruction tried on memory: the exception's class in the top bits of its syndrome
    /// tells instructions from data, and bit 6 writes from reads.
    pub fn access(&self) -> Access {
        match self.syndrome() {
            Some(syndrome) if syndrome >> 26 & 0x3e == 0x20 => Access::Execute,
            Some(syndrome) if syndrome >> 26 & 0x3e == 0x24 => match syndrome & 1 << 6 {
                0 => Access::Read,
                _ => Access::Write,
            },
            _ => Access::Unknown,
        }
    }

    /// The syndrome register, from a list of records that each begin with magic and size.
    fn syndrome(&self) -> Option<u64> {
        // SAFETY: by the promise of `of`. The list lies in the reserved bytes and ends with a zero.
        let records = unsafe { (&raw const (*self.0).uc_mcontext).add(1).cast::<u32>() };
        const RESERVED: usize = 4096;
        // SAFETY: the reserved bytes are the last field of the context, whose size is a multiple of
        // its alignment, so it ends with them.
        let records = unsafe { records.byte_sub(RESERVED) };
        let mut at = 0;
        while at < RESERVED - 16 {
            // SAFETY: two words and a double word at `at` lie in the reserved bytes.
            let (magic, size, value) = unsafe {
                let record = records.byte_add(at);
                (record.read(), record.add(1).read(), record.add(2).cast::<u64>().read_unaligned())
            };
            match (magic, size) {
                (Self::SYNDROME, _) => return Some(value),
                (0, _) | (_, 0) => return None,
                (_, size) => at += size as usize,
            }
        }
        None
    }

    /// Where a function that keeps nothing on the stack returns to.
    ///
    /// # Safety
    /// None here: it is in a register.
    pub unsafe fn caller(&self, _stack: Range<usize>) -> usize {
        // SAFETY: by the promise of `of`, the system has filled the registers.
        unsafe { (&raw const (*self.0).uc_mcontext.regs[30]).read() as usize }
    }

    /// Lets the handler return to `land`, with these signals blocked.
    ///
    /// # Safety
    /// `landing` is one that `guarded` noted, and its call has not returned.
    pub unsafe fn land(self, landing: usize, blocked: u64) {
        // SAFETY: the system has filled the context, and reads it again when the handler returns.
        // Of the mask it knows 64 bits.
        unsafe {
            (*self.0).uc_mcontext.pc = land as *const () as u64;
            (*self.0).uc_mcontext.sp = landing as u64;
            (*self.0).uc_mcontext.pstate = 0;
            (&raw mut (*self.0).uc_sigmask).cast::<u64>().write(blocked);
        }
    }
}
