//! Instructions on numbers as C. `a` and `b` stand for the operands, the deeper first, `@` for the
//! place of the instruction. Integers are `uint64_t`.

use crate::isa::Op;

/// The C of an instruction on numbers, and whether its result is a float.
pub(super) fn expression(op: Op, float: bool) -> Option<(&'static str, bool)> {
    if float && let Some(found) = on_floats(op) {
        return Some(found);
    }
    let integer = match op {
        Op::Add => "a + b",
        Op::Sub => "a - b",
        Op::Mul => "a * b",
        Op::Div => "divide(a, b, @)",
        Op::Neg => "-a",
        Op::Abs => "(int64_t)a < 0 ? -a : a",
        Op::Min => "(int64_t)a < (int64_t)b ? a : b",
        Op::Max => "(int64_t)a > (int64_t)b ? a : b",
        Op::Eq => "a == b",
        Op::Ne => "a != b",
        Op::Lt => "(int64_t)a < (int64_t)b",
        Op::Le => "(int64_t)a <= (int64_t)b",
        Op::Gt => "(int64_t)a > (int64_t)b",
        Op::Ge => "(int64_t)a >= (int64_t)b",
        Op::Rem => "remainder_of(a, b, @)",
        Op::Divu => "divide_unsigned(a, b, @)",
        Op::Remu => "remainder_unsigned(a, b, @)",
        Op::And => "a & b",
        Op::Or => "a | b",
        Op::Xor => "a ^ b",
        Op::Not => "~a",
        Op::Shl => "a << (b & 63)",
        Op::Shr => "(uint64_t)((int64_t)a >> (b & 63))",
        Op::Shru => "a >> (b & 63)",
        Op::Rotl => "rotate_left(a, b)",
        Op::Rotr => "rotate_left(a, -b)",
        Op::Clz => "leading_zeros(a)",
        Op::Ctz => "trailing_zeros(a)",
        Op::Popcnt => "(uint64_t)__builtin_popcountll(a)",
        Op::Eqz => "a == 0",
        Op::Ltu => "a < b",
        Op::Leu => "a <= b",
        Op::Gtu => "a > b",
        Op::Geu => "a >= b",
        Op::Ext8 => "(uint64_t)(int8_t)a",
        Op::Ext16 => "(uint64_t)(int16_t)a",
        Op::Ext32 => "(uint64_t)(int32_t)a",
        Op::Ftoi => "to_signed(a, @)",
        Op::Ftou => "to_unsigned(a, @)",
        Op::Ftois => "to_nearest_signed(a)",
        Op::Ftous => "to_nearest_unsigned(a)",
        Op::Btoi => "f64_to_bits(a)",
        _ => {
            let float = match op {
                Op::Sqrt => "sqrt(a)",
                Op::Ceil => "ceil(a)",
                Op::Floor => "floor(a)",
                Op::Trunc => "trunc(a)",
                Op::Nearest => "rint(a)",
                Op::Copysign => "copysign(a, b)",
                Op::Itof => "(double)(int64_t)a",
                Op::Utof => "(double)a",
                Op::Itob => "bits_to_f64(a)",
                Op::Demote => "(double)(float)a",
                _ => return None,
            };
            return Some((float, true));
        }
    };
    Some((integer, false))
}

/// Of an instruction that works on either type, on floats.
fn on_floats(op: Op) -> Option<(&'static str, bool)> {
    Some(match op {
        Op::Add => ("a + b", true),
        Op::Sub => ("a - b", true),
        Op::Mul => ("a * b", true),
        Op::Div => ("a / b", true),
        Op::Neg => ("-a", true),
        Op::Abs => ("fabs(a)", true),
        Op::Min => ("least(a, b)", true),
        Op::Max => ("greatest(a, b)", true),
        Op::Eq => ("a == b", false),
        Op::Ne => ("a != b", false),
        Op::Lt => ("a < b", false),
        Op::Le => ("a <= b", false),
        Op::Gt => ("a > b", false),
        Op::Ge => ("a >= b", false),
        _ => return None,
    })
}
