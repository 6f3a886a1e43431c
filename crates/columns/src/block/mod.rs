//! Blocks: some thousand rows of values, which stay in a processor's cache while everything asked of them is computed.
//!
//! A [`Lane`] is what one expression has in one block. Numbers lie as plain slices, truth values and presence as bytes that are
//! `0x00` or `0xFF`, so that loops over them need no branch.

mod buffer;
mod chunk;
mod lane;
mod number;
mod text;
mod to_arrow;

pub(crate) use buffer::Buffer;
pub(crate) use chunk::{Chunk, lane_of_array};
pub(crate) use lane::{Fault, Lane, Values, both_valid, with_numbers};
pub(crate) use number::Number;
pub(crate) use text::{Dictionary, TextBuilder, Texts};
pub(crate) use to_arrow::{array_of_lane, data_type};

/// Rows of a block. With eight bytes a value, a block of a column takes 32 KiB.
pub(crate) const BLOCK: usize = 4096;

/// A row that is true, or has a value, in a mask.
pub(crate) const YES: u8 = 0xFF;

/// How many rows of a mask are [`YES`].
pub(crate) fn count_yes(mask: &[u8]) -> usize {
    // Sums of up to 255 ones in a byte are what the compiler makes vector code of.
    mask.chunks(255).map(|part| usize::from(part.iter().fold(0_u8, |sum, byte| sum + (byte & 1)))).sum()
}
