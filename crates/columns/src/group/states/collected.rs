//! What needs all values of a group: median and quantiles, exact; the most frequent value; a list.
//!
//! Values are kept in one log with their groups, and sorted by group once, at the end.

use std::sync::Arc;

use arrow::array::{ArrayRef, LargeListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::Field;

use super::quantiles::Shares;
use crate::block::{Lane, Number, Values, YES, array_of_lane, data_type, with_numbers};
use crate::error::{ColumnsError, ColumnsResult};
use crate::group::column::{Distinct, bits_of, values_of_bits};
use crate::group::state::{GroupState, GroupView, same_state};
use crate::group::table::NONE;
use crate::types::Type;

/// What is wanted of the values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wanted {
    /// Quantiles, interpolated linearly between the two values that are nearest to each.
    Quantiles(Shares),
    /// The value that occurs most often, of several the least.
    Mode,
    /// All values in the order of the rows, those that are missing or NaN too where they are wanted.
    List { missing: bool, nan: bool },
}

/// All values of each group.
#[derive(Debug)]
pub(crate) struct Collected {
    wanted: Wanted,
    type_: Type,
    groups: usize,
    /// The group of each value.
    owners: Vec<u32>,
    /// Ordered bits, or numbers of texts.
    values: Vec<u64>,
    /// The row of each value, and whether there is one; of lists.
    rows: Vec<(u64, bool)>,
    texts: Option<Distinct>,
    numbers: Vec<u32>,
}

