//! Three-valued logic: a missing truth value is unknown, and `False & unknown` is false whatever the unknown is.

use std::sync::Arc;

use super::sides::map;
use crate::block::{Buffer, Fault, Lane, Values, YES};
use crate::expr::Binary;
use crate::plan::{Arguments, Kernel};

/// `~condition`.
pub(crate) fn not() -> Kernel {
    Arc::new(|mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let values = match lane.values {
            Values::Bool(values) => Values::Bool(map(&values, |value| !value)),
            other => other,
        };
        Ok(Lane::with_valid(values, lane.valid))
    })
}

/// `& | ^` of conditions.
pub(crate) fn binary(operator: Binary) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        Ok(of_lanes(operator, a, b, rows))
    })
}

fn of_lanes<'a>(operator: Binary, a: Lane<'a>, b: Lane<'a>, rows: usize) -> Lane<'a> {
    let faults = (a.fault.clone(), b.fault.clone());
    let (a, b) = (a.spread(rows), b.spread(rows));
    let (a_valid, b_valid) = (a.valid_rows(rows), b.valid_rows(rows));
    let truth = |lane: Lane<'a>| match lane.values {
        Values::Bool(values) => values,
        _ => Buffer::from(vec![0; rows]),
    };
    let (x, y) = (truth(a), truth(b));
    let fault = match faults {
        (None, None) => None,
        (one, other) => remaining(operator, (&x, a_valid.as_deref(), one), (&y, b_valid.as_deref(), other)),
    };
    if a_valid.is_none() && b_valid.is_none() {
        let mut values = x.into_vec();
        let pairs = values.iter_mut().zip(y.iter());
        match operator {
            Binary::And => pairs.for_each(|(x, y)| *x &= y),
            Binary::Or => pairs.for_each(|(x, y)| *x |= y),
            _ => pairs.for_each(|(x, y)| *x ^= y),
        }
        return Lane { fault, ..Lane::new(Values::Bool(values.into())) };
    }
    let all = |valid: Option<Buffer<'a, u8>>| valid.unwrap_or_else(|| vec![YES; rows].into());
    let (p, q) = (all(a_valid), all(b_valid));
    let rows = x.iter().zip(y.iter()).zip(p.iter().zip(q.iter()));
    // Of each side: whether it is known to be true, and known to be false.
    let sides = rows.map(|((x, y), (p, q))| ((x & p, !x & p), (y & q, !y & q)));
    let (values, valid): (Vec<u8>, Vec<u8>) = match operator {
        Binary::And => sides.map(|((x, not_x), (y, not_y))| (x & y, (x & y) | not_x | not_y)).unzip(),
        Binary::Or => sides.map(|((x, not_x), (y, not_y))| (x | y, x | y | (not_x & not_y))).unzip(),
        _ => sides.map(|((x, not_x), (y, not_y))| (x ^ y, (x | not_x) & (y | not_y))).unzip(),
    };
    Lane { fault, ..Lane::with_valid(Values::Bool(values.into()), Some(valid.into())) }
}

type Side<'s> = (&'s [u8], Option<&'s [u8]>, Option<Arc<Fault>>);

/// Rows without result that matter: not those that the other side decides.
fn remaining(operator: Binary, a: Side<'_>, b: Side<'_>) -> Option<Arc<Fault>> {
    let kept = |fault: Option<Arc<Fault>>, other: (&[u8], Option<&[u8]>, Option<&Arc<Fault>>)| {
        let fault = fault?;
        let (values, valid, other_fault) = other;
        let mut left = fault.as_ref().clone();
        for (row, without) in left.rows.iter_mut().enumerate() {
            let known = valid.is_none_or(|valid| valid.get(row) == Some(&YES))
                && other_fault.is_none_or(|fault| fault.rows.get(row) != Some(&YES));
            let value = values.get(row) == Some(&YES);
            let decided = match operator {
                Binary::And => known && !value,
                Binary::Or => known && value,
                _ => false,
            };
            if decided {
                *without = 0;
            }
        }
        left.rows.contains(&YES).then(|| Arc::new(left))
    };
    let (one, other) = (a.2.clone(), b.2.clone());
    Fault::both(kept(one, (b.0, b.1, b.2.as_ref())), kept(other, (a.0, a.1, a.2.as_ref())))
}
