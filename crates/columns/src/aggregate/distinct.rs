//! How many different values there are, exactly.
//!
//! Each thread keeps a set until it has many; from then on it only sorts values into parts by their hash, each small enough for a set that
//! stays in the cache, and the parts are counted at the end.

use std::collections::HashSet;

use crate::block::{Number, Texts, Values, YES, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::value::Value;

/// Parts that many values are sorted into.
const PARTS: usize = 1024;
/// Values that one set has at most.
const SET: usize = 1 << 16;

/// Counts the different values of one lane. A missing value is one of them, and NaN is, unless they are left out.
#[derive(Debug, Clone)]
pub(crate) struct Distinct {
    pub(crate) leaves_out_missing: bool,
    /// Bytes that it may take.
    pub(crate) memory: u64,
}

/// The values so far.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Numbers and short texts, as 64 bits that are mixed so that all of them matter for the place.
    words: Words,
    /// Texts that do not fit into 64 bits.
    texts: HashSet<Box<[u8]>>,
    text_bytes: u64,
    missing: bool,
    nan: bool,
}

impl Sink for Distinct {
    type Part = Part;

    fn start(&self) -> ColumnsResult<Part> {
        Ok(Part::default())
    }

    fn block(&self, part: &mut Part, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first() else { return Ok(()) };
        let mask = block.valid(lane);
        let there = mask.as_ref().map_or(block.rows, |mask| crate::block::count_yes(mask));
        part.missing |= there < block.count();
        if lane.constant && there > 0 {
            let one = lane.clone().spread(1);
            part.take(&one.values, None, 1);
        } else if there > 0 {
            part.take(&lane.values, mask.as_deref(), block.rows);
        }
        let taken = part.words.bytes() + part.text_bytes;
        if taken > self.memory {
            return Err(ColumnsError::option(format!(
                "counting different values took more than {} MB of memory; allow more, or ask for approx_nunique",
                self.memory >> 20
            )));
        }
        Ok(())
    }

    fn merge(&self, part: &mut Part, other: Part) -> ColumnsResult<()> {
        part.words.join(other.words);
        part.texts.extend(other.texts);
        part.missing |= other.missing;
        part.nan |= other.nan;
        Ok(())
    }

    fn finish(&self, part: Part) -> ColumnsResult<Outcome> {
        let others = if self.leaves_out_missing { 0 } else { u64::from(part.missing) + u64::from(part.nan) };
        let count = part.words.count() + part.texts.len() as u64 + others;
        Ok(Outcome::Done(Output::Value(Value::Int(count.into()))))
    }
}

impl Part {
    fn take(&mut self, values: &Values<'_>, mask: Option<&[u8]>, rows: usize) {
        match values {
            Values::Bool(bytes) => self.numbers(bytes, mask),
            Values::Text(texts) => self.take_texts(texts, mask, rows),
            numbers => with_numbers!(numbers, values => self.numbers(values, mask), _ => {}),
        }
    }

    fn numbers<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>) {
        let mut words = Vec::with_capacity(values.len());
        for (row, value) in values.iter().enumerate() {
            if mask.is_none_or(|mask| mask.get(row) == Some(&YES)) {
                if value.is_number() {
                    // Both zeros are one value.
                    let bits = if *value == T::default() { T::default().ordered_bits() } else { value.ordered_bits() };
                    words.push(bits);
                } else {
                    self.nan = true;
                }
            }
        }
        self.words.take(&words);
    }

    fn take_texts(&mut self, texts: &Texts<'_>, mask: Option<&[u8]>, rows: usize) {
        let mut words = Vec::with_capacity(rows);
        for row in (0..rows).filter(|row| mask.is_none_or(|mask| mask.get(*row) == Some(&YES))) {
            let bytes = texts.bytes(row).unwrap_or_default();
            match short(bytes) {
                Some(word) => words.push(word),
                None => {
                    if !self.texts.contains(bytes) {
                        self.text_bytes += bytes.len() as u64 + 48;
                        self.texts.insert(bytes.into());
                    }
                }
            }
        }
        self.words.take(&words);
    }
}

/// A text of up to seven bytes with its length, in 64 bits.
fn short(bytes: &[u8]) -> Option<u64> {
    if bytes.len() > 7 {
        return None;
    }
    let mut word = [0; 8];
    for (slot, byte) in word.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    word[7] = bytes.len() as u8;
    Some(u64::from_le_bytes(word))
}

