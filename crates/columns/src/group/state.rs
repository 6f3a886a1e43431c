//! What an aggregation keeps for each of many groups.

use std::any::Any;
use std::fmt::Debug;

use arrow::array::ArrayRef;

use super::table::NONE;
use crate::block::{Lane, YES};
use crate::error::{ColumnsError, ColumnsResult};

/// What a state sees of a block.
#[derive(Debug)]
pub(crate) struct GroupView<'b, 'a> {
    /// The lanes of its arguments, with a value for each row.
    pub(crate) lanes: &'b [Lane<'a>],
    /// The group of each row, below the number that [`GroupState::grow`] was told last.
    pub(crate) groups: &'b [u32],
    /// Which rows count; none where all do.
    pub(crate) live: Option<&'b [u8]>,
    /// The number of each row, rising.
    pub(crate) rows: RowNumbers<'b>,
}

/// The numbers of the rows of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RowNumbers<'b> {
    /// One after the other.
    From(u64),
    Each(&'b [u64]),
}

impl RowNumbers<'_> {
    #[inline]
    pub(crate) fn get(&self, row: usize) -> u64 {
        match self {
            Self::From(first) => first + row as u64,
            Self::Each(rows) => rows.get(row).copied().unwrap_or(u64::MAX),
        }
    }
}

impl<'a> GroupView<'_, 'a> {
    /// Which rows count and have a value in a lane; none where all do.
    pub(crate) fn valid(&self, lane: &Lane<'a>) -> Option<Vec<u8>> {
        let valid = lane.valid_rows(self.groups.len());
        match (self.live, valid) {
            (None, None) => None,
            (Some(live), None) => Some(live.to_vec()),
            (None, Some(valid)) => Some(valid.into_vec()),
            (Some(live), Some(valid)) => Some(live.iter().zip(valid.iter()).map(|(a, b)| a & b).collect()),
        }
    }

    /// Whether a row counts.
    pub(crate) fn counts(&self, row: usize) -> bool {
        self.live.is_none_or(|live| live.get(row) == Some(&YES))
    }
}

/// An aggregation of any number of groups at once. Each thread has its own, and they are put together at the end.
pub(crate) trait GroupState: Debug + Send + Any {
    /// There are so many groups now; never fewer than before.
    fn grow(&mut self, groups: usize);

    /// Takes the rows of a block.
    fn update(&mut self, view: &GroupView<'_, '_>) -> ColumnsResult<()>;

    /// Takes what another state of the same type has gathered, whose group `g` is group `mapping[g]` here, or none of those
    /// that are wanted where that is [`NONE`].
    fn merge(&mut self, other: &mut dyn GroupState, mapping: &[u32]) -> ColumnsResult<()>;

    /// The values of all groups, an array for each aggregation that the state was made for.
    fn finish(&mut self) -> ColumnsResult<Vec<ArrayRef>>;

    /// Bytes that it takes.
    fn memory(&self) -> usize;
}

/// The other state of a [`merge`](GroupState::merge), as what it is.
pub(crate) fn same_state<S: GroupState>(other: &mut dyn GroupState) -> ColumnsResult<&mut S> {
    let other: &mut dyn Any = other;
    other.downcast_mut().ok_or_else(|| {
        ColumnsError::option(
            "the states of two aggregations were mixed up; this is a defect of datafolio, please report it",
        )
    })
}

/// The groups of another state that are wanted, and what each is here.
pub(crate) fn wanted(mapping: &[u32]) -> impl Iterator<Item = (usize, usize)> + '_ {
    mapping.iter().enumerate().filter(|(_, here)| **here != NONE).map(|(there, here)| (there, *here as usize))
}
