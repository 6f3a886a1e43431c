//! What cannot be added, and what leaves no trace.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchIterator, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use chrono::{TimeZone, Utc};
use datafolio_core::ErrorCategory;
use datafolio_handlers::npy::NpyArray;
use datafolio_handlers::{Data, HandlerError, HandlerResult, Item, Model, Registry, Sink, WriteOptions};
use datafolio_storage::{LocalStorage, Storage, Verification, VerifiedCache};
use datafolio_testkit::handler_suite::record;
use serde_json::json;
use tempfile::TempDir;

/// Writes through the handler that recognises the value; no file may stay.
fn refused(data: Data, options: &WriteOptions) -> HandlerError {
    let dir = TempDir::new().unwrap();
    let storage: Arc<dyn Storage> = Arc::new(LocalStorage::create(dir.path()).unwrap());
    let registry = Registry::with_builtin();
    let handler = registry.recognise(&data).unwrap();
    let mut sink = Sink::new(&storage, handler.item_type(), "item");
    let error = handler.write(data, options, &mut sink).unwrap_err();
    assert!(storage.list(None).unwrap().is_empty(), "{error}");
    error
}

fn table(batches: Vec<Result<RecordBatch, ArrowError>>, schema: Schema) -> Data {
    Data::Table(Box::new(RecordBatchIterator::new(batches, Arc::new(schema))))
}

fn numbers(name: &str) -> RecordBatch {
    RecordBatch::try_from_iter([(name, Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef)]).unwrap()
}

fn options(table_format: &str) -> WriteOptions {
    let mut options = WriteOptions::default();
    options.table_format = Some(table_format.to_owned());
    options
}

#[test]
fn a_reader_that_fails_half_way_leaves_nothing_and_keeps_its_error() {
    for format in ["parquet", "arrow", "hdf5"] {
        let schema = numbers("a").schema().as_ref().clone();
        let failure = ArrowError::CsvError("line 7".to_owned());
        let error = refused(table(vec![Ok(numbers("a")), Err(failure)], schema.clone()), &options(format));
        assert!(error.to_string().contains("line 7"), "{error}");
        // An error of this crate comes out as it went in: copying a damaged table is damage, not a wrong value.
        let carried = HandlerError::Damaged { item: "source".to_owned(), reason: "flipped".to_owned() };
        let failure = ArrowError::ExternalError(Box::new(carried));
        let error = refused(table(vec![Ok(numbers("a")), Err(failure)], schema), &options(format));
        assert_eq!((error.category(), error.code()), (ErrorCategory::Corrupt, "damaged-item"));
    }
}

#[test]
fn columns_of_the_same_name_are_refused_by_name() {
    let field = |name: &str| Field::new(name, DataType::Int64, true);
    for format in ["parquet", "arrow", "hdf5"] {
        let error = refused(table(vec![], Schema::new(vec![field("a"), field("b"), field("a")])), &options(format));
        assert_eq!(error.code(), "invalid-value");
        assert!(error.to_string().contains("\"a\""), "{error}");
    }
}

#[test]
fn types_that_pyarrow_could_not_read_are_refused() {
    let nested = |depth| {
        let inner = |inner, _| DataType::List(Arc::new(Field::new_list_field(inner, true)));
        Schema::new(vec![Field::new("a", (0..depth).fold(DataType::Int64, inner), true)])
    };
    for format in ["parquet", "arrow", "hdf5"] {
        let error = refused(table(vec![], nested(33)), &options(format));
        assert_eq!(error.code(), "invalid-value");
        assert!(error.to_string().contains("\"a\""), "{error}");
    }
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("deep.parquet");
    let file = fs::File::create(&path).unwrap();
    parquet::arrow::ArrowWriter::try_new(file, Arc::new(nested(33)), None).unwrap().close().unwrap();
    assert_eq!(refused(Data::ParquetFile(path), &WriteOptions::default()).code(), "bad-file");
}

