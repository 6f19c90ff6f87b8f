//! LEB128, the variable-length integers of `.vbc` files.
//!
//! Seven bits a byte, the least significant first, the top bit set on all but the last. Only the
//! shortest form is accepted, so that a number has one encoding and a file one set of bytes.

/// Appends an unsigned number.
#[inline]
pub fn write_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number.
#[inline]
pub fn write_signed(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let byte = value as u8 & 0x7f;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            return out.push(byte);
        }
        out.push(byte | 0x80);
    }
}

/// Reads an unsigned number at `pos` and moves past it. `None` when it is cut off, longer than it
/// need be, or over 64 bits.
#[inline]
pub fn read_unsigned(bytes: &[u8], pos: &mut usize) -> Option<u64> {
    match bytes.get(*pos) {
        // Most are small.
        Some(&byte @ ..0x80) => {
            *pos += 1;
            Some(byte.into())
        }
        _ => read_long_unsigned(bytes, pos),
    }
}

fn read_long_unsigned(bytes: &[u8], pos: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*pos)?;
        *pos += 1;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return (bits != 0 || shift == 0).then_some(value);
        }
    }
    None
}

/// Reads a signed number at `pos` and moves past it. `None` as for [`read_unsigned`].
pub fn read_signed(bytes: &[u8], pos: &mut usize) -> Option<i64> {
    let mut value = 0i64;
    let mut previous = 0u8;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*pos)?;
        *pos += 1;
        if shift == 63 && byte != 0 && byte != 0x7f {
            return None;
        }
        value |= i64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            // A last byte that only repeats the sign of the one before is not the shortest form.
            let sign = if previous & 0x40 != 0 { 0x7f } else { 0 };
            if shift > 0 && byte == sign {
                return None;
            }
            if shift < 57 && byte & 0x40 != 0 {
                value |= -1 << (shift + 7);
            }
            return Some(value);
        }
        previous = byte;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_survive(n: u64, shift in 0u32..64) {
            let (n, mut out) = (n >> shift, Vec::new());
            write_unsigned(&mut out, n);
            let unsigned_len = out.len();
            write_signed(&mut out, n as i64);
            write_signed(&mut out, !n as i64);
            let mut pos = 0;
            prop_assert_eq!(read_unsigned(&out, &mut pos), Some(n));
            prop_assert_eq!(pos, unsigned_len);
            prop_assert_eq!(read_signed(&out, &mut pos), Some(n as i64));
            prop_assert_eq!(read_signed(&out, &mut pos), Some(!n as i64));
            prop_assert_eq!(pos, out.len());
        }

        #[test]
        fn whatever_reads_is_the_shortest_form(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut pos = 0;
            if let Some(n) = read_unsigned(&bytes, &mut pos) {
                let mut out = Vec::new();
                write_unsigned(&mut out, n);
                prop_assert_eq!(&out[..], &bytes[..pos]);
            }
            let mut pos = 0;
            if let Some(n) = read_signed(&bytes, &mut pos) {
                let mut out = Vec::new();
                write_signed(&mut out, n);
                prop_assert_eq!(&out[..], &bytes[..pos]);
            }
        }
    }

    #[test]
    fn cut_off_and_overlong_numbers_are_refused() {
        for bytes in [&[][..], &[0x80], &[0x80, 0x00], &[0xff; 11]] {
            assert_eq!(read_unsigned(bytes, &mut 0), None, "{bytes:?}");
            assert_eq!(read_signed(bytes, &mut 0), None, "{bytes:?}");
        }
        assert_eq!(read_signed(&[0xff, 0x7f], &mut 0), None);
    }
}
