//! Columns of texts, and of bytes: one behind the other, or as places in a dictionary.
//!
//! The Parquet library copies each text by itself, and asks before each whether there is room for it. Most texts are short: they are
//! copied here as so many bytes whatever their length is, and room is made for many at once. Memory that was in use before is used
//! again.

use std::cell::Cell;
use std::sync::Arc;

use arrow::array::{ArrayRef, GenericByteArray, StringArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{BinaryType, ByteArrayType, DataType, LargeBinaryType, LargeUtf8Type, Utf8Type};
use bytes::Bytes;
use parquet::basic::{Encoding, EncodingMask, Type as Physical};
use parquet::file::page_index::offset_index::PageLocation;

use super::appended::{Appended, Room, SHORT, end_of};
use super::dictionary::{Dictionary, text_of};
use super::indices::Indices;
use super::keyed::KeyedTexts;
use super::known_texts::array_of;
use super::of_group::OfGroup;
use super::page_header::{PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY};
use super::pages::{InGroup, Page, PageValues, Pages, Result, damaged};
use super::runs::Run;
use super::source::SourceFile;
use super::spare::Spare;

/// A column of texts without nulls in all wanted row groups.
pub(super) struct TextColumn {
    memory: Spare,
    data_type: DataType,
    pages: Pages<Values>,
    dictionary: OfGroup<Dictionary>,
    form: Form,
}

/// Texts are given as places where all of a row group have no more bytes than this for each row, and than this.
const LONG: i64 = 256;
const MOST_KEYED: i64 = 64 << 20;

/// How texts are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One behind the other, and so it is: there are pages that have them so, or they are no texts.
    Whole,
    /// The same, of texts that are all in dictionaries.
    Unkeyed,
    /// As places in these.
    Keyed,
}

/// What is left of the values of a page.
enum Values {
    Plain(PlainTexts),
    InDictionary(Box<Indices>, Arc<Dictionary>),
}

/// Texts behind their lengths.
struct PlainTexts {
    bytes: Bytes,
    /// Where the next one begins, and how many there are still.
    at: usize,
    left: usize,
}

