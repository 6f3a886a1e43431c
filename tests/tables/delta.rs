//! Delta tables as references: read, pinned, checked and described like any table. The tables are those of `crates/delta/tests-data`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafolio::columns::PassOptions;
use datafolio::{
    AddOptions, DataFolio, ErrorCategory, IterOptions, Reference, ReferenceState, StatisticsOptions, TableOptions,
};

use crate::support::{copy_dir, new_bundle};

fn tables() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/delta/tests-data/tables")
}

fn delta(path: &Path, version: Option<i64>) -> Reference {
    let path = path.to_str().unwrap().to_owned();
    Reference { path, table_format: "delta".to_owned(), num_rows: None, version, timestamp: None }
}

fn commit(table: &Path, version: u64) -> PathBuf {
    table.join("_delta_log").join(format!("{version:020}.json"))
}

/// A table as it was before a version, beside the rest of it.
fn before(name: &str, version: u64, to: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    copy_dir(&tables().join(name), to);
    let mut later = Vec::new();
    for version in version.. {
        let path = commit(to, version);
        let Ok(text) = fs::read(&path) else { break };
        fs::remove_file(&path).unwrap();
        later.push((path, text));
    }
    later
}

fn ids(batches: impl IntoIterator<Item = RecordBatch>) -> Vec<i64> {
    let of = |batch: RecordBatch| {
        let ids = cast(batch.column_by_name("id").unwrap(), &DataType::Int64).unwrap();
        ids.as_primitive::<Int64Type>().values().to_vec()
    };
    batches.into_iter().flat_map(of).collect()
}

fn read(folio: &DataFolio, name: &str, options: &TableOptions) -> Vec<i64> {
    ids(folio.read_table(name, options).unwrap().map(Result::unwrap))
}

#[test]
fn a_delta_table_is_read_like_any() {
    let (_dir, folio) = new_bundle();
    let info = folio.reference_table("t", delta(&tables().join("deleted"), Some(2)), AddOptions::new()).unwrap();
    let record = &info.record;
    assert_eq!(
        (&record["table_format"], &record["is_directory"], &record["version"]),
        (&"delta".into(), &true.into(), &2.into())
    );
    assert_eq!((&record["num_rows"], &record["columns"]), (&15.into(), &serde_json::json!(["id", "a"])));
    let whole = read(&folio, "t", &TableOptions::new());
    assert_eq!(whole, [1, 2, 5, 6, 7, 8, 10, 12, 13, 14, 15, 16, 17, 18, 19]);
    assert_eq!(read(&folio, "t", &TableOptions::new().offset(4).limit(5)), whole[4..9]);
    for rows in [1, 4, 100] {
        let chunks: Vec<RecordBatch> =
            folio.iter_table("t", &IterOptions::new().chunk_size(rows)).unwrap().map(Result::unwrap).collect();
        assert!(chunks[..chunks.len() - 1].iter().all(|chunk| chunk.num_rows() == rows));
        assert_eq!(ids(chunks), whole);
    }
    assert_eq!(ids(folio.get_table("t").unwrap().map(Result::unwrap)), whole);
    assert_eq!(ids([folio.preview_table("t", 3).unwrap()]), whole[..3]);
    let mut sampled = ids([folio.sample_table("t", 6, 1, &TableOptions::new()).unwrap()]);
    sampled.sort_unstable();
    assert!(sampled.len() == 6 && sampled.iter().all(|id| whole.contains(id)), "{sampled:?}");
    let info = folio.table_info("t").unwrap();
    assert_eq!((info.rows, info.columns, info.table_format.as_str()), (Some(15), 2, "delta"));
    assert_eq!(info.parts.iter().map(|part| part.rows).collect::<Vec<_>>(), [Some(6), Some(9), Some(0)]);
    let described = folio.describe_table("t", &StatisticsOptions::default()).unwrap();
    assert_eq!(described.rows, 15);
    assert_eq!(folio.frame("t").unwrap().count_rows(&PassOptions::default()).unwrap(), 15);
    assert_eq!(folio.get_table_path("t").unwrap(), tables().join("deleted").to_str().unwrap());
    let error = folio.read_table("t", &TableOptions::new().columns(["b"])).err().unwrap();
    assert_eq!(error.code(), "column-not-found");
}

