//! Loads and stores.

use super::{Region, Translator};
use crate::engine::jit::context::{Context, Reason};
use crate::isa::{Instr, Op};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use std::mem::offset_of;

/// An address of the host, and an offset to it.
type Place = (Value, i32);

impl Translator<'_> {
    pub(super) fn access(&mut self, Instr { op, arg }: Instr, at: u32) {
        let value = op.pushes().is_empty().then(|| self.pop());
        let base = self.pop();
        let width = width(op);
        let place = match self.options.memory_size {
            Some(size) => {
                let limit = size.saturating_sub(width - 1);
                self.inside_fixed(base, arg, width, limit, at)
            }
            None => self.inside_growing(base, arg, width, at),
        };
        match value {
            Some(value) => self.store(op, value, place),
            None => self.load(op, place),
        }
    }

    /// The place in the host's memory of an address, once it is known to be below the limit that
    /// memory has now.
    fn inside_growing(&mut self, base: Value, offset: u64, width: u64, at: u32) -> Place {
        let address = self.address(base, offset);
        if self.is_new_check(base, offset, width) {
            let field = offset_of!(Context, limits) + 8 * width.trailing_zeros() as usize;
            let limit = self.context_field(types::I64, field);
            self.check_below(address, limit, width, at);
        }
        self.place(address, 0)
    }

    /// The same where the limit never changes. The offset is taken from the limit instead of being
    /// added to the address, where the instruction that accesses memory adds it for nothing.
    fn inside_fixed(&mut self, base: Value, offset: u64, width: u64, limit: u64, at: u32) -> Place {
        let small = i32::try_from(offset as i64).ok().filter(|_| offset < limit);
        if !self.is_new_check(base, offset, width) {
            return match small {
                Some(small) => self.place(base, small),
                None => {
                    let address = self.address(base, offset);
                    self.place(address, 0)
                }
            };
        }
        let Some(small) = small else {
            let address = self.address(base, offset);
            let limit = self.builder.ins().iconst(types::I64, limit as i64);
            self.check_below(address, limit, width, at);
            return self.place(address, 0);
        };
        let lowered = self.builder.ins().iconst(types::I64, (limit - offset) as i64);
        let above = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, base, lowered);
        let [doubtful, go_on] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(doubtful);
        self.builder.ins().brif(above, doubtful, &[], go_on, &[]);
        // A negative address can become one that is inside.
        self.builder.switch_to_block(doubtful);
        let address = self.address(base, offset);
        let limit = self.builder.ins().iconst(types::I64, limit as i64);
        self.check_below(address, limit, width, at);
        self.builder.ins().jump(go_on, &[]);
        self.builder.switch_to_block(go_on);
        self.place(base, small)
    }

    fn address(&mut self, base: Value, offset: u64) -> Value {
        match offset {
            0 => base,
            _ => self.builder.ins().iadd_imm_s(base, offset as i64),
        }
    }

    fn check_below(&mut self, address: Value, limit: Value, width: u64, at: u32) {
        let outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, address, limit);
        let length = self.builder.ins().iconst(types::I64, width as i64);
        let site = self.site(at);
        self.exit_if(outside, Reason::OutOfBounds, 0, site, &[address, length]);
    }

    /// Notes that an access is checked. `false` when it is known to be inside by an earlier one of the
    /// same block: memory never shrinks.
    fn is_new_check(&mut self, base: Value, offset: u64, width: u64) -> bool {
        let known = self.inside.iter_mut().find(|known| known.0 == base && known.1 == offset);
        match known {
            Some((.., checked)) if *checked >= width => return false,
            Some((.., checked)) => *checked = width,
            None => self.inside.push((base, offset, width)),
        }
        true
    }

    fn place(&mut self, address: Value, offset: i32) -> Place {
        let memory = self.context_constant(offset_of!(Context, memory));
        (self.builder.ins().iadd(memory, address), offset)
    }

    fn load(&mut self, op: Op, (place, offset): Place) {
        let flags = self.flags(Region::Memory);
        let ins = self.builder.ins();
        let value = match op {
            Op::Ld8s => ins.sload8(types::I64, flags, place, offset),
            Op::Ld8u => ins.uload8(types::I64, flags, place, offset),
            Op::Ld16s => ins.sload16(types::I64, flags, place, offset),
            Op::Ld16u => ins.uload16(types::I64, flags, place, offset),
            Op::Ld32s => ins.sload32(flags, place, offset),
            Op::Ld32u => ins.uload32(flags, place, offset),
            Op::Ldf32 => {
                let single = ins.load(types::F32, flags, place, offset);
                self.builder.ins().fpromote(types::F64, single)
            }
            Op::Ldf64 => ins.load(types::F64, flags, place, offset),
            _ => ins.load(types::I64, flags, place, offset),
        };
        self.push(value);
    }

    fn store(&mut self, op: Op, value: Value, (place, offset): Place) {
        let flags = self.flags(Region::Memory);
        let ins = self.builder.ins();
        match op {
            Op::St8 => ins.istore8(flags, value, place, offset),
            Op::St16 => ins.istore16(flags, value, place, offset),
            Op::St32 => ins.istore32(flags, value, place, offset),
            Op::Stf32 => {
                let single = ins.fdemote(types::F32, value);
                self.builder.ins().store(flags, single, place, offset)
            }
            _ => ins.store(flags, value, place, offset),
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
