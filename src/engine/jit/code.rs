//! Memory for machine code: writable or executable, never both.

use super::machine;
use memmap2::{MmapMut, MmapOptions};
use std::io;

/// All machine code of a program, in one range of addresses.
pub struct CodeMemory {
    memory: MmapMut,
    /// How much of it is taken.
    used: usize,
}

impl CodeMemory {
    /// How much a program may have. The system hands out pages as they are touched.
    const SIZE: usize = 256 << 20;
    /// A multiple of the pages of all systems.
    const PAGE: usize = 1 << 14;
    /// Where a function may begin, as processors like it.
    const ALIGNMENT: usize = 32;

    /// Memory without code. `None` when the system does not have so many addresses.
    pub fn new() -> Option<CodeMemory> {
        let memory = MmapOptions::new().len(Self::SIZE).no_reserve_swap().map_anon().ok()?;
        Some(CodeMemory { memory, used: 0 })
    }

    /// Makes code executable, and tells where it is. `None` when there is no more room, or the system
    /// does not let it.
    ///
    /// # Safety
    /// None of the code that is here runs on another thread: while the new is written, the last page of
    /// the old is not executable.
    pub unsafe fn add(&mut self, code: &[u8]) -> Option<*const u8> {
        let start = self.used.checked_next_multiple_of(Self::ALIGNMENT)?;
        let end = start.checked_add(code.len()).filter(|&end| end <= Self::SIZE)?;
        let page = self.used - self.used % Self::PAGE;
        let has_code = page < self.used;
        if has_code {
            self.protect(page, self.used, libc::PROT_READ | libc::PROT_WRITE).ok()?;
        }
        let place = &mut self.memory[start..end];
        place.copy_from_slice(code);
        machine::sync(place);
        self.used = end;
        let done = self.protect(page, end, libc::PROT_READ | libc::PROT_EXEC);
        assert!(done.is_ok() || !has_code, "code that ran can run again");
        done.ok()?;
        Some(self.memory[start..].as_ptr())
    }

    /// Lets the pages from one to the one that ends behind another place be used in a way.
    fn protect(&mut self, page: usize, end: usize, how: libc::c_int) -> io::Result<()> {
        let pages = &mut self.memory[page..end.next_multiple_of(Self::PAGE)];
        // SAFETY: the pages are whole ones of this mapping; nothing holds a reference to them, and
        // nothing reads or writes but `add`, which leaves alone what is not writable.
        let done = unsafe { libc::mprotect(pages.as_mut_ptr().cast(), pages.len(), how) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
