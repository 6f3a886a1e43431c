//! Rows of a batch as arrays: each buffer is cut to the rows first.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BooleanArray, DictionaryArray, FixedSizeListArray, GenericByteArray,
    GenericByteViewArray, GenericListArray, MapArray, NullArray, OffsetSizeTrait, StructArray, make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType, BinaryType, BinaryViewType, ByteArrayType, ByteViewType, DataType, Field,
    FieldRef, Int8Type, Int16Type, Int32Type, Int64Type, LargeBinaryType, LargeUtf8Type, Schema, StringViewType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type, Utf8Type,
};

use super::codec::decompressed;
use super::dictionary::Dictionaries;
use super::layout::{Cursor, Layout};
use crate::error::{ColumnsError, ColumnsResult};
use crate::source::{RawCodes, RawColumn, RawOffsets, RawTexts, offsets_hold, texts_hold};
use crate::store::Store;

/// Decodes the columns of a batch.
#[derive(Debug)]
pub(super) struct Decoder<'s> {
    store: &'s Store,
    layout: Arc<Layout>,
    dictionaries: &'s Dictionaries,
    /// How many messages came before the batch.
    order: usize,
}

/// An array with the arrays within it, in the making.
struct Walk<'d> {
    decoder: &'d Decoder<'d>,
    cursor: Cursor,
    /// The name of the column, for messages.
    column: &'d str,
}

impl<'s> Decoder<'s> {
    pub(super) fn new(store: &'s Store, layout: Arc<Layout>, dictionaries: &'s Dictionaries, order: usize) -> Self {
        Self { store, layout, dictionaries, order }
    }

    /// Some rows of a column, whole in Arrow's sense.
    pub(super) fn column(&self, schema: &Schema, column: usize, rows: Range<usize>) -> ColumnsResult<ArrayRef> {
        match schema.fields().get(column) {
            Some(field) => self.field(field, column, rows),
            None => Err(ColumnsError::option(format!("there is no column {column}"))),
        }
    }

    pub(super) fn field(&self, field: &Field, column: usize, rows: Range<usize>) -> ColumnsResult<ArrayRef> {
        let mut walk = Walk { decoder: self, cursor: self.layout.column(column), column: field.name() };
        walk.array(field, rows)
    }

    /// Some rows of a column as they lie in the file.
    pub(super) fn raw_column(&self, schema: &Schema, column: usize, rows: Range<usize>) -> ColumnsResult<RawColumn> {
        let Some(field) = schema.fields().get(column) else {
            return Err(ColumnsError::option(format!("there is no column {column}")));
        };
        let mut walk = Walk { decoder: self, cursor: self.layout.column(column), column: field.name() };
        match field.data_type() {
            DataType::Utf8 => {
                let (offsets, bytes, nulls) = walk.texts::<i32>(rows)?;
                Ok(RawColumn::Texts(RawTexts { offsets: RawOffsets::Short(offsets), bytes, nulls }))
            }
            DataType::LargeUtf8 => {
                let (offsets, bytes, nulls) = walk.texts::<i64>(rows)?;
                Ok(RawColumn::Texts(RawTexts { offsets: RawOffsets::Long(offsets), bytes, nulls }))
            }
            DataType::Dictionary(key, values)
                if matches!(**values, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) =>
            {
                let codes = walk.fixed(key, rows)?;
                let (dictionary, id) = walk.dictionary(field, values)?;
                walk.check_codes(&codes, dictionary.len())?;
                Ok(RawColumn::Codes(RawCodes { codes, dictionary, id }))
            }
            _ => Ok(RawColumn::Array(walk.array(field, rows)?)),
        }
    }
}

