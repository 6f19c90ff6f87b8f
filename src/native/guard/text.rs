//! A short text that needs no heap.

use std::fmt;

/// A text of at most `N` bytes, for when the heap may be damaged. What does not fit is cut off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    /// No text.
    pub const EMPTY: Text<N> = Text { bytes: [0; N], length: 0 };

    /// The text in bytes from anywhere, up to where they are no longer UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Text<N> {
        let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let mut text = Text::EMPTY;
        text.push(valid);
        text
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    fn push(&mut self, more: &str) {
        let room = more.len().min(N - self.length);
        let fits = (0..=room).rev().find(|&end| more.is_char_boundary(end)).unwrap_or(0);
        self.bytes[self.length..self.length + fits].copy_from_slice(&more.as_bytes()[..fits]);
        self.length += fits;
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        self.push(more);
        Ok(())
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn what_does_not_fit_is_cut_between_characters() {
        let mut text = Text::<5>::EMPTY;
        text.write_str("abcdé").unwrap();
        assert_eq!(text.as_str(), "abcd");
        text.write_str("xyz").unwrap();
        assert_eq!(text.as_str(), "abcdx");
        assert_eq!(Text::<9>::from_bytes(b"ok\xff\xffno").as_str(), "ok");
    }
}
