//! Columns that have no place in a line of values, as text.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, LargeStringBuilder, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::text_field;
use crate::error::{ColumnsError, ColumnsResult};

/// Whether values of the type are several, or structured.
fn nested(type_: &DataType) -> bool {
    type_.is_nested() && !matches!(type_, DataType::Dictionary(_, values) if !values.is_nested())
}

/// The schema with text instead of what is nested.
pub(super) fn schema(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match nested(field.data_type()) {
        true => text_field(field),
        false => field.clone(),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A batch with text instead of what is nested.
pub(super) fn batch(batch: &RecordBatch, schema: &SchemaRef) -> ColumnsResult<RecordBatch> {
    let columns = batch.columns().iter().map(|array| match nested(array.data_type()) {
        true => text(array),
        false => Ok(array.clone()),
    });
    Ok(RecordBatch::try_new(schema.clone(), columns.collect::<ColumnsResult<_>>()?)?)
}

fn text(array: &ArrayRef) -> ColumnsResult<ArrayRef> {
    let options = FormatOptions::new().with_null("null");
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let mut texts = LargeStringBuilder::with_capacity(array.len(), array.len() * 16);
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
            continue;
        }
        let failed =
            |_| ColumnsError::option(format!("a value of type {} cannot be written as text", array.data_type()));
        write!(texts, "{}", formatter.value(row)).map_err(failed)?;
        texts.append_value("");
    }
    Ok(Arc::new(texts.finish()))
}
