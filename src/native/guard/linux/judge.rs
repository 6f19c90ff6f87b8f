//! From a signal to what is told of it. Nothing here uses the heap, which may be damaged or locked.

use super::home::{Home, abort_message, home, place};
use super::machine::Registers;
use crate::native::guard::{Access, Cause, Crash, Taint};
use libc::{c_int, siginfo_t};
use std::time::Duration;

/// What a handler notes when it stops a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The signal; 0 for the watchdog's.
    signal: c_int,
    code: c_int,
    access: Access,
    /// What was touched.
    pub(super) address: usize,
    pub(super) pc: usize,
    pub(super) sp: usize,
    /// Where the function at `pc` returns to, if it keeps nothing on the stack.
    pub(super) caller: usize,
    /// The function that was called.
    pub(super) target: usize,
    /// The time that it was allowed, in nanoseconds.
    pub(super) timeout: u64,
    /// Whether the stack ran over.
    pub(super) overflow: bool,
}

impl Default for Stopped {
    fn default() -> Stopped {
        Stopped {
            signal: 0,
            code: 0,
            access: Access::Unknown,
            address: 0,
            pc: 0,
            sp: 0,
            caller: 0,
            target: 0,
            timeout: 0,
            overflow: false,
        }
    }
}

impl Stopped {
    /// `si_code` of a signal that the kernel sends without saying where.
    const KERNEL: c_int = 0x80;
    /// `si_code` of a SIGFPE for an integer division.
    const DIVISION: c_int = 1;

    /// Notes a crash. `None` for a signal that came from elsewhere and only looks like one.
    pub fn by_signal(signal: c_int, info: &siginfo_t, registers: &Registers) -> Option<Stopped> {
        // SAFETY: these signals carry an address or, if sent, a process; either is but a number.
        let (address, sender) = unsafe { (info.si_addr() as usize, info.si_pid()) };
        // SAFETY: it only returns a number.
        let own = unsafe { libc::getpid() };
        let raised = info.si_code == libc::SI_TKILL && sender == own;
        (raised || info.si_code > 0).then(|| Stopped {
            signal,
            code: info.si_code,
            access: registers.access(),
            address,
            ..Stopped::by_watchdog(registers)
        })
    }

    /// Notes that a call took too long.
    pub fn by_watchdog(registers: &Registers) -> Stopped {
        Stopped { pc: registers.pc(), sp: registers.sp(), ..Stopped::default() }
    }

    /// Whether it was an access to memory.
    pub fn is_memory(&self) -> bool {
        self.code > 0 && matches!(self.signal, libc::SIGSEGV | libc::SIGBUS)
    }

    /// What happened, and whether the process can go on.
    pub fn judge(&self) -> Crash {
        let (cause, home) = (self.cause(), home(self));
        let taint = match cause {
            Cause::Abort { message } => is_damage(message.as_str()).then_some(Taint::Damage),
            Cause::Raised(_) => None,
            _ => (home == Home::Foreign).then_some(Taint::Foreign),
        };
        let code = match home {
            Home::Library => Some(self.pc),
            // It returns to after the call.
            Home::LockFree => Some(self.caller - 1),
            Home::Nowhere | Home::Foreign => None,
        };
        Crash { cause, pc: self.pc, place: place(self.pc), code, taint }
    }

    fn cause(&self) -> Cause {
        let raised = self.code <= 0;
        match self.signal {
            0 => Cause::Timeout(Duration::from_nanos(self.timeout)),
            libc::SIGABRT => Cause::Abort { message: abort_message() },
            signal if raised => Cause::Raised(name(signal)),
            libc::SIGFPE if self.code == Self::DIVISION => Cause::Division,
            libc::SIGFPE => Cause::Arithmetic,
            libc::SIGILL => Cause::Instruction,
            libc::SIGTRAP => Cause::Breakpoint,
            _ if self.overflow => Cause::StackOverflow,
            signal => Cause::Memory {
                signal: name(signal),
                access: self.access,
                address: (self.code != Self::KERNEL).then_some(self.address),
            },
        }
    }
}

fn name(signal: c_int) -> &'static str {
    match signal {
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        _ => "SIGSEGV",
    }
}

/// Whether what the C library says when it aborts tells of damage. It says nothing for a plain
/// `abort`, and what it says of an assertion or of a function's own stack is no damage of its own.
fn is_damage(message: &str) -> bool {
    let harmless = message.is_empty()
        || message.contains("Assertion `")
        || message.contains("stack smashing detected")
        || message.contains("buffer overflow detected");
    !harmless
}

#[cfg(test)]
mod tests {
    use super::is_damage;

    #[test]
    fn only_words_about_the_heap_and_the_like_tell_of_damage() {
        for harmless in [
            "",
            "hotvm: f.c:3: f: Assertion `n > 0' failed.\n",
            "*** stack smashing detected ***: terminated\n",
            "*** buffer overflow detected ***: terminated\n",
        ] {
            assert!(!is_damage(harmless), "{harmless}");
        }
        for damage in ["double free or corruption (!prev)", "malloc(): corrupted top size", "?"] {
            assert!(is_damage(damage), "{damage}");
        }
    }
}
