//! Loads and stores.

use super::{Region, Translator};
use crate::engine::jit::context::{Context, Reason};
use crate::isa::{Instr, Op};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use std::mem::offset_of;

/// How many accesses of a block are remembered, so that the longest is looked through in a moment.
const REMEMBERED: usize = 32;

impl Translator<'_> {
    pub(super) fn access(&mut self, Instr { op, arg }: Instr, at: u32) {
        let value = op.pushes().is_empty().then(|| self.pop());
        let base = self.pop();
        let width = width(op);
        let place = self.checked(base, arg, width, at);
        match value {
            Some(value) => self.store(op, value, place),
            None => self.load(op, place),
        }
    }

    /// The place in the host's memory of an address, once all its bytes are known to be inside.
    fn checked(&mut self, base: Value, offset: u64, width: u64, at: u32) -> Value {
        let address = match offset {
            0 => base,
            _ => self.builder.ins().iadd_imm_s(base, offset as i64),
        };
        if self.is_new_check(base, offset, width) {
            let limit = match self.options.memory_size {
                Some(size) => {
                    let limit = size.saturating_sub(width - 1);
                    self.builder.ins().iconst(types::I64, limit as i64)
                }
                None => {
                    let field = offset_of!(Context, limits) + 8 * width.trailing_zeros() as usize;
                    self.context_field(types::I64, field)
                }
            };
            let outside =
                self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, address, limit);
            let length = self.builder.ins().iconst(types::I64, width as i64);
            let site = self.site(at);
            self.exit_if(outside, Reason::OutOfBounds, 0, site, &[address, length]);
        }
        self.builder.ins().iadd(self.memory, address)
    }

    /// Notes that an access is checked. `false` when it is known to be inside by an earlier one of the
    /// same block: memory never shrinks.
    fn is_new_check(&mut self, base: Value, offset: u64, width: u64) -> bool {
        let recent = self.inside.iter_mut().rev().take(REMEMBERED);
        match recent.into_iter().find(|known| known.0 == base && known.1 == offset) {
            Some((.., checked)) if *checked >= width => return false,
            Some((.., checked)) => *checked = width,
            None => self.inside.push((base, offset, width)),
        }
        true
    }

    fn load(&mut self, op: Op, place: Value) {
        let flags = self.flags(Region::Memory);
        let ins = self.builder.ins();
        let value = match op {
            Op::Ld8s => ins.sload8(types::I64, flags, place, 0),
            Op::Ld8u => ins.uload8(types::I64, flags, place, 0),
            Op::Ld16s => ins.sload16(types::I64, flags, place, 0),
            Op::Ld16u => ins.uload16(types::I64, flags, place, 0),
            Op::Ld32s => ins.sload32(flags, place, 0),
            Op::Ld32u => ins.uload32(flags, place, 0),
            Op::Ldf32 => {
                let single = ins.load(types::F32, flags, place, 0);
                self.builder.ins().fpromote(types::F64, single)
            }
            Op::Ldf64 => ins.load(types::F64, flags, place, 0),
            _ => ins.load(types::I64, flags, place, 0),
        };
        self.push(value);
    }

    fn store(&mut self, op: Op, value: Value, place: Value) {
        let flags = self.flags(Region::Memory);
        let ins = self.builder.ins();
        match op {
            Op::St8 => ins.istore8(flags, value, place, 0),
            Op::St16 => ins.istore16(flags, value, place, 0),
            Op::St32 => ins.istore32(flags, value, place, 0),
            Op::Stf32 => {
                let single = ins.fdemote(types::F32, value);
                self.builder.ins().store(flags, single, place, 0)
            }
            _ => ins.store(flags, value, place, 0),
        };
    }
}

/// How many bytes an instruction loads or stores.
fn width(op: Op) -> u64 {
    match op {
        Op::Ld8s | Op::Ld8u | Op::St8 => 1,
        Op::Ld16s | Op::Ld16u | Op::St16 => 2,
        Op::Ld32s | Op::Ld32u | Op::Ldf32 | Op::St32 | Op::Stf32 => 4,
        _ => 8,
    }
}
