//! Days of the Gregorian calendar, which is continued to the past, as years, months and days, and back.
//!
//! The arithmetic is that of Howard Hinnant's "chrono-compatible low-level date algorithms" (public domain), in unsigned 32-bit
//! numbers, of which the compiler makes vector code: years are taken to begin in March, so that the day that some lack is their
//! last, and 400 of them, an era, have 146,097 days.

/// Days, from 1970-01-01 on and before, that are computed with: some 5.8 million years, what `int32` days can count.
pub const DAYS: i64 = 2_147_000_000;

/// Days of 400 years.
const ERA: u32 = 146_097;
/// So many eras are added to days, so that none is negative.
const ERAS: u32 = 14_694;
/// What is added to days since 1970-01-01 for days since the March that begins the first era.
const SHIFT: u32 = 719_468 + ERAS * ERA;

/// A day of the year that begins in March.
#[derive(Clone, Copy)]
struct InMarchYear {
    /// Years since the first era.
    year: u32,
    /// From 0.
    day: u32,
}

#[inline(always)]
fn in_march_year(day: i32) -> InMarchYear {
    let shifted = (day as u32).wrapping_add(SHIFT);
    let era = shifted / ERA;
    let of_era = shifted - era * ERA;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    InMarchYear { year: era * 400 + year, day: of_year }
}

/// The year of the calendar, in which January and February belong to the March before.
#[inline(always)]
fn year_of(year: u32, in_first_months: bool) -> i32 {
    (year as i32).wrapping_sub((ERAS * 400) as i32) + i32::from(in_first_months)
}

/// The year.
#[inline(always)]
pub fn year(day: i32) -> i32 {
    let in_year = in_march_year(day);
    year_of(in_year.year, in_year.day >= 306)
}

/// The month, from 1.
#[inline(always)]
pub fn month(day: i32) -> i32 {
    let month = (5 * in_march_year(day).day + 2) / 153;
    (if month < 10 { month + 3 } else { month - 9 }) as i32
}

/// The day of the month, from 1.
#[inline(always)]
pub fn day_of_month(day: i32) -> i32 {
    let of_year = in_march_year(day).day;
    let month = (5 * of_year + 2) / 153;
    (of_year - (153 * month + 2) / 5 + 1) as i32
}

/// Whether a year has 366 days.
#[inline(always)]
pub fn is_leap(year: i32) -> bool {
    // A multiple of 100 and of 16 is one of 400.
    if year % 100 == 0 { year & 15 == 0 } else { year & 3 == 0 }
}

/// The day of the year, from 1.
#[inline(always)]
pub fn day_of_year(day: i32) -> i32 {
    let in_year = in_march_year(day);
    let first_months = in_year.day >= 306;
    let leap = i32::from(is_leap(year_of(in_year.year, first_months)));
    in_year.day as i32 + if first_months { -305 } else { 60 + leap }
}

/// The day of the week: Monday is 0.
#[inline(always)]
pub fn day_of_week(day: i32) -> i32 {
    // 1970-01-01 was a Thursday; what is added is a multiple of 7, and 3, so that no day is negative.
    ((day as u32).wrapping_add(2_147_483_646 + 3) % 7) as i32
}

/// The week of ISO 8601: weeks begin on Monday, and belong to the year of their Thursday.
#[inline(always)]
pub fn iso_week(day: i32) -> u32 {
    let thursday = day - day_of_week(day) + 3;
    (day_of_year(thursday) as u32 - 1) / 7 + 1
}

/// The year that the week of ISO 8601 belongs to.
#[inline(always)]
pub fn iso_year(day: i32) -> i32 {
    year(day - day_of_week(day) + 3)
}

/// How many days a month, from 1, has.
#[inline(always)]
pub fn days_of_month(year: i32, month: i32) -> i32 {
    let long = 30 + ((month ^ (month >> 3)) & 1);
    if month == 2 { 28 + i32::from(is_leap(year)) } else { long }
}

/// Months since the January of year 0.
#[inline(always)]
pub fn months(day: i32) -> i32 {
    let in_year = in_march_year(day);
    let month = (5 * in_year.day + 2) / 153;
    year_of(in_year.year, false) * 12 + month as i32 + 2
}

/// Days from 1970-01-01 to the first day of a month, which is counted from the January of year 0 and within 5.8 million years.
#[inline(always)]
pub fn first_of_month(months: i32) -> i32 {
    let since_march = (months as u32).wrapping_add(ERAS * 400 * 12 - 2);
    let year = since_march / 12;
    let month = since_march - year * 12;
    let era = year / 400;
    let of_era = year - era * 400;
    let days = of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5;
    (era * ERA).wrapping_add(days).wrapping_sub(SHIFT) as i32
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate};
    use proptest::prelude::*;

    use super::*;

    fn check(day: i32, date: NaiveDate) {
        assert_eq!(year(day), date.year(), "{date}");
        assert_eq!(month(day), date.month() as i32, "{date}");
        assert_eq!(day_of_month(day), date.day() as i32, "{date}");
        assert_eq!(day_of_year(day), date.ordinal() as i32, "{date}");
        assert_eq!(day_of_week(day), date.weekday().num_days_from_monday() as i32, "{date}");
        assert_eq!(iso_week(day), date.iso_week().week(), "{date}");
        assert_eq!(iso_year(day), date.iso_week().year(), "{date}");
        assert_eq!(is_leap(date.year()), date.leap_year(), "{date}");
        let first = date.with_day(1).unwrap();
        assert_eq!(first_of_month(months(day)), day - (date.day() as i32 - 1), "{date}");
        let next = first.checked_add_months(chrono::Months::new(1)).unwrap();
        assert_eq!(i64::from(days_of_month(date.year(), date.month() as i32)), (next - first).num_days(), "{date}");
    }

    #[test]
    fn every_day_of_a_thousand_years_is_chronos() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        for day in -183_000..183_000 {
            check(day, epoch + chrono::Duration::days(day.into()));
        }
    }

    #[test]
    fn the_ends_of_what_is_counted_are_as_a_greater_arithmetic_says() {
        // 400 years are 146,097 days, wherever they are.
        for day in [-(DAYS as i32), DAYS as i32, -2_000_000_001, 1_999_999_999] {
            let eras = day.div_euclid(146_097);
            let near = day - eras * 146_097;
            assert_eq!(year(day), year(near) + 400 * eras);
            assert_eq!(month(day), month(near));
            assert_eq!(day_of_year(day), day_of_year(near));
            assert_eq!(day_of_week(day), day_of_week(near));
            assert_eq!(first_of_month(months(day)), day - day_of_month(day) + 1);
        }
    }

    proptest! {
        #[test]
        fn any_day_of_chrono_is_the_same(day in -95_000_000_i32..95_000_000) {
            check(day, NaiveDate::from_ymd_opt(1970, 1, 1).unwrap() + chrono::Duration::days(day.into()));
        }
    }
}
