//! Conditions that are looked at without DuckDB, over tables of all forms.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Float32Array, Float64Array, Int8Array, Int64Array, ListArray,
    RecordBatch, RecordBatchReader, StringArray,
};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Int8Type, Int64Type, Schema};
use datafolio::{
    AddOptions, AppendOptions, Condition, DataFolio, Error, IterOptions, QueryControl, QueryOptions, TableOptions,
};

use super::data;
use crate::support::new_bundle;

const ROWS: i64 = 600_000;

fn rows(numbers: std::ops::Range<i64>) -> RecordBatch {
    let all = || numbers.clone();
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new(Int64Array::from_iter_values(all()))),
        ("x", Arc::new(all().map(|n| (n % 7 > 0).then_some((n % 1_000) as f64 / 1_000.0)).collect::<Float64Array>())),
        (
            "word",
            Arc::new(StringArray::from_iter_values(all().map(|n| ["alpha", "beta", "", "gamma"][n as usize % 4]))),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

/// The same rows as one Parquet file, in parts, and in the other formats.
fn with_forms() -> (tempfile::TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    let all = rows(0..ROWS);
    for format in ["parquet", "arrow", "hdf5"] {
        folio.add(format, data(&all), AddOptions::new().table_format(format)).unwrap();
    }
    for part in [0..70_000, 70_000..70_003, 70_003..ROWS] {
        folio.append_table("parts", rows(part), AppendOptions::new().without_compaction()).unwrap();
    }
    (dir, folio)
}

const FORMS: [&str; 4] = ["parquet", "arrow", "hdf5", "parts"];

/// Whether a condition holds for a row.
type Holds = fn(i64) -> bool;

const CONDITIONS: [(&str, Holds); 14] = [
    ("x < 0.003", |n| n % 7 > 0 && n % 1_000 < 3),
    ("x >= 0.1", |n| n % 7 > 0 && n % 1_000 >= 100),
    ("x IS NULL AND word = 'beta'", |n| n % 7 == 0 && n % 4 == 1),
    ("word = '' OR n > 599_990", |n| n % 4 == 2 || n > 599_990),
    ("word IN ('alpha', 'gamma') AND x < 0.5", |n| n % 2 == n % 4 / 2 && n % 7 > 0 && n % 1_000 < 500),
    ("NOT x < 0.9", |n| n % 7 > 0 && n % 1_000 >= 900),
    ("n BETWEEN 70_001 AND 70_004", |n| (70_001..=70_004).contains(&n)),
    // Columns that both stages look at.
    ("n < 3_000 AND (n = 1 OR word = 'beta')", |n| n < 3_000 && n % 4 == 1),
    ("word = 'beta' AND (x < 0.5 OR word = 'alpha') AND n < 60_000 AND x >= 0", |n| {
        n < 60_000 && n % 4 == 1 && n % 7 > 0 && n % 1_000 < 500
    }),
    ("n IN (7, 69_999, 70_000, 70_003, 599_999, 600_000)", |n| [7, 69_999, 70_000, 70_003, 599_999].contains(&n)),
    ("x IN (0.001, 0.25, 0.5, 0.75, 0.999, 2)", |n| n % 7 > 0 && [1, 250, 500, 750, 999].contains(&(n % 1_000))),
    ("word > 'alphabet' AND word <= 'beta'", |n| n % 4 == 1),
    ("n < 0", |_| false),
    ("n >= 0", |_| true),
];

fn expected(holds: Holds) -> Vec<i64> {
    (0..ROWS).filter(|n| holds(*n)).collect()
}

fn numbers_of(batches: impl Iterator<Item = RecordBatch>) -> Vec<i64> {
    batches.flat_map(|batch| batch.column_by_name("n").unwrap().as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[test]
fn rows_of_every_form_are_found() {
    let (_dir, folio) = with_forms();
    let all = rows(0..ROWS);
    for name in FORMS {
        for (condition, holds) in CONDITIONS {
            let expected = expected(holds);
            let read = folio.read_table(name, &TableOptions::new().filter(condition)).unwrap();
            let schema = read.schema();
            let batches: Vec<RecordBatch> = read.map(Result::unwrap).collect();
            // All columns, also those that the condition does not look at.
            let wanted = (0..ROWS).map(|n| Some(holds(n))).collect::<arrow::array::BooleanArray>();
            let found = concat_batches(&schema, &batches).unwrap();
            assert_eq!(found.columns(), filter_record_batch(&all, &wanted).unwrap().columns(), "{name}: {condition}");
            for threads in [1, 2, 5] {
                let sql = format!("SELECT word, n FROM table WHERE {condition}");
                let rows = folio.query_table(name, &sql, &QueryOptions::new().threads(threads)).unwrap();
                assert_eq!(numbers_of(rows.map(Result::unwrap)), expected, "{name}, {threads} threads: {condition}");
                let sql = format!("SELECT count(*) AS n FROM table WHERE {condition}");
                let rows = folio.query_table(name, &sql, &QueryOptions::new().threads(threads)).unwrap();
                assert_eq!(rows.schema().field(0).data_type(), &DataType::Int64);
                let counted = numbers_of(rows.map(Result::unwrap));
                assert_eq!(counted, [expected.len() as i64], "{name}, {threads} threads: {condition}");
            }
            let part = TableOptions::new().filter(condition).columns(["n"]).offset(2).limit(3);
            let part = folio.read_table(name, &part).unwrap();
            let some: Vec<i64> = expected.iter().copied().skip(2).take(3).collect();
            assert_eq!(numbers_of(part.map(Result::unwrap)), some, "{name}: {condition}");
        }
    }
}

/// Texts in dictionaries, texts that are not, texts with nulls between them, and a file without the column.
#[test]
fn texts_of_files_that_have_them_otherwise_are_found() {
    let (_dir, folio) = new_bundle();
    let text = |n: i64| match n {
        0..1_000 => None,
        1_000..150_000 => Some(format!("w{}", n % 40)),
        150_000..350_000 => Some(format!("word {n} of its own")),
        _ => (n % 3 > 0).then(|| format!("w{}", n % 40)),
    };
    let part = |rows: std::ops::Range<i64>| {
        let texts: ArrayRef = Arc::new(rows.clone().map(text).collect::<StringArray>());
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
        RecordBatch::try_from_iter_with_nullable([("n", numbers, true), ("text", texts, true)]).unwrap()
    };
    let options = || AppendOptions::new().evolve().without_compaction();
    folio.append_table("t", part(0..1_000).project(&[0]).unwrap(), options()).unwrap();
    for rows in [1_000..150_000, 150_000..350_000, 350_000..400_000] {
        folio.append_table("t", part(rows), options()).unwrap();
    }
    let is = |condition: &str, holds: fn(&str) -> bool| {
        let expected: Vec<i64> = (0..400_000).filter(|n| text(*n).is_some_and(|text| holds(&text))).collect();
        for columns in [&["n"][..], &["n", "text"]] {
            let options = TableOptions::new().filter(condition).columns(columns.iter().copied());
            let batches: Vec<RecordBatch> = folio.read_table("t", &options).unwrap().map(Result::unwrap).collect();
            for batch in batches.iter().filter(|_| columns.len() > 1) {
                let expected = batch["n"].as_primitive::<Int64Type>().values().iter().map(|n| text(*n));
                let found = batch["text"].as_string::<i32>().iter().map(|text| text.map(str::to_owned));
                assert!(found.eq(expected), "other texts where {condition}");
            }
            assert_eq!(numbers_of(batches.into_iter()), expected, "{condition} {columns:?}");
        }
    };
    is("text = 'w7'", |text| text == "w7");
    is("text = 'word 200000 of its own'", |text| text == "word 200000 of its own");
    is("text <> 'w7' AND text < 'w8'", |text| text != "w7" && text < "w8");
    is("text >= 'word 3' AND n >= 0", |text| text >= "word 3");
    is("text IN ('w1', 'w2', 'word 150000 of its own', 'w39', 'w40', 'x')", |text| {
        ["w1", "w2", "w39", "word 150000 of its own"].contains(&text)
    });
    let nulls = folio.query_table("t", "SELECT count(*) AS n FROM table WHERE text IS NULL", &QueryOptions::new());
    let expected = (0..400_000).filter(|n| text(*n).is_none()).count() as i64;
    assert_eq!(numbers_of(nulls.unwrap().map(Result::unwrap)), [expected]);
}

/// Whoever stops goes on behind the last row, and workers who share a table see each row once.
#[test]
fn chunks_of_found_rows_are_resumed_and_shared_out() {
    let (_dir, folio) = with_forms();
    for name in FORMS {
        for (condition, holds) in CONDITIONS {
            let options = IterOptions::new().filter(condition).columns(["n"]).chunk_size(997);
            let mut chunks = folio.iter_table(name, &options).unwrap();
            let first: Vec<RecordBatch> = chunks.by_ref().take(2).map(Result::unwrap).collect();
            assert!(first.len() < 2 || first[0].num_rows() == 997, "{name}: {condition}");
            let rest = folio.iter_table(name, &options.clone().start_row(chunks.position())).unwrap();
            let found = numbers_of(first.into_iter().chain(rest.map(Result::unwrap)));
            assert_eq!(found, expected(holds), "{name}: {condition}");
        }
        let options = |rows| IterOptions::new().filter("x < 0.003").columns(["n"]).rows(rows);
        let shared = folio.split_table(name, 3).unwrap().into_iter();
        let found = shared.flat_map(|rows| folio.iter_table(name, &options(rows)).unwrap().map(Result::unwrap));
        assert_eq!(numbers_of(found), expected(CONDITIONS[0].1), "{name}");
    }
}

/// Categories keep their numbers in all batches, and values within lists stay as they are.
#[test]
fn columns_beside_the_condition_are_as_the_table_has_them() {
    let (_dir, folio) = new_bundle();
    let count = 40_000;
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    let keys = Int8Array::from_iter_values((0..count).map(|n| (n / 17_000) as i8));
    let values: ArrayRef = Arc::new(StringArray::from(vec!["low", "middle", "high"]));
    let sizes: ArrayRef = Arc::new(DictionaryArray::<Int8Type>::new(keys, values));
    let lists = (0..count).map(|n| Some((0..n % 4).map(|at| Some(at + n)).collect::<Vec<_>>()));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists));
    let fields = [("n", &ids), ("size", &sizes), ("list", &lists)]
        .map(|(name, column)| Field::new(name, column.data_type().clone(), true).with_dict_is_ordered(name == "size"));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), vec![ids, sizes, lists]).unwrap();
    for format in ["parquet", "arrow"] {
        folio.add(format, data(&batch), AddOptions::new().table_format(format)).unwrap();
        for (condition, holds) in [
            ("n < 30_000", (|n| n < 30_000) as fn(i64) -> bool),
            ("n IN (5, 17_001, 39_999)", |n| [5, 17_001, 39_999].contains(&n)),
        ] {
            let read = folio.read_table(format, &TableOptions::new().filter(condition)).unwrap();
            let schema = read.schema();
            let batches: Vec<RecordBatch> = read.map(Result::unwrap).collect();
            for batch in &batches {
                let size = batch.column(1).as_any_dictionary();
                assert_eq!(
                    size.values().as_string::<i32>().iter().flatten().collect::<Vec<_>>(),
                    ["low", "middle", "high"]
                );
            }
            let wanted = (0..count).map(|n| Some(holds(n))).collect::<arrow::array::BooleanArray>();
            let found = concat_batches(&schema, &batches).unwrap();
            let expected = filter_record_batch(&batch, &wanted).unwrap();
            assert_eq!(found.columns(), expected.columns(), "{format}: {condition}");
            assert!(matches!(found.column(1).data_type(), DataType::Dictionary(..)));
        }
    }
}

