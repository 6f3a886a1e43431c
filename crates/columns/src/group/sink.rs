//! Gathers groups in a pass.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices};
use arrow::datatypes::Schema;

use super::direct::Direct;
use super::keys::Keys;
use super::kind::{GroupKind, state_of};
use super::spill::{self, DEEPEST, Files, Store, Writers, part_of};
use super::state::{GroupState, GroupView, RowNumbers};
use crate::block::{BLOCK, Chunk, Lane, Values, count_yes, yes_rows};
use crate::error::{ColumnsError, ColumnsResult};
use crate::pass::{BlockView, Outcome, Output, Sink};
use crate::types::Type;

/// In which order groups come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Order {
    /// Of the row that each is first seen in.
    #[default]
    FirstSeen,
    /// Of the keys.
    Ascending,
    Descending,
}

/// What a state is made for.
#[derive(Debug, Clone)]
pub(crate) struct StatePlan {
    pub(crate) kinds: Vec<GroupKind>,
    pub(crate) types: Vec<Type>,
    /// Its lanes, by their places among those of the sink.
    pub(crate) inputs: Range<usize>,
    /// The lane of the condition that its rows must fulfil.
    pub(crate) selection: Option<usize>,
}

/// Groups by keys, which are the first lanes. Keys and columns come out by their places.
#[derive(Debug)]
pub(crate) struct GroupSink {
    pub(crate) keys: Vec<Type>,
    pub(crate) states: Vec<StatePlan>,
    /// For each column behind the keys, the state and which of its arrays it is.
    pub(crate) columns: Vec<(usize, usize)>,
    pub(crate) order: Order,
    /// The types of all lanes.
    pub(crate) types: Vec<Type>,
    /// Bytes that the groups of a thread may take, before further rows are written to files.
    pub(crate) budget: usize,
    pub(crate) store: Arc<Store>,
}

/// The groups of a thread.
#[derive(Debug)]
pub(crate) struct Groups {
    keys: Keys,
    states: Vec<Box<dyn GroupState>>,
    /// Those of the blocks whose keys have places, until they join the others.
    direct: Option<Box<DirectGroups>>,
    numbers: Vec<u32>,
    /// How often the rows were cut into parts before they came here.
    level: u32,
    /// Blocks since the last look at the memory.
    blocks: usize,
    writers: Option<Writers>,
    /// What other threads have written.
    files: Option<Files>,
}

/// Groups by the places of their keys.
#[derive(Debug)]
struct DirectGroups {
    keys: Direct,
    states: Vec<Box<dyn GroupState>>,
}

/// Blocks between two looks at the memory of so many groups. A look may visit each of them, so that it is taken less often where they are many.
pub(super) fn looks(groups: usize) -> usize {
    (groups / (4 * BLOCK)).max(8)
}

impl GroupSink {
    fn groups(&self, level: u32) -> ColumnsResult<Groups> {
        let keys = Keys::new(&self.keys).ok_or_else(|| {
            let types: Vec<String> = self.keys.iter().map(Type::to_string).collect();
            ColumnsError::option(format!(
                "there are no groups by {}; keys are numbers, texts, truth values or instants",
                types.join(", ")
            ))
        })?;
        let states = || self.states.iter().map(|plan| state_of(&plan.kinds, &plan.types)).collect::<ColumnsResult<_>>();
        let direct = match self.keys.as_slice() {
            [Type::Int(_)] if level == 0 => Some(Box::new(DirectGroups { keys: Direct::new(), states: states()? })),
            _ => None,
        };
        let states = states()?;
        Ok(Groups { keys, states, direct, numbers: Vec::new(), level, blocks: 0, writers: None, files: None })
    }

