//! References to Delta tables: of files that a condition or a query rules out by the log nothing is read.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{AsArray, RecordBatch, RecordBatchReader};
use arrow::datatypes::{DataType, Int64Type};
use datafolio::{
    AddOptions, Condition, DataFolio, IterOptions, ParamValue, QueryOptions, Reference, StatisticsOptions, TableOptions,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{copy_dir, new_bundle};

fn tables() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/delta/tests-data/tables")
}

/// A bundle with a reference to a copy of a table, as `t`.
fn with_table(name: &str) -> (TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    let lake = dir.path().join("lake");
    copy_dir(&tables().join(name), &lake);
    let path = lake.to_str().unwrap().to_owned();
    let reference =
        Reference { path, table_format: "delta".to_owned(), num_rows: None, version: None, timestamp: None };
    folio.reference_table("t", reference, AddOptions::new()).unwrap();
    (dir, folio)
}

/// Makes all files of the table unreadable but those that have rows between these.
fn destroy_others(folio: &DataFolio, keep: std::ops::Range<u64>) -> usize {
    let (mut start, mut kept) = (0, 0);
    for file in folio.table_parts("t").unwrap() {
        let rows = start..start + file.rows.unwrap();
        start = rows.end;
        if rows.start < keep.end && keep.start < rows.end {
            kept += 1;
        } else {
            fs::write(file.path.unwrap(), "no longer Parquet").unwrap();
        }
    }
    kept
}

fn ids(batches: impl IntoIterator<Item = RecordBatch>) -> Vec<i64> {
    let of = |batch: RecordBatch| batch.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec();
    batches.into_iter().flat_map(of).collect()
}

fn found(reader: impl RecordBatchReader) -> Result<Vec<i64>, datafolio::Error> {
    Ok(ids(reader.collect::<Result<Vec<_>, _>>()?))
}

#[test]
fn files_that_a_condition_rules_out_are_not_read() {
    let (_dir, folio) = with_table("bounded");
    assert_eq!(destroy_others(&folio, 10..20), 1);
    let twenties: Vec<i64> = (10..20).collect();
    let read = |condition: Condition| {
        folio.read_table("t", &TableOptions::new().filter(condition).columns(["id"])).and_then(found)
    };
    for condition in [
        "id BETWEEN 10 AND 19",
        "id > 9 AND 20 > table.id",
        "id >= 10 AND whole < 2147483568",
        "day >= DATE '1969-12-11' AND day < '1969-12-21'",
        "id IN (10, 11, 12, 13, 14, 15, 16, 17, 18, 19)",
    ] {
        assert_eq!(
            read(condition.into()).unwrap_or_else(|error| panic!("{condition}: {error}")),
            twenties,
            "{condition}"
        );
    }
    let with_value = Condition::new("id >= ? AND day < ?").values([ParamValue::from(10), ParamValue::Date(-11)]);
    assert_eq!(read(with_value).unwrap(), twenties);
    assert_eq!(read("id < 20 AND text = 'text 12'".into()).unwrap(), [12]);
    // What the log does not rule out is read.
    for condition in ["id < 20 OR x > 1", "abs(id) = 12", "x > 1", "price < 0", "id < 5", "gap > 0"] {
        assert!(read(condition.into()).is_err(), "{condition}");
    }
    // Of nothing there is nothing to read.
    for condition in ["id > 100", "gap < 20"] {
        assert!(read(condition.into()).unwrap().is_empty(), "{condition}");
    }

    let options = IterOptions::new().filter("id >= 10 AND id < 20").chunk_size(4);
    let mut chunks = folio.iter_table("t", &options).unwrap();
    let mut walked = Vec::new();
    let mut positions = Vec::new();
    while let Some(chunk) = chunks.next() {
        walked.extend(ids([chunk.unwrap()]));
        positions.push(chunks.position());
    }
    assert_eq!(walked, twenties);
    assert!(positions[..2] == [14, 18] && positions.is_sorted(), "{positions:?}");
    let part = IterOptions::new().filter("id >= 10 AND id < 20").rows(13..17);
    assert_eq!(ids(folio.iter_table("t", &part).unwrap().map(Result::unwrap)), twenties[3..7]);
    let part = TableOptions::new().filter("id >= 10 AND id < 20").offset(2).limit(3);
    assert_eq!(found(folio.read_table("t", &part).unwrap()).unwrap(), twenties[2..5]);
    let statistics = StatisticsOptions::new().columns(["id"]).filter("id >= 10 AND id < 20");
    assert_eq!(folio.describe_table("t", &statistics).unwrap().rows, 10);
    let all = StatisticsOptions::new().columns(["id"]);
    assert!(folio.describe_table("t", &all).is_err());
}

