//! Ways out of compiled code. All of a function meet in one cold block, which calls `raise`.

use super::{Known, Translator};
use crate::engine::jit::context::{Context, Reason};
use crate::engine::jit::sites::SiteId;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, TrapCode, Value, types};
use std::mem::offset_of;

/// The ways out of a function.
#[derive(Default)]
pub struct Exits {
    /// Blocks that lead out, with what they tell `raise`.
    ways: Vec<(Block, u64, [Option<Value>; 2])>,
}

impl Translator<'_> {
    /// Leaves when a condition holds. `op` and `operands` explain the reason.
    pub(super) fn exit_if(
        &mut self,
        condition: Value,
        reason: Reason,
        op: u8,
        site: SiteId,
        operands: &[Value],
    ) {
        let way = self.way_out(reason, op, site, operands);
        let go_on = self.builder.create_block();
        self.builder.ins().brif(condition, way, &[], go_on, &[]);
        self.builder.switch_to_block(go_on);
    }

    /// Ends the block by leaving.
    pub(super) fn exit_now(&mut self, reason: Reason, at: u32) {
        let site = self.site(at);
        let way = self.way_out(reason, 0, site, &[]);
        self.builder.ins().jump(way, &[]);
    }

    /// The same, with a value.
    pub(super) fn exit_with(&mut self, reason: Reason, at: u32, value: Value) {
        let site = self.site(at);
        let way = self.way_out(reason, 0, site, &[value]);
        self.builder.ins().jump(way, &[]);
    }

    /// A block that leads out.
    pub(super) fn way_out(
        &mut self,
        reason: Reason,
        op: u8,
        site: SiteId,
        operands: &[Value],
    ) -> Block {
        let way = self.builder.create_block();
        self.builder.set_cold_block(way);
        let operands = [operands.first().copied(), operands.get(1).copied()];
        self.exits.ways.push((way, reason.pack(op, site.number()), operands));
        way
    }

    /// Translates the ways out, when all else is done.
    pub(super) fn translate_exits(&mut self) {
        let ways = std::mem::take(&mut self.exits.ways);
        if ways.is_empty() {
            return;
        }
        let out = self.builder.create_block();
        self.builder.set_cold_block(out);
        for _ in 0..3 {
            self.builder.append_block_param(out, types::I64);
        }
        for (way, what, operands) in ways {
            self.builder.switch_to_block(way);
            let what = self.builder.ins().iconst(types::I64, what as i64);
            let [a, b] = operands.map(|operand| operand.map_or(what, |value| self.bits(value)));
            self.builder.ins().jump(out, &[what, a, b].map(BlockArg::from));
        }
        self.builder.switch_to_block(out);
        let mut arguments = vec![self.context];
        arguments.extend_from_slice(self.builder.block_params(out));
        let raise = self.context_constant(offset_of!(Context, raise));
        let signature = self.signature(Known::Raise);
        self.builder.ins().call_indirect(signature, raise, &arguments);
        self.builder.ins().trap(TrapCode::unwrap_user(1));
    }
}
