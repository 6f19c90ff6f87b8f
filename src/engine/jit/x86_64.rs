//! What must be written in assembly, for x86-64 with the System V convention.

use super::context::Context;
use super::helpers::compile;
use super::traps::record;
use std::arch::naked_asm;
use std::mem::offset_of;

/// Calls compiled code on another stack, and returns when it does or when it raises a trap.
///
/// # Safety
/// `code` is that of a function without arguments or result, of the program that `context` was made
/// for; `stack` is the end of a stack that nothing else uses.
#[unsafe(naked)]
pub unsafe extern "C" fn enter(context: *mut Context, base: u64, code: *const u8, stack: *mut u8) {
    naked_asm!(
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi + {landing}], rsp",
        "mov rbx, rdi",
        "mov rsp, rcx",
        // The walk from frame to frame ends here.
        "xor ebp, ebp",
        "call rdx",
        "mov rsp, [rbx + {landing}]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
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
        "push rbp",
        "mov rbp, rsp",
        "push rdi",
        "sub rsp, 8",
        "mov r8, rbp",
        "call {record}",
        "mov rdi, [rbp - 8]",
        "mov rsp, [rdi + {landing}]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        record = sym record,
        landing = const offset_of!(Context, landing),
    )
}

/// How many bytes lead to the compiler.
pub const STUB: usize = 11;

/// Code that stands in the place of a function which is not compiled yet: it puts the function's
/// index in eax and jumps to `compile_and_go`.
pub fn stub(function: u32) -> [u8; STUB] {
    let mut code = [0xb8, 0, 0, 0, 0, 0xff, 0xa7, 0, 0, 0, 0];
    code[1..5].copy_from_slice(&function.to_le_bytes());
    let offset = offset_of!(Context, compile_and_go) as u32;
    code[7..].copy_from_slice(&offset.to_le_bytes());
    code
}

/// Compiles the function whose index is in eax, and goes on there with the arguments as they are.
#[unsafe(naked)]
pub unsafe extern "C" fn compile_and_go() {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "sub rsp, 112",
        "mov [rsp], rdi",
        "mov [rsp + 8], rsi",
        "mov [rsp + 16], rdx",
        "mov [rsp + 24], rcx",
        "mov [rsp + 32], r8",
        "mov [rsp + 40], r9",
        "movsd [rsp + 48], xmm0",
        "movsd [rsp + 56], xmm1",
        "movsd [rsp + 64], xmm2",
        "movsd [rsp + 72], xmm3",
        "movsd [rsp + 80], xmm4",
        "movsd [rsp + 88], xmm5",
        "movsd [rsp + 96], xmm6",
        "movsd [rsp + 104], xmm7",
        "mov esi, eax",
        "call {compile}",
        "mov rdi, [rsp]",
        "mov rsi, [rsp + 8]",
        "mov rdx, [rsp + 16]",
        "mov rcx, [rsp + 24]",
        "mov r8, [rsp + 32]",
        "mov r9, [rsp + 40]",
        "movsd xmm0, [rsp + 48]",
        "movsd xmm1, [rsp + 56]",
        "movsd xmm2, [rsp + 64]",
        "movsd xmm3, [rsp + 72]",
        "movsd xmm4, [rsp + 80]",
        "movsd xmm5, [rsp + 88]",
        "movsd xmm6, [rsp + 96]",
        "movsd xmm7, [rsp + 104]",
        "leave",
        "jmp rax",
        compile = sym compile,
    )
}