#[test]
fn what_looks_is_stopped_and_ends_in_time() {
    let (_dir, folio) = with_forms();
    let control = QueryControl::new();
    let options = QueryOptions::new().control(&control).threads(1);
    let mut rows = folio.query_table("parquet", "SELECT n, x FROM table WHERE n >= 0", &options).unwrap();
    assert!(rows.next().unwrap().is_ok());
    assert!(control.rows() > 0 && control.progress().is_some_and(|percent| percent < 100.0));
    control.cancel();
    let error = rows.find_map(Result::err).map(Error::from).unwrap();
    assert_eq!(error.code(), "sql-cancelled");
    let timed = QueryOptions::new().threads(1).timeout(Duration::from_millis(20));
    let mut rows = folio.query_table("parquet", "SELECT n, x FROM table WHERE n >= 0", &timed).unwrap();
    assert!(rows.next().unwrap().is_ok());
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(rows.find_map(Result::err).map(Error::from).unwrap().code(), "sql-timed-out");
    // One that was cancelled before it began gives nothing.
    let control = QueryControl::new();
    control.cancel();
    let condition = Condition::new("n >= 0").control(&control);
    let mut found = folio.read_table("parts", &TableOptions::new().filter(condition)).unwrap();
    let error = found.try_for_each(|rows| rows.map(drop)).map_err(Error::from).unwrap_err();
    assert_eq!(error.code(), "sql-cancelled");
    // Whoever wants no more may go.
    drop(folio.query_table("parquet", "SELECT n, x FROM table WHERE n >= 0", &QueryOptions::new()).unwrap());
}

