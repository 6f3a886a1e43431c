//! Places of values among sorted edges.

use crate::block::{Lane, Number, Values};
use crate::error::ColumnsResult;
use crate::kernels::map;
use crate::plan::Arguments;

/// Sorted edges.
#[derive(Debug, Clone)]
pub(crate) enum Bins {
    /// Of whole numbers, and of ticks.
    Whole(Vec<i64>),
    Float(Vec<f64>),
}

/// Where a value goes that is equal to an edge: before it, or behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

impl Bins {
    /// Whether no edge is less than the one before it. NaN comes last.
    pub(crate) fn rising(&self) -> bool {
        match self {
            Self::Whole(edges) => edges.is_sorted(),
            Self::Float(edges) => edges.is_sorted_by(|a, b| a <= b || b.is_nan()),
        }
    }

    /// The edges from the last to the first.
    pub(crate) fn reversed(&self) -> Self {
        match self {
            Self::Whole(edges) => Self::Whole(edges.iter().rev().copied().collect()),
            Self::Float(edges) => Self::Float(edges.iter().rev().copied().collect()),
        }
    }
}

/// Up to this many edges, comparing with all of them takes less time than looking for one.
const FEW: usize = 24;

/// The number of edges before each value, or with `reversed` after it. The value is of 64 bits, whole or floating-point as the edges.
pub(crate) fn places(
    bins: Bins,
    side: Side,
    reversed: bool,
) -> impl for<'a> Fn(Arguments<'a>) -> ColumnsResult<Lane<'a>> + Send + Sync + 'static {
    move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let mut places = match (&lane.values, &bins) {
            (Values::I64(values), Bins::Whole(edges)) => among(values, edges, side),
            (Values::F64(values), Bins::Float(edges)) => among(values, edges, side),
            _ => return Ok(Lane::new(Values::Null)),
        };
        if reversed {
            let edges = match &bins {
                Bins::Whole(edges) => edges.len(),
                Bins::Float(edges) => edges.len(),
            };
            places.iter_mut().for_each(|place| *place = edges as i64 - *place);
        }
        Ok(Lane { values: Values::I64(places.into()), ..lane })
    }
}

fn among<T: Number>(values: &[T], edges: &[T], side: Side) -> Vec<i64> {
    // NaN is behind all numbers, and equal to itself.
    #[allow(clippy::eq_op, reason = "only NaN is unequal to itself")]
    let before = move |edge: T, value: T| match side {
        Side::Left => edge < value || (value != value && edge == edge),
        Side::Right => edge <= value || value != value,
    };
    if edges.len() <= FEW {
        let mut places = vec![0_i64; values.len()];
        for edge in edges {
            let passed = map(values, |value| i64::from(before(*edge, value)));
            places.iter_mut().zip(passed.iter()).for_each(|(place, passed)| *place += passed);
        }
        return places;
    }
    values.iter().map(|value| edges.partition_point(|edge| before(*edge, *value)) as i64).collect()
}