/// Every table that other readers know comes with its columns and rows.
#[test]
fn all_tables_and_versions() {
    let (_dir, folio) = new_bundle();
    let expected = fs::read_to_string(tables().with_file_name("expected.json")).unwrap();
    let expected: Vec<serde_json::Value> = serde_json::from_str(&expected).unwrap();
    for seen in expected {
        let (name, version) = (seen["table"].as_str().unwrap(), seen["version"].as_i64().unwrap());
        let item = format!("{name}-{version}");
        let info = folio.reference_table(&item, delta(&tables().join(name), Some(version)), AddOptions::new()).unwrap();
        let rows = seen["rows"].as_array().unwrap();
        let columns: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
        assert_eq!(info.record["columns"], serde_json::json!(columns), "{item}");
        assert_eq!(info.record["num_rows"], rows.len(), "{item}");
        let mut found = read(&folio, &item, &TableOptions::new().columns(["id"]));
        found.sort_unstable();
        assert_eq!(found, rows.iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>(), "{item}");
    }
}

/// What the log tells of the columns, also where no file can be opened.
#[test]
fn columns_are_described_by_the_log() {
    let (dir, folio) = new_bundle();
    let table = dir.path().join("lake");
    copy_dir(&tables().join("bounded"), &table);
    folio.reference_table("t", delta(&table, Some(5)), AddOptions::new()).unwrap();
    let info = folio.table_info("t").unwrap();
    info.parts.iter().for_each(|part| fs::remove_file(part.path.as_ref().unwrap()).unwrap());
    for facts in [info.column_facts, folio.column_facts("t", None).unwrap()] {
        let told = |name: &str| {
            let column = facts.iter().find(|column| column.name == name).unwrap();
            (column.null_count, column.min.clone(), column.max.clone(), column.is_exact)
        };
        assert_eq!(told("id"), (Some(0), Some(0.into()), Some(49.into()), true));
        assert_eq!(told("gap"), (Some(20), Some(20.into()), Some(49.into()), true));
        // Which texts were cut the log does not say.
        assert_eq!(told("text"), (Some(7), Some("text 00".into()), Some("text 49".into()), false));
        assert_eq!(told("place"), (None, None, None, false));
    }
}

/// Whatever version a reference is to, any other can be read of it.
#[test]
fn another_version_is_read_on_request() {
    let (_dir, folio) = new_bundle();
    folio.reference_table("t", delta(&tables().join("plain"), Some(0)), AddOptions::new()).unwrap();
    let rows = |options: TableOptions| read(&folio, "t", &options).len();
    let at = |version: &str| TableOptions::new().version(version);
    assert_eq!((rows(TableOptions::new()), rows(at("0")), rows(at("3"))), (5, 5, 11));
    assert_eq!(read(&folio, "t", &at("3").offset(9).limit(9)).len(), 2);
    let frame = folio.frame_of_version("t", "3").unwrap();
    assert_eq!(frame.count_rows(&PassOptions::default()).unwrap(), 11);
    let made = folio.add_frame("made", &frame, AddOptions::new()).unwrap();
    assert_eq!(made.record["inputs"], serde_json::json!(["t"]));
    assert_eq!(folio.table_version_at("t", chrono::Utc::now()).unwrap(), 3);
    let error = folio.table_version_at("t", chrono::DateTime::UNIX_EPOCH).unwrap_err();
    assert_eq!(error.code(), "missing-table-version");
    assert_eq!(folio.table_version_at("made", chrono::Utc::now()).unwrap_err().code(), "wrong-type");
    assert_eq!(folio.read_table("t", &at("9")).err().unwrap().code(), "missing-table-version");
    assert_eq!(folio.read_table("made", &at("9")).err().unwrap().code(), "version-not-found");
}

