//! Dates and moments that lie between two days.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Date32Type, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use datafolio_core::civil;

use super::evaluate::{WORD, bits};
use super::properties::MICROS_OF_DAY;
use crate::bounds::Comparison;

/// The first one, and the last one, in what the column counts from 1970-01-01.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within {
    first: i64,
    last: i64,
    /// Whether times without an end are as good as missing.
    is_finite: bool,
}

/// Years whose days are counted.
const YEARS: i128 = 5_800_000;

impl Within {
    /// Those that compare so with the days from one on, up to the one that follows on these. `None` for columns of other types.
    pub(super) fn of_days(of: &DataType, comparison: Comparison, first: i64, next: i64) -> Option<Self> {
        let unit = match of {
            DataType::Date32 => 1,
            DataType::Timestamp(TimeUnit::Microsecond, None) => MICROS_OF_DAY,
            _ => return None,
        };
        let start = |day: i64| i128::from(day) * i128::from(unit);
        let before = |day: i64| start(day) - 1;
        let (first, last) = match comparison {
            Comparison::Less => (i128::MIN, before(first)),
            Comparison::AtMost => (i128::MIN, before(next)),
            Comparison::Equal => (start(first), before(next)),
            Comparison::AtLeast => (start(first), i128::MAX),
            Comparison::More => (start(next), i128::MAX),
        };
        // Days that a column cannot hold have no place in it, also not at its ends.
        let (least, most) = match of {
            DataType::Date32 => (i32::MIN.into(), i32::MAX.into()),
            _ => (i64::MIN, i64::MAX),
        };
        let is_held = first <= most.into() && last >= least.into();
        let within = |place: i128| place.clamp(least.into(), most.into()) as i64;
        let (first, last) = if is_held { (within(first), within(last)) } else { (most, least) };
        Some(Self { first, last, is_finite: false })
    }

    /// Those whose year compares so with this one.
    pub(super) fn of_year(of: &DataType, comparison: Comparison, year: i128) -> Option<Self> {
        let year = i32::try_from(year).ok().filter(|_| (-YEARS..YEARS).contains(&year))?;
        let first_day = |year: i32| i64::from(civil::first_of_month(year * 12));
        let within = Self::of_days(of, comparison, first_day(year), first_day(year + 1))?;
        Some(Self { is_finite: true, ..within })
    }

    /// For which rows of a column it holds.
    pub(super) fn holds(&self, column: &ArrayRef) -> Result<BooleanArray, ArrowError> {
        let (holds, finite) = if let Some(days) = column.as_primitive_opt::<Date32Type>() {
            // Both are days.
            let (first, last) = (self.first as i32, self.last as i32);
            (between(days.values(), first, last), self.finite(days.values(), -i32::MAX, i32::MAX))
        } else {
            let no_moments = || ArrowError::CastError("it is no column of dates or moments".to_owned());
            let moments = column.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(no_moments)?.values();
            (between(moments, self.first, self.last), self.finite(moments, -i64::MAX, i64::MAX))
        };
        Ok(BooleanArray::new(holds, NullBuffer::union(column.nulls(), finite.map(NullBuffer::new).as_ref())))
    }

    /// Which of these have an end; `None` for all, or where that makes no difference.
    fn finite<T: Copy + Ord>(&self, values: &[T], least: T, most: T) -> Option<BooleanBuffer> {
        let is_endless = |value: T| (value == least) | (value == most);
        let has_endless = self.is_finite && values.iter().fold(false, |has, value| has | is_endless(*value));
        has_endless.then(|| values.iter().map(|value| !is_endless(*value)).collect())
    }
}

fn between<T: Copy + Ord>(values: &[T], first: T, last: T) -> BooleanBuffer {
    let holds = |value: T| u64::from((first <= value) & (value <= last));
    let word = |values: &[T]| values.iter().enumerate().fold(0, |word, (at, value)| word | holds(*value) << at);
    bits(values.chunks(WORD).map(word), values.len())
}