    fn take(&self, groups: &mut Groups, lanes: &[Lane<'_>], count: usize, rows: RowNumbers<'_>) -> ColumnsResult<()> {
        if let Some(writers) = &mut groups.writers {
            return writers.add(lanes, count, rows);
        }
        let (keys, _) = lanes.split_at_checked(self.keys.len()).unwrap_or_default();
        let numbers = &mut groups.numbers;
        let mut direct = groups.direct.as_deref_mut();
        let has_places = direct
            .as_mut()
            .zip(keys.first())
            .is_some_and(|(direct, key)| direct.keys.encode(key, count, |row| rows.get(row), numbers));
        let (known, states) = match direct.filter(|_| has_places) {
            Some(direct) => (direct.keys.top(), &mut direct.states),
            None => {
                groups.keys.encode(keys, count, |row| rows.get(row), numbers)?;
                (groups.keys.len(), &mut groups.states)
            }
        };
        states.iter_mut().for_each(|state| state.grow(known));
        update(&self.states, states, lanes, numbers, count, rows)?;
        groups.blocks += 1;
        if groups.blocks >= looks(known) {
            groups.blocks = 0;
            if groups.memory() > self.budget {
                self.overflow(groups)?;
            }
        }
        Ok(())
    }

    /// From here on rows are written to files.
    fn overflow(&self, groups: &mut Groups) -> ColumnsResult<()> {
        groups.settle()?;
        let carried = self.types.iter().any(|type_| matches!(type_, Type::Other(_)));
        if self.keys.is_empty() || groups.level >= DEEPEST || groups.keys.len() == 1 && groups.level > 0 || carried {
            return Err(ColumnsError::option(format!(
                "what is kept of a group takes {} bytes, which is beyond the memory budget, and it cannot be cut into parts; \
                 raise the budget, or ask for less than all values of a group",
                groups.memory()
            )));
        }
        groups.writers = Some(Writers::new(self.store.clone(), &self.types, self.keys.len(), groups.level));
        Ok(())
    }

    /// Keys and the other columns of all groups, in the order of the numbers, and the row that each was first seen in.
    fn arrays(&self, groups: &mut Groups) -> ColumnsResult<(Vec<ArrayRef>, Vec<u64>)> {
        // Of no rows at all there is one group without a key, as an aggregation of no rows has a value.
        let known = groups.keys.len().max(usize::from(self.keys.is_empty()));
        let numbers: Vec<u32> = (0..groups.keys.len() as u32).collect();
        let mut arrays = groups.keys.arrays(&numbers)?;
        let mut values: Vec<Vec<ArrayRef>> = Vec::with_capacity(groups.states.len());
        for state in &mut groups.states {
            state.grow(known);
            values.push(state.finish()?);
        }
        for (state, at) in &self.columns {
            let Some(array) = values.get(*state).and_then(|arrays| arrays.get(*at)) else {
                return Err(ColumnsError::option(
                    "an aggregation has no values; this is a defect of datafolio, please report it",
                ));
            };
            arrays.push(array.clone());
        }
        Ok((arrays, groups.keys.first_rows().to_vec()))
    }

    fn batch(&self, arrays: Vec<ArrayRef>) -> ColumnsResult<RecordBatch> {
        if arrays.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::new(Schema::empty())));
        }
        let named = arrays.into_iter().enumerate().map(|(at, array)| (at.to_string(), array, true));
        Ok(RecordBatch::try_from_iter_with_nullable(named)?)
    }

    /// All groups, none of which was written to files.
    fn whole(&self, mut groups: Groups) -> ColumnsResult<RecordBatch> {
        let order = match self.order {
            Order::FirstSeen => groups.keys.by_row(),
            Order::Ascending => groups.keys.by_key(false),
            Order::Descending => groups.keys.by_key(true),
        };
        let (arrays, _) = self.arrays(&mut groups)?;
        if self.keys.is_empty() {
            return self.batch(arrays);
        }
        let places = UInt32Array::from(order);
        let arrays = arrays.iter().map(|array| arrow::compute::take(array, &places, None));
        self.batch(arrays.collect::<Result<_, _>>()?)
    }

    /// The groups in memory and those of the files, part by part.
    fn parts(&self, mut groups: Groups, done: &mut Vec<(Vec<ArrayRef>, Vec<u64>)>) -> ColumnsResult<()> {
        let Some(files) = groups.all_files()? else {
            done.push(self.arrays(&mut groups)?);
            return Ok(());
        };
        for (part, files) in files.iter().enumerate() {
            let mut next = self.groups(groups.level + 1)?;
            let level = groups.level;
            let known = &groups.keys;
            let mapping = next.keys.absorb_some(known, |group| part_of(known.hash(group), level) == part)?;
            merge(&mut next.states, &mut groups.states, next.keys.len(), &mapping)?;
            for file in files {
                spill::read(file, |batch, rows| {
                    let chunk = Chunk::new(batch.columns(), batch.num_rows())?;
                    let lanes: Vec<Lane<'_>> = (0..batch.num_columns())
                        .filter_map(|column| chunk.block(column, 0..batch.num_rows()))
                        .collect();
                    self.take(&mut next, &lanes, batch.num_rows(), RowNumbers::Each(rows))?;
                    if next.writers.is_none() {
                        next.keys.lower_first_rows(&next.numbers, rows);
                    }
                    Ok(())
                })?;
            }
            self.parts(next, done)?;
        }
        Ok(())
    }

    /// The groups of all parts in the order that is asked for.
    fn joined(&self, parts: &[(Vec<ArrayRef>, Vec<u64>)]) -> ColumnsResult<RecordBatch> {
        let columns = self.keys.len() + self.columns.len();
        let arrays: Vec<ArrayRef> = (0..columns)
            .map(|at| {
                let pieces: Vec<&dyn Array> =
                    parts.iter().filter_map(|(arrays, _)| arrays.get(at)).map(AsRef::as_ref).collect();
                Ok(arrow::compute::concat(&pieces)?)
            })
            .collect::<ColumnsResult<_>>()?;
        let options = SortOptions { descending: self.order == Order::Descending, nulls_first: false };
        let by = |values: ArrayRef, options: SortOptions| SortColumn { values, options: Some(options) };
        let columns: Vec<SortColumn> = match self.order {
            Order::FirstSeen => {
                let rows = parts.iter().flat_map(|(_, rows)| rows.iter().copied());
                vec![by(Arc::new(UInt64Array::from_iter_values(rows)), SortOptions::default())]
            }
            _ => arrays.iter().take(self.keys.len()).map(|key| by(key.clone(), options)).collect(),
        };
        let places = lexsort_to_indices(&columns, None)?;
        let arrays = arrays.iter().map(|array| arrow::compute::take(array, &places, None));
        self.batch(arrays.collect::<Result<_, _>>()?)
    }
}

