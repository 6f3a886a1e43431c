//! Values in and out.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, DictionaryArray, DurationMicrosecondArray,
    FixedSizeListArray, Float32Array, Int8Array, Int64Array, LargeStringArray, RecordBatch, RecordBatchReader,
    StringViewArray, Time32SecondArray, TimestampMicrosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{Float32Type, Int32Type};
use datafolio::{AddOptions, AppendOptions, Data, Error, ParamValue, QueryOptions, TableOptions, Verification};
use serde_json::json;

use super::{ask, ask_table, data, numbers, one, rows, with_numbers};
use crate::support::{flip_a_bit, new_bundle};

#[test]
fn values_are_bound_and_never_pasted() {
    let (_dir, folio) = with_numbers();
    let by_place = QueryOptions::new().params([ParamValue::from(5), "a".into()]);
    let found = folio.query_table("numbers", "SELECT id FROM table WHERE id >= ? AND kind = ?", &by_place).unwrap();
    assert_eq!(rows(found).unwrap(), [[json!(6)]]);
    let sql = "SELECT id FROM table WHERE id >= $1 AND kind = $2 AND id >= $1 + 1";
    assert_eq!(rows(folio.query_table("numbers", sql, &by_place).unwrap()).unwrap(), [[json!(6)]]);
    let by_name = QueryOptions::new().param("least", 7).param("kind", "x' OR 'a' = 'a");
    let sql = "SELECT id FROM $table WHERE id >= $least AND kind <> $kind";
    assert_eq!(rows(folio.query_table("numbers", sql, &by_name).unwrap()).unwrap(), [[json!(7)], [json!(8)]]);
    // Names are not told apart by case.
    let folded = QueryOptions::new().param("LEAST", 8);
    let sql = "SELECT id + $Least * 0 AS id FROM numbers WHERE id >= $least";
    assert_eq!(rows(folio.query(sql, &folded).unwrap()).unwrap(), [[json!(8)]]);
    let none = QueryOptions::new().params([ParamValue::List(Vec::new())]);
    let error = folio.query("SELECT id FROM numbers WHERE id IN ?", &none).and_then(rows).unwrap_err();
    assert!(error.code() == "sql-parameters" && error.to_string().contains("CAST"), "{error}");
    let sql = "SELECT count(*) FROM numbers WHERE id NOT IN CAST(? AS BIGINT[])";
    assert_eq!(rows(folio.query(sql, &none).unwrap()).unwrap(), [[json!(9)]]);
    let error = folio.query("PIVOT (FROM numbers WHERE id < ?) ON kind", &QueryOptions::new().params([3])).unwrap_err();
    assert!(error.code() == "sql-parameters" && error.to_string().contains("IN (...)"), "{error}");
    let list = QueryOptions::new().param("ids", ParamValue::List(vec![1.into(), 3.into()]));
    let sql = "SELECT id FROM numbers WHERE list_contains($ids, id)";
    assert_eq!(rows(folio.query(sql, &list).unwrap()).unwrap(), [[json!(1)], [json!(3)]]);
    for (sql, options) in [
        ("SELECT ?", QueryOptions::new()),
        ("SELECT 1", QueryOptions::new().params([1])),
        ("SELECT $a", QueryOptions::new().param("b", 1)),
    ] {
        let error = folio.query(sql, &options).unwrap_err();
        assert_eq!(error.code(), "sql-parameters", "{sql}: {error}");
    }
}

