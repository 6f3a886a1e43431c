//! Count, sum, mean, variance and standard deviation, skew and kurtosis of numbers, and the extremes of whatever has an order.
//!
//! Values are summed in blocks: sixteen running sums, which are added up pairwise, and blocks by compensated summation, so that the error
//! does not grow with the number of rows. Whole numbers are summed exactly. Powers are taken of differences from a value near the mean,
//! and blocks are joined by the formulas of Chan, Golub and LeVeque, so that a large mean costs no digits.

use super::extremes::Extremes;
use crate::block::with_numbers;
use crate::block::{Number, Values, count_yes};
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::simd::{Loop, vectorised};
use crate::types::{Type, Unit};
use crate::value::Value;

/// What is wanted of the moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Moment {
    /// Values that are neither missing nor NaN.
    Count,
    Sum,
    Mean,
    /// With so many degrees of freedom taken off.
    Variance(f64),
    Deviation(f64),
    Skew,
    Kurtosis,
    /// The least value that is no NaN.
    Min,
    Max,
    /// Both.
    MinMax,
}

/// Moments and extremes of one lane, as many as are asked for: the values are looked at once.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    pub(crate) wanted: Vec<Moment>,
    pub(crate) type_: Type,
}

/// What is known of the values so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Part {
    count: u64,
    /// Exact, of whole numbers.
    whole: i128,
    /// Of floating-point numbers, with what rounding has lost.
    sum: f64,
    lost: f64,
    mean: f64,
    /// Sums of powers of differences from the mean.
    second: f64,
    third: f64,
    fourth: f64,
    extremes: Extremes,
}

impl Moments {
    /// Up to which power differences are needed.
    fn order(&self) -> u32 {
        self.wanted.iter().map(|moment| moment.order()).max().unwrap_or(0)
    }

    fn wants_extremes(&self) -> bool {
        self.wanted.iter().any(|moment| matches!(moment, Moment::Min | Moment::Max | Moment::MinMax))
    }
}

impl Moment {
    fn order(self) -> u32 {
        match self {
            Moment::Count | Moment::Min | Moment::Max | Moment::MinMax => 0,
            Moment::Sum | Moment::Mean => 1,
            Moment::Variance(_) | Moment::Deviation(_) => 2,
            Moment::Skew => 3,
            Moment::Kurtosis => 4,
        }
    }
}

impl Sink for Moments {
    type Part = Part;

    fn start(&self) -> ColumnsResult<Part> {
        Ok(Part::default())
    }

    fn block(&self, part: &mut Part, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first() else {
            part.count += block.count() as u64;
            return Ok(());
        };
        let only_counts = self.wanted.iter().all(|moment| *moment == Moment::Count);
        if only_counts && !self.type_.is_float() {
            part.count += block.valid(lane).map_or(block.rows, |mask| count_yes(&mask)) as u64;
            return Ok(());
        }
        let lane = lane.clone().spread(block.rows);
        let owned;
        let mask = match (block.live, &lane.valid) {
            (None, None) => None,
            (Some(live), None) => Some(live),
            (None, Some(valid)) => Some(&**valid),
            _ => {
                owned = block.valid(&lane).unwrap_or_default();
                Some(owned.as_slice())
            }
        };
        let order = self.order();
        let extremes = self.wants_extremes();
        match &lane.values {
            Values::Null => {}
            Values::Bool(bytes) => {
                let ones: Vec<u8> = bytes.iter().map(|byte| byte & 1).collect();
                part.add(&ones, mask, order);
                if extremes {
                    part.extremes.numbers(&ones, mask);
                }
            }
            Values::Text(texts) => {
                part.count += mask.map_or(block.rows, count_yes) as u64;
                if extremes {
                    part.extremes.texts(texts, mask);
                }
            }
            numbers => with_numbers!(numbers, values => {
                part.add(values, mask, order);
                if extremes {
                    part.extremes.numbers(values, mask);
                }
            }, _ => {}),
        }
        Ok(())
    }

    fn merge(&self, part: &mut Part, other: Part) -> ColumnsResult<()> {
        part.join(&other, self.order());
        Ok(())
    }

