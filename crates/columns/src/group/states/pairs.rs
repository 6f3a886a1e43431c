//! Covariance and correlation of two lanes by group.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};

use crate::block::{Lane, Number, Values, YES, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::group::state::{GroupState, GroupView, same_state, wanted};
use crate::types::Type;

/// What is wanted of the pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pair {
    /// With so many degrees of freedom taken off.
    Covariance(f64),
    Correlation,
}

/// Sums of products of differences from the means, by Welford's formulas; rows in which either value is missing or NaN do not count.
#[derive(Debug)]
pub(crate) struct PairState {
    pair: Pair,
    groups: Vec<Sums>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    mean: [f64; 2],
    squares: [f64; 2],
    product: f64,
}

impl Sums {
    #[inline(always)]
    fn add(&mut self, x: f64, y: f64) {
        self.count += 1.0;
        let (dx, dy) = (x - self.mean[0], y - self.mean[1]);
        self.mean[0] += dx / self.count;
        self.mean[1] += dy / self.count;
        let after = y - self.mean[1];
        self.squares[0] += dx * (x - self.mean[0]);
        self.squares[1] += dy * after;
        self.product += dx * after;
    }

    fn join(&mut self, other: &Self) {
        let n = self.count + other.count;
        if other.count == 0.0 {
            return;
        }
        let share = self.count * other.count / n;
        let delta = [other.mean[0] - self.mean[0], other.mean[1] - self.mean[1]];
        for (axis, delta) in delta.iter().enumerate() {
            self.squares[axis] += other.squares[axis] + delta * delta * share;
            self.mean[axis] += delta * other.count / n;
        }
        self.product += other.product + delta[0] * delta[1] * share;
        self.count = n;
    }
}

impl PairState {
    pub(crate) fn new(pair: Pair, types: [&Type; 2]) -> ColumnsResult<Self> {
        for type_ in types {
            if !type_.is_number() && !matches!(type_, Type::Bool | Type::Null) {
                return Err(ColumnsError::option(format!(
                    "covariance and correlation take numbers, and this is {type_}"
                )));
            }
        }
        Ok(Self { pair, groups: Vec::new() })
    }
}

/// Numbers as float64: NaN where there is none.
fn floats(lane: &Lane<'_>, mask: Option<&[u8]>, rows: usize) -> Vec<f64> {
    let mut floats: Vec<f64> = match &lane.values {
        Values::Bool(bytes) => bytes.iter().map(|byte| f64::from(byte & 1)).collect(),
        values => {
            with_numbers!(values, values => values.iter().map(|value| value.float()).collect(), _ => vec![f64::NAN; rows])
        }
    };
    if let Some(mask) = mask {
        floats.iter_mut().zip(mask).filter(|(_, mask)| **mask != YES).for_each(|(value, _)| *value = f64::NAN);
    }
    floats
}

impl GroupState for PairState {
    fn grow(&mut self, groups: usize) {
        self.groups.resize(groups, Sums::default());
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let [x, y] = view.lanes else { return Ok(()) };
        let rows = view.groups.len();
        let xs = floats(x, view.valid(x).as_deref(), rows);
        let ys = floats(y, view.valid(y).as_deref(), rows);
        for ((x, y), group) in xs.iter().zip(&ys).zip(view.groups) {
            if x.is_nan() || y.is_nan() {
                continue;
            }
            if let Some(sums) = self.groups.get_mut(*group as usize) {
                sums.add(*x, *y);
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        for (there, here) in wanted(mapping) {
            if let (Some(sums), Some(other)) = (self.groups.get_mut(here), other.groups.get(there)) {
                sums.join(other);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        let values = self.groups.iter().map(|sums| match self.pair {
            Pair::Covariance(ddof) if sums.count - ddof > 0.0 => sums.product / (sums.count - ddof),
            Pair::Covariance(_) => f64::NAN,
            Pair::Correlation => sums.product / (sums.squares[0].sqrt() * sums.squares[1].sqrt()),
        });
        Ok(vec![Arc::new(Float64Array::from_iter_values(values))])
    }

    fn memory(&self) -> usize {
        self.groups.capacity() * size_of::<Sums>()
    }
}
