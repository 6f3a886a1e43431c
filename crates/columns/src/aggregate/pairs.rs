//! Covariance and correlation of pairs of lanes.

use crate::block::{Lane, Number, Values, YES, with_numbers};
use crate::error::ColumnsResult;
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::simd::{Loop, vectorised};
use crate::value::Value;

/// What is told of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pair {
    /// With so many degrees of freedom taken off.
    Covariance(f64),
    Correlation,
}

/// Covariances or correlations: of the first two lanes, or as `matrix` of all pairs of them.
#[derive(Debug, Clone)]
pub(crate) struct Pairs {
    pub(crate) pair: Pair,
    pub(crate) matrix: bool,
    pub(crate) lanes: usize,
}

/// What is known of the rows in which both have a value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Joint {
    count: f64,
    /// Values near the means, and what the means are more than them.
    pivot: [f64; 2],
    offset: [f64; 2],
    /// Sums of squares of differences from the means, and of their products.
    second: [f64; 2],
    product: f64,
}

impl Joint {
    fn add(&mut self, x: &[f64], y: &[f64], there: Option<&[u8]>) {
        let both = Both { x, y, there };
        let (count, sums) = vectorised(Sums(both));
        if count == 0 {
            return;
        }
        let count = f64::from(count);
        let pivot = sums.map(|sum| sum / count);
        let [dx, dy, xx, yy, xy] = vectorised(Products(both, pivot));
        // What rounding has made of the means.
        let offset = [dx / count, dy / count];
        self.join(&Self {
            count,
            pivot,
            offset,
            second: [xx - dx * offset[0], yy - dy * offset[1]],
            product: xy - dx * offset[1],
        });
    }

    fn join(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        if self.count == 0.0 {
            *self = *other;
            return;
        }
        let n = self.count + other.count;
        let delta = |at: usize| (other.pivot[at] - self.pivot[at]) + (other.offset[at] - self.offset[at]);
        let (x, y) = (delta(0), delta(1));
        let weight = self.count * other.count / n;
        self.second[0] += other.second[0] + x * x * weight;
        self.second[1] += other.second[1] + y * y * weight;
        self.product += other.product + x * y * weight;
        self.offset[0] += x * other.count / n;
        self.offset[1] += y * other.count / n;
        self.count = n;
    }

    fn value(&self, pair: Pair, same: bool) -> f64 {
        match pair {
            Pair::Covariance(ddof) if self.count - ddof > 0.0 => self.product / (self.count - ddof),
            Pair::Covariance(_) => f64::NAN,
            Pair::Correlation if same && self.second[0] > 0.0 => 1.0,
            Pair::Correlation => {
                let correlation = self.product / (self.second[0].sqrt() * self.second[1].sqrt());
                // Rounding may lead a little beyond what there can be.
                if correlation.is_nan() { f64::NAN } else { correlation.clamp(-1.0, 1.0) }
            }
        }
    }
}

/// Two slices of the same length, and which rows count.
#[derive(Clone, Copy)]
struct Both<'v> {
    x: &'v [f64],
    y: &'v [f64],
    there: Option<&'v [u8]>,
}

const LANES: usize = 16;

impl Both<'_> {
    /// Calls `see` with all pairs, and whether both count and are numbers.
    #[inline(always)]
    fn each(self, mut see: impl FnMut(usize, f64, f64, bool)) {
        let rows = self.x.iter().zip(self.y).enumerate();
        match self.there {
            None => rows.for_each(|(row, (x, y))| {
                let there = !x.is_nan() & !y.is_nan();
                see(row % LANES, *x, *y, there);
            }),
            Some(mask) => rows.zip(mask).for_each(|((row, (x, y)), mask)| {
                let there = !x.is_nan() & !y.is_nan() & (*mask == YES);
                see(row % LANES, *x, *y, there);
            }),
        }
    }
}

struct Sums<'v>(Both<'v>);

