//! The values of literals.

use crate::diagnostics::{Code, Diagnostic, SourceId, Span, is_control};
use std::fmt;

/// Why a literal has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiteralError {
    /// An integer with a digit that its base does not have.
    BadDigit(String, char, u32),
    /// An integer of which there is only the base.
    NoDigits(String),
    /// An integer over 64 bits.
    IntegerTooLarge(String),
    /// Something that is not a float.
    NotAFloat(String),
    /// A float beyond the largest.
    FloatTooLarge(String),
    /// A NaN payload of 0 or over 52 bits.
    BadPayload,
    /// An escape that does not exist: where it begins in the literal, and its text.
    BadEscape(usize, String),
    /// A character literal of none or several characters.
    NotOneCharacter,
}

impl fmt::Display for LiteralError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LiteralError::BadDigit(text, digit, base) => {
                write!(f, "`{text}` is not an integer: `{digit}` is not a digit of base {base}")
            }
            LiteralError::NoDigits(text) => write!(f, "`{text}` has no digits"),
            LiteralError::IntegerTooLarge(text) => write!(f, "`{text}` does not fit 64 bits"),
            LiteralError::NotAFloat(text) => write!(f, "`{text}` is not a float"),
            LiteralError::FloatTooLarge(text) => write!(f, "`{text}` is too large for a float"),
            LiteralError::BadPayload => f.write_str("the payload of a NaN has 1 to 52 bits"),
            LiteralError::BadEscape(_, text) => match text.as_bytes() {
                [_, b'x', ..] => f.write_str("`\\x` takes two hexadecimal digits"),
                [_, b'u'] => f.write_str("`\\u` takes a number in braces, such as `\\u{e9}`"),
                [_, b'u', ..] => write!(f, "`{text}` is no character; the last is `\\u{{10ffff}}`"),
                _ => write!(f, "`{text}` is not an escape"),
            },
            LiteralError::NotOneCharacter => f.write_str("a character literal holds one character"),
        }
    }
}

impl LiteralError {
    /// The error of a literal that stands at `span`, with what to do about it.
    pub fn at(&self, source: SourceId, span: Span) -> Diagnostic {
        let mut place = span;
        let (code, label, help) = match self {
            LiteralError::BadDigit(text, ..) => {
                (Code::BadInteger, "not an integer".to_owned(), split_unit(text))
            }
            LiteralError::NoDigits(_) => (Code::BadInteger, "only the base".to_owned(), None),
            LiteralError::IntegerTooLarge(_) => {
                let label = format!("integers are {} to {}", i64::MIN, i64::MAX);
                let help = "`0x`, `0b` and `0o` may use all 64 bits";
                (Code::BadInteger, label, Some(help.to_owned()))
            }
            LiteralError::NotAFloat(_) => {
                let help = "floats are written `1.0` or `2.5e-3`".to_owned();
                (Code::BadFloat, "not a float".to_owned(), Some(help))
            }
            LiteralError::FloatTooLarge(_) => {
                let label = format!("the largest float is {:?}", f64::MAX);
                (Code::BadFloat, label, Some("infinity is written `inf`".to_owned()))
            }
            LiteralError::BadPayload => (Code::BadFloat, "not a payload".to_owned(), None),
            LiteralError::BadEscape(offset, text) => {
                place.start += *offset as u32;
                place.end = place.start + text.len() as u32;
                let known = r#"there are \n \r \t \0 \\ \" \' \xNN and \u{…}"#;
                let explained = matches!(text.as_bytes(), [_, b'x' | b'u', ..]);
                (Code::BadEscape, "here".to_owned(), (!explained).then(|| known.to_owned()))
            }
            LiteralError::NotOneCharacter => {
                let help = "one character, such as `'a'`; texts stand in double quotes".to_owned();
                (Code::BadEscape, "not one character".to_owned(), Some(help))
            }
        };
        Diagnostic::error(code, self.to_string()).at_span(source, place, label).maybe_help(help)
    }
}

/// The units that a size may have, with their bytes.
pub const UNITS: [(&str, u64); 3] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// What to write for a size whose unit is not set apart, such as `64KiB`.
fn split_unit(text: &str) -> Option<String> {
    UNITS.iter().find_map(|(unit, _)| {
        let digits = text.strip_suffix(unit)?;
        Some(format!("in a size, the unit stands behind a space: `{digits} {unit}`"))
    })
}

