//! Values of partition columns, which the log has as text.

use arrow::array::{ArrayRef, BinaryArray, StringArray, UInt32Array, new_null_array};
use arrow::compute::{CastOptions, cast_with_options, take};
use arrow::datatypes::DataType as Arrow;
use std::sync::Arc;

use crate::conform::words;

/// The one value of a file's partition. No text, and text without a character, is null, whatever the type.
pub(crate) fn value(text: Option<&str>, kind: &Arrow) -> Result<ArrayRef, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(new_null_array(kind, 1)) };
    let given: ArrayRef = Arc::new(StringArray::from(vec![text]));
    match kind {
        Arrow::Utf8 => Ok(given),
        Arrow::Binary => Ok(Arc::new(BinaryArray::from(vec![text.as_bytes()]))),
        // Structs, lists and maps are no partitions.
        kind if kind.is_nested() => Err(format!("a partition of type {kind}")),
        kind => {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(&given, kind, &options).map_err(|error| format!("{text:?} as {kind}: {}", words(&error)))
        }
    }
}

/// The value in so many rows.
pub(crate) fn repeated(value: &ArrayRef, rows: usize) -> Result<ArrayRef, String> {
    take(value, &UInt32Array::from(vec![0; rows]), None).map_err(|error| words(&error))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::TimeUnit;
    use arrow::util::display::array_value_to_string;

    use super::*;

    #[test]
    fn values_by_type() {
        let utc = Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (text, kind, expected) in [
            ("a b/%", Arrow::Utf8, "a b/%"),
            ("-7", Arrow::Int16, "-7"),
            ("true", Arrow::Boolean, "true"),
            ("2024-02-29", Arrow::Date32, "2024-02-29"),
            ("1.50", Arrow::Decimal128(5, 2), "1.50"),
            ("2024-01-31 12:30:00.5", utc.clone(), "2024-01-31T12:30:00.500Z"),
            ("2024-01-31T12:30:00.5Z", utc, "2024-01-31T12:30:00.500Z"),
            ("0.1", Arrow::Float64, "0.1"),
        ] {
            let value = value(Some(text), &kind).unwrap();
            assert_eq!(value.data_type(), &kind);
            let rows = repeated(&value, 3).unwrap();
            assert_eq!((rows.len(), array_value_to_string(&rows, 2).unwrap().as_str()), (3, expected));
        }
        for nothing in [None, Some("")] {
            assert_eq!(value(nothing, &Arrow::Utf8).unwrap().null_count(), 1);
        }
        for (text, kind) in [("x", Arrow::Int32), ("70000", Arrow::Int16), ("2024-13-01", Arrow::Date32)] {
            assert!(value(Some(text), &kind).unwrap_err().contains(text));
        }
    }
}
