//! Names of months and days, and instants as text.

use std::sync::{Arc, LazyLock};

use datafolio_core::civil;

use super::format::Format;
use super::instant::{Instant, present};
use crate::block::{Dictionary, Lane, TextBuilder, Texts, Values};
use crate::error::ColumnsResult;
use crate::kernels::clock::Piece;
use crate::kernels::map;
use crate::plan::{Arguments, Call, Function, Operand};
use crate::types::{Type, Unit};

pub(in crate::functions) static FUNCTIONS: &[Function] = &[
    Function { name: "dt_month_name", arguments: &["x"], about: "The English name of the month.", bind: month_name },
    Function {
        name: "dt_day_name",
        arguments: &["x"],
        about: "The English name of the day of the week.",
        bind: day_name,
    },
    Function {
        name: "dt_strftime",
        arguments: &["x", "format"],
        about: "The instant as text, by a format as Python's `strftime` takes: \"%Y-%m-%d %H:%M:%S\".",
        bind: strftime,
    },
];

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A dictionary of names. Those of chunks are counted from 0.
fn dictionary(names: &[&str], id: u64) -> Arc<Dictionary<'static>> {
    let mut builder = TextBuilder::with_capacity(names.len(), 100);
    names.iter().for_each(|name| builder.push(name));
    Arc::new(Dictionary { texts: builder.finish(), valid: None, id })
}

static MONTH_NAMES: LazyLock<Arc<Dictionary<'static>>> = LazyLock::new(|| dictionary(&MONTHS, u64::MAX));
static DAY_NAMES: LazyLock<Arc<Dictionary<'static>>> = LazyLock::new(|| dictionary(&DAYS, u64::MAX - 1));

fn month_name(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    named(call, &MONTH_NAMES, |day| civil::month(day) - 1)
}

fn day_name(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    named(call, &DAY_NAMES, civil::day_of_week)
}

fn named<F>(
    call: &mut Call<'_, '_>,
    names: &'static LazyLock<Arc<Dictionary<'static>>>,
    code: F,
) -> ColumnsResult<Operand>
where
    F: Fn(i32) -> i32 + Copy + Send + Sync + 'static,
{
    let day = Instant::argument(call, 0)?.piece(call, Piece::Day)?;
    call.compute("", &[&day], Type::Text, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I32(days) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        Ok(Lane::with_valid(Values::Text(Texts::Codes(map(days, code), (*names).clone())), lane.valid))
    })
}

fn strftime(call: &mut Call<'_, '_>) -> ColumnsResult<Operand> {
    let pattern = call.needed_text(1)?;
    let instant = Instant::argument(call, 0)?.at_least(call, Unit::Second)?;
    let format = Format::new(&pattern, instant.unit, instant.zone.clone(), instant.rules.clone())
        .map_err(|reason| call.wrong(1, &reason))?;
    call.compute(&format!("{pattern:?}"), &[&instant.operand], Type::Text, move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I64(ticks) = &lane.values else { return Ok(Lane::new(Values::Null)) };
        let valid = present(ticks, &lane);
        let (texts, fault) = format.texts(ticks, &valid);
        Ok(Lane { fault, ..Lane::with_valid(Values::Text(texts), valid) })
    })
}
