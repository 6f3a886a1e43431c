//! Products of vectors, and how far they are from each other. All are computed in 64 bits.

use std::sync::Arc;

use super::components::{LANES, summed, total};
use super::vectors::incomplete;
use crate::block::{Lane, Values, both_valid};
use crate::plan::{Arguments, Kernel};
use crate::simd::{Loop, vectorised};

/// What is computed of two vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pair {
    /// The sum of the products of components.
    Dot,
    /// The dot product by the lengths: the cosine of the angle between them; NaN where one has no length.
    Cosine,
    /// The length of their difference.
    Distance,
}

/// What is computed of one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Norm {
    /// The sum of the sizes of components.
    One,
    /// The length.
    Two,
    /// The greatest size of a component.
    Greatest,
}

/// Two slices of vectors; with `constant` the second is one vector.
struct Vectors<'v, A, B> {
    a: &'v [A],
    b: &'v [B],
    constant: bool,
    width: usize,
    what: Pair,
}

impl<A: Copy + Into<f64>, B: Copy + Into<f64>> Loop for Vectors<'_, A, B> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self) -> Vec<f64> {
        let Self { a, b, constant, width, what } = self;
        let squares = |run: &[B]| summed(run, |value| value.into() * value.into());
        let rows = a.chunks_exact(width);
        match (what, constant) {
            (Pair::Dot, true) => rows.map(|a| dot(a, b)).collect(),
            (Pair::Dot, false) => rows.zip(b.chunks_exact(width)).map(|(a, b)| dot(a, b)).collect(),
            (Pair::Cosine, true) => {
                let length = squares(b).sqrt();
                rows.map(|a| cosine(a, b, length)).collect()
            }
            (Pair::Cosine, false) => {
                rows.zip(b.chunks_exact(width)).map(|(a, b)| cosine(a, b, squares(b).sqrt())).collect()
            }
            (Pair::Distance, true) => rows.map(|a| distance(a, b)).collect(),
            (Pair::Distance, false) => rows.zip(b.chunks_exact(width)).map(|(a, b)| distance(a, b)).collect(),
        }
    }
}

/// The sum of what `term` makes of the pairs of components, in sums side by side.
#[inline(always)]
fn summed_pairs<A: Copy, B: Copy>(a: &[A], b: &[B], term: impl Fn(A, B) -> f64) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += term(*a, *b);
        }
    }
    a_rest.iter().zip(b_rest).fold(total(sums), |sum, (a, b)| sum + term(*a, *b))
}

#[inline(always)]
fn dot<A: Copy + Into<f64>, B: Copy + Into<f64>>(a: &[A], b: &[B]) -> f64 {
    summed_pairs(a, b, |a, b| a.into() * b.into())
}

#[inline(always)]
fn cosine<A: Copy + Into<f64>, B: Copy + Into<f64>>(a: &[A], b: &[B], length: f64) -> f64 {
    let squares = summed(a, |value| value.into() * value.into());
    let cosine = dot(a, b) / (squares.sqrt() * length);
    // Rounding must not lead beyond what a cosine can be.
    cosine.clamp(-1.0, 1.0)
}

#[inline(always)]
fn distance<A: Copy + Into<f64>, B: Copy + Into<f64>>(a: &[A], b: &[B]) -> f64 {
    let square = |a: A, b: B| {
        let difference = a.into() - b.into();
        difference * difference
    };
    summed_pairs(a, b, square).sqrt()
}

/// What is computed of vectors of the same width, with components of 32 or 64 bits.
pub(crate) fn pair(what: Pair) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let rows = arguments.rows;
        let (a, b) = (arguments.next(), arguments.next());
        let valid = both_valid(a.valid_rows(rows), b.valid_rows(rows));
        // All three are the same the other way round.
        let (a, b) = if a.constant { (b, a) } else { (a, b) };
        let (x, y, width) = match (&a.values, &b.values) {
            (Values::Vector(x, width), Values::Vector(y, _)) => (x.as_ref(), y.as_ref(), (*width).max(1)),
            (Values::Carried(_), _) | (_, Values::Carried(_)) => return Err(incomplete()),
            _ => return Ok(Lane::new(Values::Null)),
        };
        let constant = b.constant;
        let values = match (x, y) {
            (Values::F32(a), Values::F32(b)) => vectorised(Vectors { a, b, constant, width, what }),
            (Values::F32(a), Values::F64(b)) => vectorised(Vectors { a, b, constant, width, what }),
            (Values::F64(a), Values::F32(b)) => vectorised(Vectors { a, b, constant, width, what }),
            (Values::F64(a), Values::F64(b)) => vectorised(Vectors { a, b, constant, width, what }),
            _ => return Ok(Lane::new(Values::Null)),
        };
        Ok(Lane::with_valid(Values::F64(values.into()), valid))
    })
}

struct Norms<'v, A> {
    a: &'v [A],
    width: usize,
    what: Norm,
}

impl<A: Copy + Into<f64>> Loop for Norms<'_, A> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self) -> Vec<f64> {
        let rows = self.a.chunks_exact(self.width);
        match self.what {
            Norm::One => rows.map(|a| summed(a, |value| value.into().abs())).collect(),
            Norm::Two => rows.map(|a| summed(a, |value| value.into() * value.into()).sqrt()).collect(),
            Norm::Greatest => rows
                .map(|a| {
                    a.iter()
                        .map(|value| (*value).into().abs())
                        .fold(0.0, |a: f64, b| if b > a || b.is_nan() { b } else { a })
                })
                .collect(),
        }
    }
}

/// A norm of vectors, with components of 32 or 64 bits.
pub(crate) fn norm(what: Norm) -> Kernel {
    Arc::new(move |mut arguments: Arguments<'_>| {
        let lane = arguments.next();
        let (values, width) = match &lane.values {
            Values::Vector(values, width) => (values.as_ref(), (*width).max(1)),
            Values::Carried(_) => return Err(incomplete()),
            _ => return Ok(Lane::new(Values::Null)),
        };
        let values = match values {
            Values::F32(a) => vectorised(Norms { a, width, what }),
            Values::F64(a) => vectorised(Norms { a, width, what }),
            _ => return Ok(Lane::new(Values::Null)),
        };
        Ok(Lane::with_valid(Values::F64(values.into()), lane.valid))
    })
}
