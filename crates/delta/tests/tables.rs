//! Tables that other writers made, against what other readers see in them: see `tests-data/write.py`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where something is not as it should be"
)]

mod escapes;
#[cfg(unix)]
mod links;
mod statistics;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use serde_json::{Value, json};

use datafolio_delta::{DeltaError, DeltaFile, DeltaResult, DeltaTable, LocalPlace, Pick, ReadOptions, log_of};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests-data").join(name)
}

fn open_at(path: &Path, pick: Pick) -> DeltaResult<Arc<DeltaTable>> {
    DeltaTable::open(Arc::new(LocalPlace::new(path)), pick).map(Arc::new)
}

fn open(name: &str, pick: Pick) -> DeltaResult<Arc<DeltaTable>> {
    open_at(&data("tables").join(name), pick)
}

/// A copy of a table that may be changed.
fn copied(name: &str) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            match entry.path().is_dir() {
                true => copy(&entry.path(), &to),
                false => drop(fs::copy(entry.path(), to).unwrap()),
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    copy(&data("tables").join(name), dir.path());
    dir
}

fn commit(dir: &Path, version: u64) -> PathBuf {
    dir.join("_delta_log").join(format!("{version:020}.json"))
}

/// A value as `write.py` has it.
fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    let list = |values: ArrayRef| (0..values.len()).map(|at| value(&values, at)).collect::<Value>();
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Binary => {
            array.as_binary::<i32>().value(row).iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
        }
        DataType::Timestamp(..) => array.as_primitive::<TimestampMicrosecondType>().value(row).into(),
        DataType::List(_) => list(array.as_list::<i32>().value(row)),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let pair = |at| json!([value(entries.column(0), at), value(entries.column(1), at)]);
            (0..entries.len()).map(pair).collect()
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            fields.iter().zip(columns).map(|(field, column)| (field.name().clone(), value(column, row))).collect()
        }
        DataType::Date32 | DataType::Decimal128(..) => array_value_to_string(array, row).unwrap().into(),
        // As the number that it is, and not as the shortest text that tells it from others.
        DataType::Float32 => f64::from(array.as_primitive::<Float32Type>().value(row)).into(),
        kind if kind.is_integer() => array_value_to_string(array, row).unwrap().parse::<i64>().unwrap().into(),
        _ => array_value_to_string(array, row).unwrap().parse::<f64>().unwrap().into(),
    }
}

fn rows_of(table: &Arc<DeltaTable>, options: &ReadOptions) -> DeltaResult<Vec<Value>> {
    let mut rows = Vec::new();
    for batch in table.read(options)? {
        let batch: RecordBatch = batch?;
        for row in 0..batch.num_rows() {
            let names = batch.schema_ref().fields().iter().map(|field| field.name().clone());
            rows.push(names.zip(batch.columns()).map(|(name, column)| (name, value(column, row))).collect());
        }
    }
    Ok(rows)
}

fn all(table: &Arc<DeltaTable>) -> DeltaResult<Vec<Value>> {
    rows_of(table, &ReadOptions::default())
}

