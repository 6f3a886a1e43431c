//! A table of texts with how often each occurs.

use super::counts::Counts;
use crate::block::{Texts, YES};
use crate::group::{Offset, low_bytes};
use crate::simd::{Loop, vectorised};

/// Texts of a dictionary that are counted by their numbers; with more, each row is looked at by itself.
const BY_CODE: usize = 1 << 16;

/// Texts with their counts. Those of up to eight bytes are numbers.
#[derive(Debug, Default)]
pub(super) struct TextCounts {
    short: Counts,
    long: LongCounts,
    codes: Option<CodeCounts>,
    /// Rows of a block whose texts are no numbers.
    others: Vec<u32>,
}

/// Counts texts of up to eight bytes that can be loaded as one word, and names the rows of all others.
struct CountShort<'v, O, const MASKED: bool> {
    offsets: &'v [O],
    ends: &'v [O],
    bytes: &'v [u8],
    mask: &'v [u8],
    short: &'v mut Counts,
    others: &'v mut Vec<u32>,
}

impl<O: Offset, const MASKED: bool> Loop for CountShort<'_, O, MASKED> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { offsets, ends, bytes, mask, short, others } = self;
        for (row, (start, end)) in offsets.iter().zip(ends).enumerate() {
            if MASKED && mask.get(row) != Some(&YES) {
                continue;
            }
            let start = start.place();
            let length = end.place().wrapping_sub(start);
            if length <= 8
                && let Some(word) = bytes.get(start..start.wrapping_add(8))
                && let Ok(word) = <[u8; 8]>::try_from(word)
            {
                let key = u64::from_le_bytes(word) & low_bytes(length);
                // What ends in a zero could be a shorter text.
                if key > low_bytes(length.wrapping_sub(1)) || length == 0 {
                    short.add(key, 1);
                    continue;
                }
            }
            others.push(row as u32);
        }
    }
}

/// How often each text of one dictionary occurs.
#[derive(Debug)]
struct CodeCounts {
    dictionary: u64,
    texts: Texts<'static>,
    counts: Vec<u64>,
}

/// The bytes of a short text as a number, which no other text has; none where it is long, or ends in a zero.
#[inline(always)]
pub(super) fn short_key(bytes: &[u8], start: usize, end: usize) -> Option<u64> {
    let length = end.wrapping_sub(start);
    if length > 8 {
        return None;
    }
    let word = match bytes.get(start..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => {
            let mut eight = [0; 8];
            let text = bytes.get(start..end)?;
            eight.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(eight)
        }
    };
    if length == 0 {
        return Some(0);
    }
    // Bytes of the next text are cut off. What then ends in a zero could be a shorter one.
    let key = word << (64 - 8 * length) >> (64 - 8 * length);
    (key >> (8 * length - 8) != 0).then_some(key)
}

/// The text of such a number.
fn text_of_key(key: u64) -> Option<Box<str>> {
    let bytes = key.to_le_bytes();
    let length = 8 - key.leading_zeros() as usize / 8;
    std::str::from_utf8(bytes.get(..length)?).ok().map(Box::from)
}

impl TextCounts {
    /// How many texts there are.
    pub(super) fn len(&self) -> usize {
        self.short.len() + self.long.entries.len()
    }

    /// Bytes that the tables take.
    pub(super) fn memory(&self) -> usize {
        self.short.memory() + self.long.memory()
    }

    /// Counts the texts of a mask.
    pub(super) fn add(&mut self, texts: &Texts<'_>, mask: Option<&[u8]>) {
        match texts {
            Texts::Short(offsets, bytes) => self.each(offsets, bytes, mask),
            Texts::Long(offsets, bytes) => self.each(offsets, bytes, mask),
            Texts::Codes(codes, dictionary) if dictionary.texts.len() <= BY_CODE => {
                if self.codes.as_ref().is_none_or(|known| known.dictionary != dictionary.id) {
                    self.flush();
                    let texts = dictionary.texts.clone().into_static();
                    let counts = vec![0; texts.len()];
                    self.codes = Some(CodeCounts { dictionary: dictionary.id, texts, counts });
                }
                let Some(known) = &mut self.codes else { return };
                let mut count = |code: i32, times: u64| {
                    if let Some(count) = known.counts.get_mut(code as usize) {
                        *count += times;
                    }
                };
                match mask {
                    None => codes.iter().for_each(|code| count(*code, 1)),
                    Some(mask) => {
                        codes.iter().zip(mask).for_each(|(code, mask)| count(*code, u64::from(*mask & 1)));
                    }
                }
            }
            Texts::Codes(codes, dictionary) => {
                for (row, code) in codes.iter().enumerate() {
                    let there = mask.is_none_or(|mask| mask.get(row) == Some(&YES));
                    let bytes = usize::try_from(*code).ok().and_then(|code| dictionary.texts.bytes(code));
                    if let Some(bytes) = bytes.filter(|_| there) {
                        self.add_text(bytes, 1);
                    }
                }
            }
        }
    }

