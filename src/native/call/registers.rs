//! Frames for machines that pass arguments in registers of two classes, then on the stack.
//!
//! x86-64 and 64-bit ARM differ in the number of registers only: the first integers and pointers go
//! to one class, the first floats to the other, in order and independent of each other, and what
//! finds no register goes to the stack, a word each.

use super::Returned;
use super::machine::{FLOATS, INTEGERS, enter};
use crate::isa::CType;
use crate::native::guard::{Context, Stopped};

/// An image of the argument registers, then of the stack.
#[derive(Debug)]
pub struct Frame {
    words: Box<[u64]>,
    /// How many of the float registers are used.
    floats: usize,
}

impl Frame {
    /// The frame for arguments of these types, and the word that each goes to.
    pub fn new(arguments: &[CType], _result: CType) -> (Frame, Vec<u16>) {
        let (mut integers, mut floats, mut end) = (0, 0, INTEGERS + FLOATS);
        let mut place = |&argument: &CType| {
            let is_float = matches!(argument, CType::F32 | CType::F64);
            let (next, first, count) = match is_float {
                true => (&mut floats, INTEGERS, FLOATS),
                false => (&mut integers, 0, INTEGERS),
            };
            if *next < count {
                *next += 1;
                return (first + *next - 1) as u16;
            }
            end += 1;
            (end - 1) as u16
        };
        let places = arguments.iter().map(&mut place).collect();
        (Frame { words: vec![0; end].into(), floats }, places)
    }

    /// The words to fill before a call.
    pub fn words(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Calls the function at `target` with the words as arguments; guarded, if there is a context.
    ///
    /// # Safety
    /// `target` is the address of a mapped C function whose parameters have the types that the frame
    /// was made for.
    pub unsafe fn call(
        &mut self,
        target: usize,
        guarded: Option<&Context>,
    ) -> Result<Returned, Stopped> {
        let on_stack = self.words.len() - (INTEGERS + FLOATS);
        let (words, floats) = (self.words.as_ptr(), self.floats);
        match guarded {
            // SAFETY: the words are as many as `enter` reads: all registers, then `on_stack` more.
            // The caller vouches for the target.
            None => Ok(unsafe { enter(words, target, on_stack, floats) }),
            // SAFETY: as above.
            Some(context) => unsafe { context.enter(words, target, on_stack, floats) },
        }
    }
}
