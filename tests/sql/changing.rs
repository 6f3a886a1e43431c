//! Rows that are changed and removed by condition.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
    Int8Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float64Type, Int8Type, Int64Type};
use arrow::util::display::array_value_to_string;
use datafolio::{AddOptions, AppendOptions, Condition, DataFolio, SnapshotOptions, TableOptions, VerifyOptions};

use crate::support::new_bundle;

/// Columns `id` and `value`, which is missing in every fifth row.
fn numbers(rows: std::ops::Range<i64>) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.clone()));
    let value: ArrayRef = Arc::new(rows.map(|id| (id % 5 != 4).then_some(id as f64)).collect::<Float64Array>());
    RecordBatch::try_from_iter_with_nullable([("id", id, false), ("value", value, true)]).unwrap()
}

/// Tables of 30 rows: `parts` in three files, `one` in one, `arrow` in two of another format.
fn with_tables() -> (tempfile::TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    let plain = || AppendOptions::new().without_compaction();
    for rows in [0..10, 10..20, 20..30] {
        folio.append_table("parts", numbers(rows), plain()).unwrap();
    }
    folio.add("one", numbers(0..30), AddOptions::new().description("of one file").inputs(["parts"])).unwrap();
    for rows in [0..15, 15..30] {
        folio.append_table("arrow", numbers(rows), plain().table_format("arrow")).unwrap();
    }
    (dir, folio)
}

fn read(folio: &DataFolio, table: &str) -> Vec<(i64, Option<f64>)> {
    let mut found = Vec::new();
    for batch in folio.read_table(table, &TableOptions::new()).unwrap() {
        let batch = batch.unwrap();
        let ids = batch.column(0).as_primitive::<Int64Type>().values();
        found.extend(ids.iter().copied().zip(batch.column(1).as_primitive::<Float64Type>().iter()));
    }
    found
}

fn expected(keep: impl Fn(i64) -> bool, value: impl Fn(i64, Option<f64>) -> Option<f64>) -> Vec<(i64, Option<f64>)> {
    let rows = (0..30).map(|id| (id, (id % 5 != 4).then_some(id as f64)));
    rows.filter(|(id, _)| keep(*id)).map(|(id, old)| (id, value(id, old))).collect()
}

#[test]
fn values_are_bound_where_rows_are_changed() {
    let (_dir, folio) = with_tables();
    for name in ["parts", "one", "arrow"] {
        let condition = Condition::new("id BETWEEN ? AND $2").values([12.into(), 14.into(), 0.5.into()]);
        let done = folio.update_table(name, condition, &[("value", "value + ?1 * ?3"), ("id", "id + $1")]).unwrap();
        assert_eq!(done.rows, 3, "{name}");
        // 14 has no value.
        let found = read(&folio, name);
        assert_eq!(found[12..15], [(24, Some(18.0)), (25, Some(19.0)), (26, None)], "{name}");
        let condition = Condition::new("id = $id").value("id", 25).value("new", 7);
        folio.update_table(name, condition, &[("value", "$new")]).unwrap();
        assert_eq!(read(&folio, name).iter().filter(|row| **row == (25, Some(7.0))).count(), 2, "{name}");
        let done = folio.delete_rows(name, Condition::new("id = ? OR id = ?").values([25.into(), 3.into()])).unwrap();
        assert_eq!((done.rows, done.num_rows), (3, 27), "{name}");
    }
    let before = read(&folio, "parts");
    for (condition, value, reason) in [
        (Condition::new("id = ?").values([1.into()]), "?", "place 2 has no value"),
        (Condition::new("id = ?").values([1.into(), 2.into()]), "1", "no place for value 2"),
        (Condition::new("id = $a").value("a", 1), "?", "numbered"),
    ] {
        let error = folio.update_table("parts", condition, &[("value", value)]).unwrap_err();
        assert!(error.code() == "sql-parameters" && error.to_string().contains(reason), "{error}");
    }
    let error = folio.update_table("parts", "id = 1", &[("value", "value +")]).unwrap_err();
    assert!(error.to_string().contains("new value of column \"value\""), "{error}");
    assert_eq!(read(&folio, "parts"), before);
}