impl TextColumn {
    /// The column of this type in these row groups, where it is of this kind.
    pub(super) fn new<'a>(
        memory: &Spare,
        data_type: &DataType,
        groups: impl Iterator<Item = InGroup<'a>>,
        skipped: u64,
    ) -> Option<Self> {
        if !matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary) {
            return None;
        }
        let encodings = &[PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY];
        let are_in_dictionaries = Cell::new(data_type == &DataType::Utf8);
        let pages = Pages::new(memory, groups, skipped, encodings, |column| {
            let pages = column.page_encoding_stats_mask();
            let is_in_dictionary = pages.is_some_and(|pages| pages.encodings().all(is_dictionary));
            // All texts of a dictionary are given along with a row.
            let most = column.num_values().saturating_mul(LONG).min(MOST_KEYED);
            let is_in_dictionary = is_in_dictionary && column.uncompressed_size() <= most;
            are_in_dictionaries.set(are_in_dictionaries.get() && is_in_dictionary);
            column.column_type() == Physical::BYTE_ARRAY
                && are_known(column.encodings_mask())
                && pages.is_none_or(are_known)
        })?;
        let form = if are_in_dictionaries.get() { Form::Unkeyed } else { Form::Whole };
        let (memory, data_type) = (memory.clone(), data_type.clone());
        Some(Self { memory, data_type, pages, dictionary: OfGroup::default(), form })
    }

    /// The file of the row group in progress.
    pub(super) fn file(&self) -> &SourceFile {
        self.pages.file()
    }

    /// As [`Pages::at_page`].
    pub(super) fn at_page(self, pages: &[PageLocation]) -> Self {
        Self { pages: self.pages.at_page(pages), ..self }
    }

    /// The texts are given as places in the dictionaries of the file, where they are all in such.
    pub(super) fn keyed(self) -> Self {
        let form = if self.form == Form::Whole { Form::Whole } else { Form::Keyed };
        Self { form, ..self }
    }

    /// Whether they are given as [`keyed_texts`](super::keyed_texts).
    pub(super) fn is_keyed(&self) -> bool {
        self.form == Form::Keyed
    }

    /// The texts of the next runs, which must be there: of `rows` rows.
    ///
    /// # Errors
    /// Those of the file; for pages that are not what the footer says, and for texts that are not UTF-8.
    pub(super) fn next(&mut self, runs: &[Run], rows: usize) -> Result<ArrayRef> {
        match self.data_type {
            _ if self.is_keyed() => self.places(runs, rows),
            DataType::Utf8 => self.array::<Utf8Type, 4>(runs, rows, i32::MAX as usize),
            DataType::Binary => self.array::<BinaryType, 4>(runs, rows, i32::MAX as usize),
            DataType::LargeUtf8 => self.array::<LargeUtf8Type, 8>(runs, rows, isize::MAX.unsigned_abs()),
            _ => self.array::<LargeBinaryType, 8>(runs, rows, isize::MAX.unsigned_abs()),
        }
    }

    /// An array of places in dictionaries.
    fn places(&mut self, runs: &[Run], rows: usize) -> Result<ArrayRef> {
        let Self { memory, pages, dictionary, .. } = self;
        let length = rows.checked_mul(4).ok_or_else(|| damaged("it has too many rows"))?;
        let mut texts = KeyedTexts::default();
        let places = memory.filled(length, |places| {
            let (mut places, _) = places.as_chunks_mut::<4>();
            let open = |pages: &mut Pages<Values>, page: &Page| open(pages, page, dictionary, true);
            pages.read(runs, open, |values, _, count| {
                let (here, rest) = std::mem::take(&mut places)
                    .split_at_mut_checked(count)
                    .ok_or_else(|| damaged("it has more rows than are wanted"))?;
                places = rest;
                match values {
                    Values::InDictionary(indices, dictionary) => {
                        let start = texts.dictionary(dictionary)?;
                        dictionary.places(indices, start, here)
                    }
                    // The footer tells of none.
                    Values::Plain(plain) => {
                        let start = texts.add(plain.array(count)?)?;
                        here.iter_mut().zip(start..).for_each(|(to, place)| *to = place.to_le_bytes());
                        Ok(())
                    }
                }
            })?;
            if places.is_empty() { Ok(()) } else { Err(damaged("its rows end early")) }
        })?;
        texts.finish(places)
    }

    /// An array whose ends have `WIDTH` bytes each, and whose texts `most` together.
    fn array<T: ByteArrayType, const WIDTH: usize>(
        &mut self,
        runs: &[Run],
        rows: usize,
        most: usize,
    ) -> Result<ArrayRef> {
        let are_texts = matches!(T::DATA_TYPE, DataType::Utf8 | DataType::LargeUtf8);
        let Self { memory, pages, dictionary, .. } = self;
        let length = rows.checked_add(1).and_then(|ends| ends.checked_mul(WIDTH));
        let mut values = Bytes::new();
        let mut are_known = true;
        let ends = memory.filled(length.ok_or_else(|| damaged("it has too many rows"))?, |ends| {
            let mut texts = Appended::<WIDTH>::new(ends.as_chunks_mut().0, memory, most);
            pages.read(
                runs,
                |pages, page| open(pages, page, dictionary, are_texts),
                |values, _, count| {
                    are_known &= matches!(values, Values::InDictionary(..));
                    values.append(count, &mut texts)
                },
            )?;
            texts.finish().map(|texts| values = texts)
        })?;
        let ends = OffsetBuffer::new(ScalarBuffer::<T::Offset>::from(Buffer::from(ends)));
        let values = Buffer::from(values);
        if are_known {
            // SAFETY: each is a copy of one of the texts of a dictionary, which are UTF-8 where texts are wanted.
            #[allow(unsafe_code, reason = "the texts of the dictionary were looked at")]
            return Ok(Arc::new(unsafe { array_of::<T>(ends, values, None) }?));
        }
        let array = GenericByteArray::<T>::try_new(ends, values, None);
        Ok(Arc::new(array.map_err(|error| damaged(&error.to_string()))?))
    }
}

/// Whether this reads values of these encodings; levels are runs.
fn are_known(mask: &EncodingMask) -> bool {
    mask.encodings().all(|encoding| matches!(encoding, Encoding::PLAIN | Encoding::RLE) || is_dictionary(encoding))
}

fn is_dictionary(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY)
}

