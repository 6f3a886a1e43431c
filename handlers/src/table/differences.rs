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
    /// The last number that was given.
    last: u64,
    least: u64,
    /// Where the bits of the next group of the block stand, and how many groups the block has still.
    widths: usize,
    groups_left: usize,
    group: Group,
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
        self.numbers(count, |_, _| ())
    }

    /// Fills `to` with the next numbers.
    ///
    /// # Errors
    /// Where the page ends.
    pub(super) fn fill(&mut self, width: usize, to: &mut [u8]) -> Result<()> {
        match width {
            4 => {
                let (to, _) = to.as_chunks_mut();
                // Of numbers of 32 bits the others carry nothing into these.
                self.numbers(to.len(), |at, number| to[at] = (number as u32).to_le_bytes())
            }
            _ => {
                let (to, _) = to.as_chunks_mut();
                self.numbers(to.len(), |at, number| to[at] = number.to_le_bytes())
            }
        }
    }

    /// Gives the next numbers, each with its place among them.
    fn numbers(&mut self, count: usize, mut give: impl FnMut(usize, u64)) -> Result<()> {
        if count > self.left {
            return Err(damaged("a page ends before its differences"));
        }
        self.left -= count;
        let mut done = 0;
        if count > 0
            && let Some(first) = self.first.take()
        {
            give(0, first);
            (self.last, done) = (first, 1);
        }
        while done < count {
            if self.from < self.end {
                let here = (self.end - self.from).min(count - done);
                let unpacked = self.unpacked.get(self.from..self.from + here).unwrap_or_default();
                let mut last = self.last;
                for (at, more) in unpacked.iter().enumerate() {
                    last = last.wrapping_add(self.least).wrapping_add(*more);
                    give(done + at, last);
                }
                self.last = last;
                self.from += here;
                done += here;
            } else if self.group.count == 0 {
                self.begin_group()?;
            } else if self.group.width == 0 {
                let here = self.group.count.min(count - done);
                let (before, least) = (self.last, self.least);
                for at in 0..here {
                    give(done + at, before.wrapping_add(least.wrapping_mul(at as u64 + 1)));
                }
                self.last = before.wrapping_add(least.wrapping_mul(here as u64));
                self.group.count -= here;
                done += here;
            } else {
                self.unpack()?;
            }
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
        let words = if rest.len() < length + WORD {
            few = [0; MOST_BYTES];
            let (to, from) = (few.get_mut(..rest.len()), rest);
            to.ok_or_else(ends_early)?.copy_from_slice(from);
            &few
        } else {
            rest
        };
        // A word begins within its first byte: with eight bits less it is all in there.
        match width {
            0..=57 => unpack(words, width, &mut self.unpacked, |word, by| u64::from_le_bytes(word) >> by),
            _ => unpack(words, width, &mut self.unpacked, |word, by| (u128::from_le_bytes(word) >> by) as u64),
        }
        self.at += length.min(rest.len());
        self.group.count -= AT_ONCE;
        (self.from, self.end) = (0, there);
        Ok(())
    }
}

/// Takes numbers of so many bits out of words of `BYTES`, which `shifted` has begin with the number.
fn unpack<const BYTES: usize>(
    words: &[u8],
    width: usize,
    to: &mut [u64; AT_ONCE],
    shifted: impl Fn([u8; BYTES], usize) -> u64,
) {
    let mask = u64::MAX >> (64 - width);
    for (at, to) in to.iter_mut().enumerate() {
        let bit = at * width;
        let word = words.get(bit / 8..).and_then(<[u8]>::first_chunk::<BYTES>);
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
