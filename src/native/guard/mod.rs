//! Crashes of native code, turned into errors.
//!
//! A guarded call notes where its caller's stack is. When the function then crashes, the signal
//! handler of the thread throws the function's frames away and lets the call return an error; these
//! frames are all foreign, so no destructor of ours is passed over. What became of the call is a
//! [`Fault`]: cause, place, and whether the process can go on.
//!
//! # Tainted processes
//!
//! A function that is thrown away in the middle keeps what it holds. Inside the library that is the
//! library's own affair. Inside the C library it may be the lock of the heap or of a stream, and
//! whoever asks for it next waits for ever. The process is therefore *tainted*, and has to end, when
//!
//! - the C library itself aborted, saying that its heap is damaged; a failed `assert`, a smashed
//!   stack and a plain `abort` hold no lock;
//! - the crash was in foreign code other than the memory and string functions (`strlen`, `memcpy`
//!   and their kin, which hold nothing) called by the library itself.
//!
//! A crash at an address without code, such as a jump through a null pointer, is in nobody's code.
//! A tainted process is given a moment to report and end by itself; see
//! [`end_process`](crate::native::end_process).
//!
//! # Limits
//!
//! It is best effort. What the function was writing is half written, memory it owned is lost, and a
//! wild pointer may have hit anything. Threads that a library starts are not guarded, nor is a
//! library that installs signal handlers of its own. Linux on x86-64 is tested; 64-bit ARM only
//! under emulation; elsewhere calls are made unguarded.

mod fault;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no guard, no crash"))]
mod line;
mod text;

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "linux/mod.rs"]
mod system;

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[path = "unsupported.rs"]
mod system;

pub use fault::{Access, Cause, Crash, Fault, Taint};
pub use system::OtherStack;
pub use text::Text;

pub(super) use fault::{Callee, Sentence};
pub(super) use system::{Context, Stopped, end_process, in_loader};

use crate::diagnostics::Code;
use std::time::Duration;

/// Whether crashes of native code become errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GuardMode {
    /// They do, where the platform allows it.
    On,
    /// They end the process, as the system does it.
    #[default]
    Off,
}

impl GuardMode {
    /// Whether this platform has a guard. Where it has none, `On` changes nothing.
    pub fn available() -> bool {
        system::AVAILABLE
    }
}

/// How the calls of one program are guarded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guard {
    pub mode: GuardMode,
    pub timeout: Option<Duration>,
}

impl Guard {
    /// What a guarded call needs of its thread; `None` where calls are not guarded.
    #[inline]
    pub fn context(&self) -> Option<&'static Context> {
        match self.mode {
            GuardMode::On => Context::of_this_thread(self.timeout),
            GuardMode::Off => None,
        }
    }
}

/// Writes down the last words of a tainted process, lest it hang or crash before it has said any.
pub(super) fn prepare_to_end(sentence: &Sentence) {
    let code = Code::NativeFault;
    system::prepare_to_end(format_args!("error[{code}]: {sentence}\n"));
}

/// Ends a tainted process with its last words at once.
pub(super) fn end_with(code: Code, sentence: &Sentence) -> ! {
    system::end_with(format_args!("error[{code}]: {sentence}\n"))
}
