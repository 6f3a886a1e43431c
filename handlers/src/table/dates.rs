//! Dates in milliseconds (`Date64` of Arrow). Parquet has none: without a unit they would be numbers to other programs, so they are
//! stored as instants in milliseconds, and a mark in the metadata of the field brings their type back. Dates of Parquet count
//! days, and would lose what lies between two of them.

use std::sync::Arc;

use arrow::array::{Array, ArrayData, ArrayRef, RecordBatch, RecordBatchOptions, RecordBatchReader, make_array};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::formats::types_within;

/// Key and value of the mark.
const KEY: &str = "datafolio:type";
const DATE: &str = "date64";

const INSTANT: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// The rows as a Parquet file has them.
pub(super) fn as_instants(rows: Box<dyn RecordBatchReader + Send>) -> Box<dyn RecordBatchReader + Send> {
    let before = rows.schema();
    let schema = changed_schema(&before, &stored_field);
    if schema == before { rows } else { Box::new(AsInstants { rows, schema }) }
}

/// The columns of a file as the table has them.
pub(super) fn restored_schema(file: &SchemaRef) -> SchemaRef {
    changed_schema(file, &restored_field)
}

/// The same values in another type, which differs from theirs in dates and instants alone: both are numbers of milliseconds.
pub(super) fn retyped(array: &ArrayRef, of: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == of {
        return Ok(Arc::clone(array));
    }
    Ok(make_array(retyped_data(array.to_data(), of)?))
}

/// The batch with columns of these types, as [`retyped`].
pub(super) fn retyped_batch(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let (_, columns, rows) = batch.into_parts();
    let columns = columns.iter().zip(schema.fields()).map(|(column, field)| retyped(column, field.data_type()));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns.collect::<Result<_, _>>()?, &options)
}

fn retyped_data(data: ArrayData, of: &DataType) -> Result<ArrayData, ArrowError> {
    if data.data_type() == of {
        return Ok(data);
    }
    let children = data.child_data().iter().zip(types_within(of)).map(|(child, of)| retyped_data(child.clone(), of));
    let children = children.collect::<Result<_, _>>()?;
    data.into_builder().data_type(of.clone()).child_data(children).build()
}

fn changed_schema(schema: &SchemaRef, change: &dyn Fn(&Field) -> Field) -> SchemaRef {
    let fields: Vec<Field> = schema.fields().iter().map(|field| change(field)).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The field with others within its type changed.
fn within(field: &Field, change: &dyn Fn(&Field) -> Field) -> Field {
    let inner = |field: &FieldRef| Arc::new(change(field));
    let of = match field.data_type() {
        DataType::List(item) => DataType::List(inner(item)),
        DataType::LargeList(item) => DataType::LargeList(inner(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(inner(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, is_sorted) => DataType::Map(inner(entries), *is_sorted),
        _ => return field.clone(),
    };
    field.clone().with_data_type(of)
}

fn stored_field(field: &Field) -> Field {
    let Some(of) = exchanged(field.data_type(), &DataType::Date64, &INSTANT) else {
        return within(field, &stored_field);
    };
    let mut metadata = field.metadata().clone();
    metadata.insert(KEY.to_owned(), DATE.to_owned());
    field.clone().with_data_type(of).with_metadata(metadata)
}

fn restored_field(field: &Field) -> Field {
    if field.metadata().get(KEY).is_none_or(|mark| mark != DATE) {
        return within(field, &restored_field);
    }
    // A program that has changed the type keeps the mark, which says nothing then.
    let of = exchanged(field.data_type(), &INSTANT, &DataType::Date64);
    let mut metadata = field.metadata().clone();
    metadata.remove(KEY);
    let of = of.unwrap_or_else(|| field.data_type().clone());
    field.clone().with_data_type(of).with_metadata(metadata)
}

/// A type with another in its place, also as that of the values of a dictionary.
fn exchanged(of: &DataType, what: &DataType, with: &DataType) -> Option<DataType> {
    match of {
        of if of == what => Some(with.clone()),
        DataType::Dictionary(keys, values) if **values == *what => {
            Some(DataType::Dictionary(keys.clone(), Box::new(with.clone())))
        }
        _ => None,
    }
}

struct AsInstants {
    rows: Box<dyn RecordBatchReader + Send>,
    schema: SchemaRef,
}

impl Iterator for AsInstants {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.rows.next()?.and_then(|batch| {
            // A batch may have other columns than were announced, which is told by who encodes it.
            let schema = changed_schema(batch.schema_ref(), &stored_field);
            retyped_batch(batch, &schema)
        }))
    }
}

impl RecordBatchReader for AsInstants {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}
