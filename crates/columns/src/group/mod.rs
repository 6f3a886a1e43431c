//! Aggregations by group.
//!
//! Each thread gives every group that it meets a number, by a table of its own, and keeps what is gathered in vectors by that number. At the
//! end the tables are put together. Groups come out in the order in which they occur, or sorted by their keys.

mod keys;
mod sink;
mod states;
#[cfg(test)]
mod tests;

pub(crate) use sink::{GroupBy, KeyColumn, Wanted};
