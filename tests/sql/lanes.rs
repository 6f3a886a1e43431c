//! Queries that look at each row by itself run over parts of a large table side by side.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datafolio::{AddOptions, DataFolio, QueryControl, QueryOptions};
use tempfile::TempDir;

use super::{data, one, rows};
use crate::support::new_bundle;

const ROWS: i64 = 2_500_000;

/// The table `large`, which is shared out: `id` counts up, `text` is one of a few.
fn with_large() -> (TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS));
    let words = ["a", "b", "c", "12", ""];
    let text: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(|id| words[(id % 5) as usize])));
    let batch = RecordBatch::try_from_iter([("id", id), ("text", text)]).unwrap();
    folio.add("large", data(&batch), AddOptions::new()).unwrap();
    (dir, folio)
}

/// The values of a column of numbers.
fn numbers(folio: &DataFolio, sql: &str, options: &QueryOptions) -> Vec<i64> {
    let batches = folio.query_table("large", sql, options).unwrap();
    batches.flat_map(|batch| batch.unwrap().column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[test]
fn rows_come_in_the_order_of_the_table() {
    let (_dir, folio) = with_large();
    let options = QueryOptions::new().threads(3);
    assert!(numbers(&folio, "SELECT id FROM table", &options).into_iter().eq(0..ROWS));
    let some = "SELECT id, upper(text) AS t FROM table AS t WHERE t.id % 1000 = ? AND text <> ''";
    let expected: Vec<i64> = (0..ROWS).filter(|id| id % 1000 == 7).collect();
    for threads in [1, 2, 3, 16] {
        let options = QueryOptions::new().threads(threads).params([7]);
        assert_eq!(numbers(&folio, some, &options), expected);
    }
    let named = QueryOptions::new().threads(2).param("least", ROWS - 3);
    assert_eq!(numbers(&folio, "SELECT id FROM large WHERE id >= $least", &named), [ROWS - 3, ROWS - 2, ROWS - 1]);
    assert!(numbers(&folio, "SELECT id FROM table WHERE id < 0", &options).is_empty());
    // Others are run as a whole.
    assert_eq!(one(&folio, "SELECT count(*) FROM large"), ROWS);
    assert_eq!(one(&folio, "SELECT sum(id) FROM large"), ROWS * (ROWS - 1) / 2);
    assert_eq!(numbers(&folio, "SELECT id FROM table LIMIT 3", &options), [0, 1, 2]);
    assert_eq!(numbers(&folio, "SELECT id FROM table ORDER BY id DESC LIMIT 1", &options), [ROWS - 1]);
    let all = numbers(&folio, "SELECT row_number() OVER () FROM table", &options);
    assert_eq!((all.len() as i64, all.last().copied()), (ROWS, Some(ROWS)));
}

/// Parts after one that left few rows gather theirs before they give any; those after one with many do not.
#[test]
fn few_rows_and_many_come_in_the_order_of_the_table() {
    const ALL: i64 = 6_400_000;
    let (_dir, folio) = new_bundle();
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ALL));
    folio.add("large", data(&RecordBatch::try_from_iter([("id", id)]).unwrap()), AddOptions::new()).unwrap();
    let options = QueryOptions::new().threads(2);
    let is_wanted = |id: &i64| if (2_000_000..4_400_000).contains(id) { *id % 3 > 0 } else { *id % 500 == 7 };
    let sql =
        "SELECT id FROM table WHERE CASE WHEN id >= 2000000 AND id < 4400000 THEN id % 3 > 0 ELSE id % 500 = 7 END";
    assert!(numbers(&folio, sql, &options).into_iter().eq((0..ALL).filter(is_wanted)));
    // Errors, cancelling and the end of the time come out of parts that gather, too.
    let fails =
        format!("SELECT CASE WHEN id < {} THEN id ELSE 'x'::BIGINT END FROM large WHERE id % 500 = 7", ALL - 1000);
    let fails = fails.replace("'x'", "concat('x', id)");
    assert_eq!(folio.query(&fails, &options).and_then(rows).unwrap_err().code(), "sql-failed");
    let control = QueryControl::new();
    let options = QueryOptions::new().threads(2).control(&control);
    // All rows of the later parts are slow.
    let hash = "sha256(sha256(sha256(sha256(id::TEXT))))";
    let slow = format!(
        "SELECT id FROM large WHERE CASE WHEN id < 2000000 THEN id % 500 = 7 ELSE regexp_matches({hash}, '^00') END"
    );
    let mut reader = folio.query(&slow, &options).unwrap();
    assert!(reader.next().unwrap().is_ok());
    control.cancel();
    let error = reader.find_map(Result::err).map(datafolio::Error::from);
    assert_eq!(error.unwrap().code(), "sql-cancelled");
    let timed = QueryOptions::new().threads(2).timeout(Duration::from_millis(300));
    assert_eq!(folio.query(&slow, &timed).and_then(rows).unwrap_err().code(), "sql-timed-out");
}

