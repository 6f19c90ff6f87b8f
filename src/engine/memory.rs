//! Linear memory.

use super::trap::TrapKind;
use crate::module::{self, PAGE, Segment};

/// The bytes that a program can address, from 0. Every access is checked against their number.
#[derive(Debug)]
pub struct Memory {
    bytes: Vec<u8>,
    max: u64,
}

impl Memory {
    /// Memory as a module asks for it, with its data; `None` when the host does not have that much.
    pub(super) fn new(limits: module::Memory, data: &[Segment]) -> Option<Memory> {
        let mut bytes = zeroed(usize::try_from(limits.min).ok()?)?;
        for segment in data {
            // The verifier has seen that the segment lies inside, and its bytes inside of it.
            let start = segment.address as usize;
            bytes[start..start + segment.bytes.len()].copy_from_slice(&segment.bytes);
        }
        Some(Memory { bytes, max: limits.max })
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// All bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// `length` bytes at an address.
    ///
    /// # Errors
    /// When they are not all inside.
    pub fn slice(&mut self, address: u64, length: u64) -> Result<&mut [u8], TrapKind> {
        let size = self.size();
        match address.checked_add(length) {
            Some(end) if end <= size => Ok(&mut self.bytes[address as usize..end as usize]),
            _ => Err(TrapKind::OutOfBounds { address, length, size }),
        }
    }

    /// The `N` bytes at an address.
    ///
    /// # Errors
    /// When they are not all inside.
    pub fn load<const N: usize>(&mut self, address: u64) -> Result<[u8; N], TrapKind> {
        let mut loaded = [0; N];
        loaded.copy_from_slice(self.slice(address, N as u64)?);
        Ok(loaded)
    }

    /// Puts bytes at an address.
    ///
    /// # Errors
    /// When they are not all inside; then nothing is written.
    pub fn store(&mut self, address: u64, bytes: &[u8]) -> Result<(), TrapKind> {
        self.slice(address, bytes.len() as u64)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Copies bytes that may overlap.
    ///
    /// # Errors
    /// When either place is not all inside; then nothing is written.
    pub fn copy(&mut self, to: u64, from: u64, length: u64) -> Result<(), TrapKind> {
        self.slice(to, length)?;
        self.slice(from, length)?;
        self.bytes.copy_within(from as usize..(from + length) as usize, to as usize);
        Ok(())
    }

    /// Grows by so many bytes, in whole pages. Gives the old size, or `None` when the maximum or the
    /// host does not allow it; then nothing changes.
    pub fn grow(&mut self, by: u64) -> Option<u64> {
        let old = self.size();
        let new = old.checked_add(by.checked_next_multiple_of(PAGE)?)?;
        if new > self.max {
            return None;
        }
        let additional = usize::try_from(new - old).ok()?;
        self.bytes.try_reserve_exact(additional).ok()?;
        self.bytes.resize(new as usize, 0);
        Some(old)
    }
}

/// Zeros that the system hands out as they are touched. `vec!` ends the process when there is not
/// that much, so the same is first asked for in a way that may fail.
fn zeroed(size: usize) -> Option<Vec<u8>> {
    Vec::<u8>::new().try_reserve_exact(size).ok()?;
    Some(vec![0; size])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(min: u64, max: u64) -> Memory {
        Memory::new(module::Memory { min, max }, &[]).unwrap()
    }

    #[test]
    fn every_access_is_checked_at_its_last_byte() {
        let mut it = memory(16, 16);
        assert!(it.store(8, &[1; 8]).is_ok());
        assert_eq!(it.load::<2>(14).unwrap(), [1, 1]);
        for address in [9, 16, u64::MAX, u64::MAX - 7] {
            assert!(matches!(it.load::<8>(address), Err(TrapKind::OutOfBounds { size: 16, .. })));
        }
        assert!(it.slice(16, 0).is_ok() && it.slice(17, 0).is_err());
        assert!(it.copy(0, 8, 9).is_err() && it.copy(1, 8, 8).is_ok());
    }

    #[test]
    fn it_grows_in_pages_up_to_its_maximum() {
        let mut it = memory(PAGE, 3 * PAGE);
        assert_eq!(it.grow(0), Some(PAGE));
        assert_eq!(it.grow(1), Some(PAGE));
        assert_eq!(it.size(), 2 * PAGE);
        assert_eq!(it.grow(PAGE + 1), None);
        assert_eq!(it.grow(u64::MAX), None);
        assert_eq!(it.grow(PAGE), Some(2 * PAGE));
    }
}
