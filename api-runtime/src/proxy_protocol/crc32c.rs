//! CRC32C (Castagnoli), the checksum of PROXY v2.

const TABLE: [u32; 256] = table();

#[allow(clippy::indexing_slicing, reason = "the loop ends at the table's end, and a constant cannot use `get_mut`")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut remainder = index as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = (remainder >> 1) ^ if remainder & 1 == 1 { 0x82f6_3b78 } else { 0 };
            bit += 1;
        }
        table[index] = remainder;
        index += 1;
    }
    table
}

/// The checksum of bytes that come in pieces.
pub(crate) fn crc32c<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> u32 {
    !bytes.into_iter().fold(!0, |remainder, byte| {
        let index = (remainder ^ u32::from(*byte)) & 0xff;
        (remainder >> 8) ^ TABLE.get(index as usize).copied().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, B.4.
    #[test]
    fn the_published_examples_hold() {
        let ascending: Vec<u8> = (0..32).collect();
        for (bytes, checksum) in [
            (&[0; 32][..], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&ascending, 0x46dd_794e),
            (b"123456789", 0xe306_9283),
            (b"", 0),
        ] {
            assert_eq!(crc32c(bytes), checksum);
        }
    }
}
