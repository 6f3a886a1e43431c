//! The elements of arrays as those of Arrow.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, BooleanArray, Date32Array, PrimitiveArray, StringArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use crate::npy::{ByteOrder, Scalar};

/// The elements as an Arrow array, or what is wrong with one.
pub(super) fn elements(scalar: &Scalar, data_type: &DataType, bytes: &[u8]) -> Result<ArrayRef, String> {
    let is_big = scalar.order == ByteOrder::Big;
    let values = || bytes.chunks_exact(usize::try_from(scalar.size).unwrap_or(usize::MAX));
    /// Numbers of one width.
    macro_rules! numbers {
        ($arrow:ty) => {
            Arc::new(PrimitiveArray::<$arrow>::from_iter_values(values().map(|value| {
                let value = value.try_into().unwrap_or_default();
                if is_big {
                    <$arrow as ArrowPrimitiveType>::Native::from_be_bytes(value)
                } else {
                    <$arrow as ArrowPrimitiveType>::Native::from_le_bytes(value)
                }
            })))
        };
    }
    let instants = || {
        values().map(|value| {
            let value = value.try_into().unwrap_or_default();
            let value = if is_big { i64::from_be_bytes(value) } else { i64::from_le_bytes(value) };
            // Not a time.
            (value != i64::MIN).then_some(value)
        })
    };
    Ok(match data_type {
        DataType::Boolean => Arc::new(values().map(|value| Some(value != [0])).collect::<BooleanArray>()),
        DataType::Int8 => numbers!(Int8Type),
        DataType::Int16 => numbers!(Int16Type),
        DataType::Int32 => numbers!(Int32Type),
        DataType::Int64 => numbers!(Int64Type),
        DataType::UInt8 => numbers!(UInt8Type),
        DataType::UInt16 => numbers!(UInt16Type),
        DataType::UInt32 => numbers!(UInt32Type),
        DataType::UInt64 => numbers!(UInt64Type),
        DataType::Float16 => numbers!(Float16Type),
        DataType::Float32 => numbers!(Float32Type),
        DataType::Float64 => numbers!(Float64Type),
        DataType::Utf8 => {
            let texts = values().map(|value| text(value, is_big).ok_or("a text is no Unicode".to_owned()));
            Arc::new(StringArray::from_iter_values(texts.collect::<Result<Vec<_>, _>>()?))
        }
        DataType::Binary => {
            // Zeros at the end fill an element up, in numpy as well.
            let length = |value: &[u8]| value.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            Arc::new(BinaryArray::from_iter_values(values().map(|value| &value[..length(value)])))
        }
        DataType::Date32 => {
            let days = instants().map(|days| match days.map(i32::try_from) {
                Some(Err(_)) => Err("a date lies beyond those that a table holds".to_owned()),
                days => Ok(days.and_then(Result::ok)),
            });
            Arc::new(PrimitiveArray::<Date32Type>::from_iter(days.collect::<Result<Vec<_>, _>>()?)) as Arc<Date32Array>
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            Arc::new(PrimitiveArray::<TimestampSecondType>::from_iter(instants()))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            Arc::new(PrimitiveArray::<TimestampMillisecondType>::from_iter(instants()))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Arc::new(PrimitiveArray::<TimestampMicrosecondType>::from_iter(instants()))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Arc::new(PrimitiveArray::<TimestampNanosecondType>::from_iter(instants()))
        }
        other => return Err(format!("elements of type {other} cannot be read")),
    })
}

/// numpy's text: four bytes for each character, filled up with zeros.
fn text(value: &[u8], is_big: bool) -> Option<String> {
    let codes = value.chunks_exact(4).map(|code| {
        let code = code.try_into().unwrap_or_default();
        if is_big { u32::from_be_bytes(code) } else { u32::from_le_bytes(code) }
    });
    let text = codes.map(char::from_u32).collect::<Option<String>>()?;
    Some(text.trim_end_matches('\0').to_owned())
}