#[test]
fn rows_go_and_parts_without_them_stay() {
    let (_dir, folio) = with_tables();
    folio.create_snapshot("before", SnapshotOptions { capture_git: false, ..Default::default() }).unwrap();
    let before = folio.get_table_paths("parts").unwrap();
    for (name, kept, written) in [("parts", 1, 1), ("one", 0, 1), ("arrow", 0, 2)] {
        // All rows of the second part, some of the third. Missing values are neither.
        let done = folio.delete_rows(name, "id BETWEEN 10 AND 19 OR value > 26").unwrap();
        assert_eq!((done.rows, done.num_rows, done.parts_kept, done.parts_written), (12, 18, kept, written), "{name}");
        let gone = |id: i64| (10..20).contains(&id) || (id > 26 && id % 5 != 4);
        assert_eq!(read(&folio, name), expected(|id| !gone(id), |_, old| old), "{name}");
        assert_eq!(folio.table_info(name).unwrap().rows, Some(18));
        assert_eq!(read(&folio.load_snapshot("before").unwrap(), name).len(), 30);
    }
    assert_eq!(folio.get_table_paths("parts").unwrap()[0], before[0]);
    let record = folio.item_info("one").unwrap().record;
    assert_eq!((&record["description"], &record["inputs"]), (&"of one file".into(), &serde_json::json!(["parts"])));
    assert!(record["input_versions"]["parts"].is_string());
    assert!(folio.verify(&VerifyOptions::default()).unwrap().findings.is_empty());
    folio.append_table("parts", numbers(40..41), AppendOptions::new()).unwrap();
    assert_eq!(read(&folio, "parts").last(), Some(&(40, Some(40.0))));
    let log = folio.log(1000).unwrap();
    assert!(log.iter().any(|entry| entry.operation == "delete 12 rows of parts"));
}

#[test]
fn nothing_to_remove_is_no_commit_and_everything_leaves_the_columns() {
    let (_dir, folio) = with_tables();
    let revision = folio.revision();
    for name in ["parts", "one", "arrow"] {
        assert_eq!(folio.delete_rows(name, "id < 0").unwrap().rows, 0);
        assert_eq!(folio.update_table(name, "false", &[("id", "0")]).unwrap().rows, 0);
    }
    assert_eq!(folio.revision(), revision);
    for name in ["parts", "one", "arrow"] {
        assert_eq!(folio.delete_rows(name, "true").unwrap().num_rows, 0);
        let info = folio.table_info(name).unwrap();
        assert_eq!((info.rows, info.column_names), (Some(0), vec!["id".to_owned(), "value".to_owned()]));
        folio.append_table(name, numbers(0..3), AppendOptions::new()).unwrap();
        assert_eq!(read(&folio, name).len(), 3);
    }
    assert!(folio.verify(&VerifyOptions::default()).unwrap().findings.is_empty());
}

#[test]
fn values_are_set_from_the_row_as_it_was() {
    let (_dir, folio) = with_tables();
    for name in ["parts", "one", "arrow"] {
        let values = [("value", "id + 1000"), ("id", "id + CAST(coalesce(value, 0) AS BIGINT)")];
        let done = folio.update_table(name, "id >= 25 AND id < (SELECT max(id) FROM one)", &values).unwrap();
        assert_eq!((done.rows, done.num_rows), (4, 30), "{name}");
        let mut found = expected(|_| true, |_, old| old);
        for (id, value) in &mut found[25..29] {
            let old = value.unwrap_or(0.0);
            (*value, *id) = (Some(*id as f64 + 1000.0), *id + old as i64);
        }
        // `one` is asked while it still is what it was.
        assert_eq!(read(&folio, name), found, "{name}");
        if name == "one" {
            folio.undo(None).unwrap();
        }
    }
}

/// A subquery over the table sees all of it, and not the part that is at hand.
#[test]
fn a_condition_that_looks_at_the_table_looks_at_all_of_it() {
    let (_dir, folio) = with_tables();
    for name in ["parts", "one", "arrow"] {
        let done = folio.delete_rows(name, "id = (SELECT max(id) FROM table)").unwrap();
        assert_eq!((done.rows, done.num_rows), (1, 29), "{name}");
        assert_eq!(read(&folio, name), expected(|id| id < 29, |_, old| old), "{name}");
        let set = [("value", "(SELECT count(*) FROM table)")];
        assert_eq!(folio.update_table(name, "table.id = 0", &set).unwrap().rows, 1);
        assert_eq!(read(&folio, name)[0], (0, Some(29.0)), "{name}");
    }
}

