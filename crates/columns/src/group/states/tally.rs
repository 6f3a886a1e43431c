//! The different values of each group, and the most frequent ones of them with how often each occurs. Exact.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, LargeListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};

use crate::aggregate::Keep;
use crate::block::{Lane, array_of_lane};
use crate::error::{ColumnsError, ColumnsResult};
use crate::group::column::Distinct;
use crate::group::state::{GroupState, GroupView, same_state};
use crate::group::table::{NONE, Table};
use crate::types::Type;

/// What is told of the values of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// All of them, as a list that rises, NaN behind all numbers and a missing value last.
    Unique(Keep),
    /// At most so many, the most frequent first and of the same count the least, with their counts. Neither missing nor NaN.
    Frequent(usize),
}

impl Told {
    /// What counts as a value.
    fn keep(self) -> Keep {
        match self {
            Self::Unique(keep) => keep,
            Self::Frequent(_) => Keep::NEITHER,
        }
    }
}

/// The values of all groups: pairs of a group and the number of a value, each with its count.
#[derive(Debug)]
pub(crate) struct Tally {
    told: Told,
    type_: Type,
    groups: usize,
    values: Distinct,
    /// The places of pairs among the entries.
    pairs: Table,
    entries: Vec<Entry>,
    numbers: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    group: u32,
    number: u32,
    count: u64,
}

impl Tally {
    pub(crate) fn new(told: Told, type_: &Type) -> ColumnsResult<Self> {
        let values = Distinct::new(type_)
            .ok_or_else(|| ColumnsError::option(format!("different values of {type_} are not told apart")))?;
        let (pairs, entries, numbers) = (Table::new(), Vec::new(), Vec::new());
        Ok(Self { told, type_: type_.clone(), groups: 0, values, pairs, entries, numbers })
    }

    fn add(&mut self, group: u32, number: u32, count: u64) -> ColumnsResult<()> {
        let pair = u64::from(group) << 32 | u64::from(number);
        if let Some(at) = self.pairs.get(pair, 0) {
            if let Some(entry) = self.entries.get_mut(at as usize) {
                entry.count += count;
            }
            return Ok(());
        }
        let at = u32::try_from(self.entries.len()).ok().filter(|at| *at < NONE).ok_or_else(|| {
            ColumnsError::option("the groups have more than four thousand million different values; filter the rows")
        })?;
        self.pairs.insert(pair, 0, at);
        self.entries.push(Entry { group, number, count });
        Ok(())
    }

    /// The place of each value in the order of the values, by its number.
    fn ranks(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = (0..self.values.len() as u32).collect();
        numbers.sort_unstable_by(|a, b| self.values.compare(*a, *b));
        let mut ranks = vec![0; numbers.len()];
        for (rank, number) in numbers.iter().enumerate() {
            if let Some(place) = ranks.get_mut(*number as usize) {
                *place = rank as u32;
            }
        }
        ranks
    }

    /// The entries that are told, group by group, each in its order.
    fn sorted(&mut self) -> Vec<Entry> {
        let ranks = self.ranks();
        let rank = |entry: &Entry| ranks.get(entry.number as usize).copied().unwrap_or(0);
        let mut entries = std::mem::take(&mut self.entries);
        match self.told {
            Told::Unique(_) => {
                entries.sort_unstable_by_key(|entry| (entry.group, rank(entry)));
                entries
            }
            Told::Frequent(most) => {
                entries.sort_unstable_by_key(|entry| (entry.group, Reverse(entry.count), rank(entry)));
                entries.chunk_by(|a, b| a.group == b.group).flat_map(|group| group.iter().take(most)).copied().collect()
            }
        }
    }
}

/// Where the list of each group begins, and where the last ends.
fn offsets(entries: &[Entry], groups: usize) -> OffsetBuffer<i64> {
    let mut lengths = vec![0_usize; groups];
    for entry in entries {
        if let Some(length) = lengths.get_mut(entry.group as usize) {
            *length += 1;
        }
    }
    OffsetBuffer::from_lengths(lengths)
}

impl GroupState for Tally {
    fn grow(&mut self, groups: usize) {
        self.groups = groups;
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = view.lanes.first() else { return Ok(()) };
        let mut numbers = std::mem::take(&mut self.numbers);
        // Rows that do not count are missing, so that their values take no place.
        let lane = Lane { valid: view.valid(lane).map(Into::into), ..lane.clone() };
        self.values.encode(&lane, view.groups.len(), &mut numbers)?;
        let keep = self.told.keep();
        let missing = self.values.missing();
        let nan = if keep.nan { None } else { self.values.nan() };
        for (row, (group, number)) in view.groups.iter().zip(&numbers).enumerate() {
            let number = *number;
            let left_out = Some(number) == missing && !(keep.missing && view.counts(row)) || Some(number) == nan;
            if !left_out {
                self.add(*group, number, 1)?;
            }
        }
        self.numbers = numbers;
        Ok(())
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        let mut numbers = vec![NONE; other.values.len()];
        for entry in &other.entries {
            let group = mapping.get(entry.group as usize).copied().unwrap_or(NONE);
            let Some(number) = numbers.get_mut(entry.number as usize).filter(|_| group != NONE) else { continue };
            if *number == NONE {
                *number = self.values.absorb_one(&other.values, entry.number)?;
            }
            self.add(group, *number, entry.count)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        let entries = self.sorted();
        let numbers: Vec<u32> = entries.iter().map(|entry| entry.number).collect();
        let values = array_of_lane(self.values.lane(&numbers), numbers.len(), &self.type_)?;
        let items: ArrayRef = match self.told {
            Told::Unique(_) => values,
            Told::Frequent(_) => {
                let counts = Int64Array::from_iter_values(entries.iter().map(|entry| entry.count as i64));
                Arc::new(StructArray::from(vec![
                    (Arc::new(Field::new("value", values.data_type().clone(), true)), values),
                    (Arc::new(Field::new("count", DataType::Int64, false)), Arc::new(counts) as ArrayRef),
                ]))
            }
        };
        let field = Arc::new(Field::new("item", items.data_type().clone(), true));
        Ok(vec![Arc::new(LargeListArray::try_new(field, offsets(&entries, self.groups), items, None)?)])
    }

    fn memory(&self) -> usize {
        self.values.memory() + self.pairs.memory() + self.entries.capacity() * size_of::<Entry>()
    }
}
