//! The compilers that run, so that they end with the process.
//!
//! Usually they need not be known: Ctrl-C reaches all that a terminal runs. But somebody may interrupt
//! this process alone, or it may end by itself while a thread builds. So who handles interrupts has
//! compilers run in process groups of their own, which are ended before the process is.

use crate::native::os;
use std::io;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

/// The process groups of compilers; 0 where there is none. The program's thread builds, and the
/// reloading one; a group for which there is no place left ends by itself. No lock: this is for the end
/// of a process, whatever state it is in.
static RUNNING: [AtomicU32; 8] = [const { AtomicU32::new(0) }; 8];

/// How many are being started, and not among those yet.
static STARTING: AtomicU32 = AtomicU32::new(0);

/// For how long the end waits for them, in milliseconds. A damaged process may never start them.
const PATIENCE: u32 = 100;

static ARE_APART: AtomicBool = AtomicBool::new(false);
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// Has compilers run in groups of their own from now on. To be called by who handles the interrupts of
/// the terminal: these do not reach compilers any more.
pub fn set_compilers_apart() {
    ARE_APART.store(true, SeqCst);
}

/// Ends the compilers that run apart. To be called before the process ends: whoever waits for one of
/// them waits for that.
pub fn end_compilers() {
    IS_OVER.store(true, SeqCst);
    for _ in 0..PATIENCE {
        if STARTING.load(SeqCst) == 0 {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    for group in RUNNING.iter().map(|place| place.swap(0, SeqCst)).filter(|&group| group != 0) {
        os::end_group(group);
    }
}

/// Runs a compiler to its end.
pub(super) fn output(command: &mut Command) -> io::Result<Output> {
    if !ARE_APART.load(SeqCst) {
        return command.output();
    }
    os::in_own_group(command);
    let (child, place) = start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let group = child.id();
    let output = child.wait_with_output();
    if let Some(place) = place {
        let _ = place.compare_exchange(group, 0, SeqCst, SeqCst);
    }
    wait_if_over();
    output
}

/// Starts a compiler, and notes its group if there is a place left.
fn start(command: &mut Command) -> io::Result<(Child, Option<&'static AtomicU32>)> {
    STARTING.fetch_add(1, SeqCst);
    // Either the end sees that one is being started, or this sees the end.
    if IS_OVER.load(SeqCst) {
        STARTING.fetch_sub(1, SeqCst);
        wait_if_over();
    }
    let started = command.spawn().map(|child| {
        let is_free =
            |place: &&AtomicU32| place.compare_exchange(0, child.id(), SeqCst, SeqCst).is_ok();
        let place = RUNNING.iter().find(is_free);
        (child, place)
    });
    STARTING.fetch_sub(1, SeqCst);
    started
}

/// What is built at the end of the process is of no use, and that it could not be built is no news.
fn wait_if_over() {
    while IS_OVER.load(SeqCst) {
        thread::park();
    }
}
