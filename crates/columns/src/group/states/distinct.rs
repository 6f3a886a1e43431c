//! How many different values each group has, exactly.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};

use crate::block::Lane;
use crate::error::{ColumnsError, ColumnsResult};
use crate::group::column::Distinct;
use crate::group::state::{GroupState, GroupView, same_state};
use crate::group::table::{NONE, Table};
use crate::types::Type;

/// The different values of each group: numbers of the values, with their groups, in one table.
#[derive(Debug)]
pub(crate) struct DistinctCounts {
    values: Distinct,
    /// Pairs of a group and the number of a value.
    pairs: Table,
    counts: Vec<i64>,
    /// Whether what is missing and NaN are values too.
    missing: bool,
    nan: bool,
    numbers: Vec<u32>,
}

impl DistinctCounts {
    pub(crate) fn new(type_: &Type, missing: bool, nan: bool) -> ColumnsResult<Self> {
        let values = Distinct::new(type_)
            .ok_or_else(|| ColumnsError::option(format!("different values of {type_} are not counted")))?;
        Ok(Self { values, pairs: Table::new(), counts: Vec::new(), missing, nan, numbers: Vec::new() })
    }

    fn insert(&mut self, group: u32, number: u32) {
        let pair = u64::from(group) << 32 | u64::from(number);
        if self.pairs.get(pair, 0).is_none() {
            self.pairs.insert(pair, 0, 0);
            if let Some(count) = self.counts.get_mut(group as usize) {
                *count += 1;
            }
        }
    }
}

impl GroupState for DistinctCounts {
    fn grow(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = view.lanes.first() else { return Ok(()) };
        let mut numbers = std::mem::take(&mut self.numbers);
        // Rows that do not count are missing, so that their values take no place.
        let lane = Lane { valid: view.valid(lane).map(Into::into), ..lane.clone() };
        self.values.encode(&lane, view.groups.len(), &mut numbers)?;
        let missing = self.values.missing();
        let nan = if self.nan { None } else { self.values.nan() };
        for (row, (group, number)) in view.groups.iter().zip(&numbers).enumerate() {
            let left_out = Some(*number) == missing && !(self.missing && view.counts(row)) || Some(*number) == nan;
            if !left_out {
                self.insert(*group, *number);
            }
        }
        self.numbers = numbers;
        Ok(())
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        let mut numbers = vec![NONE; other.values.len()];
        for (pair, ..) in other.pairs.entries() {
            let group = mapping.get((pair >> 32) as usize).copied().unwrap_or(NONE);
            let Some(number) = numbers.get_mut(pair as u32 as usize).filter(|_| group != NONE) else { continue };
            if *number == NONE {
                *number = self.values.absorb_one(&other.values, pair as u32)?;
            }
            let number = *number;
            self.insert(group, number);
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        Ok(vec![Arc::new(Int64Array::from(self.counts.clone()))])
    }

    fn memory(&self) -> usize {
        self.values.memory() + self.pairs.memory() + self.counts.capacity() * 8
    }
}