#[test]
fn files_that_a_query_rules_out_are_not_read() {
    let (_dir, folio) = with_table("bounded");
    assert_eq!(destroy_others(&folio, 10..20), 1);
    let none = QueryOptions::new;
    for sql in [
        "SELECT id FROM table WHERE id BETWEEN 10 AND 19 ORDER BY id",
        "SELECT id FROM table AS u WHERE u.id >= 10 AND 20 > u.id ORDER BY id",
        "SELECT DISTINCT id FROM table WHERE id > 9 AND id < 20 AND x IS DISTINCT FROM 1 ORDER BY 1",
    ] {
        let rows = folio.query_table("t", sql, &none()).and_then(found);
        assert_eq!(rows.unwrap_or_else(|error| panic!("{sql}: {error}")), (10..20).collect::<Vec<_>>(), "{sql}");
    }
    let query = |sql: &str, options: &QueryOptions| folio.query(sql, options).and_then(found);
    let values = none().params([10, 20]);
    let sql = "SELECT count(*) AS id FROM t WHERE t.id >= ? AND id < ?";
    assert_eq!(query(sql, &values).unwrap(), [10]);
    // Each of these needs other rows.
    for sql in [
        "SELECT count(*) AS id FROM t",
        "SELECT id FROM t WHERE id BETWEEN 10 AND 19 OR x > 1",
        "SELECT id FROM t WHERE id BETWEEN 10 AND 19 AND id < (SELECT max(id) FROM t)",
        "SELECT a.id FROM t AS a, t AS b WHERE a.id = 10 AND b.id = 11",
        "SELECT id FROM (SELECT id + 10 AS id FROM t) WHERE id BETWEEN 20 AND 29",
        "WITH t AS (SELECT id + 10 AS id FROM t) SELECT id FROM t WHERE id BETWEEN 20 AND 29",
        "SELECT id FROM t AS u(whole, id) WHERE id BETWEEN 10 AND 19",
        "SELECT count(*) FILTER (WHERE id BETWEEN 10 AND 19) AS id FROM t",
    ] {
        assert!(query(sql, &none()).is_err(), "{sql}");
    }
}

/// Whatever is left out, rows are those of SQL over all rows: also those of deletion vectors, of partitions, of columns under other names,
/// and where statistics are cut, damaged or of narrower types.
#[test]
fn conditions_find_the_same_rows_whatever_is_skipped() {
    for (name, conditions) in [
        (
            "bounded",
            &[
                "id < 7",
                "id = 33",
                "x <= 3.0",
                "f < 0.5",
                "text > 'text 29'",
                "\"at\" < '1970-01-01 00:00:00Z'",
                "local >= '2024-02-29 23:30'",
                "price = 2.5",
                "flag",
                "long < 'z'",
                "gap >= 25 AND id < 45",
                "day = '1970-01-03'",
            ][..],
        ),
        (
            "noted",
            &[
                "id < 22",
                "id >= 61",
                "text > 'b'",
                "text < 'b'",
                "x = 2.0",
                "gap = 20",
                "gap > 22",
                "price <= 5",
                "\"at\" >= '1970-01-01 00:00:00Z'",
                "local < '1970-01-11'",
            ],
        ),
        ("deleted", &["id < 12", "id = 9", "a >= 'v15'"]),
        (
            "partitioned",
            &[
                "text = 'plain'",
                "text > 'a'",
                "day = '2024-01-01'",
                "day > DATE '2024-01-01'",
                "n = 1",
                "n < 1 AND value > 0.5",
                "text = ''",
            ],
        ),
        ("evolved", &["b = 1.5", "b < 9", "a = 'z'", "id > 3"]),
        ("mapped_bounds", &["a >= 110", "b >= 196", "a = 101", "b = 190", "id < 5"]),
        ("mapped_id", &["id >= 3", "late = 30"]),
        ("widened_bounds", &["f <= 0.1", "f > 0.1", "f = 0.1", "n > 2", "n < 3"]),
        ("cleaned", &["id > 5", "a = 'v4'"]),
    ] {
        let (_dir, folio) = with_table(name);
        for condition in conditions {
            // Of this nothing is asked of single columns.
            let hidden = format!("SELECT id FROM table WHERE ({condition}) OR false");
            let expected = folio.query_table("t", &hidden, &QueryOptions::new()).and_then(found).unwrap();
            let options = TableOptions::new().filter(*condition).columns(["id"]);
            let read = folio.read_table("t", &options).and_then(found).unwrap();
            assert_eq!(read, expected, "{name}: {condition}");
            let sql = format!("SELECT id FROM table WHERE {condition}");
            let asked = folio.query_table("t", &sql, &QueryOptions::new()).and_then(found).unwrap();
            assert_eq!(asked, expected, "{name}: {condition}");
        }
    }
}

