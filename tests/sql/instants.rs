//! Times within a zone in nanoseconds, as pandas writes them, in SQL.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampNanosecondArray};
use arrow::datatypes::TimestampNanosecondType;
use datafolio::{AppendOptions, DataFolio, ParamValue, QueryOptions, TableOptions};
use serde_json::json;

use super::{ask, one};
use crate::support::new_bundle;

const TIMES: [Option<i64>; 4] = [Some(1_700_000_000_123_456_789), Some(1_700_000_000_000_000_000), None, Some(-1_500)];

fn with_times() -> (tempfile::TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..4));
    let seen: ArrayRef = Arc::new(TimestampNanosecondArray::from(TIMES.to_vec()).with_timezone("Europe/Berlin"));
    let batch = RecordBatch::try_from_iter_with_nullable([("id", id, false), ("seen", seen, true)]).unwrap();
    folio.append_table("t", batch, AppendOptions::new()).unwrap();
    (dir, folio)
}

#[test]
fn they_are_compared_and_cast_as_other_times_are() {
    let (_dir, folio) = with_times();
    for (condition, ids) in [
        ("seen >= TIMESTAMPTZ '2023-11-14 22:13:20+00'", vec![0, 1]),
        ("seen > TIMESTAMPTZ '2023-11-14 22:13:20+00'", vec![0]),
        ("seen = TIMESTAMPTZ '2023-11-14 23:13:20+01'", vec![1]),
        ("seen >= '2023-01-01'", vec![0, 1]),
        ("seen < '2023-01-01 00:00:00+02'", vec![3]),
        ("seen >= TIMESTAMP '2023-11-14 22:13:20'", vec![0, 1]),
        ("seen >= TIMESTAMP_NS '2023-11-14 22:13:20.1'", vec![0]),
        ("seen < DATE '1970-01-01'", vec![3]),
        ("seen::DATE = DATE '2023-11-14'", vec![0, 1]),
        ("seen::TIMESTAMP = '2023-11-14 22:13:20.123457'", vec![0]),
        ("seen::TIMESTAMP_NS = '2023-11-14 22:13:20.123456789'", vec![0]),
        ("seen::TIMESTAMPTZ = TIMESTAMPTZ '1969-12-31 23:59:59.999999+00'", vec![3]),
        ("seen BETWEEN TIMESTAMPTZ '2023-01-01 00:00:00+00' AND TIMESTAMPTZ '2024-01-01 00:00:00+00'", vec![0, 1]),
        ("seen IN (TIMESTAMPTZ '2023-11-14 22:13:20+00', TIMESTAMPTZ '2024-01-01 00:00:00+00')", vec![1]),
    ] {
        let found = ask(&folio, &format!("SELECT id FROM t WHERE {condition} ORDER BY id"));
        let found = found.unwrap_or_else(|error| panic!("{condition}: {error}"));
        assert_eq!(found, ids.iter().map(|id| vec![json!(id)]).collect::<Vec<_>>(), "{condition}");
        let read = folio.read_table("t", &TableOptions::new().filter(condition)).unwrap();
        // Values come back whole.
        let times = read.flat_map(|batch| {
            batch.unwrap().column(1).as_primitive::<TimestampNanosecondType>().iter().collect::<Vec<_>>()
        });
        let expected: Vec<_> = ids.iter().map(|id| TIMES[*id as usize]).collect();
        assert_eq!(times.collect::<Vec<_>>(), expected, "{condition}");
    }
    let options = QueryOptions::new().params([ParamValue::Instant(1_700_000_000_000_000)]);
    let mut found = folio.query("SELECT count(*) FROM t WHERE seen >= ?", &options).unwrap();
    assert_eq!(found.next().unwrap().unwrap().column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0), 2);
    assert_eq!(one(&folio, "SELECT year(seen::TIMESTAMP) FROM t WHERE id = 3"), 1969);
    assert_eq!(one(&folio, "SELECT count(*) FROM t WHERE seen::TIMESTAMP IS NULL"), 1);
    let error = ask(&folio, "SELECT id FROM t WHERE seen < TIMESTAMPTZ '2500-01-01 00:00:00+00'").unwrap_err();
    assert!(error.code() == "sql-failed" && error.to_string().contains("1677 to 2262"), "{error}");
}

/// What tells no zone is in UTC where it is set, as it is where it is compared.
#[test]
fn an_instant_that_is_set_is_the_one_that_is_found() {
    let (_dir, folio) = with_times();
    for value in
        ["DATE '2021-07-01'", "'2021-07-01 00:00:00'", "TIMESTAMP '2021-07-01'", "TIMESTAMPTZ '2021-07-01 02:00:00+02'"]
    {
        folio.update_table("t", "id = 2", &[("seen", value)]).unwrap_or_else(|error| panic!("{value}: {error}"));
        for condition in [format!("seen = {value}"), "seen = TIMESTAMPTZ '2021-07-01 00:00:00+00'".to_owned()] {
            let found = ask(&folio, &format!("SELECT id FROM t WHERE {condition}")).unwrap();
            assert_eq!(found, [vec![json!(2)]], "{value}: {condition}");
        }
    }
    folio.update_table("t", "id = 2", &[("seen", "seen::TIMESTAMP + INTERVAL 1 HOUR")]).unwrap();
    assert_eq!(one(&folio, "SELECT seen::TIMESTAMP_NS::VARCHAR FROM t WHERE id = 2"), "2021-07-01 01:00:00");
}

/// Times of clocks in nanoseconds are those of pandas that tell no zone.
#[test]
fn instants_are_compared_with_clocks_in_nanoseconds() {
    let (_dir, folio) = new_bundle();
    let seen: ArrayRef =
        Arc::new(TimestampNanosecondArray::from(vec![1_700_000_000_000_000_001, 1_600_000_000_000_000_000]));
    let batch = RecordBatch::try_from_iter_with_nullable([("seen", seen, true)]).unwrap();
    folio.append_table("q", batch, AppendOptions::new()).unwrap();
    for (condition, count) in [("seen > ?", 1), ("seen < ?", 1), ("seen = ?", 0), ("seen <> ?", 2)] {
        let options = QueryOptions::new().params([ParamValue::Instant(1_700_000_000_000_000)]);
        let mut found = folio.query(&format!("SELECT count(*) FROM q WHERE {condition}"), &options).unwrap();
        let found = found.next().unwrap().unwrap();
        assert_eq!(found.column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0), count, "{condition}");
    }
    // Some write the end of all times as a time.
    let error = ask(&folio, "SELECT count(*) FROM q WHERE seen < TIMESTAMP '9999-12-31'").unwrap_err().to_string();
    assert!(error.contains("1677 to 2262") && error.contains("::TIMESTAMP"), "{error}");
    assert_eq!(one(&folio, "SELECT count(*) FROM q WHERE seen::TIMESTAMP < TIMESTAMP '9999-12-31'"), 2);
}
