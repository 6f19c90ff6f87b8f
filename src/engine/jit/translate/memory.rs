//! Loads and stores.

use super::{Region, Translator};
use crate::engine::jit::context::{Context, Reason};
use crate::isa::{Instr, Op};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use std::mem::offset_of;

impl Translator<'_> {
    pub(super) fn access(&mut self, Instr { op, arg }: Instr, at: u32) {
        let value = op.pushes().is_empty().then(|| self.pop());
        let address = self.pop();
        let address = match arg {
            0 => address,
            _ => self.builder.ins().iadd_imm_s(address, arg as i64),
        };
        let place = self.checked(address, width(op), at);
        match value {
            Some(value) => self.store(op, value, place),
            None => self.load(op, place),
        }
    }

    /// The place in the host's memory of an address, once it is known to be inside.
    fn checked(&mut self, address: Value, width: u32, at: u32) -> Value {
        let site = self.site(at);
        let limit = match self.options.memory_size {
            Some(size) => {
                let limit = size.saturating_sub(u64::from(width) - 1);
                self.builder.ins().iconst(types::I64, limit as i64)
            }
            None => {
                let index = width.trailing_zeros() as usize;
                self.context_field(types::I64, offset_of!(Context, limits) + 8 * index)
            }
        };
        let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, address, limit);
        let length = self.builder.ins().iconst(types::I64, i64::from(width));
        self.exit_if(outside, Reason::OutOfBounds, 0, site, &[address, length]);
        let memory = self.context_constant(offset_of!(Context, memory));
        self.builder.ins().iadd(memory, address)
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
fn width(op: Op) -> u32 {
    match op {
        Op::Ld8s | Op::Ld8u | Op::St8 => 1,
        Op::Ld16s | Op::Ld16u | Op::St16 => 2,
        Op::Ld32s | Op::Ld32u | Op::Ldf32 | Op::St32 | Op::Stf32 => 4,
        _ => 8,
    }
}
