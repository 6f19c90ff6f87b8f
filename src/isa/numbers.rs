//! Addresses and sizes as messages tell them.

use std::fmt;

/// An address or a size. A program may have computed it as a signed number, so that is told as well
/// where it differs.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned(pub u64);

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i64::try_from(self.0) {
            Ok(value) => write!(f, "{value}"),
            Err(_) => write!(f, "{} ({})", self.0, self.0 as i64),
        }
    }
}

/// So many bytes.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Unsigned(self.0), if self.0 == 1 { "byte" } else { "bytes" })
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn bytes_are_counted_as_people_do() {
        let told = [0, 1, 2, u64::MAX].map(|n| Bytes(n).to_string());
        assert_eq!(told, ["0 bytes", "1 byte", "2 bytes", "18446744073709551615 (-1) bytes"]);
    }
}
