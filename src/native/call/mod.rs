//! Calling C: from cells of the operand stack to registers, and back.
//!
//! What goes where depends on the signature alone, so a [`Plan`] is made once for each slot. A call
//! then checks and moves each argument, and jumps; it allocates nothing and looks nothing up.
//!
//! Most signatures are a few integers, or a few doubles: such a call is one of a typed pointer
//! (`direct.rs`).
//!
//! Else, where a trampoline is written for the machine (`x86_64.rs`, `aarch64.rs`), a frame is an image of
//! its argument registers and stack (`registers.rs`). Elsewhere libffi makes the call (`libffi.rs`).

mod direct;
mod error;

#[cfg(all(target_arch = "x86_64", unix))]
#[path = "x86_64.rs"]
pub(super) mod machine;

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
#[path = "aarch64.rs"]
pub(super) mod machine;

#[cfg(any(all(target_arch = "x86_64", unix), all(target_arch = "aarch64", target_os = "linux")))]
#[path = "registers.rs"]
mod frame;

#[cfg(not(any(
    all(target_arch = "x86_64", unix),
    all(target_arch = "aarch64", target_os = "linux")
)))]
#[path = "libffi.rs"]
mod frame;

pub use direct::{Direct, call_floats, call_integers};
pub use error::CallError;
pub(super) use error::Failure;

use super::guard::Context;
use crate::isa::{CType, Signature};
use error::Misfit;
use frame::Frame;
use rustc_hash::FxHashSet;
use std::ffi::CStr;

/// The host pointers that native functions have returned, which are those that may be passed back.
pub(super) type Pointers = FxHashSet<u64>;

/// How to call a function of one signature.
#[derive(Debug)]
pub(super) struct Plan {
    steps: Box<[Step]>,
    /// How many cells the arguments take.
    cells: usize,
    result: CType,
    frame: Frame,
    direct: Option<Direct>,
}

/// How to pass one parameter: check the cell, and put it into a word of the frame.
#[derive(Clone, Copy, Debug)]
struct Step {
    cell: u16,
    word: u16,
    check: Check,
}

#[derive(Clone, Copy, Debug)]
enum Check {
    /// Any 64 bits will do.
    None,
    Integer {
        least: i64,
        greatest: i64,
    },
    Single,
    Text,
    /// Two cells and two words; the second word is here.
    Bytes {
        length_word: u16,
    },
    Pointer,
}

/// What a function leaves in the result registers of both classes; its type tells which counts.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Returned {
    integer: u64,
    float: f64,
}

impl Plan {
    /// The plan for a signature.
    pub fn new(signature: &Signature) -> Plan {
        let (frame, words) = Frame::new(&c_arguments(signature), signature.result);
        let mut words = words.into_iter();
        let mut next_word = || words.next().unwrap_or_default();
        let mut cells = 0;
        let mut steps = Vec::with_capacity(signature.params.len());
        for &param in signature.params.iter().filter(|param| param.is_param()) {
            let (cell, word) = (cells as u16, next_word());
            let check = match param {
                CType::F32 => Check::Single,
                CType::Cstr => Check::Text,
                CType::Bytes => Check::Bytes { length_word: next_word() },
                CType::Ptr => Check::Pointer,
                _ => param
                    .integer_range()
                    .map_or(Check::None, |(least, greatest)| Check::Integer { least, greatest }),
            };
            steps.push(Step { cell, word, check });
            cells += param.cells().len();
        }
        let direct = Direct::new(signature);
        Plan { steps: steps.into(), cells, result: signature.result, frame, direct }
    }

    /// How to call such a function without this, where that is simple.
    pub fn direct(&self) -> Option<&Direct> {
        self.direct.as_ref()
    }

    /// How many cells the arguments take.
    #[inline]
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Checks the arguments and calls the function at `target`; guarded, if there is a context.
    ///
    /// # Safety
    /// `target` is the address of a C function, still mapped, of the signature of this plan.
    #[inline]
    pub unsafe fn call(
        &mut self,
        target: usize,
        args: &[u64],
        memory: &mut [u8],
        pointers: &mut Pointers,
        guarded: Option<&Context>,
    ) -> Result<Option<u64>, Failure> {
        if let (Some(direct), None) = (&self.direct, guarded) {
            // SAFETY: the caller vouches for the target, which has the signature of this plan.
            let returned = unsafe { direct.call(target, args) }?;
            return Ok(self.receive(returned, pointers));
        }
        self.pass(args, memory, pointers)?;
        // SAFETY: the caller vouches for the target; `pass` has filled the frame that was laid out
        // for its signature.
        let returned = unsafe { self.frame.call(target, guarded) }?;
        Ok(self.receive(returned, pointers))
    }

