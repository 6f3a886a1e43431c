//! Gathers by group, in one pass.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{SortColumn, lexsort_to_indices, take};
use arrow::datatypes::{Field, Schema};

use super::keys::{Key, Keys, lane_of_keys};
use super::states::State;
use crate::aggregate::Kind;
use crate::block::{array_of_lane, array_of_values};
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::types::Type;

/// A key.
#[derive(Debug, Clone)]
pub(crate) struct KeyColumn {
    pub(crate) name: String,
    pub(crate) type_: Type,
}

/// An aggregation of each group.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) type_: Type,
    /// Its lane among those of the sink; none for a count of rows.
    pub(crate) input: Option<usize>,
    /// The lane of its own condition.
    pub(crate) selection: Option<usize>,
}

/// Groups by keys, whose lanes come first.
#[derive(Debug)]
pub(crate) struct GroupBy {
    pub(crate) keys: Vec<KeyColumn>,
    pub(crate) wanted: Vec<Wanted>,
    /// Whether groups come out sorted by their keys, or as they occur.
    pub(crate) sorted: bool,
    /// Bytes that groups may take.
    pub(crate) memory: u64,
}

/// What one thread has.
#[derive(Debug)]
pub(crate) struct Part {
    /// Numbers for the values of each key.
    keys: Vec<Keys>,
    /// Numbers for pairs: of the first two keys, of these and the third, and so on.
    pairs: Vec<Keys>,
    /// The row in which each group occurred first.
    first_rows: Vec<u64>,
    states: Vec<State>,
    numbers: Vec<u32>,
    groups: Vec<u32>,
}

impl Part {
    fn group_count(&self) -> usize {
        self.pairs.last().or(self.keys.first()).map_or(0, Keys::len)
    }

    /// The number of the pair of two numbers.
    fn pair(a: u32, b: u32) -> Key {
        Key::Word(u64::from(a) << 32 | u64::from(b))
    }

    /// The values of the keys of a group.
    fn values(&self, group: u32) -> Option<Vec<Key>> {
        let mut reversed = Vec::with_capacity(self.keys.len());
        let mut left = group;
        for (pairs, keys) in self.pairs.iter().zip(self.keys.iter().skip(1)).rev() {
            let Key::Word(word) = pairs.key(left)? else { return None };
            reversed.push(keys.key(*word as u32)?.clone());
            left = (word >> 32) as u32;
        }
        reversed.push(self.keys.first()?.key(left)?.clone());
        reversed.reverse();
        Some(reversed)
    }

    /// The group of these values.
    fn group(&mut self, values: &[Key]) -> u32 {
        let mut group = 0;
        for (at, value) in values.iter().enumerate() {
            let Some(number) = self.keys.get_mut(at).map(|keys| keys.number(value)) else { continue };
            group = match at.checked_sub(1).and_then(|pair| self.pairs.get_mut(pair)) {
                None => number,
                Some(pairs) => pairs.number(&Self::pair(group, number)),
            };
        }
        group
    }

    fn grow(&mut self) {
        let count = self.group_count();
        self.first_rows.resize(count, u64::MAX);
        self.states.iter_mut().for_each(|state| state.grow(count));
    }
}

impl Sink for GroupBy {
    type Part = Part;

    fn start(&self) -> ColumnsResult<Part> {
        Ok(Part {
            keys: self.keys.iter().map(|_| Keys::default()).collect(),
            pairs: self.keys.iter().skip(1).map(|_| Keys::default()).collect(),
            first_rows: Vec::new(),
            states: self.wanted.iter().map(|wanted| State::new(wanted.kind)).collect(),
            numbers: Vec::new(),
            groups: Vec::new(),
        })
    }

