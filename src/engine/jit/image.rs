//! The machine code of a program where it runs.

use super::code::CodeMemory;
use super::compiler::Assembled;
use super::machine;
use super::sites::Sites;

/// What a stub adds to the number of a function that is to be interpreted, whatever code it has.
pub const INTERPRETED: u32 = 1 << 31;

/// The machine code of a program, and the way back from it.
pub struct Image {
    memory: CodeMemory,
    pub sites: Sites,
    /// The address of each function; at first, that of its stub.
    table: Box<[*const u8]>,
    stubs: *const u8,
    poll: *const u8,
}

impl Image {
    /// Code of so many functions, all of which begin as stubs. `None` where the system has no memory
    /// for code.
    pub fn new(functions: usize) -> Option<Image> {
        let mut memory = CodeMemory::new()?;
        let all = 0..functions as u32;
        let interpreted = all.clone().map(|function| function | INTERPRETED);
        let stubs: Vec<_> = all.chain(interpreted).flat_map(machine::stub).collect();
        // SAFETY: nothing runs yet.
        let stubs = unsafe { memory.add(&stubs) }?;
        let table = (0..functions).map(|i| stubs.wrapping_add(i * machine::STUB)).collect();
        Some(Image { memory, sites: Sites::default(), table, stubs, poll: std::ptr::null() })
    }

    /// Puts code where it can run. `None` where there is no more room.
    pub fn add(&mut self, assembled: Assembled) -> Option<*const u8> {
        let Assembled { code, returns, .. } = assembled;
        // SAFETY: it runs on one thread, which is the one that adds to it.
        let address = unsafe { self.memory.add(&code) }?;
        self.sites.place(address as usize, code.len(), returns);
        Some(address)
    }

    /// From now on, calls of a function lead to this code.
    pub fn enter(&mut self, function: u32, address: *const u8) {
        self.table[function as usize] = address;
    }

    /// The code of a function, if it is there.
    pub fn compiled(&self, function: u32) -> Option<*const u8> {
        let address = self.table[function as usize];
        let stub = self.stubs.wrapping_add(function as usize * machine::STUB);
        (address != stub).then_some(address)
    }

    /// The stubs that have functions interpreted even when they have code, in order.
    pub fn interpreted(&self) -> *const u8 {
        self.stubs.wrapping_add(self.table.len() * machine::STUB)
    }

    /// The addresses of all functions, in order.
    pub fn table(&self) -> *const *const u8 {
        self.table.as_ptr()
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