    fn finish(&self, part: Part) -> ColumnsResult<Outcome> {
        let values = self.wanted.iter().map(|moment| self.value(*moment, &part)).collect::<ColumnsResult<_>>()?;
        Ok(Outcome::Done(Output::Value(Value::List(values))))
    }
}

impl Moments {
    fn value(&self, moment: Moment, part: &Part) -> ColumnsResult<Value> {
        let whole = matches!(self.type_, Type::Int(_) | Type::Bool | Type::Duration(_) | Type::Instant(..));
        let count = part.count as f64;
        let float = |value: f64| if part.count == 0 { Value::Float(f64::NAN) } else { Value::Float(value) };
        Ok(match moment {
            Moment::Count => Value::Int(part.count.into()),
            Moment::Sum if whole => {
                let fits = i64::try_from(part.whole).is_ok() || u64::try_from(part.whole).is_ok();
                match (&self.type_, fits) {
                    (Type::Duration(unit), true) => Value::Duration(part.whole as i64, *unit),
                    (_, true) => Value::Int(part.whole),
                    _ => {
                        return Err(ColumnsError::option(format!(
                            "the sum is {}, which is beyond 64 bits; sum it as float64, with astype",
                            part.whole
                        )));
                    }
                }
            }
            Moment::Sum => Value::Float(part.sum + part.lost),
            Moment::Mean => match &self.type_ {
                Type::Instant(..) | Type::Duration(_) => self.mean_ticks(part),
                _ if whole => float(part.whole as f64 / count),
                _ => float((part.sum + part.lost) / count),
            },
            Moment::Variance(ddof) => self.spread(part, ddof, false),
            Moment::Deviation(ddof) => self.spread(part, ddof, true),
            Moment::Min => part.extremes.least(&self.type_),
            Moment::Max => part.extremes.greatest(&self.type_),
            Moment::MinMax => Value::List(vec![part.extremes.least(&self.type_), part.extremes.greatest(&self.type_)]),
            Moment::Skew => float(count.sqrt() * part.third / part.second.powf(1.5)),
            Moment::Kurtosis => float(count * part.fourth / (part.second * part.second) - 3.0),
        })
    }

    /// The mean tick, rounded down.
    fn mean_ticks(&self, part: &Part) -> Value {
        if part.count == 0 {
            return Value::Null;
        }
        let ticks = part.whole.div_euclid(i128::from(part.count)) as i64;
        match &self.type_ {
            Type::Instant(unit, zone) => Value::Instant(ticks, *unit, zone.clone()),
            Type::Duration(unit) => Value::Duration(ticks, *unit),
            _ => Value::Int(ticks.into()),
        }
    }

    fn spread(&self, part: &Part, ddof: f64, root: bool) -> Value {
        let divisor = part.count as f64 - ddof;
        let variance = if divisor > 0.0 { part.second / divisor } else { f64::NAN };
        match (&self.type_, root) {
            (Type::Duration(unit), true) if variance.is_finite() => {
                Value::Duration(variance.sqrt().round() as i64, *unit)
            }
            (Type::Duration(_) | Type::Instant(Unit::Day, _), false) => Value::Float(variance),
            (_, true) => Value::Float(variance.sqrt()),
            _ => Value::Float(variance),
        }
    }
}

