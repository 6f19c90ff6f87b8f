//! The guard on Linux.
//!
//! - `context` is what one thread keeps for its guarded calls, and `stack` the alternate stack on
//!   which its handlers run: after an overflow the usual one has no room.
//! - `x86_64` and `aarch64` hold the trampoline that notes where to land, and the landing itself.
//! - `signals` holds the handlers, which send a crashed call to its landing.
//! - `judge` says what happened, by `home` in whose code; it runs before anything else can touch a
//!   damaged heap, and so uses none.
//! - `watchdog` interrupts calls that do not return.
//! - `ending` has the last word of a tainted process that hangs or crashes on its way out.

mod context;
mod ending;
mod home;
mod judge;
mod signals;
mod stack;
mod watchdog;

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod machine;

pub use context::{Context, OtherStack};
pub use ending::{end_process, end_with, in_loader, prepare_to_end};
pub use home::source_line;
pub use judge::Stopped;

/// Whether there is a guard here.
pub const AVAILABLE: bool = true;
