//! How wide the bins of time are: `"D"`, `"15min"`, `"W"`, `"3M"`, `"Q"`, `"Y"`.

use crate::types::Unit;

/// The width of bins, and from where they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frequency {
    /// So many ticks of a unit from hours to nanoseconds, or days, counted from 1970-01-01.
    Ticks(i64, Unit),
    /// So many weeks, which begin on Monday, counted from 1970-01-05.
    Weeks(i64),
    /// So many months, counted from January of year 0.
    Months(i64),
}

const EXPECTED: &str = "a width is a unit, perhaps with a number before it, as in 'D', '15min' or '3M': \
                        'Y', 'Q', 'M' (months), 'W' (from Monday), 'D', 'h', 'min', 's', 'ms', 'us', 'ns'";

impl Frequency {
    /// Reads a width. The error says what would do.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no width of time; {EXPECTED}");
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, letters) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let number: i64 = if number.is_empty() { 1 } else { number.parse().map_err(|_| wrong())? };
        if number < 1 {
            return Err(format!("'{text}' has no width; {EXPECTED}"));
        }
        let months = |each: i64| {
            let months = number.checked_mul(each).filter(|months| *months <= 12 * 1_000_000);
            months.map(Self::Months).ok_or_else(|| format!("'{text}' is too wide: up to a million years are"))
        };
        Ok(match letters {
            "Y" | "y" | "A" | "YS" | "AS" | "year" | "years" => return months(12),
            "Q" | "q" | "QS" | "quarter" | "quarters" => return months(3),
            "M" | "MS" | "mo" | "month" | "months" => return months(1),
            "W" | "w" | "W-MON" | "week" | "weeks" => Self::Weeks(number),
            "D" | "d" | "day" | "days" => Self::Ticks(number, Unit::Day),
            "h" | "H" | "hour" | "hours" => Self::Ticks(number, Unit::Hour),
            "min" | "m" | "T" | "minute" | "minutes" => Self::Ticks(number, Unit::Minute),
            "s" | "S" | "second" | "seconds" => Self::Ticks(number, Unit::Second),
            "ms" | "L" | "millisecond" | "milliseconds" => Self::Ticks(number, Unit::Milli),
            "us" | "U" | "microsecond" | "microseconds" => Self::Ticks(number, Unit::Micro),
            "ns" | "N" | "nanosecond" | "nanoseconds" => Self::Ticks(number, Unit::Nano),
            _ if letters.starts_with("W-") => {
                return Err(format!(
                    "'{text}': weeks begin on Monday; take days off before and add them again for another day"
                ));
            }
            "ME" | "QE" | "YE" => {
                return Err(format!("'{text}': bins begin with the first day of a month; write 'M', 'Q' or 'Y'"));
            }
            _ => return Err(wrong()),
        })
    }

    /// The coarsest unit in which all bins begin with a whole tick, if that is `unit` or one finer.
    pub(super) fn unit(self, unit: Unit) -> Unit {
        match self {
            // The beginning of a calendar month is one of its ticks; its years are not all there are.
            Self::Months(months) if months % 12 == 0 && unit == Unit::Year => unit,
            Self::Months(_) if unit == Unit::Week => Unit::Day,
            Self::Months(_) => unit.max(Unit::Month),
            Self::Weeks(_) => unit.max(Unit::Day),
            Self::Ticks(number, each) => {
                let width = each.nanoseconds().unwrap_or(1).saturating_mul(number);
                match unit.nanoseconds() {
                    // Either several ticks are a bin, or several bins are a tick.
                    Some(tick) if unit != Unit::Week && (width % tick == 0 || tick % width == 0) => unit,
                    _ => unit.max(each),
                }
            }
        }
    }

    /// Whether bins are of whole days, so that each begins at midnight of local time.
    pub(super) fn of_days(self) -> bool {
        !matches!(self, Self::Ticks(_, unit) if unit > Unit::Day)
    }
}
