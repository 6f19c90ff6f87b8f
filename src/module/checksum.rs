//! Checksums of bytecode and texts.

/// How long what is short may be.
const SHORT: usize = 2048;

/// The remainders of all bytes by the polynomial of CRC-32, bits reversed.
const REMAINDERS: [u32; 256] = {
    let mut remainders = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut remainder, mut bit) = (byte as u32, 0);
        while bit < 8 {
            remainder = remainder >> 1 ^ if remainder & 1 == 1 { 0xedb8_8320 } else { 0 };
            bit += 1;
        }
        remainders[byte] = remainder;
        byte += 1;
    }
    remainders
};

/// The CRC-32 of bytes, as zip and PNG have it.
///
/// `crc32fast` asks the processor first what it can do. On a virtual machine that takes 50 µs, the
/// twentieth part of the time in which a short program is read, run and over.
pub fn checksum(bytes: &[u8]) -> u32 {
    if bytes.len() > SHORT {
        return crc32fast::hash(bytes);
    }
    let add = |crc: u32, &byte: &u8| REMAINDERS[usize::from(crc as u8 ^ byte)] ^ crc >> 8;
    !bytes.iter().fold(!0, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_are_the_same_checksum() {
        // The value that specifications of CRC-32 give.
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        let bytes: Vec<u8> = (0..2 * SHORT).map(|i| (i * i / 7) as u8).collect();
        for end in (0..bytes.len()).step_by(61) {
            assert_eq!(checksum(&bytes[..end]), crc32fast::hash(&bytes[..end]), "{end} bytes");
        }
    }
}
