//! Whole numbers that the texts, dates and moments of a column have.

use std::ops::RangeInclusive;

use chrono::{Datelike, Days, NaiveDate};
use serde_json::Value;

use crate::bounds::{Bound, Comparison, Constant, column_of, constant_of};
use crate::formula::call_of;
use crate::params::Params;

/// A whole number that a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    /// Of a text.
    Text(OfText),
    /// Of a date, or of the date of a moment without a zone.
    Date(OfDate),
    /// Of the time of a moment without a zone.
    Time(OfTime),
}

/// What texts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfText {
    /// How many characters it is long.
    Characters,
    /// How many bytes.
    Bytes,
}

/// What dates have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what it is called")]
pub enum OfDate {
    Year,
    Quarter,
    Month,
    Day,
    DayOfYear,
    /// 0 for Sunday.
    DayOfWeek,
    /// 1 for Monday, 7 for Sunday.
    IsoDayOfWeek,
}

/// What times have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what it is called")]
pub enum OfTime {
    Hour,
    Minute,
    /// Whole ones.
    Second,
}

/// Years whose first days are written with four digits.
const YEARS: RangeInclusive<i128> = 1..=9998;

/// Years that all moments have days of. What counts nanoseconds ends with them, and holds those without an end there, which SQL has before
/// and behind all days.
const YEARS_OF_NANOSECONDS: RangeInclusive<i32> = 1678..=2261;

impl Property {
    /// The property of a column that an expression on a table of this name gives.
    pub(crate) fn of(expression: &Value, table: &str) -> Option<(Self, String)> {
        let (name, arguments) = call_of(expression)?;
        let (property, column) = match (name, arguments.as_slice()) {
            ("length" | "len" | "char_length" | "character_length", [column]) => {
                (Self::Text(OfText::Characters), *column)
            }
            ("strlen", [column]) => (Self::Text(OfText::Bytes), *column),
            ("date_part" | "datepart", [part, column]) => match constant_of(part, &Params::None)? {
                Constant::Text(part) => (Self::of_time(&part.to_ascii_lowercase())?, *column),
                _ => return None,
            },
            (name, [column]) => (Self::of_time(name)?, *column),
            _ => return None,
        };
        Some((property, column_of(column, table)?))
    }

    /// That of a date or a moment which goes by this name.
    fn of_time(name: &str) -> Option<Self> {
        Some(match name {
            "year" => Self::Date(OfDate::Year),
            "quarter" => Self::Date(OfDate::Quarter),
            "month" => Self::Date(OfDate::Month),
            "day" | "dayofmonth" => Self::Date(OfDate::Day),
            "dayofyear" | "doy" => Self::Date(OfDate::DayOfYear),
            "dayofweek" | "weekday" | "dow" => Self::Date(OfDate::DayOfWeek),
            "isodow" => Self::Date(OfDate::IsoDayOfWeek),
            "hour" => Self::Time(OfTime::Hour),
            "minute" => Self::Time(OfTime::Minute),
            "second" => Self::Time(OfTime::Second),
            _ => return None,
        })
    }
}

/// The column that an expression takes the dates of: `CAST(moment AS DATE)`.
pub(crate) fn date_of(expression: &Value, table: &str) -> Option<String> {
    let of = expression.get("type_expr").filter(|_| expression.get("class").is_some_and(|class| class == "CAST"))?;
    let is_date = of.get("type_name")?.as_str()?.eq_ignore_ascii_case("date") && of.get("schema")? == "";
    // One that was tried is missing where it is none.
    let is_tried = expression.get("try_cast").is_none_or(|tried| tried != false);
    if is_date && !is_tried { column_of(expression.get("child")?, table) } else { None }
}

/// The day that a constant is, counted from 1970-01-01, where a date compares with it as with that day.
pub(crate) fn day_of(constant: &Constant) -> Option<i64> {
    Some(date_in(constant)?.signed_duration_since(NaiveDate::default()).num_days())
}

fn date_in(constant: &Constant) -> Option<NaiveDate> {
    match constant {
        Constant::Text(text) | Constant::Time(text) => date(text),
        _ => None,
    }
}

/// A date in the form that says no more: four digits, two and two.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    let is_plain = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Between which dates and moments all lie whose year, or whose date, compares so with this constant.
pub(crate) fn bounds(expression: &Value, table: &str, comparison: Comparison, constant: &Constant) -> Vec<Bound> {
    let first_day = |year: i128| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, 1, 1);
    let found = match (date_of(expression, table), Property::of(expression, table), constant) {
        (Some(column), ..) => {
            let day = date_in(constant).filter(|day| YEARS_OF_NANOSECONDS.contains(&day.year()));
            day.map(|day| (column, day, day.checked_add_days(Days::new(1))))
        }
        (_, Some((Property::Date(OfDate::Year), column)), Constant::Int(year)) if YEARS.contains(year) => {
            first_day(*year).map(|first| (column, first, first_day(year + 1)))
        }
        _ => None,
    };
    let Some((column, first, Some(next))) = found else { return Vec::new() };
    let bounds = match comparison {
        Comparison::Less => [Some((Comparison::Less, first)), None],
        Comparison::AtMost => [Some((Comparison::Less, next)), None],
        Comparison::Equal => [Some((Comparison::AtLeast, first)), Some((Comparison::Less, next))],
        Comparison::AtLeast => [Some((Comparison::AtLeast, first)), None],
        Comparison::More => [Some((Comparison::AtLeast, next)), None],
    };
    let bound = |(comparison, day): (Comparison, NaiveDate)| {
        // The last nanoseconds before 1970 become its first microsecond in SQL, which rounds towards 0.
        let is_rounded = comparison == Comparison::AtLeast && day == NaiveDate::default();
        let day = day.checked_sub_days(Days::new(is_rounded.into())).unwrap_or(day);
        Bound { column: column.clone(), comparison, constants: vec![Constant::Time(day.to_string())] }
    };
    bounds.into_iter().flatten().map(bound).collect()
}