/// A version needs its deletion vectors as much as its files.
#[test]
fn a_deletion_vector_that_is_gone_is_told() {
    let (dir, folio) = new_bundle();
    let table = dir.path().join("lake");
    copy_dir(&tables().join("deleted"), &table);
    for version in 0..4 {
        folio.reference_table(&format!("v{version}"), delta(&table, Some(version)), AddOptions::new()).unwrap();
    }
    let gone = || {
        let checks = folio.check_references(None::<&[&str]>).unwrap();
        checks.iter().map(|check| check.state == ReferenceState::Gone).collect::<Vec<_>>()
    };
    assert_eq!(gone(), [false; 4]);
    let entries = fs::read_dir(&table).unwrap().map(|entry| entry.unwrap().path());
    let vectors: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|suffix| suffix == "bin")).collect();
    assert_eq!(vectors.len(), 1);
    fs::remove_file(&vectors[0]).unwrap();
    let gone = gone();
    assert!(!gone[0] && gone.contains(&true), "{gone:?}");
    for (version, gone) in gone.into_iter().enumerate() {
        let rows = folio.read_table(&format!("v{version}"), &TableOptions::new()).map(|rows| rows.collect::<Vec<_>>());
        assert_eq!(rows.is_err() || rows.is_ok_and(|rows| rows.iter().any(Result::is_err)), gone, "{version}");
    }
}

/// Without a version the newest is read each time; with one, or a time, that one for ever.
#[test]
fn a_pinned_version_stays_and_others_move_on() {
    let (dir, folio) = new_bundle();
    let table = dir.path().join("lake");
    let later = before("plain", 2, &table);
    let old = SystemTime::now() - Duration::from_secs(3600);
    for version in 0..2 {
        fs::File::options().write(true).open(commit(&table, version)).unwrap().set_modified(old).unwrap();
    }
    folio.reference_table("newest", delta(&table, None), AddOptions::new()).unwrap();
    folio.reference_table("pinned", delta(&table, Some(1)), AddOptions::new()).unwrap();
    let now = folio.read_table("newest", &TableOptions::new()).unwrap();
    drop(now);
    let then = Reference { timestamp: Some((old + Duration::from_secs(60)).into()), ..delta(&table, None) };
    let info = folio.reference_table("then", then, AddOptions::new()).unwrap();
    assert_eq!(info.record["version"], 1);
    assert!(info.record["timestamp"].as_str().unwrap().ends_with("+00:00"));
    let counts = || ["newest", "pinned", "then"].map(|name| read(&folio, name, &TableOptions::new()).len());
    let rows = || ["newest", "pinned", "then"].map(|name| folio.table_info(name).unwrap().rows);
    let states = || {
        let checks = folio.check_references(None::<&[&str]>).unwrap();
        checks.into_iter().map(|check| (check.name, check.state, check.reason)).collect::<Vec<_>>()
    };
    assert_eq!((counts(), rows()), ([8, 8, 8], [Some(8); 3]));
    assert!(states().iter().all(|(_, state, _)| *state == ReferenceState::Unchanged), "{:?}", states());
    let frame = folio.frame("newest").unwrap();
    // The table moves on, within the time in which a file's own may not tell it.
    for (path, text) in later {
        fs::write(path, text).unwrap();
    }
    assert_eq!((counts(), rows()), ([11, 8, 8], [Some(11), Some(8), Some(8)]));
    assert_eq!(frame.count_rows(&PassOptions::default()).unwrap(), 8, "a frame is over the rows that it was made over");
    for (name, state, reason) in states() {
        match name.as_str() {
            "newest" => {
                assert_eq!(state, ReferenceState::Changed);
                assert_eq!(reason.unwrap(), "the table was at version 1 and is at version 3");
            }
            _ => assert_eq!((state, reason), (ReferenceState::Unchanged, None), "{name}"),
        }
    }
    // Another table in its place is not what was referenced, whatever its version.
    fs::remove_dir_all(&table).unwrap();
    copy_dir(&tables().join("evolved"), &table);
    let check = folio.check_references(Some(&["pinned"])).unwrap().remove(0);
    assert_eq!(check.state, ReferenceState::Changed);
    assert_eq!(check.reason.unwrap(), "another table lies in its place");
    assert!(check.schema_changes.contains(&"column \"b\" is new".to_owned()), "{:?}", check.schema_changes);
}

