//! Delta tables: what their log rules out, and what it says of their columns, against their rows. The tables are those of
//! `crates/delta/tests-data`.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafolio_core::ItemRecord;
use datafolio_handlers::{
    Item, Limit, TableFacts, TableReadOptions, ValueRange, ValueSpan, json_value, read_ranges, read_table, rows_within,
    table_facts,
};
use datafolio_storage::{MemoryStorage, Storage, Verification, VerifiedCache};
use datafolio_testkit::copies::copy_dir;
use serde_json::{Value, json};

fn tables() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/delta/tests-data/tables")
}

/// Runs something with the item that refers to a version of a table.
fn with_item<T>(table: &Path, version: u64, run: impl FnOnce(&Item<'_>) -> T) -> T {
    let fields = json!({
        "name": "t", "item_type": "referenced_table", "table_format": "delta", "path": table.to_str().unwrap(), "version": version,
    });
    let record = ItemRecord::new(fields.as_object().unwrap().clone());
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    run(&Item::new(&record, &storage, Verification::Full, &VerifiedCache::disabled()))
}

fn whole(item: &Item<'_>) -> RecordBatch {
    let rows = read_table(item, &TableReadOptions::default()).unwrap();
    let schema = rows.schema();
    concat_batches(&schema, &rows.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
}

/// All tables and versions that other readers know.
fn versions() -> Vec<(String, u64)> {
    let expected = fs::read_to_string(tables().with_file_name("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_str(&expected).unwrap();
    let version = |seen: &Value| (seen["table"].as_str().unwrap().to_owned(), seen["version"].as_u64().unwrap());
    expected.iter().map(version).collect()
}

/// The values of a column as ends of ranges; `None` for types without.
fn limits(values: &ArrayRef) -> Option<Vec<Option<Limit>>> {
    let all = |limit: &dyn Fn(usize) -> Limit| {
        Some((0..values.len()).map(|row| values.is_valid(row).then(|| limit(row))).collect())
    };
    match values.data_type() {
        kind if kind.is_integer() || matches!(kind, DataType::Date32 | DataType::Timestamp(..)) => {
            let whole = match kind {
                DataType::Date32 => cast(&cast(values, &DataType::Int32).unwrap(), &DataType::Int64),
                _ => cast(values, &DataType::Int64),
            };
            let whole = whole.unwrap();
            all(&|row| Limit::Int(whole.as_primitive::<Int64Type>().value(row).into()))
        }
        kind if kind.is_floating() => {
            let floats = cast(values, &DataType::Float64).unwrap();
            all(&|row| Limit::Float(floats.as_primitive::<Float64Type>().value(row)))
        }
        DataType::Utf8 => all(&|row| Limit::Text(values.as_string::<i32>().value(row).to_owned())),
        _ => None,
    }
}

fn is_at_most(one: &Limit, other: &Limit) -> bool {
    match (one, other) {
        (Limit::Int(one), Limit::Int(other)) => one <= other,
        (Limit::Float(one), Limit::Float(other)) => one <= other,
        (Limit::Text(one), Limit::Text(other)) => one.as_bytes() <= other.as_bytes(),
        _ => false,
    }
}

fn has(rows: &[Range<u64>], row: u64) -> bool {
    rows.iter().any(|range| range.contains(&row))
}

#[test]
fn no_row_that_a_condition_may_hold_for_is_left_out() {
    let (mut asked, mut left_out) = (0, 0);
    for (name, version) in versions() {
        with_item(&tables().join(&name), version, |item| {
            let whole = whole(item);
            for (column, values) in whole.schema().fields().iter().zip(whole.columns()) {
                let Some(limits) = limits(values) else { continue };
                for end in limits.iter().flatten() {
                    let is_nan = matches!(end, Limit::Float(end) if end.is_nan());
                    let ends = [(Some(end), Some(end)), (None, Some(end)), (Some(end), None)];
                    // Above a number is NaN, of which statistics do not tell: nobody asks them.
                    let ends = if matches!(end, Limit::Float(_)) { &ends[..2] } else { &ends[..] };
                    for (least, most) in ends.iter().filter(|_| !is_nan) {
                        let ranges = vec![ValueRange { least: least.cloned(), most: most.cloned() }];
                        let span = ValueSpan { column: column.name().clone(), ranges };
                        let found = rows_within(item, std::slice::from_ref(&span), None).unwrap().unwrap();
                        assert_eq!(found.all, whole.num_rows() as u64);
                        assert!(found.rows.windows(2).all(|pair| pair[0].end < pair[1].start), "{:?}", found.rows);
                        for (row, value) in limits.iter().enumerate() {
                            let holds = value.as_ref().is_some_and(|value| {
                                least.is_none_or(|least| is_at_most(least, value))
                                    && most.is_none_or(|most| is_at_most(value, most))
                            });
                            assert!(!holds || has(&found.rows, row as u64), "{name} {version} {span:?} {row}");
                        }
                        asked += 1;
                        left_out += found.all - found.rows.iter().map(|rows| rows.end - rows.start).sum::<u64>();
                    }
                }
            }
        });
    }
    assert!(asked > 2_000 && left_out > 20_000, "{asked} {left_out}");
}

fn ids(rows: &RecordBatch) -> Vec<i64> {
    rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec()
}

/// Files that are ruled out may be anything: they are not opened.
#[test]
fn files_that_are_ruled_out_are_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&tables().join("bounded"), dir.path());
    let whole = with_item(dir.path(), 5, whole);
    assert_eq!(whole.num_rows(), 49);
    let facts = with_item(dir.path(), 5, |item| table_facts(item).unwrap());
    let span = |column: &str, least: Option<i128>, most: Option<i128>| {
        let ranges = vec![ValueRange { least: least.map(Limit::Int), most: most.map(Limit::Int) }];
        ValueSpan { column: column.to_owned(), ranges }
    };
    // The file that was written anew when a row of it was deleted is the last.
    for (spans, expected) in [
        (vec![span("id", Some(12), Some(14))], vec![10..20; 1]),
        (vec![span("id", Some(5), Some(14)), span("day", Some(-21), None)], vec![10..20; 1]),
        (vec![span("gap", None, None)], vec![20..49; 1]),
        (vec![span("gap", None, Some(29)), span("id", Some(0), None)], vec![20..30; 1]),
        (vec![span("at", Some(21_000_000), None)], vec![]),
        (vec![span("at", Some(19_000_000), None)], vec![30..40; 1]),
        (vec![span("id", Some(33), Some(33))], vec![40..49; 1]),
        (vec![span("price", Some(1_000), None)], vec![0..49; 1]),
    ] {
        let found = with_item(dir.path(), 5, |item| rows_within(item, &spans, None).unwrap().unwrap());
        assert_eq!((found.rows.as_slice(), found.all), (expected.as_slice(), 49), "{spans:?}");
    }
    let ranges: Arc<[Range<u64>]> = vec![10..20, 45..46].into();
    let mut start = 0;
    for file in &facts.files {
        let rows = start..start + file.rows.unwrap();
        start = rows.end;
        if !ranges.iter().any(|range| range.start < rows.end && rows.start < range.end) {
            fs::write(file.path.as_ref().unwrap(), "no longer Parquet").unwrap();
        }
    }
    let read = |ranges: Arc<[Range<u64>]>| {
        with_item(dir.path(), 5, |item| {
            let mut part = TableReadOptions::default();
            part.columns = Some(vec!["text".to_owned(), "id".to_owned()]);
            let rows = read_ranges(item, &part, ranges).unwrap().unwrap();
            let schema = rows.schema();
            let batches = rows.collect::<Result<Vec<_>, _>>()?;
            concat_batches(&schema, &batches)
        })
    };
    let expected = concat_batches(&whole.schema(), &[whole.slice(10, 10), whole.slice(45, 1)]).unwrap();
    assert_eq!(ids(&read(ranges).unwrap()), ids(&expected));
    assert!(read(vec![9..11; 1].into()).is_err());
}

/// What facts say, of a table whose files cannot be opened.
fn facts_without_files(name: &str, version: u64) -> TableFacts {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(&tables().join(name), dir.path());
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.extension().is_some_and(|suffix| suffix == "parquet") {
            fs::remove_file(path).unwrap();
        }
    }
    with_item(dir.path(), version, |item| table_facts(item).unwrap())
}

#[test]
fn facts_of_columns_come_from_the_log() {
    let facts = facts_without_files("bounded", 5);
    let told = |name: &str| {
        let column = facts.columns.iter().find(|column| column.name == name).unwrap();
        (column.null_count, column.min.clone(), column.max.clone(), column.is_exact)
    };
    let known = |min: Value, max: Value, nulls, is_exact| (Some(nulls), Some(min), Some(max), is_exact);
    assert_eq!(facts.rows, Some(49));
    assert_eq!(told("id"), known(0.into(), 49.into(), 0, true));
    assert_eq!(told("gap"), known(20.into(), 49.into(), 20, true));
    assert_eq!(told("text"), known("text 00".into(), "text 49".into(), 7, false));
    assert_eq!(told("flag"), known(false.into(), true.into(), 0, true));
    assert_eq!(told("day"), known("1969-12-01".into(), "1970-01-19".into(), 0, true));
    assert_eq!((told("dear").1, told("dear").2, told("dear").3), (None, None, false));
    assert_eq!(told("place"), (None, None, None, false));
    // Of some files nothing is known, so nothing is of the table.
    let facts = with_item(&tables().join("noted"), 2, |item| table_facts(item).unwrap());
    assert!(facts.columns.iter().all(|column| column.min.is_none() && column.max.is_none() && !column.is_exact));
    assert!(facts.columns.iter().all(|column| column.null_count.is_none()));
    let facts = facts_without_files("noted", 1);
    let told = |name: &str| facts.columns.iter().find(|column| column.name == name).unwrap();
    // A file whose rows are deleted in part says how many of all were null.
    assert_eq!((told("id").null_count, told("text").null_count), (Some(0), None));
    assert_eq!(
        (told("id").min.clone(), told("id").max.clone(), told("id").is_exact),
        (Some(0.into()), Some(39.into()), false)
    );
}

/// What facts say is so, of every table and version.
#[test]
fn facts_hold_for_the_rows() {
    let mut exact = 0;
    for (name, version) in versions() {
        with_item(&tables().join(&name), version, |item| {
            let (facts, whole) = (table_facts(item).unwrap(), whole(item));
            assert_eq!(facts.rows, Some(whole.num_rows() as u64));
            for (column, values) in facts.columns.iter().zip(whole.columns()) {
                let nulls = values.null_count() as u64;
                assert!(column.null_count.is_none_or(|count| count == nulls), "{name} {version} {column:?}");
                if column.is_exact {
                    let found = (0..values.len()).filter_map(|row| json_value(&values.slice(row, 1)));
                    let found: Vec<Value> = found.collect();
                    let has = |value: &Option<Value>| {
                        let value = value.as_ref().unwrap();
                        found.iter().any(|found| {
                            found == value || found.as_f64().is_some_and(|one| Some(one) == value.as_f64())
                        })
                    };
                    assert!(has(&column.min) && has(&column.max), "{name} {version} {column:?}");
                    exact += 1;
                }
            }
        });
    }
    assert!(exact > 60, "{exact}");
}
