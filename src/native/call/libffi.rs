//! Frames for machines without a trampoline of ours: libffi knows their conventions.

use super::Returned;
use crate::isa::CType;
use crate::native::guard::{Context, Stopped};
use libffi::middle::{Cif, Type};
use libffi::raw::ffi_call;
use smallvec::SmallVec;
use std::ffi::c_void;

/// The arguments, a word each, and libffi's description of the call.
#[derive(Debug)]
pub struct Frame {
    words: Box<[u64]>,
    /// The size of each argument.
    sizes: Box<[u8]>,
    cif: Cif,
    result: CType,
}

// SAFETY: a `Cif` owns its description of types, which nothing else refers to and no call changes;
// it is bound to its thread by raw pointers only.
unsafe impl Send for Frame {}

impl Frame {
    /// The frame for arguments of these types, and the word that each goes to.
    pub fn new(arguments: &[CType], result: CType) -> (Frame, Vec<u16>) {
        let cif = Cif::new(arguments.iter().map(|&argument| ffi_type(argument)), ffi_type(result));
        let sizes = arguments.iter().map(|&argument| size_of_type(argument)).collect();
        let words = vec![0; arguments.len()].into();
        let places = (0..arguments.len() as u16).collect();
        (Frame { words, sizes, cif, result }, places)
    }

    /// The words to fill before a call.
    pub fn words(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Calls the function at `target` with the words as arguments. No platform of libffi's has a
    /// guard.
    ///
    /// # Safety
    /// `target` is the address of a mapped C function whose parameters and result have the types
    /// that the frame was made for.
    pub unsafe fn call(
        &mut self,
        target: usize,
        _guarded: Option<&Context>,
    ) -> Result<Returned, Stopped> {
        let mut arguments: SmallVec<[*mut c_void; 16]> = SmallVec::new();
        for (word, &size) in self.words.iter_mut().zip(&self.sizes) {
            // Where the last byte of a word is its lowest, a small value is at the word's end.
            let skipped = if cfg!(target_endian = "big") { 8 - usize::from(size) } else { 0 };
            let bytes: *mut u8 = (&raw mut *word).cast();
            arguments.push(bytes.wrapping_add(skipped).cast());
        }
        // libffi writes at least a register, which is at most 16 bytes.
        let mut result = [0u64; 2];
        // SAFETY: `f` is only passed on; that it is a function of this type the caller vouches for.
        let function = unsafe { std::mem::transmute::<usize, unsafe extern "C" fn()>(target) };
        // SAFETY: the description is of these arguments, each pointer leads to a value of its type,
        // and the result has room.
        unsafe {
            ffi_call(
                self.cif.as_raw_ptr(),
                Some(function),
                result.as_mut_ptr().cast(),
                arguments.as_mut_ptr(),
            );
        }
        // A float fills only its own size; integers are widened to a register.
        let float = match self.result {
            // SAFETY: the result was written as a float, at the start of the buffer.
            CType::F32 => unsafe { result.as_ptr().cast::<u32>().read() }.into(),
            _ => result[0],
        };
        Ok(Returned { integer: result[0], float: f64::from_bits(float) })
    }
}

fn ffi_type(ctype: CType) -> Type {
    match ctype {
        CType::Void => Type::void(),
        CType::I8 => Type::i8(),
        CType::I16 => Type::i16(),
        CType::I32 => Type::i32(),
        CType::I64 => Type::i64(),
        CType::U8 | CType::Bool => Type::u8(),
        CType::U16 => Type::u16(),
        CType::U32 => Type::u32(),
        CType::U64 => Type::u64(),
        CType::F32 => Type::f32(),
        CType::F64 => Type::f64(),
        CType::Cstr | CType::Bytes | CType::Ptr => Type::pointer(),
    }
}

fn size_of_type(ctype: CType) -> u8 {
    match ctype {
        CType::I8 | CType::U8 | CType::Bool | CType::Void => 1,
        CType::I16 | CType::U16 => 2,
        CType::I32 | CType::U32 | CType::F32 => 4,
        CType::I64 | CType::U64 | CType::F64 => 8,
        CType::Cstr | CType::Bytes | CType::Ptr => size_of::<usize>() as u8,
    }
}
