//! Tables and columns that are not there, and where a query names them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use datafolio::columns::col;
use datafolio::{AddOptions, DataFolio, ErrorCategory, QueryOptions, SnapshotOptions, TableOptions};

use super::{ask, ask_table, data, numbers, with_numbers};
use crate::support::new_bundle;

fn told(folio: &DataFolio, sql: &str) -> String {
    ask(folio, sql).map(|rows| panic!("{sql}: {rows:?}")).unwrap_err().to_string()
}

#[test]
fn a_function_that_is_not_there_is_told_with_the_nearest_one() {
    let (_dir, folio) = with_numbers();
    let error = ask(&folio, "SELECT id,\n conut(*) FROM numbers").unwrap_err();
    assert_eq!((error.code(), error.category()), ("unknown-function", ErrorCategory::NotFound));
    assert_eq!(error.to_string(), "there is no function 'conut' at line 2, column 2; did you mean 'count'?");
    // One that there is, and that is not allowed, is refused.
    assert_eq!(ask(&folio, "SELECT sleep_ms(1)").unwrap_err().code(), "sql-refused");
    let error = told(&folio, "SELECT count(*) FROM table");
    assert!(error.contains("line 1, column 22") && error.ends_with("here its name does"), "{error}");
}

#[test]
fn tables_that_sql_has_no_words_for_are_told() {
    let (_dir, folio) = new_bundle();
    let empty = RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
    folio.add("nothing", data(&empty), AddOptions::new()).unwrap();
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let unnamed = RecordBatch::try_from_iter([("x", Arc::clone(&column)), ("", column)]).unwrap();
    folio.add("unnamed", data(&unnamed), AddOptions::new()).unwrap();
    for sql in ["SELECT count(*) FROM nothing", "SELECT * FROM nothing"] {
        let error = ask(&folio, sql).unwrap_err();
        assert_eq!(error.code(), "invalid-value");
        assert!(error.to_string().contains("nothing: it has no columns"), "{error}");
    }
    // Where DuckDB is not asked, nobody needs a word for it.
    let rows = folio.read_table("unnamed", &TableOptions::new().filter("x = 1")).unwrap();
    assert_eq!(rows.map(Result::unwrap).collect::<Vec<_>>(), vec![unnamed; 1]);
    let filter = || TableOptions::new().filter("x & 1 = 1");
    let Err(error) = folio.read_table("unnamed", &filter()) else { panic!("a column without a name") };
    assert!(error.to_string().contains("column 2 has an empty name"), "{error}");
    assert_eq!(folio.read_table("unnamed", &filter().columns(["x"])).unwrap().count(), 1);
    assert_eq!(folio.update_table("unnamed", "x = 1", &[("x", "2")]).unwrap().rows, 1);
}

