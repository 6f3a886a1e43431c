//! The whole numbers that texts, dates and moments have.

use std::ops::Neg;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, PrimitiveArray};
use arrow::compute::take;
use arrow::datatypes::{ArrowPrimitiveType, DataType, Date32Type, TimeUnit, TimestampMicrosecondType, UInt32Type};
use arrow::error::ArrowError;
use datafolio_core::civil;

use crate::property::{OfDate, OfText, OfTime, Property};

pub(super) const MICROS_OF_DAY: i64 = 86_400_000_000;
const YEARS_OF_ERA: i64 = 400;
/// Days of an era.
const ERA: i32 = 146_097;

/// Between which numbers a property lies, of values of this type; `None` where they have none.
pub(super) fn range(property: Property, of: &DataType) -> Option<(i64, i64)> {
    let is_moment = matches!(of, DataType::Timestamp(TimeUnit::Microsecond, None));
    let is_date = is_moment || *of == DataType::Date32;
    match property {
        Property::Text(_) => (*of == DataType::Utf8).then_some((0, i32::MAX.into())),
        Property::Time(time) => is_moment.then_some(match time {
            OfTime::Hour => (0, 23),
            OfTime::Minute | OfTime::Second => (0, 59),
        }),
        Property::Date(date) => is_date.then_some(match date {
            // That is 2 ** 31 days.
            OfDate::Year => (-5_900_000, 5_900_000),
            OfDate::Quarter => (1, 4),
            OfDate::Month => (1, 12),
            OfDate::Day => (1, 31),
            OfDate::DayOfYear => (1, 366),
            OfDate::DayOfWeek => (0, 6),
            OfDate::IsoDayOfWeek => (1, 7),
        }),
    }
}

/// Those of the values of a column.
pub(super) fn of(property: Property, column: &ArrayRef) -> Result<Int64Array, ArrowError> {
    let other_type = || ArrowError::CastError("a column of a condition is of another type".to_owned());
    match property {
        Property::Text(text) => {
            let Some(keyed) = column.as_dictionary_opt::<UInt32Type>() else { return lengths(text, column) };
            let taken = take(&lengths(text, keyed.values())?, keyed.keys(), None)?;
            taken.as_primitive_opt().cloned().ok_or_else(other_type)
        }
        Property::Date(date) => Ok(match column.as_primitive_opt::<Date32Type>() {
            Some(days) => of_days(date, &finite(days, i32::MAX, |day| day)),
            None => of_days(date, &moments(column, |micros| micros.div_euclid(MICROS_OF_DAY) as i32)?),
        }),
        Property::Time(time) => {
            let of_day = |micros: i64| micros.rem_euclid(MICROS_OF_DAY);
            match time {
                OfTime::Hour => moments(column, |micros| of_day(micros) / 3_600_000_000),
                OfTime::Minute => moments(column, |micros| of_day(micros) / 60_000_000 % 60),
                OfTime::Second => moments(column, |micros| of_day(micros) / 1_000_000 % 60),
            }
        }
    }
}

fn lengths(text: OfText, column: &ArrayRef) -> Result<Int64Array, ArrowError> {
    let no_texts = || ArrowError::CastError("it is no column of texts".to_owned());
    let texts = column.as_string_opt::<i32>().ok_or_else(no_texts)?;
    let ends = texts.value_offsets().windows(2);
    let numbers = match text {
        // Where each byte is a character there is nothing to count.
        OfText::Characters if !texts.is_ascii() => {
            (0..texts.len()).map(|at| texts.value(at).chars().count() as i64).collect()
        }
        _ => ends.map(|pair| if let [start, end] = pair { i64::from(end - start) } else { 0 }).collect(),
    };
    Int64Array::try_new(numbers, texts.nulls().cloned())
}

fn moments<O: ArrowPrimitiveType>(
    column: &ArrayRef,
    of: impl Fn(i64) -> O::Native,
) -> Result<PrimitiveArray<O>, ArrowError> {
    let no_moments = || ArrowError::CastError("it is no column of moments".to_owned());
    Ok(finite(column.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(no_moments)?, i64::MAX, of))
}

/// A number of each value; those of them that stand for times without an end have none.
fn finite<T: ArrowPrimitiveType<Native: Ord + Neg<Output = T::Native>>, O: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    endless: T::Native,
    of: impl Fn(T::Native) -> O::Native,
) -> PrimitiveArray<O> {
    let is_endless = |value: T::Native| (value == endless) | (value == -endless);
    match values.values().iter().fold(false, |has, value| has | is_endless(*value)) {
        true => values.unary_opt(|value| (!is_endless(value)).then(|| of(value))),
        false => values.unary(of),
    }
}

/// What days have, which are counted from 1970-01-01.
#[allow(clippy::redundant_closure, reason = "a function that goes by its name is called for each day")]
fn of_days(date: OfDate, days: &Int32Array) -> Int64Array {
    match date {
        OfDate::Year => each(days, YEARS_OF_ERA, |day| civil::year(day)),
        OfDate::Quarter => each(days, 0, |day| (civil::month(day) + 2) / 3),
        OfDate::Month => each(days, 0, |day| civil::month(day)),
        OfDate::Day => each(days, 0, |day| civil::day_of_month(day)),
        OfDate::DayOfYear => each(days, 0, |day| civil::day_of_year(day)),
        OfDate::DayOfWeek => each(days, 0, |day| (civil::day_of_week(day) + 1) % 7),
        OfDate::IsoDayOfWeek => each(days, 0, |day| civil::day_of_week(day) + 1),
    }
}

/// A number of each day, which is so much more an era later.
fn each(days: &Int32Array, per_era: i64, of: impl Fn(i32) -> i32) -> Int64Array {
    let is_near = |day: &i32| i64::from(day.unsigned_abs()) <= civil::DAYS;
    if days.values().iter().fold(true, |are, day| are & is_near(day)) {
        // In two steps, of which the first is computed in vectors of 32 bits.
        let numbers: Vec<i32> = days.values().iter().map(|day| of(*day)).collect();
        let numbers: Vec<i64> = numbers.into_iter().map(i64::from).collect();
        return Int64Array::new(numbers.into(), days.nulls().cloned());
    }
    // The calendar is the same every 400 years.
    days.unary(|day| i64::from(of(day.rem_euclid(ERA))) + per_era * i64::from(day.div_euclid(ERA)))
}
