//! What a text is assembled with, and what it may ask of the world outside.

use super::whole::{Offer, Offers};
use crate::diagnostics::{Code, Diagnostic, SourceId};
use std::sync::atomic::AtomicU64;

/// A text that another one includes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// What messages call it: its path.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// Finds what a text includes by this name. The second is the name of the text that includes it.
pub type Includes<'a> = dyn Fn(&str, &str) -> Result<Included, Diagnostic> + 'a;

/// What messages call the constants of [`Options::defines`], which are read as a text.
pub const COMMAND_LINE: &str = "<command line>";

/// What a text is assembled with. The default knows nothing of the world outside.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Tells what libraries hold that the text binds as a whole.
    pub offers: &'a Offers<'a>,
    /// Finds the texts that it includes.
    pub includes: &'a Includes<'a>,
    /// Constants, each with the expression of its value.
    pub defines: &'a [(String, String)],
    /// Further texts of the program, each a unit with names of its own.
    pub units: &'a [SourceId],
    /// Where to tell how many bytes of all units are read.
    pub progress: Option<&'a AtomicU64>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            offers: &no_offers,
            includes: &no_includes,
            defines: &[],
            units: &[],
            progress: None,
        }
    }
}

fn no_offers(library: &str) -> Result<Offer, Diagnostic> {
    let message = format!("the functions of `{library}` are not known here");
    Err(Diagnostic::error(Code::NotAllowed, message)
        .note("this program is assembled without a look into libraries")
        .help("bind each function by a `.lib` of its own, as `hotvm bind` prints them"))
}

fn no_includes(name: &str, _: &str) -> Result<Included, Diagnostic> {
    let message = format!("`{name}` cannot be included here");
    Err(Diagnostic::error(Code::BadInclude, message)
        .note("this program is assembled without a look at other files"))
}
