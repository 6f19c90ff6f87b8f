//! Arithmetic. What it means stands in `numeric`; what traps is explained there.

use super::Translator;
use crate::engine::jit::context::Reason;
use crate::isa::Op;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    InstBuilder, InstructionData, MemFlagsData, Opcode, Value, ValueDef, types,
};

/// 2 to the power of 63 and 64, the first floats that no longer fit.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 18_446_744_073_709_551_616.0;

impl Translator<'_> {
    pub(super) fn number(&mut self, op: Op, at: u32) {
        let float = self.program.is_float(self.body.function.index, at);
        let value = match op.pops().len() {
            1 => {
                let a = self.pop();
                self.unary(op, float, a, at)
            }
            2 => {
                let (b, a) = (self.pop(), self.pop());
                match float {
                    true => self.float_binary(op, a, b),
                    false => self.binary(op, a, b, at),
                }
            }
            _ => {
                let (condition, b, a) = (self.pop(), self.pop(), self.pop());
                self.builder.ins().select(condition, a, b)
            }
        };
        self.push(value);
    }

    fn unary(&mut self, op: Op, float: bool, a: Value, at: u32) -> Value {
        let ins = self.builder.ins();
        match op {
            Op::Neg if float => ins.fneg(a),
            Op::Neg => ins.ineg(a),
            Op::Abs if float => ins.fabs(a),
            Op::Abs => ins.iabs(a),
            Op::Not => ins.bnot(a),
            Op::Clz => ins.clz(a),
            Op::Ctz => ins.ctz(a),
            Op::Popcnt => ins.popcnt(a),
            Op::Eqz => {
                let zero = ins.icmp_imm_s(IntCC::Equal, a, 0);
                self.builder.ins().uextend(types::I64, zero)
            }
            Op::Ext8 => self.extend(a, types::I8),
            Op::Ext16 => self.extend(a, types::I16),
            Op::Ext32 => self.extend(a, types::I32),
            Op::Sqrt => ins.sqrt(a),
            Op::Ceil => ins.ceil(a),
            Op::Floor => ins.floor(a),
            Op::Trunc => ins.trunc(a),
            Op::Nearest => ins.nearest(a),
            Op::Itof => ins.fcvt_from_sint(types::F64, a),
            Op::Utof => ins.fcvt_from_uint(types::F64, a),
            Op::Ftoi | Op::Ftou => self.float_to_int(op, a, at),
            Op::Ftois => ins.fcvt_to_sint_sat(types::I64, a),
            Op::Ftous => ins.fcvt_to_uint_sat(types::I64, a),
            Op::Itob => ins.bitcast(types::F64, MemFlagsData::new(), a),
            Op::Btoi => ins.bitcast(types::I64, MemFlagsData::new(), a),
            Op::Demote => {
                let single = ins.fdemote(types::F32, a);
                self.builder.ins().fpromote(types::F64, single)
            }
            _ => unreachable!("{op:?} does not take one number"),
        }
    }

    fn extend(&mut self, a: Value, from: cranelift_codegen::ir::Type) -> Value {
        let low = self.builder.ins().ireduce(from, a);
        self.builder.ins().sextend(types::I64, low)
    }

    fn float_to_int(&mut self, op: Op, x: Value, at: u32) -> Value {
        let (above, least, below) = match op {
            Op::Ftoi => (FloatCC::GreaterThanOrEqual, -TWO_63, TWO_63),
            _ => (FloatCC::GreaterThan, -1.0, TWO_64),
        };
        let least = self.builder.ins().f64const(least);
        let greatest = self.builder.ins().f64const(below);
        let above = self.builder.ins().fcmp(above, x, least);
        let below = self.builder.ins().fcmp(FloatCC::LessThan, x, greatest);
        let inside = self.builder.ins().band(above, below);
        let outside = self.builder.ins().icmp_imm_s(IntCC::Equal, inside, 0);
        let site = self.site(at);
        self.exit_if(outside, Reason::Number, op as u8, site, &[x]);
        match op {
            Op::Ftoi => self.builder.ins().fcvt_to_sint_sat(types::I64, x),
            _ => self.builder.ins().fcvt_to_uint_sat(types::I64, x),
        }
    }

    fn binary(&mut self, op: Op, a: Value, b: Value, at: u32) -> Value {
        let ins = self.builder.ins();
        match op {
            Op::Add => ins.iadd(a, b),
            Op::Sub => ins.isub(a, b),
            Op::Mul => ins.imul(a, b),
            Op::Div | Op::Rem | Op::Divu | Op::Remu => self.divide(op, a, b, at),
            Op::Min => ins.smin(a, b),
            Op::Max => ins.smax(a, b),
            Op::Eq => self.compare(IntCC::Equal, a, b),
            Op::Ne => self.compare(IntCC::NotEqual, a, b),
            Op::Lt => self.compare(IntCC::SignedLessThan, a, b),
            Op::Le => self.compare(IntCC::SignedLessThanOrEqual, a, b),
            Op::Gt => self.compare(IntCC::SignedGreaterThan, a, b),
            Op::Ge => self.compare(IntCC::SignedGreaterThanOrEqual, a, b),
            Op::Ltu => self.compare(IntCC::UnsignedLessThan, a, b),
            Op::Leu => self.compare(IntCC::UnsignedLessThanOrEqual, a, b),
            Op::Gtu => self.compare(IntCC::UnsignedGreaterThan, a, b),
            Op::Geu => self.compare(IntCC::UnsignedGreaterThanOrEqual, a, b),
            Op::And => ins.band(a, b),
            Op::Or => ins.bor(a, b),
            Op::Xor => ins.bxor(a, b),
            Op::Shl => ins.ishl(a, b),
            Op::Shr => ins.sshr(a, b),
            Op::Shru => ins.ushr(a, b),
            Op::Rotl => ins.rotl(a, b),
            Op::Rotr => ins.rotr(a, b),
            Op::Copysign => ins.fcopysign(a, b),
            _ => unreachable!("{op:?} does not take two integers"),
        }
    }

    fn compare(&mut self, condition: IntCC, a: Value, b: Value) -> Value {
        let holds = self.builder.ins().icmp(condition, a, b);
        self.builder.ins().uextend(types::I64, holds)
    }

    fn divide(&mut self, op: Op, a: Value, b: Value, at: u32) -> Value {
        let known = self.known(b);
        let (number, site) = (Reason::Number, self.site(at));
        if known.is_none_or(|b| b == 0) {
            let zero = self.builder.ins().icmp_imm_s(IntCC::Equal, b, 0);
            self.exit_if(zero, number, op as u8, site, &[a, b]);
        }
        if op == Op::Div && known.is_none_or(|b| b == -1) {
            let least = self.builder.ins().icmp_imm_s(IntCC::Equal, a, i64::MIN);
            let negates = self.builder.ins().icmp_imm_s(IntCC::Equal, b, -1);
            let overflows = self.builder.ins().band(least, negates);
            self.exit_if(overflows, number, op as u8, site, &[a, b]);
        }
        let ins = self.builder.ins();
        match op {
            Op::Div => ins.sdiv(a, b),
            Op::Rem => ins.srem(a, b),
            Op::Divu => ins.udiv(a, b),
            _ => ins.urem(a, b),
        }
    }

    /// The integer that a value always is.
    fn known(&self, value: Value) -> Option<i64> {
        let dfg = &self.builder.func.dfg;
        let ValueDef::Result(inst, _) = dfg.value_def(value) else { return None };
        match dfg.insts[inst] {
            InstructionData::UnaryImm { opcode: Opcode::Iconst, imm } => Some(imm.bits()),
            _ => None,
        }
    }

    fn float_binary(&mut self, op: Op, a: Value, b: Value) -> Value {
        let ins = self.builder.ins();
        let condition = match op {
            Op::Add => return ins.fadd(a, b),
            Op::Sub => return ins.fsub(a, b),
            Op::Mul => return ins.fmul(a, b),
            Op::Div => return ins.fdiv(a, b),
            Op::Min => return ins.fmin(a, b),
            Op::Max => return ins.fmax(a, b),
            Op::Eq => FloatCC::Equal,
            Op::Ne => FloatCC::NotEqual,
            Op::Lt => FloatCC::LessThan,
            Op::Le => FloatCC::LessThanOrEqual,
            Op::Gt => FloatCC::GreaterThan,
            Op::Ge => FloatCC::GreaterThanOrEqual,
            _ => unreachable!("{op:?} is not overloaded"),
        };
        let holds = ins.fcmp(condition, a, b);
        self.builder.ins().uextend(types::I64, holds)
    }

    /// The bits of a value of either type.
    pub(super) fn bits(&mut self, value: Value) -> Value {
        match self.builder.func.dfg.value_type(value) {
            types::F64 => self.builder.ins().bitcast(types::I64, MemFlagsData::new(), value),
            _ => value,
        }
    }
}
