//! What could not be checked, for telling the user.

use std::fmt;

/// Functions that a program calls by the word of its `.lib` lines alone: their library does not tell
/// their signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    /// The library as the program names it.
    pub library: String,
    /// The functions; empty where the library tells none at all.
    pub functions: Vec<String>,
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let library = self.library.rsplit(['/', '\\']).next().unwrap_or(&self.library);
        match &*self.functions {
            [] => write!(f, "{library}: signatures unchecked (no manifest, BTF or DWARF)"),
            [one] => write!(
                f,
                "{library}: the signature of {one} is unchecked (not in its manifest, BTF or DWARF)"
            ),
            some => write!(
                f,
                "{library}: the signatures of {} are unchecked (not in its manifest, BTF or DWARF)",
                some.join(", ")
            ),
        }
    }
}