#[test]
fn batches_of_another_schema_are_refused() {
    for format in ["parquet", "arrow", "hdf5"] {
        let schema = numbers("a").schema().as_ref().clone();
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let other = RecordBatch::try_from_iter([("a", text)]).unwrap();
        for batch in [other, numbers("b")] {
            let error = refused(table(vec![Ok(numbers("a")), Ok(batch)], schema.clone()), &options(format));
            assert_eq!(error.code(), "invalid-value", "{error}");
        }
    }
}

#[test]
fn unknown_table_formats_are_refused() {
    assert_eq!(refused(numbers("a").into(), &options("xls")).code(), "invalid-value");
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused() {
    let dir = TempDir::new().unwrap();
    let default = WriteOptions::default();
    let missing = dir.path().join("missing");
    let model = |file: &std::path::Path| Data::Model(Model { file: file.to_owned(), format: None, model_type: None });
    assert_eq!(refused(Data::File(missing.clone()), &default).code(), "file-not-found");
    assert_eq!(refused(Data::ParquetFile(missing.clone()), &default).code(), "file-not-found");
    assert_eq!(refused(model(&missing.with_extension("joblib")), &default).code(), "file-not-found");
    assert_eq!(refused(Data::File(dir.path().to_owned()), &default).code(), "bad-file");
    assert_eq!(refused(model(&missing), &default).code(), "invalid-value");
    let text = dir.path().join("text.parquet");
    for content in ["", "PAR1", "no Parquet at all", "PAR1\u{1}\u{0}\u{0}\u{0}PAR1"] {
        fs::write(&text, content).unwrap();
        assert_eq!(refused(Data::ParquetFile(text.clone()), &default).code(), "bad-file", "{content:?}");
    }
    assert_eq!(refused(Data::ParquetFile(text), &options("arrow")).code(), "invalid-value");
}

#[test]
fn values_that_could_not_be_read_again_are_refused() {
    let deep = (0..200).fold(json!(1), |value, _| json!([value]));
    assert_eq!(refused(deep.into(), &WriteOptions::default()).code(), "invalid-value");
    let far = Utc.timestamp_opt(400_000_000_000, 0).unwrap();
    assert_eq!(refused(far.into(), &WriteOptions::default()).code(), "invalid-value");
}

#[test]
fn a_value_that_no_handler_takes_is_named() -> HandlerResult<()> {
    let error = Registry::with_builtin().recognise(&Data::Custom(Box::new(1))).unwrap_err();
    assert_eq!(error.code(), "unrecognised-data");
    assert!(error.to_string().starts_with("Unsupported data type"), "{error}");
    Ok(())
}

/// DataFolio records no checksum for timestamps, and an entry can be edited by hand.
#[test]
fn an_entry_that_says_otherwise_than_its_payload_is_damaged() {
    let array = NpyArray::from_slice(&[2, 3], &[1_i32, 2, 3, 4, 5, 6]).unwrap();
    let instant = Utc.with_ymd_and_hms(2024, 1, 15, 10, 30, 0).unwrap();
    for (data, field, value) in [
        (Data::from(instant), "iso_string", json!("2024-01-15T10:30:01+00:00")),
        (Data::from(instant), "iso_string", json!("yesterday")),
        (Data::from(instant), "unix_timestamp", json!(0.0)),
        (Data::from(array.clone()), "shape", json!([3, 2])),
        (Data::from(array.clone()), "shape", json!([6])),
        (Data::from(array), "dtype", json!("uint32")),
    ] {
        let dir = TempDir::new().unwrap();
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::create(dir.path()).unwrap());
        let registry = Registry::with_builtin();
        let handler = registry.recognise(&data).unwrap();
        let draft = handler
            .write(data, &WriteOptions::default(), &mut Sink::new(&storage, handler.item_type(), "item"))
            .unwrap();
        let mut record = record(handler.item_type(), "item", &draft);
        let cache = VerifiedCache::disabled();
        let verification = Verification::Touched;
        handler.read(&Item::new(&record, &storage, verification, &cache)).unwrap();
        record.set(field, Some(value));
        let item = Item::new(&record, &storage, verification, &cache);
        assert_eq!(handler.read(&item).unwrap_err().code(), "damaged-item", "{field}");
        assert_eq!(handler.verify(&item).unwrap_err().code(), "damaged-item", "{field}");
    }
}
