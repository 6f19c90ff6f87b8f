//! The machine code of a program where it runs.

use super::code::CodeMemory;
use super::compiler::Assembled;
use super::machine;
use super::sites::{Places, Sites};

/// The machine code of a program, and the way back from it.
pub struct Image {
    memory: CodeMemory,
    pub sites: Sites,
    /// The address of each function.
    table: Box<[*const u8]>,
    poll: *const u8,
}

impl Image {
    /// Code of so many functions, all of which begin as stubs. `None` where the system has no memory
    /// for code.
    pub fn new(functions: usize) -> Option<Image> {
        let mut memory = CodeMemory::new()?;
        let stubs: Vec<_> = (0..functions as u32).flat_map(machine::stub).collect();
        let stubs = memory.add(&stubs)?;
        let table = (0..functions).map(|i| stubs.wrapping_add(i * machine::STUB)).collect();
        Some(Image { memory, sites: Sites::default(), table, poll: std::ptr::null() })
    }

    /// Puts code where it can run. `None` where there is no more room.
    pub fn add(&mut self, assembled: Assembled) -> Option<*const u8> {
        let Assembled { code, returns } = assembled;
        let address = self.memory.add(&code)?;
        self.sites.place(address as usize, code.len(), returns);
        Some(address)
    }

    /// Takes over places and code that were made elsewhere.
    pub fn take(&mut self, assembled: Assembled, places: Places) -> Option<*const u8> {
        self.sites.extend(places);
        self.add(assembled)
    }

    /// From now on, calls of a function lead to this code.
    pub fn enter(&mut self, function: u32, address: *const u8) {
        self.table[function as usize] = address;
    }

    /// The addresses of all functions, in order.
    pub fn table(&self) -> *const *const u8 {
        self.table.as_ptr()
    }

    /// Puts the stub that asks who has rung where it can run.
    pub fn add_poll(&mut self, assembled: Assembled) -> Option<()> {
        let address = self.add(assembled)?;
        self.set_poll(address);
        Some(())
    }

    /// The stub that asks who has rung is here.
    pub fn set_poll(&mut self, address: *const u8) {
        self.poll = address;
    }

    /// The stub that asks who has rung.
    pub fn poll(&self) -> *const u8 {
        self.poll
    }
}