/// The schema that the table is in may be named; of three parts, each has a largest number of its own.
#[test]
fn a_table_with_its_schema_is_the_same_table() {
    let (_dir, folio) = with_tables();
    for name in ["parts", "one", "arrow"] {
        let done = folio.delete_rows(name, "id = (SELECT max(id) FROM Main.table)").unwrap();
        assert_eq!((done.rows, done.num_rows), (1, 29), "{name}");
        assert_eq!(read(&folio, name), expected(|id| id < 29, |_, old| old), "{name}");
    }
    let (_dir, folio) = with_tables();
    for name in ["parts", "one", "arrow"] {
        let set = [("value", "(SELECT count(*) FROM main.table)")];
        assert_eq!(folio.update_table(name, "id = 0", &set).unwrap().rows, 1);
        assert_eq!(read(&folio, name)[0], (0, Some(30.0)), "{name}");
    }
}

/// The other tables that a condition looks into are those that the batch has by then.
#[test]
fn a_condition_in_a_batch_sees_what_the_batch_has_made() {
    let (_dir, folio) = with_tables();
    let mut batch = folio.batch().unwrap();
    assert_eq!(batch.delete_rows("one", "id >= 10").unwrap().rows, 20);
    assert_eq!(batch.delete_rows("parts", "id NOT IN (SELECT id FROM one)").unwrap().rows, 20);
    batch.append_table("limits", numbers(7..8), AppendOptions::new()).unwrap();
    let set = [("value", "(SELECT max(id) FROM limits)")];
    assert_eq!(batch.update_table("arrow", "id < (SELECT max(id) FROM limits)", &set).unwrap().rows, 7);
    batch.commit().unwrap();
    assert_eq!(read(&folio, "parts"), expected(|id| id < 10, |_, old| old));
    assert_eq!(read(&folio, "arrow"), expected(|_| true, |id, old| if id < 7 { Some(7.0) } else { old }));
}

#[test]
fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let (_dir, folio) = with_tables();
    let revision = folio.revision();
    let set = |values: &[(&str, &str)]| folio.update_table("parts", "id = 3", values).unwrap_err();
    for (error, code, says) in [
        (set(&[("vale", "1")]), "column-not-found", "did you mean \"value\"?"),
        (set(&[("value", "1"), ("value", "2")]), "invalid-value", "two values"),
        (set(&[]), "invalid-value", "no column"),
        (set(&[("id", "NULL")]), "schema-mismatch", "\"id\""),
        (set(&[("id", "'many'")]), "schema-mismatch", "CAST"),
        (set(&[("id", "9000000000000000000::UBIGINT + 9000000000000000000::UBIGINT")]), "schema-mismatch", "\"id\""),
        (set(&[("id", "1) ELSE 2 END, (CASE WHEN true THEN 3")]), "sql-syntax", ""),
        (set(&[("id", "1) + (2")]), "sql-syntax", ""),
        (set(&[("id", "1, 2")]), "sql-refused", "more than one value"),
        (set(&[("id", "1 AS one")]), "sql-refused", "more than one value"),
        // They would be over the rows of one file.
        (set(&[("id", "row_number() OVER ()")]), "sql-refused", "other rows"),
        (set(&[("id", "unnest([1, 2])")]), "sql-refused", "other rows"),
        (set(&[("value", "1 + Max(value)")]), "sql-refused", "(SELECT max(x) FROM table)"),
        (folio.delete_rows("parts", "id = 3) OR (id = 4").unwrap_err(), "sql-syntax", ""),
        (folio.delete_rows("parts", "random() < 0.5").unwrap_err(), "invalid-value", "each time"),
        (set(&[("id", "nothing_there + 1")]), "column-not-found", "nothing_there"),
        (folio.delete_rows("parts", "id = ").unwrap_err(), "sql-syntax", ""),
        (folio.delete_rows("parts", "true) OR (read_csv('/etc/passwd')").unwrap_err(), "sql-syntax", ""),
        (folio.delete_rows("absent", "true").unwrap_err(), "item-not-found", "absent"),
    ] {
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
    folio.add("text", serde_json::json!(1), AddOptions::new()).unwrap();
    assert_eq!(folio.delete_rows("text", "true").unwrap_err().code(), "wrong-type");
    assert_eq!(folio.revision(), revision + 1);
    assert_eq!(read(&folio, "parts"), expected(|_| true, |_, old| old));
}

