//! Instants as text, by formats as Python's `strftime` takes.
//!
//! A format is read once, when the expression is bound. The usual numbers are written digit by digit; what is left is `chrono`'s.

use std::io::Write;
use std::sync::Arc;

use chrono::format::{DelayedFormat, Fixed, Item, Numeric, Pad, StrftimeItems};
use chrono::{DateTime, FixedOffset, Timelike};
use datafolio_core::civil;

use super::instant::{fault_where, per_second};
use super::names::{DAYS, MONTHS};
use crate::block::{Buffer, Fault, TextBuilder, Texts};
use crate::kernels::zones::Zone;
use crate::types::Unit;

/// Seconds, to both sides of 1970, of which `chrono` has dates: a little less than 262,143 years.
const LIMIT: i64 = 8_200_000_000_000;

/// A format that has been read.
#[derive(Debug)]
pub(super) struct Format {
    pieces: Vec<Piece>,
    per_second: i64,
    zone: Option<Arc<str>>,
    rules: Zone,
}

#[derive(Debug)]
enum Piece {
    Literal(String),
    /// Four digits.
    Year,
    /// Two digits each.
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// Three digits.
    DayOfYear,
    /// Six digits.
    Micro,
    MonthName(usize),
    DayName(usize),
    /// As `+0530`; with seconds where there are.
    Offset,
    /// What the zone is called.
    Abbreviation,
    Other(Item<'static>),
}

/// An instant, as it is written.
struct Moment {
    second: i64,
    nano: u32,
    offset: i32,
    day: i32,
    /// Seconds of the day.
    of_day: u32,
}

impl Format {
    /// Reads a format. The error says what is wrong with it.
    pub(super) fn new(pattern: &str, unit: Unit, zone: Option<Arc<str>>, rules: Zone) -> Result<Self, String> {
        let mut pieces = Vec::new();
        // Python's `%f` are six digits, and chrono's nine; its `%z` has seconds, and `chrono` rounds them.
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('%') {
            literal(&mut pieces, before);
            let length = specifier(after);
            let (specifier, next) = after.split_at(length);
            match specifier {
                "%" => literal(&mut pieces, "%"),
                "f" => pieces.push(Piece::Micro),
                "Z" if zone.is_none() => {}
                "Z" => pieces.push(Piece::Abbreviation),
                "z" if zone.is_none() => {}
                "z" => pieces.push(Piece::Offset),
                _ => {
                    let text = format!("%{specifier}");
                    let items = StrftimeItems::new(&text).parse_to_owned().map_err(|_| {
                        format!("'{text}' stands for nothing in a format; a percent sign is written '%%'")
                    })?;
                    if zone.is_none() && items.iter().any(needs_zone) {
                        return Err(format!(
                            "'{text}' needs instants with a zone; give them one with `dt_tz_localize`"
                        ));
                    }
                    pieces.extend(items.into_iter().map(Piece::of));
                }
            }
            rest = next;
        }
        literal(&mut pieces, rest);
        Ok(Self { pieces, per_second: per_second(unit), zone, rules })
    }

    /// The texts of instants, and those that are too far from 1970.
    pub(super) fn texts(&self, ticks: &[i64], valid: &Option<Buffer<'_, u8>>) -> (Texts<'static>, Option<Arc<Fault>>) {
        let limit = LIMIT.saturating_mul(self.per_second);
        let far = |ticks: i64| ticks > limit || ticks < -limit;
        let fault = fault_where(
            ticks,
            far,
            |row| ticks.get(row).is_some_and(|ticks| far(*ticks)),
            valid,
            || "years before -260000 and after 260000 are not written as text".to_owned(),
        );
        let mut builder = TextBuilder::with_capacity(ticks.len(), ticks.len() * self.pieces.len() * 4);
        for (row, ticks) in ticks.iter().enumerate() {
            let written = valid.as_ref().is_none_or(|valid| valid.get(row) == Some(&crate::block::YES)) && !far(*ticks);
            builder.push_with(|bytes| {
                if written {
                    self.write(bytes, *ticks);
                }
            });
        }
        (builder.finish(), fault)
    }

