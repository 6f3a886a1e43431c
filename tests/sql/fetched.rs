//! Queries of which DuckDB finds the rows at most, and whose columns are read here: they give what DuckDB alone gives.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, Int64Array,
    RecordBatch, RecordBatchIterator, RecordBatchReader, StringArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, UInt32Array,
};
use arrow::compute::concat_batches;
use datafolio::{
    AddOptions, AppendOptions, Data, DataFolio, Error, IterOptions, QueryOptions, SnapshotOptions, SqlError,
    TableOptions,
};

use super::data;
use crate::support::{new_bundle, reopen};

/// Rows with columns of many types, half of which have nulls.
fn rows(numbers: std::ops::Range<i64>) -> RecordBatch {
    let all = || numbers.clone();
    let some = |number: i64| (number % 7 != 3).then_some(number);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(all()))),
        (
            "mixed",
            Arc::new(Int64Array::from_iter_values(
                all().map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as i64) >> 40),
            )),
        ),
        (
            "x",
            Arc::new(
                all()
                    .map(|n| some(n).map(|n| if n % 11 == 0 { f64::NAN } else { n as f64 / 3.0 }))
                    .collect::<Float64Array>(),
            ),
        ),
        ("f", Arc::new(Float32Array::from_iter_values(all().map(|n| (n % 1_000) as f32)))),
        ("tiny", Arc::new(all().map(|n| some(n).map(|n| (n % 100) as i8)).collect::<Int8Array>())),
        ("count", Arc::new(UInt32Array::from_iter_values(all().map(|n| n as u32)))),
        ("flag", Arc::new(all().map(|n| some(n).map(|n| n % 2 == 0)).collect::<BooleanArray>())),
        ("text", Arc::new(all().map(|n| some(n).map(|n| format!("text {}", n % 5_000))).collect::<StringArray>())),
        ("word", Arc::new(StringArray::from_iter_values(all().map(|n| ["a", "", "c"][n as usize % 3])))),
        ("day", Arc::new(Date32Array::from_iter_values(all().map(|n| (n % 20_000) as i32)))),
        ("local", Arc::new(TimestampMicrosecondArray::from_iter_values(all().map(|n| n * 1_000_003)))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

/// A bundle with rows in a table of one file, and in one of three.
fn with_rows(count: i64) -> (tempfile::TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    folio.add("one", data(&rows(0..count)), AddOptions::new()).unwrap();
    for part in [0..count / 3, count / 3..count / 2, count / 2..count] {
        folio.append_table("three", rows(part), AppendOptions::new().without_compaction()).unwrap();
    }
    (dir, folio)
}

fn all(reader: impl RecordBatchReader) -> RecordBatch {
    let schema = reader.schema();
    concat_batches(&schema, &reader.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
}

/// The conditions hold for few rows, for many, for none and for rows that lie together.
#[test]
fn rows_are_those_that_duckdb_gives() {
    let (_dir, folio) = with_rows(40_000);
    // Comparisons with constants are looked at here, and what is computed is DuckDB's.
    let computed = |condition: &str| format!("({condition}) AND id + 0 = id");
    for name in ["one", "three"] {
        let conditions = [
            "mixed % 200 = 7",
            "mixed % 3 = 1",
            "id BETWEEN 13_000 AND 14_000",
            "id = 39_999",
            "id < 0",
            "x > 13_000",
            "x = 'nan'::DOUBLE AND tiny > 3",
            "text LIKE '%77' OR word = ''",
            "flag IS NULL",
            "t.day >= DATE '1970-02-01' AND t.id % 50 = 0",
            "x > 13_000 AND NOT (word = 'a' OR tiny IN (1, 2, 3))",
            "word = 'c' AND id > 5",
            "NOT flag AND x IS NOT NULL",
            "text = 'text 77' OR text >= 'text 99' OR local < '1970-01-01 00:05:00'",
        ];
        for condition in conditions.map(str::to_owned).into_iter().chain(conditions.map(computed)) {
            for columns in ["*", "t.*", "word, id", "t.text, x, f, flag, local, day, \"count\", tiny"] {
                let plain = format!("SELECT {columns} FROM {name} AS t WHERE {condition}");
                let other = format!("SELECT {columns} FROM (SELECT * FROM {name}) AS t WHERE {condition}");
                let found = all(folio.query(&plain, &QueryOptions::new()).unwrap());
                let expected = all(folio.query(&other, &QueryOptions::new()).unwrap());
                assert_eq!(found, expected, "{plain}");
            }
            let bare = condition.replace("t.", "table.");
            let found =
                all(folio.query_table(name, &format!("FROM table WHERE {bare}"), &QueryOptions::new()).unwrap());
            let read = all(folio.read_table(name, &TableOptions::new().filter(bare.as_str())).unwrap());
            assert_eq!(found.columns(), read.columns(), "{name}: {condition}");
        }
    }
}

/// Whether rows are fetched is found out part by part: at the beginning few are wanted, then all, then few again.
#[test]
fn parts_with_few_rows_and_with_many_are_given_in_order() {
    const ROWS: i64 = 5_000_000;
    let (_dir, folio) = new_bundle();
    let batches = (0..ROWS / 100_000).map(|part| {
        let numbers = part * 100_000..(part + 1) * 100_000;
        let halves = Int64Array::from_iter_values(numbers.clone().map(|n| n / 2));
        let ids = Int64Array::from_iter_values(numbers.clone());
        let words = StringArray::from_iter_values(numbers.map(|n| ["low", "high"][usize::from(n % 10 == 0)]));
        let columns: [(&str, ArrayRef); 3] =
            [("id", Arc::new(ids)), ("half", Arc::new(halves)), ("word", Arc::new(words))];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
    });
    let batches: Vec<RecordBatch> = batches.collect();
    let schema = batches[0].schema();
    let reader = RecordBatchIterator::new(batches.into_iter().map(Ok), schema);
    folio.add("t", Data::Table(Box::new(reader)), AddOptions::new()).unwrap();
    let sql = "SELECT half, id FROM table WHERE id % 1_000 = 0 OR id BETWEEN 2_000_000 AND 3_500_000";
    let expected: Vec<i64> = (0..ROWS).filter(|n| n % 1_000 == 0 || (2_000_000..=3_500_000).contains(n)).collect();
    for threads in [1, 2, 4] {
        let found = all(folio.query_table("t", sql, &QueryOptions::new().threads(threads)).unwrap());
        assert_eq!(found.column(1).as_ref(), &Int64Array::from(expected.clone()), "{threads} threads");
        assert_eq!(found.column(0).as_ref(), &expected.iter().map(|n| Some(n / 2)).collect::<Int64Array>());
    }
    let options =
        IterOptions::new().filter("word = 'high' OR id > 4_000_000").columns(["word", "id"]).chunk_size(70_001);
    let chunks: Vec<RecordBatch> = folio.iter_table("t", &options).unwrap().map(Result::unwrap).collect();
    let found = concat_batches(&chunks[0].schema(), &chunks).unwrap();
    let expected = (0..ROWS).filter(|n| n % 10 == 0 || *n > 4_000_000);
    assert_eq!(found.column(1).as_ref(), &Int64Array::from_iter_values(expected));
}

/// Types that come from DuckDB as others, names that are others there, and the number of a row as a column: DuckDB gives all of it.
#[test]
fn what_comes_otherwise_from_duckdb_comes_from_there() {
    let (_dir, folio) = new_bundle();
    let prices: ArrayRef = Arc::new(Decimal128Array::from(vec![150, 250, 350]).with_precision_and_scale(9, 2).unwrap());
    let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1, 2, 3]).with_timezone("Europe/Vienna"));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let table = RecordBatch::try_from_iter([("id", ids), ("price", prices), ("seen", times)]).unwrap();
    folio.add("sales", data(&table), AddOptions::new()).unwrap();
    folio.create_snapshot("v1", SnapshotOptions::default()).unwrap();
    for (sql, other) in [
        ("SELECT * FROM sales WHERE id > 1", "SELECT * FROM (FROM sales) WHERE id > 1"),
        ("SELECT ID, Price FROM sales WHERE id > 1", "SELECT ID, Price FROM (FROM sales) WHERE id > 1"),
        ("SELECT id, id FROM sales WHERE id > 1", "SELECT id, id FROM (FROM sales) WHERE id > 1"),
        (
            "SELECT id, price FROM v1.sales WHERE sales.id > 1",
            "SELECT id, price FROM (FROM v1.sales) AS sales WHERE sales.id > 1",
        ),
        ("SELECT id, price FROM v1.sales WHERE v1.sales.id > 1", "SELECT id, price FROM (FROM v1.sales) WHERE id > 1"),
    ] {
        let found = all(folio.query(sql, &QueryOptions::new()).unwrap());
        assert_eq!(found, all(folio.query(other, &QueryOptions::new()).unwrap()), "{sql}");
        assert_eq!(found.num_rows(), 2, "{sql}");
    }
}

