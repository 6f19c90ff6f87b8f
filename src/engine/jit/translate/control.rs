//! Jumps and calls.

use super::{Body, Flow, Known, Region, Room, Translator, clif_type};
use crate::engine::jit::context::{Context, Reason};
use crate::engine::jit::machine::STUB;
use crate::engine::jit::sites::SiteId;
use crate::engine::limits::{FRAME_CELLS, MAX_STACK};
use crate::isa::{Instr, Op};
use cranelift_codegen::ir::condcodes::{CondCode, IntCC};
use cranelift_codegen::ir::{
    Block, BlockArg, InstBuilder, InstructionData, JumpTableData, Opcode, Value, ValueDef, types,
};
use std::mem::offset_of;
use std::rc::Rc;

use super::function::Function;

/// The most instructions of a loop's condition that are repeated at its end.
const MAX_ROTATED: u32 = 16;

impl Translator<'_> {
    pub(super) fn control(&mut self, Instr { op, arg }: Instr, at: u32) -> Flow {
        match op {
            Op::Jmp if arg <= u64::from(at) => return self.jump_back(arg as u32),
            Op::Jmp => self.jump(arg as u32),
            Op::Jz | Op::Jnz => self.branch(op, arg as u32, at),
            Op::Switch => self.switch(arg, at),
            Op::Call => {
                self.call(arg as u32, at);
                return Flow::Next;
            }
            Op::Ret => self.ret(),
            Op::Halt => self.exit_now(Reason::Halt, at),
            Op::Exit => {
                let status = self.pop();
                self.exit_with(Reason::Exit, at, status);
            }
            _ => self.exit_now(Reason::Trap, at),
        }
        Flow::End
    }

    /// The block that begins at an instruction. Its parameters are the values on the stack.
    fn block(&mut self, at: u32) -> Block {
        if let Some(&block) = self.body.blocks.get(&at) {
            return block;
        }
        let block = self.builder.create_block();
        for &value in &self.body.stack {
            let ty = self.builder.func.dfg.value_type(value);
            self.builder.append_block_param(block, ty);
        }
        self.body.blocks.insert(at, block);
        self.body.waiting.push(at);
        block
    }

    fn stack_arguments(&self) -> Vec<BlockArg> {
        self.body.stack.iter().map(|&value| value.into()).collect()
    }

    /// Ends the block by going on at an instruction.
    pub(super) fn jump(&mut self, target: u32) {
        let (block, arguments) = (self.block(target), self.stack_arguments());
        self.builder.ins().jump(block, &arguments);
    }

    /// Ends a loop. When a short condition stands at its beginning, it is repeated here, and saves a
    /// jump in each turn.
    fn jump_back(&mut self, target: u32) -> Flow {
        self.poll(target);
        let function = Rc::clone(&self.body.function);
        let from = target as usize;
        let rest = function.code.instrs[from..].iter().zip(&function.begins[from + 1..]);
        for (instr, &ends) in rest.take(MAX_ROTATED as usize) {
            match instr.op {
                Op::Jz | Op::Jnz => return Flow::Repeat(target),
                Op::Call => break,
                _ if ends || !instr.op.falls_through() => break,
                _ => {}
            }
        }
        self.jump(target);
        Flow::End
    }

    /// A conditional jump. Cranelift lays out the second way behind it: that is what follows, or the
    /// loop when it goes back.
    fn branch(&mut self, op: Op, target: u32, at: u32) {
        let condition = self.pop();
        let (next, arguments) = (self.block(at + 1), self.stack_arguments());
        let (taken, back) = self.edge(target, at);
        let condition = match (op == Op::Jz) != back {
            true => self.inverse(condition),
            false => condition,
        };
        if back {
            self.builder.ins().brif(condition, next, &arguments, taken, &[]);
            self.translate_edge(taken, target);
        } else {
            self.builder.ins().brif(condition, taken, &arguments, next, &arguments);
        }
    }

    /// Whether a value is 0. Of a comparison, its opposite.
    fn inverse(&mut self, value: Value) -> Value {
        let dfg = &self.builder.func.dfg;
        let data = |value| match dfg.value_def(value) {
            ValueDef::Result(inst, _) => Some(dfg.insts[inst]),
            _ => None,
        };
        let compared = match data(value) {
            Some(InstructionData::Unary { opcode: Opcode::Uextend, arg }) => data(arg),
            _ => None,
        };
        match compared {
            Some(InstructionData::IntCompare { cond, args: [a, b], .. }) => {
                self.builder.ins().icmp(cond.complement(), a, b)
            }
            Some(InstructionData::FloatCompare { cond, args: [a, b], .. }) => {
                self.builder.ins().fcmp(cond.complement(), a, b)
            }
            _ => self.builder.ins().icmp_imm_s(IntCC::Equal, value, 0),
        }
    }

    /// Where a branch to a target leads: for a jump back, to a block of its own that polls.
    fn edge(&mut self, target: u32, at: u32) -> (Block, bool) {
        match target <= at {
            true => (self.builder.create_block(), true),
            false => (self.block(target), false),
        }
    }

    fn translate_edge(&mut self, edge: Block, target: u32) {
        self.builder.switch_to_block(edge);
        self.poll(target);
        self.jump(target);
    }

    fn switch(&mut self, arg: u64, at: u32) {
        let function = Rc::clone(&self.body.function);
        let number = self.pop();
        let arguments = self.stack_arguments();
        let mut edges = Vec::new();
        let mut calls = Vec::new();
        for &target in function.code.table(arg) {
            let (block, back) = self.edge(target, at);
            if back {
                edges.push((block, target));
            }
            let arguments = if back { &[][..] } else { &arguments[..] };
            calls.push(self.builder.func.dfg.block_call(block, arguments));
        }
        let default = calls.pop().expect("a switch has a default");
        // The table counts to 32 bits; what is larger takes the default as well.
        let last = self.builder.ins().iconst(types::I64, calls.len() as i64);
        let number = self.builder.ins().umin(number, last);
        let number = self.builder.ins().ireduce(types::I32, number);
        let table = self.builder.create_jump_table(JumpTableData::new(default, &calls));
        self.builder.ins().br_table(number, table);
        for (block, target) in edges {
            self.translate_edge(block, target);
        }
    }

    fn ret(&mut self) {
        let count = usize::from(self.body.function.ty.result.is_some());
        let results = self.pop_many(count);
        match self.body.exit {
            None => {
                self.builder.ins().return_(&results);
            }
            Some(exit) => {
                let results: Vec<BlockArg> = results.into_iter().map(BlockArg::from).collect();
                self.builder.ins().jump(exit, &results);
            }
        }
    }

    fn call(&mut self, index: u32, at: u32) {
        let callee = self.functions.get(self.program, index);
        let arguments = self.pop_many(callee.ty.params.len());
        let body = &self.body;
        let offset = body.offset + body.function.variables() + body.stack.len() + FRAME_CELLS;
        let site = self.site(at);
        if self.budget.enter(&callee) {
            self.inline(callee, &arguments, offset, site);
        } else {
            self.call_function(&callee, &arguments, offset, site);
        }
    }

    fn call_function(
        &mut self,
        callee: &Function,
        arguments: &[Value],
        offset: usize,
        site: SiteId,
    ) {
        let table = self.context_constant(offset_of!(Context, functions));
        let flags = self.flags(Region::Context);
        let code = self.builder.ins().load(types::I64, flags, table, 8 * callee.index as i32);
        let base = self.builder.ins().iadd_imm_s(self.base, offset as i64);
        let mut all = vec![self.context, base];
        all.extend_from_slice(arguments);
        let signature = self.signature(Known::Function(callee.index));
        self.at_site(site);
        let call = self.builder.ins().call_indirect(signature, code, &all);
        self.at_no_site();
        let results = self.builder.inst_results(call);
        self.body.stack.extend_from_slice(results);
    }

    /// Puts the body of a function in the place of a call.
    fn inline(&mut self, callee: Rc<Function>, arguments: &[Value], offset: usize, site: SiteId) {
        self.need_cells(offset + callee.cells, site);
        let exit = self.builder.create_block();
        if let Some(ty) = callee.ty.result {
            self.builder.append_block_param(exit, clif_type(ty));
        }
        let body = Body::new(Rc::clone(&callee), site, offset, Some(exit));
        let caller = self.enter_body(body);
        self.translate_body(arguments);
        self.body = caller;
        self.inside.clear();
        self.budget.leave(&callee);
        self.builder.switch_to_block(exit);
        let results = self.builder.block_params(exit).to_vec();
        self.body.stack.extend(results);
    }

    /// Traps at the beginning of code with large frames when the real stack has no room.
    pub(super) fn check_stack(&mut self) {
        if self.options.checks_stack {
            let limit = self.context_field(types::I64, offset_of!(Context, stack_limit));
            let pointer = self.builder.ins().get_stack_pointer(types::I64);
            let low = self.builder.ins().icmp(IntCC::UnsignedLessThan, pointer, limit);
            self.exit_if(low, Reason::CallStackExhausted, 0, SiteId::NONE, &[]);
        }
    }

    /// Makes sure that there are so many cells above the base.
    fn need_cells(&mut self, cells: usize, site: SiteId) {
        if let Some(room) = &mut self.room {
            return room.cells = room.cells.max(cells);
        }
        let most = MAX_STACK as i64 - cells as i64;
        let full = self.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, self.base, most);
        self.exit_if(full, Reason::CallStackExhausted, 0, site, &[]);
    }

    /// Looks at the beginning of a function whether there is room for it and all that is inlined in it.
    /// Near the end of the stack the interpreter takes its place, which knows which call is too deep.
    pub(super) fn check_room(&mut self, function: &Function, params: &[Value]) {
        let most = self.builder.ins().iconst(types::I64, 0);
        let made_by = self.builder.func.dfg.value_def(most).unwrap_inst();
        self.room = Some(Room { cells: function.cells, most: made_by });
        let full = self.builder.ins().icmp(IntCC::SignedGreaterThan, self.base, most);
        let [other, go_on] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(other);
        self.builder.ins().brif(full, other, &[], go_on, &[]);
        self.builder.switch_to_block(other);
        let stubs = self.context_constant(offset_of!(Context, interpreted));
        let stub = self.builder.ins().iadd_imm_s(stubs, (function.index as usize * STUB) as i64);
        let signature = self.signature(Known::Function(function.index));
        let all = [&[self.context, self.base], params].concat();
        let call = self.builder.ins().call_indirect(signature, stub, &all);
        let results = self.builder.inst_results(call).to_vec();
        self.builder.ins().return_(&results);
        self.builder.switch_to_block(go_on);
    }

    /// Fills in how much room a function needs, when that is known.
    pub(super) fn settle_room(&mut self) {
        if let Some(Room { cells, most }) = self.room
            && let InstructionData::UnaryImm { imm, .. } = &mut self.builder.func.dfg.insts[most]
        {
            *imm = (MAX_STACK as i64 - cells as i64).into();
        }
    }

    /// Looks whether somebody has rung, before an instruction.
    pub(super) fn poll(&mut self, next: u32) {
        let site = self.site(next);
        let flags = self.flags(Region::Context);
        let rung = self.builder.ins().load(types::I8, flags, self.flag, 0);
        let [answer, go_on] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(answer);
        self.builder.ins().brif(rung, answer, &[], go_on, &[]);
        self.builder.switch_to_block(answer);
        let stub = self.context_constant(offset_of!(Context, poll));
        let signature = self.signature(Known::Poll);
        self.at_site(site);
        self.builder.ins().call_indirect(signature, stub, &[self.context]);
        self.at_no_site();
        self.builder.ins().jump(go_on, &[]);
        self.builder.switch_to_block(go_on);
    }

    /// Pays for a stretch.
    pub(super) fn burn(&mut self, cost: u32, at: u32) {
        if cost == 0 || !self.options.counts_fuel {
            return;
        }
        let left = self.context_field(types::I64, offset_of!(Context, fuel));
        let cost = self.builder.ins().iconst(types::I64, i64::from(cost));
        let short = self.builder.ins().icmp(IntCC::UnsignedLessThan, left, cost);
        let site = self.site(at);
        self.exit_if(short, Reason::OutOfFuel, 0, site, &[]);
        let left = self.builder.ins().isub(left, cost);
        self.set_context_field(left, offset_of!(Context, fuel));
    }
}