fn ids(table: &Arc<DeltaTable>, options: &ReadOptions) -> Vec<i64> {
    rows_of(table, options).unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[test]
fn versions_are_what_other_readers_see() {
    let expected: Vec<Value> = serde_json::from_str(&fs::read_to_string(data("expected.json")).unwrap()).unwrap();
    assert!(expected.len() > 20);
    for seen in expected {
        let (name, version) = (seen["table"].as_str().unwrap(), seen["version"].as_u64().unwrap());
        let table = open(name, Pick::Version(version)).unwrap_or_else(|error| panic!("{name} {version}: {error}"));
        assert_eq!(table.version(), version);
        let mut rows = all(&table).unwrap_or_else(|error| panic!("{name} {version}: {error}"));
        rows.sort_by_key(|row| row["id"].as_i64());
        assert_eq!(Value::Array(rows), seen["rows"], "{name} {version}");
        let files = table.files().unwrap();
        let counted: u64 = files.iter().map(|file| table.rows_of(file).unwrap()).sum();
        assert_eq!(counted, seen["rows"].as_array().unwrap().len() as u64, "{name} {version}");
        // What the log does not tell is read of the footers.
        let is_told = name != "struct_stats" && (name, version) != ("noted", 2);
        assert_eq!(files.iter().all(|file: &DeltaFile| file.rows().is_some()), is_told, "{name}");
        table.check_files().unwrap();
    }
}

#[test]
fn the_newest_version_is_picked() {
    for (name, newest) in [("plain", 3), ("cleaned", 4), ("v2_json", 2), ("struct_stats", 1)] {
        assert_eq!(open(name, Pick::Newest).unwrap().version(), newest);
        let (version, files) = log_of(&LocalPlace::new(data("tables").join(name)), None).unwrap();
        assert_eq!(version, newest);
        assert!(files.iter().any(|file| file.path.ends_with(&format!("{newest:020}.json"))), "{files:?}");
    }
}

/// Parts of a table are parts of the whole, whatever is deleted and in however many files it lies.
#[test]
fn parts_are_parts_of_the_whole() {
    for name in ["plain", "deleted", "partitioned", "evolved", "v2_parquet"] {
        let newest = open(name, Pick::Newest).unwrap().version();
        for version in (0..=newest).filter(|version| open(name, Pick::Version(*version)).is_ok()) {
            let table = open(name, Pick::Version(version)).unwrap();
            let whole = all(&table).unwrap();
            assert_eq!(all(&table).unwrap(), whole, "the order is the same each time");
            for batch_rows in [1, 3, 1000] {
                for offset in 0..=whole.len() + 1 {
                    for limit in [0, 1, 2, 5, 100] {
                        let options = ReadOptions {
                            offset: offset as u64,
                            limit: Some(limit as u64),
                            batch_rows,
                            ..ReadOptions::default()
                        };
                        let part: Vec<Value> = whole.iter().skip(offset).take(limit).cloned().collect();
                        assert_eq!(rows_of(&table, &options).unwrap(), part, "{name} {version} {options:?}");
                    }
                }
            }
            for step in [1, 2, 3] {
                let wanted: Vec<u64> = (0..whole.len() as u64 + 5).step_by(step).collect();
                let options = ReadOptions { rows: Some(wanted.into()), ..ReadOptions::default() };
                let part: Vec<Value> = whole.iter().step_by(step).cloned().collect();
                assert_eq!(rows_of(&table, &options).unwrap(), part, "{name} {version} every {step}");
            }
        }
    }
}

#[test]
fn columns_come_in_the_order_that_is_asked_for() {
    let table = open("partitioned", Pick::Newest).unwrap();
    for columns in [vec!["value", "text", "id"], vec!["day"], vec!["n", "text"], vec![]] {
        let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let options = ReadOptions { columns: Some(names), ..ReadOptions::default() };
        let batches: Vec<RecordBatch> = table.read(&options).unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 8);
        for batch in batches {
            let found: Vec<&str> = batch.schema_ref().fields().iter().map(|field| field.name().as_str()).collect();
            assert_eq!(found, columns);
        }
    }
    let options = ReadOptions { columns: Some(vec!["nope".to_owned()]), ..ReadOptions::default() };
    let error = table.read(&options).unwrap_err();
    assert!(
        matches!(&error, DeltaError::UnknownColumn { name, known } if name == "nope" && known.len() == 5),
        "{error:?}"
    );
}

/// What is appended comes last, and a file whose deletion vector changed stays in its place.
#[test]
fn rows_stay_in_their_places() {
    let first = ids(&open("deleted", Pick::Version(0)).unwrap(), &ReadOptions::default());
    assert_eq!(first, (0..25).collect::<Vec<_>>());
    let later = ids(&open("deleted", Pick::Version(1)).unwrap(), &ReadOptions::default());
    assert_eq!(later, [1, 2, 5, 6, 7, 8].into_iter().chain(10..25).collect::<Vec<_>>());
    for version in 0..2 {
        let rows = ids(&open("plain", Pick::Version(version)).unwrap(), &ReadOptions::default());
        assert!(rows.is_sorted(), "{rows:?}");
    }
}