impl Loop for Sums<'_> {
    type Output = (u32, [f64; 2]);

    #[inline(always)]
    fn run(self) -> (u32, [f64; 2]) {
        let (mut counts, mut x_sums, mut y_sums) = ([0_u32; LANES], [0.0; LANES], [0.0; LANES]);
        self.0.each(|at, x, y, there| {
            counts[at] += u32::from(there);
            x_sums[at] += if there { x } else { 0.0 };
            y_sums[at] += if there { y } else { 0.0 };
        });
        (counts.iter().sum(), [x_sums.iter().sum(), y_sums.iter().sum()])
    }
}

/// Sums of differences from two values, of their squares, and of their products.
struct Products<'v>(Both<'v>, [f64; 2]);

impl Loop for Products<'_> {
    type Output = [f64; 5];

    #[inline(always)]
    fn run(self) -> [f64; 5] {
        let mut sums = [[0.0; LANES]; 5];
        self.0.each(|at, x, y, there| {
            let x = if there { x - self.1[0] } else { 0.0 };
            let y = if there { y - self.1[1] } else { 0.0 };
            sums[0][at] += x;
            sums[1][at] += y;
            sums[2][at] += x * x;
            sums[3][at] += y * y;
            sums[4][at] += x * y;
        });
        sums.map(|sums| sums.iter().sum())
    }
}

impl Pairs {
    /// The pairs of lanes that are looked at.
    fn pairs(&self) -> Vec<(usize, usize)> {
        if !self.matrix {
            return vec![(0, 1)];
        }
        (0..self.lanes).flat_map(|a| (a..self.lanes).map(move |b| (a, b))).collect()
    }
}

impl Sink for Pairs {
    type Part = Vec<Joint>;

    fn start(&self) -> ColumnsResult<Vec<Joint>> {
        Ok(vec![Joint::default(); self.pairs().len()])
    }

    fn block(&self, part: &mut Vec<Joint>, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let lanes: Vec<(Vec<f64>, Option<Vec<u8>>)> = block
            .lanes
            .iter()
            .map(|lane| {
                let lane = lane.clone().spread(block.rows);
                let valid = block.valid(&lane);
                (floats(&lane, block.rows), valid)
            })
            .collect();
        for (joint, (a, b)) in part.iter_mut().zip(self.pairs()) {
            let (Some((x, x_mask)), Some((y, y_mask))) = (lanes.get(a), lanes.get(b)) else { continue };
            let both;
            let mask = match (x_mask, y_mask) {
                (None, one) | (one, None) => one.as_deref(),
                (Some(x), Some(y)) => {
                    both = x.iter().zip(y).map(|(x, y)| x & y).collect::<Vec<u8>>();
                    Some(both.as_slice())
                }
            };
            joint.add(x, y, mask);
        }
        Ok(())
    }

    fn merge(&self, part: &mut Vec<Joint>, other: Vec<Joint>) -> ColumnsResult<()> {
        part.iter_mut().zip(&other).for_each(|(part, other)| part.join(other));
        Ok(())
    }

    fn finish(&self, part: Vec<Joint>) -> ColumnsResult<Outcome> {
        let pairs = self.pairs();
        let of = |a: usize, b: usize| {
            let pair = (a.min(b), a.max(b));
            let joint = pairs.iter().zip(&part).find(|(known, _)| **known == pair).map(|(_, joint)| joint);
            Value::Float(joint.map_or(f64::NAN, |joint| joint.value(self.pair, self.matrix && a == b)))
        };
        Ok(Outcome::Done(Output::Value(match self.matrix {
            false => of(0, 1),
            true => {
                Value::List((0..self.lanes).map(|a| Value::List((0..self.lanes).map(|b| of(a, b)).collect())).collect())
            }
        })))
    }
}

/// The numbers of a lane as floating-point numbers. Rows without a value hold anything.
fn floats(lane: &Lane<'_>, rows: usize) -> Vec<f64> {
    match &lane.values {
        Values::Bool(bytes) => bytes.iter().map(|byte| f64::from(byte & 1)).collect(),
        numbers => with_numbers!(
            numbers,
            values => values.iter().map(|value| value.float()).collect(),
            _ => vec![f64::NAN; rows]
        ),
    }
}