/// DuckDB makes a join of a long list, and gives its rows as it likes.
#[test]
fn rows_of_a_long_list_come_in_the_order_of_the_table() {
    let (_dir, folio) = new_bundle();
    let rows = 5_000_i64;
    // Drawn at random, so that some come more often than others: that is when it does so.
    let next = |seed: &u64| Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    let drawn: Vec<i64> =
        std::iter::successors(Some(10), next).map(|seed| (seed >> 33) as i64 % 1_000).take(rows as usize).collect();
    let mixed = |n: i64| drawn[n as usize];
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|n| format!("w{}", mixed(n)))));
    let columns = [("n", numbers), ("word", words)].map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    for format in ["parquet", "arrow"] {
        folio.add(format, data(&batch), AddOptions::new().table_format(format)).unwrap();
        for count in [2, 5, 17, 29, 30, 31, 32, 33, 34, 60, 300] {
            let list = (0..count).map(|word| format!("'w{word}'")).collect::<Vec<_>>().join(", ");
            for (condition, is_in) in [
                (format!("word IN ({list})"), true),
                (format!("word IN [{list}]"), true),
                (format!("list_contains([{list}], word)"), true),
                (format!("NOT word IN ({list}) AND n + 0 = n"), false),
            ] {
                let expected: Vec<i64> = (0..rows).filter(|n| (mixed(*n) < count) == is_in).collect();
                let read = folio.read_table(format, &TableOptions::new().filter(condition.as_str())).unwrap();
                assert_eq!(numbers_of(read.map(Result::unwrap)), expected, "{format}, {count}: {condition}");
            }
        }
    }
    let list = (0..30).map(|word| format!("'w{word}'")).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT word, n FROM parquet WHERE word IN ({list})");
    let mut found = numbers_of(folio.query(&sql, &QueryOptions::new()).unwrap().map(Result::unwrap));
    found.sort_unstable();
    assert_eq!(found, (0..rows).filter(|n| mixed(*n) < 30).collect::<Vec<_>>());
    let removed = folio.delete_rows("parquet", format!("word IN ({list})").as_str()).unwrap();
    assert_eq!(removed.rows, found.len() as u64);
}

