//! The last words of a tainted process.
//!
//! Whoever gets the error reports it as usual, and ends the process. On the way it may ask for a
//! lock that is held for good, or stumble over what is damaged. So the words are written down
//! beforehand, where no heap is needed: a timer says them if the end does not come, and the handlers
//! say them if it comes by a crash.

use super::super::{Callee, Crash, Sentence, Taint, Text};
use super::home::private_library;
use super::judge::Stopped;
use super::signals;
use crate::diagnostics::Code;
use libc::{c_int, c_void, siginfo_t};
use std::cell::{Cell, UnsafeCell};
use std::fmt::{self, Write};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// How long a tainted process may take to end by itself, in seconds.
const PATIENCE: u32 = 2;

/// The exit status with last words: that of a program that trapped.
const STATUS: u8 = 3;

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
    let _ = text.write_fmt(words);
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
    say(text);
    end_process(STATUS)
}

/// Ends the process with its last words, unless somebody has written some down already: then with
/// those.
pub fn end_with(words: fmt::Arguments<'_>) -> ! {
    prepare_to_end(words);
    end_if_prepared();
    // Another thread is just writing, and is about to end the process too.
    end_process(STATUS)
}

/// Says something without any help of the C library.
fn say(text: &str) {
    // SAFETY: the text is borrowed.
    unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
}

/// Work of the system's loader.
struct Work<'a> {
    callee: Callee<'a>,
    library: &'a str,
}

thread_local! {
    /// What the loader does in this thread, on behalf of the function that set it. Without a
    /// destructor or initialiser, it is but memory, for handlers to read.
    static WORK: Cell<*const Work<'static>> = const { Cell::new(ptr::null()) };
}

/// Puts back what the loader did before.
struct Outer(*const Work<'static>);

impl Drop for Outer {
    fn drop(&mut self) {
        WORK.set(self.0);
    }
}

/// Does work of the system's loader, which is told should it crash.
pub fn in_loader<T>(callee: Callee, library: &str, work: impl FnOnce() -> T) -> T {
    let here = Work { callee, library };
    let _outer = Outer(WORK.replace((&raw const here).cast()));
    work()
}

/// Says what there is to say of a crash that is in no guarded call. One in the loader's work ends the
/// process: its lock is held for good. One in a library's own code, in a thread that the library has
/// started or at the very end, will do that in its own way.
pub fn tell_unguarded(stopped: &Stopped) {
    let crash = stopped.judge();
    // SAFETY: it is null, or of a function that has not returned in this thread.
    if let Some(&Work { callee, library }) = unsafe { WORK.get().as_ref() } {
        let crash = Crash { taint: Some(Taint::Loader), ..crash };
        let sentence = Sentence { callee, library, generation: None, crash: &crash };
        end_with(format_args!("error[{}]: {sentence}\n", Code::CrashedEarly));
    }
    let library = private_library(stopped.pc);
    if !library.as_str().is_empty() {
        let (callee, library) = (Callee::Unasked, library.as_str());
        let sentence = Sentence { callee, library, generation: None, crash: &crash };
        let mut text = Text::<1024>::EMPTY;
        let _ = writeln!(text, "error[{}]: {sentence}", Code::NativeFault);
        say(text.as_str());
    }
}

extern "C" fn on_alarm(_: c_int, _: *mut siginfo_t, _: *mut c_void) {
    end_if_prepared();
}

/// Ends the process at once. Exit handlers are not run: in a [tainted](super::super::Fault::is_tainted)
/// process they may wait for ever.
pub fn end_process(status: u8) -> ! {
    // SAFETY: it ends the process, whatever state it is in.
    unsafe { libc::_exit(c_int::from(status)) }
}
