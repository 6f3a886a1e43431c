//! Whole numbers as what each is more than the one before (`DELTA_BINARY_PACKED`), as numbers that ascend are stored.
//!
//! They come in blocks: the least difference, and behind it what the others have more, in groups of so few bits as it takes. Row numbers
//! take none.

use bytes::Bytes;

use super::pages::{Result, damaged};

/// Numbers that are unpacked at once.
const AT_ONCE: usize = 32;
/// Bytes of them at most, and behind them what may be read along with the last.
const MOST_BYTES: usize = AT_ONCE * 8 + WORD;
const WORD: usize = 16;

/// The numbers of a page.
pub(super) struct Differences {
    bytes: Bytes,
    at: usize,
    /// Groups of a block, and numbers of a group.
    groups: usize,
    in_group: usize,
    /// Numbers that were not given yet.
    left: usize,
    /// The next number, where it is known already: the first one.
    first: Option<u64>,
    /// The last number that is known.
    last: u64,
    least: u64,
    /// Where the bits of the next group of the block stand, and how many groups the block has still.
    widths: usize,
    groups_left: usize,
    group: Group,
    /// The next numbers, of which those from `from` on were not given.
    unpacked: [u64; AT_ONCE],
    from: usize,
    end: usize,
}

/// What is left of a group.
#[derive(Debug, Clone, Copy)]
struct Group {
    width: usize,
    count: usize,
}

impl Differences {
    /// Those that begin here in a page, of which the footer tells that they are `count`.
    ///
    /// # Errors
    /// Where the page ends before they begin, has other groups than the format allows, or another count.
    pub(super) fn new(bytes: Bytes, start: usize, count: usize) -> Result<Self> {
        let mut at = start;
        let mut next = || number(&bytes, &mut at);
        let (block, groups, found, first) = (next()?, next()?, next()?, next()?);
        let size = |number: u64| usize::try_from(number).ok().filter(|number| *number > 0);
        let in_group = size(block).zip(size(groups)).filter(|(block, groups)| block % groups == 0);
        let in_group = in_group.map(|(block, groups)| block / groups).filter(|in_group| in_group % AT_ONCE == 0);
        let (Some(groups), Some(in_group)) = (size(groups), in_group) else {
            return Err(damaged("the differences of a page come in groups that there are not"));
        };
        if found != count as u64 {
            return Err(damaged("a page has another number of differences than its header says"));
        }
        Ok(Self {
            bytes,
            at,
            groups,
            in_group,
            left: count,
            first: Some(signed(first)),
            last: 0,
            least: 0,
            widths: 0,
            groups_left: 0,
            group: Group { width: 0, count: 0 },
            unpacked: [0; AT_ONCE],
            from: 0,
            end: 0,
        })
    }

    /// Leaves out so many.
    ///
    /// # Errors
    /// Where the page ends.
    pub(super) fn pass(&mut self, count: usize) -> Result<()> {
        let mut nothing = [[0; 8]; AT_ONCE];
        let mut left = count;
        while left > 0 {
            let here = left.min(AT_ONCE);
            self.numbers(nothing.get_mut(..here).unwrap_or_default(), u64::to_le_bytes)?;
            left -= here;
        }
        Ok(())
    }

    /// Fills `to` with the next numbers.
    ///
    /// # Errors
    /// Where the page ends.
    pub(super) fn fill(&mut self, width: usize, to: &mut [u8]) -> Result<()> {
        match width {
            // Of numbers of 32 bits the others carry nothing into these.
            4 => self.numbers(to.as_chunks_mut().0, |number| (number as u32).to_le_bytes()),
            _ => self.numbers(to.as_chunks_mut().0, u64::to_le_bytes),
        }
    }

