//! Ends calls that do not return.
//!
//! One thread looks at the epochs of all guarded threads now and then. Where one stands still for
//! too long, it points out the overdue call and signals the thread, whose handler ends the call. So
//! a call pays nothing for being watched.

use super::context::Context;
use super::home::text_around;
use super::signals;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

/// How long an overdue call is given to leave foreign code, which may hold locks.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often it is tried.
const RETRY: Duration = Duration::from_millis(2);

/// A guarded thread.
struct Watched {
    context: Arc<Context>,
    thread: libc::pthread_t,
    /// The last call that was seen, and when it was first seen.
    epoch: u64,
    since: Instant,
}

static WATCHED: Mutex<Vec<Watched>> = Mutex::new(Vec::new());
static CHANGED: Condvar = Condvar::new();

fn watched() -> MutexGuard<'static, Vec<Watched>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes this thread known.
pub fn register(context: &Arc<Context>) {
    // SAFETY: it only returns the thread's own handle.
    let thread = unsafe { libc::pthread_self() };
    let context = Arc::clone(context);
    watched().push(Watched { context, thread, epoch: 0, since: Instant::now() });
}

/// Forgets a thread. It is not signalled any more when this returns, and so may end.
pub fn forget(context: &Arc<Context>) {
    watched().retain(|it| !Arc::ptr_eq(&it.context, context));
}

/// Begins to watch, after a thread's timeout has changed.
pub fn watch() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // Where no thread can be started, calls take as long as they like.
        let _ = std::thread::Builder::new().name("hotvm-watchdog".to_owned()).spawn(run);
    });
    // With the lock, so that the thread is not just about to wait.
    let _all = watched();
    CHANGED.notify_all();
}

fn run() {
    let mut all = watched();
    loop {
        let next = all.iter_mut().filter_map(|it| it.look(Instant::now())).min();
        all = match next {
            Some(pause) => {
                CHANGED.wait_timeout(all, pause).unwrap_or_else(PoisonError::into_inner).0
            }
            None => CHANGED.wait(all).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

impl Watched {
    /// Looks after the thread, and says when to look again.
    fn look(&mut self, now: Instant) -> Option<Duration> {
        let timeout = match self.context.timeout.load(Relaxed) {
            0 => return None,
            nanoseconds => Duration::from_nanos(nanoseconds),
        };
        let usual = (timeout / 8).clamp(Duration::from_millis(1), Duration::from_millis(250));
        let epoch = self.context.epoch.load(Relaxed);
        if !self.context.is_armed() || epoch != self.epoch {
            (self.epoch, self.since) = (epoch, now);
            return Some(usual);
        }
        let spent = now - self.since;
        if spent < timeout {
            return Some(usual.min(timeout - spent));
        }
        self.interrupt(spent > timeout + PATIENCE);
        Some(RETRY)
    }

    fn interrupt(&self, at_any_price: bool) {
        let context = &self.context;
        let text = text_around(context.target.load(Relaxed));
        context.text[0].store(text.start, Relaxed);
        context.text[1].store(text.end, Relaxed);
        context.at_any_price.store(at_any_price, Relaxed);
        context.overdue.store(self.epoch, Relaxed);
        // SAFETY: the thread lives: before it ends, it waits in `forget` for the lock that is held
        // here.
        unsafe { libc::pthread_kill(self.thread, signals::interrupt()) };
    }
}