/// Changes the statistics of all files of the table.
fn with_statistics(dir: &TempDir, change: impl Fn(&mut Value)) {
    let log = dir.path().join("lake/_delta_log");
    for entry in fs::read_dir(log).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let changed = |line: &str| {
            let mut action: Value = serde_json::from_str(line).unwrap();
            if let Some(text) = action.pointer("/add/stats").and_then(Value::as_str).map(str::to_owned) {
                let mut statistics: Value = serde_json::from_str(&text).unwrap();
                change(&mut statistics);
                action["add"]["stats"] = statistics.to_string().into();
            }
            action.to_string() + "\n"
        };
        let text: String = fs::read_to_string(&path).unwrap().lines().map(changed).collect();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn statistics_that_cannot_be_rule_nothing_out() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 4] = [
        ("extremes that contradict each other", |found| {
            let (min, max) = (found["minValues"].clone(), found["maxValues"].clone());
            (found["minValues"], found["maxValues"]) = (max, min);
        }),
        ("a fraction of nulls", |found| found["nullCount"]["id"] = json!(10.5)),
        ("numbers as texts", |found| found["maxValues"]["text"] = json!(7)),
        ("truth values as texts", |found| found["minValues"]["text"] = json!(true)),
    ];
    for (what, change) in changes {
        let (dir, folio) = with_table("bounded");
        with_statistics(&dir, change);
        let rows = |condition: String| {
            folio.read_table("t", &TableOptions::new().filter(condition).columns(["id"])).and_then(found).unwrap()
        };
        for id in [0, 12, 25, 37, 49] {
            assert_eq!(rows(format!("id = {id}")), [id], "{what}");
            assert_eq!(rows(format!("text = 'text {id:02}'")), [id], "{what}");
            assert_eq!(rows(format!("whole = {}", 2_147_483_548_i64 + id)), [id], "{what}");
        }
        let info = folio.table_info("t").unwrap();
        let exact = info.column_facts.iter().filter(|column| column.is_exact && column.name == "id");
        assert!(
            exact.into_iter().all(|column| column.min == Some(json!(0)) && column.max == Some(json!(49))),
            "{what}"
        );
    }
    // So many rows that they cannot be counted.
    let (dir, folio) = with_table("bounded");
    with_statistics(&dir, |found| found["numRecords"] = json!(u64::MAX));
    assert!(folio.read_table("t", &TableOptions::new()).and_then(found).is_err());
    assert_eq!(folio.table_info("t").unwrap().rows, Some(u64::MAX));
}

/// A column that never had a value has no type, and SQL none for it.
#[test]
fn conditions_on_tables_with_columns_without_a_type() {
    let (_dir, folio) = with_table("void");
    let read = folio.read_table("t", &TableOptions::new().filter("id = 1")).unwrap();
    let columns: Vec<_> = read.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(columns, [DataType::Int64, DataType::Null]);
    assert_eq!(found(read).unwrap(), [1]);
}