    /// Fills `to` with the next numbers, as the bytes that `bytes` makes of each.
    fn numbers<const WIDTH: usize>(
        &mut self,
        mut to: &mut [[u8; WIDTH]],
        bytes: impl Fn(u64) -> [u8; WIDTH],
    ) -> Result<()> {
        let left = self.left.checked_sub(to.len());
        self.left = left.ok_or_else(|| damaged("a page ends before its differences"))?;
        if let (Some(number), Some(first)) = (self.first, to.first_mut()) {
            (*first, self.last, self.first) = (bytes(number), number, None);
            to = to.get_mut(1..).unwrap_or_default();
        }
        while !to.is_empty() {
            let done = if self.from < self.end {
                let known = self.unpacked.get(self.from..self.end).unwrap_or_default();
                to.iter_mut().zip(known).for_each(|(to, number)| *to = bytes(*number));
                let done = known.len().min(to.len());
                self.from += done;
                done
            } else if self.group.count == 0 {
                self.begin_group()?;
                0
            } else if self.group.width == 0 {
                let done = self.group.count.min(to.len());
                let (mut last, least) = (self.last, self.least);
                for to in to.iter_mut().take(done) {
                    last = last.wrapping_add(least);
                    *to = bytes(last);
                }
                self.last = last;
                self.group.count -= done;
                done
            } else {
                self.unpack()?;
                0
            };
            to = to.get_mut(done..).unwrap_or_default();
        }
        Ok(())
    }

    /// Goes on to the next group, or the next block.
    fn begin_group(&mut self) -> Result<()> {
        if self.groups_left == 0 {
            self.least = signed(number(&self.bytes, &mut self.at)?);
            self.widths = self.at;
            self.groups_left = self.groups;
            self.at = self.at.checked_add(self.groups).filter(|at| *at <= self.bytes.len()).ok_or_else(ends_early)?;
        }
        let width = usize::from(*self.bytes.get(self.widths).ok_or_else(ends_early)?);
        if width > 64 {
            return Err(damaged("the differences of a page have too many bits"));
        }
        self.widths += 1;
        self.groups_left -= 1;
        self.group = Group { width, count: self.in_group };
        Ok(())
    }

    /// Unpacks the next numbers of a group.
    fn unpack(&mut self) -> Result<()> {
        let width = self.group.width;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = AT_ONCE / 8 * width;
        // Some writers end a page behind its last number.
        let there = (rest.len() * 8 / width).min(AT_ONCE);
        if there == 0 {
            return Err(ends_early());
        }
        let mut few;
        let words = match rest.first_chunk() {
            Some(words) => words,
            None => {
                few = [0; MOST_BYTES];
                few.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                &few
            }
        };
        // A word begins within its first byte: with eight bits less it is all in there.
        match width {
            0..=57 => unpack(words, width, &mut self.unpacked, |word, by| u64::from_le_bytes(word) >> by),
            _ => unpack(words, width, &mut self.unpacked, |word, by| (u128::from_le_bytes(word) >> by) as u64),
        }
        for number in &mut self.unpacked {
            self.last = self.last.wrapping_add(self.least).wrapping_add(*number);
            *number = self.last;
        }
        self.at += length.min(rest.len());
        self.group.count -= AT_ONCE;
        (self.from, self.end) = (0, there);
        Ok(())
    }
}

/// Takes numbers of so many bits out of words of `BYTES`, which `shifted` has begin with the number.
fn unpack<const BYTES: usize>(
    words: &[u8; MOST_BYTES],
    width: usize,
    to: &mut [u64; AT_ONCE],
    shifted: impl Fn([u8; BYTES], usize) -> u64,
) {
    let mask = u64::MAX >> (64 - width);
    for (at, to) in to.iter_mut().enumerate() {
        let bit = at * width;
        // Of 32 numbers of up to 64 bits no word begins behind this, which tells the compiler so.
        let start = bit / 8 % (MOST_BYTES - WORD);
        let word = words.get(start..).and_then(<[u8]>::first_chunk::<BYTES>);
        *to = shifted(word.copied().unwrap_or([0; BYTES]), bit % 8) & mask;
    }
}

/// A number in as few bytes as it takes, seven bits in each.
fn number(bytes: &[u8], at: &mut usize) -> Result<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at).ok_or_else(ends_early)?;
        *at += 1;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(damaged("a number of a page is too long"))
}

/// A number whose lowest bit is its sign, as one of which the highest bit is that.
fn signed(number: u64) -> u64 {
    (number >> 1) ^ (number & 1).wrapping_neg()
}

#[cold]
fn ends_early() -> parquet::errors::ParquetError {
    damaged("a page ends before its differences")
}