#[test]
fn a_column_that_is_not_there_is_told_as_everywhere_with_its_place() {
    let (_dir, folio) = with_numbers();
    let error = ask(&folio, "SELECT id,\n  knid FROM numbers").unwrap_err();
    assert_eq!((error.code(), error.category()), ("column-not-found", ErrorCategory::NotFound));
    assert_eq!(
        error.to_string(),
        "the SQL does not fit its tables at line 2, column 3: no column \"knid\" (did you mean \"kind\"?); its tables \
         have \"id\", \"kind\", \"value\""
    );
    assert!(error.hint().unwrap().contains("texts in single ones"));
    for (sql, place) in [
        ("SELECT numbers.knid FROM numbers", "line 1, column 8"),
        ("SELECT n.knid FROM numbers n", "line 1, column 8"),
        ("SELECT 'é', knid FROM numbers", "line 1, column 13"),
        ("SELECT count(*) FROM numbers GROUP BY knid", "line 1, column 39"),
        ("SELECT id FROM numbers WHERE \"knid\" = 1", "line 1, column 30"),
        ("WITH x AS (SELECT knid FROM numbers) FROM x", "line 1, column 19"),
        ("SELECT id FROM numbers QUALIFY knid > 1", "line 1, column 32"),
        ("SELECT title FROM kinds WHERE EXISTS (FROM numbers WHERE knid = title)", "line 1, column 58"),
        ("PIVOT numbers ON knid USING sum(id)", "line 1, column 18"),
    ] {
        let error = ask(&folio, sql).unwrap_err();
        assert_eq!(error.code(), "column-not-found", "{sql}: {error}");
        let (error, told) = (error.to_string(), "no column \"knid\" (did you mean \"kind\"?)");
        assert!(error.contains(place) && error.contains(told), "{sql}: {error}");
    }
    // DuckDB tells no place for these.
    for sql in [
        "SELECT * FROM numbers JOIN kinds USING (knid)",
        "SELECT * EXCLUDE (knid) FROM numbers",
        "SELECT * REPLACE (1 AS knid) FROM numbers",
        "UNPIVOT numbers ON (knid) INTO NAME n VALUE v",
    ] {
        let error = ask(&folio, sql).unwrap_err();
        assert_eq!(error.code(), "column-not-found", "{sql}: {error}");
        assert!(error.to_string().contains("no column \"knid\" (did you mean \"kind\"?)"), "{sql}: {error}");
    }
    // Of a view its own columns are told, and not those of what it reads.
    folio.add_view("good", "SELECT id AS number FROM numbers", AddOptions::new()).unwrap();
    let error = told(&folio, "SELECT nubmer FROM good");
    assert!(error.ends_with("(did you mean \"number\"?); its tables have \"number\""), "{error}");
    assert_eq!(ask(&folio, "SELECT kind FROM good").unwrap_err().code(), "column-not-found");
    // A value that reads like such an error is none.
    let posing = "SELECT CAST('t does not have a column named \"zz\"' AS INTEGER) FROM numbers";
    assert_eq!(ask(&folio, posing).unwrap_err().code(), "sql-failed");
    // A column of a subquery is offered as well, and no column is offered that has nothing of it.
    let error = told(&folio, "WITH x AS (SELECT id AS amount FROM numbers) SELECT amuont FROM x");
    assert!(error.contains("did you mean \"amount\"?"), "{error}");
    assert!(!told(&folio, "SELECT nothing FROM numbers").contains("did you mean"));
}

#[test]
fn a_column_that_is_there_and_out_of_reach_is_told_so() {
    let (_dir, folio) = with_numbers();
    for sql in [
        "SELECT numbers.title FROM numbers, kinds",
        "SELECT title FROM (SELECT kind FROM kinds)",
        "SELECT knid",
        "SELECT x.id FROM numbers",
        "SELECT kind FROM numbers, kinds",
    ] {
        let error = ask(&folio, sql).unwrap_err();
        assert_eq!(error.code(), "sql-unfit", "{sql}: {error}");
        assert!(error.to_string().contains("at line 1, column 8: "), "{sql}: {error}");
    }
}

/// The text that DuckDB is given has quotes around `table`, and values for a PIVOT.
#[test]
fn places_are_those_of_the_text_that_was_written() {
    let (_dir, folio) = with_numbers();
    let told = |sql: &str| ask_table(&folio, "numbers", sql).unwrap_err().to_string();
    for (sql, place) in [
        ("SELECT table.id, table.knid FROM table", "line 1, column 18"),
        ("SELECT table.id FROM $table WHERE\nknid = 1", "line 2, column 1"),
        ("SELECT table.id FROM table, nubmers", "line 1, column 29"),
        ("SELECT * FROM (PIVOT table ON kind USING sum(id)), nubmers", "line 1, column 52"),
        ("SELECT sleep_ms(1) FROM (PIVOT table ON kind USING sum(id))", "line 1, column 8"),
        ("SELECT * FROM (PIVOT table ON kind USING sum(id)) WHERE sleep_ms(1) = 1", "line 1, column 57"),
    ] {
        assert!(told(sql).contains(place), "{sql}: {}", told(sql));
    }
}

