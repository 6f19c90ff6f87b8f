//! The last words of a tainted process.
//!
//! Whoever gets the error reports it as usual, and ends the process. On the way it may ask for a
//! lock that is held for good, or stumble over what is damaged. So the words are written down
//! beforehand, where no heap is needed: a timer says them if the end does not come, and the handlers
//! say them if it comes by a crash.

use super::super::Text;
use super::signals;
use libc::{c_int, c_void, siginfo_t};
use std::cell::UnsafeCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// How long a tainted process may take to end by itself, in seconds.
const PATIENCE: u32 = 2;

/// The exit status with last words: that of a program that trapped.
const STATUS: c_int = 3;

struct Words {
    text: UnsafeCell<Text<1024>>,
    /// Somebody writes, or has written.
    is_taken: AtomicBool,
    /// They are written.
    is_ready: AtomicBool,
}

// SAFETY: only the one who takes the words writes them, and they are read when they are ready.
unsafe impl Sync for Words {}

static WORDS: Words = Words {
    text: UnsafeCell::new(Text::EMPTY),
    is_taken: AtomicBool::new(false),
    is_ready: AtomicBool::new(false),
};

/// Notes the last words, and gives the process a moment to end without them. The first words stay.
pub fn prepare_to_end(words: fmt::Arguments<'_>) {
    if WORDS.is_taken.swap(true, Ordering::Relaxed) {
        return;
    }
    // SAFETY: nobody else has taken them, and nobody reads them yet.
    let text = unsafe { &mut *WORDS.text.get() };
    // A text takes whatever it is given.
    let _ = fmt::Write::write_fmt(text, words);
    WORDS.is_ready.store(true, Ordering::Release);
    signals::handle(libc::SIGALRM, on_alarm);
    signals::unblock(libc::SIGALRM);
    // SAFETY: it only sets the process's timer.
    unsafe { libc::alarm(PATIENCE) };
}

/// Ends the process with its last words, if there are some.
pub fn end_if_prepared() {
    if !WORDS.is_ready.load(Ordering::Acquire) {
        return;
    }
    // SAFETY: they are ready, so they do not change any more.
    let text = unsafe { &*WORDS.text.get() }.as_str();
    // SAFETY: the text is borrowed; `_exit` ends the process whatever state it is in.
    unsafe {
        libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len());
        libc::_exit(STATUS)
    }
}

extern "C" fn on_alarm(_: c_int, _: *mut siginfo_t, _: *mut c_void) {
    end_if_prepared();
}

/// Ends the process at once. Exit handlers are not run: in a [tainted](super::super::Fault::is_tainted)
/// process they may wait for ever.
pub fn end_process(status: u8) -> ! {
    // SAFETY: it ends the process, whatever state it is in.
    unsafe { libc::_exit(status.into()) }
}
