//! Aggregations: what all rows together have.

pub mod agg;
mod moments;
mod request;

pub(crate) use moments::{Moment, Moments};
pub use request::{Aggregate, Keep};
pub(crate) use request::Kind;
