//! Bins of time: the beginning of the one that an instant is in, of the next one, or of the nearer of both.
//!
//! Bins begin in local time. One that would begin while clocks are set forward begins with the instant to which they are set. Where
//! clocks are set back, bins of hours and less begin twice, as the hour does; a day, a month or a year does not.

use std::sync::Arc;

use datafolio_core::civil;

use super::frequency::Frequency;
use super::instant::{Instant, fault_where, per_second, present};
use crate::block::{Buffer, Fault, Lane, Values, YES};
use crate::error::ColumnsResult;
use crate::kernels::clock::{self, Piece};
use crate::kernels::map;
use crate::kernels::zones::{Instants, Zone};
use crate::plan::{Arguments, Call, Function, Operand};
use crate::simd::{Loop, vectorised};
use crate::types::{Type, Unit};

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function {
        name: "dt_floor",
        arguments: &["x", "freq"],
        about: "The beginning of the bin of time that the instant is in, for bins as wide as \"D\", \"15min\", \"W\" or \"3M\".",
        bind: |call| bind(call, Towards::Floor),
    },
    Function {
        name: "dt_ceil",
        arguments: &["x", "freq"],
        about: "The instant, if a bin of time begins with it, or the beginning of the next bin.",
        bind: |call| bind(call, Towards::Ceil),
    },
    Function {
        name: "dt_round",
        arguments: &["x", "freq"],
        about: "The nearest beginning of a bin of time; in the middle of two, that of the even one.",
        bind: |call| bind(call, Towards::Nearest),
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Towards {
    Floor,
    Ceil,
    Nearest,
}

fn bind(call: &mut Call<'_, '_>, towards: Towards) -> ColumnsResult<Operand> {
    let text = call.needed_text(1)?;
    let frequency = Frequency::read(&text).map_err(|reason| call.wrong(1, &reason))?;
    let mut instant = Instant::argument(call, 0)?;
    let mut unit = frequency.unit(instant.unit);
    if !matches!(instant.rules, Zone::Fixed(0)) {
        unit = unit.max(Unit::Second);
    }
    instant = instant.at_least(call, unit)?;
    let type_ = Type::Instant(instant.unit, instant.zone.clone());
    let width = Width::of(frequency, instant.unit)
        .ok_or_else(|| call.wrong(1, &format!("'{text}' is wider than what {} can count", instant.unit.as_str())))?;
    let bins = Bins {
        width,
        unit: instant.unit,
        per_second: per_second(instant.unit),
        rules: instant.rules,
        of_days: frequency.of_days(),
    };
    call.compute(&text, &[&instant.operand], type_, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I64(ticks) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        let valid = present(ticks, &lane);
        let (values, fault) = bins.all(ticks, &valid, towards);
        Ok(Lane { fault, ..Lane::with_valid(Values::I64(values), valid) })
    })
}

/// The width of bins in ticks.
#[derive(Debug, Clone, Copy)]
enum Width {
    /// Each tick is the beginning of a bin.
    Finer,
    /// So many ticks, with a bin that begins with tick `origin`, which is less than the width.
    Ticks { width: i64, origin: i64 },
    /// So many months, counted from January of year 0.
    Months(i32),
}

impl Width {
    fn of(frequency: Frequency, unit: Unit) -> Option<Self> {
        let (number, each, origin) = match frequency {
            Frequency::Months(months) => return i32::try_from(months).ok().map(Self::Months),
            // The first Monday of 1970 is the 5th.
            Frequency::Weeks(weeks) => (weeks, Unit::Week, 4 * clock::ticks_per_day(unit)?),
            Frequency::Ticks(number, each) => (number, each, 0),
        };
        let (tick, each) = (i128::from(unit.nanoseconds()?), i128::from(each.nanoseconds()?));
        let width = each * i128::from(number);
        if width <= tick {
            return Some(Self::Finer);
        }
        let width = i64::try_from(width / tick).ok().filter(|width| *width < i64::MAX / 8)?;
        Some(Self::Ticks { width, origin: origin % width })
    }
}

/// Bins of instants of a unit in a zone.
#[derive(Debug)]
struct Bins {
    width: Width,
    unit: Unit,
    per_second: i64,
    rules: Zone,
    of_days: bool,
}

/// Months from year 0 on, to both sides, that bins reach.
const MONTHS: i64 = 70_000_000;
/// From so many seconds after a change of offset on, local times are certain.
const CERTAIN: i64 = 2 * 86_400;

