//! How many different numbers there are, also where they are too many for a table in cache.
//!
//! As long as there are few, a thread keeps a small table. Beyond that it puts numbers into partitions by their hash, without looking
//! whether they were there before, and each partition is counted by itself, in a table that fits the cache.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Keep;
use super::counts::{Counts, hash};
use super::tally::key;
use super::too_many;
use crate::aggregate::bits::{nan_bits, width_of};
use crate::aggregate::masks::mask_of;
use crate::block::{Number, YES, count_yes, with_numbers};
use crate::error::ColumnsResult;
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::types::Type;
use crate::value::Value;

/// Different numbers that a thread keeps in a table.
const FEW: usize = 1 << 15;

/// The binary logarithm of how many partitions there are.
const PARTITION_BITS: u32 = 10;
const PARTITIONS: usize = 1 << PARTITION_BITS;

/// Numbers that a partition of a thread has before those that are there twice are thrown out: 256 KiB.
const CROWDED: usize = 1 << 15;

/// The number of different numbers in a lane of numbers of 32 or 64 bits.
#[derive(Debug, Clone)]
pub(crate) struct Nunique {
    pub(crate) type_: Type,
    pub(crate) keep: Keep,
    pub(crate) threads: usize,
    /// Bytes that a thread may use.
    pub(crate) memory: u64,
}

/// What a thread has seen.
#[derive(Debug)]
pub(crate) struct NuniquePart {
    missing: bool,
    few: Counts,
    many: Option<Partitions>,
    /// Those of other threads.
    others: Vec<Partitions>,
}

/// Numbers by the upper bits of their hash.
#[derive(Debug)]
struct Partitions {
    numbers: Vec<Vec<u64>>,
    /// With how many numbers each is crowded.
    crowded: Vec<usize>,
    /// How many rows were taken since the memory was looked at.
    unchecked: usize,
    table: Vec<u64>,
}

impl Partitions {
    fn new() -> Self {
        Self {
            numbers: vec![Vec::new(); PARTITIONS],
            crowded: vec![CROWDED; PARTITIONS],
            unchecked: 0,
            table: Vec::new(),
        }
    }

    #[inline(always)]
    fn push(&mut self, key: u64) {
        let partition = (hash(key) >> (64 - PARTITION_BITS)) as usize;
        if let Some(numbers) = self.numbers.get_mut(partition) {
            if numbers.len() == numbers.capacity() {
                return self.push_slow(partition, key);
            }
            numbers.push(key);
        }
    }

    #[cold]
    #[inline(never)]
    fn push_slow(&mut self, partition: usize, key: u64) {
        let (Some(numbers), Some(crowded)) = (self.numbers.get_mut(partition), self.crowded.get_mut(partition)) else {
            return;
        };
        if numbers.len() >= *crowded {
            throw_out(numbers, &mut self.table);
            *crowded = CROWDED.max(numbers.len() * 2);
        }
        if numbers.len() == numbers.capacity() {
            numbers.reserve_exact(numbers.len().clamp(64, CROWDED));
        }
        numbers.push(key);
    }

    fn memory(&self) -> usize {
        self.numbers.iter().map(|numbers| numbers.capacity() * 8).sum()
    }

    /// Throws out what is there twice, everywhere.
    fn shrink(&mut self) {
        for numbers in &mut self.numbers {
            throw_out(numbers, &mut self.table);
            numbers.shrink_to_fit();
        }
    }
}

/// Makes a table of empty slots for so many numbers of a partition, and tells how a hash becomes the number of a slot.
fn clear(table: &mut Vec<u64>, numbers: usize) -> u32 {
    let slots = (numbers + numbers / 2).next_power_of_two().max(64);
    table.clear();
    table.resize(slots, 0);
    64 - slots.trailing_zeros()
}

/// Puts a number other than zero into a table, and tells whether it is new there.
#[inline(always)]
fn insert(table: &mut [u64], shift: u32, key: u64) -> bool {
    let mask = table.len() - 1;
    // The uppermost bits are the same in all of a partition.
    let mut at = ((hash(key) << PARTITION_BITS) >> shift) as usize;
    while let Some(slot) = table.get_mut(at) {
        if *slot == key {
            return false;
        }
        if *slot == 0 {
            *slot = key;
            return true;
        }
        at = (at + 1) & mask;
    }
    false
}

/// Keeps each number of a partition once.
fn throw_out(numbers: &mut Vec<u64>, table: &mut Vec<u64>) {
    let shift = clear(table, numbers.len());
    let mut zero = false;
    numbers.retain(|key| match key {
        0 => !std::mem::replace(&mut zero, true),
        key => insert(table, shift, *key),
    });
}

