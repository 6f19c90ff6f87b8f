//! Static variables that keep their values when a library is replaced.
//!
//! A new generation of a library begins with its initial values, and a program would lose its state
//! with every edit. So variables are carried over, without the library's help:
//!
//! - [`Statics::read`] finds them in the debug information of a library's bytes: which there are
//!   (`statics`), what they are made of (`types`), where they are (`home`), and what they begin with
//!   (`data`).
//! - [`Migration::plan`] matches those of two generations, and says for each value how it gets from
//!   the old type to the new (`align`). It may happen on any thread.
//! - [`Migration::apply`] takes place while no code of the library runs. It reads and converts all
//!   values, and only then writes them (`merge`, `convert`).
//!
//! The rule is to lose nothing and to guess nothing. What a conversion would change stays behind, and
//! so does whatever may hold a pointer, because it may lead into the old generation, and with it what
//! may depend on that pointer (`together`). Everything that stays behind is told of in a
//! [`StateReport`], with the reason.
//!
//! It is a merge of three: the value as the program has it, the initial value of the old file and that
//! of the new one. A value that the program never changed takes the new file's.
//!
//! A library that knows better takes over itself: see [`Upgrade`].

mod align;
mod convert;
mod data;
mod home;
mod merge;
mod migration;
mod report;
mod statics;
#[cfg(all(test, target_os = "linux"))]
mod tests;
mod together;
mod types;
mod upgrade;

pub(super) use migration::Migration;
pub use report::{Carried, Fresh, Reason, StateReport};
pub(super) use statics::Statics;
pub(super) use upgrade::{Prepared, Upgrade};
