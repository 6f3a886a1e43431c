//! Different values: which there are, how many, and how often each occurs.

mod counts;
mod entries;
mod nunique;
mod sketch;
mod tally;
mod texts;
mod values;

pub(crate) use nunique::Nunique;
pub(crate) use sketch::{ApproxNunique, HyperLogLog, TopValues, as_one, new_sketch};
pub(crate) use tally::Tally;
pub(in crate::aggregate) use tally::key;
pub(crate) use values::{Distinct, Report};

use super::request::Keep;
use crate::error::ColumnsError;

/// The error of values that take more memory than they may.
fn too_many(allowed: u64) -> ColumnsError {
    ColumnsError::option(format!(
        "the different values take more than the {} MiB that a thread may use; allow more by the option `memory`, look at fewer rows with \
         a filter, or ask a sketch: approx_nunique, or top_values",
        allowed >> 20
    ))
}
