//! The columns that the kernel asks for of a file, and that its name is one of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType as Arrow, Field, FieldRef, Schema, SchemaRef};
use delta_kernel::schema::{MetadataColumnSpec, StructType};

use crate::conform::words;
use crate::error::{DeltaError, DeltaResult};

/// Columns, of which some are not in the file.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// Those that are to be read.
    pub(super) stored: StructType,
    /// All of them in their order: which of those that are read, or the address of the file.
    columns: Vec<Column>,
}

#[derive(Debug, Clone)]
enum Column {
    Stored(usize),
    Address(FieldRef),
}

impl Shape {
    pub(super) fn of(schema: &StructType) -> DeltaResult<Self> {
        let (mut stored, mut columns) = (Vec::new(), Vec::new());
        for field in schema.fields() {
            match field.get_metadata_column_spec() {
                None => {
                    columns.push(Column::Stored(stored.len()));
                    stored.push(field.clone());
                }
                Some(MetadataColumnSpec::FilePath) => {
                    columns.push(Column::Address(Arc::new(Field::new(field.name(), Arrow::Utf8, true))));
                }
                Some(other) => return Err(DeltaError::Unsupported(format!("column {} of a file", other.text_value()))),
            }
        }
        Ok(Self { stored: StructType::try_new(stored)?, columns })
    }

    /// A batch with all columns, of what was read of the file at an address.
    pub(super) fn complete(&self, batch: &RecordBatch, address: &str) -> DeltaResult<RecordBatch> {
        let rows = batch.num_rows();
        let (mut fields, mut values): (Vec<FieldRef>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
        for column in &self.columns {
            match column {
                Column::Stored(place) => {
                    fields.push(Arc::clone(&batch.schema_ref().fields()[*place]));
                    values.push(ArrayRef::clone(batch.column(*place)));
                }
                Column::Address(field) => {
                    fields.push(Arc::clone(field));
                    values.push(Arc::new(StringArray::from_iter_values(std::iter::repeat_n(address, rows))));
                }
            }
        }
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        RecordBatch::try_new_with_options(schema, values, &RecordBatchOptions::new().with_row_count(Some(rows)))
            .map_err(|error| DeltaError::damaged(address, words(&error)))
    }
}
