//! Lanes as Arrow arrays.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, GenericStringArray, NullArray, PrimitiveArray, make_array,
    new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, TimeUnit};

use super::{Lane, Number, Texts, Values, YES};
use crate::block::lane::with_numbers;
use crate::error::{ColumnsError, ColumnsResult};
use crate::types::{Int, Type, Unit};

/// Arrow's type for values of a type. Units that Arrow lacks become the next finer one that it has.
pub(crate) fn data_type(type_: &Type) -> Option<DataType> {
    Some(match type_ {
        Type::Null => DataType::Null,
        Type::Bool => DataType::Boolean,
        Type::Int(Int::I8) => DataType::Int8,
        Type::Int(Int::I16) => DataType::Int16,
        Type::Int(Int::I32) => DataType::Int32,
        Type::Int(Int::I64) => DataType::Int64,
        Type::Int(Int::U8) => DataType::UInt8,
        Type::Int(Int::U16) => DataType::UInt16,
        Type::Int(Int::U32) => DataType::UInt32,
        Type::Int(Int::U64) => DataType::UInt64,
        Type::Float32 => DataType::Float32,
        Type::Float64 => DataType::Float64,
        Type::Text => DataType::LargeUtf8,
        Type::Instant(Unit::Day, None) => DataType::Date32,
        Type::Instant(unit, zone) => DataType::Timestamp(arrow_unit(*unit)?, zone.clone()),
        Type::Duration(unit) => DataType::Duration(arrow_unit(*unit)?),
        Type::Vector(element, shape) => {
            let mut inner = data_type(element)?;
            for length in shape.iter().rev() {
                inner =
                    DataType::FixedSizeList(Arc::new(Field::new("item", inner, false)), i32::try_from(*length).ok()?);
            }
            inner
        }
        Type::Other(_) => return None,
    })
}

fn arrow_unit(unit: Unit) -> Option<TimeUnit> {
    Some(match unit {
        Unit::Second => TimeUnit::Second,
        Unit::Milli => TimeUnit::Millisecond,
        Unit::Micro => TimeUnit::Microsecond,
        Unit::Nano => TimeUnit::Nanosecond,
        _ => return None,
    })
}

/// The array of a lane with so many rows, whose values are of the given type.
pub(crate) fn array_of_lane(lane: Lane<'_>, rows: usize, type_: &Type) -> ColumnsResult<ArrayRef> {
    let lane = lane.spread(rows);
    if let Values::Carried(array) = &lane.values {
        return Ok(array.clone());
    }
    let Some(wanted) = data_type(type_) else {
        return Err(ColumnsError::option(format!(
            "values of type {type_} have no Arrow type; cast them to another unit"
        )));
    };
    let nulls = lane.valid.as_ref().map(|valid| NullBuffer::new(pack(valid)));
    let array: ArrayRef = match lane.values {
        Values::Null if wanted == DataType::Null => return Ok(Arc::new(NullArray::new(rows))),
        Values::Null => return Ok(new_null_array(&wanted, rows)),
        Values::Bool(bytes) => Arc::new(BooleanArray::new(pack(&bytes), nulls)),
        Values::Text(texts) => return array_of_texts(texts, nulls),
        Values::Vector(values, width) => {
            let Type::Vector(element, shape) = type_ else {
                return Err(ColumnsError::option(format!("vectors were taken for values of type {type_}")));
            };
            let mut values = array_of_lane(Lane::new(*values), rows * width, element)?;
            for (at, length) in shape.iter().enumerate().rev() {
                let field = Arc::new(Field::new("item", values.data_type().clone(), false));
                let length = i32::try_from(*length)
                    .map_err(|_| ColumnsError::option("vectors of so many components are too wide"))?;
                let nulls = if at == 0 { nulls.clone() } else { None };
                values = Arc::new(FixedSizeListArray::try_new(field, length, values, nulls)?);
            }
            values
        }
        Values::I64(ticks) if wanted == DataType::Date32 => {
            let days = ticks.iter().map(|day| i32::try_from(*day).unwrap_or(0)).collect::<Vec<_>>();
            Arc::new(PrimitiveArray::<arrow::datatypes::Date32Type>::new(days.into(), nulls))
        }
        numbers => {
            with_numbers!(numbers, buffer => primitive(buffer.into_vec(), nulls), _ => new_null_array(&wanted, rows))
        }
    };
    if array.data_type() == &wanted {
        return Ok(array);
    }
    // The same 64 bits under the name of an instant or a duration.
    if matches!(wanted, DataType::Timestamp(..) | DataType::Duration(_)) && array.data_type() == &DataType::Int64 {
        return Ok(make_array(array.to_data().into_builder().data_type(wanted).build()?));
    }
    Ok(cast(&array, &wanted)?)
}

fn primitive<T: Number>(values: Vec<T>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T::Arrow>::new(ScalarBuffer::from(values), nulls))
}

/// Bytes that are `0x00` or [`YES`], as bits.
fn pack(bytes: &[u8]) -> BooleanBuffer {
    BooleanBuffer::collect_bool(bytes.len(), |row| bytes.get(row) == Some(&YES))
}

fn array_of_texts(texts: Texts<'_>, nulls: Option<NullBuffer>) -> ColumnsResult<ArrayRef> {
    Ok(match texts {
        Texts::Short(offsets, bytes) => {
            let offsets = checked_offsets(offsets.iter().map(|offset| i64::from(*offset)), bytes.len())?;
            text_array(offsets, &bytes, nulls)?
        }
        Texts::Long(offsets, bytes) => {
            let offsets = checked_offsets(offsets.iter().copied(), bytes.len())?;
            text_array(offsets, &bytes, nulls)?
        }
        Texts::Codes(codes, dictionary) => {
            let valid = dictionary.valid.as_ref().map(|valid| NullBuffer::new(pack(valid)));
            let values = array_of_texts(dictionary.texts.clone(), valid)?;
            let keys = PrimitiveArray::<Int32Type>::new(ScalarBuffer::from(codes.into_vec()), nulls);
            let codes = arrow::compute::take(&values, &keys, None)?;
            cast(&codes, &DataType::LargeUtf8)?
        }
    })
}

/// Only the bytes that the texts of this block are.
fn text_array(offsets: Vec<i64>, bytes: &[u8], nulls: Option<NullBuffer>) -> ColumnsResult<ArrayRef> {
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    let bytes = bytes.get(first as usize..last as usize).unwrap_or_default().to_vec();
    let offsets = OffsetBuffer::new(offsets.iter().map(|offset| offset - first).collect::<Vec<_>>().into());
    Ok(Arc::new(GenericStringArray::<i64>::try_new(offsets, bytes.into(), nulls)?))
}

/// Offsets that rise and stay inside, whatever became of a mapped file.
fn checked_offsets(offsets: impl Iterator<Item = i64>, bytes: usize) -> ColumnsResult<Vec<i64>> {
    let offsets: Vec<i64> = offsets.collect();
    let rising = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
    let inside =
        offsets.first().is_none_or(|first| *first >= 0) && offsets.last().is_none_or(|last| *last as usize <= bytes);
    if rising && inside {
        return Ok(offsets);
    }
    Err(ColumnsError::option("the texts of a column changed while they were read; is its file being written to?"))
}