/// The value of an integer without its sign.
///
/// # Errors
/// When it is malformed or over 64 bits.
pub fn integer(text: &str) -> Result<u64, LiteralError> {
    let bytes = text.as_bytes();
    let (base, digits) = match bytes {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest),
        [b'0', b'o' | b'O', rest @ ..] => (8, rest),
        _ => (10, bytes),
    };
    let (mut value, mut any) = (0u64, false);
    for &byte in digits.iter().filter(|&&b| b != b'_') {
        let digit = (byte as char).to_digit(base);
        let digit =
            digit.ok_or_else(|| LiteralError::BadDigit(text.to_owned(), byte as char, base))?;
        let shifted = value.checked_mul(base.into());
        let larger = shifted.and_then(|v| v.checked_add(digit.into()));
        value = larger.ok_or_else(|| LiteralError::IntegerTooLarge(text.to_owned()))?;
        any = true;
    }
    if any { Ok(value) } else { Err(LiteralError::NoDigits(text.to_owned())) }
}

/// The bits of an integer with its sign. Decimal integers are signed numbers; in the other bases all
/// 64 bits can be given.
///
/// # Errors
/// When it is malformed or does not fit.
pub fn signed(text: &str, negative: bool) -> Result<i64, LiteralError> {
    let value = integer(text)?;
    let decimal = !matches!(text.as_bytes().get(1), Some(b'x' | b'X' | b'b' | b'B' | b'o' | b'O'));
    if decimal && value > i64::MAX as u64 + u64::from(negative) {
        let sign = if negative { "-" } else { "" };
        return Err(LiteralError::IntegerTooLarge(format!("{sign}{text}")));
    }
    Ok(if negative { (value as i64).wrapping_neg() } else { value as i64 })
}

/// The value of a float literal, without its sign; of `inf` and `nan` too.
///
/// # Errors
/// When it is malformed or too large.
pub fn float(text: &str) -> Result<f64, LiteralError> {
    if let Some(payload) = text.strip_prefix("nan:") {
        let bits = integer(payload).map_err(|_| LiteralError::BadPayload)?;
        let valid = bits != 0 && bits < 1 << 52;
        let bits = f64::INFINITY.to_bits() | bits;
        return if valid { Ok(f64::from_bits(bits)) } else { Err(LiteralError::BadPayload) };
    }
    match text {
        "inf" => return Ok(f64::INFINITY),
        "nan" => return Ok(f64::from_bits(CANONICAL_NAN)),
        _ => {}
    }
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(LiteralError::FloatTooLarge(text.to_owned())),
        Err(_) => Err(LiteralError::NotAFloat(text.to_owned())),
    }
}

/// Whether a name is a float and can name nothing else in an expression.
pub fn is_float_name(name: &str) -> bool {
    matches!(name, "inf" | "nan")
}

/// The bits of the NaN that `nan` stands for.
pub const CANONICAL_NAN: u64 = 0x7ff8_0000_0000_0000;

/// A float as text that [`float`] reads back to the same bits, sign and NaN payload included.
pub fn write_float(bits: u64) -> String {
    let value = f64::from_bits(bits);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let magnitude = bits & !(1 << 63);
    match f64::from_bits(magnitude) {
        x if x.is_nan() && magnitude == CANONICAL_NAN => format!("{sign}nan"),
        x if x.is_nan() => format!("{sign}nan:{:#x}", magnitude & ((1 << 52) - 1)),
        x => format!("{sign}{x:?}"),
    }
}

/// The Unicode number of a character literal with its quotes. `'\xNN'` is the number itself.
///
/// # Errors
/// When it does not hold exactly one character.
pub fn character(text: &str) -> Result<u32, LiteralError> {
    let mut found = Vec::new();
    unescape(text, |piece| {
        found.push(match piece {
            Piece::Char(c) => u32::from(c),
            Piece::Byte(b) => b.into(),
        });
    })?;
    match found[..] {
        [one] => Ok(one),
        _ => Err(LiteralError::NotOneCharacter),
    }
}

/// The bytes of a text literal with its quotes.
///
/// # Errors
/// When it has a bad escape.
pub fn text(text: &str) -> Result<Vec<u8>, LiteralError> {
    let mut bytes = Vec::with_capacity(text.len());
    unescape(text, |piece| match piece {
        Piece::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Piece::Byte(b) => bytes.push(b),
    })?;
    Ok(bytes)
}

/// Bytes as a text literal that [`text`] reads back.
pub fn write_text(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\0' => out.push_str("\\0"),
                '"' | '\\' => out.extend(['\\', c]),
                c if is_control(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
                c => out.push(c),
            }
        }
        chunk.invalid().iter().for_each(|b| out.push_str(&format!("\\x{b:02x}")));
    }
    out.push('"');
    out
}

