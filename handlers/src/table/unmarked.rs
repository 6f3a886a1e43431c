//! Results of SQL as tables: without what their columns are marked with for whoever is given them.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use datafolio_core::SQL_TYPE;

/// The rows without the types that their columns had in SQL: a stored column has the type that it is stored with.
pub fn unmarked(rows: Box<dyn RecordBatchReader + Send>) -> Box<dyn RecordBatchReader + Send> {
    let before = rows.schema();
    if !before.fields().iter().any(|field| field.metadata().contains_key(SQL_TYPE)) {
        return rows;
    }
    let fields = before.fields().iter().map(|field| {
        let mut field = field.as_ref().clone();
        field.metadata_mut().remove(SQL_TYPE);
        field
    });
    let schema = Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), before.metadata().clone()));
    Box::new(Unmarked { rows, schema })
}

struct Unmarked {
    rows: Box<dyn RecordBatchReader + Send>,
    schema: SchemaRef,
}

impl Iterator for Unmarked {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.rows.next()?;
        Some(batch.and_then(|batch| {
            let (_, columns, rows) = batch.into_parts();
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)
        }))
    }
}

impl RecordBatchReader for Unmarked {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}
