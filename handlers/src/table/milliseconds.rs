//! Times in seconds. Parquet has none: without a unit they would be numbers to other programs, so they are stored in milliseconds,
//! as pyarrow does.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, RecordBatchReader, make_array};
use arrow::datatypes::{
    DataType, Field, Schema, SchemaRef, Time32MillisecondType, Time32SecondType, TimeUnit, TimestampMillisecondType,
    TimestampSecondType,
};
use arrow::error::ArrowError;

use crate::error::HandlerError;

/// The type that values of a type have in a Parquet file.
pub(super) fn stored_type(data_type: &DataType) -> DataType {
    let inner = |field: &Arc<Field>| Arc::new(stored_field(field));
    match data_type {
        DataType::Timestamp(TimeUnit::Second, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone.clone()),
        DataType::Time32(TimeUnit::Second) => DataType::Time32(TimeUnit::Millisecond),
        DataType::List(field) => DataType::List(inner(field)),
        DataType::LargeList(field) => DataType::LargeList(inner(field)),
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(inner(field), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(field, is_sorted) => DataType::Map(inner(field), *is_sorted),
        DataType::Dictionary(key, value) => DataType::Dictionary(key.clone(), Box::new(stored_type(value))),
        other => other.clone(),
    }
}

fn stored_field(field: &Field) -> Field {
    field.clone().with_data_type(stored_type(field.data_type()))
}

fn stored_schema(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema.fields().iter().map(|field| stored_field(field)).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The same values in the type that they have in a Parquet file.
///
/// # Errors
/// A time that is too far away for milliseconds.
pub(super) fn stored(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let of = stored_type(array.data_type());
    if &of == array.data_type() {
        return Ok(Arc::clone(array));
    }
    let too_large = || ArrowError::ComputeError("a time in seconds is too far away for milliseconds".to_owned());
    let converted: ArrayRef = match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, zone) => {
            let seconds = array.as_primitive::<TimestampSecondType>();
            let times = seconds.try_unary::<_, TimestampMillisecondType, ArrowError>(|time| {
                time.checked_mul(1_000).ok_or_else(too_large)
            })?;
            Arc::new(times.with_timezone_opt(zone.clone()))
        }
        DataType::Time32(TimeUnit::Second) => {
            let seconds = array.as_primitive::<Time32SecondType>();
            Arc::new(seconds.try_unary::<_, Time32MillisecondType, ArrowError>(|time| {
                time.checked_mul(1_000).ok_or_else(too_large)
            })?)
        }
        // What holds others stays as it is, with others in it.
        _ => {
            let data = array.to_data();
            let children = data.child_data().iter().map(|child| Ok(stored(&make_array(child.clone()))?.to_data()));
            let children = children.collect::<Result<Vec<_>, ArrowError>>()?;
            make_array(data.into_builder().data_type(of).child_data(children).build()?)
        }
    };
    Ok(converted)
}

/// The rows as a Parquet file has them.
pub(super) fn in_milliseconds(
    item: &str,
    rows: Box<dyn RecordBatchReader + Send>,
) -> Box<dyn RecordBatchReader + Send> {
    let before = rows.schema();
    let schema = stored_schema(&before);
    if schema == before { rows } else { Box::new(InMilliseconds { item: item.to_owned(), rows, schema }) }
}

struct InMilliseconds {
    item: String,
    rows: Box<dyn RecordBatchReader + Send>,
    schema: SchemaRef,
}

impl InMilliseconds {
    fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let schema = batch.schema();
        let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
            stored(column).map_err(|error| {
                let reason = match error {
                    ArrowError::ComputeError(reason) => format!("{reason}, which Parquet has instead"),
                    other => other.to_string(),
                };
                let reason = format!("column {:?}: {reason}", field.name());
                ArrowError::ExternalError(Box::new(HandlerError::Invalid { item: self.item.clone(), reason }))
            })
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(stored_schema(&schema), columns, &options)
    }
}

impl Iterator for InMilliseconds {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.rows.next()?.and_then(|batch| self.convert(&batch)))
    }
}

impl RecordBatchReader for InMilliseconds {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}
