//! Time zones: what local time is ahead of UTC, when.
//!
//! Rules come from the IANA database that `chrono-tz` has. A zone is turned into a table once in a process, so that a row costs one
//! look into it; where all rows of a block lie between two changes, all get the same offset in one loop.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::{Offset, TimeZone};
use chrono_tz::{OffsetName, Tz};
use datafolio_core::civil;

use super::sides::map;
use crate::block::Buffer;
use crate::plan::nearest;

const DAY: i64 = 86_400;
/// Before any zone has a rule: 1840.
const FIRST: i64 = -47_482 * DAY;
/// Where the rules that the database writes out end: 2100.
const LAST: i64 = 47_482 * DAY;
/// 400 years later; all repeats after 400 years.
const END: i64 = LAST + CYCLE;
const CYCLE: i64 = 146_097 * DAY;
/// Seconds of a bucket of the index are two to the power of this: 24 days, in which there seldom are two changes.
const BUCKET: u32 = 21;
/// No zone is farther from another than this.
const FARTHEST: i64 = 2 * DAY;

/// What an instant with a zone is shown in.
#[derive(Debug, Clone)]
pub(crate) enum Zone {
    /// So many seconds ahead of UTC, always.
    Fixed(i32),
    /// A zone with changes.
    Named(Arc<Table>),
}

/// The offsets of a zone, each from one second since 1970 on to the next.
#[derive(Debug)]
pub(crate) struct Table {
    zone: Tz,
    starts: Vec<i64>,
    offsets: Vec<i32>,
    /// The interval in which each bucket begins.
    index: Vec<u16>,
}

/// A stretch of time in which a zone has the same offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    /// The second since 1970 in which it begins.
    pub(crate) start: i64,
    /// The second in which the next one begins.
    pub(crate) end: i64,
    /// Seconds ahead of UTC.
    pub(crate) offset: i32,
}

/// The instants that a local time may be, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instants {
    One(i64),
    /// Clocks were set back, and showed it twice.
    Two(i64, i64),
    /// Clocks were set forward over it, in this second.
    None(i64),
}