/// The same values from Parquet, which DuckDB reads, and from Arrow, which is streamed to it.
#[test]
fn every_type_of_column_comes_through() {
    let (_dir, folio) = new_bundle();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("int8", Arc::new(Int8Array::from(vec![Some(-128), None]))),
        ("uint64", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("float", Arc::new(Float32Array::from(vec![Some(0.5), None]))),
        ("date", Arc::new(Date32Array::from(vec![Some(19_000), None]))),
        ("time", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None]))),
        ("seconds", Arc::new(TimestampSecondArray::from(vec![Some(1), None]))),
        ("clock", Arc::new(Time32SecondArray::from(vec![Some(3_661), None]))),
        ("zoned", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None]).with_timezone("UTC"))),
        ("large", Arc::new(LargeStringArray::from(vec![Some("grüße"), None]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("a text that is longer than twelve"), None]))),
        ("category", Arc::new(vec![Some("x"), None].into_iter().collect::<DictionaryArray<Int32Type>>())),
        ("lasting", Arc::new(DurationMicrosecondArray::from(vec![Some(7), None]))),
        ("bytes", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), None]))),
        (
            "vector",
            Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
                vec![Some(vec![Some(1.0), Some(2.0)]), None],
                2,
            )),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    folio.add("parquet", data(&batch), AddOptions::new()).unwrap();
    folio.add("arrow", data(&batch), AddOptions::new().table_format("arrow")).unwrap();
    let expected = json!([
        true,
        -128,
        u64::MAX,
        0.5,
        "2022-01-08",
        "1970-01-01T00:00:00.000001",
        "1970-01-01T00:00:01",
        "01:01:01",
        "1970-01-01T00:00:00.000001Z",
        "grüße",
        "a text that is longer than twelve",
        "x",
        7,
        "00ff",
        [1.0, 2.0]
    ]);
    for name in ["parquet", "arrow"] {
        let found = ask_table(&folio, name, "SELECT * FROM table").unwrap();
        assert_eq!(json!(found[0]), expected, "{name}");
        assert!(found[1].iter().all(serde_json::Value::is_null), "{name}: {:?}", found[1]);
        let reader = folio.query_table(name, "SELECT * FROM table", &QueryOptions::new()).unwrap();
        assert_eq!(reader.schema().fields().len(), 15);
        assert_eq!(
            ask_table(&folio, name, "SELECT count(*), count(view) FROM table").unwrap()[0],
            [json!(2), json!(1)]
        );
    }
}

#[test]
fn large_results_are_streamed_and_several_are_open_at_once() {
    let (_dir, folio) = new_bundle();
    let all = numbers(300_000);
    folio.add("parquet", data(&all), AddOptions::new()).unwrap();
    folio.add("arrow", data(&all), AddOptions::new().table_format("arrow")).unwrap();
    for name in ["parquet", "arrow"] {
        let sql = "SELECT id, value FROM table WHERE kind = 'b'";
        let mut first = folio.query_table(name, sql, &QueryOptions::new()).unwrap();
        let second = folio.query_table(name, sql, &QueryOptions::new()).unwrap();
        let head = first.next().unwrap().unwrap();
        assert!(head.num_rows() >= 8_192, "{}", head.num_rows());
        let count = |reader: datafolio::QueryReader| reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>();
        assert_eq!((count(second), count(first) + head.num_rows()), (100_000, 100_000), "{name}");
        // Rows come in the order of the table.
        let ids = ask_table(&folio, name, sql).unwrap();
        assert!(ids.windows(2).all(|pair| pair[0][0].as_i64() < pair[1][0].as_i64()));
        let sum = ask_table(&folio, name, "SELECT sum(id)::BIGINT FROM table").unwrap();
        assert_eq!(sum[0][0], json!(299_999_i64 * 150_000));
    }
    let joined = "SELECT count(*) FROM parquet p JOIN arrow a USING (id) WHERE p.value = a.value";
    assert_eq!(one(&folio, joined), 300_000);
    let empty = folio.query("SELECT id, kind FROM parquet WHERE id < 0", &QueryOptions::new()).unwrap();
    assert_eq!((empty.schema().fields().len(), empty.count()), (2, 0));
}

/// DuckDB does not notice a flipped bit.
#[test]
fn damage_never_passes_for_data() {
    let (_dir, folio) = with_numbers();
    for name in ["numbers", "mapped"] {
        flip_a_bit(&folio.item_path(name).unwrap());
        let error = ask_table(&folio, name, "SELECT sum(id) FROM table").unwrap_err();
        assert_eq!(error.category(), datafolio::ErrorCategory::Corrupt, "{error}");
        assert!(error.to_string().contains(name), "{error}");
        std::fs::remove_file(folio.item_path(name).unwrap()).unwrap();
        assert_eq!(ask_table(&folio, name, "SELECT 1 FROM table").unwrap_err().code(), "missing-payload");
    }
}