    fn write(&self, bytes: &mut Vec<u8>, ticks: i64) {
        let second = ticks.div_euclid(self.per_second);
        let nano = ticks.rem_euclid(self.per_second) * (1_000_000_000 / self.per_second);
        let offset = self.rules.offset(second);
        let local = second + i64::from(offset);
        let moment = Moment {
            second,
            nano: nano as u32,
            offset,
            day: local.div_euclid(86_400) as i32,
            of_day: local.rem_euclid(86_400) as u32,
        };
        for piece in &self.pieces {
            piece.write(bytes, &moment, self);
        }
    }
}

impl Piece {
    fn of(item: Item<'static>) -> Self {
        match item {
            Item::OwnedLiteral(text) | Item::OwnedSpace(text) => Self::Literal(text.into()),
            Item::Literal(text) | Item::Space(text) => Self::Literal(text.to_owned()),
            Item::Numeric(Numeric::Year, Pad::Zero) => Self::Year,
            Item::Numeric(Numeric::Month, Pad::Zero) => Self::Month,
            Item::Numeric(Numeric::Day, Pad::Zero) => Self::Day,
            Item::Numeric(Numeric::Hour, Pad::Zero) => Self::Hour,
            Item::Numeric(Numeric::Minute, Pad::Zero) => Self::Minute,
            Item::Numeric(Numeric::Second, Pad::Zero) => Self::Second,
            Item::Numeric(Numeric::Ordinal, Pad::Zero) => Self::DayOfYear,
            Item::Fixed(Fixed::ShortMonthName) => Self::MonthName(3),
            Item::Fixed(Fixed::LongMonthName) => Self::MonthName(usize::MAX),
            Item::Fixed(Fixed::ShortWeekdayName) => Self::DayName(3),
            Item::Fixed(Fixed::LongWeekdayName) => Self::DayName(usize::MAX),
            other => Self::Other(other),
        }
    }

    fn write(&self, bytes: &mut Vec<u8>, moment: &Moment, format: &Format) {
        match self {
            Self::Literal(text) => bytes.extend_from_slice(text.as_bytes()),
            Self::Year => match civil::year(moment.day) {
                year @ 0..=9999 => digits::<4>(bytes, year as u32),
                year => {
                    // Writing to memory does not fail.
                    let _ = write!(bytes, "{year:+05}");
                }
            },
            Self::Month => digits::<2>(bytes, civil::month(moment.day) as u32),
            Self::Day => digits::<2>(bytes, civil::day_of_month(moment.day) as u32),
            Self::Hour => digits::<2>(bytes, moment.of_day / 3_600),
            Self::Minute => digits::<2>(bytes, moment.of_day / 60 % 60),
            Self::Second => digits::<2>(bytes, moment.of_day % 60),
            Self::DayOfYear => digits::<3>(bytes, civil::day_of_year(moment.day) as u32),
            Self::Micro => digits::<6>(bytes, moment.nano / 1_000),
            Self::MonthName(letters) => name(bytes, &MONTHS, civil::month(moment.day) - 1, *letters),
            Self::DayName(letters) => name(bytes, &DAYS, civil::day_of_week(moment.day), *letters),
            Self::Offset => {
                let ahead = moment.offset.unsigned_abs();
                bytes.push(if moment.offset < 0 { b'-' } else { b'+' });
                digits::<2>(bytes, ahead / 3_600);
                digits::<2>(bytes, ahead / 60 % 60);
                if !ahead.is_multiple_of(60) {
                    digits::<2>(bytes, ahead % 60);
                }
            }
            Self::Abbreviation => {
                let abbreviation = format.rules.abbreviation(moment.second, format.zone.as_deref());
                bytes.extend_from_slice(abbreviation.as_bytes());
            }
            Self::Other(item) => {
                let local = DateTime::from_timestamp(moment.second + i64::from(moment.offset), 0)
                    .unwrap_or_default()
                    .naive_utc();
                let time = local.time();
                let time = time.with_nanosecond(moment.nano).unwrap_or(time);
                let Some(offset) = FixedOffset::east_opt(moment.offset) else { return };
                let text =
                    DelayedFormat::new_with_offset(Some(local.date()), Some(time), &offset, std::iter::once(item));
                let _ = write!(bytes, "{text}");
            }
        }
    }
}

fn literal(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Literal(before)) => before.push_str(text),
        _ => pieces.push(Piece::Literal(text.to_owned())),
    }
}

/// The bytes of what follows a `%`: perhaps marks and digits, then a letter.
fn specifier(text: &str) -> usize {
    let marks = text.bytes().take_while(|byte| matches!(byte, b'-' | b'_' | b'.' | b':' | b'+' | b'0'..=b'9')).count();
    let marks = if text.get(..marks).is_some_and(|marks| marks.ends_with('+')) { marks - 1 } else { marks };
    marks + text.get(marks..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8)
}

fn needs_zone(item: &Item<'_>) -> bool {
    matches!(
        item,
        Item::Fixed(
            Fixed::TimezoneName
                | Fixed::TimezoneOffset
                | Fixed::TimezoneOffsetColon
                | Fixed::TimezoneOffsetDoubleColon
                | Fixed::TimezoneOffsetTripleColon
                | Fixed::TimezoneOffsetColonZ
                | Fixed::TimezoneOffsetZ
                | Fixed::RFC2822
                | Fixed::RFC3339
        )
    )
}

/// A number of so many digits, with zeros before it.
#[inline(always)]
fn digits<const N: usize>(bytes: &mut Vec<u8>, mut number: u32) {
    let mut text = [b'0'; N];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    bytes.extend_from_slice(&text);
}

fn name(bytes: &mut Vec<u8>, names: &[&str], at: i32, letters: usize) {
    let name = names.get(at as usize).copied().unwrap_or_default();
    bytes.extend_from_slice(name.get(..letters).unwrap_or(name).as_bytes());
}
