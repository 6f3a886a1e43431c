//! How often each value of a lane occurs, of any type.

use super::counts::Counts;
use super::entries::{Entries, Keys};
use super::texts::TextCounts;
use super::too_many;
use crate::aggregate::bits::{nan_bits, width_of};
use crate::aggregate::masks::{mask_of, ones};
use crate::aggregate::summary::extremes;
use crate::block::{Lane, Number, Values, YES, count_yes, with_numbers};
use crate::error::ColumnsResult;
use crate::pass::BlockView;
use crate::types::Type;

/// Whole numbers that lie in a stretch of this many are counted by their place in it.
const DIRECT: usize = 1 << 16;

/// The values so far.
#[derive(Debug)]
pub(crate) struct Tally {
    missing: u64,
    values: Kind,
}

#[derive(Debug)]
enum Kind {
    Numbers(NumberCounts),
    Texts(TextCounts),
}

/// Numbers by their bits.
#[derive(Debug, Default)]
struct NumberCounts {
    /// Where the stretch begins that is counted directly.
    base: u64,
    direct: Vec<u64>,
    others: Counts,
    /// Whether there was a first block, of which the stretch is known.
    begun: bool,
}

impl Tally {
    /// A tally of values of a type, for which [`supports`](Self::supports) holds.
    pub(super) fn new(type_: &Type) -> Self {
        let values = match type_ {
            Type::Text => Kind::Texts(TextCounts::default()),
            _ => {
                let mut counts = NumberCounts::default();
                match width_of(type_) {
                    Some(8) => counts.direct = vec![0; 1 << 8],
                    Some(16) => counts.direct = vec![0; DIRECT],
                    _ => {}
                }
                counts.begun = !counts.direct.is_empty() || type_.is_float();
                Kind::Numbers(counts)
            }
        };
        Self { missing: 0, values }
    }

    /// Whether values of a type can be told apart.
    pub(crate) fn supports(type_: &Type) -> bool {
        width_of(type_).is_some() || matches!(type_, Type::Text | Type::Null)
    }

    /// How many different values there are at most; for numbers in a stretch, of those beyond it.
    pub(super) fn len(&self) -> usize {
        match &self.values {
            Kind::Numbers(counts) => counts.others.len(),
            Kind::Texts(texts) => texts.len(),
        }
    }

    /// Takes the rows of a block, and refuses to take more than `allowed` bytes.
    pub(super) fn add(&mut self, block: &BlockView<'_, '_>, lane: &Lane<'_>, allowed: u64) -> ColumnsResult<()> {
        if lane.constant {
            return self.add_constant(block, lane);
        }
        let mask = mask_of(block, lane);
        let mask = mask.as_deref();
        if lane.valid.is_some() {
            self.missing += (block.count() - mask.map_or(block.rows, count_yes)) as u64;
        }
        match (&mut self.values, &lane.values) {
            (_, Values::Null) => self.missing += block.count() as u64,
            (Kind::Texts(counts), Values::Text(texts)) => counts.add(texts, mask),
            (Kind::Numbers(counts), Values::Bool(bytes)) => counts.add(&ones(bytes), mask),
            (Kind::Numbers(counts), numbers) => with_numbers!(numbers, values => counts.add(values, mask), _ => {}),
            _ => {}
        }
        let memory = match &self.values {
            Kind::Numbers(counts) => counts.others.memory(),
            Kind::Texts(texts) => texts.memory(),
        };
        if memory as u64 > allowed { Err(too_many(allowed)) } else { Ok(()) }
    }

    fn add_constant(&mut self, block: &BlockView<'_, '_>, lane: &Lane<'_>) -> ColumnsResult<()> {
        let count = block.count() as u64;
        if !lane.is_valid(0) {
            self.missing += count;
            return Ok(());
        }
        match (&mut self.values, &lane.values) {
            (Kind::Texts(counts), Values::Text(texts)) => counts.add_text(texts.bytes(0).unwrap_or_default(), count),
            (Kind::Numbers(counts), Values::Bool(bytes)) => {
                counts.see(bytes.first().map_or(0, |byte| u64::from(byte & 1)), count);
            }
            (Kind::Numbers(counts), numbers) => with_numbers!(numbers, values => {
                if let Some(value) = values.first() {
                    counts.see(key(*value), count);
                }
            }, _ => {}),
            _ => {}
        }
        Ok(())
    }

    /// Takes what another thread has gathered.
    pub(super) fn join(&mut self, other: Self) {
        self.missing += other.missing;
        match (&mut self.values, other.values) {
            (Kind::Numbers(a), Kind::Numbers(b)) => b.entries().for_each(|(key, count)| a.see(key, count)),
            (Kind::Texts(a), Kind::Texts(b)) => a.join(b),
            _ => {}
        }
    }

    /// Every value with its count, in any order.
    pub(super) fn entries(self, type_: &Type) -> Entries {
        let keys = match self.values {
            Kind::Numbers(counts) => Keys::Numbers(counts.entries().collect()),
            Kind::Texts(texts) => Keys::Texts(texts.entries()),
        };
        Entries { keys, missing: self.missing, nan: nan_bits(type_) }
    }
}

/// The bits of a number, of which both zeros have the same.
#[inline(always)]
pub(in crate::aggregate) fn key<T: Number>(value: T) -> u64 {
    let bits = value.ordered_bits();
    // Just before those of zero are those of -0.0.
    let negative_zero = (1 << (T::BITS - 1)) - 1;
    bits + u64::from(T::FLOAT && bits == negative_zero)
}

impl NumberCounts {
    fn add<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>) {
        if !self.begun {
            self.begin(values, mask);
        }
        match mask {
            None => values.iter().for_each(|value| self.see(key(*value), 1)),
            Some(mask) => {
                for (value, mask) in values.iter().zip(mask) {
                    if *mask == YES {
                        self.see(key(*value), 1);
                    }
                }
            }
        }
    }

    /// Chooses the stretch around the values of the first block, if they are close together.
    fn begin<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>) {
        let Some((least, greatest)) = extremes(values, mask) else { return };
        self.begun = true;
        let (least, greatest) = (least.ordered_bits(), greatest.ordered_bits());
        if greatest - least < DIRECT as u64 / 2 {
            self.base = least.saturating_sub(DIRECT as u64 / 4);
            self.direct = vec![0; DIRECT];
        }
    }

    #[inline(always)]
    fn see(&mut self, key: u64, count: u64) {
        match self.direct.get_mut(key.wrapping_sub(self.base) as usize) {
            Some(direct) => *direct += count,
            None => self.others.add(key, count),
        }
    }

    fn entries(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let direct = self.direct.iter().enumerate().filter(|(_, count)| **count > 0);
        direct.map(|(at, count)| (self.base.wrapping_add(at as u64), *count)).chain(self.others.entries())
    }
}
