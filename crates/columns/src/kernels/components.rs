//! Components of vectors: some of them, or what is computed over an axis of them.

use std::borrow::Cow;
use std::sync::Arc;

use super::reals::fault_of;
use super::vectors::incomplete;
use crate::block::{Buffer, Lane, Values, YES, both_valid};
use crate::error::{ColumnsError, ColumnsResult};
use crate::plan::{Arguments, Kernel};
use crate::simd::{Loop, vectorised};

/// The components at some places of every vector, as vectors, or with `single` as numbers.
pub(crate) fn picked(places: Vec<usize>, single: bool) -> Kernel {
    let joined = places.iter().zip(places.iter().skip(1)).all(|(a, b)| a + 1 == *b);
    Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let (values, width) = vector(&lane)?;
        let count = places.len();
        macro_rules! pick {
            ($($variant:ident)*) => {
                match values {
                    $(Values::$variant(values) => Values::$variant(pick(values, width, &places, joined)),)*
                    _ => return Ok(Lane::new(Values::Null)),
                }
            };
        }
        let components = pick!(Bool I8 I16 I32 I64 U8 U16 U32 U64 F32 F64);
        let values = if single { components } else { Values::Vector(Box::new(components), count) };
        Ok(Lane { values, ..lane })
    })
}

/// The components of vectors of a lane, and how many each has.
fn vector<'l, 'a>(lane: &'l Lane<'a>) -> ColumnsResult<(&'l Values<'a>, usize)> {
    match &lane.values {
        Values::Vector(values, width) => Ok((values, (*width).max(1))),
        Values::Carried(_) => Err(incomplete()),
        Values::Null => Ok((&lane.values, 1)),
        _ => Err(ColumnsError::option("vectors were expected")),
    }
}

fn pick<'a, T: Copy + Default>(values: &[T], width: usize, places: &[usize], joined: bool) -> Buffer<'a, T> {
    let rows = values.chunks_exact(width);
    match places {
        [place] => rows.map(|row| row.get(*place).copied().unwrap_or_default()).collect::<Vec<_>>().into(),
        [first, .., last] if joined => {
            let mut picked = Vec::with_capacity(rows.len() * places.len());
            rows.for_each(|row| picked.extend_from_slice(row.get(*first..=*last).unwrap_or_default()));
            picked.into()
        }
        _ => rows
            .flat_map(|row| places.iter().map(|place| row.get(*place).copied().unwrap_or_default()))
            .collect::<Vec<_>>()
            .into(),
    }
}

/// What is computed over an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Over {
    Sum,
    Mean,
    Least,
    Greatest,
    /// The standard deviation, with degrees of freedom taken off the number of components.
    Deviation(f64),
}

/// An axis of vectors: how many stretches there are before it, how long it is, and how far its components lie from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AxisOf {
    pub(crate) outer: usize,
    pub(crate) length: usize,
    pub(crate) inner: usize,
}

/// What vectors have over an axis: vectors, or with `single` numbers. Floating-point numbers are added up in 64 bits, and rounded to
/// the width of the components at the end. Whole numbers are added up where they have 64 bits, and have no mean.
pub(crate) fn over(what: Over, axis: AxisOf, single: bool) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let values = vector(&lane)?.0;
        let length = axis.length;
        let mut bad = Vec::new();
        macro_rules! reduce {
            ($($whole:ident)*) => {
                match (values, what) {
                    (Values::F32(values), Over::Sum) => Values::F32(runs(&along(values, axis), length, |run| sum(run) as f32)),
                    (Values::F64(values), Over::Sum) => Values::F64(runs(&along(values, axis), length, sum)),
                    (Values::F32(values), Over::Mean) => Values::F32(runs(&along(values, axis), length, |run| mean(run) as f32)),
                    (Values::F64(values), Over::Mean) => Values::F64(runs(&along(values, axis), length, mean)),
                    (Values::F32(values), Over::Deviation(ddof)) => {
                        Values::F32(runs(&along(values, axis), length, |run| deviation(run, ddof) as f32))
                    }
                    (Values::F64(values), Over::Deviation(ddof)) => {
                        Values::F64(runs(&along(values, axis), length, |run| deviation(run, ddof)))
                    }
                    (Values::F32(values), Over::Least) => Values::F32(runs(&along(values, axis), length, least)),
                    (Values::F64(values), Over::Least) => Values::F64(runs(&along(values, axis), length, least)),
                    (Values::F32(values), Over::Greatest) => Values::F32(runs(&along(values, axis), length, greatest)),
                    (Values::F64(values), Over::Greatest) => Values::F64(runs(&along(values, axis), length, greatest)),
                    (Values::I64(values), Over::Sum) => Values::I64(whole_sums(&along(values, axis), length, &mut bad)),
                    (Values::U64(values), Over::Sum) => Values::U64(whole_sums(&along(values, axis), length, &mut bad)),
                    $((Values::$whole(values), Over::Least) => Values::$whole(runs(&along(values, axis), length, least)),)*
                    $((Values::$whole(values), Over::Greatest) => Values::$whole(runs(&along(values, axis), length, greatest)),)*
                    _ => Values::Null,
                }
            };
        }
        let components = reduce!(Bool I8 I16 I32 I64 U8 U16 U32 U64);
        let count = (axis.outer * axis.inner).max(1);
        let rows = bad.chunks(count).map(|row| if row.contains(&YES) { YES } else { 0 }).collect();
        let fault =
            fault_of(rows, lane.valid.as_deref(), |_| "the sum of the components is too large for 64 bits".to_owned());
        let values = if single || matches!(components, Values::Null) {
            components
        } else {
            Values::Vector(Box::new(components), count)
        };
        Ok(Lane { fault, ..Lane::with_valid(values, lane.valid) })
    })
}

