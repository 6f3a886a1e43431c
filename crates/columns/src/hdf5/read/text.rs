//! Texts: Arrow's layout of offsets and bytes, cells of a fixed length, and NumPy's old UTF-32 cells.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, GenericStringArray, OffsetSizeTrait, StringBuilder};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::block::{Block, Label};
use super::structure::{Element, Padding};
use crate::error::{ColumnsError, ColumnsResult};
use crate::source::{RawOffsets, RawTexts, offsets_hold, texts_hold};
use crate::store::Store;

/// Texts of any length.
#[derive(Debug)]
pub(super) struct Texts {
    indices: Block,
    /// Bytes of all texts.
    bytes: u64,
}

impl Texts {
    /// Texts that lie in `data` between neighbouring `indices`.
    pub(super) fn new(label: &Label, data: &Block, indices: Block) -> ColumnsResult<Self> {
        if !indices.inner.is_empty() || !data.inner.is_empty() || data.element.bytes() != 1 {
            return Err(label.damaged("is text, whose bytes and offsets are to have one dimension"));
        }
        if !matches!(indices.element, Element::Int { bytes: 4 | 8, .. }) {
            return Err(label.damaged("is text, whose offsets are to be whole numbers of 32 or 64 bits"));
        }
        Ok(Self { indices, bytes: data.rows })
    }

    /// How many texts there are.
    pub(super) fn rows(&self) -> u64 {
        self.indices.rows.saturating_sub(1)
    }

    /// Whether the offsets have 64 bits.
    pub(super) fn is_large(&self) -> bool {
        self.indices.element != Element::Int { bytes: 4, signed: true }
    }

    /// Some of the texts.
    pub(super) fn read(
        &self,
        store: &Store,
        label: &Label,
        data: &Block,
        rows: Range<u64>,
        nulls: Option<NullBuffer>,
    ) -> ColumnsResult<ArrayRef> {
        if rows.is_empty() {
            return Ok(match self.is_large() {
                true => Arc::new(GenericStringArray::<i64>::from(Vec::<&str>::new())),
                false => Arc::new(GenericStringArray::<i32>::from(Vec::<&str>::new())),
            });
        }
        let start = rows.start;
        let numbers = self.indices.numbers(store, label, rows.start..rows.end + 1)?;
        let build = Build { store, label, data, bytes: self.bytes, start, nulls };
        match self.indices.element {
            Element::Int { bytes: 4, signed: true } => {
                build.finish::<i32>(numbers.typed_data::<i32>().iter().map(|offset| u64::try_from(*offset).ok()))
            }
            Element::Int { bytes: 4, .. } => {
                build.finish::<i64>(numbers.typed_data::<u32>().iter().map(|offset| Some(u64::from(*offset))))
            }
            Element::Int { signed: true, .. } => {
                build.finish::<i64>(numbers.typed_data::<i64>().iter().map(|offset| u64::try_from(*offset).ok()))
            }
            _ => build.finish::<i64>(numbers.typed_data::<u64>().iter().map(|offset| Some(*offset))),
        }
    }
}

impl Texts {
    /// Some of the texts as they lie in the file; none where they would have to be copied, and where they are damaged, which
    /// [`read`](Self::read) tells better.
    pub(super) fn raw(
        &self,
        store: &Store,
        label: &Label,
        data: &Block,
        rows: Range<u64>,
        nulls: Option<NullBuffer>,
    ) -> ColumnsResult<Option<RawTexts>> {
        if rows.is_empty() || !self.indices.is_mapped(store) || !data.is_mapped(store) {
            return Ok(None);
        }
        let count = (rows.end - rows.start) as usize + 1;
        let numbers = self.indices.numbers(store, label, rows.start..rows.end + 1)?;
        let end = usize::try_from(self.bytes).unwrap_or(usize::MAX);
        let found = match self.indices.element {
            Element::Int { bytes: 4, signed: true } => {
                span::<i32>(numbers, count, end).map(|(offsets, span)| (RawOffsets::Short(offsets), span))
            }
            Element::Int { bytes: 8, signed: true } => {
                span::<i64>(numbers, count, end).map(|(offsets, span)| (RawOffsets::Long(offsets), span))
            }
            _ => None,
        };
        let Some((offsets, span)) = found else { return Ok(None) };
        // Short texts are loaded eight bytes at a time, some of which may be those of the next one.
        let end = span.end.saturating_add(8).min(data.rows);
        let Some(bytes) = data.up_to(store, label, span.start..end)? else { return Ok(None) };
        let holds = match &offsets {
            RawOffsets::Short(offsets) => texts_hold(offsets, &bytes),
            RawOffsets::Long(offsets) => texts_hold(offsets, &bytes),
        };
        Ok(holds.then_some(RawTexts { offsets, bytes, nulls }))
    }
}

