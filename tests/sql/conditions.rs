//! Conditions on the rows of a table that is read or walked through.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use datafolio::{
    AddOptions, AppendOptions, Condition, Data, DataFolio, IterOptions, Reference, StatisticsOptions, TableOptions,
};

use super::{data, numbers, with_numbers};
use crate::support::new_bundle;

const ROWS: i64 = 30_000;

/// The same rows as Parquet, as Arrow, and as a CSV file outside.
fn with_forms() -> (tempfile::TempDir, DataFolio, [&'static str; 4]) {
    let (dir, folio) = new_bundle();
    let all = numbers(ROWS);
    folio.add("parquet", data(&all), AddOptions::new()).unwrap();
    folio.add("arrow", data(&all), AddOptions::new().table_format("arrow")).unwrap();
    let csv = dir.path().join("t.csv");
    let mut writer = arrow::csv::Writer::new(std::fs::File::create(&csv).unwrap());
    writer.write(&all).unwrap();
    drop(writer);
    let path = csv.to_str().unwrap().to_owned();
    let reference = Reference { path, table_format: "csv".to_owned(), num_rows: None, version: None, timestamp: None };
    folio.add("text", reference, AddOptions::new()).unwrap();
    // Files of different sizes, and one that begins in the middle of a chunk.
    for rows in [0..10_001, 10_001..10_002, 10_002..15_000, 15_000..ROWS] {
        let part = all.slice(rows.start as usize, (rows.end - rows.start) as usize);
        folio.append_table("parts", part, AppendOptions::new().without_compaction()).unwrap();
    }
    (dir, folio, ["parquet", "arrow", "text", "parts"])
}

fn ids(batch: &RecordBatch) -> Vec<i64> {
    batch.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec()
}

#[test]
fn values_of_a_condition_are_bound() {
    let (_dir, folio, names) = with_forms();
    for name in names {
        let by_place = Condition::new("kind = ? AND id < ?").values(["b".into(), 10.into()]);
        let by_name = Condition::new("kind = $kind AND $most > id").value("kind", "b").value("most", 10);
        let hostile = Condition::new("kind = ?").values(["x' OR kind = 'b".into()]);
        for (condition, expected) in [(by_place, vec![1, 4, 7]), (by_name, vec![1, 4, 7]), (hostile, Vec::new())] {
            let read = folio.read_table(name, &TableOptions::new().filter(condition.clone())).unwrap();
            let read: Vec<i64> = read.flat_map(|batch| ids(&batch.unwrap())).collect();
            assert_eq!(read, expected, "{name}: {condition:?}");
            let chunks = folio.iter_table(name, &IterOptions::new().chunk_size(2).filter(condition.clone())).unwrap();
            assert_eq!(chunks.flat_map(|chunk| ids(&chunk.unwrap())).collect::<Vec<_>>(), expected, "{name}");
            let counted = folio.describe_table(name, &StatisticsOptions::new().columns(["id"]).filter(condition));
            assert_eq!(counted.unwrap().rows, expected.len() as u64, "{name}");
        }
    }
    for (condition, reason) in [
        (Condition::new("id < ?"), "place 1 has no value"),
        (Condition::new("id < 5").values([5.into()]), "no place for value 1"),
        (Condition::new("id < $most").value("least", 5), "$most has no value"),
        (Condition::new("id < ? AND id > $least").value("least", 5), "not both"),
    ] {
        let error = folio.read_table("parquet", &TableOptions::new().filter(condition)).map(drop).unwrap_err();
        assert_eq!(error.code(), "sql-parameters", "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn chunks_hold_the_rows_of_a_condition_in_order_and_can_be_resumed() {
    let (_dir, folio, names) = with_forms();
    for name in names {
        let options =
            IterOptions::new().chunk_size(1_000).filter("kind = 'b' AND value < 10000").columns(["value", "id"]);
        let expected: Vec<i64> = (0..ROWS).filter(|id| id % 3 == 1 && *id < 20_000).collect();
        let mut chunks = folio.iter_table(name, &options).unwrap();
        let (mut got, mut sizes) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let chunk = chunks.next().unwrap().unwrap();
            assert_eq!(chunk.schema().field(0).name(), "value");
            sizes.push(chunk.num_rows());
            got.extend(ids(&chunk));
        }
        // The position is one of the table, not of the rows that were kept.
        let position = chunks.position();
        assert_eq!(position as i64, got[got.len() - 1] + 1, "{name}");
        drop(chunks);
        for chunk in folio.iter_table(name, &options.clone().start_row(position)).unwrap() {
            let chunk = chunk.unwrap();
            sizes.push(chunk.num_rows());
            got.extend(ids(&chunk));
        }
        assert_eq!(got, expected, "{name}");
        let (last, full) = sizes.split_last().unwrap();
        assert!(full.iter().all(|rows| *rows == 1_000) && *last <= 1_000, "{sizes:?}");
        let mut shared = Vec::new();
        for rows in [0..7_000, 7_000..7_001, 7_001..30_000] {
            for chunk in folio.iter_table(name, &options.clone().rows(rows)).unwrap() {
                shared.extend(ids(&chunk.unwrap()));
            }
        }
        assert_eq!(shared, expected, "{name}");
    }
}

#[test]
fn a_part_of_the_rows_of_a_condition_is_read_with_the_types_of_the_table() {
    let (_dir, folio, names) = with_forms();
    for name in names {
        let options = TableOptions::new().filter("id % 10 = 3 -- a comment").offset(5).limit(3).columns(["id", "kind"]);
        let reader = folio.read_table(name, &options).unwrap();
        assert_eq!(
            reader.schema(),
            folio.read_table(name, &TableOptions::new().columns(["id", "kind"])).unwrap().schema()
        );
        let got: Vec<i64> = reader.flat_map(|batch| ids(&batch.unwrap())).collect();
        assert_eq!(got, [53, 63, 73], "{name}");
        let none = folio.read_table(name, &TableOptions::new().filter("id < 0")).unwrap();
        assert_eq!((none.schema().fields().len(), none.count()), (3, 0));
        // Other tables can be looked into.
        let sub = TableOptions::new().filter("id IN (SELECT id + 1 FROM arrow WHERE id < 3) AND table.id > 1");
        let got: Vec<i64> = folio.read_table(name, &sub).unwrap().flat_map(|batch| ids(&batch.unwrap())).collect();
        assert_eq!(got, [2, 3]);
        // The table itself as well, with the schema that it is in or without.
        for all in ["table", "main.table"] {
            let last = TableOptions::new().filter(format!("id = (SELECT max(id) FROM {all})"));
            let got: Vec<i64> = folio.read_table(name, &last).unwrap().flat_map(|batch| ids(&batch.unwrap())).collect();
            assert_eq!(got, [ROWS - 1], "{name} {all}");
        }
    }
}

#[test]
fn what_is_no_condition_is_refused() {
    let (_dir, folio) = with_numbers();
    let cases = [
        ("", "sql-syntax"),
        ("id >", "sql-syntax"),
        // Within brackets they would be conditions, and have others next to them.
        ("id = 3) OR (id = 5", "sql-syntax"),
        ("true) WINDOW w AS (", "sql-syntax"),
        ("true) GROUP BY GROUPING SETS (()", "sql-syntax"),
        ("true) ORDER BY (id", "sql-syntax"),
        ("true) UNION ALL SELECT 1 FROM numbers WHERE (true", "sql-syntax"),
        ("true) GROUP BY (id", "sql-syntax"),
        ("true) LIMIT (1", "sql-syntax"),
        ("true); COPY numbers TO 'x'; SELECT (1", "sql-refused"),
        ("true ORDER BY id", "sql-refused"),
        ("true GROUP BY id", "sql-refused"),
        ("true UNION ALL SELECT 1 FROM numbers", "sql-refused"),
        ("true; SELECT 1", "sql-refused"),
        ("sleep_ms(1) = 1", "sql-refused"),
        ("id IN (SELECT a FROM read_csv('x'))", "sql-refused"),
        ("id IN (SELECT id FROM none)", "table-not-found"),
        ("idd > 1", "column-not-found"),
    ];
    for (condition, expected) in cases {
        let found = folio.read_table("numbers", &TableOptions::new().filter(condition)).map(|reader| reader.count());
        let code = found.as_ref().map_or_else(|error| error.code(), |_| "ok");
        assert_eq!(code, expected, "{condition}: {found:?}");
    }
    let error =
        folio.read_table("numbers", &TableOptions::new().filter("id > 1 AND\n  sleep_ms(1) = 1")).err().unwrap();
    assert!(error.to_string().contains("line 2, column 3"), "{error}");
    for options in [TableOptions::new().columns(["nope"]), TableOptions::new().columns(["id", "id"])] {
        assert!(folio.read_table("numbers", &options.filter("true")).is_err());
    }
}

/// A column with the name that DuckDB has for the number of a row.
#[test]
fn columns_of_unlucky_names_are_read_all_the_same() {
    let (_dir, folio) = new_bundle();
    for (name, column) in [("mine", "file_row_number"), ("quoted", "a \"b\" 'c'"), ("table", "table")] {
        let batch = RecordBatch::try_from_iter([(column, numbers(9).column(0).clone())]).unwrap();
        folio.add(name, data(&batch), AddOptions::new()).unwrap();
        let quoted = format!("\"{}\" > 6", column.replace('"', "\"\""));
        let rows: usize = folio
            .iter_table(name, &IterOptions::new().filter(quoted))
            .unwrap()
            .map(|chunk| chunk.unwrap().num_rows())
            .sum();
        assert_eq!(rows, 2, "{column}");
    }
    let batch = RecordBatch::try_from_iter([("datafolio_row", numbers(9).column(0).clone())]).unwrap();
    folio
        .add(
            "taken",
            Data::Table(Box::new(arrow::array::RecordBatchIterator::new([Ok(batch.clone())], batch.schema()))),
            AddOptions::new(),
        )
        .unwrap();
    let error = folio.iter_table("taken", &IterOptions::new().filter("true")).unwrap_err();
    assert!(error.to_string().contains("datafolio_row"), "{error}");
}

/// SQL would take one for the other, and give its values.
#[test]
fn columns_that_differ_in_case_alone_are_not_confused() {
    let (_dir, folio) = with_numbers();
    let column = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value; 2])) };
    let batch = RecordBatch::try_from_iter([("t", column(1)), ("T", column(300))]).unwrap();
    folio.add("folded", data(&batch), AddOptions::new()).unwrap();
    let says = |error: datafolio::Error| {
        assert!(error.to_string().contains("'t' and 'T' differ in case alone"), "{error}");
    };
    says(folio.read_table("folded", &TableOptions::new().filter("\"T\" > 1")).err().unwrap());
    says(super::ask(&folio, "SELECT \"T\" FROM folded").unwrap_err());
    assert_eq!(
        folio.read_table("folded", &TableOptions::new()).unwrap().map(|b| b.unwrap().num_columns()).sum::<usize>(),
        2
    );
}

