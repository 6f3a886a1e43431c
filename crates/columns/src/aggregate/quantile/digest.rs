//! Quantiles by a sketch, a t-digest: values are put together to centroids that are small at the ends and larger in the middle.
//!
//! Blocks are put together by stretches of rows that do not depend on which thread has read them, and the stretches all at once, so that
//! the same rows always give the same answer.

use std::f64::consts::PI;

use crate::aggregate::bits::{nan_bits, with_native};
use crate::aggregate::masks::{mask_of, ones};
use crate::block::{Number, Values, YES, with_numbers};
use crate::error::ColumnsResult;
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::types::Type;
use crate::value::Value;

/// How fine the sketch is: it has at most so many centroids, and is off by about 0.5 % of the ranks in the middle, and less at the ends.
const COMPRESSION: f64 = 200.0;

/// Rows of a stretch, which begin at multiples of it; tasks of a pass are as long.
const STRETCH: u64 = 1 << 18;

/// Values that wait until they are put into a sketch together: 256 KiB.
const WAITING: usize = 1 << 15;

/// Approximate quantiles of a lane of numbers, instants or durations.
#[derive(Debug, Clone)]
pub(crate) struct ApproxQuantiles {
    pub(crate) type_: Type,
    pub(crate) shares: Vec<f64>,
    pub(crate) several: bool,
}

/// Values that are close together: their mean, and how many there are.
#[derive(Debug, Clone, Copy)]
struct Centroid {
    mean: f64,
    weight: f64,
}

/// The sketch of some rows.
#[derive(Debug, Default)]
struct Digest {
    centroids: Vec<Centroid>,
    weight: f64,
    /// The least and the greatest value, as bits.
    extremes: Option<(u64, u64)>,
}

/// The sketches of the stretches that a thread has read.
#[derive(Debug, Default)]
pub(crate) struct DigestPart {
    done: Vec<Digest>,
    stretch: Option<(u64, Digest)>,
    /// Bits of values that are not in a sketch yet.
    bits: Vec<u64>,
}

impl Digest {
    /// Takes values, which rise, as bits.
    fn add(&mut self, bits: &[u64], type_: &Type) {
        let (Some(least), Some(greatest)) = (bits.first(), bits.last()) else { return };
        let (low, high) = self.extremes.unwrap_or((*least, *greatest));
        self.extremes = Some((low.min(*least), high.max(*greatest)));
        self.weight += bits.len() as f64;
        self.centroids.extend(bits.iter().map(|bits| Centroid { mean: float_of_bits(*bits, type_), weight: 1.0 }));
        self.compress();
    }

    fn join(&mut self, other: Self) {
        self.extremes = match (self.extremes, other.extremes) {
            (None, one) | (one, None) => one,
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        };
        self.weight += other.weight;
        self.centroids.extend(other.centroids);
    }

    /// Puts neighbours together, as far as their place allows.
    fn compress(&mut self) {
        self.centroids.sort_by(|a, b| a.mean.total_cmp(&b.mean).then(a.weight.total_cmp(&b.weight)));
        let mut before = 0.0;
        let mut limit = limit_of(before, self.weight);
        let mut together: Vec<Centroid> = Vec::with_capacity(COMPRESSION as usize);
        for next in self.centroids.drain(..) {
            match together.last_mut() {
                Some(last) if before + last.weight + next.weight <= limit => {
                    last.weight += next.weight;
                    // Infinite values have no difference.
                    if last.mean != next.mean {
                        last.mean += (next.mean - last.mean) * (next.weight / last.weight);
                    }
                }
                last => {
                    before += last.map_or(0.0, |last| last.weight);
                    limit = limit_of(before, self.weight);
                    together.push(next);
                }
            }
        }
        self.centroids = together;
    }

    /// The value of a share.
    fn value(&self, share: f64, type_: &Type) -> Option<f64> {
        let (least, greatest) = self.extremes?;
        let (least, greatest) = (float_of_bits(least, type_), float_of_bits(greatest, type_));
        let wanted = share * (self.weight - 1.0) + 0.5;
        // A centroid stands for the middle of its values; the extremes stand at the ends.
        let (mut place, mut value) = (0.5, least);
        let mut before = 0.0;
        for centroid in &self.centroids {
            let middle = before + centroid.weight / 2.0;
            if wanted <= middle {
                return Some(between((place, value), (middle, centroid.mean), wanted));
            }
            (place, value) = (middle, centroid.mean);
            before += centroid.weight;
        }
        Some(between((place, value), (self.weight - 0.5, greatest), wanted))
    }
}

