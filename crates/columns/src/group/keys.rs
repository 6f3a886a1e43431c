//! Groups of rows that have the same keys.

use arrow::array::ArrayRef;

use super::column::{Distinct, mix};
use super::direct::Direct;
use super::table::{NONE, Table};
use crate::block::{Lane, array_of_lane};
use crate::error::{ColumnsError, ColumnsResult};
use crate::types::Type;

/// The groups of one key or several, numbered in the order in which they are first seen.
///
/// Several keys are put together two by two: the numbers of both make one key of 64 bits, whose number goes with that of the next.
#[derive(Debug)]
pub(crate) struct Keys {
    types: Vec<Type>,
    columns: Vec<Distinct>,
    /// Of the second and each further key, the pairs by number: what is in front of it, and the key.
    pairs: Vec<Pairs>,
    /// The row that each group was first seen in.
    first_rows: Vec<u64>,
    scratch: Vec<u32>,
}

#[derive(Debug)]
struct Pairs {
    table: Table,
    pairs: Vec<u64>,
}

impl Pairs {
    fn number(&mut self, pair: u64) -> ColumnsResult<u32> {
        if let Some(number) = self.table.get(pair, 0) {
            return Ok(number);
        }
        let number = u32::try_from(self.pairs.len()).ok().filter(|number| *number < u32::MAX - 1);
        let number = number.ok_or_else(|| ColumnsError::option("there are more than four thousand million groups"))?;
        self.table.insert(pair, 0, number);
        self.pairs.push(pair);
        Ok(number)
    }
}

fn pair_of(before: u32, key: u32) -> u64 {
    u64::from(before) << 32 | u64::from(key)
}

impl Keys {
    /// Groups by keys of these types; none for one that there are no groups of.
    pub(crate) fn new(types: &[Type]) -> Option<Self> {
        let columns: Vec<Distinct> = types.iter().map(Distinct::new).collect::<Option<_>>()?;
        let pairs = types.iter().skip(1).map(|_| Pairs { table: Table::new(), pairs: Vec::new() }).collect();
        Some(Self { types: types.to_vec(), columns, pairs, first_rows: Vec::new(), scratch: Vec::new() })
    }

    /// How many groups there are.
    pub(crate) fn len(&self) -> usize {
        self.first_rows.len()
    }