#[test]
fn checking_can_be_turned_off_for_one_query() {
    let (_dir, folio) = new_bundle();
    let column: ArrayRef = Arc::new(Int64Array::from(vec![0x1122_3344_5566_7788_i64]));
    let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
    folio.add("t", data(&batch), AddOptions::new().table_format("arrow")).unwrap();
    folio.add_view("v", "SELECT n FROM t", AddOptions::new()).unwrap();
    let path = folio.item_path("t").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(8).position(|window| window == 0x1122_3344_5566_7788_i64.to_le_bytes()).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).unwrap();

    let read = |data: Data| match data {
        Data::Table(batches) => batches.map(|batch| Ok(batch?.num_rows())).sum::<Result<usize, Error>>(),
        _ => panic!("a view is read as a table"),
    };
    for (verification, checks) in [(None, true), (Some(Verification::Off), false), (Some(Verification::Full), true)] {
        let mut options = QueryOptions::new();
        options.verification = verification;
        let results = [
            folio.query("SELECT n FROM t", &options).and_then(rows).map(drop),
            folio.query("SELECT n FROM v", &options).and_then(rows).map(drop),
            folio.query_table("t", "SELECT n FROM table", &options).and_then(rows).map(drop),
            match verification {
                None => folio.get("v").and_then(read).map(drop),
                Some(verification) => folio.get_with("v", verification).and_then(read).map(drop),
            },
        ];
        for (index, result) in results.into_iter().enumerate() {
            match (result, checks) {
                (Ok(()), false) => {}
                (Err(error), true) => assert_eq!(error.category(), datafolio::ErrorCategory::Corrupt, "{error}"),
                (result, _) => panic!("{verification:?} {index}: {result:?}"),
            }
        }
    }
}

/// Also where another file of the table is whole, and the rows that are asked for lie in that one.
#[test]
fn damage_of_one_file_of_a_table_is_told() {
    let (_dir, folio) = new_bundle();
    for rows in [0..9, 9..20] {
        let part = numbers(20).slice(rows.start, rows.end - rows.start);
        folio.append_table("parts", part, AppendOptions::new().without_compaction()).unwrap();
    }
    let whole = ask_table(&folio, "parts", "SELECT sum(id)::BIGINT FROM table").unwrap();
    assert_eq!(whole, [[json!(190)]]);
    flip_a_bit(folio.get_table_paths("parts").unwrap()[1].as_ref());
    for sql in ["SELECT sum(id) FROM table", "SELECT id FROM table WHERE id = 1", "SELECT id FROM table LIMIT 1"] {
        let error = ask_table(&folio, "parts", sql).unwrap_err();
        assert_eq!(error.category(), datafolio::ErrorCategory::Corrupt, "{sql}: {error}");
        assert!(error.to_string().contains("parts"), "{error}");
    }
    let filtered = folio
        .read_table("parts", &TableOptions::new().filter("id > 15"))
        .and_then(|rows| rows.collect::<Result<Vec<_>, _>>().map_err(datafolio::Error::from));
    assert_eq!(filtered.unwrap_err().category(), datafolio::ErrorCategory::Corrupt);
}

/// Without the rules of time zones DuckDB could give a wrong answer, or none.
#[test]
fn time_zones_work_or_are_refused() {
    let (_dir, folio) = new_bundle();
    let zoned: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0]).with_timezone("UTC"));
    folio.add("t", data(&RecordBatch::try_from_iter([("ts", zoned)]).unwrap()), AddOptions::new()).unwrap();
    for sql in [
        "SELECT ts AT TIME ZONE 'Europe/Vienna' FROM t",
        "SELECT ts::DATE FROM t",
        "SELECT date_trunc('day', ts) FROM t",
        "SELECT ts - INTERVAL 1 DAY FROM t",
        "SELECT now() - INTERVAL 1 DAY",
    ] {
        let error = ask(&folio, sql).unwrap_err();
        assert_eq!(error.code(), "sql-no-time-zones", "{sql}: {error}");
    }
    assert_eq!(one(&folio, "SELECT epoch_us(ts) FROM t"), 0);
    assert_eq!(one(&folio, "SELECT epoch_us(ts::TIMESTAMP + INTERVAL 1 DAY) FROM t"), 86_400_000_000_i64);
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let (_dir, folio) = with_numbers();
    let names = |sql: &str| -> Vec<String> {
        let result = folio.query(sql, &QueryOptions::new()).unwrap();
        let schema = result.schema();
        for batch in result {
            assert_eq!(batch.unwrap().schema(), schema);
        }
        schema.fields().iter().map(|field| field.name().clone()).collect()
    };
    assert_eq!(names("SELECT 1 AS x, 2 AS x_1, 3 AS x, 4 AS x"), ["x", "x_1", "x_2", "x_3"]);
    assert_eq!(names("SELECT a.id, b.id, a.kind FROM numbers a JOIN numbers b USING (kind)"), ["id", "id_1", "kind"]);
    assert_eq!(names("SELECT id, kind FROM numbers"), ["id", "kind"]);
}

