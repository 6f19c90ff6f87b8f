//! What helpers do: the instructions of `Vm::system`.

use super::{Known, Translator};
use crate::engine::jit::context::{Context, Reason};
use crate::isa::{Instr, Op, OperandKind};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use std::mem::offset_of;

impl Translator<'_> {
    pub(super) fn system(&mut self, instr: Instr, at: u32) {
        let function = self.body.function.index;
        let effect = self.program.effect(function, instr);
        let operand = match instr.op.operand() {
            OperandKind::Slot => self.program.import_of(instr.arg) as u64,
            _ => instr.arg,
        };
        let arguments = self.pop_many(effect.pops);
        if instr.op == Op::CallNative {
            return self.call_native(operand as usize, &arguments, at);
        }
        self.call_system(instr.op, operand, &arguments, at);
        if effect.pushes > 0 {
            let result = self.context_field(types::I64, offset_of!(Context, cells));
            self.push(result);
        }
        // Who waits for input is asked for something meanwhile.
        if instr.op == Op::Read {
            self.poll(at + 1);
        }
    }

    pub(super) fn call_system(&mut self, op: Op, operand: u64, arguments: &[Value], at: u32) {
        for (cell, &argument) in arguments.iter().enumerate() {
            self.set_context_field(argument, offset_of!(Context, cells) + 8 * cell);
        }
        let float = self.program.is_float(self.body.function.index, at);
        let what = u32::from(op as u8) | u32::from(float) << 8;
        let what = self.builder.ins().iconst(types::I32, i64::from(what));
        let operand = self.builder.ins().iconst(types::I64, operand as i64);
        let helper = self.context_constant(offset_of!(Context, system));
        let signature = self.signature(Known::System);
        let arguments = [self.context, what, operand];
        let call = self.builder.ins().call_indirect(signature, helper, &arguments);
        let trapped = self.builder.inst_results(call)[0];
        let site = self.site(at);
        self.exit_if(trapped, Reason::Pending, 0, site, &[]);
    }
}
