//! Aggregations: what all rows together have.

mod moments;

pub(crate) use moments::{Moment, Moments};
