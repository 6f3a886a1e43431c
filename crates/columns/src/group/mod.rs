//! Aggregations by group.
//!
//! Each thread numbers the groups in the order in which it meets them, and its states have something for each number. At the end
//! the groups of all threads are put together, and the states with them.

mod column;
mod direct;
mod grid;
mod keys;
mod kind;
mod lookup;
mod sink;
mod spill;
mod state;
mod states;
mod table;

pub(crate) use column::Distinct;
pub(crate) use grid::{Bins, GridSink};
pub(crate) use kind::{GroupKind, check};
pub(crate) use lookup::{Offset, low_bytes};
pub(crate) use sink::{GroupSink, Order, StatePlan, holds};
pub(crate) use spill::Store;