/// Offsets, and where the first text begins and the last one ends; none where they do not hold within so many bytes.
fn span<O: OffsetSizeTrait>(numbers: Buffer, count: usize, bytes: usize) -> Option<(ScalarBuffer<O>, Range<u64>)> {
    let offsets = ScalarBuffer::<O>::new(numbers, 0, count);
    let (first, last) = (offsets.first()?, offsets.last()?);
    let span = first.to_usize()? as u64..last.to_usize()? as u64;
    offsets_hold(&offsets, bytes).then_some((offsets, span))
}

/// What an array of texts is made of besides its offsets.
struct Build<'a> {
    store: &'a Store,
    label: &'a Label,
    data: &'a Block,
    bytes: u64,
    /// The first row.
    start: u64,
    nulls: Option<NullBuffer>,
}

impl Build<'_> {
    /// The array of the texts between neighbours of `offsets`, which are checked first. They are counted from the first, so
    /// that only the bytes of these rows are looked at.
    fn finish<O: OffsetSizeTrait>(self, offsets: impl Iterator<Item = Option<u64>>) -> ColumnsResult<ArrayRef> {
        let mut first = None;
        let mut last = 0;
        let mut counted: Vec<O> = Vec::with_capacity(offsets.size_hint().0);
        for (offset, row) in offsets.zip(self.start..) {
            let first = *first.get_or_insert(offset.unwrap_or(0));
            let fits = offset.filter(|offset| *offset >= last.max(first) && *offset <= self.bytes);
            let length = fits.and_then(|offset| O::from_usize(usize::try_from(offset - first).ok()?));
            let (Some(offset), Some(length)) = (fits, length) else {
                return Err(self.label.damaged(format_args!(
                    "is text whose offset at row {row} is wrong: {offset:?} after {last}, of {} bytes",
                    self.bytes
                )));
            };
            last = offset;
            counted.push(length);
        }
        let bytes = self.data.bytes(self.store, self.label, first.unwrap_or(0)..last)?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(counted));
        let array = GenericStringArray::<O>::try_new(offsets, bytes, self.nulls);
        Ok(Arc::new(array.map_err(|error| not_utf8(self.label, self.start, error))?))
    }
}

fn not_utf8(label: &Label, start: u64, error: impl std::fmt::Display) -> ColumnsError {
    label.damaged(format_args!("is text that is not UTF-8, after row {start}: {error}"))
}

/// Cells of `width` bytes, without what they are padded with.
pub(super) fn cells(
    label: &Label,
    cells: &Buffer,
    width: usize,
    padding: Padding,
    nulls: Option<&NullBuffer>,
    row_of: impl Fn(usize) -> u64,
) -> ColumnsResult<ArrayRef> {
    let cells = cells.chunks_exact(width.max(1));
    let mut texts = StringBuilder::with_capacity(cells.len(), 0);
    for (at, cell) in cells.enumerate() {
        if nulls.is_some_and(|nulls| nulls.is_null(at)) {
            texts.append_null();
            continue;
        }
        let length = match padding {
            Padding::Terminated => cell.iter().position(|byte| *byte == 0),
            Padding::Zeros => Some(cell.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)),
            Padding::Spaces => Some(cell.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |last| last + 1)),
        };
        let text = std::str::from_utf8(&cell[..length.unwrap_or(cell.len())]);
        let text = text.map_err(|error| not_utf8(label, row_of(at), error))?;
        push(label, &mut texts, text)?;
    }
    Ok(Arc::new(texts.finish()))
}

/// Cells of UTF-32 code units in the order of this machine, ended by zeros.
pub(super) fn utf32(
    label: &Label,
    cells: &Buffer,
    characters: usize,
    nulls: Option<&NullBuffer>,
    start: u64,
) -> ColumnsResult<ArrayRef> {
    let cells = cells.chunks_exact(characters.max(1) * 4);
    let mut texts = StringBuilder::with_capacity(cells.len(), 0);
    let mut text = String::new();
    for (at, cell) in cells.enumerate() {
        if nulls.is_some_and(|nulls| nulls.is_null(at)) {
            texts.append_null();
            continue;
        }
        text.clear();
        let units = cell.as_chunks::<4>().0.iter().map(|unit| u32::from_ne_bytes(*unit));
        let mut zeros = 0;
        for unit in units {
            // Zeros at the end are padding, and zeros within are characters.
            if unit == 0 {
                zeros += 1;
                continue;
            }
            text.extend(std::iter::repeat_n('\0', std::mem::take(&mut zeros)));
            let character = char::from_u32(unit).ok_or_else(|| {
                label.damaged(format_args!("is text with the character {unit:#x} in row {}", start + at as u64))
            })?;
            text.push(character);
        }
        push(label, &mut texts, &text)?;
    }
    Ok(Arc::new(texts.finish()))
}

/// Appends a text, unless there are more bytes of them than offsets of 32 bits can count.
fn push(label: &Label, texts: &mut StringBuilder, text: &str) -> ColumnsResult<()> {
    if texts.values_slice().len() + text.len() > i32::MAX as usize {
        return Err(label.unsupported("has more than 2 GiB of text in the rows asked for; ask for fewer rows at once"));
    }
    texts.append_value(text);
    Ok(())
}