    /// Moves the arguments into the frame.
    fn pass(&mut self, args: &[u64], memory: &mut [u8], pointers: &Pointers) -> Result<(), Misfit> {
        if args.len() != self.cells {
            return Err(Misfit::Count { expected: self.cells });
        }
        let words = self.frame.words();
        for (param, step) in self.steps.iter().enumerate() {
            let cell = args[usize::from(step.cell)];
            words[usize::from(step.word)] = match step.check {
                Check::None => cell,
                Check::Integer { least, greatest } => match cell as i64 {
                    value if (least..=greatest).contains(&value) => cell,
                    _ => return Err(Misfit::Range { param }),
                },
                Check::Single => single(cell).ok_or(Misfit::Range { param })?,
                Check::Text => text(cell, memory).map_err(|open| match open {
                    true => Misfit::Unterminated { param, address: cell },
                    false => Misfit::Outside { param, address: cell, length: 1 },
                })?,
                Check::Bytes { length_word } => {
                    let length = args[usize::from(step.cell) + 1];
                    words[usize::from(length_word)] = length;
                    bytes(cell, length, memory).ok_or(Misfit::Outside {
                        param,
                        address: cell,
                        length,
                    })?
                }
                Check::Pointer if cell == 0 || pointers.contains(&cell) => cell,
                Check::Pointer => return Err(Misfit::Pointer { param }),
            };
        }
        Ok(())
    }

    /// The result as a cell. C leaves the upper bits of a small result undefined.
    fn receive(&self, returned: Returned, pointers: &mut Pointers) -> Option<u64> {
        let Returned { integer, float } = returned;
        Some(match self.result {
            CType::Void => return None,
            CType::I8 => integer as i8 as u64,
            CType::I16 => integer as i16 as u64,
            CType::I32 => integer as i32 as u64,
            CType::U8 => integer as u8 as u64,
            CType::U16 => integer as u16 as u64,
            CType::U32 => integer as u32 as u64,
            CType::Bool => u64::from(integer as u8 != 0),
            CType::F32 => f64::from(f32::from_bits(float.to_bits() as u32)).to_bits(),
            CType::F64 => float.to_bits(),
            CType::Ptr => {
                pointers.insert(integer);
                integer
            }
            CType::I64 | CType::U64 | CType::Cstr | CType::Bytes => integer,
        })
    }
}

/// The arguments as C sees them: `bytes` is a pointer and a size.
fn c_arguments(signature: &Signature) -> Vec<CType> {
    let params = signature.params.iter().filter(|param| param.is_param());
    params
        .flat_map(|param| match param {
            CType::Bytes => vec![CType::Ptr, CType::U64],
            CType::Cstr => vec![CType::Ptr],
            &other => vec![other],
        })
        .collect()
}

/// A double as the bits of the nearest float, unless only infinity is near.
fn single(cell: u64) -> Option<u64> {
    let double = f64::from_bits(cell);
    let single = double as f32;
    (single.is_finite() || !double.is_finite()).then(|| u64::from(single.to_bits()))
}

/// The host's address of a text in memory. The error tells whether it begins inside, but has no end.
fn text(address: u64, memory: &[u8]) -> Result<u64, bool> {
    let start = usize::try_from(address).ok().filter(|&start| start < memory.len()).ok_or(false)?;
    match CStr::from_bytes_until_nul(&memory[start..]) {
        Ok(text) => Ok(text.as_ptr() as u64),
        Err(_) => Err(true),
    }
}

/// The host's address of bytes in memory.
fn bytes(address: u64, length: u64, memory: &mut [u8]) -> Option<u64> {
    let start = usize::try_from(address).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    memory.get_mut(start..end).map(|bytes| bytes.as_mut_ptr() as u64)
}