impl Part {
    fn add<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>, order: u32) {
        let block = if T::FLOAT {
            let (count, sum) = vectorised(Sums { values, mask });
            let mut block = Self { count, sum, ..Self::default() };
            if order > 1 && count > 0 {
                block.mean = sum / count as f64;
                block.powers(values, mask, order);
            }
            block
        } else {
            let (count, whole) = vectorised(WholeSums { values, mask });
            let mut block = Self { count, whole, ..Self::default() };
            if order > 1 && count > 0 {
                block.mean = whole as f64 / count as f64;
                block.powers(values, mask, order);
            }
            block
        };
        self.join(&block, order);
    }

    /// Sums of powers of differences from the mean of the block, of which the first corrects the mean's own rounding.
    fn powers<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>, order: u32) {
        let n = self.count as f64;
        let [first, second, third, fourth] = vectorised(Powers { values, mask, mean: self.mean, order });
        let shift = first / n;
        if shift.is_finite() {
            self.mean += shift;
            self.fourth = fourth - 4.0 * shift * third + 6.0 * shift * shift * second - 3.0 * n * shift.powi(4);
            self.third = third - 3.0 * shift * second + 2.0 * n * shift.powi(3);
            self.second = (second - first * shift).max(0.0);
        } else {
            (self.second, self.third, self.fourth) = (second, third, fourth);
        }
    }

    /// Joins two stretches of rows.
    fn join(&mut self, other: &Self, order: u32) {
        self.extremes.join(&other.extremes);
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            let extremes = std::mem::take(&mut self.extremes);
            *self = Self { extremes, ..other.clone() };
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        if order > 1 {
            let n = a + b;
            let delta = other.mean - self.mean;
            let share = delta / n;
            self.fourth += other.fourth
                + delta * share.powi(3) * a * b * (a * a - a * b + b * b)
                + 6.0 * share * share * (a * a * other.second + b * b * self.second)
                + 4.0 * share * (a * other.third - b * self.third);
            self.third += other.third
                + delta * share * share * a * b * (a - b)
                + 3.0 * share * (a * other.second - b * self.second);
            self.second += other.second + delta * share * a * b;
            self.mean += share * b;
        }
        self.count += other.count;
        self.whole += other.whole;
        // Neumaier's sum: what the larger addend does not hold of the smaller one is kept.
        let sum = self.sum + other.sum;
        self.lost += match (sum.is_finite(), self.sum.abs() >= other.sum.abs()) {
            (false, _) => 0.0,
            (true, true) => (self.sum - sum) + other.sum,
            (true, false) => (other.sum - sum) + self.sum,
        };
        self.lost += other.lost;
        self.sum = sum;
    }
}

/// Running sums side by side, so that no addition waits for the one before.
pub(super) const LANES: usize = 16;

/// Adds up sums side by side.
#[inline(always)]
fn pairwise(mut sums: [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for at in 0..width {
            sums[at] += sums[at + width];
        }
        width /= 2;
    }
    sums[0]
}

/// All bits where something holds, none elsewhere: what compilers make masks of vectors of.
#[inline(always)]
pub(super) fn all_bits(holds: bool) -> u64 {
    (holds as u64).wrapping_neg()
}

/// The value where all bits of a mask are set, else zero.
#[inline(always)]
fn masked(value: f64, mask: u64) -> f64 {
    f64::from_bits(value.to_bits() & mask)
}

/// What is done with sixteen values, each of which counts where its mask has all bits set. A trait, since closures are not sure to be
/// inlined into the functions that are compiled for certain processors.
pub(super) trait Step<T> {
    /// Implementations are `#[inline(always)]`.
    fn step(&mut self, values: &[T; LANES], mask: &[u64; LANES]);
}

/// Sixteen values at a time; the last ones with zeros behind them, which do not count.
#[inline(always)]
pub(super) fn sixteens<T: Number, S: Step<T>>(values: &[T], mask: Option<&[u8]>, mut state: S) -> S {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut tail = [T::default(); LANES];
    let mut tail_mask = [0_u64; LANES];
    for (slot, value) in tail.iter_mut().zip(rest) {
        *slot = *value;
    }
    match mask {
        None => {
            let all = [u64::MAX; LANES];
            for values in whole {
                state.step(values, &all);
            }
            for slot in tail_mask.iter_mut().take(rest.len()) {
                *slot = u64::MAX;
            }
        }
        Some(mask) => {
            let (masks, rest_mask) = mask.as_chunks::<LANES>();
            for (values, mask) in whole.iter().zip(masks) {
                // Bytes of all bits or none, to words of all bits or none. Not by `map`, which is not sure to be inlined either.
                let mut words = [0; LANES];
                for at in 0..LANES {
                    words[at] = mask[at] as i8 as i64 as u64;
                }
                state.step(values, &words);
            }
            for (slot, byte) in tail_mask.iter_mut().zip(rest_mask) {
                *slot = *byte as i8 as i64 as u64;
            }
        }
    }
    if !rest.is_empty() {
        state.step(&tail, &tail_mask);
    }
    state
}

/// Counts and sums floating-point numbers that are no NaN.
struct Sums<'v, T> {
    values: &'v [T],
    mask: Option<&'v [u8]>,
}

struct SumsState {
    sums: [f64; LANES],
    counts: [u64; LANES],
}

