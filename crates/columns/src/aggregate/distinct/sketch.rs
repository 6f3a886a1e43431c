//! Sketches of different values: about how many there are, and which are the most frequent.

use datasketches::error::Error;
use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use datasketches::hll::{HllSketch, HllType, HllUnion};

use super::Keep;
use super::entries::{Entries, Keys, Order};
use super::tally::{Tally, key};
use crate::aggregate::bits::nan_bits;
use crate::aggregate::masks::{mask_of, ones};
use crate::block::{Number, Texts, Values, YES, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::types::Type;
use crate::value::Value;

/// The binary logarithm of the registers of a HyperLogLog sketch: 2¹⁶ are off by 0.4 % or less in two cases of three, and take 64 KiB.
const REGISTERS: u8 = 16;

/// A sketch of different values.
pub(crate) type HyperLogLog = HllSketch;

/// A sketch of no values.
pub(crate) fn new_sketch() -> ColumnsResult<HyperLogLog> {
    HllSketch::new(REGISTERS, HllType::Hll8).map_err(failed)
}

/// The sketch of the values of two.
pub(crate) fn as_one(a: &HyperLogLog, b: &HyperLogLog) -> ColumnsResult<HyperLogLog> {
    let mut union = HllUnion::new(REGISTERS).map_err(failed)?;
    union.update(a);
    union.update(b);
    Ok(union.to_sketch(HllType::Hll8))
}

fn failed(error: Error) -> ColumnsError {
    ColumnsError::option(format!("a sketch cannot be made: {error}"))
}

/// About how many different values a lane has, neither missing nor NaN.
#[derive(Debug, Clone)]
pub(crate) struct ApproxNunique;

impl Sink for ApproxNunique {
    type Part = HllSketch;

    fn start(&self) -> ColumnsResult<HllSketch> {
        new_sketch()
    }

    fn block(&self, part: &mut HllSketch, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first() else { return Ok(()) };
        let lane = lane.clone().spread(block.rows);
        let mask = mask_of(block, &lane);
        let mask = mask.as_deref();
        match &lane.values {
            Values::Text(Texts::Codes(codes, dictionary)) if dictionary.texts.len() <= codes.len() => {
                let mut seen = vec![false; dictionary.texts.len()];
                for (row, code) in codes.iter().enumerate() {
                    if let Some(seen) = usize::try_from(*code).ok().and_then(|code| seen.get_mut(code)) {
                        *seen |= mask.is_none_or(|mask| mask.get(row) == Some(&YES));
                    }
                }
                seen.iter()
                    .enumerate()
                    .filter(|(_, seen)| **seen)
                    .for_each(|(code, _)| part.update(dictionary.texts.bytes(code)));
            }
            Values::Text(texts) => {
                (0..texts.len())
                    .filter(|row| mask.is_none_or(|mask| mask.get(*row) == Some(&YES)))
                    .for_each(|row| part.update(texts.bytes(row)));
            }
            Values::Bool(bytes) => update(part, &ones(bytes), mask),
            numbers => with_numbers!(numbers, values => update(part, values, mask), _ => {}),
        }
        Ok(())
    }

    fn merge(&self, part: &mut HllSketch, other: HllSketch) -> ColumnsResult<()> {
        *part = as_one(part, &other)?;
        Ok(())
    }

    fn finish(&self, part: HllSketch) -> ColumnsResult<Outcome> {
        // The estimate that does not depend on the order in which values came.
        Ok(Outcome::Done(Output::Value(Value::Int(part.composite_estimate().round() as i128))))
    }
}

fn update<T: Number>(sketch: &mut HllSketch, values: &[T], mask: Option<&[u8]>) {
    for (row, value) in values.iter().enumerate() {
        if value.is_number() && mask.is_none_or(|mask| mask.get(row) == Some(&YES)) {
            sketch.update(key(*value));
        }
    }
}

/// Different values that are counted exactly before a sketch takes them.
const EXACT: usize = 1 << 16;

/// Counters of the sketch: what occurs more often than one in this many is found.
const COUNTERS: usize = 1 << 16;

/// The most frequent values of a lane, exact where there are few different ones.
#[derive(Debug, Clone)]
pub(crate) struct TopValues {
    pub(crate) type_: Type,
    pub(crate) count: usize,
    /// Bytes that a thread may use.
    pub(crate) memory: u64,
}

/// What a thread has counted.
#[derive(Debug)]
pub(crate) struct TopPart {
    exact: Tally,
    sketch: Option<Sketch>,
}

/// Counters of frequent values.
#[derive(Debug)]
enum Sketch {
    Numbers(FrequentItemsSketch<u64>),
    Texts(FrequentItemsSketch<Box<str>>),
}

impl Sketch {
    fn new(type_: &Type) -> ColumnsResult<Self> {
        Ok(match type_ {
            Type::Text => Self::Texts(FrequentItemsSketch::new(COUNTERS).map_err(failed)?),
            _ => Self::Numbers(FrequentItemsSketch::new(COUNTERS).map_err(failed)?),
        })
    }

    fn add(&mut self, entries: Entries) {
        match (self, entries.keys) {
            (Self::Numbers(sketch), Keys::Numbers(mut numbers)) => {
                // In the order of the values, so that the same ones always give the same sketch.
                numbers.sort_unstable();
                numbers.into_iter().for_each(|(key, count)| sketch.update_with_count(key, count));
            }
            (Self::Texts(sketch), Keys::Texts(mut texts)) => {
                texts.sort_unstable();
                texts.into_iter().for_each(|(text, count)| sketch.update_with_count(text, count));
            }
            _ => {}
        }
    }

    /// The frequent values with what they occur at least.
    fn entries(&self) -> Keys {
        match self {
            Self::Numbers(sketch) => {
                let rows = sketch.frequent_items(ErrorType::NoFalseNegatives);
                Keys::Numbers(rows.iter().map(|row| (*row.item(), row.lower_bound().max(1))).collect())
            }
            Self::Texts(sketch) => {
                let rows = sketch.frequent_items(ErrorType::NoFalseNegatives);
                Keys::Texts(rows.iter().map(|row| (row.item().clone(), row.lower_bound().max(1))).collect())
            }
        }
    }
}

impl TopValues {
    /// Puts what was counted into the sketch.
    fn drain(&self, part: &mut TopPart) -> ColumnsResult<()> {
        let exact = std::mem::replace(&mut part.exact, Tally::new(&self.type_));
        let sketch = match &mut part.sketch {
            Some(sketch) => sketch,
            none => none.insert(Sketch::new(&self.type_)?),
        };
        sketch.add(exact.entries(&self.type_).keep(Keep::NEITHER));
        Ok(())
    }
}

impl Sink for TopValues {
    type Part = TopPart;

    fn start(&self) -> ColumnsResult<TopPart> {
        Ok(TopPart { exact: Tally::new(&self.type_), sketch: None })
    }

    fn block(&self, part: &mut TopPart, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first() else { return Ok(()) };
        part.exact.add(block, lane, self.memory)?;
        if part.exact.len() > EXACT { self.drain(part) } else { Ok(()) }
    }

    fn merge(&self, part: &mut TopPart, mut other: TopPart) -> ColumnsResult<()> {
        if part.sketch.is_none() && other.sketch.is_none() {
            part.exact.join(other.exact);
            return Ok(());
        }
        self.drain(part)?;
        self.drain(&mut other)?;
        match (&mut part.sketch, &other.sketch) {
            (Some(Sketch::Numbers(a)), Some(Sketch::Numbers(b))) => a.merge(b),
            (Some(Sketch::Texts(a)), Some(Sketch::Texts(b))) => a.merge(b),
            _ => {}
        }
        Ok(())
    }

    fn finish(&self, mut part: TopPart) -> ColumnsResult<Outcome> {
        let entries = match part.sketch {
            None => part.exact.entries(&self.type_),
            Some(_) => {
                self.drain(&mut part)?;
                let keys = part.sketch.as_ref().map(Sketch::entries).unwrap_or(Keys::Numbers(Vec::new()));
                Entries { keys, missing: 0, nan: nan_bits(&self.type_) }
            }
        };
        let sorted = entries.keep(Keep::NEITHER).sorted(Order::MostFrequent, Some(self.count));
        let pair = |(value, count): (Value, u64)| Value::List(vec![value, Value::Int(count.into())]);
        Ok(Outcome::Done(Output::Value(Value::List(sorted.values(&self.type_).into_iter().map(pair).collect()))))
    }
}