/// DuckDB fails where it finds out late that there are none.
#[test]
fn few_rows_of_none_are_none() {
    let (_dir, folio) = new_bundle();
    let nothing: ArrayRef = Arc::new(Float32Array::from(vec![None; 65]));
    let zeros: ArrayRef = Arc::new(Int8Array::from(vec![None; 65]));
    let words: ArrayRef = Arc::new(StringArray::from(vec!["a"; 65]));
    let columns = [("x", nothing), ("i", zeros), ("word", words)].map(|(name, column)| (name, column, true));
    folio.add("t", data(&RecordBatch::try_from_iter_with_nullable(columns).unwrap()), AddOptions::new()).unwrap();
    let rows = |options: TableOptions| folio.read_table("t", &options).unwrap().map(|batch| batch.unwrap().num_rows());
    let none = TableOptions::new().filter("x < 1 AND (i <= 0.0 OR word = 'a')");
    assert_eq!(rows(none.clone().limit(1)).sum::<usize>(), 0);
    assert_eq!(rows(none.offset(1).limit(60)).sum::<usize>(), 0);
    let some = TableOptions::new().filter("word || '' = 'a'");
    for (offset, limit, expected) in [(0, 0, 0), (0, 1, 1), (60, 3, 3), (60, 30, 5), (0, 64, 64), (0, 65, 65)] {
        assert_eq!(rows(some.clone().offset(offset).limit(limit)).sum::<usize>(), expected, "{offset}, {limit}");
    }
}

/// Texts that a condition has looked at are given as they are, also where they are too long to be kept until then.
#[test]
fn long_texts_are_given_whole() {
    let (_dir, folio) = new_bundle();
    let rows = 1_600_i64;
    let long = |n: i64| format!("{}{n}{}", if n % 9 == 0 { 'b' } else { 'a' }, "x".repeat(110_000));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(long)));
    let columns = [("n", numbers), ("text", texts)].map(|(name, column)| (name, column, true));
    folio.add("t", data(&RecordBatch::try_from_iter_with_nullable(columns).unwrap()), AddOptions::new()).unwrap();
    for condition in ["text >= 'b'", "text >= 'b' AND (n >= 0 OR text = '')"] {
        let mut expected = (0..rows).filter(|n| n % 9 == 0);
        for batch in folio.read_table("t", &TableOptions::new().filter(condition)).unwrap() {
            let batch = batch.unwrap();
            let numbers = batch.column(0).as_primitive::<Int64Type>().values();
            for (n, text) in numbers.iter().zip(batch.column(1).as_string::<i32>()) {
                assert_eq!((Some(*n), text), (expected.next(), Some(long(*n).as_str())), "{condition}");
            }
        }
        assert_eq!(expected.next(), None, "{condition}");
    }
}
