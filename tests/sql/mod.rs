//! SQL over the tables of a bundle.

mod changing;
mod conditions;
#[cfg(feature = "delta")]
mod delta;
mod derived;
mod differences;
mod fetched;
mod frames;
mod gate;
mod instants;
mod keyless;
mod lanes;
mod missing;
mod naming;
mod results;
mod scanned;
mod skipping;
mod stopping;
mod untouched;
mod views;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, StringArray};
use datafolio::{AddOptions, Data, DataFolio, Error, QueryOptions, QueryReader};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::new_bundle;

fn data(batch: &RecordBatch) -> Data {
    Data::Table(Box::new(RecordBatchIterator::new([Ok(batch.clone())], batch.schema())))
}

/// Columns `id` (0, 1, ...), `kind` (a, b, c in turn) and `value` (half of `id`).
fn numbers(rows: i64) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let kind: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|id| ["a", "b", "c"][id as usize % 3])));
    let value: ArrayRef = Arc::new(Float64Array::from_iter_values((0..rows).map(|id| id as f64 / 2.0)));
    RecordBatch::try_from_iter([("id", id), ("kind", kind), ("value", value)]).unwrap()
}

/// A bundle with the table `numbers` of 9 rows, the same as Arrow (`mapped`), and `kinds`.
fn with_numbers() -> (TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    folio.add("numbers", data(&numbers(9)), AddOptions::new()).unwrap();
    folio.add("mapped", data(&numbers(9)), AddOptions::new().table_format("arrow")).unwrap();
    let kind: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let title: ArrayRef = Arc::new(StringArray::from(vec!["first", "second"]));
    let kinds = RecordBatch::try_from_iter([("kind", kind), ("title", title)]).unwrap();
    folio.add("kinds", data(&kinds), AddOptions::new()).unwrap();
    (dir, folio)
}

/// The rows of a result as lists of JSON values.
fn rows(reader: QueryReader) -> Result<Vec<Vec<Value>>, Error> {
    let mut rows = Vec::new();
    for batch in reader {
        let batch = batch?;
        let mut writer = arrow::json::writer::WriterBuilder::new()
            .with_explicit_nulls(true)
            .build::<_, arrow::json::writer::JsonArray>(Vec::new());
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let objects: Vec<serde_json::Map<String, Value>> = serde_json::from_slice(&writer.into_inner()).unwrap();
        rows.extend(objects.into_iter().map(|row| row.into_iter().map(|(_, value)| value).collect()));
    }
    Ok(rows)
}

fn ask(folio: &DataFolio, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
    rows(folio.query(sql, &QueryOptions::new())?)
}

fn ask_table(folio: &DataFolio, name: &str, sql: &str) -> Result<Vec<Vec<Value>>, Error> {
    rows(folio.query_table(name, sql, &QueryOptions::new())?)
}

/// The first value of a result.
fn one(folio: &DataFolio, sql: &str) -> Value {
    ask(folio, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))[0][0].clone()
}
