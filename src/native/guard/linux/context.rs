//! What a thread keeps for its guarded calls.

use super::judge::Stopped;
use super::machine::{self, Registers};
use super::stack::{AlternateStack, own_stack};
use super::{signals, watchdog};
use crate::native::call::Returned;
use crate::native::call::machine::{FLOATS, INTEGERS};
use std::cell::{Cell, OnceCell};
use std::ffi::c_void;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// The state of a thread's guarded calls.
///
/// The trampoline writes the first three fields by plain stores. They are read by the handlers of
/// the same thread and by the watchdog, for which they are atomic. All else only changes between
/// calls, or in a handler of the thread itself.
#[derive(Debug)]
#[repr(C)]
pub struct Context {
    /// The stack pointer to land with; 0 outside of guarded calls.
    pub(super) landing: AtomicUsize,
    /// Counts calls, so that the watchdog can tell one from the next.
    pub(super) epoch: AtomicU64,
    /// The function that is called.
    pub(super) target: AtomicUsize,
    /// How long a call may take, in nanoseconds; 0 for as long as it likes.
    pub(super) timeout: AtomicU64,
    /// The call that the watchdog wants to end.
    pub(super) overdue: AtomicU64,
    /// The code of the overdue library, where a call may be ended at once.
    pub(super) text: [AtomicUsize; 2],
    /// Whether to end it even elsewhere.
    pub(super) at_any_price: AtomicBool,
    /// Whether the call that has just come back was stopped, and by what.
    has_stopped: Cell<bool>,
    stopped: Cell<Stopped>,
    /// The thread's stack.
    stack: Range<usize>,
    /// The signals that were blocked when the thread made its first guarded call.
    blocked: u64,
}

// SAFETY: other threads, of which the watchdog is the only one, use the atomic fields alone.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

/// A thread's context, for as long as the thread lives.
struct Owner {
    context: Arc<Context>,
    _alternate: AlternateStack,
}

thread_local! {
    /// The context, where handlers find it: without a destructor or initialiser, it is but memory.
    static CURRENT: Cell<*const Context> = const { Cell::new(ptr::null()) };
    /// The stack in use where it is not the thread's own; the same holds.
    static OTHER_STACK: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    static OWNER: OnceCell<Owner> = const { OnceCell::new() };
}

/// While it lives, the thread works on a stack that is not its own.
#[derive(Debug)]
pub struct OtherStack {
    before: (usize, usize),
}

impl OtherStack {
    /// Says that this thread works on a stack from now on.
    pub fn enter(stack: Range<usize>) -> OtherStack {
        OtherStack { before: OTHER_STACK.replace((stack.start, stack.end)) }
    }
}

impl Drop for OtherStack {
    fn drop(&mut self) {
        OTHER_STACK.set(self.before);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        CURRENT.set(ptr::null());
        watchdog::forget(&self.context);
    }
}

