//! The stack of compiled code.
//!
//! Calls nest as deep as `limits` allows, whatever the machine's frames take: a stack of its own has
//! room for all of them. Each call takes at least [`FRAME_CELLS`] of the [`MAX_STACK`] cells and one
//! for each local, and its machine frame no more than [`BYTES_PER_CELL`] for each of these. The few
//! functions with larger frames check the real stack when they are called, and may only use the part
//! of it above [`Stack::limit`].

use super::machine;
use crate::engine::limits::{FRAME_CELLS, MAX_STACK};
use memmap2::{MmapMut, MmapOptions};

/// The bytes of machine stack for each cell that a call takes.
const BYTES_PER_CELL: usize = 128;
/// Room for calls that keep to this.
const REGULAR: usize = BYTES_PER_CELL * MAX_STACK;
/// Room for the others.
const LARGE: usize = 256 << 20;
/// Room for helpers and native functions.
const FOREIGN: usize = 16 << 20;
/// Inaccessible bytes at the end, so that an overflow of a native function is noticed.
const GUARD: usize = 1 << 16;

/// Whether the frame of a function with so many locals needs a check of the real stack.
pub fn is_large(frame: usize, locals: usize) -> bool {
    frame > BYTES_PER_CELL * (FRAME_CELLS + locals)
}

/// A stack. The system hands out its pages as they are touched.
pub struct Stack(MmapMut);

impl Stack {
    /// A new one; `None` when the system does not have so many addresses.
    pub fn new() -> Option<Stack> {
        let length = GUARD + FOREIGN + REGULAR + LARGE;
        let mut memory = MmapOptions::new().len(length).no_reserve_swap().map_anon().ok()?;
        // SAFETY: the pages are the first of this mapping, which nothing has used yet.
        let guarded = unsafe { libc::mprotect(memory.as_mut_ptr().cast(), GUARD, libc::PROT_NONE) };
        (guarded == 0).then_some(Stack(memory))
    }

    /// Calls a function on this stack. It must not panic.
    pub fn run(&self, mut function: impl FnMut()) {
        unsafe extern "C" fn call<F: FnMut()>(function: *mut u8) {
            // SAFETY: `run` gives the function that it was given itself, which lives on its stack.
            unsafe { (*function.cast::<F>())() }
        }
        fn caller<F: FnMut()>(_: &F) -> unsafe extern "C" fn(*mut u8) {
            call::<F>
        }
        let (call, top) = (caller(&function), self.0.as_ptr_range().end.cast_mut());
        // SAFETY: this is the end of the mapping, which nothing else uses, and a multiple of 16; the
        // function is called before it is dropped.
        unsafe { machine::on_stack(top, call, (&raw mut function).cast()) };
    }

    /// How far down functions with large frames may use it.
    pub fn limit(&self) -> *mut u8 {
        self.0.as_ptr().cast_mut().wrapping_add(GUARD + FOREIGN + REGULAR)
    }

    /// How far down calls between machine code and interpreter may use it.
    pub fn lowest(&self) -> *mut u8 {
        self.0.as_ptr().cast_mut().wrapping_add(GUARD + FOREIGN)
    }

    /// What can be used of it.
    pub fn range(&self) -> std::ops::Range<usize> {
        let all = self.0.as_ptr_range();
        all.start as usize + GUARD..all.end as usize
    }
}
