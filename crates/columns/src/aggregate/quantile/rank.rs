//! Which values of a sorted column make a quantile.

use super::super::bits::value_of_bits;
use crate::types::Type;
use crate::value::Value;

/// Two neighbours in the order of the values, and how far between them a quantile lies. As NumPy's `linear` has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rank {
    pub(super) low: u64,
    pub(super) high: u64,
    between: f64,
}

impl Rank {
    /// Where a share of `count` values ends; there is at least one.
    pub(super) fn of(share: f64, count: u64) -> Self {
        let last = count.saturating_sub(1);
        let place = share * last as f64;
        let low = (place.floor() as u64).min(last);
        let between = place - low as f64;
        Self { low, high: if between > 0.0 { (low + 1).min(last) } else { low }, between }
    }

    /// The quantile, from the bits of its two neighbours. Of instants and durations, the tick before.
    pub(super) fn value(&self, low: u64, high: u64, type_: &Type) -> Value {
        let ends = (value_of_bits(low, type_), value_of_bits(high, type_));
        match ends {
            (Value::Instant(low, unit, zone), Value::Instant(high, ..)) => {
                Value::Instant(self.tick(low, high), unit, zone)
            }
            (Value::Duration(low, unit), Value::Duration(high, _)) => Value::Duration(self.tick(low, high), unit),
            (low, high) => match (low.as_f64(), high.as_f64()) {
                (Some(low), Some(high)) => Value::Float(self.interpolate(low, high)),
                _ => Value::Null,
            },
        }
    }

    fn interpolate(&self, low: f64, high: f64) -> f64 {
        if low == high {
            return low;
        }
        // From the nearer end, so that both ends are met exactly.
        if self.between < 0.5 { low + (high - low) * self.between } else { high - (high - low) * (1.0 - self.between) }
    }

    fn tick(&self, low: i64, high: i64) -> i64 {
        let step = (i128::from(high) - i128::from(low)) as f64 * self.between;
        (i128::from(low) + step.floor() as i128).min(high.into()) as i64
    }
}