    fn each<O: Offset>(&mut self, offsets: &[O], bytes: &[u8], mask: Option<&[u8]>) {
        let ends = offsets.get(1..).unwrap_or_default();
        let mut others = std::mem::take(&mut self.others);
        let short = &mut self.short;
        match mask {
            None => vectorised(CountShort::<O, false> { offsets, ends, bytes, mask: &[], short, others: &mut others }),
            Some(mask) => vectorised(CountShort::<O, true> { offsets, ends, bytes, mask, short, others: &mut others }),
        }
        for row in others.drain(..) {
            if let (Some(start), Some(end)) = (offsets.get(row as usize), ends.get(row as usize)) {
                self.add_text(bytes.get(start.place()..end.place()).unwrap_or_default(), 1);
            }
        }
        self.others = others;
    }

    /// Counts a text so many times.
    pub(super) fn add_text(&mut self, text: &[u8], count: u64) {
        match short_key(text, 0, text.len()) {
            Some(key) => self.short.add(key, count),
            None => self.long.add(text, count),
        }
    }

    /// Puts what was counted by number to the texts.
    pub(super) fn flush(&mut self) {
        let Some(codes) = self.codes.take() else { return };
        for (code, count) in codes.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            if let Some(text) = codes.texts.bytes(code) {
                self.add_text(text, *count);
            }
        }
    }

    /// Puts the texts of another table to these.
    pub(super) fn join(&mut self, mut other: Self) {
        self.flush();
        other.flush();
        other.short.entries().for_each(|(key, count)| self.short.add(key, count));
        for entry in &other.long.entries {
            self.long.add(other.long.text(entry), entry.count);
        }
    }

    /// Every text with its count.
    pub(super) fn entries(mut self) -> Vec<(Box<str>, u64)> {
        self.flush();
        let short = self.short.entries().filter_map(|(key, count)| Some((text_of_key(key)?, count)));
        let long = self.long.entries.iter();
        let long =
            long.filter_map(|entry| Some((std::str::from_utf8(self.long.text(entry)).ok()?.into(), entry.count)));
        short.chain(long).collect()
    }
}

/// Texts of more than eight bytes with their counts.
#[derive(Debug, Default)]
struct LongCounts {
    /// Upper bits of the hash, and the number of the entry from 1; with 0, a slot is empty.
    slots: Vec<(u32, u32)>,
    entries: Vec<LongEntry>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct LongEntry {
    hash: u64,
    start: usize,
    length: usize,
    count: u64,
}

/// A hash of bytes: eight at a time, multiplied and folded.
fn hash_bytes(bytes: &[u8]) -> u64 {
    let fold = |value: u64| {
        let product = u128::from(value) * 0x9E37_79B9_7F4A_7C15_u128;
        (product as u64) ^ (product >> 64) as u64
    };
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut hash = bytes.len() as u64;
    for eight in eights {
        hash = fold(hash ^ u64::from_le_bytes(*eight)).wrapping_add(0xD6E8_FEB8_6659_FD93);
    }
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    fold(hash ^ u64::from_le_bytes(last)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl LongCounts {
    fn memory(&self) -> usize {
        self.slots.len() * 8 + self.entries.capacity() * size_of::<LongEntry>() + self.bytes.capacity()
    }

    fn text(&self, entry: &LongEntry) -> &[u8] {
        self.bytes.get(entry.start..entry.start + entry.length).unwrap_or_default()
    }

    fn add(&mut self, text: &[u8], count: u64) {
        if self.entries.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash_bytes(text);
        let (mut at, mask) = (hash as usize & (self.slots.len() - 1), self.slots.len() - 1);
        let tag = (hash >> 32) as u32;
        while let Some(slot) = self.slots.get(at).copied() {
            if slot.1 == 0 {
                break;
            }
            if slot.0 == tag {
                let number = slot.1 as usize - 1;
                if self.entries.get(number).is_some_and(|entry| self.text(entry) == text) {
                    if let Some(entry) = self.entries.get_mut(number) {
                        entry.count += count;
                    }
                    return;
                }
            }
            at = (at + 1) & mask;
        }
        self.entries.push(LongEntry { hash, start: self.bytes.len(), length: text.len(), count });
        self.bytes.extend_from_slice(text);
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = (tag, self.entries.len() as u32);
        }
    }

    #[cold]
    fn grow(&mut self) {
        let slots = (self.slots.len() * 4).max(64);
        self.slots.clear();
        self.slots.resize(slots, (0, 0));
        for (number, entry) in self.entries.iter().enumerate() {
            let mut at = entry.hash as usize & (slots - 1);
            while self.slots.get(at).is_some_and(|slot| slot.1 != 0) {
                at = (at + 1) & (slots - 1);
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = ((entry.hash >> 32) as u32, number as u32 + 1);
            }
        }
    }
}