#[test]
fn progress_is_told_while_rows_come_and_not_afterwards() {
    let (_dir, folio) = with_large();
    let control = QueryControl::new();
    assert_eq!(control.progress(), None);
    let options = QueryOptions::new().threads(2).control(&control);
    let mut seen = Vec::new();
    for batch in folio.query_table("large", "SELECT id FROM table WHERE id % 2 = 0", &options).unwrap() {
        batch.unwrap();
        seen.extend(control.progress());
    }
    assert!(seen.iter().all(|percent| (0.0..=100.0).contains(percent)), "{seen:?}");
    // By the last rows the first part of the table is through.
    let (first, last) = (seen.first().unwrap(), seen.last().unwrap());
    assert!(*last >= 50.0 && first <= last, "{seen:?}");
    assert_eq!(control.progress(), None);
}

/// An error comes behind rows that stand before it, and its rows are never left out without one.
#[test]
fn errors_come_in_their_turn() {
    let (_dir, folio) = with_large();
    let sql = format!("SELECT CASE WHEN id < {} THEN id ELSE text::BIGINT END FROM large", ROWS - 10);
    let options = QueryOptions::new().threads(2);
    let (mut count, mut error) = (0, None);
    for batch in folio.query(&sql, &options).unwrap() {
        match batch {
            Ok(batch) => count += batch.num_rows(),
            Err(found) => error = Some(datafolio::Error::from(found)),
        }
    }
    assert!(count < ROWS as usize, "{count}");
    assert_eq!(error.unwrap().code(), "sql-failed");
    let unfit = folio.query("SELECT idd FROM large", &options).unwrap_err();
    assert!(unfit.to_string().contains("\"id\""), "{unfit}");
}

#[test]
fn all_parts_are_stopped() {
    let (_dir, folio) = with_large();
    let control = QueryControl::new();
    let options = QueryOptions::new().threads(2).control(&control);
    // Slow, so that it never gets to its end.
    let slow = "SELECT id FROM large WHERE regexp_matches(repeat_of, 'x') ";
    let slow = slow.replace("repeat_of", "concat(sha256(text), sha256(concat(text, id)), sha256(concat(id, text)))");
    let mut reader = folio.query(&slow.replace("'x'", "'^$|[0-9a-f]*'"), &options).unwrap();
    assert!(reader.next().unwrap().is_ok());
    control.cancel();
    let error = reader.find_map(Result::err).map(datafolio::Error::from);
    assert_eq!(error.unwrap().code(), "sql-cancelled");
    drop(reader);
    // One that was cancelled before it begins does not begin.
    assert_eq!(folio.query(&slow, &options).and_then(rows).unwrap_err().code(), "sql-cancelled");
    let timed = QueryOptions::new().threads(2).timeout(Duration::from_millis(1));
    assert_eq!(folio.query(&slow, &timed).and_then(rows).unwrap_err().code(), "sql-timed-out");
    // Letting go of it ends it as well.
    let mut reader = folio.query("FROM large", &QueryOptions::new().threads(2)).unwrap();
    assert!(reader.next().unwrap().is_ok());
}

/// The database of a query serves the same one again, and only that.
#[test]
fn queries_see_the_table_as_it_is() {
    let (_dir, folio) = super::with_numbers();
    for _ in 0..3 {
        assert_eq!(one(&folio, "SELECT sum(id) FROM numbers"), 36);
        assert_eq!(one(&folio, "SELECT count(*) FROM kinds"), 2);
    }
    folio.add("numbers", data(&super::numbers(3)), AddOptions::new().overwrite()).unwrap();
    assert_eq!(one(&folio, "SELECT sum(id) FROM numbers"), 3);
    let open: Vec<_> = (0..3).map(|_| folio.query("SELECT id FROM numbers", &QueryOptions::new()).unwrap()).collect();
    for reader in open {
        assert_eq!(rows(reader).unwrap().len(), 3);
    }
    let error = super::ask(&folio, "SELECT id FROM numbers WHERE id + 'x' > 1").unwrap_err();
    assert!(error.code().starts_with("sql-"), "{error}");
    assert_eq!(one(&folio, "SELECT sum(id) FROM numbers"), 3);
}
