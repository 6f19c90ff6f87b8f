//! Foreign libraries: finding, checking, building, loading, replacing and calling them.
//!
//! A program's native functions live in numbered slots. [`Libraries`] binds them to functions of
//! shared libraries, which a reload replaces while the program goes on. Each step is a file:
//!
//! - `resolve` turns the name in a program into a place, and `policy` says whether the program may
//!   load what is there, by what the user has set (`settings`, `config`).
//! - `read` takes a file's bytes once, at rest; `build` makes them from a source.
//! - `check` looks at the bytes without running them: a half-written file must not reach the loader.
//! - `signature` reads from them what their functions take and return, in part from what `debuginfo`
//!   unpacks, and compares it with what the program declares.
//! - `needs` tells when a library that they need is not the one that is loaded.
//! - `generation` loads them under a private name and finds their functions.
//! - `early` calls what a library runs before the program calls it: its initialisers and the like.
//! - `prepare` does all of that, on any thread and without touching what runs; `libraries` publishes
//!   what is prepared, so that all slots of a library change together, or none.
//! - `retire` is about what becomes of the generations before.
//! - `live` prepares on a thread of its own while the program runs, when `watch` or somebody else says
//!   that something has changed; `events` tells the outside.
//! - `bind` lists what a library offers to programs.
//! - `call` passes arguments and results between the operand stack and C; `guard` turns a crash of
//!   the function into an error.
//!
//! What differs between operating systems is in `os`, but for the signals of `guard`. This room knows
//! nothing of modules, engines or the command line, and prints nothing.
#![allow(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]

mod bind;
mod build;
mod call;
mod check;
mod config;
mod debuginfo;
mod early;
mod events;
mod generation;
mod guard;
mod libraries;
mod live;
mod needs;
mod os;
mod policy;
mod prepare;
mod read;
mod resolve;
mod retire;
mod settings;
mod signature;
mod state;
#[cfg(test)]
mod tests;
mod watch;

pub use bind::{Known, Offer, Offered, offer};
pub use build::{Found, Product, Toolchain, end_compilers, set_compilers_apart};
pub use call::{CallError, Direct, call_floats, call_integers};
pub use config::{Config, TestConfig};
pub use events::{EVENT_VERSION, Event, EventKind, EventSink};
pub use guard::{Access, Cause, Crash, Fault, GuardMode, OtherStack, Taint, Text};
pub use libraries::{BindError, CallGuard, Crashed, Libraries, Reload};
pub use live::{LiveOptions, ReloadHandle, Ring};
pub use settings::{Settings, StateMode, VersionMismatch};
pub use signature::{Source, Unchecked};
pub use state::{Carried, Fresh, Reason, StateReport};

/// Calls a function, from a thread of its own, whenever the system asks the process to reload:
/// `SIGHUP` on Unix. Elsewhere there is no such request.
pub fn on_hangup(each: impl Fn() + Send + 'static) {
    os::on_hangup(each, end_compilers);
}

/// Ends the process at once, and the compilers that [run apart](set_compilers_apart). Exit handlers are
/// not run: in a [tainted](Fault::is_tainted) process they may wait for ever.
pub fn end_process(status: u8) -> ! {
    end_compilers();
    guard::end_process(status)
}
