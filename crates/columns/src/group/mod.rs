//! Aggregations by group.

mod state;

pub(crate) use state::{GroupState, GroupView};
