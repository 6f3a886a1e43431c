//! Every built-in handler keeps the contract of `Handler`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int8Type;
use chrono::{TimeZone, Utc};
use datafolio_handlers::npy::NpyArray;
use datafolio_handlers::{Data, Handler, Model, Registry, WriteOptions};
use datafolio_testkit::handler_suite::{Sample, Wrong, check_handler};
use parquet::arrow::ArrowWriter;
use serde_json::json;

fn registry() -> Registry {
    Registry::with_builtin()
}

fn handler(item_type: &str) -> Arc<dyn Handler> {
    registry().for_type(item_type).unwrap().clone()
}

/// A value of each kind but the given ones.
fn all_but(kinds: &[&str]) -> Vec<Wrong> {
    fn file(dir: &Path) -> std::path::PathBuf {
        let path = dir.join("file.joblib");
        fs::write(&path, "x").unwrap();
        path
    }
    type Make = fn(&Path) -> Data;
    let makers: [(&str, Make); 7] = [
        ("table", |_| small_table().into()),
        ("array", |_| NpyArray::from_slice(&[1], &[1_i32]).unwrap().into()),
        ("json", |_| json!({}).into()),
        ("timestamp", |_| Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).unwrap().into()),
        ("file", |dir| Data::File(file(dir))),
        ("model", |dir| Data::Model(Model { file: file(dir), format: None, model_type: None })),
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

fn arrow_format() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.table_format = Some("arrow".to_owned());
    options
}

#[test]
fn included_table_as_parquet() {
    let samples = [
        Sample::new("small", |_| small_table().into()),
        Sample::new("empty", |_| small_table().slice(0, 0).into()),
        // More than one block, so that block checksums lie beside it.
        Sample::new("large", |_| noise(132_000).into()),
        Sample::new("file", |dir| {
            let path = dir.join("t.parquet");
            let mut writer =
                ArrowWriter::try_new(fs::File::create(&path).unwrap(), small_table().schema(), None).unwrap();
            writer.write(&small_table()).unwrap();
            writer.close().unwrap();
            Data::ParquetFile(path)
        }),
    ];
    check_handler(&handler("included_table"), &registry(), &samples, &all_but(&["table"]));
}

#[test]
fn included_table_as_arrow() {
    let samples = [
        Sample::new("small", |_| small_table().into()).with_options(arrow_format()),
        Sample::new("empty", |_| small_table().slice(0, 0).into()).with_options(arrow_format()),
        Sample::new("large", |_| noise(132_000).into()).with_options(arrow_format()),
    ];
    check_handler(&handler("included_table"), &registry(), &samples, &all_but(&["table"]));
}

#[test]
fn numpy_array() {
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
        Sample::new("large", move |_| NpyArray::from_slice(&[400, 400], &noise).unwrap().into()),
    ];
    check_handler(&handler("numpy_array"), &registry(), &samples, &all_but(&["array"]));
}

#[test]
fn json_data() {
    let samples = [
        Sample::new("object", |_| json!({"lr": 0.01, "layers": [64, 32], "name": "é", "none": null, "e": {}}).into()),
        Sample::new("null", |_| json!(null).into()),
        Sample::new("text", |_| json!("results.csv").into()),
        Sample::new("large integer", |_| json!(u64::MAX).into()),
    ];
    check_handler(&handler("json_data"), &registry(), &samples, &all_but(&["json"]));
}

#[test]
fn timestamp() {
    let samples = [
        Sample::new("whole", |_| Utc.with_ymd_and_hms(2024, 1, 15, 10, 30, 0).unwrap().into()),
        Sample::new("fraction", |_| Utc.timestamp_nanos(1_715_004_489_123_456_000).into()),
        Sample::new("before 1970", |_| Utc.timestamp_nanos(-1_500_000).into()),
    ];
    check_handler(&handler("timestamp"), &registry(), &samples, &all_but(&["timestamp"]));
}

fn file(dir: &Path, name: &str, content: &[u8]) -> std::path::PathBuf {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    path
}

#[test]
fn artifact() {
    let large: Vec<u8> = (0..2_500_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let samples = [
        Sample::new("small", |dir| Data::File(file(dir, "notes.md", b"# Notes\n"))),
        Sample::new("empty", |dir| Data::File(file(dir, "Makefile", b""))),
        Sample::new("large", move |dir| Data::File(file(dir, "plot.v1.png", &large))),
    ];
    check_handler(&handler("artifact"), &registry(), &samples, &all_but(&["file"]));
}

#[test]
fn model() {
    let samples = [
        Sample::new("joblib", |dir| {
            let file = file(dir, "classifier.joblib", b"\x80\x04K\x01.");
            Data::Model(Model { file, format: None, model_type: Some("LogisticRegression".to_owned()) })
        }),
        Sample::new("onnx", |dir| {
            let file = file(dir, "network.bin", b"not looked into");
            Data::Model(Model { file, format: Some("onnx".to_owned()), model_type: None })
        }),
    ];
    check_handler(&handler("model"), &registry(), &samples, &all_but(&["model"]));
}