impl Zone {
    /// The zone of a name: one of the IANA database, or an offset as `+05:30`. The error says what would do.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        static TABLES: LazyLock<Mutex<HashMap<Tz, Arc<Table>>>> = LazyLock::new(Mutex::default);
        if name.eq_ignore_ascii_case("utc") || name == "Z" {
            return Ok(Self::Fixed(0));
        }
        if let Some(offset) = offset_of(name) {
            return Ok(Self::Fixed(offset));
        }
        let zone = Tz::from_str(name).map_err(|_| {
            let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
            let hint = nearest(name, names).map(|near| format!("; did you mean '{near}'?")).unwrap_or_default();
            format!("'{name}' is no time zone: one is named as in 'Europe/Berlin', 'UTC' or '+05:30'{hint}")
        })?;
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        let table = tables.entry(zone).or_insert_with(|| Arc::new(Table::new(zone))).clone();
        Ok(match table.offsets.as_slice() {
            [offset] => Self::Fixed(*offset),
            _ => Self::Named(table),
        })
    }

    /// The zone of an instant; without one, its time is taken as it is.
    pub(crate) fn of(name: Option<&str>) -> Result<Self, String> {
        name.map_or(Ok(Self::Fixed(0)), Self::named)
    }

    /// The stretch with the same offset around a second since 1970.
    #[inline]
    pub(crate) fn interval(&self, second: i64) -> Interval {
        match self {
            Self::Fixed(offset) => Interval { start: i64::MIN, end: i64::MAX, offset: *offset },
            Self::Named(table) => table.interval(second),
        }
    }

    /// Seconds ahead of UTC at a second since 1970.
    #[inline]
    pub(crate) fn offset(&self, second: i64) -> i32 {
        match self {
            Self::Fixed(offset) => *offset,
            Self::Named(table) => table.offset(second),
        }
    }

    /// The instants that a local time, in seconds since 1970 there, may be.
    pub(crate) fn instants(&self, local: i64) -> Instants {
        match self {
            Self::Fixed(offset) => Instants::One(local.saturating_sub(i64::from(*offset))),
            Self::Named(table) => table.instants(local),
        }
    }

    /// What the zone is called at a second since 1970, as `CET`; an offset is `UTC+05:30`, as in Python.
    pub(crate) fn abbreviation(&self, second: i64, zone: Option<&str>) -> String {
        let named = match self {
            Self::Named(table) => Some(table.zone),
            Self::Fixed(_) => zone.and_then(|zone| Tz::from_str(zone).ok()),
        };
        let offset = self.offset(second);
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        let Some(named) = named else {
            return match offset {
                0 => "UTC".to_owned(),
                _ => format!("UTC{sign}{hours:02}:{minutes:02}"),
            };
        };
        let instant = chrono::DateTime::from_timestamp(second, 0).unwrap_or_default().naive_utc();
        match (named.offset_from_utc_datetime(&instant).abbreviation(), minutes) {
            (Some(abbreviation), _) => abbreviation.to_owned(),
            // Not all have letters, and are called by the offset.
            (None, 0) => format!("{sign}{hours:02}"),
            (None, _) => format!("{sign}{hours:02}{minutes:02}"),
        }
    }

    /// Instants as local time, in ticks of which a second has so many. What does not fit wraps.
    pub(crate) fn local<'a>(&self, ticks: &[i64], per_second: i64) -> Buffer<'a, i64> {
        let table = match self {
            Self::Fixed(offset) => {
                let offset = i64::from(*offset) * per_second;
                return map(ticks, move |ticks: i64| ticks.wrapping_add(offset));
            }
            Self::Named(table) => table,
        };
        match per_second {
            1_000_000_000 => table.local::<1_000_000_000>(ticks),
            1_000_000 => table.local::<1_000_000>(ticks),
            1_000 => table.local::<1_000>(ticks),
            _ => table.local::<1>(ticks),
        }
    }
}