impl Bins {
    fn all<'a>(
        &self,
        ticks: &[i64],
        valid: &Option<Buffer<'_, u8>>,
        towards: Towards,
    ) -> (Buffer<'a, i64>, Option<Arc<Fault>>) {
        if let Some(values) = self.fast(ticks, towards) {
            // A bin that begins before the first tick there is wraps to the other side.
            let wrong = |value: i64, tick: i64| match towards {
                Towards::Floor => value > tick,
                Towards::Ceil => value < tick,
                Towards::Nearest => value.wrapping_sub(tick).unsigned_abs() > i64::MAX as u64 / 4,
            };
            let any = match valid {
                None => values.iter().zip(ticks).fold(false, |any, (value, tick)| any | wrong(*value, *tick)),
                Some(valid) => values
                    .iter()
                    .zip(ticks)
                    .zip(valid.iter())
                    .fold(false, |any, ((value, tick), valid)| any | ((*valid == YES) & wrong(*value, *tick))),
            };
            if !any {
                return (values, None);
            }
        }
        let values: Vec<Option<i64>> = ticks.iter().map(|tick| self.one(*tick, towards)).collect();
        let fault = fault_where(
            ticks,
            |_| true,
            |row| matches!(values.get(row), Some(None)),
            valid,
            || format!("the bin begins before or after what {} can count", self.unit.as_str()),
        );
        (values.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().into(), fault)
    }

    /// The beginnings of bins where all instants have the same offset, and are not close to a change.
    fn fast<'a>(&self, ticks: &[i64], towards: Towards) -> Option<Buffer<'a, i64>> {
        let offset = match &self.rules {
            Zone::Fixed(offset) => *offset,
            Zone::Named(_) => {
                let (least, greatest) = ticks
                    .iter()
                    .fold((i64::MAX, i64::MIN), |(least, greatest), tick| (least.min(*tick), greatest.max(*tick)));
                let interval = self.rules.interval(least.div_euclid(self.per_second));
                let first = self.one(least, Towards::Floor)?.div_euclid(self.per_second);
                let last = self.one(greatest, Towards::Ceil)?.div_euclid(self.per_second);
                if first < interval.start.saturating_add(CERTAIN) || last >= interval.end.saturating_sub(CERTAIN) {
                    return None;
                }
                interval.offset
            }
        };
        let ahead = i64::from(offset) * self.per_second;
        Some(match self.width {
            Width::Finer => map(ticks, |tick| tick),
            Width::Ticks { width, origin } => {
                let even = (origin - ahead).rem_euclid(2 * width);
                let origin = even % width;
                match towards {
                    Towards::Floor => places(ticks, width, origin, |tick, place| tick.wrapping_sub(place)),
                    Towards::Ceil => places(ticks, width, origin, move |tick, place| {
                        if place == 0 { tick } else { tick.wrapping_sub(place).wrapping_add(width) }
                    }),
                    Towards::Nearest => {
                        // Two bins, of which the first is even.
                        places(ticks, 2 * width, even, move |tick, place| {
                            let add = if 2 * place <= width {
                                0
                            } else if 2 * place < 3 * width {
                                width
                            } else {
                                2 * width
                            };
                            tick.wrapping_sub(place).wrapping_add(add)
                        })
                    }
                }
            }
            Width::Months(months) if towards == Towards::Floor => {
                let per_day = clock::ticks_per_day(self.unit)?;
                let local: Buffer<'_, i64> = map(ticks, move |tick: i64| tick.wrapping_add(ahead));
                // Rows that are too far are found by `one`.
                let limit = clock::limit(self.unit);
                let far = |tick: i64| (tick > limit / 2) | (tick < -limit / 2);
                if limit < i64::MAX && local.iter().fold(false, |any, tick| any | far(*tick)) {
                    return None;
                }
                let days = clock::pieces(&local, self.unit, Piece::Day);
                let first =
                    |months: i32| i64::from(civil::first_of_month(months)).wrapping_mul(per_day).wrapping_sub(ahead);
                match months {
                    1 => map(&days, move |day| first(civil::months(day))),
                    3 => map(&days, move |day| first(civil::months(day).div_euclid(3) * 3)),
                    12 => map(&days, move |day| first(civil::months(day).div_euclid(12) * 12)),
                    _ => map(&days, move |day| first(civil::months(day).div_euclid(months) * months)),
                }
            }
            Width::Months(_) => return None,
        })
    }

    /// The beginning of the bin of an instant, or of the next; none where it cannot be counted.
    fn one(&self, tick: i64, towards: Towards) -> Option<i64> {
        let interval = self.rules.interval(tick.div_euclid(self.per_second));
        let ahead = i64::from(interval.offset).checked_mul(self.per_second)?;
        let (start, next, even) = self.around(tick.checked_add(ahead)?)?;
        let floor = self.floor(start, tick, ahead, interval.start)?;
        if towards == Towards::Floor || floor == tick {
            return Some(floor);
        }
        let next = next?;
        let near = next.checked_sub(ahead)?;
        let end = interval.end.saturating_mul(self.per_second);
        let ceil = if near < end {
            near
        } else if self.one(end, Towards::Floor) == Some(end) {
            end
        } else {
            let (instants, fraction) = self.instants(next);
            let ticks = |second: i64| second.checked_mul(self.per_second)?.checked_add(fraction);
            match instants {
                Instants::One(second) => ticks(second)?,
                Instants::Two(first, second) => ticks(first).filter(|first| *first > tick).or_else(|| ticks(second))?,
                Instants::None(gap) => gap.checked_mul(self.per_second)?,
            }
        };
        if towards == Towards::Ceil {
            return Some(ceil);
        }
        let (before, after) = (i128::from(tick) - i128::from(floor), i128::from(ceil) - i128::from(tick));
        Some(if before < after || (before == after && even) { floor } else { ceil })
    }

    fn floor(&self, start: i64, tick: i64, ahead: i64, interval: i64) -> Option<i64> {
        let near = start.checked_sub(ahead)?;
        if interval == i64::MIN || near.div_euclid(self.per_second) >= interval.saturating_add(CERTAIN) {
            return Some(near);
        }
        let (instants, fraction) = self.instants(start);
        let ticks = |second: i64| second.checked_mul(self.per_second)?.checked_add(fraction);
        let found = match instants {
            Instants::One(second) => ticks(second)?,
            Instants::Two(first, second) => {
                ticks(second).filter(|second| !self.of_days && *second <= tick).or_else(|| ticks(first))?
            }
            Instants::None(gap) => gap.checked_mul(self.per_second)?,
        };
        // Where bins have passed since it began, clocks were set back into one of them, which begins again with that.
        let change = interval.saturating_mul(self.per_second);
        if !self.of_days
            && found < change
            && self.one(change.saturating_sub(1), Towards::Floor).is_some_and(|last| last > found)
        {
            return Some(change);
        }
        Some(found.min(tick))
    }

    /// The instants of a local time, and ticks of the second.
    fn instants(&self, local: i64) -> (Instants, i64) {
        (self.rules.instants(local.div_euclid(self.per_second)), local.rem_euclid(self.per_second))
    }

    /// The beginning of the bin of a local time, that of the next one if it can be counted, and whether the bin is even.
    fn around(&self, local: i64) -> Option<(i64, Option<i64>, bool)> {
        match self.width {
            Width::Finer => Some((local, local.checked_add(1), true)),
            Width::Ticks { width, origin } => {
                let place = local.rem_euclid(width) - origin;
                let start = local.checked_sub(if place < 0 { place + width } else { place })?;
                let number = (i128::from(start) - i128::from(origin)) / i128::from(width);
                Some((start, start.checked_add(width), number % 2 == 0))
            }
            Width::Months(months) => {
                let since_zero = match self.unit {
                    Unit::Year => local.checked_add(1970)?.checked_mul(12)?,
                    Unit::Month => local.checked_add(1970 * 12)?,
                    unit => {
                        let day = local.div_euclid(clock::ticks_per_day(unit)?);
                        civil::months(i32::try_from(day).ok().filter(|day| i64::from(*day).abs() <= civil::DAYS)?)
                            .into()
                    }
                };
                let number = since_zero.div_euclid(months.into());
                let start = self.first_of_month(number * i64::from(months))?;
                Some((start, self.first_of_month((number + 1) * i64::from(months)), number % 2 == 0))
            }
        }
    }

    fn first_of_month(&self, months: i64) -> Option<i64> {
        if !(-MONTHS..=MONTHS).contains(&months) {
            return None;
        }
        match self.unit {
            Unit::Year => Some(months / 12 - 1970),
            Unit::Month => Some(months - 1970 * 12),
            unit => {
                let day = civil::first_of_month(i32::try_from(months).ok()?);
                i64::from(day).checked_mul(clock::ticks_per_day(unit)?)
            }
        }
    }
}

