//! The types of the operand stack and of functions.

use std::fmt;

/// What a cell of the operand stack, a local or a global holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// A 64-bit integer; signed or unsigned as the instruction reads it.
    I64,
    /// An IEEE 754 double.
    F64,
}

impl ValueType {
    /// Both types, in the order of their codes in a file.
    pub const ALL: [ValueType; 2] = [ValueType::I64, ValueType::F64];

    /// The name in program text.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::I64 => "i64",
            ValueType::F64 => "f64",
        }
    }

    /// The type called `name`.
    pub fn from_name(name: &str) -> Option<ValueType> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// A value of this type in decimal, as `PRINT` writes it. A float is the shortest text that
    /// reads back the same, always with a point or an exponent.
    pub fn format(self, bits: u64) -> String {
        match self {
            ValueType::I64 => (bits as i64).to_string(),
            ValueType::F64 => match f64::from_bits(bits) {
                x if x.is_nan() => "nan".to_owned(),
                x => format!("{x:?}"),
            },
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The type of a bytecode function: what it takes and what it gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FuncType {
    /// Parameter types, first to last; the last is on top of the stack at a call.
    pub params: Vec<ValueType>,
    /// The result, if there is one.
    pub result: Option<ValueType>,
}

impl fmt::Display for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, param) in self.params.iter().enumerate() {
            write!(f, "{}{param}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str(")")?;
        match self.result {
            Some(result) => write!(f, " -> {result}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_the_shortest_text_that_reads_back() {
        for x in [0.0, -0.0, 1.0, 0.1, 1e16, 1e-7, f64::MAX, f64::MIN_POSITIVE, 5e-324] {
            let text = ValueType::F64.format(x.to_bits());
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), x.to_bits(), "{text}");
            assert!(text.contains(['.', 'e']), "{text}");
        }
        assert_eq!(ValueType::F64.format(f64::INFINITY.to_bits()), "inf");
        assert_eq!(ValueType::F64.format(f64::NEG_INFINITY.to_bits()), "-inf");
        assert_eq!(ValueType::F64.format(f64::NAN.to_bits()), "nan");
    }
}
