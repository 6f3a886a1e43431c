//! Parts of instants that are numbers or truth values.

use datafolio_core::civil;

use super::instant::{Instant, per_second, present};
use crate::block::{Lane, Values, YES};
use crate::error::ColumnsResult;
use crate::kernels::clock::Piece;
use crate::kernels::map;
use crate::plan::{Arguments, Call, Function, Operand};
use crate::types::{Int, Type, Unit};

const INT32: Type = Type::Int(Int::I32);

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    part("dt_date", "The day, as an instant of whole days.", |call| {
        of(call, Piece::Day, Type::Instant(Unit::Day, None), |days| Values::I64(map(days, i64::from)))
    }),
    part("dt_year", "The year.", |call| of_day(call, civil::year)),
    part("dt_quarter", "The quarter of the year, from 1.", |call| of_day(call, |day| (civil::month(day) + 2) / 3)),
    part("dt_halfyear", "The half of the year, 1 or 2.", |call| of_day(call, |day| (civil::month(day) + 5) / 6)),
    part("dt_month", "The month, from 1.", |call| of_day(call, civil::month)),
    part("dt_day", "The day of the month, from 1.", |call| of_day(call, civil::day_of_month)),
    part("dt_dayofyear", "The day of the year, from 1.", |call| of_day(call, civil::day_of_year)),
    part("dt_dayofweek", "The day of the week: Monday is 0.", |call| of_day(call, civil::day_of_week)),
    part("dt_weekday", "The day of the week: Monday is 0.", |call| of_day(call, civil::day_of_week)),
    part("dt_weekofyear", "The week of ISO 8601, which begins on Monday.", |call| {
        of(call, Piece::Day, Type::Int(Int::U32), |days| Values::U32(map(days, civil::iso_week)))
    }),
    part("dt_isoyear", "The year that the week of ISO 8601 belongs to.", |call| of_day(call, civil::iso_year)),
    part("dt_days_in_month", "How many days the month has.", |call| of_day(call, month_length)),
    part("dt_is_leap_year", "Whether the year has 366 days.", |call| {
        whether(call, |day| civil::is_leap(civil::year(day)))
    }),
    part("dt_is_month_start", "Whether it is the first day of a month.", |call| {
        whether(call, |day| civil::day_of_month(day) == 1)
    }),
    part("dt_is_month_end", "Whether it is the last day of a month.", |call| {
        whether(call, |day| civil::day_of_month(day + 1) == 1)
    }),
    part("dt_is_quarter_start", "Whether it is the first day of a quarter.", |call| whether(call, starts_quarter)),
    part("dt_is_quarter_end", "Whether it is the last day of a quarter.", |call| {
        whether(call, |day| starts_quarter(day + 1))
    }),
    part("dt_is_year_start", "Whether it is the first day of a year.", |call| {
        whether(call, |day| civil::day_of_year(day) == 1)
    }),
    part("dt_is_year_end", "Whether it is the last day of a year.", |call| {
        whether(call, |day| civil::day_of_year(day + 1) == 1)
    }),
    part("dt_hour", "The hour, from 0.", |call| of_time(call, Piece::Second, |second| (second as u32 / 3_600) as i32)),
    part("dt_minute", "The minute of the hour.", |call| {
        of_time(call, Piece::Second, |second| (second as u32 / 60 % 60) as i32)
    }),
    part("dt_second", "The second of the minute.", |call| {
        of_time(call, Piece::Second, |second| (second as u32 % 60) as i32)
    }),
    part("dt_millisecond", "Whole milliseconds of the second.", |call| {
        of_time(call, Piece::Nano, |nano| (nano as u32 / 1_000_000) as i32)
    }),
    part("dt_microsecond", "Whole microseconds of the second.", |call| {
        of_time(call, Piece::Nano, |nano| (nano as u32 / 1_000) as i32)
    }),
    part("dt_nanosecond", "Nanoseconds of the microsecond.", |call| {
        of_time(call, Piece::Nano, |nano| (nano as u32 % 1_000) as i32)
    }),
    Function {
        name: "dt_timestamp",
        arguments: &["x", "unit?"],
        about: "Seconds since 1970-01-01T00:00 in UTC, with fractions; or whole ticks of a unit, rounded down.",
        bind: timestamp,
    },
];

