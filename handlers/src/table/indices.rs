//! Places in a dictionary, as pages have them: in runs of equal ones and in groups of eight, each of a few bits.

use bytes::Bytes;

use super::levels::run_of;
use super::pages::{Result, damaged};

/// Indices that are unpacked at once.
pub(super) const AT_ONCE: usize = 64;
/// A word may be read that begins with the last bit of them.
const WORD: usize = 8;
const MOST_BYTES: usize = AT_ONCE * 4 + WORD;

/// The indices of a page.
pub(super) struct Indices {
    bytes: Bytes,
    at: usize,
    /// Bits of each.
    width: usize,
    run: Run,
    unpacked: [u32; AT_ONCE],
    /// Those of them that were not given yet.
    from: usize,
    end: usize,
}

/// What is left of a run.
#[derive(Debug, Clone, Copy)]
enum Run {
    Equal { index: u32, count: usize },
    Packed { count: usize },
}

/// The next indices.
pub(super) enum Found<'a> {
    Equal(u32, usize),
    Several(&'a [u32]),
}

impl Indices {
    /// Those that begin here in a page, with the bits that each has.
    ///
    /// # Errors
    /// For more bits than an index has.
    pub(super) fn new(bytes: Bytes, start: usize) -> Result<Self> {
        let width = usize::from(*bytes.get(start).ok_or_else(ends_early)?);
        if width > 32 {
            return Err(damaged("the indices of a page have too many bits"));
        }
        let run = Run::Packed { count: 0 };
        Ok(Self { bytes, at: start + 1, width, run, unpacked: [0; AT_ONCE], from: 0, end: 0 })
    }

    /// The next indices, `most` at most and one at least; `most` is not 0.
    ///
    /// # Errors
    /// Where the page ends.
    #[inline]
    pub(super) fn next(&mut self, most: usize) -> Result<Found<'_>> {
        while self.from == self.end {
            match &mut self.run {
                Run::Equal { count: 0, .. } | Run::Packed { count: 0 } => self.begin()?,
                Run::Equal { index, count } => {
                    let given = most.min(*count);
                    *count -= given;
                    return Ok(Found::Equal(*index, given));
                }
                Run::Packed { .. } => self.unpack()?,
            }
        }
        let end = self.end.min(self.from.saturating_add(most));
        let found = self.unpacked.get(self.from..end).unwrap_or_default();
        self.from = end;
        Ok(Found::Several(found))
    }

    /// Leaves out so many.
    ///
    /// # Errors
    /// Where the page ends.
    pub(super) fn pass(&mut self, count: usize) -> Result<()> {
        let mut left = count;
        while left > 0 {
            left -= match self.next(left)? {
                Found::Equal(_, count) => count,
                Found::Several(indices) => indices.len(),
            };
        }
        Ok(())
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Begins the next run.
    fn begin(&mut self) -> Result<()> {
        let (run, rest) = run_of(self.rest()).ok_or_else(ends_early)?;
        let at = self.bytes.len() - rest.len();
        if run & 1 > 0 {
            (self.run, self.at) = (Run::Packed { count: (run >> 1).saturating_mul(8) }, at);
            return Ok(());
        }
        let length = self.width.div_ceil(8);
        let mut index = [0; 4];
        index[..length].copy_from_slice(rest.get(..length).ok_or_else(ends_early)?);
        (self.run, self.at) = (Run::Equal { index: u32::from_le_bytes(index), count: run >> 1 }, at + length);
        Ok(())
    }

    /// Unpacks the next indices of a run of packed ones.
    fn unpack(&mut self) -> Result<()> {
        let Run::Packed { count } = self.run else { return Ok(()) };
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        // Some writers cut the last group of a page where its values end.
        let there = (rest.len() * 8).checked_div(self.width).unwrap_or(AT_ONCE);
        let here = count.min(AT_ONCE).min(there);
        if here == 0 {
            return Err(ends_early());
        }
        let mut few;
        let words = if rest.len() < AT_ONCE / 8 * self.width + WORD {
            few = [0; MOST_BYTES];
            few[..rest.len()].copy_from_slice(rest);
            &few
        } else {
            rest
        };
        match self.width {
            0..=8 => unpack::<8>(words, self.width, &mut self.unpacked),
            9..=14 => unpack::<4>(words, self.width, &mut self.unpacked),
            15..=28 => unpack::<2>(words, self.width, &mut self.unpacked),
            _ => unpack::<1>(words, self.width, &mut self.unpacked),
        }
        self.at += (here * self.width).div_ceil(8);
        self.run = Run::Packed { count: count - here };
        (self.from, self.end) = (0, here);
        Ok(())
    }
}

