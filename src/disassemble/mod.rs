//! A module back to program text.
//!
//! The text assembles to the same bytes: names, data addresses and, by `.source` and `.loc`, the
//! source map stand in it. A stripped module has neither names nor a map; its text assembles to the
//! same bytes when the result is stripped too. Where a module that the assembler did not make gives two
//! things one name, or a label none, one is made up, and a comment says so.
//!
//! This room writes any module, also one that `verify` refuses, so that its errors can be shown.
#![forbid(unsafe_code)]

mod listing;
mod names;

pub use listing::{Listing, disassemble, to_text};
