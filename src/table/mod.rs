//! Tables: read in part, walked through, sampled, described, and handed to other programs.

use std::ops::Range;

mod append;
mod append_typed;
#[cfg(feature = "sql")]
mod assign;
#[cfg(feature = "sql")]
mod change_rows;
#[cfg(feature = "sql")]
mod changed_rows;
mod chunks;
mod compact;
mod condition;
mod content;
mod diff;
#[cfg(feature = "sql")]
mod exact;
#[cfg(feature = "sql")]
mod filter;
#[cfg(not(feature = "sql"))]
#[path = "no_filter.rs"]
mod filter;
mod frame;
#[cfg(feature = "polars")]
mod frames;
mod hdf5;
#[cfg(feature = "sql")]
mod in_question;
mod info;
mod iter_options;
mod known;
#[cfg(feature = "sql")]
mod numbered;
mod parts;
mod paths;
#[cfg(feature = "sql")]
mod plain;
#[cfg(feature = "sql")]
mod ranges;
mod read;
mod references;
mod reservoir;
mod sample;
#[cfg(feature = "sql")]
mod scan;
#[cfg(feature = "sql")]
mod shares;
mod split;
mod stage;
mod statistics;

pub use append::{AppendOptions, Appended};
pub use chunks::TableChunks;
pub use compact::Compacted;
pub use condition::Condition;
pub(crate) use content::content_of;
#[cfg(feature = "sql")]
pub(crate) use exact::{refuse_folded, refuse_inexact};
pub(crate) use hdf5::Reread;
pub(crate) use known::KnownFacts;
pub(crate) use read::is_table_entry;

pub use diff::{ColumnType, DiffOptions, RetypedColumn, TableDiff, TableState};
#[cfg(feature = "polars")]
pub use frames::FrameChunks;
pub use info::TableInfo;
pub use iter_options::{DEFAULT_CHUNK_SIZE, IterOptions};
pub use paths::TablePaths;
pub(crate) use paths::several_files;
pub use read::TableOptions;
pub use references::ChangedReference;
pub use stage::{AbortedStage, CommittedStage, Stage, StageMode, StageOptions};
pub(crate) use stage::{STAGES, stage_of};
pub use statistics::{ColumnStatistics, Distinct, Quantile, StatisticsOptions, TableStatistics, TopValue};

/// What changing rows has done.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RowsChanged {
    /// The table.
    pub name: String,
    /// How many rows were changed or removed.
    pub rows: u64,
    /// How many parts were written anew.
    pub parts_written: usize,
    /// How many parts the new version shares with the one before.
    pub parts_kept: usize,
    /// How many rows the table has now.
    pub num_rows: u64,
    /// Whether the table was derived until then; now it is one of its own, which nobody makes again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub was_derived: bool,
}

/// The rows of a table that a condition holds for, as far as they are wanted.
#[derive(Debug)]
#[cfg_attr(not(feature = "sql"), allow(dead_code, reason = "nobody looks at it without SQL"))]
struct Conditional<'a> {
    /// The condition.
    condition: &'a Condition,
    columns: Option<&'a [String]>,
    /// The rows among which those are that it holds for.
    rows: Range<u64>,
    /// Of those that it holds for.
    offset: u64,
    limit: Option<u64>,
}