/// A mixing of 64 bits of which no two words have the same result, so that the result stands for the word.
#[inline(always)]
fn mixed(word: u64) -> u64 {
    let word = word.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    word ^ (word >> 32)
}

/// Different words: in one set while there are few, then in parts that still have doubles.
#[derive(Debug)]
enum Words {
    Few(Set),
    Many(Vec<Vec<u64>>),
}

impl Default for Words {
    fn default() -> Self {
        Self::Few(Set::with_room(64))
    }
}

impl Words {
    fn take(&mut self, words: &[u64]) {
        let mut last = None;
        for (at, word) in words.iter().enumerate() {
            match self {
                Self::Few(set) => {
                    // The same value often follows itself.
                    if last != Some(*word) {
                        set.insert(mixed(*word));
                        last = Some(*word);
                    }
                    if set.len > SET {
                        self.spread();
                        return self.take(words.get(at + 1..).unwrap_or_default());
                    }
                }
                Self::Many(parts) => {
                    let word = mixed(*word);
                    if let Some(part) = parts.get_mut((word >> 54) as usize) {
                        part.push(word);
                    }
                }
            }
        }
    }

    /// Sorts a set into parts.
    fn spread(&mut self) {
        if let Self::Few(set) = self {
            let mut parts = vec![Vec::new(); PARTS];
            for word in set.words() {
                if let Some(part) = parts.get_mut((word >> 54) as usize) {
                    part.push(word);
                }
            }
            *self = Self::Many(parts);
        }
    }

    fn join(&mut self, mut other: Self) {
        if let (Self::Few(set), Self::Few(words)) = (&mut *self, &other) {
            words.words().for_each(|word| set.insert(word));
            return;
        }
        self.spread();
        other.spread();
        if let (Self::Many(parts), Self::Many(others)) = (self, other) {
            parts.iter_mut().zip(others).for_each(|(part, other)| part.extend(other));
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Few(set) => set.slots.len() as u64 * 8,
            Self::Many(parts) => parts.iter().map(|part| part.capacity() as u64 * 8).sum(),
        }
    }

    /// How many different ones there are. Parts are counted by all threads.
    fn count(self) -> u64 {
        match self {
            Self::Few(set) => set.len as u64,
            Self::Many(parts) => {
                let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
                let share = parts.len().div_ceil(threads).max(1);
                let counted = |parts: &[Vec<u64>]| parts.iter().map(|part| distinct(part)).sum::<u64>();
                std::thread::scope(|scope| {
                    let handles: Vec<_> =
                        parts.chunks(share).map(|parts| scope.spawn(move || counted(parts))).collect();
                    // A thread that only counts does not panic.
                    handles.into_iter().map(|handle| handle.join().unwrap_or(0)).sum()
                })
            }
        }
    }
}

fn distinct(words: &[u64]) -> u64 {
    let mut set = Set::with_room(words.len());
    words.iter().for_each(|word| set.insert(*word));
    set.len as u64
}

/// A set of words: open addressing, zero for a free place.
#[derive(Debug)]
struct Set {
    slots: Vec<u64>,
    len: usize,
    has_zero: bool,
}

impl Set {
    fn with_room(words: usize) -> Self {
        Self { slots: vec![0; (words * 2).next_power_of_two().max(64)], len: 0, has_zero: false }
    }

    #[inline]
    fn insert(&mut self, word: u64) {
        if word == 0 {
            self.len += usize::from(!self.has_zero);
            self.has_zero = true;
            return;
        }
        let mask = self.slots.len() - 1;
        let mut at = word as usize & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            if *slot == word {
                return;
            }
            if *slot == 0 {
                *slot = word;
                break;
            }
            at = (at + 1) & mask;
        }
        self.len += 1;
        if self.len * 2 > self.slots.len() {
            let words: Vec<u64> = self.slots.iter().copied().filter(|word| *word != 0).collect();
            let mut larger =
                Self { slots: vec![0; self.slots.len() * 2], len: usize::from(self.has_zero), has_zero: self.has_zero };
            words.into_iter().for_each(|word| larger.insert(word));
            *self = larger;
        }
    }

    fn words(&self) -> impl Iterator<Item = u64> {
        self.slots.iter().copied().filter(|word| *word != 0).chain(self.has_zero.then_some(0))
    }
}
