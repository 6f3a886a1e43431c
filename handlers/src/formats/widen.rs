//! One type for a column that has another in each of several files.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, TimeUnit};

/// The type that holds the values of both, where there is one.
pub(super) fn common_type(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType as T;
    if a == b {
        return Some(a.clone());
    }
    if let (Some((signed_a, bits_a)), Some((signed_b, bits_b))) = (integer(a), integer(b)) {
        return match (signed_a, signed_b) {
            (true, true) => signed(bits_a.max(bits_b)),
            (false, false) => unsigned(bits_a.max(bits_b)),
            (true, false) => signed(bits_a.max(bits_b * 2)),
            (false, true) => signed(bits_b.max(bits_a * 2)),
        };
    }
    if is_text(a) && is_text(b) {
        // The keys of a dictionary may be too narrow for the values of both.
        return Some(if matches!(a, T::Dictionary(..)) { T::Utf8 } else { a.clone() });
    }
    Some(match (a, b) {
        (T::Null, other) | (other, T::Null) => other.clone(),
        (T::Float16, T::Float32) | (T::Float32, T::Float16) => T::Float32,
        (a, b) if is_float(a) && is_float(b) => T::Float64,
        // What float64 does not hold of an integer is found where it is converted.
        (a, b) if is_float(a) && integer(b).is_some() || is_float(b) && integer(a).is_some() => T::Float64,
        (T::Binary | T::LargeBinary | T::BinaryView, T::Binary | T::LargeBinary | T::BinaryView) => a.clone(),
        (T::Date32, T::Date64) | (T::Date64, T::Date32) => T::Date64,
        (T::Date32, T::Timestamp(unit, None)) | (T::Timestamp(unit, None), T::Date32) => T::Timestamp(*unit, None),
        (T::Timestamp(one, zone), T::Timestamp(other, same)) if zone == same => {
            T::Timestamp(finer(*one, *other), zone.clone())
        }
        (T::Decimal128(one, scale), T::Decimal128(other, fine)) => {
            let whole = (i16::from(*one) - i16::from(*scale)).max(i16::from(*other) - i16::from(*fine));
            let scale = *scale.max(fine);
            let digits = u8::try_from(whole + i16::from(scale)).ok().filter(|digits| *digits <= 38)?;
            T::Decimal128(digits, scale)
        }
        (T::List(one), T::List(other)) => T::List(common_field(one, other)?),
        (T::LargeList(one), T::LargeList(other)) => T::LargeList(common_field(one, other)?),
        (T::FixedSizeList(one, length), T::FixedSizeList(other, same)) if length == same => {
            T::FixedSizeList(common_field(one, other)?, *length)
        }
        (a, b) if a.equals_datatype(b) => a.clone(),
        _ => return None,
    })
}

fn common_field(a: &Field, b: &Field) -> Option<Arc<Field>> {
    let data_type = common_type(a.data_type(), b.data_type())?;
    Some(Arc::new(a.clone().with_data_type(data_type).with_nullable(a.is_nullable() || b.is_nullable())))
}

/// Turns a column into a type that [`common_type`] gave for it.
///
/// # Errors
/// What is wrong, where a value does not fit: an integer that float64 does not hold, an instant that nanoseconds do not reach.
pub(super) fn widen(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, String> {
    if column.data_type() == to {
        return Ok(Arc::clone(column));
    }
    let convert = |column: &ArrayRef, to: &DataType| {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(column, to, &options).map_err(|error| error.to_string())
    };
    let wide = convert(column, to)?;
    if *to == DataType::Float64 && integer(column.data_type()).is_some_and(|(_, bits)| bits == 64) {
        let exact = convert(&wide, column.data_type())
            .and_then(|back| not_distinct(&back, column).map_err(|error| error.to_string()));
        if !exact.is_ok_and(|exact| exact.true_count() == column.len()) {
            return Err("it has whole numbers here that float64 does not hold exactly".to_owned());
        }
    }
    Ok(wide)
}

/// Whether it is signed, and its bits.
fn integer(data_type: &DataType) -> Option<(bool, u8)> {
    Some(match data_type {
        DataType::Int8 => (true, 8),
        DataType::Int16 => (true, 16),
        DataType::Int32 => (true, 32),
        DataType::Int64 => (true, 64),
        DataType::UInt8 => (false, 8),
        DataType::UInt16 => (false, 16),
        DataType::UInt32 => (false, 32),
        DataType::UInt64 => (false, 64),
        _ => return None,
    })
}

fn signed(bits: u8) -> Option<DataType> {
    Some(match bits {
        8 => DataType::Int8,
        16 => DataType::Int16,
        32 => DataType::Int32,
        64 => DataType::Int64,
        _ => return None,
    })
}

fn unsigned(bits: u8) -> Option<DataType> {
    Some(match bits {
        8 => DataType::UInt8,
        16 => DataType::UInt16,
        32 => DataType::UInt32,
        64 => DataType::UInt64,
        _ => return None,
    })
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_text(value),
        _ => false,
    }
}

fn finer(a: TimeUnit, b: TimeUnit) -> TimeUnit {
    let digits = |unit| match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    if digits(a) >= digits(b) { a } else { b }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Float64Type;

    use super::*;

    /// What `pyarrow.unify_schemas(..., promote_options="permissive")` of pyarrow 26 gives, but for integers that have no type
    /// in common (it gives int64 for uint64 and int64) and for integers with float32 (float32, which loses digits).
    #[test]
    fn common_types() {
        use DataType as T;
        let micros = |zone: Option<&str>| T::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
        for (a, b, expected) in [
            (T::Int8, T::Int32, Some(T::Int32)),
            (T::UInt8, T::Int8, Some(T::Int16)),
            (T::UInt32, T::Int16, Some(T::Int64)),
            (T::UInt64, T::Int8, None),
            (T::Int64, T::Float64, Some(T::Float64)),
            (T::Float32, T::Float64, Some(T::Float64)),
            (T::Null, T::Utf8, Some(T::Utf8)),
            (T::Utf8, T::LargeUtf8, Some(T::Utf8)),
            (T::Date32, micros(None), Some(micros(None))),
            (micros(None), T::Timestamp(TimeUnit::Nanosecond, None), Some(T::Timestamp(TimeUnit::Nanosecond, None))),
            (micros(None), micros(Some("UTC")), None),
            (T::Decimal128(5, 2), T::Decimal128(6, 1), Some(T::Decimal128(7, 2))),
            (T::Decimal128(38, 0), T::Decimal128(38, 2), None),
            (T::Utf8, T::Int64, None),
            (T::Boolean, T::Int64, None),
        ] {
            assert_eq!(common_type(&a, &b), expected, "{a} and {b}");
        }
    }

    #[test]
    fn whole_numbers_that_a_float_does_not_hold_are_refused() {
        let column = |values: Vec<Option<i64>>| Arc::new(Int64Array::from(values)) as ArrayRef;
        let fine = widen(&column(vec![Some(1 << 53), None, Some(-3)]), &DataType::Float64).unwrap();
        assert_eq!(fine.as_primitive::<Float64Type>().value(2), -3.0);
        assert!(fine.is_null(1));
        for value in [(1 << 53) + 1, i64::MAX] {
            assert!(widen(&column(vec![Some(value)]), &DataType::Float64).unwrap_err().contains("float64"));
        }
    }
}
