//! 64-bit ARM, AAPCS64, as Linux uses it. Apple packs small arguments on the stack, so it goes
//! through libffi.

use super::Returned;
use std::arch::naked_asm;

/// Registers for integers and pointers: x0 to x7.
pub const INTEGERS: usize = 8;
/// Registers for floats: d0 to d7.
pub const FLOATS: usize = 8;

/// Calls `target` with arguments from `words`: 8 integers, 8 floats, then `on_stack` more for the
/// stack.
///
/// A structure of an integer and a float is returned in x0 and x1. `target` left its result in x0 or
/// d0, so d0 goes to x1.
///
/// # Safety
/// `words` has 16 + `on_stack` words; `target` is the address of a C function that takes arguments
/// so laid out; `floats` is at least the number of float registers in use.
#[unsafe(naked)]
pub unsafe extern "C" fn enter(
    words: *const u64,
    target: usize,
    on_stack: usize,
    floats: usize,
) -> Returned {
    naked_asm!(
        // What debuggers and profilers need to find the caller from inside the callee.
        ".cfi_startproc",
        "stp x29, x30, [sp, #-32]!",
        ".cfi_def_cfa_offset 32",
        ".cfi_offset x29, -32",
        ".cfi_offset x30, -24",
        "mov x29, sp",
        ".cfi_def_cfa x29, 32",
        "str x19, [sp, #16]",
        ".cfi_offset x19, -16",
        "mov x19, x0",
        "mov x9, x1",
        "cbz x2, 3f",
        // An even number of words keeps the stack on a multiple of 16.
        "add x10, x2, #1",
        "and x10, x10, #-2",
        "sub sp, sp, x10, lsl #3",
        "add x11, x19, #128",
        "mov x12, sp",
        "2:",
        "ldr x13, [x11], #8",
        "str x13, [x12], #8",
        "subs x2, x2, #1",
        "b.ne 2b",
        "3:",
        "cbz x3, 4f",
        "ldp d0, d1, [x19, #64]",
        "ldp d2, d3, [x19, #80]",
        "ldp d4, d5, [x19, #96]",
        "ldp d6, d7, [x19, #112]",
        "4:",
        "ldp x0, x1, [x19]",
        "ldp x2, x3, [x19, #16]",
        "ldp x4, x5, [x19, #32]",
        "ldp x6, x7, [x19, #48]",
        "blr x9",
        "fmov x1, d0",
        "ldr x19, [x29, #16]",
        "mov sp, x29",
        "ldp x29, x30, [sp], #32",
        ".cfi_def_cfa sp, 0",
        "ret",
        ".cfi_endproc",
    )
}
