//! Memory for machine code: written once, then executable and never written again.

use super::machine;
use memmap2::{MmapMut, MmapOptions};

/// All machine code of a program, in one range of addresses.
pub struct CodeMemory {
    memory: MmapMut,
    /// How much of it is taken, in whole pages.
    used: usize,
}

impl CodeMemory {
    /// How much a program may have. The system hands out pages as they are touched.
    const SIZE: usize = 256 << 20;
    /// A multiple of the pages of all systems.
    const PAGE: usize = 1 << 14;

    /// Memory without code. `None` when the system does not have so many addresses.
    pub fn new() -> Option<CodeMemory> {
        let memory = MmapOptions::new().len(Self::SIZE).no_reserve_swap().map_anon().ok()?;
        Some(CodeMemory { memory, used: 0 })
    }

    /// Makes code executable, and tells where it is. `None` when there is no more room.
    pub fn add(&mut self, code: &[u8]) -> Option<*const u8> {
        let length = code.len().checked_next_multiple_of(Self::PAGE)?;
        let pages = self.memory.get_mut(self.used..)?.get_mut(..length)?;
        pages[..code.len()].copy_from_slice(code);
        machine::sync(&pages[..code.len()]);
        let executable = libc::PROT_READ | libc::PROT_EXEC;
        // SAFETY: the pages are whole ones of this mapping; nothing holds a reference to them, and
        // nothing writes to them again, for `used` passes them.
        let done = unsafe { libc::mprotect(pages.as_mut_ptr().cast(), length, executable) };
        self.used += length;
        (done == 0).then_some(pages.as_ptr())
    }
}