enum Piece {
    Char(char),
    Byte(u8),
}

/// Reads what stands between the quotes, escape by escape.
fn unescape(quoted: &str, mut each: impl FnMut(Piece)) -> Result<(), LiteralError> {
    let inner = &quoted[1..quoted.len() - 1];
    let mut rest = inner;
    while let Some(c) = rest.chars().next() {
        let start = rest;
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            each(Piece::Char(c));
            continue;
        }
        let bad = |len: usize| {
            let end = start.char_indices().map(|(i, c)| i + c.len_utf8()).find(|&i| i >= len);
            let escape = start[..end.unwrap_or(start.len())].to_owned();
            LiteralError::BadEscape(1 + inner.len() - start.len(), escape)
        };
        let escape = rest.chars().next().ok_or_else(|| bad(1))?;
        rest = &rest[escape.len_utf8()..];
        let piece = match escape {
            'n' => Piece::Char('\n'),
            'r' => Piece::Char('\r'),
            't' => Piece::Char('\t'),
            '0' => Piece::Char('\0'),
            '\\' | '"' | '\'' => Piece::Char(escape),
            'x' => {
                let digits = rest.get(..2).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
                let digits = digits.ok_or_else(|| bad(4))?;
                rest = &rest[2..];
                Piece::Byte(u8::from_str_radix(digits, 16).map_err(|_| bad(4))?)
            }
            'u' => {
                let close =
                    rest.find('}').filter(|_| rest.starts_with('{')).ok_or_else(|| bad(2))?;
                let number = u32::from_str_radix(&rest[1..close], 16).ok();
                rest = &rest[close + 1..];
                let c = number.and_then(char::from_u32);
                Piece::Char(c.ok_or_else(|| bad(close + 3))?)
            }
            _ => return Err(bad(2)),
        };
        each(piece);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_in_every_base() {
        for (text, value) in [("0", 0), ("1_000", 1000), ("0xFF", 255), ("0b1_01", 5), ("0o17", 15)]
        {
            assert_eq!(integer(text), Ok(value));
        }
        assert_eq!(integer("18446744073709551615"), Ok(u64::MAX));
        for (text, error) in [
            ("18446744073709551616", LiteralError::IntegerTooLarge as fn(String) -> LiteralError),
            ("0b12", |text| LiteralError::BadDigit(text, '2', 2)),
            ("12abc", |text| LiteralError::BadDigit(text, 'a', 10)),
            ("0x", LiteralError::NoDigits),
            ("0x_", LiteralError::NoDigits),
        ] {
            assert_eq!(integer(text), Err(error(text.to_owned())));
        }
    }

    #[test]
    fn floats_end_at_the_largest() {
        assert_eq!(float("1.797_693_134_862_315_7e308"), Ok(f64::MAX));
        for (text, error) in [
            ("1e309", LiteralError::FloatTooLarge as fn(String) -> LiteralError),
            ("1.5f", LiteralError::NotAFloat),
            ("1.2.3", LiteralError::NotAFloat),
            ("1.0e+_", LiteralError::NotAFloat),
        ] {
            assert_eq!(float(text), Err(error(text.to_owned())));
        }
    }

    #[test]
    fn characters_and_escapes() {
        for (text, value) in
            [("'a'", 97), ("'é'", 233), (r"'\n'", 10), (r"'\x7f'", 127), (r"'\''", 39)]
        {
            assert_eq!(character(text), Ok(value), "{text}");
        }
        assert_eq!(character("''"), Err(LiteralError::NotOneCharacter));
        assert_eq!(character("'ab'"), Err(LiteralError::NotOneCharacter));
        assert_eq!(text(r#""\u{e9}\xff""#), Ok(vec![0xc3, 0xa9, 0xff]));
        for bad in [r#""\q""#, r#""\x1""#, r#""\x€""#, r#""\u{110000}""#, r#""\u{""#, r#""\xg0""#]
        {
            assert!(matches!(text(bad), Err(LiteralError::BadEscape(1, _))), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn texts_survive(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(text(&write_text(&bytes)), Ok(bytes));
        }

        #[test]
        fn floats_survive_to_the_bit(bits: u64) {
            let written = write_float(bits);
            let (negative, magnitude) = match written.strip_prefix('-') {
                Some(rest) => (1u64 << 63, rest),
                None => (0, &written[..]),
            };
            prop_assert_eq!(float(magnitude).unwrap().to_bits() | negative, bits);
        }
    }
}
