//! Lanes over the arrays of a record batch, without copies where Arrow's layout is ours.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};

use super::text::Dictionary;
use super::{Buffer, Lane, Number, Texts, Values, YES, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::simd::prefetch;
use crate::source::{RawBatch, RawCodes, RawColumn, RawOffsets, next_dictionary};

/// Columns of some rows, ready to be cut into blocks.
#[derive(Debug)]
pub(crate) struct Chunk<'a> {
    columns: Vec<Lane<'a>>,
    rows: usize,
}

impl<'a> Chunk<'a> {
    /// Lanes over arrays of the same length.
    pub(crate) fn new(arrays: &'a [ArrayRef], rows: usize) -> ColumnsResult<Self> {
        let columns = arrays.iter().map(lane_of_array).collect::<ColumnsResult<_>>()?;
        Ok(Self { columns, rows })
    }

    /// Lanes over rows as they lie in a file.
    pub(crate) fn raw(batch: &'a RawBatch) -> ColumnsResult<Self> {
        let columns = batch.columns.iter().map(|column| match column {
            RawColumn::Array(array) => lane_of_array(array),
            RawColumn::Texts(texts) => {
                let bytes = Buffer::Borrowed(texts.bytes.as_slice());
                let values = match &texts.offsets {
                    RawOffsets::Short(offsets) => Texts::Short(Buffer::Borrowed(offsets), bytes),
                    RawOffsets::Long(offsets) => Texts::Long(Buffer::Borrowed(offsets), bytes),
                };
                Ok(Lane::with_valid(Values::Text(values), mask_of(texts.nulls.as_ref())))
            }
            RawColumn::Codes(RawCodes { codes, dictionary, id }) => {
                lane_of_codes(codes, dictionary, mask_of(codes.nulls()), *id)
            }
        });
        Ok(Self { columns: columns.collect::<ColumnsResult<_>>()?, rows: batch.rows })
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Has the processor fetch some rows of all columns, which are computed with next.
    pub(crate) fn prefetch(&self, rows: Range<usize>) {
        let rows = rows.start.min(self.rows)..rows.end.min(self.rows);
        for lane in &self.columns {
            with_numbers!(&lane.values, values => prefetch(values.get(rows.clone()).unwrap_or_default()), _ => {});
        }
    }

    /// Some rows of a column.
    pub(crate) fn block(&self, column: usize, rows: Range<usize>) -> Option<Lane<'a>> {
        self.columns.get(column).map(|lane| lane.slice(rows))
    }
}

impl<'a, T: Clone> Buffer<'a, T> {
    fn slice(&self, range: Range<usize>) -> Self {
        match self {
            Self::Borrowed(values) => Self::Borrowed(values.get(range).unwrap_or_default()),
            // What had to be converted is converted for a whole chunk, and copied block by block.
            Self::Owned(values) => Self::from(values.get(range).unwrap_or_default().to_vec()),
        }
    }
}

impl<'a> Lane<'a> {
    /// Some rows of a lane that has a value for each row.
    pub(crate) fn slice(&self, rows: Range<usize>) -> Self {
        if self.constant {
            return self.clone();
        }
        let valid = self.valid.as_ref().map(|valid| valid.slice(rows.clone()));
        Self { values: self.values.slice(rows), valid, constant: false, fault: None }
    }
}

impl<'a> Values<'a> {
    fn slice(&self, rows: Range<usize>) -> Self {
        macro_rules! slice {
            ($($variant:ident)*) => {
                match self {
                    $(Self::$variant(buffer) => Self::$variant(buffer.slice(rows)),)*
                    Self::Null => Self::Null,
                    Self::Text(Texts::Short(offsets, bytes)) => {
                        Self::Text(Texts::Short(offsets.slice(rows.start..rows.end + 1), bytes.clone()))
                    }
                    Self::Text(Texts::Long(offsets, bytes)) => {
                        Self::Text(Texts::Long(offsets.slice(rows.start..rows.end + 1), bytes.clone()))
                    }
                    Self::Text(Texts::Codes(codes, dictionary)) => {
                        Self::Text(Texts::Codes(codes.slice(rows), dictionary.clone()))
                    }
                    Self::Vector(values, width) => {
                        Self::Vector(Box::new(values.slice(rows.start * width..rows.end * width)), *width)
                    }
                    Self::Carried(array) => Self::Carried(array.slice(rows.start, rows.len())),
                }
            };
        }
        slice!(Bool I8 I16 I32 I64 U8 U16 U32 U64 F32 F64)
    }
}

