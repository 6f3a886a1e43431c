//! Ticks of instants as days, seconds of the day and nanoseconds of the second.
//!
//! Processors divide eight 64-bit numbers one by one, so the division by the ticks of a day is a multiplication of floating-point
//! numbers. It is exact: the factor of two in the divisor is shifted away, what is left of the ticks is below 2⁵¹, and the remainder
//! shows whether the quotient is one too large.

use datafolio_core::civil;

use super::sides::map;
use crate::block::Buffer;
use crate::types::Unit;

/// 1.5 times 2⁵²: its sum with a whole number of up to 2⁵¹ has that number in its lowest bits.
const MAGIC: f64 = 6_755_399_441_055_744.0;
const MAGIC_BITS: i64 = MAGIC.to_bits() as i64;

/// A whole number of less than 2⁵¹, as a floating-point number.
#[inline(always)]
pub(crate) fn float(number: i64) -> f64 {
    f64::from_bits(number.wrapping_add(MAGIC_BITS) as u64) - MAGIC
}

/// The nearest whole number.
#[inline(always)]
pub(crate) fn nearest(number: f64) -> f64 {
    (number + MAGIC) - MAGIC
}

/// A whole floating-point number of less than 2⁵¹, as a whole number.
#[inline(always)]
pub(crate) fn whole(number: f64) -> i64 {
    ((number + MAGIC).to_bits() as i64).wrapping_sub(MAGIC_BITS)
}

/// Quotient and remainder of a whole number of less than 2⁵¹ by a whole number; the remainder is not negative.
#[inline(always)]
fn divided(number: f64, by: f64) -> (f64, f64) {
    let quotient = nearest(number * (1.0 / by));
    let rest = number - quotient * by;
    let below = rest < 0.0;
    (if below { quotient - 1.0 } else { quotient }, if below { rest + by } else { rest })
}

/// What an instant is taken apart into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Days since 1970-01-01.
    Day,
    /// Seconds of the day.
    Second,
    /// Nanoseconds of the second.
    Nano,
}

/// How many ticks a day has; none for units that are not parts of it.
pub(crate) fn ticks_per_day(unit: Unit) -> Option<i64> {
    match unit {
        Unit::Year | Unit::Month | Unit::Week => None,
        unit => Some(86_400_000_000_000 / unit.nanoseconds()?),
    }
}

/// Ticks, to both sides of 1970, that [`pieces`] can take apart.
pub(crate) fn limit(unit: Unit) -> i64 {
    match unit {
        Unit::Year => civil::DAYS / 366 - 1,
        Unit::Month => civil::DAYS / 366 * 12 - 12,
        Unit::Week => civil::DAYS / 7,
        unit => civil::DAYS.saturating_mul(ticks_per_day(unit).unwrap_or(1)),
    }
}

/// A piece of every instant. Ticks beyond the [`limit`] are taken for it.
pub(crate) fn pieces<'a>(ticks: &[i64], unit: Unit, piece: Piece) -> Buffer<'a, i32> {
    let limit = limit(unit);
    match (unit, piece) {
        (Unit::Nano, piece) => of_day::<86_400_000_000_000, 1_000_000_000>(ticks, piece),
        (Unit::Micro, piece) => of_day::<86_400_000_000, 1_000_000>(ticks, piece),
        (Unit::Milli, piece) => of_day::<86_400_000, 1_000>(ticks, piece),
        (Unit::Second, piece) => of_day::<86_400, 1>(ticks, piece),
        (Unit::Minute, Piece::Day) => of_day::<1_440, 1>(ticks, piece),
        (Unit::Hour, Piece::Day) => of_day::<24, 1>(ticks, piece),
        (Unit::Minute, Piece::Second) => map(ticks, |ticks: i64| ticks.rem_euclid(1_440) as i32 * 60),
        (Unit::Hour, Piece::Second) => map(ticks, |ticks: i64| ticks.rem_euclid(24) as i32 * 3_600),
        (Unit::Day, Piece::Day) => map(ticks, move |ticks: i64| ticks.clamp(-limit, limit) as i32),
        (Unit::Week, Piece::Day) => map(ticks, move |ticks: i64| ticks.clamp(-limit, limit) as i32 * 7),
        (Unit::Month, Piece::Day) => {
            map(ticks, move |ticks: i64| civil::first_of_month(ticks.clamp(-limit, limit) as i32 + 1970 * 12))
        }
        (Unit::Year, Piece::Day) => {
            map(ticks, move |ticks: i64| civil::first_of_month((ticks.clamp(-limit, limit) as i32 + 1970) * 12))
        }
        (_, Piece::Second | Piece::Nano) => vec![0; ticks.len()].into(),
    }
}

