//! Tables as files: Parquet and Arrow IPC, written and read batch by batch.

mod ahead;
mod arrow_read;
mod arrow_write;
mod categories;
mod columns;
mod parquet_read;
mod parquet_write;
mod payload;
mod source;
mod type_name;
mod window;

pub(crate) use arrow_read::{Decoder, open_arrow};
pub(crate) use arrow_write::write_arrow;
pub(crate) use columns::{Written, check_schema, places};
pub(crate) use parquet_read::ParquetFile;
pub(crate) use parquet_write::write_parquet;
pub(crate) use payload::{read_arrow, read_parquet};
pub(crate) use source::SourceFile;
pub use type_name::{arrow_field_type_name, arrow_type_name};

/// Which part of a table is read; by default all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableReadOptions {
    /// These columns, in this order; `None` for all.
    pub columns: Option<Vec<String>>,
    /// Leave out this many rows at the start.
    pub offset: u64,
    /// At most this many rows; `None` for all.
    pub limit: Option<u64>,
}

impl TableReadOptions {
    /// Whether this is the whole table.
    pub fn is_whole(&self) -> bool {
        self.columns.is_none() && self.offset == 0 && self.limit.is_none()
    }
}
