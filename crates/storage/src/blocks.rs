//! The file of block checksums that lies beside a payload of more than one block.
//!
//! It lets a reader check the part of a large file that it touches, instead of all of it. Its layout, little-endian:
//!
//! | bytes | content |
//! | --- | --- |
//! | 0..8 | `DFBLOCK1` |
//! | 8..12 | size of a block, a power of two |
//! | 12..16 | zero |
//! | 16..24 | size of the payload |
//! | 24.. | BLAKE3 of each block, 32 bytes each; the last block may be short |

use crate::hash::{CHUNK, hex};

/// Size of a block in the files that this crate writes. Those that it reads may have others.
pub const BLOCK_SIZE: usize = CHUNK;

/// Added to the name of a payload.
pub const SUFFIX: &str = ".blocks";

const MAGIC: &[u8; 8] = b"DFBLOCK1";
const HEADER: usize = 24;
const CHECKSUM: usize = 32;
/// A block is hashed whole however little of it is wanted, and held in memory: a file cannot ask for just any size.
const SMALLEST: u32 = 4 * 1024;
const LARGEST: u32 = 16 * 1024 * 1024;

/// The checksums of a payload's blocks.
#[derive(Debug)]
pub(crate) struct Blocks {
    pub(crate) block_size: u64,
    pub(crate) checksums: Vec<[u8; CHECKSUM]>,
}

/// The content of the file for a payload of this size.
pub(crate) fn encode(payload_size: u64, checksums: &[[u8; CHECKSUM]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + checksums.len() * CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(BLOCK_SIZE as u32).to_le_bytes());
    bytes.extend_from_slice(&0_u32.to_le_bytes());
    bytes.extend_from_slice(&payload_size.to_le_bytes());
    bytes.extend_from_slice(checksums.as_flattened());
    bytes
}

/// The most bytes that the file of a payload of this size can have.
pub(crate) fn size_limit(payload_size: u64) -> u64 {
    payload_size.div_ceil(u64::from(SMALLEST)).saturating_mul(CHECKSUM as u64).saturating_add(HEADER as u64)
}

impl Blocks {
    /// Reads the file of a payload of this size. Nothing is allocated that the file itself does not have.
    pub(crate) fn decode(bytes: &[u8], payload_size: u64) -> Result<Self, String> {
        let (header, checksums) = bytes.split_at_checked(HEADER).ok_or("it is shorter than its header")?;
        if !header.starts_with(MAGIC) {
            return Err("it is not a file of block checksums".to_owned());
        }
        let block_size = u32::from_le_bytes(array(header, 8));
        let zero = u32::from_le_bytes(array(header, 12));
        let recorded_size = u64::from_le_bytes(array(header, 16));
        if zero != 0 || !block_size.is_power_of_two() || !(SMALLEST..=LARGEST).contains(&block_size) {
            return Err(format!("its header has a block size of {block_size} and flags {zero}"));
        }
        if recorded_size != payload_size {
            return Err(format!("it is for a payload of {recorded_size} bytes, and this one has {payload_size}"));
        }
        let (checksums, rest) = checksums.as_chunks::<CHECKSUM>();
        let expected = payload_size.div_ceil(u64::from(block_size));
        if !rest.is_empty() || checksums.len() as u64 != expected {
            let found = bytes.len() - HEADER;
            return Err(format!("it has {found} bytes of checksums where {expected} blocks of {CHECKSUM} are needed"));
        }
        Ok(Self { block_size: u64::from(block_size), checksums: checksums.to_vec() })
    }

    /// Checks the bytes of one block; says what differs.
    pub(crate) fn check(&self, index: u64, bytes: &[u8]) -> Result<(), String> {
        let found = blake3::hash(bytes);
        let expected = usize::try_from(index).ok().and_then(|index| self.checksums.get(index));
        let start = index * self.block_size;
        let end = start + bytes.len() as u64;
        match expected {
            Some(expected) if expected == found.as_bytes() => Ok(()),
            Some(expected) => Err(format!(
                "bytes {start} to {end} (block {index}) have the BLAKE3 checksum {}, and {} was recorded",
                found.to_hex(),
                hex(expected)
            )),
            None => Err(format!("no checksum is recorded of bytes {start} to {end} (block {index})")),
        }
    }
}

/// Bytes from a place in a header that is known to be long enough.
fn array<const N: usize>(header: &[u8], start: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&header[start..start + N]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (u64, Vec<u8>) {
        let size = 2 * BLOCK_SIZE as u64 + 5;
        (size, encode(size, &[[1; 32], [2; 32], [3; 32]]))
    }

    #[test]
    fn what_is_written_is_read() {
        let (size, bytes) = sample();
        let blocks = Blocks::decode(&bytes, size).unwrap();
        assert_eq!(blocks.block_size, BLOCK_SIZE as u64);
        assert_eq!(blocks.checksums, [[1; 32], [2; 32], [3; 32]]);
        assert!(bytes.len() as u64 <= size_limit(size));
    }

    #[test]
    fn other_content_is_refused() {
        let (size, bytes) = sample();
        for cut in 0..bytes.len() {
            assert!(Blocks::decode(&bytes[..cut], size).is_err(), "cut at {cut}");
        }
        assert!(Blocks::decode(&[&bytes[..], b"x"].concat(), size).is_err());
        assert!(Blocks::decode(&[&bytes[..], &[0; 32]].concat(), size).is_err());
        assert!(Blocks::decode(&bytes, size + 1).is_err());
        for bit in 0..HEADER * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Blocks::decode(&changed, size).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_header_cannot_ask_for_much() {
        let mut bytes = encode(u64::MAX, &[]);
        assert!(Blocks::decode(&bytes, u64::MAX).is_err());
        for block_size in [0, 1, 3 * 4096, 1 << 31, u32::MAX] {
            bytes[8..12].copy_from_slice(&u32::to_le_bytes(block_size));
            assert!(Blocks::decode(&bytes, u64::MAX).is_err());
        }
    }
}