/// A loop over ticks and their places in bins.
struct Places<'v, F, G> {
    ticks: &'v [i64],
    place: F,
    f: G,
}

impl<F: Fn(i64) -> i64, G: Fn(i64, i64) -> i64> Loop for Places<'_, F, G> {
    type Output = Vec<i64>;

    #[inline(always)]
    fn run(self) -> Vec<i64> {
        let (place, f) = (self.place, self.f);
        self.ticks.iter().map(|tick| f(*tick, place(*tick))).collect()
    }
}

/// What becomes of every tick and its place in its bin. `origin` is less than the width.
fn places<'a>(ticks: &[i64], width: i64, origin: i64, f: impl Fn(i64, i64) -> i64) -> Buffer<'a, i64> {
    let shifted = move |place: i64| {
        let place = place - origin;
        if place < 0 { place + width } else { place }
    };
    // The quotient is to be exact to a quarter as a floating-point number.
    if width < 1 << 14 {
        return vectorised(Places { ticks, place: move |tick: i64| shifted(tick.rem_euclid(width)), f }).into();
    }
    let inverse = 1.0 / width as f64;
    let place = move |tick: i64| {
        let number = clock::float(tick >> 32) * 4_294_967_296.0 + clock::float(tick & 0xFFFF_FFFF);
        let quotient = clock::whole(clock::nearest(number * inverse));
        let rest = tick.wrapping_sub(quotient.wrapping_mul(width));
        shifted(if rest < 0 { rest + width } else { rest })
    };
    vectorised(Places { ticks, place, f }).into()
}