/// DuckDB makes floating-point numbers of decimals with more than 38 digits: it said so with no word.
#[test]
fn long_decimals_are_refused_where_they_are_asked_for() {
    use arrow::array::{Decimal256Array, Int64Array, ListArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{DataType, Field, i256};
    let (_dir, folio) = new_bundle();
    let digits = i256::from_string("123456789012345678901234567890123456789012345678").unwrap();
    let decimal = |digits: i256, precision: u8| -> ArrayRef {
        Arc::new(Decimal256Array::from(vec![digits, i256::ONE]).with_precision_and_scale(precision, 2).unwrap())
    };
    let item = Arc::new(Field::new("item", DataType::Decimal256(50, 2), true));
    let within: ArrayRef =
        Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([1, 1]), decimal(digits, 50), None));
    let batch = RecordBatch::try_from_iter([
        ("long", decimal(digits, 50)),
        ("id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
        ("within", within),
        ("short", decimal(i256::from(1_234), 20)),
    ])
    .unwrap();
    folio.add("parquet", data(&batch), AddOptions::new()).unwrap();
    folio.add("arrow", data(&batch), AddOptions::new().table_format("arrow")).unwrap();
    folio.append_table("parts", batch.clone(), AppendOptions::new()).unwrap();
    folio.append_table("parts", batch, AppendOptions::new()).unwrap();
    for (table, rows) in [("parquet", 2), ("arrow", 2), ("parts", 4)] {
        for (columns, column) in [
            ("*", "long"),
            ("max(long)", "long"),
            ("id, within", "within"),
            ("count(*) FILTER (WHERE long > 5)", "long"),
        ] {
            let error = ask_table(&folio, table, &format!("SELECT {columns} FROM table")).unwrap_err();
            assert_eq!(error.code(), "invalid-value", "{table}, {columns}: {error}");
            let text = error.to_string();
            assert!(
                text.contains(table) && text.contains(&format!("'{column}'")) && text.contains("38 digits"),
                "{text}"
            );
        }
        assert_eq!(one(&folio, &format!("SELECT count(*) FROM {table}")), rows);
        assert_eq!(one(&folio, &format!("SELECT max(id) FROM {table}")), 2);
        let others = ask(&folio, &format!("SELECT * EXCLUDE (long, within) FROM {table} ORDER BY id LIMIT 1")).unwrap();
        assert_eq!(others[0][0], 1);
        // Shorter ones are what they are.
        assert_eq!(one(&folio, &format!("SELECT (max(short) = 12.34::DECIMAL(20, 2))::VARCHAR FROM {table}")), "true");
    }
}

/// DuckDB gives 2,048 rows at a time, each with all values of an ENUM, and several of them become one batch.
#[test]
fn values_of_an_enum_stay_in_the_order_by_which_they_compare() {
    let (_dir, folio) = with_numbers();
    let sql = "SELECT (['high', 'low', 'middle'][1 + i % 3])::ENUM('low', 'middle', 'high', 'never') AS size \
               FROM range(40000) AS t(i)";
    let mut rows = 0;
    for batch in folio.query(sql, &QueryOptions::new()).unwrap() {
        let batch = batch.unwrap();
        let sizes = batch.column(0).as_any_dictionary();
        let values: Vec<_> = sizes.values().as_string::<i32>().iter().flatten().collect();
        assert_eq!(values, ["low", "middle", "high", "never"]);
        for (row, key) in sizes.normalized_keys().into_iter().enumerate() {
            assert_eq!(key, [2, 0, 1][(rows + row) % 3]);
        }
        rows += batch.num_rows();
    }
    assert_eq!(rows, 40_000);
}
