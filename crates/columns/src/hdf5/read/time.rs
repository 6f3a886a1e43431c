//! Instants and durations: NumPy's ten units as the types that Arrow has.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{DataType, TimeUnit};

use super::block::Label;
use crate::error::ColumnsResult;
use crate::types::Unit;

/// NumPy's mark for an instant or duration that is none.
const NOT_A_TIME: i64 = i64::MIN;
/// Years, from 1970 on and before, whose days certainly are no more than Arrow's dates can count.
const YEARS: i64 = 5_800_000;

/// What 64-bit ticks stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ticks {
    /// Since the beginning of 1970.
    Instant(Unit),
    /// By themselves.
    Duration(Unit),
}

impl Ticks {
    /// The type as NumPy names it.
    pub(super) fn name(self) -> String {
        match self {
            Self::Instant(unit) => format!("datetime64[{}]", unit.as_str()),
            Self::Duration(unit) => format!("timedelta64[{}]", unit.as_str()),
        }
    }

    /// The Arrow type; none where there is none that holds the values.
    pub(super) fn arrow(self) -> Option<DataType> {
        let fine = |unit| match unit {
            Unit::Milli => TimeUnit::Millisecond,
            Unit::Micro => TimeUnit::Microsecond,
            Unit::Nano => TimeUnit::Nanosecond,
            _ => TimeUnit::Second,
        };
        Some(match self {
            Self::Instant(Unit::Year | Unit::Month | Unit::Week | Unit::Day) => DataType::Date32,
            Self::Instant(unit) => DataType::Timestamp(fine(unit), None),
            Self::Duration(Unit::Year | Unit::Month) => return None,
            Self::Duration(unit) => DataType::Duration(fine(unit)),
        })
    }

    /// Whether Arrow's type has another unit than NumPy's.
    pub(super) fn is_converted(self) -> bool {
        let (Self::Instant(unit) | Self::Duration(unit)) = self;
        !matches!(unit, Unit::Second | Unit::Milli | Unit::Micro | Unit::Nano)
    }

    /// The values in Arrow's type, and which are missing: those that were, and those that are no time.
    pub(super) fn convert(
        self,
        label: &Label,
        numbers: Buffer,
        nulls: Option<NullBuffer>,
        row_of: impl Fn(usize) -> u64,
    ) -> ColumnsResult<(Buffer, Option<NullBuffer>)> {
        let ticks = numbers.typed_data::<i64>();
        let valid = |at: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(at));
        let nulls = match ticks.contains(&NOT_A_TIME) {
            false => nulls.clone(),
            true => {
                let valid = BooleanBuffer::collect_bool(ticks.len(), |at| ticks[at] != NOT_A_TIME && valid(at));
                Some(NullBuffer::new(valid))
            }
        };
        if !self.is_converted() {
            return Ok((numbers, nulls));
        }
        let valid = |at: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(at));
        // What is stored where a value is missing is anything, and need not fit.
        let values = ticks.iter().enumerate().map(|(at, tick)| match valid(at) {
            true => self.scaled(*tick).ok_or((at, *tick)),
            false => Ok(0),
        });
        let to_days = self.arrow() == Some(DataType::Date32);
        let values = match to_days {
            true => values
                .zip(ticks)
                .enumerate()
                .map(|(at, (days, tick))| days.and_then(|days| i32::try_from(days).map_err(|_| (at, *tick))))
                .collect::<Result<Vec<i32>, _>>()
                .map(Buffer::from_vec),
            false => values.collect::<Result<Vec<i64>, _>>().map(Buffer::from_vec),
        };
        let values = values.map_err(|(at, tick)| {
            label.unsupported(format_args!(
                "holds {tick} of {} in row {}, which is out of range",
                self.name(),
                row_of(at)
            ))
        })?;
        Ok((values, nulls))
    }

    /// A tick in the unit of Arrow's type.
    fn scaled(self, tick: i64) -> Option<i64> {
        match self {
            Self::Instant(Unit::Year) => days_before(tick, 0),
            Self::Instant(Unit::Month) => days_before(tick.div_euclid(12), tick.rem_euclid(12)),
            Self::Instant(Unit::Week) => tick.checked_mul(7),
            Self::Instant(Unit::Day) => Some(tick),
            Self::Duration(Unit::Week) => tick.checked_mul(7 * 86_400),
            Self::Duration(Unit::Day) => tick.checked_mul(86_400),
            Self::Instant(Unit::Hour) | Self::Duration(Unit::Hour) => tick.checked_mul(3_600),
            Self::Instant(Unit::Minute) | Self::Duration(Unit::Minute) => tick.checked_mul(60),
            _ => Some(tick),
        }
    }
}

/// Days from 1970 to the beginning of a month, both counted from 0, in the Gregorian calendar.
fn days_before(years: i64, month: i64) -> Option<i64> {
    if !(-YEARS..=YEARS).contains(&years) {
        return None;
    }
    // A year that begins in March has its leap day at its end.
    let (year, month) = if month < 2 { (1970 + years - 1, month + 10) } else { (1970 + years, month - 2) };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(days + (153 * month + 2) / 5 - 719_468)
}

/// The ticks that NumPy's name of a type stands for, as `datetime64[ns]` or `<M8[ns]`.
pub(super) fn ticks_of(name: &str) -> Option<Ticks> {
    let name = name.trim_start_matches(['<', '=', '|']);
    let (kind, unit) = name.strip_suffix(']')?.split_once('[')?;
    let unit = Unit::from_letters(unit)?;
    match kind {
        "datetime64" | "M8" => Some(Ticks::Instant(unit)),
        "timedelta64" | "m8" => Some(Ticks::Duration(unit)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_years_begin_when_numpy_says() {
        // np.datetime64('YYYY-MM').astype('datetime64[D]').astype(int)
        for (year, month, days) in [
            (1970, 1, 0),
            (1970, 2, 31),
            (1970, 3, 59),
            (1969, 12, -31),
            (2000, 3, 11_017),
            (2000, 2, 10_988),
            (1900, 3, -25_508),
            (2100, 3, 47_541),
            (1, 1, -719_162),
            (0, 1, -719_528),
            (-400, 3, -865_565),
        ] {
            assert_eq!(days_before(year - 1970, month - 1), Some(days), "{year}-{month}");
        }
        assert_eq!(days_before(i64::MAX, 0), None);
        assert_eq!(days_before(i64::MIN / 12, 3), None);
    }

    #[test]
    fn names_of_types_are_numpys() {
        assert_eq!(ticks_of("datetime64[ns]"), Some(Ticks::Instant(Unit::Nano)));
        assert_eq!(ticks_of("<m8[D]"), Some(Ticks::Duration(Unit::Day)));
        for none in ["datetime64", "datetime64[25s]", "M8[]", "[ns]", "]", "float64", ""] {
            assert_eq!(ticks_of(none), None, "{none}");
        }
    }
}
