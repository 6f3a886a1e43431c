//! Exact quantiles of numbers, in a memory that does not depend on how many there are.
//!
//! The bits of a number can be put so that they have the order of the numbers. Counting how often each value of the highest sixteen occurs
//! tells which of them a rank falls into, and another pass over the rows goes on there with the next sixteen: one pass for numbers of up to
//! 16 bits, two for 32, four for 64.

use crate::block::{Number, Values, YES, with_numbers};
use crate::error::ColumnsResult;
use crate::pass::{BlockView, Outcome, Output, Sink, erased};
use crate::types::Type;
use crate::value::Value;

/// How many bits a pass looks at.
const STEP: u32 = 16;

/// A quantile of one lane, from 0 to 1, interpolated between the two nearest values as NumPy does by default.
#[derive(Debug, Clone)]
pub(crate) struct Quantile {
    pub(crate) at: f64,
    pub(crate) type_: Type,
    /// What earlier passes have found; nothing in the first.
    found: Option<Found>,
}

/// The ranks that are looked for, and how far their bits are known.
#[derive(Debug, Clone)]
struct Found {
    /// Between the lower rank and the upper one, how far.
    share: f64,
    known_bits: u32,
    /// Those of the lower rank and of the upper one: the same, or two.
    targets: Vec<Target>,
}

#[derive(Debug, Clone, PartialEq)]
struct Target {
    /// The bits that are known.
    prefix: u64,
    /// The rank among the values that have them.
    rank: u64,
}

/// Counts by the next bits, for each target.
#[derive(Debug)]
pub(crate) struct Part {
    counts: Vec<Vec<u64>>,
}

impl Quantile {
    pub(crate) fn new(at: f64, type_: Type) -> Self {
        Self { at, type_, found: None }
    }

    /// Bits of a value of the type.
    fn bits(&self) -> u32 {
        match &self.type_ {
            Type::Bool => 8,
            Type::Int(int) => int.bits(),
            Type::Float32 => 32,
            _ => 64,
        }
    }

    fn prefixes(&self) -> Vec<u64> {
        let mut prefixes: Vec<u64> = match &self.found {
            None => vec![0],
            Some(found) => found.targets.iter().map(|target| target.prefix).collect(),
        };
        prefixes.dedup();
        prefixes
    }
}

impl Sink for Quantile {
    type Part = Part;

    fn start(&self) -> ColumnsResult<Part> {
        Ok(Part { counts: self.prefixes().iter().map(|_| vec![0; 1 << STEP]).collect() })
    }

    fn block(&self, part: &mut Part, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first() else { return Ok(()) };
        let mask = block.valid(lane);
        let lane = lane.clone().spread(block.rows);
        let (bits, known) = (self.bits(), self.found.as_ref().map_or(0, |found| found.known_bits));
        for (counts, prefix) in part.counts.iter_mut().zip(self.prefixes()) {
            let window = Window { bits, known, prefix };
            match &lane.values {
                Values::Bool(bytes) => {
                    let ones: Vec<u8> = bytes.iter().map(|byte| byte & 1).collect();
                    count(&ones, mask.as_deref(), window, counts);
                }
                numbers => with_numbers!(numbers, values => count(values, mask.as_deref(), window, counts), _ => {}),
            }
        }
        Ok(())
    }

    fn merge(&self, part: &mut Part, other: Part) -> ColumnsResult<()> {
        for (counts, others) in part.counts.iter_mut().zip(other.counts) {
            counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
        }
        Ok(())
    }

    fn finish(&self, part: Part) -> ColumnsResult<Outcome> {
        let mut found = match &self.found {
            Some(found) => found.clone(),
            None => {
                let total: u64 = part.counts.iter().flatten().sum();
                if total == 0 {
                    return Ok(Outcome::Done(Output::Value(Value::Null)));
                }
                let position = self.at * (total - 1) as f64;
                let low = position.floor();
                let ranks = [low as u64, (position.ceil() as u64).min(total - 1)];
                let targets = ranks.map(|rank| Target { prefix: 0, rank }).to_vec();
                Found { share: position - low, known_bits: 0, targets }
            }
        };
        let prefixes = self.prefixes();
        let step = STEP.min(self.bits());
        for target in &mut found.targets {
            let counts = prefixes.iter().position(|prefix| *prefix == target.prefix).and_then(|at| part.counts.get(at));
            let mut before = 0;
            for (next, count) in counts.into_iter().flatten().enumerate() {
                if before + count > target.rank {
                    target.prefix = target.prefix << step | next as u64;
                    target.rank -= before;
                    break;
                }
                before += count;
            }
        }
        found.known_bits += step;
        if found.known_bits < self.bits() {
            return Ok(Outcome::Again(erased(Self { found: Some(found), ..self.clone() })));
        }
        Ok(Outcome::Done(Output::Value(self.between(&found))))
    }
}

impl Quantile {
    /// The value between those of the two ranks.
    fn between(&self, found: &Found) -> Value {
        let values: Vec<Value> = found.targets.iter().map(|target| self.value_of(target.prefix)).collect();
        let (Some(low), Some(high)) = (values.first(), values.last()) else { return Value::Null };
        match (low, high, &self.type_) {
            // Half-way between two instants is a tick, rounded down.
            (Value::Int(a), Value::Int(b), Type::Instant(..) | Type::Duration(_)) => {
                let ticks = (*a as f64 + (*b - *a) as f64 * found.share).floor() as i64;
                match &self.type_ {
                    Type::Duration(unit) => Value::Duration(ticks, *unit),
                    Type::Instant(unit, zone) => Value::Instant(ticks, *unit, zone.clone()),
                    _ => Value::Null,
                }
            }
            _ => match (low.as_f64(), high.as_f64()) {
                (Some(low), Some(high)) if low == high || found.share == 0.0 => Value::Float(low),
                (Some(low), Some(high)) => Value::Float(low + (high - low) * found.share),
                _ => Value::Null,
            },
        }
    }

    fn value_of(&self, bits: u64) -> Value {
        use crate::types::Int;
        match &self.type_ {
            Type::Bool | Type::Int(Int::U8) => u8::from_ordered_bits(bits).value(),
            Type::Int(Int::I8) => i8::from_ordered_bits(bits).value(),
            Type::Int(Int::I16) => i16::from_ordered_bits(bits).value(),
            Type::Int(Int::I32) => i32::from_ordered_bits(bits).value(),
            Type::Int(Int::U16) => u16::from_ordered_bits(bits).value(),
            Type::Int(Int::U32) => u32::from_ordered_bits(bits).value(),
            Type::Int(Int::U64) => u64::from_ordered_bits(bits).value(),
            Type::Float32 => f32::from_ordered_bits(bits).value(),
            Type::Float64 => f64::from_ordered_bits(bits).value(),
            _ => i64::from_ordered_bits(bits).value(),
        }
    }
}

/// Which bits of a value are known, and what they are.
#[derive(Debug, Clone, Copy)]
struct Window {
    bits: u32,
    known: u32,
    prefix: u64,
}

fn count<T: Number>(values: &[T], mask: Option<&[u8]>, window: Window, counts: &mut [u64]) {
    let step = STEP.min(window.bits);
    let shift = window.bits - window.known - step;
    let low = (1_u64 << step) - 1;
    for (row, value) in values.iter().enumerate() {
        let there = value.is_number() && mask.is_none_or(|mask| mask.get(row) == Some(&YES));
        let bits = value.ordered_bits() >> shift;
        if there
            && (window.known == 0 || bits >> step == window.prefix)
            && let Some(count) = counts.get_mut((bits & low) as usize)
        {
            *count += 1;
        }
    }
}
