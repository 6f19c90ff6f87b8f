//! Other systems tell of a moved folder where they tell of its files, or not at all.

use std::io;
use std::path::{Path, PathBuf};

/// Tells of nothing.
#[derive(Debug)]
pub struct Moves;

impl Moves {
    /// Never calls `each`.
    pub fn new(_each: impl Fn(PathBuf) + Send + 'static) -> io::Result<Moves> {
        Ok(Moves)
    }

    /// Watches nothing.
    pub fn watch(&mut self, _folder: &Path) {}

    /// Goes on watching nothing.
    pub fn clear(&mut self) {}
}