#[test]
fn a_condition_has_places_of_its_own() {
    let (_dir, folio) = with_numbers();
    folio.add_view("seen", "SELECT * FROM numbers", AddOptions::new()).unwrap();
    for name in ["numbers", "mapped", "seen"] {
        let told = |condition: &str| {
            let error =
                folio.read_table(name, &TableOptions::new().columns(["value"]).filter(condition)).err().unwrap();
            (error.code(), error.to_string())
        };
        let (code, error) = told("id > 1\n AND knid = 'a'");
        assert_eq!(code, "column-not-found", "{error}");
        assert!(error.contains("line 2, column 6: no column \"knid\" (did you mean \"kind\"?)"), "{error}");
        assert!(error.ends_with("its tables have \"id\", \"kind\", \"value\""), "{error}");
        let (code, error) = told("table.id > 1 AND id IN (SELECT id FROM nubmers)");
        assert!(code == "table-not-found" && error.contains("line 1, column 40"), "{error}");
        for condition in ["id > 1; DROP TABLE numbers", "id > 1;"] {
            let (code, error) = told(condition);
            assert_eq!(code, "sql-refused");
            assert!(error.contains("at line 1, column 7: a condition is one expression, without ';'"), "{error}");
        }
    }
    // These go into a query of their own, whose places nobody has written.
    let error = folio.delete_rows("numbers", "id > 1 AND knid = 'a'").unwrap_err();
    assert_eq!(error.code(), "column-not-found");
    assert!(error.to_string().contains("\"knid\"") && !error.to_string().contains("line"), "{error}");
    let error = folio.update_table("numbers", "id > 1", &[("value", "amount")]).unwrap_err();
    assert!(error.code() == "column-not-found" && !error.to_string().contains("line"), "{error}");
    let error = folio.update_table("numbers", "id > 1", &[("value", "1; SELECT 2")]).unwrap_err();
    assert!(error.to_string().contains("a value is one expression, without ';'"), "{error}");
}

#[test]
fn a_view_is_named_with_the_place_in_its_text() {
    let (_dir, folio) = with_numbers();
    let error = folio.add_view("v", "SELECT id,\n knid FROM numbers", AddOptions::new()).unwrap_err();
    assert_eq!(error.code(), "column-not-found");
    assert!(error.to_string().contains("at line 2, column 2 of view 'v': no column \"knid\""), "{error}");
    let error = folio.add_view("v", "SELECT id FROM\n nubmers", AddOptions::new()).unwrap_err().to_string();
    assert!(error.contains("(line 2, column 2; did you mean 'numbers'?)"), "{error}");
    // The table loses a column that the view reads.
    folio.add_view("low", "SELECT id, value FROM numbers", AddOptions::new()).unwrap();
    folio.add_view("lower", "SELECT * FROM low WHERE id < 2", AddOptions::new()).unwrap();
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let narrow = RecordBatch::try_from_iter([("id", id)]).unwrap();
    folio.add("numbers", data(&narrow), AddOptions::new().overwrite()).unwrap();
    for error in [ask(&folio, "SELECT * FROM lower").unwrap_err(), folio.get_table("low").map(drop).unwrap_err()] {
        assert!(error.to_string().contains("at line 1, column 12 of view 'low': no column \"value\""), "{error}");
    }
    // One of its own that is asked for by name.
    folio.add_view("good", "SELECT id AS number FROM numbers", AddOptions::new()).unwrap();
    let part = |columns: [&str; 1]| folio.read_table("good", &TableOptions::new().columns(columns)).map(drop);
    let error = part(["nubmer"]).unwrap_err();
    assert_eq!(error.code(), "column-not-found");
    assert_eq!(error.to_string(), "good: no column \"nubmer\" (did you mean \"number\"?); it has \"number\"");
    let twice = folio.read_table("good", &TableOptions::new().columns(["number", "number"])).map(drop).unwrap_err();
    assert!(twice.to_string().contains("asked for twice: name each column once"), "{twice}");
}

#[test]
fn a_table_that_is_not_there_is_told_with_its_place() {
    let (_dir, folio) = with_numbers();
    folio.create_snapshot("v1.0", SnapshotOptions { capture_git: false, ..Default::default() }).unwrap();
    for (sql, expected) in [
        (
            "SELECT *\nFROM nubmers",
            "there is no table 'nubmers' in the bundle (line 2, column 6; did you mean 'numbers'?)",
        ),
        ("SELECT * FROM kinds, nothing_like", "there is no table 'nothing_like' in the bundle (line 1, column 22)"),
        (
            "SELECT * FROM \"v1.0\".nubmers",
            "there is no table 'v1.0.nubmers' in the bundle (line 1, column 15; did you mean 'v1.0.numbers'?)",
        ),
        (
            "SELECT * FROM \"v1.1\".numbers",
            "there is no snapshot 'v1.1' in the bundle (line 1, column 15; did you mean 'v1.0'?)",
        ),
    ] {
        assert_eq!(told(&folio, sql), expected);
    }
    assert_eq!(ask(&folio, "SELECT * FROM v1.numbers").unwrap_err().code(), "snapshot-not-found");
    let frame = folio.frame("numbers").unwrap().filter(col("id").greater(5)).unwrap();
    let error = folio.query_frame("FROM high, nubmers", &QueryOptions::new().frame("high", &frame)).unwrap_err();
    assert!(error.to_string().contains("(line 1, column 12; did you mean 'numbers'?)"), "{error}");
}