const fn part(name: &'static str, about: &'static str, bind: crate::plan::Bind) -> Function {
    Function { name, arguments: &["x"], about, bind }
}

fn of(
    call: &mut Call<'_, '_>,
    piece: Piece,
    type_: Type,
    values: fn(&[i32]) -> Values<'static>,
) -> ColumnsResult<Operand> {
    let piece = Instant::argument(call, 0)?.piece(call, piece)?;
    call.compute("", &[&piece], type_, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I32(pieces) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        Ok(Lane::with_valid(values(pieces), lane.valid))
    })
}

/// A number that each day has. The closure is one of a kind, so that its loop is too.
fn of_day<F: Fn(i32) -> i32 + Copy + Send + Sync + 'static>(call: &mut Call<'_, '_>, f: F) -> ColumnsResult<Operand> {
    of_time(call, Piece::Day, f)
}

fn of_time<F>(call: &mut Call<'_, '_>, piece: Piece, f: F) -> ColumnsResult<Operand>
where
    F: Fn(i32) -> i32 + Copy + Send + Sync + 'static,
{
    let piece = Instant::argument(call, 0)?.piece(call, piece)?;
    call.compute("", &[&piece], INT32, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I32(pieces) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        Ok(Lane::with_valid(Values::I32(map(pieces, f)), lane.valid))
    })
}

/// What is true of some days.
fn whether<F: Fn(i32) -> bool + Copy + Send + Sync + 'static>(call: &mut Call<'_, '_>, f: F) -> ColumnsResult<Operand> {
    let piece = Instant::argument(call, 0)?.piece(call, Piece::Day)?;
    call.compute("", &[&piece], Type::Bool, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I32(days) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        Ok(Lane::with_valid(Values::Bool(map(days, move |day| if f(day) { YES } else { 0 })), lane.valid))
    })
}

#[inline(always)]
fn month_length(day: i32) -> i32 {
    civil::days_of_month(civil::year(day), civil::month(day))
}

#[inline(always)]
fn starts_quarter(day: i32) -> bool {
    civil::day_of_month(day) == 1 && civil::month(day) % 3 == 1
}

fn timestamp(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let instant = Instant::argument(call, 0)?;
    let Some(letters) = call.text(1)? else {
        let fine = instant.at_least(call, Unit::Second)?;
        let per_second = per_second(fine.unit);
        return call.compute("", &[&fine.operand], Type::Float64, move |mut arguments: Arguments<'_>| {
            let lane = arguments.next();
            let Values::I64(ticks) = &lane.values else { return Ok(Lane::new(Values::Null)) };
            let valid = present(ticks, &lane);
            // Whole seconds are exact, so that only the sum with the fraction is rounded.
            let seconds = move |ticks: i64| {
                // Both have the sign of the ticks: nothing is lost where they are small.
                (ticks / per_second) as f64 + (ticks % per_second) as f64 / per_second as f64
            };
            Ok(Lane::with_valid(Values::F64(map(ticks, seconds)), valid))
        });
    };
    let Some(unit) = Unit::from_letters(&letters).filter(|unit| unit.nanoseconds().is_some()) else {
        return Err(call.wrong(1, "a unit is one of 'W', 'D', 'h', 'm', 's', 'ms', 'us' and 'ns'"));
    };
    let fine = instant.at_least(call, unit)?;
    let divisor = fine.unit.nanoseconds().zip(unit.nanoseconds()).map_or(1, |(fine, coarse)| coarse / fine);
    call.compute(unit.as_str(), &[&fine.operand], Type::INT64, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I64(ticks) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        let valid = present(ticks, &lane);
        Ok(Lane::with_valid(Values::I64(map(ticks, move |ticks: i64| ticks.div_euclid(divisor))), valid))
    })
}