impl Collected {
    pub(crate) fn new(wanted: Wanted, type_: &Type) -> ColumnsResult<Self> {
        match &wanted {
            Wanted::Quantiles(shares) => shares.check(type_)?,
            Wanted::Mode | Wanted::List { .. } if type_.is_ordered() || *type_ == Type::Null => {}
            Wanted::Mode | Wanted::List { .. } => {
                return Err(ColumnsError::option(format!("modes and lists are not made of {type_}")));
            }
        }
        let texts = if *type_ == Type::Text { Distinct::new(type_) } else { None };
        let (owners, values, rows, numbers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Ok(Self { wanted, type_: type_.clone(), groups: 0, owners, values, rows, texts, numbers })
    }

    fn push(&mut self, group: u32, value: u64, row: u64, there: bool) {
        self.owners.push(group);
        self.values.push(value);
        if matches!(self.wanted, Wanted::List { .. }) {
            self.rows.push((row, there));
        }
    }

    fn take<T: Number>(&mut self, values: &[T], view: &GroupView<'_, '_>, lane: &Lane<'_>) {
        let (missing, nan) = match self.wanted {
            Wanted::List { missing, nan } => (missing, nan),
            _ => (false, false),
        };
        if view.live.is_none()
            && lane.valid.is_none()
            && self.rows.capacity() == 0
            && !matches!(self.wanted, Wanted::List { .. })
        {
            for (value, group) in values.iter().zip(view.groups).filter(|(value, _)| value.is_number()) {
                self.owners.push(*group);
                self.values.push(bits_of(*value));
            }
            return;
        }
        for (row, (value, group)) in values.iter().zip(view.groups).enumerate() {
            let there = lane.is_valid(row);
            if view.counts(row) && if there { nan || value.is_number() } else { missing } {
                self.push(*group, bits_of(*value), view.rows.get(row), there);
            }
        }
    }

    /// Where the values of each group begin, and where the last ends.
    fn starts(&self) -> Vec<usize> {
        let mut starts = vec![0_usize; self.groups + 1];
        for group in &self.owners {
            if let Some(count) = starts.get_mut(*group as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        starts
    }

    /// Puts something of each value in the order of the groups, and within each in the order in which the values came.
    fn by_group<V: Copy + Default>(&self, starts: &[usize], values: impl Iterator<Item = V>) -> Vec<V> {
        let mut next = starts.to_vec();
        let mut sorted = vec![V::default(); self.owners.len()];
        for (group, value) in self.owners.iter().zip(values) {
            if let Some(at) = next.get_mut(*group as usize) {
                if let Some(slot) = sorted.get_mut(*at) {
                    *slot = value;
                }
                *at += 1;
            }
        }
        sorted
    }

    /// The values group by group.
    fn grouped(&mut self) -> (Vec<usize>, Vec<u64>) {
        let starts = self.starts();
        let sorted = self.by_group(&starts, self.values.iter().copied());
        (self.owners, self.values) = (Vec::new(), Vec::new());
        (starts, sorted)
    }

    fn quantiles(&mut self, shares: &Shares) -> ColumnsResult<ArrayRef> {
        let (starts, mut values) = self.grouped();
        let mut rest = values.as_mut_slice();
        let groups = starts.windows(2).map(|range| {
            let (values, behind) =
                std::mem::take(&mut rest).split_at_mut_checked(range[1] - range[0]).unwrap_or_default();
            rest = behind;
            values
        });
        shares.of_groups(groups, &self.type_)
    }

    fn modes(&mut self) -> ColumnsResult<ArrayRef> {
        let (starts, mut values) = self.grouped();
        let mut chosen = Vec::with_capacity(self.groups);
        for range in starts.windows(2) {
            let values = values.get_mut(range[0]..range[1]).unwrap_or_default();
            match &self.texts {
                Some(texts) => values.sort_unstable_by(|a, b| texts.compare(*a as u32, *b as u32)),
                None => values.sort_unstable(),
            }
            let mut best: Option<(u64, usize)> = None;
            for run in values.chunk_by(|a, b| a == b) {
                if best.is_none_or(|(_, count)| run.len() > count) {
                    best = run.first().map(|value| (*value, run.len()));
                }
            }
            chosen.push(best.map(|(value, _)| value));
        }
        let valid: Vec<u8> = chosen.iter().map(|value| if value.is_some() { YES } else { 0 }).collect();
        let values = self.values_of(chosen.into_iter().map(|value| value.unwrap_or(0)));
        array_of_lane(Lane::with_valid(values, Some(valid.into())), self.groups, &self.type_)
    }

    fn values_of(&self, kept: impl Iterator<Item = u64>) -> Values<'static> {
        match &self.texts {
            Some(texts) => texts.lane(&kept.map(|number| number as u32).collect::<Vec<_>>()).values,
            None => values_of_bits(&self.type_, kept),
        }
    }

    fn lists(&mut self) -> ColumnsResult<ArrayRef> {
        let starts = self.starts();
        let mut places = self.by_group(&starts, 0..self.values.len() as u32);
        for range in starts.windows(2) {
            let places = places.get_mut(range[0]..range[1]).unwrap_or_default();
            // Each thread has its rows in order, and of several threads one comes after the other.
            places.sort_by_key(|place| self.rows.get(*place as usize).map(|(row, _)| *row));
        }
        let ordered = |place: &u32| self.values.get(*place as usize).copied().unwrap_or(0);
        let values = self.values_of(places.iter().map(ordered));
        let valid: Vec<u8> = places
            .iter()
            .map(|place| if self.rows.get(*place as usize).is_some_and(|(_, there)| *there) { YES } else { 0 })
            .collect();
        let valid = valid.contains(&0).then(|| valid.into());
        let items = array_of_lane(Lane::with_valid(values, valid), places.len(), &self.type_)?;
        let type_ = data_type(&self.type_).unwrap_or_else(|| items.data_type().clone());
        let offsets = OffsetBuffer::new(starts.iter().map(|start| *start as i64).collect::<Vec<_>>().into());
        let field = Arc::new(Field::new("item", type_, true));
        Ok(Arc::new(LargeListArray::try_new(field, offsets, items, None)?))
    }
}

impl GroupState for Collected {
    fn grow(&mut self, groups: usize) {
        self.groups = groups;
    }

    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()> {
        let Some(lane) = view.lanes.first() else { return Ok(()) };
        if self.values.len() + view.groups.len() > u32::MAX as usize {
            return Err(ColumnsError::option(
                "more than four thousand million values would have to be kept; filter the rows",
            ));
        }
        match &lane.values {
            Values::Bool(values) => self.take::<u8>(values, view, lane),
            Values::Text(_) => {
                let mut numbers = std::mem::take(&mut self.numbers);
                if let Some(texts) = &mut self.texts {
                    texts.encode(lane, view.groups.len(), &mut numbers)?;
                }
                // Whether a row has a text was said by the lane.
                let missing = matches!(self.wanted, Wanted::List { missing: true, .. });
                for (row, (number, group)) in numbers.iter().zip(view.groups).enumerate() {
                    let there = lane.is_valid(row);
                    if view.counts(row) && (there || missing) {
                        self.push(*group, u64::from(*number), view.rows.get(row), there);
                    }
                }
                self.numbers = numbers;
            }
            Values::Null => {
                if matches!(self.wanted, Wanted::List { missing: true, .. }) {
                    for (row, group) in view.groups.iter().enumerate().filter(|(row, _)| view.counts(*row)) {
                        self.push(*group, 0, view.rows.get(row), false);
                    }
                }
            }
            values => with_numbers!(values, values => self.take(values, view, lane), _ => {}),
        }
        Ok(())
    }

    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()> {
        let other = same_state::<Self>(other)?;
        if self.values.len() + other.values.len() > u32::MAX as usize {
            return Err(ColumnsError::option(
                "more than four thousand million values would have to be kept; filter the rows",
            ));
        }
        let mut numbers = vec![NONE; other.texts.as_ref().map_or(0, Distinct::len)];
        for (place, group) in other.owners.iter().enumerate() {
            let group = mapping.get(*group as usize).copied().unwrap_or(NONE);
            let Some(value) = other.values.get(place).copied().filter(|_| group != NONE) else { continue };
            let value = match (&mut self.texts, &other.texts, numbers.get_mut(value as usize)) {
                (Some(texts), Some(others), Some(number)) => {
                    if *number == NONE {
                        *number = texts.absorb_one(others, value as u32)?;
                    }
                    u64::from(*number)
                }
                _ => value,
            };
            let (row, there) = other.rows.get(place).copied().unwrap_or((0, true));
            self.push(group, value, row, there);
        }
        Ok(())
    }

    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>> {
        Ok(vec![match self.wanted.clone() {
            Wanted::Quantiles(shares) => self.quantiles(&shares)?,
            Wanted::Mode => self.modes()?,
            Wanted::List { .. } => self.lists()?,
        }])
    }

    fn memory(&self) -> usize {
        let texts = self.texts.as_ref().map_or(0, Distinct::memory);
        // As much again is taken to sort them.
        2 * (self.owners.capacity() * 4 + self.values.capacity() * 8 + self.rows.capacity() * 16) + texts
    }
}
