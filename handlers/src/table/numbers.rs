//! The numbers of a Parquet column that its rows have places of.

use bytes::Bytes;

use super::indices::{Found, Indices};
use super::pages::{Result, damaged};

/// The dictionary of a row group: numbers of so many bytes, one after another.
pub(super) struct Numbers {
    bytes: Bytes,
    width: usize,
}

impl Numbers {
    /// Takes so many numbers out of a page.
    ///
    /// # Errors
    /// Where the page ends before they do.
    pub(super) fn new(page: &Bytes, entries: usize, width: usize) -> Result<Self> {
        let length = entries.checked_mul(width).filter(|length| *length <= page.len());
        let length = length.ok_or_else(|| damaged("its dictionary ends before its numbers"))?;
        Ok(Self { bytes: page.slice(..length), width })
    }

    /// Fills `to` with the numbers of the next rows.
    ///
    /// # Errors
    /// For indices that have no number, and where there are too few.
    pub(super) fn fill(&self, indices: &mut Indices, to: &mut [u8]) -> Result<()> {
        match self.width {
            4 => fill::<4>(&self.bytes, indices, to),
            _ => fill::<8>(&self.bytes, indices, to),
        }
    }
}

fn fill<const WIDTH: usize>(numbers: &[u8], indices: &mut Indices, to: &mut [u8]) -> Result<()> {
    let (numbers, _) = numbers.as_chunks::<WIDTH>();
    let (mut to, _) = to.as_chunks_mut::<WIDTH>();
    let not_there = || damaged("a row has a number that its dictionary does not have");
    while !to.is_empty() {
        let count = match indices.next(to.len())? {
            Found::Equal(index, count) => {
                let number = numbers.get(index as usize).ok_or_else(not_there)?;
                to.iter_mut().take(count).for_each(|to| *to = *number);
                count
            }
            Found::Several(indices) => {
                for (to, index) in to.iter_mut().zip(indices) {
                    *to = *numbers.get(*index as usize).ok_or_else(not_there)?;
                }
                indices.len()
            }
        };
        to = to.get_mut(count..).unwrap_or_default();
    }
    Ok(())
}
