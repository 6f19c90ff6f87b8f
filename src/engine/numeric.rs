//! The meaning of arithmetic: exactly WebAssembly's for the operator that `isa/ops.rs` names.
//!
//! Values are the 64 bits of a stack cell. Both engines and constant folding rest on these functions,
//! and the tests compare them with WebAssembly's own cases.

use super::trap::TrapKind;
use crate::isa::Op;

type Result = std::result::Result<u64, TrapKind>;

/// An instruction with one operand, of the groups arithmetic, integer, float and conversion. `float`
/// tells whether an overloaded one works on floats.
///
/// # Panics
/// When it is another instruction.
// A handler knows its instruction, so that little is left of the whole.
#[cfg_attr(tail_calls, inline(always))]
pub fn unary(op: Op, float: bool, a: u64) -> Result {
    let (int, x) = (a as i64, f64::from_bits(a));
    Ok(match op {
        Op::Neg if float => (-x).to_bits(),
        Op::Neg => int.wrapping_neg() as u64,
        Op::Abs if float => x.abs().to_bits(),
        Op::Abs => int.wrapping_abs() as u64,
        Op::Not => !a,
        Op::Clz => a.leading_zeros().into(),
        Op::Ctz => a.trailing_zeros().into(),
        Op::Popcnt => a.count_ones().into(),
        Op::Eqz => (a == 0).into(),
        Op::Ext8 => a as i8 as u64,
        Op::Ext16 => a as i16 as u64,
        Op::Ext32 => a as i32 as u64,
        Op::Sqrt => x.sqrt().to_bits(),
        Op::Ceil => round(x, f64::ceil),
        Op::Floor => round(x, f64::floor),
        Op::Trunc => round(x, f64::trunc),
        Op::Nearest => round(x, f64::round_ties_even),
        Op::Itof => (int as f64).to_bits(),
        Op::Utof => (a as f64).to_bits(),
        Op::Ftoi => return float_to_int(x),
        Op::Ftou => return float_to_unsigned(x),
        Op::Ftois => x as i64 as u64,
        Op::Ftous => x as u64,
        Op::Itob | Op::Btoi => a,
        Op::Demote => f64::from(x as f32).to_bits(),
        _ => unreachable!("{op:?} does not take one number"),
    })
}

/// Rounds by a function of the standard library, some of which give a signalling NaN back as it is
/// where WebAssembly wants a quiet one. An addition makes it quiet.
fn round(x: f64, to_whole: fn(f64) -> f64) -> u64 {
    if x.is_nan() { (x + x).to_bits() } else { to_whole(x).to_bits() }
}

/// An instruction with two operands, of the groups arithmetic, integer and float: `a` is the deeper.
///
/// # Panics
/// When it is another instruction.
// A handler knows its instruction, so that little is left of the whole.
#[cfg_attr(tail_calls, inline(always))]
pub fn binary(op: Op, float: bool, a: u64, b: u64) -> Result {
    if float {
        return Ok(binary_float(op, f64::from_bits(a), f64::from_bits(b)));
    }
    let (int_a, int_b) = (a as i64, b as i64);
    Ok(match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::Div | Op::Rem | Op::Divu | Op::Remu => return divide(op, int_a, int_b),
        Op::Min => int_a.min(int_b) as u64,
        Op::Max => int_a.max(int_b) as u64,
        Op::Eq => (a == b).into(),
        Op::Ne => (a != b).into(),
        Op::Lt => (int_a < int_b).into(),
        Op::Le => (int_a <= int_b).into(),
        Op::Gt => (int_a > int_b).into(),
        Op::Ge => (int_a >= int_b).into(),
        Op::And => a & b,
        Op::Or => a | b,
        Op::Xor => a ^ b,
        Op::Shl => a.wrapping_shl(b as u32),
        Op::Shr => int_a.wrapping_shr(b as u32) as u64,
        Op::Shru => a.wrapping_shr(b as u32),
        Op::Rotl => a.rotate_left((b % 64) as u32),
        Op::Rotr => a.rotate_right((b % 64) as u32),
        Op::Ltu => (a < b).into(),
        Op::Leu => (a <= b).into(),
        Op::Gtu => (a > b).into(),
        Op::Geu => (a >= b).into(),
        Op::Copysign => f64::from_bits(a).copysign(f64::from_bits(b)).to_bits(),
        _ => unreachable!("{op:?} does not take two numbers"),
    })
}

fn divide(op: Op, a: i64, b: i64) -> Result {
    if b == 0 {
        return Err(TrapKind::DivisionByZero);
    }
    Ok(match op {
        Op::Div => a.checked_div(b).ok_or(TrapKind::IntegerOverflow)? as u64,
        Op::Rem => a.wrapping_rem(b) as u64,
        Op::Divu => a as u64 / b as u64,
        _ => a as u64 % b as u64,
    })
}

fn binary_float(op: Op, a: f64, b: f64) -> u64 {
    match op {
        Op::Add => (a + b).to_bits(),
        Op::Sub => (a - b).to_bits(),
        Op::Mul => (a * b).to_bits(),
        Op::Div => (a / b).to_bits(),
        Op::Min => float_min(a, b).to_bits(),
        Op::Max => (-float_min(-a, -b)).to_bits(),
        Op::Eq => (a == b).into(),
        Op::Ne => (a != b).into(),
        Op::Lt => (a < b).into(),
        Op::Le => (a <= b).into(),
        Op::Gt => (a > b).into(),
        Op::Ge => (a >= b).into(),
        _ => unreachable!("{op:?} is not overloaded"),
    }
}

/// The smaller, where -0 is less than +0 and a NaN wins. Rust's own `min` prefers the number.
fn float_min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        a + b
    } else if a == b {
        f64::from_bits(a.to_bits() | b.to_bits())
    } else if a < b {
        a
    } else {
        b
    }
}

/// 2 to the power of 63 and 64, the first floats that no longer fit.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TWO_64: f64 = 18_446_744_073_709_551_616.0;

fn float_to_int(x: f64) -> Result {
    if x.is_nan() {
        Err(TrapKind::InvalidConversion)
    } else if (-TWO_63..TWO_63).contains(&x) {
        Ok(x as i64 as u64)
    } else {
        Err(TrapKind::FloatOutOfRange)
    }
}

fn float_to_unsigned(x: f64) -> Result {
    if x.is_nan() {
        Err(TrapKind::InvalidConversion)
    } else if x > -1.0 && x < TWO_64 {
        Ok(x as u64)
    } else {
        Err(TrapKind::FloatOutOfRange)
    }
}