impl Walk<'_> {
    fn damaged(&self, reason: impl std::fmt::Display) -> ColumnsError {
        ColumnsError::damaged(self.decoder.store.path(), format!("has a damaged column '{}': it {reason}", self.column))
    }

    /// The length of the next array and whether rows are missing in it; it has these rows.
    fn node(&mut self, rows: &Range<usize>) -> ColumnsResult<(usize, bool)> {
        let node = self.decoder.layout.node(&mut self.cursor).ok_or_else(|| self.damaged("is not there"))?;
        let length = usize::try_from(node.length).ok().filter(|length| rows.start <= rows.end && rows.end <= *length);
        match length {
            Some(length) => Ok((length, node.nulls > 0)),
            None => Err(self.damaged(format_args!("has {} rows, and not {}", node.length, rows.end))),
        }
    }

    /// A stretch of the next buffer.
    fn part(&mut self, stretch: Range<usize>) -> ColumnsResult<Buffer> {
        let place = self.decoder.layout.buffer(&mut self.cursor).ok_or_else(|| self.damaged("lacks a buffer"))?;
        self.part_of(&place, stretch)
    }

    fn part_of(&self, place: &Range<u64>, stretch: Range<usize>) -> ColumnsResult<Buffer> {
        let store = self.decoder.store;
        if stretch.is_empty() {
            return Ok(Buffer::from_vec(Vec::<u8>::new()));
        }
        if let Some(codec) = self.decoder.layout.codec {
            let all = store.bytes(place.start, place.end - place.start)?;
            let all = decompressed(codec, &all, stretch.end).map_err(|reason| self.damaged(reason))?;
            return Ok(all.slice_with_length(stretch.start, stretch.len()));
        }
        let size = place.end - place.start;
        if stretch.end as u64 > size {
            return Err(self.damaged(format_args!("has a buffer of {size} bytes, and {} are used", stretch.end)));
        }
        store.bytes(place.start + stretch.start as u64, stretch.len() as u64)
    }

    /// A stretch of so many bytes for each row.
    fn stretch(&self, rows: &Range<usize>, width: usize) -> ColumnsResult<Range<usize>> {
        match (rows.start.checked_mul(width), rows.end.checked_mul(width)) {
            (Some(start), Some(end)) => Ok(start..end),
            _ => Err(self.damaged(format_args!("claims {} rows of {width} bytes", rows.end))),
        }
    }

    /// Which rows have a value: the next buffer, and a copy of it, so that what was counted stays.
    fn nulls(&mut self, rows: &Range<usize>, missing: bool) -> ColumnsResult<Option<NullBuffer>> {
        if !missing {
            self.decoder.layout.buffer(&mut self.cursor);
            return Ok(None);
        }
        let bits = self.bits(rows, true)?;
        Ok(Some(NullBuffer::new(bits)).filter(|nulls| nulls.null_count() > 0))
    }

    /// The bits of rows, of the next buffer.
    fn bits(&mut self, rows: &Range<usize>, copied: bool) -> ColumnsResult<BooleanBuffer> {
        let bytes = self.part(rows.start / 8..rows.end.div_ceil(8).max(rows.start / 8))?;
        let bytes = if copied { Buffer::from_slice_ref(bytes.as_slice()) } else { bytes };
        if rows.is_empty() {
            return Ok(BooleanBuffer::new_unset(0));
        }
        Ok(BooleanBuffer::new(bytes, rows.start % 8, rows.len()))
    }

    /// Values of a fixed width: a node and two buffers.
    fn fixed(&mut self, type_: &DataType, rows: Range<usize>) -> ColumnsResult<ArrayRef> {
        let width = match type_ {
            DataType::FixedSizeBinary(width) => usize::try_from(*width).ok(),
            other => other.primitive_width(),
        };
        let Some(width) = width else { return Err(self.unsupported(type_)) };
        let (_, missing) = self.node(&rows)?;
        let nulls = self.nulls(&rows, missing)?;
        let values = self.part(self.stretch(&rows, width)?)?;
        let data =
            ArrayData::builder(type_.clone()).len(rows.len()).add_buffer(values).nulls(nulls).align_buffers(true);
        Ok(make_array(data.build()?))
    }

    /// Offsets of rows and one more, which are known to rise. They begin anywhere.
    fn offsets<T: ArrowNativeType>(&mut self, rows: &Range<usize>) -> ColumnsResult<ScalarBuffer<T>> {
        let width = size_of::<T>();
        if rows.is_empty() {
            self.decoder.layout.buffer(&mut self.cursor);
            return Ok(ScalarBuffer::from(vec![T::default()]));
        }
        let stretch = self.stretch(&(rows.start..rows.end.saturating_add(1)), width)?;
        let bytes = self.part(stretch)?;
        // Files align buffers to 8 bytes, but need not.
        let bytes = match bytes.as_ptr().align_offset(width) {
            0 => bytes,
            _ => Buffer::from_slice_ref(bytes.as_slice()),
        };
        Ok(ScalarBuffer::new(bytes, 0, rows.len() + 1))
    }

    /// Texts or strings of bytes: a node and three buffers. The bytes are those of these rows alone where the file is read in
    /// pieces, and offsets count from their beginning.
    fn bytes<T: OffsetSizeTrait>(
        &mut self,
        rows: Range<usize>,
    ) -> ColumnsResult<(ScalarBuffer<T>, Buffer, Option<NullBuffer>)> {
        let (_, missing) = self.node(&rows)?;
        let nulls = self.nulls(&rows, missing)?;
        let offsets = self.offsets::<T>(&rows)?;
        let place = self.decoder.layout.buffer(&mut self.cursor).ok_or_else(|| self.damaged("lacks its bytes"))?;
        let size = match self.decoder.layout.codec {
            None => usize::try_from(place.end - place.start).unwrap_or(usize::MAX),
            Some(_) => usize::MAX,
        };
        if !offsets_hold(&offsets, size) {
            return Err(self.damaged(format_args!("has texts that end before they begin, or after their {size} bytes")));
        }
        let end = offsets.last().map_or(0, |last| last.as_usize());
        if self.decoder.store.is_mapped() || self.decoder.layout.codec.is_some() {
            return Ok((offsets, self.part_of(&place, 0..end)?, nulls));
        }
        let first = offsets.first().copied().unwrap_or_default();
        let bytes = self.part_of(&place, first.as_usize()..end)?;
        Ok((offsets.iter().map(|offset| *offset - first).collect(), bytes, nulls))
    }

    /// The same of bytes that are texts.
    fn texts<T: OffsetSizeTrait>(
        &mut self,
        rows: Range<usize>,
    ) -> ColumnsResult<(ScalarBuffer<T>, Buffer, Option<NullBuffer>)> {
        let (offsets, bytes, nulls) = self.bytes::<T>(rows)?;
        match offsets.len() <= 1 || texts_hold(&offsets, &bytes) {
            true => Ok((offsets, bytes, nulls)),
            false => Err(self.damaged("has text that is not UTF-8")),
        }
    }

    /// Texts or strings of bytes that Arrow may rely on: with offsets that nobody changes.
    fn byte_array<T: ByteArrayType>(&mut self, rows: Range<usize>) -> ColumnsResult<ArrayRef> {
        let (offsets, bytes, nulls) = self.bytes::<T::Offset>(rows)?;
        let offsets: Vec<T::Offset> = offsets.to_vec();
        // The copy is what is used, so it is what must hold.
        if !offsets_hold(&offsets, bytes.len()) {
            return Err(self.damaged("was written to while it was read"));
        }
        let array = GenericByteArray::<T>::try_new(OffsetBuffer::new(offsets.into()), bytes, nulls);
        Ok(Arc::new(array.map_err(|error| self.damaged(format_args!("is no text: {error}")))?))
    }

    fn views<T: ByteViewType + ?Sized>(&mut self, rows: Range<usize>) -> ColumnsResult<ArrayRef> {
        let (_, missing) = self.node(&rows)?;
        let nulls = self.nulls(&rows, missing)?;
        let views = self.part(self.stretch(&rows, 16)?)?;
        let views = ScalarBuffer::<u128>::new(Buffer::from_slice_ref(views.as_slice()), 0, rows.len());
        let count = self.decoder.layout.view(&mut self.cursor).ok_or_else(|| self.damaged("lacks buffers"))?;
        let mut buffers = Vec::with_capacity(count);
        for _ in 0..count {
            let place = self.decoder.layout.buffer(&mut self.cursor).ok_or_else(|| self.damaged("lacks a buffer"))?;
            let size = match self.decoder.layout.codec {
                None => usize::try_from(place.end - place.start).unwrap_or(usize::MAX),
                Some(_) => self.decompressed_size(&place)?,
            };
            buffers.push(self.part_of(&place, 0..size)?);
        }
        let array = GenericByteViewArray::<T>::try_new(views, buffers, nulls);
        Ok(Arc::new(array.map_err(|error| self.damaged(format_args!("is damaged text: {error}")))?))
    }

    /// What a compressed buffer says of its length.
    fn decompressed_size(&self, place: &Range<u64>) -> ColumnsResult<usize> {
        let size = place.end - place.start;
        if size == 0 {
            return Ok(0);
        }
        let length = self.decoder.store.bytes(place.start, size.min(8))?;
        let length = length.as_slice().first_chunk::<8>().map(|bytes| i64::from_le_bytes(*bytes));
        let length = if length == Some(-1) { i64::try_from(size - 8).ok() } else { length };
        length
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(|| self.damaged("has a buffer without a length"))
    }

    /// A list: where each row begins, and the values of these rows.
    fn list<T: OffsetSizeTrait>(
        &mut self,
        item: &FieldRef,
        rows: Range<usize>,
    ) -> ColumnsResult<(OffsetBuffer<T>, ArrayRef, Option<NullBuffer>)> {
        let (_, missing) = self.node(&rows)?;
        let nulls = self.nulls(&rows, missing)?;
        let offsets: Vec<T> = self.offsets::<T>(&rows)?.to_vec();
        if !offsets_hold(&offsets, usize::MAX) {
            return Err(self.damaged("has lists that end before they begin"));
        }
        let first = offsets.first().copied().unwrap_or_default();
        let last = offsets.last().copied().unwrap_or_default();
        let values = self.array(item, first.as_usize()..last.as_usize())?;
        let offsets = offsets.into_iter().map(|offset| offset - first).collect::<Vec<_>>();
        Ok((OffsetBuffer::new(offsets.into()), values, nulls))
    }

    /// Some rows of the next array.
    fn array(&mut self, field: &Field, rows: Range<usize>) -> ColumnsResult<ArrayRef> {
        Ok(match field.data_type() {
            DataType::Null => {
                self.node(&rows)?;
                Arc::new(NullArray::new(rows.len()))
            }
            DataType::Boolean => {
                let (_, missing) = self.node(&rows)?;
                let nulls = self.nulls(&rows, missing)?;
                Arc::new(BooleanArray::new(self.bits(&rows, false)?, nulls))
            }
            DataType::Utf8 => self.byte_array::<Utf8Type>(rows)?,
            DataType::LargeUtf8 => self.byte_array::<LargeUtf8Type>(rows)?,
            DataType::Binary => self.byte_array::<BinaryType>(rows)?,
            DataType::LargeBinary => self.byte_array::<LargeBinaryType>(rows)?,
            DataType::Utf8View => self.views::<StringViewType>(rows)?,
            DataType::BinaryView => self.views::<BinaryViewType>(rows)?,
            DataType::List(item) => {
                let (offsets, values, nulls) = self.list::<i32>(item, rows)?;
                Arc::new(GenericListArray::try_new(item.clone(), offsets, values, nulls)?)
            }
            DataType::LargeList(item) => {
                let (offsets, values, nulls) = self.list::<i64>(item, rows)?;
                Arc::new(GenericListArray::try_new(item.clone(), offsets, values, nulls)?)
            }
            DataType::Map(entries, sorted) => {
                let (offsets, values, nulls) = self.list::<i32>(entries, rows)?;
                let Some(pairs) = values.as_struct_opt() else { return Err(self.damaged("is a map without pairs")) };
                Arc::new(MapArray::try_new(entries.clone(), offsets, pairs.clone(), nulls, *sorted)?)
            }
            DataType::FixedSizeList(item, width) => {
                let Some(size) = usize::try_from(*width).ok().filter(|width| *width > 0) else {
                    return Err(self.unsupported(field.data_type()));
                };
                let (_, missing) = self.node(&rows)?;
                let nulls = self.nulls(&rows, missing)?;
                let inner = self.stretch(&rows, size)?;
                let values = self.array(item, inner)?;
                Arc::new(FixedSizeListArray::try_new(item.clone(), *width, values, nulls)?)
            }
            DataType::Struct(fields) => {
                let (_, missing) = self.node(&rows)?;
                let nulls = self.nulls(&rows, missing)?;
                let arrays =
                    fields.iter().map(|field| self.array(field, rows.clone())).collect::<ColumnsResult<_>>()?;
                Arc::new(StructArray::try_new_with_length(fields.clone(), arrays, nulls, rows.len())?)
            }
            DataType::Dictionary(key, values) => {
                let codes = self.fixed(key, rows)?;
                let (dictionary, _) = self.dictionary(field, values)?;
                match &**key {
                    DataType::Int8 => self.coded::<Int8Type>(&codes, dictionary)?,
                    DataType::Int16 => self.coded::<Int16Type>(&codes, dictionary)?,
                    DataType::Int32 => self.coded::<Int32Type>(&codes, dictionary)?,
                    DataType::Int64 => self.coded::<Int64Type>(&codes, dictionary)?,
                    DataType::UInt8 => self.coded::<UInt8Type>(&codes, dictionary)?,
                    DataType::UInt16 => self.coded::<UInt16Type>(&codes, dictionary)?,
                    DataType::UInt32 => self.coded::<UInt32Type>(&codes, dictionary)?,
                    DataType::UInt64 => self.coded::<UInt64Type>(&codes, dictionary)?,
                    _ => return Err(self.unsupported(field.data_type())),
                }
            }
            type_ => self.fixed(type_, rows)?,
        })
    }

    fn coded<K: ArrowDictionaryKeyType>(&self, codes: &ArrayRef, dictionary: ArrayRef) -> ColumnsResult<ArrayRef> {
        let codes = codes.as_primitive::<K>();
        // Arrow relies on codes that were checked, so what was checked must stay.
        let codes = arrow::array::PrimitiveArray::<K>::new(codes.values().to_vec().into(), codes.nulls().cloned());
        let array = DictionaryArray::<K>::try_new(codes, dictionary);
        Ok(Arc::new(array.map_err(|error| self.damaged(format_args!("has a code without a value: {error}")))?))
    }

    fn dictionary(&self, field: &Field, values: &DataType) -> ColumnsResult<(ArrayRef, u64)> {
        #[allow(deprecated, reason = "the schema of a file has no other place for it")]
        let id = field.dict_id().ok_or_else(|| self.damaged("has codes, and no dictionary is named"))?;
        let decoder = self.decoder;
        decoder.dictionaries.get(decoder.store, id, values, decoder.order)
    }

    /// Refuses codes beyond the dictionary, wherever a row has a value.
    fn check_codes(&self, codes: &ArrayRef, length: usize) -> ColumnsResult<()> {
        macro_rules! check {
            ($($type:ident)*) => {
                match codes.data_type() {
                    $(type_ if *type_ == $type::DATA_TYPE => {
                        let array = codes.as_primitive::<$type>();
                        // Codes below zero are large ones here. Mostly all hold, so the loop has no branch.
                        let largest = array.values().iter().fold(0_u64, |most, code| most.max(*code as i64 as u64));
                        largest < length as u64
                            || array.iter().flatten().all(|code| (code as i64 as u64) < length as u64)
                    })*
                    _ => false,
                }
            };
        }
        use arrow::datatypes::ArrowPrimitiveType;
        match check!(Int8Type Int16Type Int32Type Int64Type UInt8Type UInt16Type UInt32Type UInt64Type) {
            true => Ok(()),
            false => Err(self.damaged(format_args!("has a code beyond its dictionary of {length} texts"))),
        }
    }

    fn unsupported(&self, type_: &DataType) -> ColumnsError {
        let reason = format!(
            "has a column '{}' of type {type_}, which this release does not read; write it as another type",
            self.column
        );
        ColumnsError::unsupported(self.decoder.store.path(), reason)
    }
}
