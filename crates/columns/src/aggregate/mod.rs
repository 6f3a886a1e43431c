//! Aggregations: what all rows together have.

mod distinct;
mod extremes;
mod moments;
mod quantile;
mod request;
mod text;

pub(crate) use distinct::Distinct;
pub(crate) use moments::{Moment, Moments};
pub(crate) use quantile::Quantile;
pub use request::{Aggregate, agg};
pub(crate) use request::{Answers, Kind};
pub(crate) use text::{ANSWER, NAMES, aggregates_of};
