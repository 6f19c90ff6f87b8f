//! What must be written in assembly, for 64-bit ARM.

use super::context::{Context, Reason};
use super::sites::SiteId;
use super::tier;
use super::traps::record;
use std::arch::{asm, naked_asm};
use std::mem::offset_of;
use std::ops::Range;

/// Calls a function on another stack.
///
/// # Safety
/// `stack` is the end of a stack that nothing else uses. The function does not unwind.
#[unsafe(naked)]
pub unsafe extern "C" fn on_stack(
    stack: *mut u8,
    function: unsafe extern "C" fn(*mut u8),
    argument: *mut u8,
) {
    naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        "mov sp, x0",
        "mov x0, x2",
        "blr x1",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        "ret",
    )
}

/// Calls compiled code with the context and these arguments, and returns when it does or when it raises
/// a trap.
///
/// # Safety
/// `code` was made for the program that `context` was made for, and takes these arguments; it ends
/// before anything that has called this does.
#[unsafe(naked)]
pub unsafe extern "C" fn enter(
    context: *mut Context,
    base: u64,
    frame: *mut u64,
    target: *const u8,
    code: *const u8,
) {
    naked_asm!(
        "stp x29, x30, [sp, #-176]!",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        // Another call may be under way, which has a landing of its own.
        "ldr x9, [x0, {landing}]",
        "str x9, [sp, #160]",
        "mov x9, sp",
        "str x9, [x0, {landing}]",
        "mov x19, x0",
        // The walk from frame to frame ends here.
        "mov x29, xzr",
        "blr x4",
        "mov x0, x19",
        "b {leave}",
        landing = const offset_of!(Context, landing),
        leave = sym leave,
    )
}

/// Returns from the innermost `enter` of a context.
#[unsafe(naked)]
unsafe extern "C" fn leave(context: *mut Context) {
    naked_asm!(
        "ldr x9, [x0, {landing}]",
        "mov sp, x9",
        "ldr x9, [sp, #160]",
        "str x9, [x0, {landing}]",
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "ldp x29, x30, [sp], #176",
        "ret",
        landing = const offset_of!(Context, landing),
    )
}

/// Notes a trap, and returns from `enter`. The frames in between are those of compiled code.
///
/// # Safety
/// The caller is code that `enter` has called.
#[unsafe(naked)]
pub unsafe extern "C" fn raise(context: *mut Context, what: u64, a: u64, b: u64) {
    naked_asm!(
        "stp x29, x30, [sp, #-32]!",
        "mov x29, sp",
        "str x0, [sp, #16]",
        "mov x4, x29",
        "bl {record}",
        "ldr x0, [sp, #16]",
        "b {leave}",
        record = sym record,
        leave = sym leave,
    )
}

/// How many bytes lead to [`missing`].
pub const STUB: usize = 16;

/// Code that stands in the place of a function which is not compiled yet: it puts the function's
/// index in w16 and jumps to what the context has for such functions.
pub fn stub(function: u32) -> [u8; STUB] {
    let (low, high) = (function & 0xffff, function >> 16);
    let field = offset_of!(Context, missing) as u32 / 8;
    let code = [
        // movz w16, #low; movk w16, #high, lsl #16; ldr x17, [x0, #field]; br x17
        0x5280_0010 | low << 5,
        0x72a0_0010 | high << 5,
        0xf940_0011 | field << 10,
        0xd61f_0220,
    ];
    let mut bytes = [0; STUB];
    for (word, place) in code.into_iter().zip(bytes.chunks_exact_mut(4)) {
        place.copy_from_slice(&u32::to_le_bytes(word));
    }
    bytes
}

/// How many integers and floats are passed in registers; `missing` saves them as [`tier::Arguments`].
pub const INTEGERS: usize = 8;
pub const FLOATS: usize = 8;

/// Asks what to do about the function whose index is in w16: returns its result as any function returns
/// it, or goes on elsewhere with the arguments as they are.
#[unsafe(naked)]
pub unsafe extern "C" fn missing() {
    naked_asm!(
        "stp x29, x30, [sp, #-16]!",
        "mov x29, sp",
        "sub sp, sp, #128",
        "stp x0, x1, [sp]",
        "stp x2, x3, [sp, #16]",
        "stp x4, x5, [sp, #32]",
        "stp x6, x7, [sp, #48]",
        "stp d0, d1, [sp, #64]",
        "stp d2, d3, [sp, #80]",
        "stp d4, d5, [sp, #96]",
        "stp d6, d7, [sp, #112]",
        "mov w1, w16",
        "mov x2, sp",
        "bl {missing}",
        "cbnz x1, 2f",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        "fmov d0, x0",
        "ret",
        "2:",
        "mov x16, x1",
        "ldp x0, x1, [sp]",
        "ldp x2, x3, [sp, #16]",
        "ldp x4, x5, [sp, #32]",
        "ldp x6, x7, [sp, #48]",
        "ldp d0, d1, [sp, #64]",
        "ldp d2, d3, [sp, #80]",
        "ldp d4, d5, [sp, #96]",
        "ldp d6, d7, [sp, #112]",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        "br x16",
        missing = sym tier::missing,
    )
}

/// Raises what a helper has noted, from the call that led here.
#[unsafe(naked)]
pub unsafe extern "C" fn raise_pending(context: *mut Context) {
    naked_asm!(
        "mov x1, {pending}",
        "b {raise}",
        pending = const Reason::Pending.pack(0, SiteId::NONE.number()) as i64,
        raise = sym raise,
    )
}

/// Lets the processor see code that was just written.
pub fn sync(code: &[u8]) {
    let line = || -> usize {
        let sizes: u64;
        // SAFETY: the register tells of the caches and can always be read.
        unsafe { asm!("mrs {}, ctr_el0", out(reg) sizes, options(nomem, nostack)) };
        4 << (sizes & 0xf).min(sizes >> 16 & 0xf)
    };
    let Range { start, end } = code.as_ptr_range();
    let lines = || (start.addr() & !(line() - 1)..end.addr()).step_by(line());
    // SAFETY: cleaning and invalidating caches changes nothing that a program can see but code.
    unsafe {
        lines().for_each(|address| asm!("dc cvau, {}", in(reg) address));
        asm!("dsb ish");
        lines().for_each(|address| asm!("ic ivau, {}", in(reg) address));
        asm!("dsb ish", "isb");
    }
}
