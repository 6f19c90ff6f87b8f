//! x86-64, System V: all Unixes.

use super::Returned;
use std::arch::naked_asm;

/// Registers for integers and pointers: rdi, rsi, rdx, rcx, r8, r9.
pub const INTEGERS: usize = 6;
/// Registers for floats: xmm0 to xmm7.
pub const FLOATS: usize = 8;

/// Calls `target` with arguments from `words`: 6 integers, 8 floats, then `on_stack` more for the
/// stack.
///
/// A structure of an integer and a float is returned in rax and xmm0, and these are the registers in
/// which `target` returned its result. So what it left there is what this returns.
///
/// # Safety
/// `words` has 14 + `on_stack` words; `target` is the address of a C function that takes arguments
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
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "push rbx",
        ".cfi_offset rbx, -24",
        "mov rbx, rdi",
        // Room for the stack's words. With rbx pushed, the stack is 8 off the multiple of 16 that
        // a call needs. An odd number of words mends that, and `or` makes every number odd.
        "lea rax, [rdx*8]",
        "or rax, 8",
        "sub rsp, rax",
        "mov r11, rsi",
        // al tells variadic functions how many float registers to save.
        "mov eax, ecx",
        "test rdx, rdx",
        "jz 3f",
        "2:",
        "mov rcx, [rbx + rdx*8 + 104]",
        "mov [rsp + rdx*8 - 8], rcx",
        "dec rdx",
        "jnz 2b",
        "3:",
        "test eax, eax",
        "jz 4f",
        "movsd xmm0, qword ptr [rbx + 48]",
        "movsd xmm1, qword ptr [rbx + 56]",
        "movsd xmm2, qword ptr [rbx + 64]",
        "movsd xmm3, qword ptr [rbx + 72]",
        "movsd xmm4, qword ptr [rbx + 80]",
        "movsd xmm5, qword ptr [rbx + 88]",
        "movsd xmm6, qword ptr [rbx + 96]",
        "movsd xmm7, qword ptr [rbx + 104]",
        "4:",
        "mov rdi, [rbx]",
        "mov rsi, [rbx + 8]",
        "mov rdx, [rbx + 16]",
        "mov rcx, [rbx + 24]",
        "mov r8, [rbx + 32]",
        "mov r9, [rbx + 40]",
        "call r11",
        "mov rbx, [rbp - 8]",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}