/// The components in an order in which those along an axis lie side by side.
fn along<'v, T: Copy>(values: &'v [T], axis: AxisOf) -> Cow<'v, [T]> {
    if axis.inner == 1 {
        return Cow::Borrowed(values);
    }
    let mut turned = Vec::with_capacity(values.len());
    for stretch in values.chunks_exact((axis.length * axis.inner).max(1)) {
        for at in 0..axis.inner {
            turned.extend(stretch.iter().skip(at).step_by(axis.inner));
        }
    }
    Cow::Owned(turned)
}

/// A loop over stretches of the same length.
struct Runs<'v, T, F> {
    values: &'v [T],
    length: usize,
    f: F,
}

impl<T, R, F: Fn(&[T]) -> R> Loop for Runs<'_, T, F> {
    type Output = Vec<R>;

    #[inline(always)]
    fn run(self) -> Vec<R> {
        let f = self.f;
        self.values.chunks_exact(self.length.max(1)).map(f).collect()
    }
}

fn runs<'a, T, R>(values: &[T], length: usize, f: impl Fn(&[T]) -> R) -> Buffer<'a, R> {
    vectorised(Runs { values, length, f }).into()
}

/// How many sums are kept side by side, so that an addition need not wait for the one before it.
pub(super) const LANES: usize = 32;

/// The sum of what `term` makes of each component, in so many sums side by side.
#[inline(always)]
pub(super) fn summed<T: Copy>(run: &[T], term: impl Fn(T) -> f64) -> f64 {
    let (chunks, rest) = run.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += term(*value);
        }
    }
    rest.iter().fold(total(sums), |sum, value| sum + term(*value))
}

/// The sum of sums that were kept side by side, pair by pair.
#[inline(always)]
pub(super) fn total(mut sums: [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for at in 0..width {
            sums[at] += sums[at + width];
        }
        width /= 2;
    }
    sums[0]
}

#[inline(always)]
fn sum<T: Copy + Into<f64>>(run: &[T]) -> f64 {
    summed(run, T::into)
}

#[inline(always)]
fn mean<T: Copy + Into<f64>>(run: &[T]) -> f64 {
    sum(run) / run.len() as f64
}

#[inline(always)]
fn deviation<T: Copy + Into<f64>>(run: &[T], ddof: f64) -> f64 {
    let mean = mean(run);
    let square = |value: T| {
        let distance = value.into() - mean;
        distance * distance
    };
    (summed(run, square) / (run.len() as f64 - ddof).max(0.0)).sqrt()
}

/// The least component; NaN where one is.
#[inline(always)]
fn least<T: Copy + PartialOrd + Default>(run: &[T]) -> T {
    extreme(run, |a, b| a < b)
}

/// The greatest component; NaN where one is.
#[inline(always)]
fn greatest<T: Copy + PartialOrd + Default>(run: &[T]) -> T {
    extreme(run, |a, b| a > b)
}

#[allow(clippy::eq_op, reason = "only NaN is unequal to itself")]
#[inline(always)]
fn extreme<T: Copy + PartialOrd + Default>(run: &[T], better: impl Fn(T, T) -> bool) -> T {
    let best = |a: T, b: T| if better(b, a) || b != b { b } else { a };
    let first = run.first().copied().unwrap_or_default();
    let (chunks, rest) = run.as_chunks::<16>();
    let mut found = [first; 16];
    for chunk in chunks {
        for (found, value) in found.iter_mut().zip(chunk) {
            *found = best(*found, *value);
        }
    }
    found.into_iter().chain(rest.iter().copied()).fold(first, |a, b| if a != a { a } else { best(a, b) })
}

fn whole_sums<'a, T: Copy + Into<i128> + TryFrom<i128> + Default>(
    values: &[T],
    length: usize,
    bad: &mut Vec<u8>,
) -> Buffer<'a, T> {
    let sums = values.chunks_exact(length.max(1)).map(|run| {
        let sum = T::try_from(run.iter().fold(0_i128, |sum, value| sum + (*value).into())).ok();
        bad.push(if sum.is_none() { YES } else { 0 });
        sum.unwrap_or_default()
    });
    sums.collect::<Vec<_>>().into()
}

/// The values of several lanes of the same type side by side, as vectors.
pub(crate) fn stacked() -> Kernel {
    Arc::new(|mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let lanes: Vec<Lane<'_>> = arguments.rest().into_iter().map(|lane| lane.spread(rows)).collect();
        let valid = lanes.iter().fold(None, |valid, lane| both_valid(valid, lane.valid_rows(rows)));
        let width = lanes.len();
        macro_rules! stack {
            ($($variant:ident)*) => {
                match lanes.first().map(|lane| &lane.values) {
                    $(Some(Values::$variant(first)) => {
                        let mut stacked = vec![first.first().copied().unwrap_or_default(); rows * width];
                        for (at, lane) in lanes.iter().enumerate() {
                            let Values::$variant(values) = &lane.values else { return Ok(Lane::new(Values::Null)) };
                            stacked.iter_mut().skip(at).step_by(width).zip(values.iter()).for_each(|(slot, value)| *slot = *value);
                        }
                        Values::$variant(stacked.into())
                    })*
                    _ => return Ok(Lane::new(Values::Null)),
                }
            };
        }
        let values = stack!(Bool I8 I16 I32 I64 U8 U16 U32 U64 F32 F64);
        Ok(Lane::with_valid(Values::Vector(Box::new(values), width), valid))
    })
}
