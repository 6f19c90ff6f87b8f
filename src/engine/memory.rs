//! Linear memory.

use super::trap::TrapKind;
use crate::isa::Op;
use crate::module::{self, PAGE, Segment};
use memmap2::{MmapMut, MmapOptions};

/// The bytes that a program can address, from 0. Every access is checked against their number.
///
/// All that memory may grow to is reserved at the start, so that it never moves; the system hands
/// out pages as they are touched.
#[derive(Debug)]
pub struct Memory {
    reserved: MmapMut,
    size: usize,
    max: u64,
}

impl Memory {
    /// Memory as a module asks for it, with its data; `None` when the host does not have that much.
    /// Where the host cannot reserve all that it may grow to, it grows to less.
    pub(super) fn new(limits: module::Memory, grows: bool, data: &[Segment]) -> Option<Memory> {
        let size = usize::try_from(limits.min).ok()?;
        let mut wanted = if grows { limits.max } else { limits.min };
        let mut reserved = loop {
            match reserve(wanted) {
                Some(reserved) => break reserved,
                None if wanted == limits.min => return None,
                None => wanted = (wanted / 2).max(limits.min),
            }
        };
        for segment in data {
            // The verifier has seen that the segment lies inside, and its bytes inside of it.
            let start = segment.address as usize;
            reserved[start..start + segment.bytes.len()].copy_from_slice(&segment.bytes);
        }
        Some(Memory { reserved, size, max: wanted })
    }

    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.size as u64
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.reserved[..self.size]
    }

    /// All bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.reserved[..self.size]
    }

    /// `length` bytes at an address.
    ///
    /// # Errors
    /// When they are not all inside.
    pub fn slice(&mut self, address: u64, length: u64) -> Result<&mut [u8], TrapKind> {
        let size = self.size();
        match address.checked_add(length) {
            Some(end) if end <= size => Ok(&mut self.reserved[address as usize..end as usize]),
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
        self.reserved.copy_within(from as usize..(from + length) as usize, to as usize);
        Ok(())
    }

    /// Executes a load: gives the cell that the instruction pushes.
    ///
    /// # Errors
    /// When not all bytes are inside.
    pub(super) fn load_cell(&mut self, op: Op, at: u64) -> Result<u64, TrapKind> {
        let bytes = self.slice(at, width(op) as u64)?;
        let mut raw = [0; 8];
        raw[..bytes.len()].copy_from_slice(bytes);
        Ok(widen(op, u64::from_le_bytes(raw)))
    }

    /// Executes a store of a cell.
    ///
    /// # Errors
    /// When not all bytes are inside; then nothing is written.
    pub(super) fn store_cell(&mut self, op: Op, at: u64, value: u64) -> Result<(), TrapKind> {
        let width = width(op);
        self.slice(at, width as u64)?.copy_from_slice(&narrow(op, value).to_le_bytes()[..width]);
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
        self.size = usize::try_from(new).ok()?;
        Some(old)
    }
}

/// How many bytes a load or store accesses.
///
/// # Panics
/// When it is another instruction.
#[inline]
pub(super) const fn width(op: Op) -> usize {
    match op {
        Op::Ld8s | Op::Ld8u | Op::St8 => 1,
        Op::Ld16s | Op::Ld16u | Op::St16 => 2,
        Op::Ld32s | Op::Ld32u | Op::Ldf32 | Op::St32 | Op::Stf32 => 4,
        Op::Ld64 | Op::Ldf64 | Op::St64 | Op::Stf64 => 8,
        _ => panic!("only loads and stores access memory"),
    }
}

/// The cell that a load pushes for the bytes it finds, of which the first is the lowest.
#[inline]
pub(super) fn widen(op: Op, raw: u64) -> u64 {
    match op {
        Op::Ld8s => raw as i8 as u64,
        Op::Ld16s => raw as i16 as u64,
        Op::Ld32s => raw as i32 as u64,
        Op::Ldf32 => f64::from(f32::from_bits(raw as u32)).to_bits(),
        _ => raw,
    }
}

/// The bytes that a store writes for a cell, the first the lowest; those beyond its width are ignored.
#[inline]
pub(super) fn narrow(op: Op, cell: u64) -> u64 {
    match op {
        Op::Stf32 => u64::from((f64::from_bits(cell) as f32).to_bits()),
        _ => cell,
    }
}

/// Zeros that take no memory before they are touched.
fn reserve(size: u64) -> Option<MmapMut> {
    let size = usize::try_from(size).ok()?;
    MmapOptions::new().len(size).no_reserve_swap().map_anon().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(min: u64, max: u64) -> Memory {
        Memory::new(module::Memory { min, max }, true, &[]).unwrap()
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
