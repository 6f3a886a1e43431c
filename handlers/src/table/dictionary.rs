//! The texts of a Parquet column that its rows have places of.

use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, StringBuilder};
use bytes::Bytes;

use super::appended::{Appended, Room, SHORT, end_of};
use super::indices::{AT_ONCE, Found, Indices};
use super::pages::{Result, damaged};

/// Texts that are not short and have no more than this take as much room as the longest, and are not measured one by one.
const MEASURED: usize = 256;

/// The dictionary of a row group.
pub(super) struct Dictionary {
    texts: Texts,
    /// Bytes of all texts.
    length: usize,
    /// The texts as an array, once somebody has asked for it.
    values: OnceLock<ArrayRef>,
}

enum Texts {
    /// Shorter than [`SHORT`]: each with its length in its last byte, so that one place of memory tells all of it.
    Slots(Vec<[u8; SHORT]>),
    Spans(Spans),
}

/// Texts of any length.
struct Spans {
    page: Bytes,
    spans: Vec<Span>,
    longest: usize,
}

/// Where a text is.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    length: u32,
}

impl Dictionary {
    /// Takes so many texts out of a page, in which each stands behind its length.
    ///
    /// # Errors
    /// Where the page ends before they do; for texts that are none.
    pub(super) fn new(page: &Bytes, entries: usize, are_texts: bool) -> Result<Self> {
        // Each has a length, which takes four bytes.
        let mut spans = Vec::with_capacity(entries.min(page.len() / 4));
        let (mut rest, mut longest, mut length) = (page.as_ref(), 0, 0);
        let fits = |length: usize| u32::try_from(length).map_err(|_| damaged("its dictionary is too long"));
        for _ in 0..entries {
            let (text, behind) = text_of(rest)?;
            let start = page.len() - behind.len() - text.len();
            spans.push(Span { start: fits(start)?, length: fits(text.len())? });
            longest = longest.max(text.len());
            length += text.len();
            rest = behind;
        }
        let spans = Spans { page: page.clone(), spans, longest };
        if are_texts && !spans.are_utf8() {
            return Err(damaged("its dictionary has texts that are not UTF-8"));
        }
        let texts = if longest < SHORT { Texts::Slots(spans.slots()?) } else { Texts::Spans(spans) };
        Ok(Self { texts, length, values: OnceLock::new() })
    }

    /// The texts' bytes, and their count.
    pub(super) fn size(&self) -> (usize, usize) {
        let count = match &self.texts {
            Texts::Slots(slots) => slots.len(),
            Texts::Spans(spans) => spans.spans.len(),
        };
        (self.length, count)
    }

    /// Appends the texts of the next rows.
    ///
    /// # Errors
    /// For indices that have no text, and where the texts become too long.
    pub(super) fn append<const WIDTH: usize>(
        &self,
        indices: &mut Indices,
        count: usize,
        to: &mut Appended<'_, WIDTH>,
    ) -> Result<()> {
        let mut left = count;
        while left > 0 {
            left -= match indices.next(left)? {
                Found::Equal(index, count) => {
                    to.repeat(self.text(index)?, count)?;
                    count
                }
                Found::Several(indices) => {
                    match &self.texts {
                        Texts::Slots(slots) => append_slots(slots, indices, to)?,
                        Texts::Spans(spans) => spans.append(indices, to)?,
                    }
                    indices.len()
                }
            };
        }
        Ok(())
    }

    /// The texts, each at its place.
    ///
    /// # Errors
    /// Where they do not fit an array, and for texts that are none.
    pub(super) fn values(&self) -> Result<ArrayRef> {
        if let Some(values) = self.values.get() {
            return Ok(Arc::clone(values));
        }
        let (bytes, count) = self.size();
        if i32::try_from(bytes).is_err() {
            return Err(damaged("its dictionary is too long"));
        }
        let mut values = StringBuilder::with_capacity(count, bytes);
        for index in 0..count {
            let text = std::str::from_utf8(self.text(index as u32)?);
            values.append_value(text.map_err(|_| damaged("its dictionary has texts that are not UTF-8"))?);
        }
        Ok(Arc::clone(self.values.get_or_init(|| Arc::new(values.finish()))))
    }