impl Context {
    /// The context of this thread, made at its first guarded call. `None` when the system has no
    /// memory for an alternate stack, or the thread is about to end.
    #[inline]
    pub fn of_this_thread(timeout: Option<Duration>) -> Option<&'static Context> {
        let context = Context::current().or_else(Context::make)?;
        let timeout = timeout.map_or(0, |limit| limit.as_nanos().clamp(1, u64::MAX.into()) as u64);
        if context.timeout.load(Relaxed) != timeout {
            context.timeout.store(timeout, Relaxed);
            watchdog::watch();
        }
        Some(context)
    }

    /// The context of this thread, if it has one.
    #[inline]
    pub fn current() -> Option<&'static Context> {
        // SAFETY: the pointer is null or to the context that `OWNER` holds until the thread ends;
        // callers are in that thread, and keep the reference no longer than a call.
        unsafe { CURRENT.get().as_ref() }
    }

    #[cold]
    fn make() -> Option<&'static Context> {
        OWNER
            .try_with(|owner| {
                let alternate = AlternateStack::install()?;
                signals::install();
                let context = Arc::new(Context {
                    landing: AtomicUsize::new(0),
                    epoch: AtomicU64::new(0),
                    target: AtomicUsize::new(0),
                    timeout: AtomicU64::new(0),
                    overdue: AtomicU64::new(0),
                    text: [AtomicUsize::new(0), AtomicUsize::new(0)],
                    at_any_price: AtomicBool::new(false),
                    has_stopped: Cell::new(false),
                    stopped: Cell::new(Stopped::default()),
                    stack: own_stack(),
                    blocked: signals::blocked(),
                });
                watchdog::register(&context);
                CURRENT.set(Arc::as_ptr(&context));
                owner.set(Owner { context, _alternate: alternate }).ok()
            })
            .ok()??;
        Context::current()
    }

    /// Calls the trampoline, and returns an error when the call crashes.
    ///
    /// # Safety
    /// As for the trampoline `enter` of this machine in `native/call`.
    #[inline]
    pub unsafe fn enter(
        &self,
        words: *const u64,
        target: usize,
        on_stack: usize,
        floats: usize,
    ) -> Result<Returned, Stopped> {
        // SAFETY: the caller vouches for the first four. This is the thread's own context: its
        // handlers land on the frame that `guarded` leaves, over frames of foreign code only.
        let returned = unsafe { machine::guarded(words, target, on_stack, floats, self) };
        match self.has_stopped.get() {
            false => Ok(returned),
            true => {
                self.has_stopped.set(false);
                Err(self.stopped.get())
            }
        }
    }

    /// Calls `run` with a landing that code uses which guards calls by itself; see
    /// [`Context::disarm`].
    ///
    /// # Safety
    /// `run` asks for the landing first, and no frames between it and the calls must be returned to.
    pub unsafe fn around(
        &self,
        run: unsafe extern "C" fn(*mut c_void),
        argument: *mut c_void,
    ) -> Result<(), Stopped> {
        let mut words = [0; INTEGERS + FLOATS];
        words[0] = argument as u64;
        // SAFETY: the words are those of a call with one integer.
        unsafe { self.enter(words.as_ptr(), run as usize, 0, 0) }.map(drop)
    }

    /// Where code that guards calls by itself stores a count of calls, the function that is called,
    /// and the landing while it lasts.
    pub fn fields(&self) -> [*mut u64; 3] {
        [self.epoch.as_ptr(), self.target.as_ptr().cast(), self.landing.as_ptr().cast()]
    }

    /// Ends the guard of the call that is under way, and gives its landing.
    pub fn disarm(&self) -> usize {
        self.landing.swap(0, Relaxed)
    }

    /// Whether the thread is inside of a guarded call.
    pub fn is_armed(&self) -> bool {
        self.landing.load(Relaxed) != 0
    }

    /// Whether the watchdog wants the very call to end that is being made, and this is a place to
    /// do it. In foreign code, which may hold a lock, it rather tries again a little later.
    pub fn may_be_interrupted(&self, pc: usize) -> bool {
        let [start, end] = &self.text;
        self.is_armed()
            && self.overdue.load(Relaxed) == self.epoch.load(Relaxed)
            && (self.at_any_price.load(Relaxed)
                || (start.load(Relaxed)..end.load(Relaxed)).contains(&pc))
    }

    /// Sends the innermost guarded call to its landing, where it returns `stopped`. The frames in
    /// between are dropped when the handler returns.
    ///
    /// # Safety
    /// The thread is inside of a guarded call, and `registers` are those of the signal that is being
    /// handled.
    pub unsafe fn land(&self, mut stopped: Stopped, registers: Registers) {
        let landing = self.landing.load(Relaxed);
        stopped.target = self.target.load(Relaxed);
        stopped.timeout = self.timeout.load(Relaxed);
        let stack = match OTHER_STACK.get() {
            (0, 0) => self.stack.clone(),
            (start, end) => start..end,
        };
        stopped.overflow = is_overflow(&stopped, stack.start);
        // SAFETY: only a stack pointer inside of the stack in use is read through.
        stopped.caller = unsafe { registers.caller(stack) };
        self.stopped.set(stopped);
        self.has_stopped.set(true);
        // SAFETY: the landing is the frame that `guarded` left on this thread's stack; the
        // functions above it, which are being dropped, cannot have freed it.
        let outer = unsafe { machine::outer_landing(landing) };
        self.landing.store(outer, Relaxed);
        // SAFETY: as the caller vouches.
        unsafe { registers.land(landing, self.blocked) };
    }
}

/// Whether the stack that ends at `low` ran over: memory just below it was touched from nearby, or
/// the stack pointer itself has left it, as that of a function with a huge local does.
fn is_overflow(stopped: &Stopped, low: usize) -> bool {
    const NEAR: usize = 1 << 16;
    const HUGE: usize = 1 << 30;
    let near = low.saturating_sub(NEAR)..low + NEAR;
    let left = low.saturating_sub(HUGE)..low;
    let touched = near.contains(&stopped.address) && near.contains(&stopped.sp);
    low != 0 && stopped.is_memory() && (touched || left.contains(&stopped.sp))
}
