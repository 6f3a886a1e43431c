//! Durations by floating-point numbers, and instants in other units.

use std::sync::Arc;

use super::clock::{self, Piece};
use super::sides::{map, zip};
use crate::block::{Buffer, Fault, Lane, Values, YES, both_valid};
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

/// Instants of whole years or months in days, or in what days are made of; nothing for other units.
pub(crate) fn beginnings(from: Unit, to: Unit) -> Option<Kernel> {
    if !matches!(from, Unit::Year | Unit::Month) {
        return None;
    }
    let per_day = clock::ticks_per_day(to)?;
    let limit = clock::limit(from);
    let most = i64::MAX / per_day;
    Some(Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let Values::I64(ticks) = &lane.values else { return Ok(lane) };
        let days: Buffer<'_, i64> = map(&clock::pieces(ticks, from, Piece::Day), i64::from);
        let fault = Fault::both(too_far(ticks, &lane, limit), too_far(&days, &lane, most));
        let values = map(&days, move |day: i64| day.wrapping_mul(per_day));
        Ok(Lane { fault, ..Lane::with_valid(Values::I64(values), lane.valid) })
    }))
}

/// The fault of instants of which a number is beyond a limit.
fn too_far(ticks: &[i64], lane: &Lane<'_>, limit: i64) -> Option<Arc<Fault>> {
    let far = |ticks: i64| ticks > limit || ticks < -limit;
    if !ticks.iter().fold(false, |any, ticks| any | far(*ticks)) {
        return None;
    }
    let counts = |row: usize, ticks: i64| lane.is_valid(row) && far(ticks);
    let rows: Vec<u8> =
        ticks.iter().enumerate().map(|(row, ticks)| if counts(row, *ticks) { YES } else { 0 }).collect();
    let reason = "the instant is too far from 1970 for the unit it is to have".to_owned();
    rows.contains(&YES).then(|| Arc::new(Fault { rows, reason, node: None }))
}

#[cfg(test)]
mod tests {
    use super::super::convert::{Errors, convert};
    use super::*;
    use crate::types::Type;

    const DAYS: [i64; 13] = [-366, -1000, -8, -7, -1, 0, 1, 30, 31, 59, 365, 1000, 100_000];

    fn computed(kernel: Option<Kernel>, ticks: &[i64]) -> (Vec<i64>, bool) {
        let lane = Lane::new(Values::I64(ticks.to_vec().into()));
        let lane = kernel.unwrap()(Arguments::new(vec![lane], ticks.len())).unwrap();
        let Values::I64(values) = lane.values else { panic!("ticks are expected") };
        (values.to_vec(), lane.fault.is_some())
    }

    fn in_unit(from: Unit, to: Unit) -> Option<Kernel> {
        convert(&Type::Instant(from, None), &Type::Instant(to, None), Errors::Strict)
    }

    #[test]
    fn coarser_units_round_down_as_numpy_does() {
        // np.array(DAYS, 'M8[from]').astype('M8[to]').astype('i8') in NumPy 2.4.
        for (from, to, said) in [
            (Unit::Nano, Unit::Second, [-1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0]),
            (Unit::Second, Unit::Day, [-1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1]),
            (Unit::Day, Unit::Week, [-53, -143, -2, -1, -1, 0, 0, 4, 4, 8, 52, 142, 14_285]),
            (Unit::Day, Unit::Month, [-13, -33, -1, -1, -1, 0, 0, 0, 1, 2, 12, 32, 3_285]),
            (Unit::Day, Unit::Year, [-2, -3, -1, -1, -1, 0, 0, 0, 0, 0, 1, 2, 273]),
            (Unit::Month, Unit::Year, [-31, -84, -1, -1, -1, 0, 0, 2, 2, 4, 30, 83, 8_333]),
            (Unit::Week, Unit::Month, [-85, -230, -2, -2, -1, 0, 0, 6, 7, 13, 83, 230, 22_998]),
            (Unit::Hour, Unit::Month, [-1, -2, -1, -1, -1, 0, 0, 0, 0, 0, 0, 1, 136]),
        ] {
            assert_eq!(computed(in_unit(from, to), &DAYS), (said.to_vec(), false), "{from:?} {to:?}");
        }
    }

    #[test]
    fn years_and_months_begin_with_their_first_day() {
        // np.array([-1, 0, 54], 'M8[Y]').astype('M8[D]').astype('i8'), and of months; a year of NumPy's nanoseconds may wrap.
        assert_eq!(computed(beginnings(Unit::Year, Unit::Day), &[-1, 0, 54]), (vec![-365, 0, 19_723], false));
        assert_eq!(computed(beginnings(Unit::Month, Unit::Hour), &[-1, 0, 1]), (vec![-744, 0, 744], false));
        assert!(!computed(beginnings(Unit::Year, Unit::Nano), &[-292, 292]).1);
        assert!(computed(beginnings(Unit::Year, Unit::Nano), &[293]).1);
        assert!(beginnings(Unit::Day, Unit::Nano).is_none() && beginnings(Unit::Year, Unit::Week).is_none());
    }
}
