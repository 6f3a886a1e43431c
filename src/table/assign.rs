//! What a new value becomes in its column: the same value in the column's type, or an error that says why it is none.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, Scalar, make_array, new_null_array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::kernels::numeric::add_wrapping;
use arrow::compute::kernels::zip::zip;
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{DataType, Field, Float64Type, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::array_value_to_string;
use datafolio_handlers::{DictionaryValues, listed};

const UTC: &str = "UTC";

/// The values of a column: the new ones, as SQL has them, where they are set, and elsewhere the old ones, which no new value's type
/// touches.
///
/// # Errors
/// The reason, where a new value is not one of the column's type.
pub(super) fn assigned(set: &BooleanArray, new: &ArrayRef, old: &ArrayRef, field: &Field) -> Result<ArrayRef, String> {
    let of_type = field.data_type();
    // Categories are texts in SQL.
    let values = match of_type {
        DataType::Dictionary(_, values) => values,
        DataType::RunEndEncoded(_, values) => values.data_type(),
        _ => of_type,
    };
    let new = exactly(new, values)?;
    if let DataType::Dictionary(..) = of_type {
        return with_categories(set, &new, old, field);
    }
    let all = strictly(old, values).and_then(|old| zip(set, &new, &old)).and_then(|all| strictly(&all, of_type));
    all.map_err(|error| words(&error))
}

/// The same for categories, which stay what they are, with further ones behind them. Where a further one would stand among ordered ones
/// nobody has said.
fn with_categories(set: &BooleanArray, new: &ArrayRef, old: &ArrayRef, field: &Field) -> Result<ArrayRef, String> {
    let failed = |error: ArrowError| words(&error);
    let of_type = field.data_type();
    let old = old.as_any_dictionary_opt().ok_or("it has no categories")?;
    let mut known = DictionaryValues::new(Arc::clone(old.values())).map_err(failed)?;
    let categories = strictly(new, of_type).map_err(failed)?;
    let found = categories.as_any_dictionary_opt().ok_or("it has no categories")?.values();
    if field.dict_is_ordered() == Some(true) {
        let places = known.places_of(found).map_err(failed)?;
        if let Some(unknown) = (0..found.len()).find(|at| found.is_valid(*at) && places.is_null(*at)) {
            let value = array_value_to_string(found, unknown).unwrap_or_default();
            return Err(format!("a new value is {value}, and its ordered categories are {}", listed(known.values())));
        }
    } else {
        known.extend(found).map_err(failed)?;
    }
    let numbered = known.apply(&categories).map_err(failed)?;
    let numbered = numbered.ok_or("it has more categories than its keys can number")?;
    let keys = |keys: &dyn Array| make_array(keys.to_data());
    let new = numbered.as_any_dictionary_opt().ok_or("it has no categories")?;
    let all = zip(set, &keys(new.keys()), &keys(old.keys())).map_err(failed)?.to_data();
    let data = all.into_builder().data_type(of_type.clone()).add_child_data(known.values().to_data()).build();
    data.map(make_array).map_err(failed)
}

/// The same column in another type; a value that the type does not have is an error.
fn strictly(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    match column.data_type() == to {
        true => Ok(Arc::clone(column)),
        false => cast_with_options(column, to, &CastOptions { safe: false, ..CastOptions::default() }),
    }
}

/// The same values in another type. Floating-point numbers are rounded, as they are in all computing with them; whatever else would
/// lose something (a fraction, digits, a time of day) is refused.
fn exactly(values: &ArrayRef, to: &DataType) -> Result<ArrayRef, String> {
    let from = values.data_type();
    if from == to {
        return Ok(Arc::clone(values));
    }
    // As everywhere in SQL here, what tells no zone is in UTC, whatever zone the column is shown in.
    if let DataType::Timestamp(unit, Some(zone)) = to
        && **zone != *UTC
    {
        let in_utc = exactly(values, &DataType::Timestamp(*unit, Some(UTC.into())))?;
        return strictly(&in_utc, to).map_err(|error| words(&error));
    }
    // Missing values are of every type.
    if values.logical_null_count() == values.len() {
        return Ok(new_null_array(to, values.len()));
    }
    if is_text(from) != is_text(to) && !(is_text(from) && to.is_temporal()) {
        return Err(format!("a new value is {from}, and its type is {to}: write CAST(... AS ...) in SQL"));
    }
    let given =
        strictly(values, to).map_err(|error| format!("a new value is not of its type {to}: {}", words(&error)))?;
    let kept = if to.is_floating() && (from.is_floating() || is_decimal(from)) {
        is_as_finite(values, &given)
    } else if is_text(from) && matches!(to, DataType::Timestamp(..)) {
        is_read_whole(values, &given, to)
    } else {
        is_the_same(values, &given)
    };
    match kept.map_err(|error| words(&error))?.iter().position(|kept| kept == Some(false)) {
        None => Ok(given),
        Some(row) => {
            let value = array_value_to_string(values, row).unwrap_or_default();
            let how = if from.is_numeric() && to.is_numeric() { ": round() it, or make it smaller" } else { "" };
            Err(format!("a new value is {value}, which is not exactly a value of its type {to}{how}"))
        }
    }
}

/// Whether values are those that they were made of: whatever is lost on the way is missing on the way back.
fn is_the_same(values: &ArrayRef, given: &ArrayRef) -> Result<BooleanArray, ArrowError> {
    let back = cast(given, values.data_type())?;
    if values.data_type().is_nested() {
        let same = (0..values.len()).map(|row| Some(values.slice(row, 1) == back.slice(row, 1)));
        return Ok(same.collect());
    }
    // No whole number is negative zero.
    let zero = |array: &ArrayRef| -> Result<ArrayRef, ArrowError> {
        match array.data_type().is_floating() {
            true => add_wrapping(&cast(array, &DataType::Float64)?, &Scalar::new(Float64Array::from(vec![0.0]))),
            false => Ok(Arc::clone(array)),
        }
    };
    not_distinct(&zero(values)?, &zero(&back)?)
}

/// Whether what is finite has stayed so.
fn is_as_finite(values: &ArrayRef, given: &ArrayRef) -> Result<BooleanArray, ArrowError> {
    let finite = |array: &ArrayRef| -> Result<Vec<bool>, ArrowError> {
        let numbers = cast(array, &DataType::Float64)?;
        Ok(numbers.as_primitive::<Float64Type>().iter().map(|number| number.is_none_or(f64::is_finite)).collect())
    };
    let (before, after) = (finite(values)?, finite(given)?);
    Ok(before.into_iter().zip(after).map(|(before, after)| Some(before == after)).collect())
}

/// Whether all digits of a text are in the time that was read of it: a text has more than one form, so the way back does not tell.
fn is_read_whole(values: &ArrayRef, given: &ArrayRef, to: &DataType) -> Result<BooleanArray, ArrowError> {
    let DataType::Timestamp(_, zone) = to else { return is_the_same(values, given) };
    let finest = [TimeUnit::Nanosecond, TimeUnit::Microsecond].into_iter().find_map(|unit| {
        let of = DataType::Timestamp(unit, zone.clone());
        let read = strictly(values, &of).ok()?;
        let back = strictly(given, &of).ok()?;
        Some(not_distinct(&read, &back))
    });
    finest.unwrap_or_else(|| Ok(BooleanArray::from(vec![true; values.len()])))
}

fn is_text(of: &DataType) -> bool {
    matches!(of, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_decimal(of: &DataType) -> bool {
    matches!(of, DataType::Decimal128(..) | DataType::Decimal256(..))
}

fn words(error: &ArrowError) -> String {
    match error {
        ArrowError::CastError(reason) | ArrowError::ParseError(reason) | ArrowError::ComputeError(reason) => {
            reason.clone()
        }
        other => other.to_string(),
    }
}
