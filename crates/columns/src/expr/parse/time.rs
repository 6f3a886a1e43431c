//! Instants and durations that are written out: `datetime64("2020-01-31T10:00")`, `datetime64(5, "ns")`,
//! `timedelta64(3, "D")`.
//!
//! As in NumPy, the unit of an instant given as text is that of its last part. An offset from UTC, or `Z`, makes it an
//! instant in UTC, where NumPy drops the offset with a warning.

use std::sync::Arc;

use crate::error::Span;
use crate::expr::lex::Problem;
use crate::expr::{Argument, Kind};
use crate::types::Unit;
use crate::value::Value;

const DAY: i128 = 86_400_000_000_000;
const MINUTE: i128 = 60_000_000_000;

/// The value that a call of `datetime64` or `timedelta64` stands for. `span` is that of the call.
pub(super) fn literal(name: &str, span: Span, arguments: &[Argument]) -> Result<Value, Box<Problem>> {
    let instant = name == "datetime64";
    let values: Option<Vec<(&Value, Span)>> = arguments
        .iter()
        .map(|argument| match &*argument.value.kind {
            Kind::Literal(value) if argument.name.is_none() => Some((value, argument.value.span.unwrap_or(span))),
            _ => None,
        })
        .collect();
    let values = values.unwrap_or_default();
    let unit = match values.get(1) {
        None => None,
        Some((value, span)) => Some(unit_of(value, *span)?),
    };
    match (values.as_slice(), unit) {
        ([(Value::Int(ticks), span), _], Some(unit)) => {
            let ticks = fitting(*ticks, *span)?;
            Ok(if instant { Value::Instant(ticks, unit, None) } else { Value::Duration(ticks, unit) })
        }
        ([(Value::Int(ticks), span), _, (Value::Text(zone), _)], Some(unit)) if instant => {
            Ok(Value::Instant(fitting(*ticks, *span)?, unit, Some(zone.clone())))
        }
        ([(Value::Text(text), _)] | [(Value::Text(text), _), _], _) if text.eq_ignore_ascii_case("nat") => {
            Ok(Value::Null)
        }
        ([(Value::Text(text), span)] | [(Value::Text(text), span), _], _) if instant => {
            instant_of(text, unit).map_err(|reason| Problem::new(*span, reason))
        }
        _ if instant => Err(Problem::new(
            span,
            "datetime64 takes a text that is written out, as in datetime64(\"2020-01-31T10:00\"), or ticks and their \
             unit, as in datetime64(5, \"ns\"); x.astype(\"datetime64[ns]\") casts a column",
        )),
        _ => Err(Problem::new(
            span,
            "timedelta64 takes a whole number that is written out and its unit, as in timedelta64(3, \"D\"); \
             x.astype(\"timedelta64[ns]\") casts a column",
        )),
    }
}

fn fitting(ticks: i128, span: Span) -> Result<i64, Box<Problem>> {
    i64::try_from(ticks).map_err(|_| Problem::new(span, format!("{ticks} ticks do not fit in 64 bits")))
}

fn unit_of(value: &Value, span: Span) -> Result<Unit, Box<Problem>> {
    value
        .as_str()
        .and_then(Unit::from_letters)
        .ok_or_else(|| Problem::new(span, "a unit is one of 'Y', 'M', 'W', 'D', 'h', 'm', 's', 'ms', 'us' and 'ns'"))
}

pub(crate) fn instant_of(text: &str, unit: Option<Unit>) -> Result<Value, String> {
    let Some(read) = Reading(text.as_bytes()).instant() else {
        return Err(format!(
            "'{text}' is no date or time; it is written YYYY-MM-DDThh:mm:ss.fff, and parts may be missing at the end"
        ));
    };
    let unit = unit.unwrap_or(read.unit);
    match ticks(read.nanoseconds, unit) {
        Some(ticks) => Ok(Value::Instant(ticks, unit, read.zoned.then(|| Arc::from("UTC")))),
        None => Err(format!("'{text}' does not fit in 64 bits of {}; give a coarser unit", unit.as_str())),
    }
}

/// An instant, as ticks of a unit that may be coarser.
pub(crate) fn ticks(nanoseconds: i128, unit: Unit) -> Option<i64> {
    let days = i64::try_from(nanoseconds.div_euclid(DAY)).ok()?;
    match unit {
        Unit::Year => Some(civil(days).0 - 1970),
        Unit::Month => Some((civil(days).0 - 1970) * 12 + civil(days).1 - 1),
        _ => i64::try_from(nanoseconds.div_euclid(unit.nanoseconds()?.into())).ok(),
    }
}

/// What was read of a text.
struct Read {
    nanoseconds: i128,
    unit: Unit,
    zoned: bool,
}

/// What is left to be read.
struct Reading<'a>(&'a [u8]);