    fn block(&self, part: &mut Part, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let (mut groups, mut numbers) = (std::mem::take(&mut part.groups), std::mem::take(&mut part.numbers));
        for (at, keys) in part.keys.iter_mut().enumerate() {
            let Some(lane) = block.lanes.get(at) else { continue };
            if at == 0 {
                keys.numbers(lane, block.live, block.rows, &mut groups);
                continue;
            }
            keys.numbers(lane, block.live, block.rows, &mut numbers);
            if let Some(pairs) = part.pairs.get_mut(at - 1) {
                for (row, (group, number)) in groups.iter_mut().zip(&numbers).enumerate() {
                    if block.live.is_none_or(|live| live.get(row) == Some(&crate::block::YES)) {
                        *group = pairs.number(&Part::pair(*group, *number));
                    }
                }
            }
        }
        let before = part.first_rows.len();
        part.grow();
        if part.first_rows.len() > before {
            for (row, group) in groups.iter().enumerate() {
                if block.live.is_none_or(|live| live.get(row) == Some(&crate::block::YES))
                    && let Some(first) = part.first_rows.get_mut(*group as usize)
                {
                    *first = (*first).min(block.first_row + row as u64);
                }
            }
            self.check_memory(part)?;
        }
        for (wanted, state) in self.wanted.iter().zip(&mut part.states) {
            let own;
            let live = match wanted.selection.and_then(|selection| block.lanes.get(selection)) {
                None => block.live,
                Some(condition) => {
                    own = block.true_rows(condition);
                    Some(own.as_slice())
                }
            };
            let lane = wanted.input.and_then(|input| block.lanes.get(input));
            state.update(lane.map(|lane| (lane, &wanted.type_)), &groups, live, wanted.kind);
        }
        (part.groups, part.numbers) = (groups, numbers);
        Ok(())
    }

    fn merge(&self, part: &mut Part, other: Part) -> ColumnsResult<()> {
        let count = other.group_count();
        let mut mapping = Vec::with_capacity(count);
        for group in 0..count as u32 {
            let Some(values) = other.values(group) else { continue };
            mapping.push(part.group(&values));
        }
        part.grow();
        for (group, first) in mapping.iter().zip(&other.first_rows) {
            if let Some(own) = part.first_rows.get_mut(*group as usize) {
                *own = (*own).min(*first);
            }
        }
        for (state, other) in part.states.iter_mut().zip(other.states) {
            state.merge(other, &mapping);
        }
        self.check_memory(part)
    }

    fn finish(&self, mut part: Part) -> ColumnsResult<Outcome> {
        let mut order: Vec<u32> = (0..part.group_count() as u32).collect();
        order.sort_by_key(|group| part.first_rows.get(*group as usize).copied());
        let rows = order.len();
        let values: Vec<Vec<Key>> = order.iter().filter_map(|group| part.values(*group)).collect();
        let (mut fields, mut arrays): (Vec<Field>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
        let mut push = |name: &str, array: ArrayRef| {
            fields.push(Field::new(name, array.data_type().clone(), true));
            arrays.push(array);
        };
        for (at, key) in self.keys.iter().enumerate() {
            let column: Vec<Key> = values.iter().map(|keys| keys.get(at).cloned().unwrap_or(Key::Missing)).collect();
            push(&key.name, array_of_lane(lane_of_keys(&column, &key.type_), rows, &key.type_)?);
        }
        for (wanted, state) in self.wanted.iter().zip(&mut part.states) {
            let column: Vec<_> =
                order.iter().map(|group| state.value(*group as usize, wanted.kind, &wanted.type_)).collect();
            push(&wanted.name, array_of_values(&column, &wanted.kind.type_of(&wanted.type_))?);
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
        Ok(Outcome::Done(Output::Batch(if self.sorted { self.sorted(&batch)? } else { batch })))
    }
}

impl GroupBy {
    fn sorted(&self, batch: &RecordBatch) -> ColumnsResult<RecordBatch> {
        let columns: Vec<SortColumn> = batch
            .columns()
            .iter()
            .take(self.keys.len())
            .map(|values| SortColumn {
                values: values.clone(),
                options: Some(arrow::compute::SortOptions { descending: false, nulls_first: false }),
            })
            .collect();
        if columns.is_empty() || batch.num_rows() == 0 {
            return Ok(batch.clone());
        }
        let places: UInt32Array = lexsort_to_indices(&columns, None)?;
        let arrays =
            batch.columns().iter().map(|array| Ok(take(array, &places, None)?)).collect::<ColumnsResult<_>>()?;
        Ok(RecordBatch::try_new(batch.schema(), arrays)?)
    }

    fn check_memory(&self, part: &Part) -> ColumnsResult<()> {
        let groups = part.group_count() as u64;
        let taken = groups * 64 * self.keys.len().max(1) as u64 + part.states.iter().map(State::bytes).sum::<u64>();
        if taken > self.memory {
            return Err(ColumnsError::option(format!(
                "{groups} groups took more than {} MB of memory; allow more, group by fewer keys, or filter first",
                self.memory >> 20
            )));
        }
        Ok(())
    }
}