/// DuckDB has no such numbers and times, and would round them: they come as they are where it has nothing to compute.
#[test]
fn values_that_sql_would_round_are_not_given() {
    use arrow::array::{Decimal256Array, Time64NanosecondArray};
    use arrow::datatypes::i256;
    let (_dir, folio) = with_numbers();
    let digits = i256::from_string("123456789012345678901234567890123456789012345678").unwrap();
    let decimal: ArrayRef = Arc::new(Decimal256Array::from(vec![digits]).with_precision_and_scale(50, 2).unwrap());
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let batch = RecordBatch::try_from_iter([("id", id.clone()), ("long", decimal)]).unwrap();
    folio.add("decimals", data(&batch), AddOptions::new()).unwrap();
    let rows = folio.read_table("decimals", &TableOptions::new().filter("id = 1")).unwrap();
    assert_eq!(rows.map(Result::unwrap).collect::<Vec<_>>(), vec![batch; 1]);
    let error = folio.read_table("decimals", &TableOptions::new().filter("id & 1 = 1")).err().unwrap();
    assert!(error.to_string().contains("'long'") && error.to_string().contains("38 digits"), "{error}");
    let only = TableOptions::new().filter("id & 1 = 1").columns(["id"]);
    assert_eq!(folio.read_table("decimals", &only).unwrap().count(), 1);

    for (nanoseconds, expected) in [(1_000_001, Err(())), (1_001_000, Ok(1))] {
        let times: ArrayRef = Arc::new(Time64NanosecondArray::from(vec![nanoseconds]));
        let batch = RecordBatch::try_from_iter([("id", id.clone()), ("at", times)]).unwrap();
        folio.add("times", data(&batch), AddOptions::new().table_format("arrow").overwrite()).unwrap();
        let rows = folio.read_table("times", &TableOptions::new().filter("id = 1")).unwrap();
        assert_eq!(rows.map(Result::unwrap).collect::<Vec<_>>(), vec![batch; 1]);
        let read = folio.read_table("times", &TableOptions::new().filter("id & 1 = 1"));
        let count = read.and_then(|rows| Ok(rows.collect::<Result<Vec<_>, _>>()?)).map(|batches| batches.len());
        match (count, expected) {
            (Ok(count), Ok(expected)) => assert_eq!(count, expected),
            (Err(error), Err(())) => {
                assert!(error.to_string().contains("\"at\"") && error.to_string().contains("nanoseconds"))
            }
            (found, _) => panic!("{found:?}"),
        }
        assert_eq!(folio.read_table("times", &only).unwrap().count(), 1);
    }
}
