//! Tables as files: Parquet, Arrow IPC and HDF5, written and read batch by batch.

mod ahead;
mod alike;
mod appended;
mod arrow_read;
mod arrow_write;
mod categories;
mod columns;
mod concat;
mod dates;
mod decoders;
mod decompress;
mod dictionaries;
mod dictionary;
mod differences;
mod direct;
mod encode;
mod file_rows;
mod fitted;
mod footers;
mod hdf5_read;
mod hdf5_write;
mod indices;
mod joined;
mod joint;
mod keyed;
mod known_texts;
mod leaves;
mod levels;
mod merged;
mod milliseconds;
mod numbers;
mod of_group;
mod ordered;
mod packing;
mod page_header;
mod pages;
mod parquet_read;
mod parquet_write;
mod parts_read;
mod payload;
mod plain;
mod runs;
mod source;
mod spare;
mod split_columns;
mod spread;
#[cfg(test)]
mod test_files;
mod texts;
mod type_name;
mod typed;
mod unmarked;
mod values;
mod wanted;
mod window;

use std::sync::Arc;

pub(crate) use alike::alike;
pub(crate) use arrow_read::{Decoder, open_arrow};
pub(crate) use arrow_write::write_arrow;
pub use columns::{Written, column_places};
pub(crate) use columns::{check_schema, places};
pub use concat::concat_rows;
pub use decoders::Decoders;
pub use fitted::fit_rows;
pub use footers::Footers;
pub use hdf5_read::open_stored_hdf5;
pub(crate) use hdf5_read::{Hdf5Batches, read_hdf5, reason_of};
pub(crate) use hdf5_write::write_hdf5;
pub use joined::Joined;
pub use keyed::keyed_texts;
pub use merged::read_merged;
pub use ordered::{OrderedCategories, listed};
pub(crate) use parquet_read::ParquetFile;
pub use parquet_write::write_parquet;
pub(crate) use parts_read::{in_part, read_parts};
pub(crate) use payload::{read_arrow, read_parquet};
pub(crate) use source::SourceFile;
pub(crate) use spread::Spread;
pub use type_name::{arrow_field_type_name, arrow_type_name};
pub use typed::{rows_behind, typed_by};
pub use unmarked::unmarked;
pub use values::DictionaryValues;
pub(crate) use window::Window;

/// The rows of a table.
pub(crate) type TableReader = Box<dyn arrow::array::RecordBatchReader + Send>;

/// Rows of the batches that are read, unless the caller says otherwise.
const BATCH_ROWS: usize = 16_384;

/// Which part of a table is read, and how; by default all of it, in one thread.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableReadOptions {
    /// These columns, in this order; `None` for all.
    pub columns: Option<Vec<String>>,
    /// Leave out this many rows at the start.
    pub offset: u64,
    /// At most this many rows; `None` for all.
    pub limit: Option<u64>,
    /// These rows alone, counted from 0 and ascending; then `offset` and `limit` do not count. `None` for all.
    pub rows: Option<Arc<[u64]>>,
    /// Most rows of one batch, which has fewer where rows are wide.
    pub batch_rows: usize,
    /// Rows of the first batch where that is to be shorter, as far as the file's format allows: those that complete a batch of
    /// another file before it.
    pub first_rows: Option<usize>,
    /// How many threads may decode.
    pub threads: usize,
    /// The threads that decode, where those of several files are to be the same: then one decodes ahead of whoever reads, also where
    /// there is too little for several.
    pub decoders: Option<Decoders>,
    /// What was read of files that stay as they are, where they are opened again and again.
    pub footers: Option<Footers>,
    /// Whether texts may be given as [`keyed_texts`], where a file has them so: for whoever compares them and looks at the type of each
    /// batch, since one file of a table may have them so and another not.
    pub are_texts_keyed: bool,
}

impl Default for TableReadOptions {
    fn default() -> Self {
        Self {
            columns: None,
            offset: 0,
            limit: None,
            rows: None,
            batch_rows: BATCH_ROWS,
            first_rows: None,
            threads: 1,
            decoders: None,
            footers: None,
            are_texts_keyed: false,
        }
    }
}

impl TableReadOptions {
    /// Whether all rows are wanted.
    pub(crate) fn wants_all_rows(&self) -> bool {
        self.offset == 0 && self.limit.is_none() && self.rows.is_none()
    }

    /// How many rows of a table with so many are wanted.
    pub(crate) fn wanted_rows(&self, all: u64) -> u64 {
        match &self.rows {
            Some(rows) => rows.len() as u64,
            None => all.saturating_sub(self.offset).min(self.limit.unwrap_or(u64::MAX)),
        }
    }
}