impl Table {
    fn new(zone: Tz) -> Self {
        let offset_at = |second: i64| {
            let instant = chrono::DateTime::from_timestamp(second, 0).unwrap_or_default().naive_utc();
            zone.offset_from_utc_datetime(&instant).fix().local_minus_utc()
        };
        let (mut starts, mut offsets) = (vec![i64::MIN], vec![offset_at(FIRST)]);
        let mut offset = offset_at(FIRST);
        // No rule of the database holds for less than four days.
        for probe in (FIRST..LAST).step_by(2 * DAY as usize) {
            let (mut before, mut after) = (probe, probe + 2 * DAY);
            let next = offset_at(after.min(LAST));
            if next == offset {
                continue;
            }
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                if offset_at(middle) == offset { before = middle } else { after = middle }
            }
            starts.push(after);
            offsets.push(next);
            offset = next;
        }
        let mut table = Self { zone, starts, offsets, index: Vec::new() };
        table.continue_rules();
        table.fill_index();
        table
    }

    /// Rules that hold in the last years of the database hold for ever: each year is as the one that begins on the same day of the
    /// week and has as many days.
    fn continue_rules(&mut self) {
        let january = |year: i32| civil::first_of_month(year * 12);
        if self.starts.last().is_none_or(|last| *last < i64::from(january(2095)) * DAY) {
            return;
        }
        let length = self.starts.len();
        for year in 2100..2500 {
            let like = (2072..2100).find(|like| {
                civil::is_leap(*like) == civil::is_leap(year)
                    && civil::day_of_week(january(*like)) == civil::day_of_week(january(year))
            });
            let Some(like) = like else { continue };
            let later = i64::from(january(year) - january(like)) * DAY;
            let of_year = i64::from(january(like)) * DAY..i64::from(january(like + 1)) * DAY;
            for at in 0..length {
                let (Some(start), Some(offset)) = (self.starts.get(at).copied(), self.offsets.get(at).copied()) else {
                    continue;
                };
                if of_year.contains(&start) {
                    self.starts.push(start + later);
                    self.offsets.push(offset);
                }
            }
        }
    }

    fn fill_index(&mut self) {
        let buckets = ((END - FIRST) >> BUCKET) + 1;
        self.index = (0..buckets)
            .map(|bucket| {
                let second = FIRST + (bucket << BUCKET);
                let interval = self.starts.partition_point(|start| *start <= second).saturating_sub(1);
                u16::try_from(interval).unwrap_or(u16::MAX)
            })
            .collect();
    }

    /// The number of the interval of a second.
    #[inline(always)]
    fn find(&self, second: i64) -> usize {
        let bucket = (second.max(FIRST) - FIRST) >> BUCKET;
        let mut at = self.index.get(bucket as usize).map_or(0, |at| usize::from(*at));
        while self.starts.get(at + 1).is_some_and(|next| *next <= second) {
            at += 1;
        }
        at
    }

    #[inline(always)]
    fn offset(&self, second: i64) -> i32 {
        let second = if second < END { second } else { LAST + (second - LAST) % CYCLE };
        self.offsets.get(self.find(second)).copied().unwrap_or(0)
    }

    fn interval(&self, second: i64) -> Interval {
        let reduced = if second < END { second } else { LAST + (second - LAST) % CYCLE };
        let later = second - reduced;
        let at = self.find(reduced);
        let start = self.starts.get(at).copied().unwrap_or(i64::MIN);
        let end = match self.starts.get(at + 1) {
            Some(end) => *end,
            // The last rule ends where it is begun again.
            None if self.starts.last().is_some_and(|last| *last >= LAST) => END,
            None => i64::MAX,
        };
        let offset = self.offsets.get(at).copied().unwrap_or(0);
        Interval {
            start: start.saturating_add(if later > 0 { later } else { 0 }),
            end: end.saturating_add(later),
            offset,
        }
    }

    fn instants(&self, local: i64) -> Instants {
        let mut found: Option<i64> = None;
        let mut interval = self.interval(local.saturating_sub(FARTHEST));
        let mut gap = interval.end;
        loop {
            let instant = local.saturating_sub(i64::from(interval.offset));
            if interval.start <= instant && instant < interval.end {
                match found {
                    Some(first) if first != instant => return Instants::Two(first, instant),
                    _ => found = Some(instant),
                }
            } else if instant >= interval.end {
                gap = interval.end;
            }
            if interval.end >= local.saturating_add(FARTHEST) {
                break;
            }
            interval = self.interval(interval.end);
        }
        found.map_or(Instants::None(gap), Instants::One)
    }

    fn local<'a, const SECOND: i64>(&self, ticks: &[i64]) -> Buffer<'a, i64> {
        let (least, greatest) = ticks
            .iter()
            .fold((i64::MAX, i64::MIN), |(least, greatest), ticks| (least.min(*ticks), greatest.max(*ticks)));
        let interval = self.interval(least.div_euclid(SECOND));
        if greatest.div_euclid(SECOND) < interval.end {
            let offset = i64::from(interval.offset) * SECOND;
            return map(ticks, move |ticks: i64| ticks.wrapping_add(offset));
        }
        let shifted = |ticks: &i64| ticks.wrapping_add(i64::from(self.offset(ticks.div_euclid(SECOND))) * SECOND);
        ticks.iter().map(shifted).collect::<Vec<_>>().into()
    }
}

/// Seconds ahead of UTC, of `+05:30`, `-0330` or `+01`.
fn offset_of(name: &str) -> Option<i32> {
    let (sign, rest) = match name.strip_prefix("UTC").unwrap_or(name).split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits = rest.replacen(':', "", 1);
    if !digits.bytes().all(|byte| byte.is_ascii_digit())
        || !matches!((digits.len(), rest.len()), (2, 2) | (4, 4) | (4, 5))
    {
        return None;
    }
    let (hours, minutes) = digits.split_at_checked(2)?;
    let (hours, minutes): (i32, i32) =
        (hours.parse().ok()?, if minutes.is_empty() { 0 } else { minutes.parse().ok()? });
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests;
