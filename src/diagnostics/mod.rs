//! What goes wrong, said well.
//!
//! A [`Diagnostic`] has a stable [`Code`], a message, places in [`Sources`], and what to do. The
//! library builds and returns them; the renderers here turn them into text for people
//! ([`render_terminal`]) or JSON lines for programs ([`render_json`]).
//!
//! This room knows nothing of instructions, modules or engines, and prints nothing.
#![forbid(unsafe_code)]

mod code;
mod diagnostic;
mod explanation;
mod json;
mod source;
mod suggest;
mod terminal;
mod visible;

pub use code::Code;
pub use diagnostic::{Diagnostic, Help, Label, Position, Severity};
pub use explanation::{Example, Verdict};
pub use json::{FORMAT_VERSION, render_json};
pub use source::{BYTE_ORDER_MARK, Source, SourceId, Sources, Span, Text, without_comment};
pub use suggest::closest;
pub use terminal::render_terminal;
pub use visible::visible;
