//! Where rows come from, and the walk over them.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use datafolio_core::counted;
use std::path::Path;
use std::sync::Arc;

use crate::error::ColumnsResult;

use super::faults;

/// Rows that can be walked several times, also by several threads at once, and are the same every time.
pub trait Rows: Sync {
    /// The columns.
    fn schema(&self) -> SchemaRef;

    /// How many rows there are.
    fn rows(&self) -> u64;

    /// All rows in order, of these columns in this order.
    fn batches(
        &self,
        columns: &[usize],
    ) -> ColumnsResult<Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + '_>>;
}

impl Rows for &[RecordBatch] {
    fn schema(&self) -> SchemaRef {
        self.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema)
    }

    fn rows(&self) -> u64 {
        self.iter().map(|batch| batch.num_rows() as u64).sum()
    }

    fn batches(
        &self,
        columns: &[usize],
    ) -> ColumnsResult<Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + '_>> {
        Ok(projected(self, columns))
    }
}

impl Rows for Vec<RecordBatch> {
    fn schema(&self) -> SchemaRef {
        self.as_slice().schema()
    }

    fn rows(&self) -> u64 {
        self.as_slice().rows()
    }

    fn batches(
        &self,
        columns: &[usize],
    ) -> ColumnsResult<Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + '_>> {
        Ok(projected(self, columns))
    }
}

fn projected<'a>(
    batches: &'a [RecordBatch],
    columns: &[usize],
) -> Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + 'a> {
    let columns = columns.to_vec();
    Box::new(batches.iter().map(move |batch| Ok(batch.project(&columns)?)))
}

/// Walks all rows of some columns, in pieces of at most so many rows, and sees to it that there are as many rows of these types
/// as was said.
pub(super) fn walk(
    path: &Path,
    rows: &dyn Rows,
    schema: &Schema,
    columns: &[usize],
    chunk: usize,
    mut see: impl FnMut(&[ArrayRef]) -> ColumnsResult<()>,
) -> ColumnsResult<()> {
    let (expected, mut seen) = (rows.rows(), 0_u64);
    for batch in rows.batches(columns)? {
        let batch = batch?;
        if batch.num_columns() != columns.len() {
            let reason = format!("{} columns were asked for, and a batch has {}", columns.len(), batch.num_columns());
            return Err(faults::changed(path, &reason));
        }
        for (array, &column) in batch.columns().iter().zip(columns) {
            let field = schema.field(column);
            if array.data_type() != field.data_type() {
                let (type_, declared) = (array.data_type(), field.data_type());
                let reason = format!("column '{}' is of type {declared}, and a batch has {type_}", field.name());
                return Err(faults::changed(path, &reason));
            }
        }
        seen += batch.num_rows() as u64;
        if seen > expected {
            return Err(faults::changed(path, &format!("there are more rows than the {expected} that were announced")));
        }
        let mut start = 0;
        while start < batch.num_rows() {
            let length = chunk.min(batch.num_rows() - start);
            let slices: Vec<ArrayRef> = batch.columns().iter().map(|array| array.slice(start, length)).collect();
            see(&slices)?;
            start += length;
        }
    }
    if seen < expected {
        return Err(faults::changed(path, &format!("there are {}, and {expected} announced", counted(seen, "row"))));
    }
    Ok(())
}
