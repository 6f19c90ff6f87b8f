//! What must be written in assembly, for x86-64 with the System V convention.

use super::context::{Context, Reason};
use super::sites::SiteId;
use super::tier;
use super::traps::record;
use std::arch::naked_asm;
use std::mem::offset_of;

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
        "push rbp",
        "mov rbp, rsp",
        "mov rsp, rdi",
        "mov rdi, rdx",
        "call rsi",
        "mov rsp, rbp",
        "pop rbp",
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
        "push rbp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        // Another call may be under way, which has a landing of its own.
        "push [rdi + {landing}]",
        "mov [rdi + {landing}], rsp",
        "mov rbx, rdi",
        // The walk from frame to frame ends here.
        "xor ebp, ebp",
        "call r8",
        "mov rdi, rbx",
        "jmp {land}",
        landing = const offset_of!(Context, landing),
        land = sym land,
    )
}

/// Returns from the innermost `enter` of a context.
#[unsafe(naked)]
unsafe extern "C" fn land(context: *mut Context) {
    naked_asm!(
        "mov rsp, [rdi + {landing}]",
        "pop [rdi + {landing}]",
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
        "jmp {land}",
        record = sym record,
        land = sym land,
    )
}

/// How many bytes lead to [`missing`].
pub const STUB: usize = 11;

/// Code that stands in the place of a function which is not compiled yet: it puts the function's
/// index in eax and jumps to what the context has for such functions.
pub fn stub(function: u32) -> [u8; STUB] {
    let mut code = [0xb8, 0, 0, 0, 0, 0xff, 0xa7, 0, 0, 0, 0];
    code[1..5].copy_from_slice(&function.to_le_bytes());
    let offset = offset_of!(Context, missing) as u32;
    code[7..].copy_from_slice(&offset.to_le_bytes());
    code
}

/// How many integers and floats are passed in registers; `missing` saves them as [`tier::Arguments`].
pub const INTEGERS: usize = 6;
pub const FLOATS: usize = 8;

/// Asks what to do about the function whose index is in eax: returns its result as any function returns
/// it, or goes on elsewhere with the arguments as they are.
#[unsafe(naked)]
pub unsafe extern "C" fn missing() {
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
        "mov rdx, rsp",
        "call {missing}",
        "test rdx, rdx",
        "jne 2f",
        "leave",
        "movq xmm0, rax",
        "ret",
        "2:",
        "mov rax, rdx",
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
        missing = sym tier::missing,
    )
}

/// Raises what a helper has noted, from the call that led here.
#[unsafe(naked)]
pub unsafe extern "C" fn raise_pending(context: *mut Context) {
    naked_asm!(
        "mov rsi, {pending}",
        "jmp {raise}",
        pending = const Reason::Pending.pack(0, SiteId::NONE.number()),
        raise = sym raise,
    )
}

/// Lets the processor see code that was just written: it always does.
pub fn sync(_code: &[u8]) {}
