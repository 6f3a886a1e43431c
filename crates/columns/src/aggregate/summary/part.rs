//! What is known of some numbers, and how two stretches of rows are joined.

use super::loops::{extremes, float_sum, powers, whole_sum};
use crate::block::{Number, count_yes};

/// What is to be found out of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Up to which power differences from the mean are needed; with 1, sums are, and with 0 nothing.
    pub(crate) order: u32,
    pub(crate) extremes: bool,
}

/// What is known of the numbers so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    /// How many are neither missing nor NaN.
    pub(super) count: u64,
    /// Exact, of whole numbers.
    pub(super) whole: i128,
    /// Of floating-point numbers, with what rounding has lost.
    sum: f64,
    lost: f64,
    /// A value near the mean, and what the mean is more than it. The mean by itself would not have the digits.
    pivot: f64,
    offset: f64,
    /// Sums of powers of differences from the mean.
    pub(super) second: f64,
    pub(super) third: f64,
    pub(super) fourth: f64,
    /// The bits of the least and the greatest, by which they are ordered.
    pub(super) extremes: Option<(u64, u64)>,
}

impl Part {
    /// So many numbers with a sum.
    pub(crate) fn of_sum(count: u64, sum: f64) -> Self {
        Self { count, sum, ..Self::default() }
    }

    /// So many numbers with sums of powers of differences from one value.
    pub(crate) fn of_differences(count: u64, from: f64, differences: [f64; 4]) -> Self {
        let n = count as f64;
        let base = n * from;
        let mut part = Self { count, sum: base, lost: n.mul_add(from, -base), pivot: from, ..Self::default() };
        part.add_to_sum(differences[0]);
        part.about_mean(differences);
        part
    }

    /// How many numbers there are that are neither missing nor NaN.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The mean, as differences are taken from it.
    pub(crate) fn center(&self) -> f64 {
        self.pivot + self.offset
    }

    /// The variance with some degrees of freedom taken off.
    pub(crate) fn variance(&self, ddof: f64) -> f64 {
        let divisor = self.count as f64 - ddof;
        if divisor > 0.0 { self.second / divisor } else { f64::NAN }
    }

    /// The skewness, as of a whole population.
    pub(crate) fn skew(&self) -> f64 {
        (self.count as f64).sqrt() * self.third / self.second.powf(1.5)
    }

    /// The excess kurtosis, as of a whole population.
    pub(crate) fn kurtosis(&self) -> f64 {
        self.count as f64 * self.fourth / (self.second * self.second) - 3.0
    }

    /// The sum of floating-point numbers.
    pub(crate) fn float_sum(&self) -> f64 {
        self.sum + self.lost
    }

    /// Takes the numbers of a mask.
    pub(crate) fn add<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>, needs: Needs) {
        let mut block = Self::default();
        if needs.extremes {
            block.extremes =
                extremes(values, mask).map(|(least, greatest)| (least.ordered_bits(), greatest.ordered_bits()));
        }
        if needs.order > 0 {
            if T::FLOAT {
                (block.count, block.sum) = float_sum(values, mask);
                block.pivot = block.sum / block.count as f64;
            } else {
                (block.count, block.whole) = whole_sum(values, mask);
                block.pivot = (block.whole as f64 / block.count as f64).round();
            }
        }
        if needs.order > 1 && block.count > 0 {
            block.powers(values, mask, needs.order > 2);
        }
        self.join(&block, needs.order);
    }

    /// Sums of powers of differences from the pivot, of which the first tells how far the mean is from it.
    fn powers<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>, higher: bool) {
        let nan = self.count < mask.map_or(values.len(), count_yes) as u64;
        self.about_mean(powers(values, mask, self.pivot, higher, nan));
    }

    /// Takes sums of powers of differences from the pivot.
    fn about_mean(&mut self, [first, second, third, fourth]: [f64; 4]) {
        let n = self.count as f64;
        let shift = first / n;
        if shift.is_finite() {
            self.offset = shift;
            self.fourth = fourth - 4.0 * shift * third + 6.0 * shift * shift * second - 3.0 * n * shift.powi(4);
            self.third = third - 3.0 * shift * second + 2.0 * n * shift.powi(3);
            self.second = (second - first * shift).max(0.0);
        } else {
            (self.second, self.third, self.fourth) = (f64::NAN, f64::NAN, f64::NAN);
        }
    }

    /// Joins two stretches of rows.
    pub(crate) fn join(&mut self, other: &Self, order: u32) {
        self.extremes = match (self.extremes, other.extremes) {
            (None, one) | (one, None) => one,
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        };
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            let extremes = self.extremes;
            *self = Self { extremes, ..other.clone() };
            return;
        }
        if order > 1 {
            self.join_powers(other);
        }
        self.count += other.count;
        self.whole += other.whole;
        self.add_to_sum(other.sum);
        self.lost += other.lost;
    }

    /// Neumaier's sum: what the larger addend does not hold of the smaller one is kept.
    fn add_to_sum(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += match (sum.is_finite(), self.sum.abs() >= value.abs()) {
            (false, _) => 0.0,
            (true, true) => (self.sum - sum) + value,
            (true, false) => (value - sum) + self.sum,
        };
        self.sum = sum;
    }

    /// The formulas of Chan, Golub and LeVeque, and of Pébay for the higher powers.
    fn join_powers(&mut self, other: &Self) {
        let (a, b) = (self.count as f64, other.count as f64);
        let n = a + b;
        let delta = (other.pivot - self.pivot) + (other.offset - self.offset);
        let share = delta / n;
        self.fourth += other.fourth
            + delta * share.powi(3) * a * b * (a * a - a * b + b * b)
            + 6.0 * share * share * (a * a * other.second + b * b * self.second)
            + 4.0 * share * (a * other.third - b * self.third);
        self.third +=
            other.third + delta * share * share * a * b * (a - b) + 3.0 * share * (a * other.second - b * self.second);
        self.second += other.second + delta * share * a * b;
        self.offset += share * b;
    }
}
