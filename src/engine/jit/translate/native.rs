//! Calls of native functions.
//!
//! Code calls a function by itself when it is bound, its parameters and result are plain numbers that
//! all go in registers, the arguments fit, and the program has written nothing that is still held
//! back. In all other cases the instruction is left to `Vm::system`, which also knows the error.

use super::{Known, Region, Translator, clif_type};
use crate::engine::jit::context::Context;
use crate::engine::jit::sites::SiteId;
use crate::isa::{CType, Op, Signature};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, AbiParam, Block, BlockArg, InstBuilder, Type, Value, types};
use cranelift_codegen::isa::CallConv;
use std::mem::offset_of;

/// Arguments of each class that go in registers on every machine.
const INTEGERS: usize = 6;
const FLOATS: usize = 8;

impl Translator<'_> {
    pub(super) fn call_native(&mut self, import: usize, arguments: &[Value], at: u32) {
        let signature = &self.program.module().imports[import].signature;
        if !is_plain(signature) {
            return self.call_system_native(import, signature, arguments, at);
        }
        let [slow, done] = [(); 2].map(|()| self.builder.create_block());
        self.builder.set_cold_block(slow);
        let result = signature.func_type().result;
        if let Some(ty) = result {
            self.builder.append_block_param(done, clif_type(ty));
        }
        let target = self.native_target(import, slow);
        let params = signature.params.iter().zip(arguments);
        let words: Vec<_> = params.map(|(&ty, &value)| self.fit(ty, value, slow)).collect();
        let site = self.site(at);
        let returned = self.call_guarded(import, target, &words, site);
        let returned = returned.map(|value| self.widen(signature.result, value));
        let returned: Vec<BlockArg> = returned.into_iter().map(BlockArg::from).collect();
        self.builder.ins().jump(done, &returned);

        self.builder.switch_to_block(slow);
        let height = self.body.stack.len();
        self.call_system_native(import, signature, arguments, at);
        let returned = self.body.stack.split_off(height);
        let returned: Vec<BlockArg> = returned.into_iter().map(BlockArg::from).collect();
        self.builder.ins().jump(done, &returned);

        self.builder.switch_to_block(done);
        let results = self.builder.block_params(done).to_vec();
        self.body.stack.extend(results);
    }

    fn call_system_native(
        &mut self,
        import: usize,
        signature: &Signature,
        arguments: &[Value],
        at: u32,
    ) {
        self.call_system(Op::CallNative, import as u64, arguments, at);
        if let Some(ty) = signature.func_type().result {
            let result = self.context_field(clif_type(ty), offset_of!(Context, cells));
            self.push(result);
        }
    }

    /// What the slot calls, where it can be called at once.
    fn native_target(&mut self, import: usize, slow: Block) -> Value {
        let unflushed = self.context_field(types::I64, offset_of!(Context, unflushed));
        self.unless(unflushed, slow);
        let natives = self.context_constant(offset_of!(Context, natives));
        let flags = self.flags(Region::Context);
        let target = self.builder.ins().load(types::I64, flags, natives, 8 * import as i32);
        let unbound = self.builder.ins().icmp_imm_s(IntCC::Equal, target, 0);
        self.unless(unbound, slow);
        target
    }

    fn unless(&mut self, condition: Value, other: Block) {
        let go_on = self.builder.create_block();
        self.builder.ins().brif(condition, other, &[], go_on, &[]);
        self.builder.switch_to_block(go_on);
    }

    /// An argument as C takes it, if it fits its type.
    fn fit(&mut self, ty: CType, value: Value, slow: Block) -> Value {
        if ty == CType::F32 {
            let single = self.builder.ins().fdemote(types::F32, value);
            let [small, large] = [(types::F32, single), (types::F64, value)].map(|(ty, x)| {
                let infinite = match ty {
                    types::F32 => self.builder.ins().f32const(f32::INFINITY),
                    _ => self.builder.ins().f64const(f64::INFINITY),
                };
                let size = self.builder.ins().fabs(x);
                self.builder.ins().fcmp(FloatCC::Equal, size, infinite)
            });
            // Only infinity is near.
            let misfit = self.builder.ins().bxor(small, large);
            self.unless(misfit, slow);
            return single;
        }
        if let Some((least, greatest)) = ty.integer_range() {
            let outside = match narrow(ty) {
                Some((low, signed)) => {
                    let low = self.builder.ins().ireduce(low, value);
                    let back = match signed {
                        true => self.builder.ins().sextend(types::I64, low),
                        false => self.builder.ins().uextend(types::I64, low),
                    };
                    self.builder.ins().icmp(IntCC::NotEqual, back, value)
                }
                None => {
                    debug_assert_eq!(least, 0);
                    self.builder.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, value, greatest)
                }
            };
            self.unless(outside, slow);
        }
        value
    }

    /// Calls a function, guarded if calls are.
    fn call_guarded(
        &mut self,
        import: usize,
        target: Value,
        words: &[Value],
        site: SiteId,
    ) -> Option<Value> {
        let flags = self.flags(Region::Context);
        let signature = self.signature(Known::Native(import));
        if !self.options.guarded {
            let call = self.builder.ins().call_indirect(signature, target, words);
            return self.builder.inst_results(call).first().copied();
        }
        let place = u64::from(site.number()) | (import as u64) << 32;
        let place = self.builder.ins().iconst(types::I64, place as i64);
        self.set_context_field(place, offset_of!(Context, native_site));
        let frame = self.builder.ins().get_frame_pointer(types::I64);
        self.set_context_field(frame, offset_of!(Context, native_frame));
        let field = self.context_constant(offset_of!(Context, guard_target));
        self.builder.ins().store(flags, target, field, 0);
        let field = self.context_constant(offset_of!(Context, guard_epoch));
        let epoch = self.builder.ins().load(types::I64, flags, field, 0);
        let epoch = self.builder.ins().iadd_imm_s(epoch, 1);
        // The count comes first: no handler may see this landing with the count of the call before.
        self.builder.ins().store(flags, epoch, field, 0);
        let field = self.context_constant(offset_of!(Context, guard_landing));
        let landing = self.context_constant(offset_of!(Context, native_landing));
        self.builder.ins().store(flags, landing, field, 0);
        let call = self.builder.ins().call_indirect(signature, target, words);
        let zero = self.builder.ins().iconst(types::I64, 0);
        self.builder.ins().store(flags, zero, field, 0);
        self.builder.inst_results(call).first().copied()
    }

    /// A result as a cell. C leaves the upper bits of a small one undefined.
    fn widen(&mut self, ty: CType, value: Value) -> Value {
        match (ty, narrow(ty)) {
            (CType::F32, _) => self.builder.ins().fpromote(types::F64, value),
            (CType::Bool, _) => {
                let low = self.builder.ins().ireduce(types::I8, value);
                let holds = self.builder.ins().icmp_imm_s(IntCC::NotEqual, low, 0);
                self.builder.ins().uextend(types::I64, holds)
            }
            (_, Some((low, signed))) => {
                let low = self.builder.ins().ireduce(low, value);
                match signed {
                    true => self.builder.ins().sextend(types::I64, low),
                    false => self.builder.ins().uextend(types::I64, low),
                }
            }
            _ => value,
        }
    }
}