#[test]
fn versions_that_are_gone_say_what_to_do() {
    let (dir, folio) = new_bundle();
    let table = dir.path().join("lake");
    copy_dir(&tables().join("plain"), &table);
    folio.reference_table("t", delta(&table, Some(0)), AddOptions::new()).unwrap();
    let file = folio.table_info("t").unwrap().parts[0].path.clone().unwrap();
    fs::remove_file(&file).unwrap();
    let error = folio.read_table("t", &TableOptions::new()).unwrap().find_map(Result::err).unwrap();
    let error = datafolio::handlers::HandlerError::from(error);
    assert_eq!((error.code(), error.category()), ("missing-table-version", ErrorCategory::NotFound));
    let text = error.to_string();
    assert!(text.contains("'t'") && text.contains("version 0") && text.contains("refer to a later version"), "{text}");
    assert_eq!(folio.check_references(Some(&["t"])).unwrap()[0].state, ReferenceState::Gone);
    // A log that was cleaned up, and versions that never were.
    for (name, version, expected) in [("cleaned", 1, "goes back to version 3"), ("plain", 9, "its last is 3")] {
        let error =
            folio.reference_table("x", delta(&tables().join(name), Some(version)), AddOptions::new()).unwrap_err();
        assert_eq!(error.code(), "missing-table-version");
        assert!(error.to_string().contains("'x'") && error.to_string().contains(expected), "{error}");
    }
    let early = Reference { timestamp: Some(SystemTime::UNIX_EPOCH.into()), ..delta(&tables().join("plain"), None) };
    let error = folio.reference_table("x", early, AddOptions::new()).unwrap_err();
    assert!(error.to_string().contains("no version of 1970-01-01"), "{error}");
    fs::remove_dir_all(&table).unwrap();
    let error = folio.read_table("t", &TableOptions::new()).err().unwrap();
    assert_eq!(error.code(), "missing-reference");
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let (dir, folio) = new_bundle();
    let place = |name: &str| tables().join(name);
    fs::create_dir_all(dir.path().join("none/_delta_log")).unwrap();
    for (path, code, category, expected) in [
        (place("feature"), "unreadable-reference", ErrorCategory::Unsupported, "timeMachine"),
        (place("reader_version"), "unreadable-reference", ErrorCategory::Unsupported, "reader version 4"),
        (place("variant"), "unreadable-reference", ErrorCategory::Unsupported, "variant"),
        (dir.path().join("none"), "unreadable-reference", ErrorCategory::Corrupt, "no Delta table is there"),
    ] {
        let error = folio.reference_table("x", delta(&path, None), AddOptions::new()).unwrap_err();
        assert_eq!((error.code(), error.category()), (code, category), "{error}");
        let text = error.to_string();
        assert!(text.contains("'x'") && text.contains(expected) && text.contains(path.to_str().unwrap()), "{text}");
    }
    let future = Reference { timestamp: Some("2999-01-01T00:00:00Z".parse().unwrap()), ..delta(&place("plain"), None) };
    let both = Reference { timestamp: Some(SystemTime::now().into()), ..delta(&place("plain"), Some(1)) };
    let parquet = Reference { table_format: "parquet".to_owned(), version: None, ..both.clone() };
    for (reference, expected) in [
        (future, "has not come yet"),
        (both, "give one of them"),
        (parquet, "has none"),
        (delta(&place("plain"), Some(-1)), "0 or more"),
    ] {
        let error = folio.reference_table("x", reference, AddOptions::new()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    // What is not there yet, or lies elsewhere, is kept.
    for path in ["/not/there/yet", "s3://bucket/lake"] {
        folio.reference_table("kept", delta(Path::new(path), None), AddOptions::new().overwrite()).unwrap();
        assert!(folio.read_table("kept", &TableOptions::new()).is_err());
    }
}
