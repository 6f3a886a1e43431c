//! Where rows come from.

mod batches;
mod concat;
mod hdf5;
mod ipc;
mod npy;
mod parquet;
mod raw;
mod spool;
mod take;

use std::fmt::Debug;
use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

pub use self::parquet::ParquetSource;
pub use batches::BatchSource;
pub use concat::ConcatSource;
pub use hdf5::Hdf5Source;
pub use ipc::IpcSource;
pub use npy::NpySource;
pub(crate) use raw::{Dictionaries, next_dictionary, offsets_hold, texts_hold};
pub use raw::{RawBatch, RawBatches, RawCodes, RawColumn, RawOffsets, RawTexts};
pub(crate) use spool::{of_reader, spool};
pub use take::TakeSource;

use crate::error::ColumnsResult;
pub use crate::store::Guard;
use crate::store::Store;

/// Rows of columns that stay as they are for as long as they are read.
///
/// Any number of threads read from a source at once, each its own stretch of rows.
pub trait Source: Debug + Send + Sync {
    /// The columns.
    fn schema(&self) -> SchemaRef;

    /// How many rows there are.
    fn rows(&self) -> u64;

    /// What messages call it: the path of a file.
    fn name(&self) -> String {
        "rows in memory".to_owned()
    }

    /// Cuts some rows into stretches, each of which one thread reads in one go: about `target` rows, or what is decoded together.
    fn tasks(&self, rows: Range<u64>, target: u64) -> Vec<Range<u64>> {
        even_tasks(rows, target)
    }

    /// Reads some rows of some columns, which are named by their places in the schema, in one batch or several.
    ///
    /// A mapped source gives slices of the mapping, and no row is read before it is looked at. Texts are another matter: Arrow
    /// takes it for granted that they are UTF-8, so they are looked at here.
    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>>;

    /// Reads some rows for a pass: texts and codes as they lie in the file, of which no more is looked at than that they are texts.
    fn read_raw(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<RawBatches<'_>> {
        let batches = self.read(rows, columns)?;
        Ok(Box::new(batches.map(|batch| batch.map(|batch| RawBatch::of(&batch)))))
    }

    /// Looks whether the rows can still be read, which is done before every pass: a mapped file that was cut would end the process.
    ///
    /// # Errors
    /// Where a file is shorter than it was, or out of reach.
    fn check(&self) -> ColumnsResult<()> {
        Ok(())
    }

    /// A text that is another one where any value of these columns is another one; none where that cannot be told.
    fn fingerprint(&self, columns: &[usize]) -> Option<String>;
}

/// Batches of rows, one after the other.
pub type Batches<'s> = Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + 's>;

/// Stretches of `target` rows, which begin at multiples of it, so that the same rows are always cut in the same places.
pub fn even_tasks(rows: Range<u64>, target: u64) -> Vec<Range<u64>> {
    let target = target.max(1);
    let mut tasks = Vec::new();
    let mut start = rows.start;
    while start < rows.end {
        let end = (start / target + 1).saturating_mul(target).min(rows.end);
        tasks.push(start..end);
        start = end;
    }
    tasks
}

/// The fingerprint of some columns of a file: of its content where the caller knows that, else of path, length, time and inode.
pub(crate) fn file_fingerprint(store: &Store, content: Option<&String>, columns: &[usize]) -> Option<String> {
    match content {
        Some(content) => Some(format!("{content} {columns:?}")),
        None => Some(format!("{} {columns:?}", store.identity()?)),
    }
}
