//! Every built-in handler keeps the contract of `Handler`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int8Type;
use arrow::ipc::writer::FileWriter;
use chrono::{TimeZone, Utc};
use datafolio_core::RelPath;
use datafolio_handlers::formats::{ImportOptions, open_table};
use datafolio_handlers::npy::NpyArray;
use datafolio_handlers::{Data, Handler, Model, Reference, Registry, WriteOptions};
use datafolio_storage::{LocalStorage, Storage};
use datafolio_testkit::handler_suite::{Sample, Wrong, canonical, check_handler};
use parquet::arrow::ArrowWriter;
use serde_json::json;

fn registry() -> Registry {
    Registry::with_builtin()
}

/// What one handler is tried on, and the kinds of values that it takes: all others it must refuse.
struct Case {
    samples: Vec<Sample>,
    kinds: &'static [&'static str],
}

/// A test of each handler: item type, name of the test, its samples.
macro_rules! conformance {
    ($($item_type:literal: $($name:ident)+;)+) => {
        mod of {
            $($(#[test] fn $name() { super::check($item_type, super::$name()); })+)+
        }

        const TESTED: &[&str] = &[$($item_type),+];
    };
}

conformance! {
    "included_table": included_table_as_parquet included_table_as_arrow included_table_as_hdf5;
    "referenced_table": referenced_table;
    "numpy_array": numpy_array;
    "json_data": json_data;
    "timestamp": timestamp;
    "artifact": artifact;
    "model": model;
}

#[test]
fn every_built_in_handler_is_tested() {
    let types: Vec<String> = registry().all().map(|handler| handler.item_type().to_owned()).collect();
    assert_eq!(types, TESTED);
}

fn check(item_type: &str, case: Case) {
    let handler: Arc<dyn Handler> = registry().for_type(item_type).unwrap().clone();
    assert!(!case.samples.is_empty());
    check_handler(&handler, &registry(), &case.samples, &all_but(case.kinds));
}

/// A value of each kind but the given ones.
fn all_but(kinds: &[&str]) -> Vec<Wrong> {
    fn file(dir: &Path) -> std::path::PathBuf {
        let path = dir.join("file.joblib");
        fs::write(&path, "x").unwrap();
        path
    }
    type Make = fn(&Path) -> Data;
    let makers: [(&str, Make); 11] = [
        ("table", |_| small_table().into()),
        ("array", |_| NpyArray::from_slice(&[1], &[1_i32]).unwrap().into()),
        ("array file", |dir| Data::ArrayFile(file(dir))),
        ("json", |_| json!({}).into()),
        ("timestamp", |_| Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap().into()),
        ("file", |dir| Data::File(file(dir))),
        ("model", |dir| Data::Model(Model { file: file(dir), format: None, model_type: None })),
        ("parquet file", |dir| Data::ParquetFile(file(dir))),
        ("reference", |dir| Data::Reference(reference(file(dir), "parquet"))),
        ("payload", |dir| {
            file(dir);
            let storage = LocalStorage::open(dir).unwrap();
            Data::Payload(storage.open(&RelPath::parse("file.joblib").unwrap()).unwrap())
        }),
        ("custom", |_| Data::Custom(Box::new(1))),
    ];
    makers.into_iter().filter(|(kind, _)| !kinds.contains(kind)).map(|(_, make)| Wrong::new(make)).collect()
}

fn small_table() -> RecordBatch {
    let categories: DictionaryArray<Int8Type> = [Some("a"), None, Some("b"), Some("a")].into_iter().collect();
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
        ("value", Arc::new(Float64Array::from(vec![Some(0.5), None, Some(-1.0), Some(f64::INFINITY)]))),
        ("größe", Arc::new(StringArray::from(vec!["a", "b\n", "", "𝛼"]))),
        ("category", Arc::new(categories)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

/// Numbers without pattern, so that they stay as large as they are.
fn noise(rows: usize) -> RecordBatch {
    let mut state = 1_u64;
    let values: Vec<f64> = (0..rows)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64
        })
        .collect();
    RecordBatch::try_from_iter([("noise", Arc::new(Float64Array::from(values)) as ArrayRef)]).unwrap()
}

fn stored_as(format: &str) -> WriteOptions {
    let mut options = WriteOptions::default();
    options.table_format = Some(format.to_owned());
    options
}

fn reference(path: std::path::PathBuf, format: &str) -> Reference {
    Reference {
        path: path.to_str().unwrap().to_owned(),
        table_format: format.to_owned(),
        num_rows: None,
        version: None,
        timestamp: None,
    }
}

fn parquet_file(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn included_table_as_parquet() -> Case {
    let samples = [
        Sample::new("small", |_| small_table().into()).also_as("polars_table"),
        Sample::new("empty", |_| small_table().slice(0, 0).into()),
        // More than one block, so that block checksums lie beside it.
        Sample::new("large", |_| noise(132_000).into()),
        Sample::new("file", |dir| {
            let path = dir.join("t.parquet");
            parquet_file(&path, &small_table());
            Data::ParquetFile(path)
        }),
    ];
    Case { samples: samples.into(), kinds: &["table", "parquet file"] }
}

fn included_table_as_arrow() -> Case {
    let samples = [
        Sample::new("small", |_| small_table().into()).with_options(stored_as("arrow")),
        Sample::new("empty", |_| small_table().slice(0, 0).into()).with_options(stored_as("arrow")),
        Sample::new("large", |_| noise(132_000).into()).with_options(stored_as("arrow")),
    ];
    Case { samples: samples.into(), kinds: &["table", "parquet file"] }
}

/// The layout has no table without rows, and says of no column that it has a value in each.
fn included_table_as_hdf5() -> Case {
    let large = |_: &Path| {
        let column = noise(132_000).column(0).clone();
        RecordBatch::try_from_iter_with_nullable([("noise", column, true)]).unwrap().into()
    };
    let samples = [
        Sample::new("small", |_| small_table().into()).with_options(stored_as("hdf5")),
        Sample::new("large", large).with_options(stored_as("hdf5")),
    ];
    Case { samples: samples.into(), kinds: &["table", "parquet file"] }
}

fn numpy_array() -> Case {
    let noise: Vec<f64> = (0..160_000).map(|i| f64::from(i).sin()).collect();
    let samples = [
        Sample::new("small", |_| NpyArray::from_slice(&[2, 3], &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap().into()),
        Sample::new("single", |_| NpyArray::from_slice(&[], &[true]).unwrap().into()),
        Sample::new("empty", |_| NpyArray::from_slice::<u8>(&[0, 4], &[]).unwrap().into()),
        Sample::new("fortran", |_| NpyArray::new(">i2", &[2, 2], true, vec![0, 1, 0, 2, 0, 3, 0, 4]).unwrap().into()),
        Sample::new("records", |_| {
            NpyArray::new("[('a', '<i2'), ('b', '|S3')]", &[2], false, b"\x01\x00abc\x02\x00def".to_vec())
                .unwrap()
                .into()
        }),
        Sample::new("file", |dir| {
            let mut bytes = Vec::new();
            NpyArray::new(">i2", &[2, 2], true, vec![0, 1, 0, 2, 0, 3, 0, 4]).unwrap().write(&mut bytes).unwrap();
            Data::ArrayFile(file(dir, "a.npy", &bytes))
        }),
        Sample::new("large", move |_| NpyArray::from_slice(&[400, 400], &noise).unwrap().into()),
    ];
    Case { samples: samples.into(), kinds: &["array", "array file"] }
}

fn json_data() -> Case {
    let samples = [
        Sample::new("object", |_| json!({"lr": 0.01, "layers": [64, 32], "name": "é", "none": null, "e": {}}).into()),
        Sample::new("null", |_| json!(null).into()),
        Sample::new("text", |_| json!("results.csv").into()),
        Sample::new("large integer", |_| json!(u64::MAX).into()),
    ];
    Case { samples: samples.into(), kinds: &["json"] }
}

fn timestamp() -> Case {
    let samples = [
        Sample::new("whole", |_| Utc.with_ymd_and_hms(2024, 1, 15, 10, 30, 0).unwrap().into()),
        Sample::new("fraction", |_| Utc.timestamp_nanos(1_715_004_489_123_456_000).into()),
        Sample::new("before 1970", |_| Utc.timestamp_nanos(-1_500_000).into()),
    ];
    Case { samples: samples.into(), kinds: &["timestamp"] }
}

fn file(dir: &Path, name: &str, content: &[u8]) -> std::path::PathBuf {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    path
}

fn artifact() -> Case {
    let large: Vec<u8> = (0..2_500_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let samples = [
        Sample::new("small", |dir| Data::File(file(dir, "notes.md", b"# Notes\n"))),
        Sample::new("empty", |dir| Data::File(file(dir, "Makefile", b""))),
        Sample::new("large", move |dir| Data::File(file(dir, "plot.v1.png", &large))),
    ];
    Case { samples: samples.into(), kinds: &["file"] }
}

fn model() -> Case {
    let samples = [
        Sample::new("joblib", |dir| {
            let file = file(dir, "classifier.joblib", b"\x80\x04K\x01.");
            Data::Model(Model { file, format: None, model_type: Some("LogisticRegression".to_owned()) })
        }),
        Sample::new("onnx", |dir| {
            let file = file(dir, "network.bin", b"not looked into");
            Data::Model(Model { file, format: Some("onnx".to_owned()), model_type: None })
        }),
        Sample::new("torch", |dir| {
            let file = file(dir, "network.pth", b"PK");
            Data::Model(Model { file, format: None, model_type: None })
        })
        .also_as("pytorch_model"),
    ];
    Case { samples: samples.into(), kinds: &["model"] }
}

fn referenced_table() -> Case {
    let samples = [
        Sample::new("parquet", |dir| {
            parquet_file(&dir.join("t.parquet"), &small_table());
            Data::Reference(reference(dir.join("t.parquet"), "parquet"))
        })
        .with_target(|dir| dir.join("t.parquet")),
        Sample::new("csv", |dir| Data::Reference(reference(file(dir, "t.csv", b"id,name\n1,a\n2,\"b\nc\"\n"), "csv")))
            .with_canonical(|data| match data {
                Data::Reference(reference) => {
                    canonical(Data::Table(open_table(reference.path.as_ref(), &ImportOptions::default())?))
                }
                data => canonical(data),
            })
            .with_target(|dir| dir.join("t.csv")),
        Sample::new("arrow", |dir| {
            let path = dir.join("t.arrow");
            let mut writer = FileWriter::try_new(fs::File::create(&path).unwrap(), &small_table().schema()).unwrap();
            writer.write(&small_table()).unwrap();
            writer.finish().unwrap();
            Data::Reference(reference(path, "arrow"))
        })
        .with_canonical(|data| match data {
            Data::Reference(_) => canonical(small_table().into()),
            data => canonical(data),
        })
        .with_target(|dir| dir.join("t.arrow")),
    ];
    Case { samples: samples.into(), kinds: &["reference"] }
}
