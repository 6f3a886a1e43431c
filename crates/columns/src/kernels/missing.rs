//! Questions about what is missing. NaN is a number that is none, and not missing.

use std::sync::Arc;

use super::sides::map;
use crate::block::{Buffer, Lane, Values, YES};
use crate::plan::{Arguments, Kernel};

/// Whether rows are missing, NaN, or either; or with `negated` whether they are not. The answer is never missing.
pub(crate) fn test(nan: bool, missing: bool, negated: bool) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lane = arguments.next();
        let mask = match (present(&lane, rows, nan, missing), negated) {
            (None, false) => vec![0; rows].into(),
            (None, true) => vec![YES; rows].into(),
            (Some(present), true) => present,
            (Some(present), false) => map(&present, |byte: u8| !byte),
        };
        Ok(Lane::new(Values::Bool(mask)))
    })
}

/// The rows that are neither missing, where `missing` asks for that, nor NaN, where `nan` does; none where all are there.
/// A vector is NaN where one of its components is.
pub(super) fn present<'a>(lane: &Lane<'a>, rows: usize, nan: bool, missing: bool) -> Option<Buffer<'a, u8>> {
    let valid = lane.valid_rows(rows).or_else(|| carried_valid(&lane.values, rows));
    let numbers = if nan { numbers(&lane.values, lane.constant, rows) } else { None };
    match (valid, numbers, missing) {
        (valid, None, true) => valid,
        (_, None, false) => None,
        (None, numbers, _) => numbers,
        (Some(valid), Some(numbers), true) => crate::block::both_valid(Some(valid), Some(numbers)),
        // What is missing is no NaN, whatever lies there.
        (Some(valid), Some(numbers), false) => {
            Some(valid.iter().zip(numbers.iter()).map(|(valid, number)| number | !valid).collect::<Vec<_>>().into())
        }
    }
}

/// Which rows of what is only carried have a value.
fn carried_valid<'a>(values: &Values<'_>, rows: usize) -> Option<Buffer<'a, u8>> {
    let Values::Carried(array) = values else { return None };
    let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0)?;
    Some((0..rows).map(|row| if row < nulls.len() && nulls.is_valid(row) { YES } else { 0 }).collect::<Vec<_>>().into())
}

/// Which rows are not NaN; none where none can be.
#[allow(clippy::eq_op, reason = "only NaN is unequal to itself")]
fn numbers<'a>(values: &Values<'_>, constant: bool, rows: usize) -> Option<Buffer<'a, u8>> {
    let mask = |is_number: bool| if is_number { YES } else { 0 };
    let mask: Buffer<'a, u8> = match values {
        Values::F32(values) => map(values, |value: f32| mask(value == value)),
        Values::F64(values) => map(values, |value: f64| mask(value == value)),
        Values::Vector(values, width) => {
            let components = numbers(values, false, 0)?;
            components.chunks((*width).max(1)).map(|row| mask(!row.contains(&0))).collect::<Vec<_>>().into()
        }
        _ => return None,
    };
    Some(if constant { vec![mask.first().copied().unwrap_or(YES); rows].into() } else { mask })
}