/// Finds the values of a page behind those that are left out.
fn open(
    pages: &mut Pages<Values>,
    page: &Page,
    dictionary: &mut OfGroup<Dictionary>,
    are_texts: bool,
) -> Result<Values> {
    let held = pages.hold(page)?;
    let at = pages.values_start(page, Some(&held))?;
    if page.header.encoding == PLAIN {
        let mut texts = PlainTexts { bytes: held, at, left: page.header.values };
        texts.pass(page.taken)?;
        return Ok(Values::Plain(texts));
    }
    let mut indices = Box::new(Indices::new(held, at)?);
    indices.pass(page.taken)?;
    let texts = dictionary.get(pages, |page, entries| Dictionary::new(page, entries, are_texts))?;
    Ok(Values::InDictionary(indices, texts))
}

impl PageValues for Values {
    fn pass(&mut self, count: usize) -> Result<()> {
        match self {
            Self::Plain(texts) => texts.pass(count),
            Self::InDictionary(indices, _) => indices.pass(count),
        }
    }
}

impl Values {
    /// Appends the next texts.
    fn append<const WIDTH: usize>(&mut self, count: usize, to: &mut Appended<'_, WIDTH>) -> Result<()> {
        match self {
            Self::Plain(texts) => texts.append(count, to),
            Self::InDictionary(indices, dictionary) => {
                let (bytes, entries) = dictionary.size();
                to.expect(bytes, entries);
                dictionary.append(indices, count, to)
            }
        }
    }
}

impl PlainTexts {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Leaves out so many.
    fn pass(&mut self, count: usize) -> Result<()> {
        for _ in 0..count {
            let (_, rest) = text_of(self.rest())?;
            self.at = self.bytes.len() - rest.len();
        }
        self.left = self.left.saturating_sub(count);
        Ok(())
    }

    /// So many as an array.
    fn array(&mut self, count: usize) -> Result<ArrayRef> {
        let mut texts = Vec::with_capacity(count.min(self.left));
        let mut rest = self.rest();
        for _ in 0..count {
            let (text, behind) = text_of(rest)?;
            texts.push(std::str::from_utf8(text).map_err(|_| damaged("it has texts that are not UTF-8"))?);
            rest = behind;
        }
        let (array, at) = (StringArray::from(texts), self.bytes.len() - rest.len());
        (self.at, self.left) = (at, self.left.saturating_sub(count));
        Ok(Arc::new(array))
    }

    fn append<const WIDTH: usize>(&mut self, count: usize, to: &mut Appended<'_, WIDTH>) -> Result<()> {
        let bytes = self.rest().len().saturating_sub(self.left.saturating_mul(4));
        to.expect(bytes, self.left);
        let mut left = count;
        while left > 0 {
            left -= self.append_while_there_is_room(left, to)?;
            if left > 0 {
                let (text, rest) = text_of(self.rest())?;
                to.repeat(text, 1)?;
                self.at = self.bytes.len() - rest.len();
                left -= 1;
            }
        }
        self.left = self.left.saturating_sub(count);
        Ok(())
    }

    /// Appends texts up to the first for which there is no room, or behind which the page ends soon, and says how many.
    fn append_while_there_is_room<const WIDTH: usize>(
        &mut self,
        count: usize,
        to: &mut Appended<'_, WIDTH>,
    ) -> Result<usize> {
        const WITH_LENGTH: usize = 4 + SHORT;
        let Room { ends, values, mut at } = to.room(0)?;
        let bytes = self.bytes.as_ref();
        let (mut from, mut done) = (self.at, 0);
        for end in ends.iter_mut().take(count) {
            let Some(head) = bytes.get(from..).and_then(<[u8]>::first_chunk::<WITH_LENGTH>) else { break };
            let [a, b, c, d, short @ ..] = head;
            let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            let Some(to) = values.get_mut(at..) else { break };
            if length <= SHORT {
                let Some(to) = to.first_chunk_mut::<SHORT>() else { break };
                *to = *short;
            } else {
                let text = bytes.get(from + 4..).and_then(|rest| rest.get(..length));
                let (Some(text), Some(to)) = (text, to.get_mut(..length)) else { break };
                to.copy_from_slice(text);
            }
            at += length;
            from += 4 + length;
            *end = end_of(at);
            done += 1;
        }
        self.at = from;
        to.filled(done, at)?;
        Ok(done)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
