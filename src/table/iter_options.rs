//! How a table is walked through.

use std::ops::Range;

use datafolio_storage::Verification;

use super::Condition;

/// Rows of a chunk, unless the caller says otherwise.
pub const DEFAULT_CHUNK_SIZE: usize = 10_000;

/// How a table is walked through; by default all of it, 10,000 rows at a time.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct IterOptions {
    /// Rows of every chunk; the last one may have fewer.
    pub chunk_size: usize,
    /// These columns, in this order; `None` for all.
    pub columns: Option<Vec<String>>,
    /// Only rows for which this SQL condition holds, such as `p_value < 0.05`.
    pub filter: Option<Condition>,
    /// The first row, counted from 0 among all rows of the table.
    pub start_row: u64,
    /// The row behind the last one; `None` for the end of the table.
    pub end_row: Option<u64>,
    /// This version of the item, by its id; `None` for the current one.
    pub version: Option<String>,
    /// How what is read is compared with its recorded hashes; `None` as the settings say.
    pub verification: Option<Verification>,
}

impl Default for IterOptions {
    fn default() -> Self {
        Self {
            chunk_size: DEFAULT_CHUNK_SIZE,
            columns: None,
            filter: None,
            start_row: 0,
            end_row: None,
            version: None,
            verification: None,
        }
    }
}

impl IterOptions {
    /// All of the current version, 10,000 rows at a time.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many rows at a time.
    pub fn chunk_size(mut self, rows: usize) -> Self {
        self.chunk_size = rows;
        self
    }

    /// These columns, in this order.
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Only rows for which this SQL condition holds.
    pub fn filter(mut self, condition: impl Into<Condition>) -> Self {
        self.filter = Some(condition.into());
        self
    }

    /// From this row on: where [`TableChunks::position`](super::TableChunks::position) was when the work stopped.
    pub fn start_row(mut self, row: u64) -> Self {
        self.start_row = row;
        self
    }

    /// These rows alone, as [`DataFolio::split_table`](crate::DataFolio::split_table) gives them.
    pub fn rows(mut self, rows: Range<u64>) -> Self {
        (self.start_row, self.end_row) = (rows.start, Some(rows.end));
        self
    }

    /// Of this version, by its id.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Compares what is read with its recorded hashes to this degree, whatever the settings say.
    pub fn verification(mut self, verification: Verification) -> Self {
        self.verification = Some(verification);
        self
    }
}
