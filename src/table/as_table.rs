//! The rows of a query as rows of a table, some of them with new values.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafolio_handlers::{HandlerError, Misfit};
use datafolio_sql::QueryReader;

use super::assign::{assigned, strictly};

/// The rows of a query with the types of a table, and with the new values.
pub(super) struct AsTable {
    item: String,
    rows: QueryReader,
    /// The columns that are set. Behind the columns of the table the rows say whether they are, and then have the values.
    set: Vec<usize>,
    schema: SchemaRef,
    /// How many rows got values.
    changed: Arc<AtomicU64>,
}

impl AsTable {
    /// Columns `set` get the values that stand behind the flag; how many rows they were is added to `changed`.
    pub(super) fn new(
        item: &str,
        rows: QueryReader,
        set: Vec<usize>,
        schema: SchemaRef,
        changed: Arc<AtomicU64>,
    ) -> Self {
        Self { item: item.to_owned(), rows, set, schema, changed }
    }

    fn conform(&self, batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
        let mut columns = batch.columns()[..self.schema.fields().len()].to_vec();
        self.assign(batch, &mut columns)?;
        let columns = columns.into_iter().zip(self.schema.fields()).map(|(column, field)| {
            let column =
                strictly(&column, field.data_type()).map_err(|error| self.mismatch(field.name(), error.to_string()))?;
            match !field.is_nullable() && column.null_count() > 0 {
                true => {
                    let reason = "it must have a value in every row, and a new value is null".to_owned();
                    Err(self.mismatch(field.name(), reason))
                }
                false => Ok(column),
            }
        });
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)
    }

    /// Puts new values into the columns that are set.
    fn assign(&self, batch: &RecordBatch, columns: &mut [ArrayRef]) -> std::result::Result<(), ArrowError> {
        let Some((flags, values)) = batch.columns()[columns.len()..].split_first() else { return Ok(()) };
        let Some(flags) = flags.as_boolean_opt() else {
            return Err(ArrowError::SchemaError("a condition is true or false".to_owned()));
        };
        // A value that is null is one that is set.
        let flags = BooleanArray::new(flags.values().clone(), None);
        self.changed.fetch_add(flags.true_count() as u64, Ordering::Relaxed);
        for (place, new) in self.set.iter().zip(values) {
            let (column, field) = (&mut columns[*place], self.schema.field(*place));
            *column = assigned(&flags, new, column, field.data_type())
                .map_err(|reason| self.mismatch(field.name(), reason))?;
        }
        Ok(())
    }

    fn mismatch(&self, column: &str, reason: String) -> ArrowError {
        let (item, column, misfit) = (self.item.clone(), column.to_owned(), Misfit::NewValue);
        ArrowError::ExternalError(Box::new(HandlerError::SchemaMismatch { item, column, misfit, reason }))
    }
}

impl Iterator for AsTable {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.rows.next()?.and_then(|batch| self.conform(&batch)))
    }
}

impl RecordBatchReader for AsTable {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}