    /// Writes the group of each row. `row_of` tells the number of a row of the block.
    pub(crate) fn encode(
        &mut self,
        lanes: &[Lane<'_>],
        rows: usize,
        row_of: impl Fn(usize) -> u64,
        groups: &mut Vec<u32>,
    ) -> ColumnsResult<()> {
        let Some((column, lane)) = self.columns.first_mut().zip(lanes.first()) else {
            // Without a key, all rows are one group.
            groups.clear();
            groups.resize(rows, 0);
            if rows > 0 && self.first_rows.is_empty() {
                self.first_rows.push(row_of(0));
            }
            return Ok(());
        };
        column.encode(lane, rows, groups)?;
        let rest = self.columns.iter_mut().skip(1).zip(lanes.iter().skip(1)).zip(&mut self.pairs);
        for ((column, lane), pairs) in rest {
            column.encode(lane, rows, &mut self.scratch)?;
            let mut last = (u64::MAX, 0);
            for (group, key) in groups.iter_mut().zip(&self.scratch) {
                let pair = pair_of(*group, *key);
                if pair != last.0 {
                    last = (pair, pairs.number(pair)?);
                }
                *group = last.1;
            }
        }
        let count = self.count();
        let known = self.first_rows.len();
        if count > known {
            self.first_rows.resize(count, u64::MAX);
            for (row, group) in groups.iter().enumerate().rev().filter(|(_, group)| **group as usize >= known) {
                if let Some(first) = self.first_rows.get_mut(*group as usize) {
                    *first = row_of(row);
                }
            }
        }
        Ok(())
    }

    fn count(&self) -> usize {
        match self.pairs.last() {
            Some(pairs) => pairs.pairs.len(),
            None => self.columns.first().map_or(self.first_rows.len(), Distinct::len),
        }
    }

    /// Takes the groups of another, and tells which number each has here.
    pub(crate) fn absorb(&mut self, other: &Self) -> ColumnsResult<Vec<u32>> {
        let maps: Vec<Vec<u32>> = self
            .columns
            .iter_mut()
            .zip(&other.columns)
            .map(|(column, other)| column.absorb(other))
            .collect::<ColumnsResult<_>>()?;
        let mut mapping = match maps.first() {
            Some(map) => map.clone(),
            None => vec![0; other.len()],
        };
        for ((pairs, others), map) in self.pairs.iter_mut().zip(&other.pairs).zip(maps.iter().skip(1)) {
            mapping = others
                .pairs
                .iter()
                .map(|pair| {
                    let before = mapping.get((pair >> 32) as usize).copied().unwrap_or(0);
                    let key = map.get(*pair as u32 as usize).copied().unwrap_or(0);
                    pairs.number(pair_of(before, key))
                })
                .collect::<ColumnsResult<_>>()?;
        }
        if self.columns.is_empty() {
            self.first_rows.resize(self.first_rows.len().max(other.len()), u64::MAX);
        }
        self.first_rows.resize(self.count(), u64::MAX);
        for (group, row) in mapping.iter_mut().zip(&other.first_rows) {
            if let Some(first) = self.first_rows.get_mut(*group as usize) {
                *first = (*first).min(*row);
            }
        }
        Ok(mapping)
    }

    /// Takes those groups of another for which `wanted` is true, and tells which number each has here: [`NONE`] for the others.
    pub(crate) fn absorb_some(&mut self, other: &Self, wanted: impl Fn(u32) -> bool) -> ColumnsResult<Vec<u32>> {
        let mut mapping = vec![NONE; other.len()];
        for (group, (place, row)) in mapping.iter_mut().zip(&other.first_rows).enumerate() {
            if !wanted(group as u32) {
                continue;
            }
            let parts = other.parts(group as u32);
            let columns = self.columns.iter_mut().zip(&other.columns);
            let mut numbers = columns.zip(&parts).map(|((column, other), part)| column.absorb_one(other, *part));
            let mut number = numbers.next().transpose()?.unwrap_or(0);
            for (pairs, key) in self.pairs.iter_mut().zip(numbers) {
                number = pairs.number(pair_of(number, key?))?;
            }
            *place = number;
            self.see(number, *row);
        }
        Ok(mapping)
    }

    /// A group, which may be new, has a row.
    fn see(&mut self, group: u32, row: u64) {
        if self.first_rows.len() <= group as usize {
            self.first_rows.resize(group as usize + 1, u64::MAX);
        }
        if let Some(first) = self.first_rows.get_mut(group as usize) {
            *first = (*first).min(row);
        }
    }

    /// Takes the places of the only key, and tells which number each has here: [`NONE`] for those that no row has had.
    pub(super) fn absorb_places(&mut self, other: &Direct) -> ColumnsResult<Vec<u32>> {
        let mut mapping = vec![NONE; other.top()];
        for (place, bits, row) in other.places() {
            let Some((column, mapped)) = self.columns.first_mut().zip(mapping.get_mut(place)) else { continue };
            let number = column.number_of_bits(bits)?;
            *mapped = number;
            self.see(number, row);
        }
        Ok(mapping)
    }

    /// Takes rows of groups that are known already, in no order.
    pub(crate) fn lower_first_rows(&mut self, groups: &[u32], rows: &[u64]) {
        for (group, row) in groups.iter().zip(rows) {
            if let Some(first) = self.first_rows.get_mut(*group as usize) {
                *first = (*first).min(*row);
            }
        }
    }

    /// The number of the key in each place, of a group.
    fn parts(&self, group: u32) -> Vec<u32> {
        let mut parts = Vec::with_capacity(self.columns.len());
        let mut before = group;
        for pairs in self.pairs.iter().rev() {
            let pair = pairs.pairs.get(before as usize).copied().unwrap_or(0);
            parts.push(pair as u32);
            before = (pair >> 32) as u32;
        }
        if !self.columns.is_empty() {
            parts.push(before);
        }
        parts.reverse();
        parts
    }

    /// A hash of the keys of a group, the same in every thread.
    pub(crate) fn hash(&self, group: u32) -> u64 {
        self.parts(group).iter().zip(&self.columns).fold(0, |hash, (part, column)| mix(hash ^ column.hash(*part)))
    }

    /// The groups in the order of the row that each was first seen in.
    pub(crate) fn by_row(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_key(|group| self.first_rows.get(*group as usize).copied());
        order
    }

    /// The groups in the order of their keys. What is missing comes last, in either direction.
    pub(crate) fn by_key(&self, descending: bool) -> Vec<u32> {
        // Ranks of the values of each key, so that groups are compared by whole numbers.
        let ranks: Vec<Vec<u32>> = self.columns.iter().map(|column| column.ranks(descending)).collect();
        let parts: Vec<Vec<u32>> = (0..self.len() as u32)
            .map(|group| {
                let parts = self.parts(group);
                parts.iter().zip(&ranks).map(|(part, ranks)| ranks.get(*part as usize).copied().unwrap_or(0)).collect()
            })
            .collect();
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by(|a, b| parts.get(*a as usize).cmp(&parts.get(*b as usize)));
        order
    }

    /// The keys of groups, an array for each.
    pub(crate) fn arrays(&self, groups: &[u32]) -> ColumnsResult<Vec<ArrayRef>> {
        let mut numbers: Vec<Vec<u32>> = self.columns.iter().map(|_| Vec::with_capacity(groups.len())).collect();
        for group in groups {
            for (numbers, part) in numbers.iter_mut().zip(self.parts(*group)) {
                numbers.push(part);
            }
        }
        let columns = self.columns.iter().zip(&self.types).zip(numbers);
        columns.map(|((column, type_), numbers)| array_of_lane(column.lane(&numbers), groups.len(), type_)).collect()
    }

    /// The rows that the groups were first seen in.
    pub(crate) fn first_rows(&self) -> &[u64] {
        &self.first_rows
    }

    /// Bytes that they take.
    pub(crate) fn memory(&self) -> usize {
        let columns: usize = self.columns.iter().map(Distinct::memory).sum();
        let pairs: usize = self.pairs.iter().map(|pairs| pairs.table.memory() + pairs.pairs.capacity() * 8).sum();
        columns + pairs + self.first_rows.capacity() * 8
    }
}

impl Distinct {
    /// The rank of each value. What is missing has the last.
    fn ranks(&self, descending: bool) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by(|a, b| match (self.missing() == Some(*a), self.missing() == Some(*b), descending) {
            (false, false, true) => self.compare(*b, *a),
            (false, false, false) => self.compare(*a, *b),
            (a, b, _) => a.cmp(&b),
        });
        let mut ranks = vec![0; order.len()];
        for (rank, number) in order.iter().enumerate() {
            if let Some(place) = ranks.get_mut(*number as usize) {
                *place = rank as u32;
            }
        }
        ranks
    }
}