#[test]
fn sql_without_limits_tells_why_a_table_is_not_there() {
    let (_dir, folio) = with_numbers();
    let error = |sql: &str| folio.query_unrestricted(sql, &QueryOptions::new()).map(drop).unwrap_err();
    let unknown = error("CREATE TABLE copied AS\nSELECT * FROM nubmers");
    assert_eq!(unknown.code(), "table-not-found");
    assert!(unknown.to_string().contains("'nubmers' in the bundle (line 2, column 15; did you mean"), "{unknown}");
    assert_eq!(error("SELECT knid FROM numbers").code(), "column-not-found");
    // One that is there for nobody says what is wrong with it, once it is named.
    folio.add_view("broken", "SELECT * FROM kinds", AddOptions::new()).unwrap();
    folio.rename("kinds", "sorts").unwrap();
    folio.query_unrestricted("SELECT * FROM numbers", &QueryOptions::new()).unwrap();
    assert_eq!(error("SELECT * FROM Broken").code(), "input-gone");
}

#[test]
fn statements_that_make_tables_are_refused_for_what_they_are() {
    let (_dir, folio) = with_numbers();
    for sql in
        ["CREATE TABLE q (x INTEGER)", "CREATE OR REPLACE TEMP TABLE q AS SELECT 1", "CREATE TABLE q AS FROM table"]
    {
        let error = ask_table(&folio, "numbers", sql).unwrap_err();
        assert_eq!(error.code(), "sql-refused", "{sql}: {error}");
        assert!(error.to_string().contains("CREATE is no query"), "{error}");
    }
    assert!(ask_table(&folio, "numbers", "DROP TABLE q").unwrap_err().to_string().contains("DROP is no query"));
    let error = ask_table(&folio, "numbers", "SELECT * FROM numbers numbers table").unwrap_err().to_string();
    assert!(error.contains("\"table\"") && !error.contains("\"\"table\"\""), "{error}");
}

/// Each of them is one of those that the condition holds for.
#[test]
fn samples_are_drawn_of_the_rows_that_a_condition_holds_for() {
    let (_dir, folio) = with_numbers();
    folio.add("many", data(&numbers(20_000)), AddOptions::new()).unwrap();
    folio.add_view("view", "SELECT * FROM many", AddOptions::new()).unwrap();
    let ids = |batch: RecordBatch| {
        let ids = batch.column_by_name("id").unwrap().as_any().downcast_ref::<Int64Array>().unwrap().clone();
        ids.values().to_vec()
    };
    let options = TableOptions::new().columns(["kind", "id"]).filter("kind = 'b' AND id >= 9000");
    let drawn = |name: &str, rows: usize, seed: u64| ids(folio.sample_table(name, rows, seed, &options).unwrap());
    let sample = drawn("many", 40, 7);
    assert!(sample.len() == 40 && sample.iter().all(|id| id % 3 == 1 && *id >= 9000), "{sample:?}");
    assert!(sample.is_sorted_by(|a, b| a < b), "{sample:?}");
    assert_eq!(drawn("view", 40, 7), sample);
    assert_ne!(drawn("many", 40, 8), sample);
    assert_eq!(drawn("many", 90_000, 7).len(), 3_667);
    let few = options.clone().limit(3);
    assert_eq!(ids(folio.sample_table("many", 9, 7, &few).unwrap()), [9001, 9004, 9007]);
    let none = TableOptions::new().filter("id < 0");
    assert_eq!(folio.sample_table("many", 5, 7, &none).unwrap().num_rows(), 0);
}
