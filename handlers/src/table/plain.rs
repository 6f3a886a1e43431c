//! Columns whose values are stored as they are, numbers one after another and truth values bit by bit, as places in a dictionary of numbers, or
//! as differences of whole numbers.
//!
//! The Parquet library reads a page into memory, clears memory for its values and copies them there; truth values become bytes on
//! the way and bits again. Here numbers are read from the file to where they stay, or put there out of their dictionary, and bits are copied by the word.

use std::sync::Arc;

use arrow::array::{ArrayData, ArrayRef, BooleanArray, BooleanBufferBuilder, make_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, TimeUnit};
use bytes::Bytes;
use parquet::basic::{Encoding, Type as Physical};
use parquet::file::page_index::offset_index::PageLocation;

use super::differences::Differences;
use super::indices::Indices;
use super::numbers::Numbers;
use super::of_group::OfGroup;
use super::page_header::{DELTA_BINARY_PACKED, PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY};
use super::pages::{InGroup, Page, PageValues, Pages, Result, damaged};
use super::runs::Run;
use super::source::SourceFile;
use super::spare::Spare;

/// Bytes of a value of which none exists.
const BITS: usize = 0;

/// A column of which the values of all wanted row groups are stored in these ways, and which has no null.
pub(super) struct PlainColumn {
    memory: Spare,
    data_type: DataType,
    /// Bytes of a value; [`BITS`] of truth values.
    width: usize,
    pages: Pages<Values>,
    dictionary: OfGroup<Numbers>,
}

/// Where the values of a page are.
enum Values {
    /// In a file, from here on.
    Stored(SourceFile, u64),
    /// In memory, from here on.
    Held(Bytes, usize),
    /// In the dictionary of the row group.
    InDictionary(Box<Indices>, Arc<Numbers>),
    Differences(Box<Differences>),
}

impl PlainColumn {
    /// The column of this type in these row groups, where it is of this kind.
    pub(super) fn new<'a>(
        memory: &Spare,
        data_type: &DataType,
        groups: impl Iterator<Item = InGroup<'a>>,
        skipped: u64,
    ) -> Option<Self> {
        let (physical, width) = stored_as(data_type)?;
        let encodings: &[u64] = match physical {
            Physical::BOOLEAN => &[PLAIN],
            Physical::INT32 | Physical::INT64 => &[PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY, DELTA_BINARY_PACKED],
            _ => &[PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY],
        };
        let pages = Pages::new(memory, groups, skipped, encodings, |column| {
            if column.column_type() != physical {
                return false;
            }
            match (physical, column.page_encoding_stats_mask()) {
                (Physical::BOOLEAN, pages) => pages.is_some_and(|pages| pages.is_only(Encoding::PLAIN)),
                (physical, Some(pages)) => pages.encodings().all(|encoding| is_known(encoding, physical)),
                // Levels are runs, and numbers never are.
                (physical, None) => {
                    let mut all = column.encodings();
                    all.all(|encoding| encoding == Encoding::RLE || is_known(encoding, physical))
                }
            }
        })?;
        let dictionary = OfGroup::default();
        Some(Self { memory: memory.clone(), data_type: data_type.clone(), width, pages, dictionary })
    }

    /// The file of the row group in progress.
    pub(super) fn file(&self) -> &SourceFile {
        self.pages.file()
    }

    /// As [`Pages::at_page`].
    pub(super) fn at_page(self, pages: &[PageLocation]) -> Self {
        Self { pages: self.pages.at_page(pages), ..self }
    }

    /// The values of the next runs, which must be there: of `rows` rows.
    ///
    /// # Errors
    /// Those of the file; for pages that are not what the footer says.
    pub(super) fn next(&mut self, runs: &[Run], rows: usize) -> Result<ArrayRef> {
        let Self { memory, data_type, width, pages, dictionary } = self;
        let width = *width;
        // Numbers here and there are not read from the file one by one.
        let is_whole = runs.len() < 2;
        let open = |pages: &mut Pages<Values>, page: &Page| match page.header.encoding {
            PLAIN => open(pages, page, width, is_whole),
            DELTA_BINARY_PACKED => open_differences(pages, page),
            _ => open_in_dictionary(pages, page, width, dictionary),
        };
        if width == BITS {
            let mut bits = BooleanBufferBuilder::new(rows);
            pages.read(runs, open, |values, taken, count| values.bits(taken, count, &mut bits))?;
            return Ok(Arc::new(BooleanArray::new(bits.finish(), None)));
        }
        let length = rows.checked_mul(width).ok_or_else(|| damaged("it has too many rows"))?;
        let values = memory.filled(length, |mut to| {
            pages.read(runs, open, |values, taken, count| {
                let (here, rest) = std::mem::take(&mut to)
                    .split_at_mut_checked(count * width)
                    .ok_or_else(|| damaged("it has more rows than are wanted"))?;
                to = rest;
                values.numbers(width, taken * width, here)
            })?;
            // What nobody has filled is of another file.
            if to.is_empty() { Ok(()) } else { Err(damaged("its rows end early")) }
        })?;
        let data = ArrayData::builder(data_type.clone()).len(rows).add_buffer(Buffer::from(values));
        Ok(make_array(data.build()?))
    }
}