/// The lane of a whole array. Types are those of [`Type::of_arrow`](crate::Type::of_arrow).
pub(crate) fn lane_of_array(array: &ArrayRef) -> ColumnsResult<Lane<'_>> {
    let valid = mask_of(array.nulls());
    macro_rules! number {
        ($type:ident) => {
            Number::values(Buffer::Borrowed(array.as_primitive::<$type>().values()))
        };
    }
    let values = match array.data_type() {
        DataType::Null => Values::Null,
        DataType::Boolean => Values::Bool(unpack_bools(array.as_boolean()).into()),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float16 => {
            let values = array.as_primitive::<Float16Type>().values();
            Values::F32(values.iter().map(|value| value.to_f32()).collect::<Vec<_>>().into())
        }
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        DataType::Date32 => {
            let values = array.as_primitive::<Date32Type>().values();
            Values::I64(values.iter().map(|day| i64::from(*day)).collect::<Vec<_>>().into())
        }
        DataType::Date64 => number!(Date64Type),
        DataType::Timestamp(TimeUnit::Second, _) => number!(TimestampSecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => number!(TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => number!(TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => number!(TimestampNanosecondType),
        DataType::Duration(TimeUnit::Second) => number!(DurationSecondType),
        DataType::Duration(TimeUnit::Millisecond) => number!(DurationMillisecondType),
        DataType::Duration(TimeUnit::Microsecond) => number!(DurationMicrosecondType),
        DataType::Duration(TimeUnit::Nanosecond) => number!(DurationNanosecondType),
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            Values::Text(Texts::Short(Buffer::Borrowed(texts.value_offsets()), Buffer::Borrowed(texts.value_data())))
        }
        DataType::LargeUtf8 => {
            let texts = array.as_string::<i64>();
            Values::Text(Texts::Long(Buffer::Borrowed(texts.value_offsets()), Buffer::Borrowed(texts.value_data())))
        }
        DataType::Utf8View => {
            let texts = cast(array, &DataType::LargeUtf8)?;
            let lane = lane_of_array(&texts)?.into_static();
            lane.values
        }
        DataType::Dictionary(_, values) if is_text(values) => return lane_of_dictionary(array, valid),
        DataType::FixedSizeList(field, width) if has_plain_numbers(field.data_type()) => {
            let list = array.as_fixed_size_list();
            let width = usize::try_from(*width).unwrap_or(0);
            let first = list.value_offset_at(0);
            let inner = lane_of_array(list.values())?;
            // What lies in a row that is missing may be missing too; elsewhere it makes a vector that cannot be computed with.
            let complete = inner.valid.as_ref().is_none_or(|components| {
                (0..list.len()).all(|row| {
                    let start = first + row * width;
                    list.is_null(row) || components.get(start..start + width).is_some_and(|row| !row.contains(&0))
                })
            });
            match inner.values.slice(first..first + list.len() * width) {
                _ if !complete => Values::Carried(array.clone()),
                Values::Carried(_) => Values::Carried(array.clone()),
                // Several axes lie in one line.
                Values::Vector(values, inner_width) => Values::Vector(values, width * inner_width),
                values => Values::Vector(Box::new(values), width),
            }
        }
        _ => Values::Carried(array.clone()),
    };
    Ok(Lane::with_valid(values, valid))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether it is a number whose vectors are computed with.
pub(super) fn is_plain_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
        && !matches!(
            data_type,
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..)
        )
        || matches!(data_type, DataType::Boolean)
}

/// Which rows have a value; none where all have.
fn mask_of<'a>(nulls: Option<&NullBuffer>) -> Option<Buffer<'a, u8>> {
    let nulls = nulls.filter(|nulls| nulls.null_count() > 0)?;
    Some(Buffer::from(unpack(nulls.validity(), nulls.offset(), nulls.len())))
}

/// Whether it is such a number, or vectors of these.
fn has_plain_numbers(data_type: &DataType) -> bool {
    match data_type {
        DataType::FixedSizeList(field, _) => has_plain_numbers(field.data_type()),
        other => is_plain_number(other),
    }
}

/// Codes of a dictionary, with the places of missing texts.
fn lane_of_dictionary<'a>(array: &'a ArrayRef, valid: Option<Buffer<'a, u8>>) -> ColumnsResult<Lane<'a>> {
    let dictionary = array.as_any_dictionary();
    lane_of_codes(dictionary.keys(), dictionary.values(), valid, next_dictionary())
}

fn lane_of_codes<'a>(
    keys: &'a dyn Array,
    values: &'a ArrayRef,
    valid: Option<Buffer<'a, u8>>,
    id: u64,
) -> ColumnsResult<Lane<'a>> {
    // The texts of a chunk borrow from it, or are its own.
    let inner = lane_of_array(values)?;
    let codes: Buffer<'a, i32> = match keys.data_type() {
        DataType::Int32 => Buffer::Borrowed(keys.as_primitive::<Int32Type>().values()),
        _ => {
            let keys = cast(keys, &DataType::Int32)?;
            keys.as_primitive::<Int32Type>().values().to_vec().into()
        }
    };
    let Values::Text(texts) = inner.values else {
        return Err(ColumnsError::option("a dictionary of texts holds something else"));
    };
    let valid = match &inner.valid {
        None => valid,
        Some(known) => {
            // A row may have a code, and the dictionary no text for it.
            let known = codes
                .iter()
                .map(|code| usize::try_from(*code).ok().and_then(|code| known.get(code)).copied().unwrap_or(0));
            super::both_valid(valid, Some(known.collect::<Vec<_>>().into()))
        }
    };
    let dictionary = Dictionary { texts, valid: inner.valid, id };
    Ok(Lane::with_valid(Values::Text(Texts::Codes(codes, Arc::new(dictionary))), valid))
}

fn unpack_bools(array: &BooleanArray) -> Vec<u8> {
    let bits = array.values();
    unpack(bits.values(), bits.offset(), bits.len())
}

/// The eight bytes of each byte of bits.
static SPREAD: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte] |= (YES as u64) << (8 * bit);
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// Bits as bytes that are `0x00` or [`YES`].
fn unpack(bits: &[u8], offset: usize, length: usize) -> Vec<u8> {
    let first = offset % 8;
    let bits = bits.get(offset / 8..).unwrap_or_default();
    let mut bytes = vec![0; (first + length).div_ceil(8) * 8];
    for (eight, byte) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(bits) {
        *eight = SPREAD[usize::from(*byte)].to_le_bytes();
    }
    if first > 0 {
        bytes.drain(..first);
    }
    bytes.truncate(length);
    bytes
}
