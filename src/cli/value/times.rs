//! Dates and times that have no text: beyond the calendar, as `infinity` of DuckDB is, or no time of a day.

use arrow::array::{Array, ArrowNativeTypeOp, ArrowPrimitiveType, PrimitiveArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::downcast_primitive_array;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafolio_core::ErrorCategory;
use datafolio_handlers::arrow_field_type_name;
use datafolio_handlers::formats::types_within;

use super::super::failure::{Failure, Outcome};
use crate::text::printable;

/// What stands in a list for people in the place of a value without a text.
pub(super) const WITHOUT_TEXT: &str = "(cannot be shown)";
/// What Arrow writes for a duration that is too long.
const INVALID: &str = "<invalid>";

/// Refuses rows with a value that no text format holds: Arrow would write the words of an error in its place. `before` is how
/// many rows came before these.
pub(super) fn refuse_without_text(batch: &RecordBatch, before: usize) -> Outcome {
    let schema = batch.schema();
    let found = (schema.fields().iter().zip(batch.columns()))
        .filter_map(|(field, column)| Some((first_without_text(column.as_ref())?, field)))
        .min_by_key(|(row, _)| *row);
    let Some((row, field)) = found else { return Ok(()) };
    let (row, name, of) = (before + row + 1, printable(field.name()), arrow_field_type_name(field));
    let message = format!("row {row} of column '{name}' ({of}) holds a date or time that has no text");
    Err(Failure::new("unsupported", ErrorCategory::Unsupported, message)
        .hint("write Parquet or Arrow, which keep it as it is, or leave such rows out: `isfinite` of SQL tells them"))
}

/// The first row of a column whose value has no text.
fn first_without_text(column: &dyn Array) -> Option<usize> {
    if !holds_times(column.data_type()) {
        return None;
    }
    let options = FormatOptions::new().with_display_error(false);
    // A column that has no texts at all is refused by what writes it.
    let texts = ArrayFormatter::try_new(column, &options).ok()?;
    let lacks = |row: usize| {
        column.is_valid(row) && texts.value(row).try_to_string().map_or(true, |text| text.as_str() == INVALID)
    };
    // All values have a text where the least and the greatest have one.
    if extremes(column).is_some_and(|extremes| !extremes.into_iter().any(lacks)) {
        return None;
    }
    (0..column.len()).find(|row| lacks(*row))
}

fn holds_times(of: &DataType) -> bool {
    match of {
        DataType::Interval(_) => false,
        other => other.is_temporal() || types_within(other).into_iter().any(holds_times),
    }
}

/// Where the least and the greatest value of a column stand; `None` for a column whose texts do not follow from those of these.
fn extremes(column: &dyn Array) -> Option<Vec<usize>> {
    // Of times of a day Arrow looks at some bits alone.
    if matches!(column.data_type(), DataType::Time32(_) | DataType::Time64(_)) {
        return None;
    }
    downcast_primitive_array!(
        column => Some(extremes_of(column)),
        _ => None
    )
}

fn extremes_of<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>) -> Vec<usize> {
    let mut found: Option<(usize, usize)> = None;
    for row in (0..column.len()).filter(|row| column.is_valid(*row)) {
        let value = column.value(row);
        found = Some(match found {
            None => (row, row),
            Some((least, greatest)) => (
                if value.is_lt(column.value(least)) { row } else { least },
                if value.is_gt(column.value(greatest)) { row } else { greatest },
            ),
        });
    }
    found.map_or_else(Vec::new, |(least, greatest)| vec![least, greatest])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, Date32Array, DictionaryArray, DurationSecondArray, Int64Array, ListArray, Time64MicrosecondArray,
        TimestampMicrosecondArray,
    };
    use arrow::datatypes::{Int8Type, TimestampMicrosecondType};

    use super::*;

    #[test]
    fn values_without_a_text_are_found_in_every_kind_of_column() {
        let day = 86_400_000_000;
        let columns: [(ArrayRef, Option<usize>); 9] = [
            (Arc::new(TimestampMicrosecondArray::from(vec![Some(0), None, Some(i64::MAX)])), Some(2)),
            (Arc::new(TimestampMicrosecondArray::from(vec![Some(i64::MIN), Some(i64::MAX)])), Some(0)),
            (Arc::new(TimestampMicrosecondArray::from(vec![None, Some(day)])), None),
            (Arc::new(Date32Array::from(vec![0, i32::MAX, i32::MIN])), Some(1)),
            (Arc::new(Time64MicrosecondArray::from(vec![0, day])), Some(1)),
            (Arc::new(DurationSecondArray::from(vec![1, i64::MAX])), Some(1)),
            (Arc::new(Int64Array::from(vec![i64::MAX])), None),
            (
                Arc::new(ListArray::from_iter_primitive::<TimestampMicrosecondType, _, _>([
                    Some(vec![Some(0)]),
                    None,
                    Some(vec![None, Some(i64::MAX)]),
                ])),
                Some(2),
            ),
            (
                Arc::new(DictionaryArray::<Int8Type>::new(
                    vec![Some(1), None, Some(0)].into(),
                    Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX, 0])),
                )),
                Some(2),
            ),
        ];
        for (column, expected) in columns {
            assert_eq!(first_without_text(column.as_ref()), expected, "{column:?}");
        }
        assert_eq!(first_without_text(&TimestampMicrosecondArray::from(Vec::<i64>::new())), None);
    }
}
