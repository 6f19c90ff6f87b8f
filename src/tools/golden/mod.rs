//! Golden-output tests: programs whose comments say what they should do.
//!
//! A test is a program with lines such as `;! stdout: 15`. The runner starts hotvm itself on it, as a
//! user would, so that a native function that crashes fails one test and no more. `--bless` rewrites
//! what a program prints, how it ends and which errors it has; input and `stderr` lines stay.

mod expect;
mod process;
mod runner;

pub use expect::{Expectations, ExpectedError};
pub use runner::{Outcome, Runner};
