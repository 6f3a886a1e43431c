//! Parts of durations, as those of Python's `timedelta`: days are rounded down, and what is left is never negative.

use crate::block::{Lane, Values};
use crate::error::ColumnsResult;
use crate::kernels::map;
use crate::plan::{Arguments, Call, Function, Operand};
use crate::types::{Int, Type, Unit};

use super::instant::present;

const DAY: i64 = 86_400_000_000_000;

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    function("td_days", "Whole days, rounded down.", |call| {
        let (operand, tick) = duration(call)?;
        let (divisor, factor) = ratio(DAY, tick);
        computed(call, &operand, Type::INT64, move |ticks| {
            // A week is more than a day: 2⁶³ weeks cannot be counted in days, and nobody has that many.
            Values::I64(map(ticks, move |ticks: i64| ticks.div_euclid(divisor).saturating_mul(factor)))
        })
    }),
    function("td_seconds", "Seconds of the day that has begun, from 0 to 86399.", |call| {
        rest(call, DAY, 1_000_000_000)
    }),
    function("td_microseconds", "Microseconds of the second that has begun.", |call| rest(call, 1_000_000_000, 1_000)),
    function("td_nanoseconds", "Nanoseconds of the microsecond that has begun.", |call| rest(call, 1_000, 1)),
    function("td_total_days", "All of it in days, with fractions.", |call| total(call, DAY)),
    function("td_total_hours", "All of it in hours, with fractions.", |call| total(call, DAY / 24)),
    function("td_total_minutes", "All of it in minutes, with fractions.", |call| total(call, DAY / 1_440)),
    function("td_total_seconds", "All of it in seconds, with fractions.", |call| total(call, 1_000_000_000)),
    function("td_total_milliseconds", "All of it in milliseconds, with fractions.", |call| total(call, 1_000_000)),
    function("td_total_microseconds", "All of it in microseconds, with fractions.", |call| total(call, 1_000)),
    function("td_total_nanoseconds", "All of it in nanoseconds, as a floating-point number.", |call| total(call, 1)),
];

const fn function(name: &'static str, about: &'static str, bind: crate::plan::Bind) -> Function {
    Function { name, arguments: &["x"], about, bind }
}

/// The argument, and the nanoseconds of its ticks.
fn duration(call: &mut Call<'_, '_>) -> ColumnsResult<(Operand, i64)> {
    let mut operand = call.operand(0)?;
    if operand.type_ == Type::Null {
        operand = call.cast(&operand, &Type::Duration(Unit::Nano))?;
    }
    let expected = match &operand.type_ {
        Type::Duration(unit) => match unit.nanoseconds() {
            Some(tick) => return Ok((operand, tick)),
            None => "durations of a fixed length (months and years differ in theirs)",
        },
        Type::Instant(..) => "durations; parts of instants are `.dt.day`, `.dt.second` and so on",
        _ => "durations; a difference of instants is one, and `astype(\"timedelta64[s]\")` casts ticks",
    };
    Err(call.wrong_type(&operand, expected))
}

/// What ticks are divided by, and then multiplied by, to count in a length of so many nanoseconds.
fn ratio(length: i64, tick: i64) -> (i64, i64) {
    if tick <= length { (length / tick, 1) } else { (1, tick / length) }
}

fn computed<F>(call: &mut Call<'_, '_>, operand: &Operand, type_: Type, f: F) -> ColumnsResult<Operand>
where
    F: Fn(&[i64]) -> Values<'static> + Send + Sync + 'static,
{
    call.compute("", &[operand], type_, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I64(ticks) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        Ok(Lane::with_valid(f(ticks), present(ticks, &lane)))
    })
}

/// What is left of multiples of `whole`, in `part`, both in nanoseconds.
fn rest(call: &mut Call<'_, '_>, whole: i64, part: i64) -> ColumnsResult<Operand> {
    let (operand, tick) = duration(call)?;
    let (modulus, _) = ratio(whole, tick);
    let (divisor, factor) = ratio(part, tick);
    computed(call, &operand, Type::Int(Int::I32), move |ticks| {
        let of_whole = move |ticks: i64| (ticks.rem_euclid(modulus) / divisor * factor) as i32;
        Values::I32(map(ticks, of_whole))
    })
}

fn total(call: &mut Call<'_, '_>, length: i64) -> ColumnsResult<Operand> {
    let (operand, tick) = duration(call)?;
    let (divisor, factor) = ratio(length, tick);
    let (divisor, factor) = (divisor as f64, factor as f64);
    computed(call, &operand, Type::Float64, move |ticks| {
        // One of them is 1, so that the result is rounded once.
        Values::F64(map(ticks, move |ticks: i64| ticks as f64 / divisor * factor))
    })
}