impl<T: Number> Step<T> for SumsState {
    #[inline(always)]
    fn step(&mut self, values: &[T; LANES], mask: &[u64; LANES]) {
        for at in 0..LANES {
            let there = all_bits(values[at].is_number()) & mask[at];
            self.sums[at] += masked(values[at].float(), there);
            self.counts[at] += there & 1;
        }
    }
}

impl<T: Number> Loop for Sums<'_, T> {
    type Output = (u64, f64);

    #[inline(always)]
    fn run(self) -> (u64, f64) {
        let state = sixteens(self.values, self.mask, SumsState { sums: [0.0; LANES], counts: [0; LANES] });
        (state.counts.iter().sum(), pairwise(state.sums))
    }
}

/// Counts and sums whole numbers.
struct WholeSums<'v, T> {
    values: &'v [T],
    mask: Option<&'v [u8]>,
}

struct NarrowState([i64; LANES]);

impl<T: Number> Step<T> for NarrowState {
    #[inline(always)]
    fn step(&mut self, values: &[T; LANES], mask: &[u64; LANES]) {
        for at in 0..LANES {
            self.0[at] += values[at].narrow() & mask[at] as i64;
        }
    }
}

struct WideState {
    high: [i64; LANES],
    low: [u64; LANES],
}

impl<T: Number> Step<T> for WideState {
    #[inline(always)]
    fn step(&mut self, values: &[T; LANES], mask: &[u64; LANES]) {
        for at in 0..LANES {
            let (bits, rest) = values[at].halves();
            self.high[at] += rest & mask[at] as i64;
            self.low[at] += bits & mask[at];
        }
    }
}

impl<T: Number> Loop for WholeSums<'_, T> {
    type Output = (u64, i128);

    #[inline(always)]
    fn run(self) -> (u64, i128) {
        let count = self.mask.map_or(self.values.len() as u64, |mask| count_yes(mask) as u64);
        // In 64 bits a block of up to 32 bits each cannot overflow; wider ones are summed in two halves.
        let sum = if T::BITS < 64 {
            i128::from(sixteens(self.values, self.mask, NarrowState([0; LANES])).0.iter().sum::<i64>())
        } else {
            let state = sixteens(self.values, self.mask, WideState { high: [0; LANES], low: [0; LANES] });
            (i128::from(state.high.iter().sum::<i64>()) << 32) + i128::from(state.low.iter().sum::<u64>())
        };
        (count, sum)
    }
}

/// Sums of the first four powers of differences from a value.
struct Powers<'v, T> {
    values: &'v [T],
    mask: Option<&'v [u8]>,
    mean: f64,
    order: u32,
}

struct SquaresState {
    mean: f64,
    sums: [[f64; LANES]; 2],
}

impl<T: Number> Step<T> for SquaresState {
    #[inline(always)]
    fn step(&mut self, values: &[T; LANES], mask: &[u64; LANES]) {
        for at in 0..LANES {
            let there = all_bits(values[at].is_number()) & mask[at];
            let difference = masked(values[at].float() - self.mean, there);
            self.sums[0][at] += difference;
            self.sums[1][at] += difference * difference;
        }
    }
}

struct FourthState {
    mean: f64,
    sums: [[f64; LANES]; 4],
}

impl<T: Number> Step<T> for FourthState {
    #[inline(always)]
    fn step(&mut self, values: &[T; LANES], mask: &[u64; LANES]) {
        for at in 0..LANES {
            let there = all_bits(values[at].is_number()) & mask[at];
            let difference = masked(values[at].float() - self.mean, there);
            let square = difference * difference;
            self.sums[0][at] += difference;
            self.sums[1][at] += square;
            self.sums[2][at] += square * difference;
            self.sums[3][at] += square * square;
        }
    }
}

impl<T: Number> Loop for Powers<'_, T> {
    type Output = [f64; 4];

    #[inline(always)]
    fn run(self) -> [f64; 4] {
        let mean = self.mean;
        if self.order > 2 {
            return sixteens(self.values, self.mask, FourthState { mean, sums: [[0.0; LANES]; 4] }).sums.map(pairwise);
        }
        let state = sixteens(self.values, self.mask, SquaresState { mean, sums: [[0.0; LANES]; 2] });
        let [first, second] = state.sums.map(pairwise);
        [first, second, 0.0, 0.0]
    }
}
