//! Values of partition columns, which the log has as text.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringArray, UInt32Array, new_null_array};
use arrow::compute::{CastOptions, cast_with_options, concat, take};
use arrow::datatypes::{DataType as Arrow, Float32Type, Float64Type};

use crate::conform::words;

/// The text of a value. No text, and text without a character, is null, whatever the type.
pub(crate) fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// The values of the partitions of several files, in one array; also null where a text is not understood, and where it compares with
/// nothing.
pub(crate) fn known_values(texts: &[Option<&str>], kind: &Arrow) -> ArrayRef {
    let known = |text: &Option<&str>| {
        let value = value(*text, kind).ok()?;
        let is_nan = match kind {
            Arrow::Float32 => value.as_primitive::<Float32Type>().iter().flatten().any(f32::is_nan),
            Arrow::Float64 => value.as_primitive::<Float64Type>().iter().flatten().any(f64::is_nan),
            _ => false,
        };
        (!is_nan).then_some(value)
    };
    // Most partitions have few values.
    let mut different: HashMap<Option<&str>, u32> = HashMap::new();
    let mut values = vec![new_null_array(kind, 1)];
    let places = texts.iter().map(|text| {
        *different.entry(*text).or_insert_with(|| match known(text) {
            Some(value) => {
                values.push(value);
                u32::try_from(values.len() - 1).unwrap_or_default()
            }
            None => 0,
        })
    });
    let places = UInt32Array::from_iter_values(places);
    let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
    let taken = concat(&values).and_then(|values| take(&values, &places, None));
    taken.unwrap_or_else(|_| new_null_array(kind, texts.len()))
}

/// The one value of a file's partition.
pub(crate) fn value(text: Option<&str>, kind: &Arrow) -> Result<ArrayRef, String> {
    let Some(text) = present(text) else { return Ok(new_null_array(kind, 1)) };
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
        let texts = [Some("3"), None, Some("x"), Some(""), Some("3"), Some("-4")];
        let known = known_values(&texts, &Arrow::Int32);
        let known: Vec<Option<i32>> = known.as_primitive::<arrow::datatypes::Int32Type>().iter().collect();
        assert_eq!(known, [Some(3), None, None, None, Some(3), Some(-4)]);
        assert_eq!(known_values(&[Some("NaN"), Some("0.5")], &Arrow::Float64).null_count(), 1);
        for (text, kind) in [("x", Arrow::Int32), ("70000", Arrow::Int16), ("2024-13-01", Arrow::Date32)] {
            assert!(value(Some(text), &kind).unwrap_err().contains(text));
        }
    }
}
