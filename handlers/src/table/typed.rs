//! Columns without a type, of tables that have had no value for them: the first rows with values give them one.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, RecordBatchReader, new_null_array};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::TableReader;

/// The columns of a table with the types that rows have for those of its columns that have none; `None` where they have none either.
pub fn typed_by(table: &Schema, rows: &Schema) -> Option<SchemaRef> {
    let type_of = |field: &Field| {
        let (_, new) = rows.fields().find(field.name()).filter(|_| field.data_type().is_null())?;
        // What is there are nulls.
        (!new.data_type().is_null()).then(|| Arc::new(new.as_ref().clone().with_nullable(true)))
    };
    let typed: Vec<Option<Arc<Field>>> = table.fields().iter().map(|field| type_of(field)).collect();
    if typed.iter().all(Option::is_none) {
        return None;
    }
    let fields = typed.into_iter().zip(table.fields()).map(|(typed, field)| typed.unwrap_or_else(|| Arc::clone(field)));
    Some(Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), table.metadata().clone())))
}

/// The rows of a table, with the columns that further rows have, and behind them these. A column that has no type, or is not there, is
/// null.
pub fn rows_behind(table: TableReader, further: TableReader) -> TableReader {
    Box::new(RowsBehind { schema: further.schema(), table: Some(table), further })
}

struct RowsBehind {
    schema: SchemaRef,
    /// As long as it has rows.
    table: Option<TableReader>,
    further: TableReader,
}

impl RowsBehind {
    fn complete(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let column = |field: &Arc<Field>| -> ArrayRef {
            match batch.column_by_name(field.name()) {
                Some(column) if !column.data_type().is_null() => Arc::clone(column),
                _ => new_null_array(field.data_type(), batch.num_rows()),
            }
        };
        let columns = self.schema.fields().iter().map(column).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)
    }
}

impl Iterator for RowsBehind {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(table) = &mut self.table {
            match table.next() {
                Some(batch) => return Some(batch.and_then(|batch| self.complete(&batch))),
                None => self.table = None,
            }
        }
        self.further.next()
    }
}

impl RecordBatchReader for RowsBehind {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}
