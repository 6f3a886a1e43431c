//! Dates and timestamps in ISO 8601.

/// A date, or a date and a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instant {
    /// Days since 1970-01-01.
    pub(super) days: i32,
    /// The time of the day in nanoseconds; `None` for a date.
    pub(super) time: Option<u64>,
    /// Seconds east of UTC, where the text has an offset.
    pub(super) offset: Option<i32>,
}

impl Instant {
    /// Reads `YYYY-MM-DD`, followed or not by `T` or a space and `HH:MM[:SS[.fraction]]`, followed or not by `Z`, ` UTC` or
    /// an offset `+HH:MM`, `+HHMM` or `+HH`. Every part must be a real one: no 30 February, no leap second.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (date, rest) = bytes.split_at_checked(10)?;
        if date[4] != b'-' || date[7] != b'-' {
            return None;
        }
        let year = number(&date[..4])?;
        let days = days_from_civil(year, number(&date[5..7])?, number(&date[8..10])?)?;
        let Some((separator, rest)) = rest.split_first() else {
            return Some(Self { days, time: None, offset: None });
        };
        if !matches!(separator, b'T' | b' ') {
            return None;
        }
        let (clock, mut rest) = rest.split_at_checked(5)?;
        if clock[2] != b':' {
            return None;
        }
        let (hour, minute) = (number(&clock[..2])?, number(&clock[3..])?);
        let (mut second, mut nanos) = (0, 0);
        if let Some(after) = rest.strip_prefix(b":") {
            let (digits, after) = after.split_at_checked(2)?;
            second = number(digits)?;
            rest = after;
            if let Some(after) = rest.strip_prefix(b".") {
                let count = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
                if !(1..=9).contains(&count) {
                    return None;
                }
                nanos = number(&after[..count])? * 10_u32.pow(9 - u32::try_from(count).ok()?);
                rest = &after[count..];
            }
        }
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let time = u64::from(hour * 3600 + minute * 60 + second) * 1_000_000_000 + u64::from(nanos);
        Some(Self { days, time: Some(time), offset: offset(rest)? })
    }

    /// Nanoseconds since 1970-01-01T00:00 UTC (or of a clock without zone).
    pub(super) fn nanos(&self) -> i128 {
        let day = i128::from(self.days) * 86_400_000_000_000;
        day + i128::from(self.time.unwrap_or(0)) - i128::from(self.offset.unwrap_or(0)) * 1_000_000_000
    }

    /// The same in a coarser unit; `None` when digits would be lost or the number is too large.
    pub(super) fn in_units_of(&self, nanos_per_unit: i64) -> Option<i64> {
        let nanos = self.nanos();
        let unit = i128::from(nanos_per_unit);
        if nanos % unit != 0 {
            return None;
        }
        i64::try_from(nanos / unit).ok()
    }
}

/// Reads digits, at most nine of them.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}

/// `Some(None)` when there is no offset, `None` when there is something else.
fn offset(rest: &[u8]) -> Option<Option<i32>> {
    let rest = rest.strip_prefix(b" ").filter(|rest| !rest.is_empty()).unwrap_or(rest);
    let (sign, digits) = match rest {
        [] => return Some(None),
        b"Z" | b"UTC" => return Some(Some(0)),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (number(digits)?, 0),
        4 => (number(&digits[..2])?, number(&digits[2..])?),
        5 if digits[2] == b':' => (number(&digits[..2])?, number(&digits[3..])?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some(Some(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?))
}

/// Days since 1970-01-01 in the Gregorian calendar.
fn days_from_civil(year: u32, month: u32, day: u32) -> Option<i32> {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return None,
    };
    if year == 0 || day == 0 || day > length {
        return None;
    }
    // Years that begin in March put the leap day last; 400 years are 146,097 days.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i32::try_from(i64::from(era) * 146_097 + i64::from(day_of_era) - 719_468).ok()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Datelike, NaiveDate};

    use super::*;

    #[test]
    fn days_are_those_of_chrono() {
        let mut date = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        while date.year() < 9999 {
            let text = date.format("%Y-%m-%d").to_string();
            let days = (date - epoch).num_days();
            assert_eq!(Instant::parse(&text).map(|instant| i64::from(instant.days)), Some(days), "{text}");
            date = date + chrono::Days::new(13);
        }
    }

    #[test]
    fn times_and_offsets() {
        for text in ["2013-01-01T06:00:00Z", "2013-01-01T06:00:00.123456789+05:30", "1969-12-31T23:59:59.5-08:00"] {
            let instant = DateTime::parse_from_rfc3339(text).unwrap();
            let expected = i128::from(instant.timestamp_nanos_opt().unwrap());
            assert_eq!(Instant::parse(text).unwrap().nanos(), expected, "{text}");
        }
        let same = Instant::parse("2024-02-29T01:02:00Z").unwrap();
        for text in
            ["2024-02-29 01:02Z", "2024-02-29 01:02:00 UTC", "2024-02-29 02:02:00.000+0100", "2024-02-29 02:02 +01"]
        {
            assert_eq!(Instant::parse(text).unwrap().nanos(), same.nanos(), "{text}");
        }
        assert_eq!(Instant::parse("2024-02-29 01:02").unwrap().offset, None);
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "2024",
            "2024-1-1",
            "2023-02-29",
            "2024-00-01",
            "2024-13-01",
            "2024-04-31",
            "0000-01-01",
            "2024-01-01T",
            "2024-01-01 ",
            "2024-01-01T24:00",
            "2024-01-01T10",
            "2024-01-01T10:60",
            "2024-01-01T10:00:60",
            "2024-01-01T10:00:00.",
            "2024-01-01T10:00:00.1234567890",
            "2024-01-01T10:00+",
            "2024-01-01T10:00+1",
            "2024-01-01T10:00 CET",
            "2024-01-01T10:00+25:00",
            "20240101",
            "2024/01/01",
            "é024-01-01",
            "2024-01-01é",
        ] {
            assert_eq!(Instant::parse(text), None, "{text:?}");
        }
    }
}
