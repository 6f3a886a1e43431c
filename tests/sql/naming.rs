//! What the names in a query mean.

use datafolio::{AddOptions, QueryOptions, SnapshotOptions};
use serde_json::{Value, json};

use super::{ask, ask_table, data, numbers, one, with_numbers};
use crate::support::reopen;

/// `table` is reserved in SQL, and works wherever the name of a table can stand.
#[test]
fn the_word_table_is_the_queried_table_everywhere() {
    let (_dir, folio) = with_numbers();
    let cases: [(&str, Value); 29] = [
        ("SELECT count(*) FROM table", json!(9)),
        ("select COUNT(*) from TABLE", json!(9)),
        ("SELECT max(table.id) FROM table", json!(8)),
        ("SELECT max(t.id) FROM table t", json!(8)),
        ("SELECT max(t.id) FROM table AS t", json!(8)),
        ("FROM table SELECT count(*)", json!(9)),
        ("SELECT count(*) FROM table WHERE id > 4 AND kind = 'c'", json!(2)),
        ("SELECT count(*) FROM kinds JOIN table USING (kind)", json!(6)),
        ("SELECT count(*) FROM table JOIN kinds ON table.kind = kinds.kind", json!(6)),
        ("SELECT count(*) FROM table a, table b", json!(81)),
        ("SELECT count(*) FROM table a LEFT JOIN table b ON a.id = b.id + 1", json!(9)),
        ("WITH x AS (SELECT * FROM table WHERE id < 3) SELECT count(*) FROM x", json!(3)),
        ("WITH table AS (SELECT 1 AS id) SELECT count(*) FROM table", json!(1)),
        ("SELECT count(*) FROM (SELECT * FROM table)", json!(9)),
        ("SELECT (SELECT count(*) FROM table)", json!(9)),
        ("SELECT 'from table' AS x FROM table LIMIT 1", json!("from table")),
        ("SELECT $$the table$$ FROM table LIMIT 1", json!("the table")),
        ("SELECT count(*) /* not from table */ FROM table -- table", json!(9)),
        ("SELECT count(\"table\".id) FROM \"table\"", json!(9)),
        ("SELECT count(*) FROM $table", json!(9)),
        ("SELECT count(*) FROM numbers", json!(9)),
        ("SELECT count(*) FROM (TABLE kinds)", json!(2)),
        ("SELECT count(*) FROM (SELECT id FROM table UNION ALL SELECT id FROM table)", json!(18)),
        ("SELECT count(*) FROM table TABLESAMPLE 100%", json!(9)),
        ("SELECT count(*) FROM (PIVOT table ON kind IN ('a', 'b') USING sum(id) GROUP BY value)", json!(9)),
        ("SELECT count(*) FROM table UNPIVOT (v FOR n IN (id, value))", json!(18)),
        ("SELECT count(*) FROM (SUMMARIZE table)", json!(3)),
        ("SELECT max(n) FROM (SELECT row_number() OVER w AS n FROM table WINDOW w AS (ORDER BY id))", json!(9)),
        ("VALUES (7)", json!(7)),
    ];
    for (sql, expected) in cases {
        let found = ask_table(&folio, "numbers", sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_eq!(found[0][0], expected, "{sql}");
    }
    let pivoted = ask_table(&folio, "numbers", "PIVOT table ON kind USING sum(id) GROUP BY value ORDER BY 1").unwrap();
    assert_eq!((pivoted.len(), pivoted[1].clone()), (9, vec![json!(0.5), json!(null), json!(1), json!(null)]));
    // Also where it stands within another query.
    let within = "SELECT a, b FROM (PIVOT table ON kind USING sum(id)) ORDER BY value";
    let pivoted = ask_table(&folio, "numbers", within).unwrap();
    assert_eq!((pivoted.len(), pivoted[1].clone()), (9, vec![json!(null), json!(1)]));
    let named = "WITH p AS (SELECT 'z' AS kind, 7 AS id) PIVOT p ON kind USING sum(id)";
    assert_eq!(ask_table(&folio, "numbers", named).unwrap(), [[json!(7)]]);
    assert_eq!(ask_table(&folio, "numbers", "DESCRIBE table").unwrap().len(), 3);
    assert_eq!(ask_table(&folio, "mapped", "SELECT sum(id) FROM table WHERE kind = 'a'").unwrap()[0][0], json!(9));
}

#[test]
fn every_table_goes_by_its_name_and_snapshots_are_schemas() {
    let (_dir, folio) = with_numbers();
    folio.create_snapshot("v1.0", SnapshotOptions::default()).unwrap();
    folio.add("numbers", data(&numbers(12)), AddOptions::new().overwrite()).unwrap();
    folio.add("deep/er", data(&numbers(2)), AddOptions::new()).unwrap();
    assert_eq!(one(&folio, "SELECT count(*) FROM numbers"), 12);
    assert_eq!(one(&folio, "SELECT count(*) FROM \"v1.0\".\"numbers\""), 9);
    assert_eq!(one(&folio, "SELECT count(*) FROM \"V1.0\".numbers"), 9);
    assert_eq!(one(&folio, "SELECT count(*) FROM main.numbers"), 12);
    assert_eq!(one(&folio, "SELECT count(*) FROM \"deep/er\""), 2);
    let new = "SELECT id FROM numbers EXCEPT SELECT id FROM \"v1.0\".numbers ORDER BY id";
    assert_eq!(ask(&folio, new).unwrap(), [[json!(9)], [json!(10)], [json!(11)]]);
    // An old revision and a snapshot see their own tables.
    assert_eq!(one(&folio.load_snapshot("v1.0").unwrap(), "SELECT count(*) FROM numbers"), 9);
    assert_eq!(one(&folio.at_revision(2).unwrap(), "SELECT count(*) FROM numbers"), 9);
    assert_eq!(ask(&folio, "SELECT * FROM v2.numbers").unwrap_err().code(), "snapshot-not-found");
    let tables = ask(&folio, "SHOW TABLES").unwrap();
    assert_eq!(tables, [[json!("deep/er")], [json!("kinds")], [json!("mapped")], [json!("numbers")]]);
    // A handle keeps to its revision.
    let old = reopen(&folio);
    folio.add("numbers", data(&numbers(1)), AddOptions::new().overwrite()).unwrap();
    assert_eq!(one(&old, "SELECT count(*) FROM numbers"), 12);
}

#[test]
fn a_name_that_could_be_several_is_refused() {
    let (_dir, folio) = with_numbers();
    folio.add("Numbers", data(&numbers(1)), AddOptions::new()).unwrap();
    for sql in ["SELECT * FROM numbers", "SELECT * FROM \"Numbers\"", "SELECT * FROM NUMBERS"] {
        let error = ask(&folio, sql).unwrap_err();
        assert_eq!(error.code(), "ambiguous-name");
        assert!(error.to_string().contains("'numbers' and 'Numbers'"), "{error}");
    }
    // The table that a call names is not ambiguous.
    assert_eq!(ask_table(&folio, "Numbers", "SELECT count(*) FROM table").unwrap()[0][0], 1);
    folio.create_snapshot("main", SnapshotOptions::default()).unwrap();
    let error = ask(&folio, "SELECT * FROM main.kinds").unwrap_err();
    assert!(error.to_string().contains("snapshot 'main' and DuckDB's schema 'main'"), "{error}");
    folio.add("table", data(&numbers(2)), AddOptions::new()).unwrap();
    assert_eq!(ask_table(&folio, "kinds", "SELECT count(*) FROM table").unwrap()[0][0], 2);
    assert_eq!(ask_table(&folio, "mapped", "SELECT count(*) FROM \"table\"").unwrap()[0][0], 9);
    assert_eq!(one(&folio, "SELECT count(*) FROM \"table\""), 2);
    folio.add("params", json!({}), AddOptions::new()).unwrap();
    assert_eq!(ask(&folio, "SELECT * FROM params").unwrap_err().code(), "wrong-type");
    assert_eq!(folio.query_table("none", "SELECT 1", &QueryOptions::new()).unwrap_err().code(), "item-not-found");
}

/// A name of WITH hides a table within its query alone.
#[test]
fn names_of_with_reach_as_far_as_sql_says() {
    let (_dir, folio) = with_numbers();
    for (sql, expected) in [
        ("WITH numbers AS (SELECT * FROM numbers WHERE id < 2) SELECT count(*) FROM numbers", 2),
        ("WITH x AS (SELECT 1), y AS (SELECT * FROM x) SELECT count(*) FROM y", 1),
        ("SELECT count(*) FROM numbers, (WITH kinds AS (SELECT 1) SELECT * FROM kinds)", 9),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT max(n) FROM r", 5),
    ] {
        assert_eq!(one(&folio, sql), expected, "{sql}");
    }
    assert_eq!(
        ask(&folio, "SELECT * FROM (WITH z AS (SELECT 1) SELECT * FROM z), z").unwrap_err().code(),
        "table-not-found"
    );
}

#[test]
fn main_is_the_schema_of_the_table_that_is_asked_about_too() {
    let (_dir, folio) = with_numbers();
    // Looked through in shares, and not.
    for sql in ["SELECT id FROM main.table WHERE id > 6", "SELECT id FROM main.table WHERE id > 6 LIMIT 9"] {
        assert_eq!(ask_table(&folio, "numbers", sql).unwrap(), [[json!(7)], [json!(8)]], "{sql}");
    }
}

/// Their names are listed, and nothing else of them is looked at.
#[test]
fn a_table_that_cannot_be_read_is_listed() {
    let (_dir, folio) = with_numbers();
    folio.add_view("broken", "SELECT * FROM kinds", AddOptions::new()).unwrap();
    folio.rename("kinds", "sorts").unwrap();
    std::fs::write(folio.item_path("mapped").unwrap(), "no table").unwrap();
    let listed = ask(&folio, "SHOW TABLES").unwrap();
    assert_eq!(listed, ["broken", "mapped", "numbers", "sorts"].map(|name| [json!(name)]));
    assert_eq!(ask(&folio, "SELECT name FROM (SHOW TABLES) WHERE name < 'c'").unwrap(), [[json!("broken")]]);
}

#[test]
fn a_snapshot_with_the_name_of_a_database_is_told_so() {
    let (_dir, folio) = with_numbers();
    folio.create_snapshot("memory", SnapshotOptions { capture_git: false, ..Default::default() }).unwrap();
    let error = ask(&folio, "SELECT * FROM memory.numbers").unwrap_err();
    assert_eq!(error.code(), "ambiguous-name", "{error}");
}

#[test]
fn a_table_that_a_snapshot_does_not_have_is_named_with_it() {
    let (_dir, folio) = with_numbers();
    folio.create_snapshot("v1", SnapshotOptions { capture_git: false, ..Default::default() }).unwrap();
    folio.add("later", data(&numbers(1)), AddOptions::new()).unwrap();
    let error = ask(&folio, "SELECT * FROM v1.later").unwrap_err().to_string();
    assert!(error.contains("'v1.later'"), "{error}");
    let error = ask(&folio, "SELECT * FROM v1.nubmers").unwrap_err().to_string();
    assert!(error.contains("did you mean 'v1.numbers'"), "{error}");
    let from = datafolio::DiffOptions::new().from(datafolio::TableState::Snapshot("v1".to_owned()));
    let error = folio.diff_table("later", &from).unwrap_err().to_string();
    assert!(error.contains("snapshot 'v1' has no item 'later'"), "{error}");
}