/// Finds the values of a page, and sees to it that there are as many as its header says.
fn open(pages: &mut Pages<Values>, page: &Page, width: usize, is_whole: bool) -> Result<Values> {
    let header = &page.header;
    let length = match width {
        BITS => header.values.div_ceil(8),
        width => header.values.checked_mul(width).ok_or_else(|| damaged("a page has too many values"))?,
    };
    // Nobody need hold numbers that are read to where they stay.
    let is_stored = is_whole && !page.is_compressed && header.crc.is_none() && width != BITS;
    let held = if is_stored { None } else { Some(pages.hold(page)?) };
    let start = pages.values_start(page, held.as_ref())?;
    let all = held.as_ref().map_or(header.stored, Bytes::len);
    // Some writers fill up pages.
    if start.checked_add(length).is_none_or(|end| end > all) {
        return Err(damaged("a page ends before its values"));
    }
    Ok(match held {
        None => Values::Stored(pages.file().clone(), page.start + start as u64),
        Some(held) => Values::Held(held, start),
    })
}

/// Finds the places that a page has behind those that are left out.
fn open_in_dictionary(
    pages: &mut Pages<Values>,
    page: &Page,
    width: usize,
    dictionary: &mut OfGroup<Numbers>,
) -> Result<Values> {
    let held = pages.hold(page)?;
    let start = pages.values_start(page, Some(&held))?;
    let mut indices = Box::new(Indices::new(held, start)?);
    indices.pass(page.taken)?;
    let numbers = dictionary.get(pages, |page, entries| Numbers::new(page, entries, width))?;
    Ok(Values::InDictionary(indices, numbers))
}

/// Finds the differences of a page behind those that are left out.
fn open_differences(pages: &mut Pages<Values>, page: &Page) -> Result<Values> {
    let held = pages.hold(page)?;
    let start = pages.values_start(page, Some(&held))?;
    let mut differences = Box::new(Differences::new(held, start, page.header.values)?);
    differences.pass(page.taken)?;
    Ok(Values::Differences(differences))
}

/// How pages of numbers may be encoded.
fn is_known(encoding: Encoding, physical: Physical) -> bool {
    match encoding {
        Encoding::PLAIN | Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY => true,
        Encoding::DELTA_BINARY_PACKED => matches!(physical, Physical::INT32 | Physical::INT64),
        _ => false,
    }
}

impl PageValues for Values {
    fn pass(&mut self, count: usize) -> Result<()> {
        match self {
            // They are known by their places.
            Self::Stored(..) | Self::Held(..) => Ok(()),
            Self::InDictionary(indices, _) => indices.pass(count),
            Self::Differences(differences) => differences.pass(count),
        }
    }
}

impl Values {
    /// Reads numbers, as many as fit, from so many bytes on.
    fn numbers(&mut self, width: usize, from: usize, to: &mut [u8]) -> Result<()> {
        match self {
            Self::InDictionary(indices, numbers) => numbers.fill(indices, to),
            Self::Differences(differences) => differences.fill(width, to),
            Self::Stored(file, start) => Ok(file.read_at(to, *start + from as u64)?),
            Self::Held(bytes, start) => {
                let values = bytes.get(*start + from..*start + from + to.len());
                to.copy_from_slice(values.ok_or_else(|| damaged("a page ends early"))?);
                Ok(())
            }
        }
    }

    /// Appends so many truth values behind those that were taken.
    fn bits(&self, taken: usize, count: usize, to: &mut BooleanBufferBuilder) -> Result<()> {
        let Self::Held(bytes, start) = self else { return Err(damaged("a page was not held")) };
        let values = bytes.get(*start..).unwrap_or_default();
        let range = taken..taken + count;
        if range.end > values.len() * 8 {
            return Err(damaged("a page ends early"));
        }
        to.append_packed_range(range, values);
        Ok(())
    }
}

/// How values of a type are stored where this reads them, and the bytes of each.
fn stored_as(data_type: &DataType) -> Option<(Physical, usize)> {
    Some(match data_type {
        DataType::Boolean => (Physical::BOOLEAN, BITS),
        DataType::Float32 => (Physical::FLOAT, 4),
        DataType::Float64 => (Physical::DOUBLE, 8),
        DataType::Int32 | DataType::UInt32 | DataType::Date32 | DataType::Time32(TimeUnit::Millisecond) => {
            (Physical::INT32, 4)
        }
        DataType::Int64 | DataType::UInt64 | DataType::Timestamp(..) | DataType::Time64(_) | DataType::Duration(_) => {
            (Physical::INT64, 8)
        }
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