#[test]
fn values_are_bound_and_errors_are_those_of_the_text() {
    let (_dir, folio) = with_rows(1_000);
    let by_place = QueryOptions::new().params([7, 9]);
    let found = all(folio.query("SELECT id, x FROM one WHERE id > ? AND id <= ?;", &by_place).unwrap());
    assert_eq!(found.column(0).as_ref(), &Int64Array::from(vec![8, 9]));
    let error = |sql: &str| match folio
        .query(sql, &QueryOptions::new())
        .and_then(|rows| rows.collect::<Result<Vec<_>, _>>().map_err(Error::from))
    {
        Err(Error::Sql(error)) => error,
        other => panic!("{sql}: {other:?}"),
    };
    match error("SELECT id, x FROM one\nWHERE idd > 3") {
        SqlError::UnknownColumn { column, spot, .. } => {
            assert_eq!((column.as_str(), spot.place.map(|place| (place.line, place.column))), ("idd", Some((2, 7))));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(error("SELECT id, x FROM one WHERE id > ?"), SqlError::Parameters { .. }));
    // Only a row shows that it is wrong.
    let late = error("SELECT id, x FROM one WHERE CAST(text AS INTEGER) > 3").to_string();
    assert!(late.contains("text"), "{late}");
}

/// What is wrong with a part shows as it does wherever it is read.
#[test]
fn a_part_that_is_damaged_is_told() {
    let (_dir, folio) = with_rows(60_000);
    let path = folio.get_table_path("one").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[3_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let folio = reopen(&folio);
    let found = folio.query("SELECT id, x FROM one WHERE id > 3", &QueryOptions::new());
    let error = found.and_then(|rows| rows.collect::<Result<Vec<_>, _>>().map_err(Error::from)).unwrap_err();
    assert!(error.to_string().contains("'one'"), "{error}");
}
