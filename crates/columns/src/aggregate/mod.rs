//! Aggregations: what all rows together have.

pub mod agg;
mod bits;
mod distinct;
mod ends;
mod list;
mod masks;
mod pairs;
mod plan;
mod quantile;
mod request;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod top;
mod truth;

pub(crate) use distinct::{HyperLogLog, Report, as_one, new_sketch};
pub(crate) use plan::{plan, plan_distinct, plan_top};
pub(crate) use request::Kind;
pub use request::{Aggregate, Keep};
pub(crate) use summary::{Moment, Part};
pub(crate) use text::{names, take_out};