impl Groups {
    fn memory(&self) -> usize {
        let direct = self.direct.iter().flat_map(|direct| &direct.states);
        self.keys.memory() + self.states.iter().chain(direct).map(|state| state.memory()).sum::<usize>()
    }

    /// Has the groups by places join the others.
    fn settle(&mut self) -> ColumnsResult<()> {
        let Some(mut direct) = self.direct.take() else { return Ok(()) };
        let mapping = self.keys.absorb_places(&direct.keys)?;
        merge(&mut self.states, &mut direct.states, self.keys.len(), &mapping)
    }

    /// The files of all threads; none where no row was written.
    fn all_files(&mut self) -> ColumnsResult<Option<Files>> {
        let own = self.writers.take().map(Writers::finish).transpose()?;
        Ok(both(self.files.take(), own))
    }
}

/// Has states of so many groups take those of others.
fn merge(
    states: &mut [Box<dyn GroupState>],
    others: &mut [Box<dyn GroupState>],
    groups: usize,
    mapping: &[u32],
) -> ColumnsResult<()> {
    for (state, other) in states.iter_mut().zip(others) {
        state.grow(groups);
        state.merge(other.as_mut(), mapping)?;
    }
    Ok(())
}

fn both(a: Option<Files>, b: Option<Files>) -> Option<Files> {
    match (a, b) {
        (Some(mut a), Some(b)) => {
            a.iter_mut().zip(b).for_each(|(a, b)| a.extend(b));
            Some(a)
        }
        (one, other) => one.or(other),
    }
}

/// Gives each state its lanes of a block.
pub(super) fn update(
    plans: &[StatePlan],
    states: &mut [Box<dyn GroupState>],
    lanes: &[Lane<'_>],
    groups: &[u32],
    count: usize,
    rows: RowNumbers<'_>,
) -> ColumnsResult<()> {
    for (plan, state) in plans.iter().zip(states) {
        let selected =
            plan.selection.and_then(|selection| lanes.get(selection)).map(|condition| holds(condition, count));
        let arguments: Vec<Lane<'_>> =
            lanes.get(plan.inputs.clone()).unwrap_or_default().iter().map(|lane| lane.clone().spread(count)).collect();
        state.update(&GroupView { lanes: &arguments, groups, live: selected.as_deref(), rows })?;
    }
    Ok(())
}

/// For which rows a condition is true.
pub(crate) fn holds(condition: &Lane<'_>, rows: usize) -> Vec<u8> {
    let condition = condition.clone().spread(rows);
    let valid = condition.valid_rows(rows);
    let Values::Bool(values) = condition.values else { return vec![0; rows] };
    let mut mask = values.into_vec();
    if let Some(valid) = valid {
        mask.iter_mut().zip(valid.iter()).for_each(|(a, b)| *a &= b);
    }
    mask
}

impl Sink for GroupSink {
    type Part = Groups;

    fn start(&self) -> ColumnsResult<Groups> {
        self.groups(0)
    }

    fn block(&self, part: &mut Groups, block: &BlockView<'_, '_>) -> ColumnsResult<()> {
        let Some(live) = block.live else {
            return self.take(part, block.lanes, block.rows, RowNumbers::From(block.first_row));
        };
        let kept = count_yes(live);
        let lanes: Vec<Lane<'_>> = block.lanes.iter().map(|lane| lane.compact(live, kept)).collect();
        let rows: Vec<u64> = yes_rows(live, kept).iter().map(|row| block.first_row + *row as u64).collect();
        self.take(part, &lanes, kept, RowNumbers::Each(&rows))
    }

    fn merge(&self, part: &mut Groups, mut other: Groups) -> ColumnsResult<()> {
        part.settle()?;
        other.settle()?;
        let (own, theirs) = (part.all_files()?, other.all_files()?);
        part.files = both(own, theirs);
        let mapping = part.keys.absorb(&other.keys)?;
        merge(&mut part.states, &mut other.states, part.keys.len(), &mapping)
    }

    fn finish(&self, mut part: Groups) -> ColumnsResult<Outcome> {
        part.settle()?;
        part.files = part.all_files()?;
        if part.files.is_none() {
            return Ok(Outcome::Done(Output::Batch(self.whole(part)?)));
        }
        let mut parts = Vec::new();
        self.parts(part, &mut parts)?;
        Ok(Outcome::Done(Output::Batch(self.joined(&parts)?)))
    }
}