/// Takes numbers of so many bits out of words, of which each has `IN_WORD` of them behind up to seven bits of another.
fn unpack<const IN_WORD: usize>(words: &[u8], width: usize, to: &mut [u32; AT_ONCE]) {
    let mask = (1_u64 << width) - 1;
    let (groups, _) = to.as_chunks_mut::<IN_WORD>();
    for (group, to) in groups.iter_mut().enumerate() {
        let bit = group * IN_WORD * width;
        let word = words.get(bit / 8..).and_then(<[u8]>::first_chunk::<WORD>);
        let mut word = u64::from_le_bytes(word.copied().unwrap_or_default()) >> (bit % 8);
        for to in to {
            *to = (word & mask) as u32;
            word >>= width;
        }
    }
}

fn ends_early() -> parquet::errors::ParquetError {
    damaged("a page ends before its indices")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], steps: &[usize]) -> Option<Vec<u32>> {
        let mut indices = Indices::new(Bytes::copy_from_slice(bytes), 0).ok()?;
        let mut found = Vec::new();
        for step in steps {
            let mut left = *step;
            while left > 0 {
                let before = found.len();
                match indices.next(left).ok()? {
                    Found::Equal(index, count) => found.resize(before + count, index),
                    Found::Several(several) => found.extend_from_slice(several),
                }
                assert!(found.len() > before && found.len() - before <= left);
                left -= found.len() - before;
            }
        }
        Some(found)
    }

    /// The bytes of a run of packed numbers.
    fn packed(numbers: &[u32], width: usize) -> Vec<u8> {
        let mut bytes = vec![0; (numbers.len() * width).div_ceil(8)];
        for (place, number) in numbers.iter().enumerate() {
            for bit in (0..width).filter(|bit| number >> bit & 1 > 0) {
                bytes[(place * width + bit) / 8] |= 1 << ((place * width + bit) % 8);
            }
        }
        bytes
    }

    #[test]
    fn indices_of_all_widths_are_those_that_were_packed() {
        for width in 0..=32 {
            let most = u32::try_from((1_u64 << width) - 1).unwrap();
            let numbers: Vec<u32> = (0..320_u32).map(|place| place.wrapping_mul(2_654_435_761) & most).collect();
            // Forty groups, and a run of a hundred.
            let mut bytes = vec![width as u8, 40 << 1 | 1];
            bytes.extend(packed(&numbers, width));
            bytes.extend([0xC8, 1]);
            bytes.extend(&most.to_le_bytes()[..width.div_ceil(8)]);
            let expected = [numbers.clone(), vec![most; 100]].concat();
            for steps in [&[420][..], &[1, 63, 64, 65, 3, 124, 99, 1], &[321, 99]] {
                assert_eq!(all(&bytes, steps).as_ref(), Some(&expected), "{width} bits");
            }
            assert_eq!(all(&bytes, &[421]), None);
            let mut indices = Indices::new(bytes.into(), 0).unwrap();
            indices.pass(319).unwrap();
            assert!(matches!(indices.next(9).unwrap(), Found::Several([last]) if *last == numbers[319]));
            assert!(matches!(indices.next(9).unwrap(), Found::Equal(index, 9) if index == most));
            assert!(indices.pass(92).is_err());
        }
    }

    #[test]
    fn pages_that_end_early_give_what_they_have() {
        // Two groups of three bits, of which nine numbers are there.
        let numbers = [1, 2, 3, 4, 5, 6, 7, 0, 7];
        let bytes = [vec![3, 2 << 1 | 1], packed(&numbers, 3)].concat();
        assert_eq!(all(&bytes, &[9]), Some(numbers.to_vec()));
        assert_eq!(all(&bytes, &[12]), None);
        for bytes in [&[][..], &[33, 2, 0], &[3], &[3, 2], &[3, 0x80], &[17, 2, 1, 0]] {
            assert_eq!(all(bytes, &[1]), None, "{bytes:?}");
        }
        // Runs of none are passed.
        assert_eq!(all(&[1, 0, 1, 1, 4, 1], &[2]), Some(vec![1, 1]));
    }
}
