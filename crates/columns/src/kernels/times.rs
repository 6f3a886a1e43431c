//! Durations by floating-point numbers.

use std::sync::Arc;

use super::sides::zip;
use crate::block::{Fault, Lane, Values, YES, both_valid};
use crate::expr::Binary;
use crate::plan::{Arguments, Kernel};
use crate::types::Unit;

/// How many times a duration goes into another.
pub(crate) fn ratio() -> Kernel {
    Arc::new(|mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let (Values::I64(x), Values::I64(y)) = (&a.values, &b.values) else { return Ok(Lane::new(Values::Null)) };
        let values = zip((x, a.constant), (y, b.constant), |a: i64, b: i64| a as f64 / b as f64);
        Ok(Lane::with_valid(Values::F64(values), valid))
    })
}

/// A duration times a number, or divided by one, to whole ticks.
pub(crate) fn scaled(operator: Binary) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        let (Values::I64(x), Values::F64(y)) = (&a.values, &b.values) else { return Ok(Lane::new(Values::Null)) };
        let exact = zip((x, a.constant), (y, b.constant), move |a: i64, b: f64| match operator {
            Binary::Multiply => (a as f64 * b).trunc(),
            Binary::FloorDivide => (a as f64 / b).floor(),
            _ => (a as f64 / b).trunc(),
        });
        let fits = |ticks: f64| (-9.2e18..9.2e18).contains(&ticks);
        let rows: Vec<u8> = exact
            .iter()
            .enumerate()
            .map(|(row, ticks)| {
                let counts = valid.as_ref().is_none_or(|valid| valid.get(row) == Some(&YES));
                if counts && !fits(*ticks) { YES } else { 0 }
            })
            .collect();
        let fault = rows
            .contains(&YES)
            .then(|| Arc::new(Fault { rows, reason: "the duration is too long, or no number".to_owned(), node: None }));
        let values: Vec<i64> = exact.iter().map(|ticks| *ticks as i64).collect();
        Ok(Lane { fault, ..Lane::with_valid(Values::I64(values.into()), valid) })
    })
}

/// Ticks of a coarser unit, rounded down; none where the units do not fit into each other.
pub(crate) fn coarser(from: Unit, to: Unit) -> Option<Kernel> {
    let factor = match (from, to) {
        (Unit::Month, Unit::Year) => 12,
        _ => {
            let (a, b) = (from.nanoseconds()?, to.nanoseconds()?);
            if b % a != 0 {
                return None;
            }
            b / a
        }
    };
    Some(Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I64(ticks) = &lane.values else { return Ok(lane) };
        let values = super::map(ticks, |ticks: i64| ticks.div_euclid(factor));
        Ok(Lane::with_valid(Values::I64(values), lane.valid))
    }))
}

/// Writes an instant as ISO 8601 has it, with as much as its unit tells.
pub(crate) fn write_instant(text: &mut String, ticks: i64, unit: Unit) -> std::fmt::Result {
    use std::fmt::Write as _;
    let nanoseconds = match unit {
        Unit::Year => return write!(text, "{:04}", 1970 + i128::from(ticks)),
        Unit::Month => {
            let (year, month) = (1970 + ticks.div_euclid(12), ticks.rem_euclid(12) + 1);
            return write!(text, "{year:04}-{month:02}");
        }
        unit => i128::from(unit.nanoseconds().unwrap_or(1)),
    };
    let total = i128::from(ticks) * nanoseconds;
    let (seconds, rest) = (total.div_euclid(1_000_000_000), total.rem_euclid(1_000_000_000));
    let instant =
        i64::try_from(seconds).ok().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, rest as u32));
    let Some(instant) = instant else { return write!(text, "{ticks} {}", unit.as_str()) };
    match unit {
        Unit::Week | Unit::Day => write!(text, "{}", instant.format("%Y-%m-%d")),
        Unit::Hour | Unit::Minute | Unit::Second => write!(text, "{}", instant.format("%Y-%m-%dT%H:%M:%S")),
        Unit::Milli => write!(text, "{}", instant.format("%Y-%m-%dT%H:%M:%S%.3f")),
        Unit::Micro => write!(text, "{}", instant.format("%Y-%m-%dT%H:%M:%S%.6f")),
        _ => write!(text, "{}", instant.format("%Y-%m-%dT%H:%M:%S%.9f")),
    }
}