/// Up to which weight a centroid may reach that begins behind `before`, of `all`.
fn limit_of(before: f64, all: f64) -> f64 {
    let scale = COMPRESSION / (2.0 * PI);
    let next = scale * (2.0 * before / all - 1.0).clamp(-1.0, 1.0).asin() + 1.0;
    if next >= COMPRESSION / 4.0 { all } else { all * ((next / scale).sin() + 1.0) / 2.0 }
}

fn between(low: (f64, f64), high: (f64, f64), at: f64) -> f64 {
    let width = high.0 - low.0;
    if width <= 0.0 || low.1 == high.1 {
        return high.1;
    }
    low.1 + (high.1 - low.1) * ((at - low.0) / width).clamp(0.0, 1.0)
}

fn float_of_bits(bits: u64, type_: &Type) -> f64 {
    with_native!(type_, N => N::from_ordered_bits(bits).float(), _ => bits as f64)
}

impl ApproxQuantiles {
    /// Puts the values that wait into the sketch of their stretch.
    fn settle(&self, part: &mut DigestPart) {
        part.bits.sort_unstable();
        if let Some(nan) = nan_bits(&self.type_) {
            part.bits.truncate(part.bits.partition_point(|bits| *bits < nan));
        }
        if let Some((_, digest)) = &mut part.stretch {
            digest.add(&part.bits, &self.type_);
        }
        part.bits.clear();
    }
}

impl Sink for ApproxQuantiles {
    type Part = DigestPart;

    fn start(&self) -> ColumnsResult<DigestPart> {
        Ok(DigestPart::default())
    }

    fn block(&self, part: &mut DigestPart, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first() else { return Ok(()) };
        let lane = lane.clone().spread(block.rows);
        let mask = mask_of(block, &lane);
        let mask = mask.as_deref();
        let stretch = block.first_row / STRETCH;
        if part.stretch.as_ref().is_none_or(|(known, _)| *known != stretch) {
            self.settle(part);
            let before = part.stretch.replace((stretch, Digest::default()));
            part.done.extend(before.map(|(_, digest)| digest));
        }
        match &lane.values {
            Values::Bool(bytes) => gather(&mut part.bits, &ones(bytes), mask),
            numbers => with_numbers!(numbers, values => gather(&mut part.bits, values, mask), _ => {}),
        }
        if part.bits.len() >= WAITING {
            self.settle(part);
        }
        Ok(())
    }

    fn merge(&self, part: &mut DigestPart, mut other: DigestPart) -> ColumnsResult<()> {
        self.settle(part);
        self.settle(&mut other);
        part.done.extend(other.done);
        part.done.extend(other.stretch.map(|(_, digest)| digest));
        Ok(())
    }

    fn finish(&self, mut part: DigestPart) -> ColumnsResult<Outcome> {
        self.settle(&mut part);
        let mut all = Digest::default();
        part.done.into_iter().chain(part.stretch.map(|(_, digest)| digest)).for_each(|digest| all.join(digest));
        all.compress();
        let mut values = self.shares.iter().map(|share| match (&self.type_, all.value(*share, &self.type_)) {
            (Type::Instant(..) | Type::Duration(_), None) => Value::Null,
            (Type::Instant(unit, zone), Some(ticks)) => Value::Instant(ticks.round() as i64, *unit, zone.clone()),
            (Type::Duration(unit), Some(ticks)) => Value::Duration(ticks.round() as i64, *unit),
            (_, value) => Value::Float(value.unwrap_or(f64::NAN)),
        });
        let value = if self.several { Value::List(values.collect()) } else { values.next().unwrap_or(Value::Null) };
        Ok(Outcome::Done(Output::Value(value)))
    }
}

fn gather<T: Number>(bits: &mut Vec<u64>, values: &[T], mask: Option<&[u8]>) {
    match mask {
        None => bits.extend(values.iter().map(|value| value.ordered_bits())),
        Some(mask) => bits
            .extend(values.iter().zip(mask).filter(|(_, mask)| **mask == YES).map(|(value, _)| value.ordered_bits())),
    }
}