/// Pieces of ticks of which a day and a second have so many.
fn of_day<'a, const DAY: i64, const SECOND: i64>(ticks: &[i64], piece: Piece) -> Buffer<'a, i32> {
    let scale = 1_000_000_000.0 / SECOND as f64;
    match piece {
        Piece::Day => map(ticks, |ticks| whole(split::<DAY>(ticks).0) as i32),
        Piece::Second => map(ticks, |ticks| whole(divided(split::<DAY>(ticks).1, SECOND as f64).0) as i32),
        Piece::Nano => map(ticks, move |ticks| whole(divided(split::<DAY>(ticks).1, SECOND as f64).1 * scale) as i32),
    }
}

/// Days, and ticks of the day.
#[inline(always)]
fn split<const DAY: i64>(ticks: i64) -> (f64, f64) {
    let limit = const { civil::DAYS.saturating_mul(DAY) };
    let shift = const { DAY.trailing_zeros() };
    let ticks = ticks.clamp(-limit, limit);
    let (day, rest) = divided(float(ticks >> shift), const { (DAY >> DAY.trailing_zeros()) as f64 });
    (
        day,
        rest * const { (1_i64 << DAY.trailing_zeros()) as f64 }
            + float(ticks & const { (1 << DAY.trailing_zeros()) - 1 }),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FINE: [Unit; 6] = [Unit::Hour, Unit::Minute, Unit::Second, Unit::Milli, Unit::Micro, Unit::Nano];

    fn check(ticks: i64, unit: Unit) {
        let limit = limit(unit);
        let clamped = i128::from(ticks.clamp(-limit, limit));
        let nanoseconds = clamped * i128::from(unit.nanoseconds().unwrap());
        let day = nanoseconds.div_euclid(86_400_000_000_000);
        let rest = nanoseconds.rem_euclid(86_400_000_000_000);
        let one = |piece| pieces(&[ticks], unit, piece).first().copied().map(i128::from);
        assert_eq!(one(Piece::Day), Some(day), "{ticks} {unit:?}");
        if i128::from(ticks) == clamped {
            assert_eq!(one(Piece::Second), Some(rest / 1_000_000_000), "{ticks} {unit:?}");
            assert_eq!(one(Piece::Nano), Some(rest % 1_000_000_000), "{ticks} {unit:?}");
        }
    }

    #[test]
    fn boundaries_of_days_and_seconds_are_exact() {
        for unit in FINE {
            let per_day = ticks_per_day(unit).unwrap();
            let per_second = (1_000_000_000 / unit.nanoseconds().unwrap()).max(1);
            let last = limit(unit) / per_day;
            for day in [-last, -last + 1, -719_468, -1, 0, 1, 11_017, 100_000, last - 1, last] {
                for second in [0, 1, 43_200, 86_399] {
                    for beside in [-1, 0, 1] {
                        let ticks =
                            day.checked_mul(per_day).and_then(|ticks| ticks.checked_add(second * per_second + beside));
                        ticks.into_iter().for_each(|ticks| check(ticks, unit));
                    }
                }
            }
            for ticks in [i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1] {
                check(ticks, unit);
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_are_those_of_whole_numbers(ticks in any::<i64>(), shift in 0_u32..50, unit in 0_usize..6) {
            check(ticks >> shift, FINE[unit]);
        }
    }
}
