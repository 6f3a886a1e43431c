//! Where rows come from.

mod batches;
mod hdf5;

use std::fmt::Debug;
use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

pub use batches::BatchSource;
pub use hdf5::Hdf5Source;

use crate::error::ColumnsResult;

/// Rows of columns that stay as they are for as long as they are read.
///
/// Any number of threads read from a source at once, each its own stretch of rows.
pub trait Source: Debug + Send + Sync {
    /// The columns.
    fn schema(&self) -> SchemaRef;

    /// How many rows there are.
    fn rows(&self) -> u64;

    /// Cuts some rows into stretches, each of which one thread reads in one go: about `target` rows, or what is decoded together.
    fn tasks(&self, rows: Range<u64>, target: u64) -> Vec<Range<u64>> {
        even_tasks(rows, target)
    }

    /// Reads some rows of some columns, which are named by their places in the schema, in one batch or several.
    ///
    /// A mapped source gives slices of the mapping, and no row is read before it is looked at.
    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>>;

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
        let end = ((start / target + 1) * target).min(rows.end);
        tasks.push(start..end);
        start = end;
    }
    tasks
}
