//! Texts that are put one behind the other, as Arrow has them: their bytes, and where each ends.

use super::pages::{Result, damaged};
use super::spare::{Growing, Spare};

/// Short texts are copied as so many bytes, of which those behind the text are written over by the next one: that is one instruction,
/// and no loop.
pub(super) const SHORT: usize = 16;

/// Room for the texts of some rows, whose ends have `WIDTH` bytes each.
pub(super) struct Appended<'a, const WIDTH: usize> {
    ends: &'a mut [[u8; WIDTH]],
    /// Texts that there are.
    count: usize,
    values: Growing,
    /// Bytes of the texts that there are.
    length: usize,
    most: usize,
}

/// Room that there is, and what is to be filled of it.
pub(super) struct Room<'a, const WIDTH: usize> {
    pub(super) ends: &'a mut [[u8; WIDTH]],
    pub(super) values: &'a mut [u8],
    /// Where the next text begins in the values.
    pub(super) at: usize,
}

impl<'a, const WIDTH: usize> Appended<'a, WIDTH> {
    /// As many texts as there are ends behind the first, which is where the first text begins; so many bytes at most.
    pub(super) fn new(ends: &'a mut [[u8; WIDTH]], memory: &Spare, most: usize) -> Self {
        let ends = match ends.split_first_mut() {
            Some((first, ends)) => {
                *first = [0; WIDTH];
                ends
            }
            None => Default::default(),
        };
        Self { ends, count: 0, values: memory.growing(), length: 0, most }
    }

    /// Expects that the texts which are still to come have so many bytes each, where `count` of them have `bytes`.
    pub(super) fn expect(&mut self, bytes: usize, count: usize) {
        let left = (self.ends.len() - self.count) as u128;
        let expected = (bytes as u128 * left / count.max(1) as u128).min(MOST_EXPECTED as u128) as usize;
        // A little more than on average, so that it is enough as a rule.
        let expected = expected + expected / 32 + 8 * SHORT;
        self.values.grow(self.length, self.length + expected);
    }

    /// Room for texts of so many bytes, and for a short one more.
    ///
    /// # Errors
    /// Where there would be more than `most` bytes.
    #[inline]
    pub(super) fn room(&mut self, more: usize) -> Result<Room<'_, WIDTH>> {
        let wanted = self.length.saturating_add(more).saturating_add(SHORT);
        if self.values.room().len() < wanted {
            if self.length.saturating_add(more) > self.most {
                return Err(too_long());
            }
            self.values.grow(self.length, wanted);
        }
        let ends = self.ends.get_mut(self.count..).unwrap_or_default();
        Ok(Room { ends, values: self.values.room(), at: self.length })
    }

    /// Counts what was filled of the room: so many texts, behind which the next one begins here.
    ///
    /// # Errors
    /// Where there are more than `most` bytes.
    #[inline]
    pub(super) fn filled(&mut self, count: usize, at: usize) -> Result<()> {
        if at > self.most {
            return Err(too_long());
        }
        self.count += count;
        self.length = at;
        Ok(())
    }

    /// Appends a text so many times.
    ///
    /// # Errors
    /// Where there would be more than `most` bytes.
    pub(super) fn repeat(&mut self, text: &[u8], count: usize) -> Result<()> {
        let more = text.len().checked_mul(count).filter(|more| *more <= self.most).ok_or_else(too_long)?;
        let Room { ends, values, mut at } = self.room(more)?;
        let start = at;
        let mut short = [0; SHORT];
        let is_short = text.len() <= SHORT;
        if is_short {
            short[..text.len()].copy_from_slice(text);
        }
        for end in ends.iter_mut().take(count) {
            let to = values.get_mut(at..).unwrap_or_default();
            match to.first_chunk_mut::<SHORT>() {
                Some(to) if is_short => *to = short,
                _ => to.get_mut(..text.len()).ok_or_else(too_long)?.copy_from_slice(text),
            }
            at += text.len();
            *end = end_of(at);
        }
        debug_assert_eq!(at, start + more, "there are as many ends as texts");
        self.filled(count, at)
    }

    /// The bytes of the texts, when all are there.
    ///
    /// # Errors
    /// When some are not.
    pub(super) fn finish(self) -> Result<bytes::Bytes> {
        match self.count == self.ends.len() {
            true => Ok(self.values.finish(self.length)),
            false => Err(damaged("its rows end early")),
        }
    }
}

/// A damaged page can tell of anything: what is not there yet is made room for when it comes.
const MOST_EXPECTED: usize = 32 << 20;

/// Where a text ends, as Arrow has it.
#[inline]
pub(super) fn end_of<const WIDTH: usize>(at: usize) -> [u8; WIDTH] {
    let mut end = [0; WIDTH];
    end.copy_from_slice(&(at as u64).to_le_bytes()[..WIDTH]);
    end
}

fn too_long() -> parquet::errors::ParquetError {
    damaged("the texts of a batch are longer than an array can be")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_too_long_together_are_refused() {
        let memory = Spare::for_arrays();
        let mut ends = [[9; 4]; 12];
        let mut texts = Appended::new(&mut ends, &memory, 100);
        texts.expect(usize::MAX, 1);
        texts.repeat(b"0123456789", 8).unwrap();
        texts.repeat(b"a text of twenty byt", 1).unwrap();
        assert!(texts.repeat(b"x", 1).is_err());
        assert!(texts.repeat(b"x", usize::MAX).is_err() && texts.repeat(b"long", usize::MAX / 2).is_err());
        assert!(texts.room(1 << 30).is_err() && texts.filled(1, 101).is_err());
        texts.repeat(b"", 2).unwrap();
        assert_eq!(texts.finish().unwrap(), ["0123456789".repeat(8), "a text of twenty byt".to_owned()].concat());
        let ends = ends.map(u32::from_le_bytes);
        assert_eq!(ends, [0, 10, 20, 30, 40, 50, 60, 70, 80, 100, 100, 100]);
    }

    #[test]
    fn texts_that_are_not_there_are_missed() {
        let mut ends = [[0; 8]; 3];
        let mut texts = Appended::new(&mut ends, &Spare::for_arrays(), 100);
        texts.repeat(b"one", 1).unwrap();
        assert!(texts.finish().is_err());
        assert_eq!(ends[1], [3, 0, 0, 0, 0, 0, 0, 0]);
    }
}
