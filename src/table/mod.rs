//! Tables: read in part, walked through, sampled, described, and handed to other programs.

use std::ops::Range;

mod chunks;
#[cfg(feature = "sql")]
mod filter;
#[cfg(not(feature = "sql"))]
#[path = "no_filter.rs"]
mod filter;
mod info;
mod paths;
mod read;
mod sample;

pub use chunks::{DEFAULT_CHUNK_SIZE, IterOptions, TableChunks};
pub(crate) use info::KnownFacts;
#[cfg(feature = "sql")]
pub(crate) use read::is_table_entry;

pub use info::TableInfo;
pub use paths::TablePaths;
pub use read::TableOptions;

/// The rows of a table that a condition holds for, as far as they are wanted.
#[derive(Debug)]
#[cfg_attr(not(feature = "sql"), allow(dead_code, reason = "nobody looks at it without SQL"))]
struct Conditional<'a> {
    /// The condition.
    condition: &'a str,
    columns: Option<&'a [String]>,
    /// The rows among which those are that it holds for.
    rows: Range<u64>,
    /// Of those that it holds for.
    offset: u64,
    limit: Option<u64>,
}
