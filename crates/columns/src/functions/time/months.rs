//! Instants so many calendar months later.

use datafolio_core::civil;

use super::instant::{Instant, fault_where, per_second, present};
use crate::block::{Lane, Values, both_valid};
use crate::error::ColumnsResult;
use crate::kernels::clock;
use crate::kernels::zones::{Instants, Zone};
use crate::plan::{Arguments, Call, Function, Operand};
use crate::types::{Type, Unit};

pub(in crate::functions) static FUNCTIONS: &[Function] = &[Function {
    name: "dt_add_months",
    arguments: &["x", "n"],
    about: "The same day and time so many months later (earlier, if negative), or the last day of the month where it is shorter. \
            Where a zone's clock leaves that time out, the first instant after.",
    bind: add_months,
}];

fn add_months(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let instant = Instant::argument(call, 0)?;
    let number = call.operand(1)?;
    if !matches!(number.type_, Type::Int(_) | Type::Null) {
        return Err(call.wrong_type(&number, "a whole number of months as `n`"));
    }
    let number = call.cast(&number, &Type::INT64)?;
    let unit = match (instant.unit, &instant.rules) {
        (Unit::Year, _) => Unit::Month,
        (Unit::Week, _) => Unit::Day,
        (unit, Zone::Fixed(0)) => unit,
        (unit, _) => unit.max(Unit::Second),
    };
    let instant = instant.at_least(call, unit)?;
    let unit = instant.unit;
    let rules = instant.rules.clone();
    let type_ = Type::Instant(unit, instant.zone.clone());
    call.compute("", &[&instant.operand, &number], type_, move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (instants, numbers) = (arguments.next().spread(rows), arguments.next().spread(rows));
        let (Values::I64(ticks), Values::I64(months)) = (&instants.values, &numbers.values) else {
            return Ok(Lane::new(Values::Null));
        };
        let valid = both_valid(present(ticks, &instants), numbers.valid.clone());
        let values: Vec<Option<i64>> =
            ticks.iter().zip(months.iter()).map(|(tick, months)| later(*tick, *months, unit, &rules)).collect();
        let fault = fault_where(
            ticks,
            |_| true,
            |row| matches!(values.get(row), Some(None)),
            &valid,
            || format!("the instant is beyond what {} can count", unit.as_str()),
        );
        let values = values.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
        Ok(Lane { fault, ..Lane::with_valid(Values::I64(values.into()), valid) })
    })
}

fn later(tick: i64, months: i64, unit: Unit, rules: &Zone) -> Option<i64> {
    if unit == Unit::Month {
        return tick.checked_add(months);
    }
    let per_second = per_second(unit);
    let offset = match rules {
        Zone::Fixed(offset) => *offset,
        Zone::Named(_) => rules.offset(tick.div_euclid(per_second)),
    };
    let ahead = i64::from(offset) * per_second;
    let local = later_local(tick.checked_add(ahead)?, months, unit)?;
    let near = local.checked_sub(ahead)?;
    if matches!(rules, Zone::Fixed(_)) || rules.offset(near.div_euclid(per_second)) == offset {
        return Some(near);
    }
    let fraction = local.rem_euclid(per_second);
    match rules.instants(local.div_euclid(per_second)) {
        Instants::One(second) | Instants::Two(second, _) => second.checked_mul(per_second)?.checked_add(fraction),
        // Clocks were set forward over it: the first instant after.
        Instants::None(gap) => gap.checked_mul(per_second),
    }
}

fn later_local(local: i64, months: i64, unit: Unit) -> Option<i64> {
    let per_day = clock::ticks_per_day(unit)?;
    let (day, rest) = (local.div_euclid(per_day), local.rem_euclid(per_day));
    let day = i32::try_from(day).ok().filter(|day| i64::from(*day).abs() <= civil::DAYS)?;
    let month = i64::from(civil::months(day)).checked_add(months).filter(|month| month.abs() <= 70_000_000)?;
    let month = i32::try_from(month).ok()?;
    let first = civil::first_of_month(month);
    let last = civil::days_of_month(month.div_euclid(12), month.rem_euclid(12) + 1);
    let day = i64::from(first) + i64::from(civil::day_of_month(day).min(last)) - 1;
    day.checked_mul(per_day)?.checked_add(rest)
}