/// A column of each type that a value of another could be taken for, where other rows have what that other type does not hold.
fn typed() -> RecordBatch {
    let long = 9_007_199_254_740_993;
    let dec = Decimal128Array::from(vec![4_i128, 123_456_789_012_345_678_901_234_567_890_i128]);
    let columns: [(&str, ArrayRef); 10] = [
        ("k", Arc::new(Int64Array::from(vec![1, 2]))),
        ("id", Arc::new(Int64Array::from(vec![4, long]))),
        ("dec", Arc::new(dec.with_precision_and_scale(38, 10).unwrap())),
        ("ns", Arc::new(TimestampNanosecondArray::from(vec![1, 1_600_000_000_123_456_789]))),
        ("day", Arc::new(Date32Array::from(vec![1, 20_000]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(false), None]))),
        ("small", Arc::new(Int8Array::from(vec![1, -128]))),
        ("single", Arc::new(Float32Array::from(vec![0.5, f32::MAX]))),
        ("text", Arc::new(StringArray::from(vec![Some("a"), None]))),
        ("kind", Arc::new(vec![Some("red"), Some("blue")].into_iter().collect::<DictionaryArray<Int8Type>>())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

#[test]
fn rows_that_are_not_set_stay_what_they_were_whatever_the_value_is() {
    let (_dir, folio) = new_bundle();
    let before = typed();
    let whole = |folio: &DataFolio| {
        let batches: Vec<RecordBatch> =
            folio.read_table("t", &TableOptions::new()).unwrap().map(Result::unwrap).collect();
        concat_batches(&batches[0].schema(), &batches).unwrap()
    };
    let as_text = |batch: &RecordBatch, column: &str, row: usize| {
        array_value_to_string(batch.column_by_name(column).unwrap(), row).unwrap()
    };
    for (column, value, becomes) in [
        ("id", "sqrt(id)", "2"),
        ("id", "'10.0'::DOUBLE", "10"),
        ("id", "-0.0::DOUBLE", "0"),
        ("id", "id * 1.5", "6"),
        ("id", "3::TINYINT", "3"),
        ("id", "NULL", ""),
        ("dec", "0.5::DOUBLE", "0.5000000000"),
        ("dec", "7", "7.0000000000"),
        ("ns", "'2020-01-01 10:00:00'::TIMESTAMP", "2020-01-01T10:00:00"),
        ("ns", "'2020-01-01 10:00:00.000000001'", "2020-01-01T10:00:00.000000001"),
        ("day", "'2020-03-01'", "2020-03-01"),
        ("day", "'2020-03-01 00:00:00'::TIMESTAMP", "2020-03-01"),
        ("flag", "k = 1", "true"),
        ("small", "id + 100", "104"),
        ("single", "sqrt(2)", "1.4142135"),
        ("single", "0.1", "0.1"),
        ("single", "16777216", "16777216.0"),
        ("text", "concat(text, 'b')", "ab"),
        ("kind", "'green'", "green"),
    ] {
        for name in ["one", "parts"] {
            let _ = folio.delete(&["t"]);
            match name {
                "one" => folio.add("t", before.clone(), AddOptions::new()).map(drop).unwrap(),
                _ => folio.append_table("t", before.clone(), AppendOptions::new()).map(drop).unwrap(),
            }
            folio.update_table("t", "k = 1", &[(column, value)]).unwrap_or_else(|e| panic!("{column} = {value}: {e}"));
            let after = whole(&folio);
            assert_eq!(as_text(&after, column, 0), becomes, "{column} = {value}");
            assert_eq!(after.slice(1, 1), before.slice(1, 1), "{column} = {value}");
            for other in before.schema().fields().iter().filter(|field| field.name() != column) {
                assert_eq!(
                    after.column_by_name(other.name()),
                    before.column_by_name(other.name()),
                    "{column} = {value}"
                );
            }
        }
    }
}

#[test]
fn a_value_that_a_column_cannot_hold_exactly_is_refused() {
    let (_dir, folio) = new_bundle();
    folio.append_table("t", typed(), AppendOptions::new()).unwrap();
    let revision = folio.revision();
    for (column, value, says) in [
        ("id", "2.5", "2.5, which is not exactly a value of its type Int64: round() it"),
        ("id", "id * 1.29", "5.16"),
        ("id", "sqrt(2)", "round()"),
        ("id", "'nan'::DOUBLE", "not"),
        ("id", "'5'", "CAST"),
        ("id", "1e300", "not of its type"),
        ("flag", "5", "5, which is not exactly"),
        ("flag", "'5'", "CAST"),
        ("small", "id + 200", "not of its type Int8"),
        ("dec", "sqrt(2)", "round()"),
        ("dec", "0.12345678901", "round()"),
        ("day", "'2020-01-01 10:00:00'::TIMESTAMP", "2020-01-01T10:00:00"),
        ("day", "'2020-01-01 10:00:00'", "2020-01-01 10:00:00"),
        ("day", "'yesterday'", "yesterday"),
        ("single", "16777217", "16777217"),
        ("single", "1e300", "1e300"),
        ("text", "id", "CAST"),
    ] {
        let error = folio.update_table("t", "k = 1", &[(column, value)]).unwrap_err();
        assert_eq!(error.code(), "schema-mismatch", "{column} = {value}: {error}");
        let text = error.to_string();
        assert!(text.contains(says) && text.contains(&format!("{column:?}")), "{column} = {value}: {text}");
    }
    assert_eq!(folio.revision(), revision);
    // What changes from one look to the next would be set in other rows than were counted.
    folio.add("many", numbers(0..1_000), AddOptions::new()).unwrap();
    let error = folio.update_table("many", "random() < 0.5", &[("value", "1")]).unwrap_err();
    assert!(error.to_string().contains("each time"), "{error}");
}

/// Two writers add columns at the same time, each with its own at the front: their files have the columns in other orders.
#[test]
fn columns_are_told_by_their_names_in_every_file() {
    let (_dir, folio) = new_bundle();
    let evolve = || AppendOptions::new().without_compaction().evolve();
    let batch = |columns: &[(&str, f64)]| {
        let of = |value: f64| -> ArrayRef { Arc::new(Float64Array::from(vec![value])) };
        RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, value)| (*name, of(*value), true))).unwrap()
    };
    for n in [0.0, 1.0] {
        folio.append_table("t", batch(&[("id", n)]), evolve()).unwrap();
    }
    let other = DataFolio::open(folio.location()).unwrap();
    folio.append_table("t", batch(&[("id", 2.0), ("x", 20.0)]), evolve()).unwrap();
    other.append_table("t", batch(&[("id", 3.0), ("y", 300.0), ("x", 30.0)]), evolve()).unwrap();
    folio.refresh().unwrap();
    let all = |folio: &DataFolio| {
        let rows = super::ask(folio, "SELECT id, x, y FROM t ORDER BY id").unwrap();
        rows.into_iter().map(|row| row.iter().map(|value| value.as_f64()).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let (two, three) = (vec![Some(2.0), Some(20.0), None], vec![Some(3.0), Some(30.0), Some(300.0)]);
    assert_eq!(all(&folio), [vec![Some(0.0), None, None], vec![Some(1.0), None, None], two.clone(), three.clone()]);
    // A condition on a column that the first files lack holds for none of their rows.
    assert_eq!(folio.delete_rows("t", "x < 10").unwrap().rows, 0);
    assert_eq!(folio.update_table("t", "x IS NULL", &[("y", "id + 7")]).unwrap().rows, 2);
    assert_eq!(folio.delete_rows("t", "id = 1").unwrap().rows, 1);
    let zero = vec![Some(0.0), None, Some(7.0)];
    assert_eq!(all(&folio), [zero.clone(), two, three.clone()]);
    assert_eq!(folio.delete_rows("t", "id = 2 AND x = 20").unwrap().rows, 1);
    assert_eq!(all(&folio), [zero.clone(), three.clone()]);
    let filtered = folio.read_table("t", &TableOptions::new().filter("y > 100")).unwrap();
    let filtered: Vec<RecordBatch> = filtered.map(Result::unwrap).collect();
    assert_eq!(filtered[0].column_by_name("x").unwrap().as_primitive::<Float64Type>().values(), &[30.0]);
    folio.compact("t").unwrap();
    assert_eq!(all(&folio), [zero, three]);
}

/// SQL does not tell such columns apart, and would set one for the other.
#[test]
fn columns_that_differ_in_case_alone_cannot_be_set() {
    let (_dir, folio) = new_bundle();
    let column = |value| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    let batch = RecordBatch::try_from_iter([("a", column(1)), ("A", column(2)), ("x", column(3))]).unwrap();
    folio.append_table("t", batch, AppendOptions::new()).unwrap();
    for error in
        [folio.update_table("t", "true", &[("x", "1")]).unwrap_err(), folio.delete_rows("t", "x = 3").unwrap_err()]
    {
        assert!(error.to_string().contains("differ in case alone"), "{error}");
    }
}
