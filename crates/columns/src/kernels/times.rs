//! Durations by floating-point numbers.

use std::sync::Arc;

use super::sides::zip;
use crate::block::{Fault, Lane, Values, YES, both_valid};
use crate::expr::Binary;
use crate::plan::{Arguments, Kernel};

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