/// The signature as Cranelift sees it. Small integers are passed as whole words.
pub(super) fn native_signature(signature: &Signature, convention: CallConv) -> ir::Signature {
    let word = |ty: CType| AbiParam::new(clif_word(ty));
    let mut native = ir::Signature::new(convention);
    native.params.extend(signature.params.iter().copied().map(word));
    native.returns.extend((signature.result != CType::Void).then(|| word(signature.result)));
    native
}

fn clif_word(ty: CType) -> Type {
    match ty {
        CType::F32 => types::F32,
        CType::F64 => types::F64,
        _ => types::I64,
    }
}

/// The type in which a small integer fits, and whether it is signed.
fn narrow(ty: CType) -> Option<(Type, bool)> {
    Some(match ty {
        CType::I8 => (types::I8, true),
        CType::I16 => (types::I16, true),
        CType::I32 => (types::I32, true),
        CType::U8 => (types::I8, false),
        CType::U16 => (types::I16, false),
        CType::U32 => (types::I32, false),
        _ => return None,
    })
}

fn is_plain(signature: &Signature) -> bool {
    let special = |ty: &CType| matches!(ty, CType::Cstr | CType::Bytes | CType::Ptr);
    let is_float = |ty: &&CType| matches!(ty, CType::F32 | CType::F64);
    let floats = signature.params.iter().filter(is_float).count();
    let integers = signature.params.len() - floats;
    !signature.params.iter().chain([&signature.result]).any(special)
        && integers <= INTEGERS
        && floats <= FLOATS
}
