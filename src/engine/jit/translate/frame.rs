//! Code that takes over from the interpreter, whose values lie in a frame of cells: parameters, the
//! cells of the header, the other locals, the operands. It has the parameters context, base and frame,
//! and leaves its result in the first cell.

use super::{Body, Translator, clif_type, signature};
use crate::engine::jit::sites::SiteId;
use crate::engine::limits::FRAME_CELLS;
use crate::isa::ValueType;
use crate::verify::Site;
use cranelift_codegen::ir::{AbiParam, InstBuilder, MemFlagsData, Signature, Value, types};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};

impl Translator<'_> {
    /// Translates the rest of a function, from the beginning of a block on.
    pub(super) fn translate_rest(mut self, site: Site, config: TargetFrontendConfig) {
        let function = self.functions.get(self.program, site.function);
        let frame = self.begin(frame_signature(1))[0];
        self.check_stack();
        let exit = self.builder.create_block();
        if let Some(ty) = function.ty.result {
            self.builder.append_block_param(exit, clif_type(ty));
        }
        let map = self.program.stack_map(site.function);
        let mut operands: Vec<ValueType> =
            map.before(site.instr).into_iter().flat_map(|stack| stack.types()).collect();
        operands.reverse();
        let (params, variables) = (function.ty.params.len(), function.variables());
        let locals = function.ty.params.iter().chain(&function.locals).copied().collect::<Vec<_>>();
        self.body = Body::new(function, SiteId::NONE, 0, Some(exit));
        for (index, &ty) in locals.iter().enumerate() {
            let cell = if index < params { index } else { index + FRAME_CELLS };
            let value = self.read_cell(ty, frame, cell);
            self.declare(ty, value);
        }
        for (height, &ty) in operands.iter().enumerate() {
            let value = self.read_cell(ty, frame, variables + FRAME_CELLS + height);
            self.push(value);
        }
        self.jump(site.instr);
        self.translate_waiting();
        self.builder.switch_to_block(exit);
        let results = self.builder.block_params(exit).to_vec();
        self.write_result(frame, &results);
        self.finish(config);
    }

    /// Translates the call of a function of a type, which is one parameter more.
    pub(super) fn translate_call(mut self, ty: u32, config: TargetFrontendConfig) {
        let ty = &self.program.module().types[ty as usize];
        let given = self.begin(frame_signature(2));
        let (frame, code) = (given[0], given[1]);
        let mut arguments = vec![self.context, self.base];
        for (index, &param) in ty.params.iter().enumerate() {
            arguments.push(self.read_cell(param, frame, index));
        }
        let callee = self.builder.import_signature(signature(ty));
        let call = self.builder.ins().call_indirect(callee, code, &arguments);
        let results = self.builder.inst_results(call).to_vec();
        self.write_result(frame, &results);
        self.finish(config);
    }

    fn read_cell(&mut self, ty: ValueType, frame: Value, cell: usize) -> Value {
        let flags = MemFlagsData::trusted();
        self.builder.ins().load(clif_type(ty), flags, frame, 8 * cell as i32)
    }

    fn write_result(&mut self, frame: Value, results: &[Value]) {
        for &result in results {
            self.builder.ins().store(MemFlagsData::trusted(), result, frame, 0);
        }
        self.builder.ins().return_(&[]);
    }
}

/// Context, base, and so many more.
fn frame_signature(more: usize) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params.extend(vec![AbiParam::new(types::I64); 2 + more]);
    signature
}
