//! Differences of rows that no key tells apart: expected values are worked out by hand.

use datafolio::DiffOptions;
use serde_json::{Value, json};

use super::differences::{batch, counts, ints, json_rows, put, words};
use crate::support::new_bundle;

#[test]
fn without_a_key_rows_are_counted_as_a_whole() {
    let (_dir, folio) = new_bundle();
    let table = |ids: &[i64], words_: &[Option<&str>]| {
        batch(vec![("id", ints(&ids.iter().copied().map(Some).collect::<Vec<_>>())), ("count", words(words_))])
    };
    put(&folio, "t", &table(&[1, 1, 1, 2, 3], &[Some("a"), Some("a"), Some("a"), None, Some("c")]));
    put(&folio, "t", &table(&[1, 2, 2, 2, 4], &[Some("a"), None, None, None, Some("c")]));
    let diff = folio.diff_table("t", &DiffOptions::new()).unwrap();
    // Twice (1, a) and (3, c) less; twice (2, null) and (4, c) more.
    assert_eq!(counts(&diff), (3, 3, 0, Some(2)));
    assert!(diff.changed_columns.is_empty());
    // A column of the table has the name of the number.
    let rows = json_rows(folio.diff_table_rows("t", &DiffOptions::new()).unwrap());
    assert_eq!(Value::Object(rows[0].clone()), json!({"change_type": "removed", "count_": 2, "id": 1, "count": "a"}));

    let (_dir, folio) = new_bundle();
    let renamed = |ids: &[i64], words_: &[Option<&str>]| {
        batch(vec![("t", ints(&ids.iter().copied().map(Some).collect::<Vec<_>>())), ("f", words(words_))])
    };
    put(&folio, "t", &renamed(&[1, 1, 1, 2, 3], &[Some("a"), Some("a"), Some("a"), None, Some("c")]));
    put(&folio, "t", &renamed(&[1, 2, 2, 2, 4], &[Some("a"), None, None, None, Some("c")]));
    let rows = json_rows(folio.diff_table_rows("t", &DiffOptions::new()).unwrap());
    let rows: Vec<Vec<Value>> = rows.into_iter().map(|row| row.into_iter().map(|(_, value)| value).collect()).collect();
    let expected = [
        vec![json!("removed"), json!(2), json!(1), json!("a")],
        vec![json!("added"), json!(2), json!(2), Value::Null],
        vec![json!("removed"), json!(1), json!(3), json!("c")],
        vec![json!("added"), json!(1), json!(4), json!("c")],
    ];
    assert_eq!(rows, expected);
}

/// A column that came or went makes no row differ; of those that do differ it says what it knows.
#[test]
fn columns_that_one_version_alone_has_are_shown() {
    let (_dir, folio) = new_bundle();
    let some = |values: &[i64]| ints(&values.iter().copied().map(Some).collect::<Vec<_>>());
    let first = [
        ("id", some(&[1, 2, 2, 3, 4, 4])),
        ("gone", words(&[Some("a"), Some("b"), Some("c"), None, Some("e"), Some("f")])),
    ];
    let second = [("new", some(&[10, 30, 40, 50, 51, 51])), ("id", some(&[1, 3, 4, 5, 5, 5]))];
    put(&folio, "t", &batch(first.to_vec()));
    put(&folio, "t", &batch(second.to_vec()));
    // 1 and 3 are in both; 2 twice less, 4 once less, 5 three times more.
    assert_eq!(counts(&folio.diff_table("t", &DiffOptions::new()).unwrap()), (3, 3, 0, Some(3)));
    let rows = folio.diff_table_rows("t", &DiffOptions::new()).unwrap();
    let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["change_type", "count", "id", "old_gone", "new_new"]);
    let row = |change: &str, count: i64, id: i64, gone: Value, new: Value| json!({"change_type": change, "count": count, "id": id, "old_gone": gone, "new_new": new});
    let null = || Value::Null;
    let expected = [
        row("removed", 1, 2, json!("b"), null()),
        row("removed", 1, 2, json!("c"), null()),
        // Which of the two is meant nobody knows.
        row("removed", 1, 4, null(), null()),
        row("added", 1, 5, null(), json!(50)),
        row("added", 2, 5, null(), json!(51)),
    ];
    assert_eq!(json_rows(rows).into_iter().map(Value::Object).collect::<Vec<_>>(), expected);
}
