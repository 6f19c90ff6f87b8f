//! The handlers.

use super::context::Context;
use super::ending;
use super::judge::Stopped;
use super::machine::Registers;
use libc::{c_int, c_void, siginfo_t};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

/// The signals of a crash.
const CRASHES: [c_int; 6] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP, libc::SIGABRT];

/// What handled these signals before, in the same order. A crash that is not ours goes there: a
/// handler of Rust's own tells of stack overflows.
static BEFORE: OnceLock<[libc::sigaction; CRASHES.len()]> = OnceLock::new();

type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// The signal by which the watchdog calls a thread. Few programs use realtime signals.
pub fn interrupt() -> c_int {
    libc::SIGRTMIN() + 5
}

/// Installs the handlers, once in the process.
pub fn install() {
    BEFORE.get_or_init(|| {
        super::home::prepare();
        let before = CRASHES.map(current);
        handle(interrupt(), on_interrupt);
        before
    });
    static INSTALLED: OnceLock<()> = OnceLock::new();
    // Not before what they chain to is known.
    INSTALLED.get_or_init(|| CRASHES.iter().for_each(|&signal| handle(signal, on_crash)));
}

fn current(signal: c_int) -> libc::sigaction {
    let mut action = MaybeUninit::zeroed();
    // SAFETY: the call only fills `action`, for which zeros are a value too.
    unsafe {
        libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    }
}

/// Lets a handler handle a signal, on the alternate stack and not interrupted by the watchdog.
pub fn handle(signal: c_int, handler: Handler) {
    // SAFETY: zeros are a value of the type; the mask is made valid before it is used. The handler
    // has the form that `SA_SIGINFO` asks for.
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&mut action.sa_mask);
        libc::sigaddset(&mut action.sa_mask, interrupt());
        libc::sigaction(signal, &action, ptr::null_mut());
    }
}

/// The signals that this thread blocks, but for those that the guard needs.
pub fn blocked() -> u64 {
    let mut mask = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the call only fills `mask`, whose first 64 bits are the system's own mask.
    let mask = unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr());
        mask.as_ptr().cast::<u64>().read()
    };
    let bit = |signal: c_int| 1u64 << (signal - 1);
    CRASHES.iter().fold(mask & !bit(interrupt()), |mask, &signal| mask & !bit(signal))
}

/// Lets a signal reach this thread.
pub fn unblock(signal: c_int) {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set is made valid by the first call.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), ptr::null_mut());
    }
}

extern "C" fn on_crash(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system calls this with what `SA_SIGINFO` promises.
    let (stopped, registers) = unsafe {
        let registers = Registers::of(context);
        (Stopped::by_signal(signal, &*info, &registers), registers)
    };
    match (Context::current(), stopped) {
        (Some(thread), Some(stopped)) if thread.is_armed() => {
            // SAFETY: the thread is in a guarded call, and these are the registers of the signal.
            unsafe { thread.land(stopped, registers) };
        }
        (_, stopped) => {
            ending::end_if_prepared();
            stopped.iter().for_each(ending::tell_unguarded);
            // SAFETY: what this handler was given is passed on.
            unsafe { pass_on(signal, info, context) };
        }
    }
}

extern "C" fn on_interrupt(_: c_int, _: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system calls this with what `SA_SIGINFO` promises.
    let registers = unsafe { Registers::of(context) };
    if let Some(thread) = Context::current()
        && thread.may_be_interrupted(registers.pc())
    {
        // SAFETY: the thread is in a guarded call, and these are the registers of the signal.
        unsafe { thread.land(Stopped::by_watchdog(&registers), registers) };
    }
}

/// Does what would have been done without the guard.
///
/// # Safety
/// The arguments are those of the handler that is running.
unsafe fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let index = CRASHES.iter().position(|&crash| crash == signal);
    let (Some(before), Some(index)) = (BEFORE.get(), index) else { return };
    let before = &before[index];
    // SAFETY: by the caller's word.
    let is_sent = unsafe { (*info).si_code } <= 0;
    match before.sa_sigaction {
        libc::SIG_IGN if is_sent => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: the default is a valid action. A fault happens again when this returns, and
            // then ends the process; a signal that was sent has to be sent again.
            unsafe {
                libc::signal(signal, libc::SIG_DFL);
                if is_sent {
                    libc::raise(signal);
                }
            }
        }
        handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: whoever installed it gave it this form.
            let handler = unsafe { std::mem::transmute::<usize, Handler>(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: as above, for a handler without `SA_SIGINFO`.
            let handler = unsafe { std::mem::transmute::<usize, extern "C" fn(c_int)>(handler) };
            handler(signal);
        }
    }
}
