//! Covariance and correlation of two lanes by group, and matrices of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float64Array};
use arrow::datatypes::Field;

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
    /// The lanes of each pair: of a matrix all pairs, of which none is there the other way round.
    pairs: Vec<(usize, usize)>,
    /// How many rows and columns a matrix has; none where it is one pair.
    side: Option<usize>,
    /// Of each group, those of all pairs one behind the other.
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

    /// What is told of a pair, or of `same` lanes.
    fn value(&self, pair: Pair, same: bool) -> f64 {
        match pair {
            Pair::Covariance(ddof) if self.count - ddof > 0.0 => self.product / (self.count - ddof),
            Pair::Covariance(_) => f64::NAN,
            Pair::Correlation if same && self.squares[0] > 0.0 => 1.0,
            Pair::Correlation => {
                let correlation = self.product / (self.squares[0].sqrt() * self.squares[1].sqrt());
                // Rounding may lead a little beyond what there can be.
                if correlation.is_nan() { f64::NAN } else { correlation.clamp(-1.0, 1.0) }
            }
        }
    }
}

impl PairState {
    pub(crate) fn new(pair: Pair, matrix: bool, types: &[Type]) -> ColumnsResult<Self> {
        for type_ in types {
            if !type_.is_number() && !matches!(type_, Type::Bool | Type::Null) {
                return Err(ColumnsError::option(format!(
                    "covariance and correlation take numbers, and this is {type_}"
                )));
            }
        }
        let lanes = types.len();
        let pairs = match matrix {
            false if lanes != 2 => {
                return Err(ColumnsError::option("covariance and correlation are of two columns"));
            }
            false => vec![(0, 1)],
            true => (0..lanes).flat_map(|a| (a..lanes).map(move |b| (a, b))).collect(),
        };
        Ok(Self { pair, pairs, side: matrix.then_some(lanes), groups: Vec::new() })
    }

    /// What is told of the pairs of each group.
    fn values(&self) -> Vec<f64> {
        let Some(side) = self.side else {
            return self.groups.iter().map(|sums| sums.value(self.pair, false)).collect();
        };
        let mut values = Vec::with_capacity(self.groups.len() / self.pairs.len().max(1) * side * side);
        for sums in self.groups.chunks(self.pairs.len().max(1)) {
            for (row, column) in (0..side).flat_map(|row| (0..side).map(move |column| (row, column))) {
                let (a, b) = (row.min(column), row.max(column));
                // In front of those that begin with `a`, each lane before it begins one pair less than the one before.
                let at = a * side - a * (a + 1) / 2 + b;
                values.push(sums.get(at).map_or(f64::NAN, |sums| sums.value(self.pair, a == b)));
            }
        }
        values
    }
}

/// Lists of the same length, made of values that follow each other.
fn lists(values: ArrayRef, length: usize) -> ColumnsResult<ArrayRef> {
    let width = i32::try_from(length).map_err(|_| ColumnsError::option("a matrix has too many columns"))?;
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    Ok(Arc::new(FixedSizeListArray::try_new(field, width, values, None)?))
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
        self.groups.resize(groups * self.pairs.len(), Sums::default());
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let rows = view.groups.len();
        let lanes: Vec<Vec<f64>> =
            view.lanes.iter().map(|lane| floats(lane, view.valid(lane).as_deref(), rows)).collect();
        let width = self.pairs.len();
        for (place, (a, b)) in self.pairs.iter().enumerate() {
            let (Some(xs), Some(ys)) = (lanes.get(*a), lanes.get(*b)) else { continue };
            for ((x, y), group) in xs.iter().zip(ys).zip(view.groups) {
                if x.is_nan() || y.is_nan() {
                    continue;
                }
                if let Some(sums) = self.groups.get_mut(*group as usize * width + place) {
                    sums.add(*x, *y);
                }
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        let width = self.pairs.len();
        for (there, here) in wanted(mapping) {
            for place in 0..width {
                let (here, there) = (here * width + place, there * width + place);
                if let (Some(sums), Some(other)) = (self.groups.get_mut(here), other.groups.get(there)) {
                    sums.join(other);
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        let values: ArrayRef = Arc::new(Float64Array::from(self.values()));
        Ok(vec![match self.side {
            None => values,
            Some(side) => lists(lists(values, side)?, side)?,
        }])
    }

    fn memory(&self) -> usize {
        self.groups.capacity() * size_of::<Sums>()
    }
}
