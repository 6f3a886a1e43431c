//! A bundle that has one of everything.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Int8Type, Int64Type};
use chrono::{TimeZone, Utc};
use datafolio::{AddOptions, Data, DataFolio, Model, NpyArray, Reference, SnapshotOptions};
use serde_json::json;
use tempfile::TempDir;

use super::peer::{Release, run_script};
use crate::support::{copy_dir, table};

/// The bundle, with the directory that holds it and what it refers to.
pub(crate) struct Sample {
    pub(crate) folio: DataFolio,
    pub(crate) dir: TempDir,
}

impl Sample {
    pub(crate) fn place(&self) -> PathBuf {
        self.folio.location().into()
    }

    /// Another handle.
    pub(crate) fn reopen(&self) -> DataFolio {
        DataFolio::open(self.place()).unwrap()
    }
}

/// Columns of many types, with nulls.
fn rich_table() -> RecordBatch {
    let lists = [Some(vec![Some(1), None]), None, Some(vec![]), Some(vec![Some(4)])];
    let columns: [(&str, ArrayRef); 7] = [
        ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MAX), Some(-7)]))),
        ("x", Arc::new(Float64Array::from(vec![Some(0.5), None, Some(f64::INFINITY), Some(-0.0)]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]))),
        ("text", Arc::new(StringArray::from(vec![Some("a"), None, Some("Zürich 🏔"), Some("")]))),
        (
            "when",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(0), None, Some(1_700_000_000_000_001), Some(-1)])
                    .with_timezone("Europe/Berlin"),
            ),
        ),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists))),
        ("group", Arc::new(DictionaryArray::<Int8Type>::from_iter([Some("b"), None, Some("a"), Some("b")]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

/// More than one block of checksums, though it is compressed.
fn big_table() -> RecordBatch {
    let mut state = 1u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 1) as i64
    });
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(noise.take(400_000)));
    RecordBatch::try_from_iter([("noise", column)]).unwrap()
}

fn new() -> AddOptions {
    AddOptions::new()
}

/// Files that only Python can make, made once.
fn made_by_python() -> Option<PathBuf> {
    static MADE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("made-by-python");
        fs::create_dir_all(&place).unwrap();
        run_script(Release::V2_3, "make.py", &place)?;
        Some(place)
    };
    MADE.get_or_init(make).clone()
}

/// Makes the bundle. `None` when Python is not there and the tests may do without.
pub(crate) fn sample() -> Option<Sample> {
    Release::V2_3.python()?;
    let dir = tempfile::tempdir().unwrap();
    let beside = dir.path().join("beside");
    copy_dir(&made_by_python()?, &beside);
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    add_everything(&folio, &beside);
    folio.set_metadata("state", json!({"step": 1, "name": "é"})).unwrap();
    let options = SnapshotOptions {
        description: Some("First state".to_owned()),
        tags: vec!["baseline".to_owned()],
        ..Default::default()
    };
    folio.create_snapshot("v1", options).unwrap();
    // What the snapshot holds is replaced by another content, the same content, another type, edited, renamed, archived
    // and deleted.
    folio.add("rich", table(3), new().overwrite().description("second")).unwrap();
    folio.add("number", json!(0.25), new().overwrite()).unwrap();
    folio.add("letters", json!(["now", "JSON"]), new().overwrite()).unwrap();
    folio.update_item("notes", Some("edited"), Some(&["rich"])).unwrap();
    folio.rename("nested", "ns/renamed").unwrap();
    folio.unarchive(&["hidden"]).unwrap();
    folio.archive(&["truth"]).unwrap();
    folio.delete(&["nothing", "matrix"]).unwrap();
    folio.set_metadata("state", json!({"step": 2})).unwrap();
    folio.create_snapshot("v2", SnapshotOptions::default()).unwrap();
    // And once more, so that the current state is of no snapshot.
    folio.add("later", json!([1, 2]), new().inputs(["rich", "not_here"])).unwrap();
    folio.add("rich", table(5), new().overwrite()).unwrap();
    Some(Sample { folio, dir })
}

fn add_everything(folio: &DataFolio, beside: &Path) {
    folio.add("rich", rich_table(), new().description("Every | type\nof column")).unwrap();
    folio.add("big", big_table(), new()).unwrap();
    folio.add("empty", table(0), new()).unwrap();
    folio.add("imported", Data::ParquetFile(beside.join("by_pandas.parquet")), new()).unwrap();
    folio.add("mapped", table(4), new().table_format("arrow")).unwrap();
    folio.add("for_vaex", table(4), new().table_format("hdf5")).unwrap();

    folio
        .add("matrix", NpyArray::from_slice(&[2, 3], &[0.5f64, 1.0, 2.0, f64::NAN, 4.0, 5.0]).unwrap(), new())
        .unwrap();
    folio.add("vector", NpyArray::from_slice(&[3], &[1i32, 2, 3]).unwrap(), new().inputs(["matrix"])).unwrap();
    folio.add("truth", NpyArray::from_slice(&[2], &[true, false]).unwrap(), new()).unwrap();
    folio.add("scalar", NpyArray::from_slice(&[], &[7u8]).unwrap(), new()).unwrap();
    folio.add("big_endian", NpyArray::new(">i4", &[2], false, vec![0, 0, 0, 1, 0, 0, 1, 0]).unwrap(), new()).unwrap();
    let letters: Vec<u8> = "abé".chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
    folio.add("letters", NpyArray::new("<U3", &[1], false, letters).unwrap(), new()).unwrap();
    folio.add("fortran", NpyArray::new("<i2", &[2, 2], true, vec![1, 0, 2, 0, 3, 0, 4, 0]).unwrap(), new()).unwrap();

    folio.add("object", json!({"a": [1, 2.5, null, true], "é": {"deep": {}}}), new().inputs(["rich", "big"])).unwrap();
    folio.add("list", json!([[], {}, "x"]), new()).unwrap();
    folio.add("number", json!(0.25), new()).unwrap();
    folio.add("integer", json!(-12), new()).unwrap();
    folio.add("text", json!("plain \"quoted\" text"), new()).unwrap();
    folio.add("yes", json!(true), new()).unwrap();
    folio.add("nothing", json!(null), new()).unwrap();
    folio.add("nested", json!({"v": 1}), new().inputs(["object"])).unwrap();
    folio.add("hidden", json!("archived"), new()).unwrap();
    folio.archive(&["hidden"]).unwrap();

    folio.add("acquired", Utc.timestamp_micros(1_715_004_489_123_456).unwrap(), new().description("when")).unwrap();
    folio.add("whole", Utc.timestamp_opt(1_705_318_200, 0).unwrap(), new()).unwrap();
    fs::write(beside.join("notes.md"), b"# Notes\n").unwrap();
    folio.add_file("notes", beside.join("notes.md"), new().category("docs").description("Free text")).unwrap();
    for (name, file, class) in [
        ("classifier", "classifier.joblib", "LogisticRegression"),
        ("regressor", "regressor.skops", "LinearRegression"),
    ] {
        let model = Model { file: beside.join(file), format: None, model_type: Some(class.to_owned()) };
        folio.add_model(name, model, new().inputs(["rich", "nested"])).unwrap();
    }
    for (name, file, format) in [("ref_parquet", "by_pandas.parquet", "parquet"), ("ref_csv", "by_pandas.csv", "csv")] {
        let reference = Reference {
            path: beside.join(file).to_str().unwrap().to_owned(),
            table_format: format.to_owned(),
            num_rows: Some(3),
            version: None,
            timestamp: None,
        };
        folio.reference_table(name, reference, new()).unwrap();
    }
}
