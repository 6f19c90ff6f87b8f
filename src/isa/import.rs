//! What a program asks of a native library.

use super::ctype::Signature;

/// One `.lib` line: a numbered slot, and the native function that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The number that `CALL_NATIVE` uses.
    pub slot: u16,
    /// The library as the program names it: a path, or a bare name.
    pub library: String,
    /// The function's name in the library.
    pub symbol: String,
    /// What it takes and gives.
    pub signature: Signature,
    /// The version that the library must report.
    pub version: Option<u32>,
    /// Whether it is bound by `LOAD_LIB` rather than before the program starts.
    pub lazy: bool,
}