/// Files without a wanted row are not even opened.
#[test]
fn files_are_left_out_by_their_numbers_of_rows() {
    let dir = copied("deleted");
    fs::write(dir.path().join("a.parquet"), "no longer Parquet").unwrap();
    let table = open_at(dir.path(), Pick::Version(1)).unwrap();
    let options = ReadOptions { offset: 6, limit: Some(10), ..ReadOptions::default() };
    assert_eq!(ids(&table, &options), (10..20).collect::<Vec<_>>());
    let options = ReadOptions { offset: 5, ..options };
    let error = rows_of(&table, &options).unwrap_err();
    assert!(matches!(&error, DeltaError::Damaged { file, .. } if file == "a.parquet"), "{error:?}");
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    for (name, expected) in
        [("feature", "timeMachine"), ("reader_version", "reader version 4"), ("variant", "variant of column \"v\"")]
    {
        let error = open(name, Pick::Newest).unwrap_err();
        assert!(matches!(error, DeltaError::Unsupported(_)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn versions_that_are_not_there() {
    let error = open("plain", Pick::Version(9)).unwrap_err();
    assert_eq!(error.to_string(), "the table has no version 9: its last is 3");
    let error = open("cleaned", Pick::Version(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the table has no version 1 any more: its log was cleaned up, and goes back to version 3. Refer to a later version"
    );
    let dir = copied("plain");
    let gone = open_at(dir.path(), Pick::Version(0)).unwrap().files().unwrap().remove(0).path;
    fs::remove_file(dir.path().join(&gone)).unwrap();
    let table = open_at(dir.path(), Pick::Version(0)).unwrap();
    for error in [all(&table).unwrap_err(), table.check_files().unwrap_err()] {
        assert_eq!(error, DeltaError::FileGone { version: 0, file: gone.clone() });
    }
    assert_eq!(all(&open_at(dir.path(), Pick::Version(3)).unwrap()).unwrap().len(), 11, "that needs it no more");
}

#[test]
fn a_time_picks_the_version_of_then() {
    let dir = copied("plain");
    let at = |version: u64| 1_600_000_000_000 + i64::try_from(version).unwrap() * 60_000;
    for version in 0..4 {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(at(version).unsigned_abs());
        fs::File::options().write(true).open(commit(dir.path(), version)).unwrap().set_modified(time).unwrap();
    }
    for (time, version) in [(at(0), 0), (at(1) - 1, 0), (at(1), 1), (at(2) + 500, 2), (at(3), 3), (at(9), 3)] {
        let table = open_at(dir.path(), Pick::At(time)).unwrap();
        assert_eq!((table.version(), table.timestamp()), (version, Some(at(version))));
    }
    let error = open_at(dir.path(), Pick::At(at(0) - 1)).unwrap_err().to_string();
    assert_eq!(
        error,
        "the table has no version of 2020-09-13T12:26:39.999Z: the first that can be read is of 2020-09-13T12:26:40.000Z"
    );
}

/// Whatever is wrong with a log is an error that says where.
#[test]
fn damaged_logs_are_errors() {
    let nowhere = tempfile::tempdir().unwrap();
    assert_eq!(open_at(&nowhere.path().join("x"), Pick::Newest).unwrap_err(), DeltaError::NotFound);
    for make in [None, Some("_delta_log"), Some("_delta_log/_sidecars")] {
        if let Some(make) = make {
            fs::create_dir(nowhere.path().join(make)).unwrap();
        }
        let error = open_at(nowhere.path(), Pick::Newest).unwrap_err();
        assert!(matches!(error, DeltaError::NoTable(_)), "{error:?}");
    }
    fs::write(nowhere.path().join("_delta_log/readme.txt"), "x").unwrap();
    assert!(matches!(open_at(nowhere.path(), Pick::Newest).unwrap_err(), DeltaError::NoTable(_)));

    type Harm = fn(&Path);
    let cut: Harm = |dir| {
        let text = fs::read_to_string(commit(dir, 1)).unwrap();
        fs::write(commit(dir, 1), &text[..text.len() / 2]).unwrap();
    };
    let garbage: Harm = |dir| fs::write(commit(dir, 1), [0xff, 0xfe, b'{', 0]).unwrap();
    let no_metadata: Harm = |dir| {
        fs::write(commit(dir, 0), "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n").unwrap();
    };
    let empty: Harm = |dir| fs::write(commit(dir, 0), "").unwrap();
    let gap: Harm = |dir| fs::remove_file(commit(dir, 1)).unwrap();
    let climbs: Harm = |dir| {
        let text = "{\"add\":{\"path\":\"../../etc/passwd\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"dataChange\":true}}\n";
        fs::write(commit(dir, 1), text).unwrap();
    };
    let elsewhere: Harm = |dir| {
        let text = "{\"add\":{\"path\":\"file:/data/x.parquet\",\"partitionValues\":{},\"size\":1,\"modificationTime\":1,\"dataChange\":true}}\n";
        fs::write(commit(dir, 1), text).unwrap();
    };
    let negative: Harm = |dir| {
        let text = fs::read_to_string(commit(dir, 1)).unwrap();
        fs::write(commit(dir, 1), text.replace("\"size\":", "\"size\":-")).unwrap();
    };
    let schema: Harm = |dir| {
        let text = fs::read_to_string(commit(dir, 0)).unwrap();
        fs::write(commit(dir, 0), text.replace("\\\"type\\\":\\\"struct\\\"", "\\\"type\\\":\\\"strict\\\"")).unwrap();
    };
    for (name, harm, expected) in [
        ("cut", cut, "00000000000000000001.json"),
        ("garbage", garbage, "00000000000000000001.json"),
        ("no metadata", no_metadata, "metadata"),
        ("empty", empty, "metadata"),
        ("gap", gap, "00000000000000000001.json is missing"),
        ("climbs", climbs, "outside of the table"),
        ("elsewhere", elsewhere, "outside of the table"),
        ("negative size", negative, "negative size"),
        ("schema", schema, "its log"),
    ] {
        let dir = copied("plain");
        harm(dir.path());
        let found = open_at(dir.path(), Pick::Newest).and_then(|table| all(&table));
        let Err(error) = found else { panic!("{name}: was read") };
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
}

#[test]
fn damaged_checkpoints_and_vectors_are_errors() {
    for (name, file) in [
        ("cleaned", "_delta_log/00000000000000000003.checkpoint.parquet"),
        ("struct_stats", "_delta_log/00000000000000000001.checkpoint.parquet"),
        ("deleted", "deletion_vector_7d2f3c4e-1111-4222-8333-444455556666.bin"),
        ("deleted", "c.parquet"),
    ] {
        let whole = fs::read(data("tables").join(name).join(file)).unwrap();
        let dir = copied(name);
        let read = || {
            open_at(
                dir.path(),
                Pick::Version(match name {
                    "deleted" => 3,
                    "cleaned" => 4,
                    _ => 1,
                }),
            )
            .and_then(|table| all(&table))
        };
        for length in [0, 3, whole.len() / 2, whole.len() - 1] {
            fs::write(dir.path().join(file), &whole[..length]).unwrap();
            // The end of the file of vectors is of a file that has no row left, and is not read.
            assert!(read().is_err() || (length > 3 && file.ends_with(".bin")), "{file} cut to {length}");
        }
        // A changed byte is an error or rows, and a table that is not there is told.
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            fs::write(dir.path().join(file), &bytes).unwrap();
            let _ = std::panic::catch_unwind(read);
        }
        fs::remove_file(dir.path().join(file)).unwrap();
        let error = read().unwrap_err();
        assert!(!error.to_string().is_empty());
    }
}

/// A file with other rows than the log says would shift all behind it.
#[test]
fn files_that_are_not_those_of_the_log() {
    let dir = copied("deleted");
    fs::copy(dir.path().join("c.parquet"), dir.path().join("b.parquet")).unwrap();
    let error = all(&open_at(dir.path(), Pick::Version(0)).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "b.parquet is damaged: it has 5 rows, and the log says 10");
}

/// Types of partitions and columns, by name.
#[test]
fn columns_and_partitions() {
    let table = open("partitioned", Pick::Newest).unwrap();
    assert_eq!(table.partition_columns(), ["text", "day", "n"]);
    let kinds: BTreeMap<&str, String> =
        table.schema().fields().iter().map(|field| (field.name().as_str(), field.data_type().to_string())).collect();
    assert_eq!((kinds["day"].as_str(), kinds["n"].as_str(), kinds["value"].as_str()), ("Date32", "Int32", "Float64"));
    assert!(table.id().len() == 36 && table.id() != open("plain", Pick::Newest).unwrap().id());
}