    /// Fills `to` with the places of the next rows among texts of which those of this dictionary begin at `start`.
    ///
    /// # Errors
    /// For indices that have no text, and where there are too few.
    pub(super) fn places(&self, indices: &mut Indices, start: u32, to: &mut [[u8; 4]]) -> Result<()> {
        let (_, count) = self.size();
        let mut to = to;
        while !to.is_empty() {
            let filled = match indices.next(to.len())? {
                Found::Equal(index, filled) => {
                    self.text(index)?;
                    to.iter_mut().take(filled).for_each(|to| *to = start.wrapping_add(index).to_le_bytes());
                    filled
                }
                Found::Several(indices) => {
                    let mut most = 0;
                    for (to, index) in to.iter_mut().zip(indices) {
                        most = most.max(*index);
                        *to = start.wrapping_add(*index).to_le_bytes();
                    }
                    if most as usize >= count {
                        return Err(not_there());
                    }
                    indices.len()
                }
            };
            to = to.get_mut(filled..).unwrap_or_default();
        }
        Ok(())
    }

    fn text(&self, index: u32) -> Result<&[u8]> {
        match &self.texts {
            Texts::Slots(slots) => slots.get(index as usize).and_then(|slot| slot.get(..length_of(slot))),
            Texts::Spans(spans) => spans.text(spans.of(index)?),
        }
        .ok_or_else(not_there)
    }
}

fn length_of(slot: &[u8; SHORT]) -> usize {
    usize::from(slot[SHORT - 1])
}

fn append_slots<const WIDTH: usize>(
    slots: &[[u8; SHORT]],
    indices: &[u32],
    to: &mut Appended<'_, WIDTH>,
) -> Result<()> {
    let Room { ends, values, mut at } = to.room(AT_ONCE * SHORT)?;
    for (index, end) in indices.iter().zip(ends) {
        let slot = slots.get(*index as usize).ok_or_else(not_there)?;
        values.get_mut(at..at + SHORT).ok_or_else(no_room)?.copy_from_slice(slot);
        at += length_of(slot);
        *end = end_of(at);
    }
    to.filled(indices.len(), at)
}

impl Spans {
    fn of(&self, index: u32) -> Result<Span> {
        self.spans.get(index as usize).copied().ok_or_else(not_there)
    }

    fn text(&self, span: Span) -> Option<&[u8]> {
        self.page.get(span.start as usize..)?.get(..span.length as usize)
    }

    fn are_utf8(&self) -> bool {
        let is_utf8 = |span: &Span| self.text(*span).is_some_and(|text| std::str::from_utf8(text).is_ok());
        // The lengths of short texts are letters too, and are looked at along with them.
        self.page.is_ascii() || self.spans.iter().all(is_utf8)
    }

    /// The texts as [slots](Texts::Slots), which they fit.
    fn slots(&self) -> Result<Vec<[u8; SHORT]>> {
        let mut slots = Vec::with_capacity(self.spans.len());
        for span in &self.spans {
            let rest = self.page.get(span.start as usize..).ok_or_else(not_there)?;
            // What is behind a text may be anything.
            let text = match rest.first_chunk() {
                Some(text) => u128::from_le_bytes(*text),
                None => rest.iter().rev().fold(0, |text, byte| text << 8 | u128::from(*byte)),
            };
            // As a number it stays in a register: bytes in memory would be read again before they are written.
            slots.push((text & u128::MAX >> 8 | u128::from(span.length) << 120).to_le_bytes());
        }
        Ok(slots)
    }

    fn append<const WIDTH: usize>(&self, indices: &[u32], to: &mut Appended<'_, WIDTH>) -> Result<()> {
        let more = match self.longest {
            0..=MEASURED => AT_ONCE * self.longest,
            _ => indices.iter().map(|index| self.of(*index).map(|span| span.length as usize)).sum::<Result<_>>()?,
        };
        let Room { ends, values, mut at } = to.room(more)?;
        for (index, end) in indices.iter().zip(ends) {
            let span = self.of(*index)?;
            let (start, length) = (span.start as usize, span.length as usize);
            let rest = self.page.get(start..).ok_or_else(not_there)?;
            let to = values.get_mut(at..).ok_or_else(no_room)?;
            match (rest.first_chunk::<SHORT>(), to.first_chunk_mut::<SHORT>()) {
                // What is behind a short text is written over.
                (Some(text), Some(to)) if length <= SHORT => *to = *text,
                _ => {
                    let text = rest.get(..length).ok_or_else(not_there)?;
                    to.get_mut(..length).ok_or_else(no_room)?.copy_from_slice(text);
                }
            }
            at += length;
            *end = end_of(at);
        }
        to.filled(indices.len(), at)
    }
}

/// The text that bytes begin with, behind its length, and what follows.
pub(super) fn text_of(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let text = bytes.split_first_chunk().and_then(|(length, rest)| {
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        rest.split_at_checked(length)
    });
    text.ok_or_else(|| damaged("a page ends before its texts"))
}

#[cold]
fn not_there() -> parquet::errors::ParquetError {
    damaged("a row has a text that its dictionary does not have")
}

#[cold]
fn no_room() -> parquet::errors::ParquetError {
    damaged("its texts have more bytes than they say")
}