impl Reading<'_> {
    fn instant(mut self) -> Option<Read> {
        let negative = self.eat(b'-');
        let signed = negative || self.eat(b'+');
        // More than four digits need a sign: else 20200131 would be a year.
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let year = match length {
            4 => self.digits(4)?,
            5..=9 if signed => self.digits(length)?,
            _ => return None,
        };
        let year = if negative { -year } else { year };
        let mut read = Read { nanoseconds: i128::from(days(year, 1, 1)) * DAY, unit: Unit::Year, zoned: false };
        if self.0.is_empty() {
            return Some(read);
        }
        let month = self.part(b'-', 1..=12)?;
        (read.nanoseconds, read.unit) = (i128::from(days(year, month, 1)) * DAY, Unit::Month);
        if self.0.is_empty() {
            return Some(read);
        }
        let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let day = self.part(b'-', 1..=days(next_year, next_month, 1) - days(year, month, 1))?;
        (read.nanoseconds, read.unit) = (i128::from(days(year, month, day)) * DAY, Unit::Day);
        if self.0.is_empty() {
            return Some(read);
        }
        self.time(&mut read)?;
        self.0.is_empty().then_some(read)
    }

    fn time(&mut self, read: &mut Read) -> Option<()> {
        let separator = if self.0.first() == Some(&b' ') { b' ' } else { b'T' };
        read.nanoseconds += i128::from(self.part(separator, 0..=23)?) * 60 * MINUTE;
        read.unit = Unit::Hour;
        if self.0.first() == Some(&b':') {
            read.nanoseconds += i128::from(self.part(b':', 0..=59)?) * MINUTE;
            read.unit = Unit::Minute;
        }
        if read.unit == Unit::Minute && self.0.first() == Some(&b':') {
            read.nanoseconds += i128::from(self.part(b':', 0..=59)?) * 1_000_000_000;
            read.unit = Unit::Second;
        }
        if read.unit == Unit::Second && self.eat(b'.') {
            let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
            read.unit = match length {
                1..=3 => Unit::Milli,
                4..=6 => Unit::Micro,
                7..=9 => Unit::Nano,
                _ => return None,
            };
            read.nanoseconds += i128::from(self.digits(length)?) * 10_i128.pow(9 - length as u32);
        }
        self.offset(read)
    }

    /// `Z`, `+01`, `+0100` or `+01:00`.
    fn offset(&mut self, read: &mut Read) -> Option<()> {
        let east = match self.0.first() {
            None => return Some(()),
            Some(b'Z') => 0,
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return None,
        };
        self.0 = self.0.get(1..)?;
        read.zoned = true;
        if east == 0 {
            return Some(());
        }
        let hours = self.digits(2).filter(|hours| *hours < 24)?;
        let minutes = match self.0.first() {
            None => 0,
            Some(b':') => self.part(b':', 0..=59)?,
            Some(_) => self.digits(2).filter(|minutes| *minutes < 60)?,
        };
        if minutes != 0 && read.unit == Unit::Hour {
            read.unit = Unit::Minute;
        }
        read.nanoseconds -= i128::from(east * (hours * 60 + minutes)) * MINUTE;
        Some(())
    }

    fn part(&mut self, separator: u8, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.eat(separator).then(|| self.digits(2))??;
        range.contains(&value).then_some(value)
    }

    fn digits(&mut self, length: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(length)?;
        let value = digits
            .iter()
            .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))?;
        self.0 = rest;
        Some(value)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.0.first() == Some(&byte);
        if there {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        there
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, which is continued to the past.
///
/// Years are taken to begin in March, so that the day that some lack is their last; in 400 of them there are 146,097
/// days.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Nanoseconds from 1970-01-01 to an instant; none where the calendar is not continued that far.
pub(crate) fn nanoseconds(ticks: i64, unit: Unit) -> Option<i128> {
    let year = |years: i64| Some(years).filter(|years| years.abs() < 1_000_000_000).map(|years| 1970 + years);
    match unit {
        Unit::Year => Some(i128::from(days(year(ticks)?, 1, 1)) * DAY),
        Unit::Month => Some(i128::from(days(year(ticks.div_euclid(12))?, ticks.rem_euclid(12) + 1, 1)) * DAY),
        _ => Some(i128::from(ticks) * i128::from(unit.nanoseconds()?)),
    }
}

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (era * 400 + year, month, day)
}

/// An instant as text that is read as the same one; none for weeks, and for years of more than four digits.
pub(crate) fn instant_text(ticks: i64, unit: Unit) -> Option<String> {
    let (days, nanoseconds) = match unit {
        Unit::Week => return None,
        Unit::Year => (days(1970_i64.checked_add(ticks).filter(in_four_digits)?, 1, 1), 0),
        Unit::Month => {
            let year = 1970 + ticks.div_euclid(12);
            (days(Some(year).filter(in_four_digits)?, ticks.rem_euclid(12) + 1, 1), 0)
        }
        _ => {
            let nanoseconds = i128::from(ticks) * i128::from(unit.nanoseconds()?);
            (i64::try_from(nanoseconds.div_euclid(DAY)).ok()?, nanoseconds.rem_euclid(DAY) as i64)
        }
    };
    // Years of five digits are far from the greatest that `civil` can do.
    let (year, month, day) = Some(days).filter(|days| days.abs() < 4_000_000).map(civil)?;
    Some(year).filter(in_four_digits)?;
    let text = format!("{year:04}-{month:02}-{day:02}");
    let seconds = nanoseconds / 1_000_000_000;
    let time = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let fraction = format!("{:09}", nanoseconds % 1_000_000_000);
    Some(match unit {
        Unit::Year => text.get(..4)?.to_owned(),
        Unit::Month => text.get(..7)?.to_owned(),
        Unit::Day | Unit::Week => text,
        Unit::Hour => format!("{text}T{}", time.get(..2)?),
        Unit::Minute => format!("{text}T{}", time.get(..5)?),
        Unit::Second => format!("{text}T{time}"),
        Unit::Milli => format!("{text}T{time}.{}", fraction.get(..3)?),
        Unit::Micro => format!("{text}T{time}.{}", fraction.get(..6)?),
        Unit::Nano => format!("{text}T{time}.{fraction}"),
    })
}

fn in_four_digits(year: &i64) -> bool {
    (0..=9999).contains(year)
}
