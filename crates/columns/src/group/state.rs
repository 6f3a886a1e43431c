//! What an aggregation keeps for each of many groups.

use std::any::Any;
use std::fmt::Debug;

use arrow::array::ArrayRef;

use crate::block::{Lane, YES};
use crate::error::ColumnsResult;

/// What a state sees of a block.
#[derive(Debug)]
pub(crate) struct GroupView<'b, 'a> {
    /// The lanes of its arguments.
    pub(crate) lanes: &'b [Lane<'a>],
    /// The group of each row, below the number that [`GroupState::grow`] was told last. Of rows that do not count, it is any.
    pub(crate) groups: &'b [u32],
    /// Which rows count; none where all do.
    pub(crate) live: Option<&'b [u8]>,
    /// How many rows the block has.
    pub(crate) rows: usize,
    /// The number of the first row.
    pub(crate) first_row: u64,
}

impl<'a> GroupView<'_, 'a> {
    /// Which rows count and have a value in a lane; none where all do.
    pub(crate) fn valid(&self, lane: &Lane<'a>) -> Option<Vec<u8>> {
        let valid = lane.valid_rows(self.rows);
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

    /// Takes what another thread has gathered, whose group `g` is group `mapping[g]` here. It is of the same type.
    fn merge(&mut self, other: Box<dyn GroupState>, mapping: &[u32]) -> ColumnsResult<()>;

    /// The value of each group.
    fn finish(self: Box<Self>) -> ColumnsResult<ArrayRef>;

    /// Bytes that it takes.
    fn memory(&self) -> usize;
}