impl NuniquePart {
    fn add<T: Number>(&mut self, values: &[T], mask: Option<&[u8]>, memory: u64) -> ColumnsResult<()> {
        let Some(many) = &mut self.many else {
            each(values, mask, |key| self.few.add(key, 1));
            if self.few.len() > FEW {
                self.partition();
            }
            return Ok(());
        };
        each(values, mask, |key| many.push(key));
        many.unchecked += values.len();
        // Looking at the partitions takes time, so it is done once in a while.
        if many.unchecked >= 1 << 22 {
            many.unchecked = 0;
            if many.memory() as u64 > memory {
                many.shrink();
                if many.memory() as u64 > memory / 4 * 3 {
                    return Err(too_many(memory));
                }
            }
        }
        Ok(())
    }

    /// Goes from the table to partitions.
    fn partition(&mut self) {
        let few = std::mem::take(&mut self.few);
        if few.len() > 0 {
            let many = self.many.get_or_insert_with(Partitions::new);
            few.entries().for_each(|(key, _)| many.push(key));
        }
    }
}

#[inline(always)]
fn each<T: Number>(values: &[T], mask: Option<&[u8]>, mut see: impl FnMut(u64)) {
    match mask {
        None => values.iter().for_each(|value| see(key(*value))),
        Some(mask) => {
            for (value, mask) in values.iter().zip(mask) {
                if *mask == YES {
                    see(key(*value));
                }
            }
        }
    }
}

impl Sink for Nunique {
    type Part = NuniquePart;

    fn start(&self) -> ColumnsResult<NuniquePart> {
        Ok(NuniquePart { missing: false, few: Counts::default(), many: None, others: Vec::new() })
    }

    fn block(&self, part: &mut NuniquePart, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = block.lanes.first() else { return Ok(()) };
        let lane = lane.clone().spread(block.rows);
        let mask = mask_of(block, &lane);
        let mask = mask.as_deref();
        part.missing |= lane.valid.is_some() && mask.map_or(block.rows, count_yes) < block.count();
        with_numbers!(&lane.values, values => part.add(values, mask, self.memory), _ => Ok(()))
    }

    fn merge(&self, part: &mut NuniquePart, mut other: NuniquePart) -> ColumnsResult<()> {
        part.missing |= other.missing;
        if part.many.is_none() && other.many.is_none() && part.others.is_empty() && other.others.is_empty() {
            other.few.entries().for_each(|(key, _)| part.few.add(key, 1));
            return Ok(());
        }
        part.partition();
        other.partition();
        part.others.extend(other.many);
        part.others.extend(other.others);
        Ok(())
    }

    fn finish(&self, mut part: NuniquePart) -> ColumnsResult<Outcome> {
        let nan = nan_bits(&self.type_);
        let (mut count, has_nan) = if part.many.is_none() && part.others.is_empty() {
            (part.few.len(), nan.is_some_and(|nan| part.few.entries().any(|(key, _)| key == nan)))
        } else {
            part.partition();
            part.others.extend(part.many.take());
            (self.count(&part.others), nan.is_some_and(|nan| contains(&part.others, nan)))
        };
        count -= usize::from(has_nan && !self.keep.nan);
        count += usize::from(part.missing && self.keep.missing);
        Ok(Outcome::Done(Output::Value(Value::Int(count as i128))))
    }
}

impl Nunique {
    /// Whether values of a type are numbers of 32 or 64 bits; narrower ones are counted by their place.
    pub(crate) fn supports(type_: &Type) -> bool {
        width_of(type_).is_some_and(|width| width >= 32)
    }

    /// Counts partition by partition, by all threads.
    fn count(&self, parts: &[Partitions]) -> usize {
        let next = AtomicUsize::new(0);
        let total = Mutex::new(0);
        let work = || {
            let mut table = Vec::new();
            let mut found = 0;
            loop {
                let partition = next.fetch_add(1, Ordering::Relaxed);
                if partition >= PARTITIONS {
                    break;
                }
                found += different(parts.iter().filter_map(|part| part.numbers.get(partition)), &mut table);
            }
            *total.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += found;
        };
        std::thread::scope(|scope| {
            (1..self.threads).for_each(|_| {
                scope.spawn(work);
            });
            work();
        });
        total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How many different numbers there are in the lists of one partition.
fn different<'n>(lists: impl Iterator<Item = &'n Vec<u64>> + Clone, table: &mut Vec<u64>) -> usize {
    let shift = clear(table, lists.clone().map(Vec::len).sum());
    let mut zero = false;
    let mut count = 0;
    for key in lists.flatten() {
        if *key == 0 {
            zero = true;
        } else {
            count += usize::from(insert(table, shift, *key));
        }
    }
    count + usize::from(zero)
}

fn contains(parts: &[Partitions], key: u64) -> bool {
    let partition = (hash(key) >> (64 - PARTITION_BITS)) as usize;
    parts.iter().filter_map(|part| part.numbers.get(partition)).any(|numbers| numbers.contains(&key))
}
