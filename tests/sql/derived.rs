//! Derived tables: when they are out of date, made again, and how they came to be.

use std::fs;
use std::time::Duration;

use datafolio::{
    AddOptions, AppendOptions, DataFolio, Error, ParamValue, QueryControl, QueryOptions, Reference, RerunOptions,
    RerunWatch, SnapshotOptions, StaleReason,
};
use serde_json::json;

use super::{data, numbers, one, with_numbers};
use crate::support::reopen;

fn derive(folio: &DataFolio, name: &str, sql: &str) {
    folio.derive(name, sql, &QueryOptions::new(), AddOptions::new()).unwrap();
}

/// Item and reasons, as words.
fn stale(folio: &DataFolio) -> Vec<String> {
    let words = |item: datafolio::Stale| {
        let reasons: Vec<String> = item.reasons.iter().map(ToString::to_string).collect();
        format!("{}: {}", item.name, reasons.join("; "))
    };
    folio.stale().unwrap().into_iter().map(words).collect()
}

fn names(folio: &DataFolio) -> Vec<String> {
    folio.stale().unwrap().into_iter().map(|item| item.name).collect()
}

/// numbers -> view `a` -> table `sums` -> table `total`.
fn chain() -> (tempfile::TempDir, DataFolio) {
    let (dir, folio) = with_numbers();
    folio.add_view("a", "SELECT * FROM numbers WHERE kind = 'a'", AddOptions::new()).unwrap();
    derive(&folio, "sums", "SELECT sum(id) AS s FROM a");
    derive(&folio, "total", "SELECT s * 10 AS t FROM sums");
    (dir, folio)
}

#[test]
fn a_change_makes_all_behind_it_stale_and_rerun_makes_them_in_order() {
    let (_dir, folio) = chain();
    assert_eq!((stale(&folio), one(&folio, "SELECT t FROM total")), (vec![], json!(90)));
    assert_eq!(folio.rerun::<&str>(&[], RerunOptions::new()).unwrap().fresh, ["sums", "total"]);
    let revision = folio.revision();
    folio.add("numbers", data(&numbers(12)), AddOptions::new().overwrite()).unwrap();
    let found = stale(&folio);
    assert!(found[0].starts_with("sums: numbers has a newer version"), "{found:?}");
    assert_eq!(found[1], "total: sums, which it is made from, is out of date");
    let rerun = folio.rerun(&["total"], RerunOptions::new()).unwrap();
    assert_eq!((rerun.done, rerun.left.len()), (vec!["sums".to_owned(), "total".to_owned()], 0));
    assert_eq!((stale(&folio).len(), folio.revision()), (0, revision + 3));
    assert_eq!(one(&folio, "SELECT t FROM total"), 180);
    // The text of a view is an input like its tables.
    folio.add_view("a", "SELECT * FROM numbers WHERE kind = 'b'", AddOptions::new().overwrite()).unwrap();
    assert_eq!(stale(&folio)[0], "sums: the view a was changed");
    folio.rerun::<&str>(&[], RerunOptions::new()).unwrap();
    assert_eq!(one(&reopen(&folio), "SELECT t FROM total"), 220);
    let forced = folio.rerun(&["total"], RerunOptions::new().force()).unwrap();
    assert_eq!((forced.done, forced.fresh), (vec!["total".to_owned()], vec!["sums".to_owned()]));
}

/// A table of several parts as well as one of one file: what was edited beside its rows is no reason to make anything again.
#[test]
fn an_input_with_the_same_rows_makes_nothing_stale() {
    let (_dir, folio) = with_numbers();
    let append = || folio.append_table("numbers", numbers(3), AppendOptions::new().without_compaction()).unwrap();
    append();
    derive(&folio, "counted", "SELECT count(*) AS n FROM numbers");
    derive(&folio, "kept", "SELECT * FROM kinds");
    for input in ["numbers", "kinds"] {
        let before = folio.item_info(input).unwrap().version;
        folio.update_item(input, Some("told in other words"), None).unwrap();
        assert_ne!(folio.item_info(input).unwrap().version, before);
    }
    assert_eq!(stale(&folio), Vec::<String>::new());
    append();
    assert_eq!(names(&folio), ["counted"]);
}

#[test]
fn a_rerun_that_takes_too_long_leaves_its_table_and_makes_the_others() {
    let (_dir, folio) = with_numbers();
    let slow = "SELECT count(*) AS n FROM numbers a, numbers b, numbers c, numbers d, numbers e \
                WHERE a.id + b.id + c.id + d.id + e.id = 3";
    derive(&folio, "slow", slow);
    derive(&folio, "quick", "SELECT count(*) AS n FROM numbers");
    let before = one(&folio, "SELECT n FROM slow");
    folio.add("numbers", data(&numbers(3_000)), AddOptions::new().overwrite()).unwrap();
    let options = RerunOptions::new().timeout(Duration::from_millis(300)).threads(1).memory(256 << 20);
    let rerun = folio.rerun::<&str>(&[], options).unwrap();
    assert_eq!(rerun.done, ["quick"]);
    let failed: Vec<_> = rerun.failed.iter().map(|failed| (failed.name.as_str(), failed.error.code())).collect();
    assert_eq!(failed, [("slow", "sql-timed-out")]);
    assert_eq!((names(&folio), one(&folio, "SELECT n FROM slow")), (vec!["slow".to_owned()], before));
}

#[test]
fn tables_that_are_made_are_watched_one_by_one() {
    let (_dir, folio) = chain();
    let control = QueryControl::new();
    let query = QueryOptions::new().control(&control);
    folio.derive("kept", "SELECT id FROM numbers", &query, AddOptions::new()).unwrap();
    assert_eq!(control.rows(), 9);
    let watch = RerunWatch::new();
    folio.rerun::<&str>(&[], RerunOptions::new().watch(&watch)).unwrap();
    assert!(watch.last().is_none(), "nothing was made");
    folio.add("numbers", data(&numbers(12)), AddOptions::new().overwrite()).unwrap();
    let rerun = folio.rerun::<&str>(&[], RerunOptions::new().watch(&watch)).unwrap();
    let step = watch.last().unwrap();
    assert_eq!((&step.name, step.number, step.of), (&rerun.done[2], 3, 3));
    // What is up to date does not count.
    folio.rerun(&["kept"], RerunOptions::new().force().watch(&watch)).unwrap();
    let step = watch.last().unwrap();
    assert_eq!((step.name.as_str(), step.number, step.of, step.control.rows()), ("kept", 1, 1, 12));
}

#[test]
fn what_was_renamed_or_deleted_is_told_and_stops_a_rerun() {
    let (_dir, folio) = chain();
    derive(&folio, "first", "SELECT * FROM kinds");
    derive(&folio, "last", "SELECT * FROM numbers");
    folio.add("kinds", data(&numbers(3)), AddOptions::new().overwrite()).unwrap();
    folio.rename("numbers", "figures").unwrap();
    let reasons = folio.stale().unwrap().into_iter().find(|item| item.name == "last").unwrap().reasons;
    assert_eq!(reasons, [StaleReason::Renamed { input: "numbers".to_owned(), to: "figures".to_owned() }]);
    let rerun = folio.rerun(&["last"], RerunOptions::new()).unwrap();
    let failed = &rerun.failed[0];
    assert_eq!((failed.name.as_str(), failed.error.code()), ("last", "input-gone"));
    assert_eq!(failed.code, "input-gone");
    assert!(failed.message.contains("'figures' now"), "{}", failed.message);
    derive(&folio, "after", "SELECT count(*) AS n FROM last");
    folio.add("kinds", data(&numbers(5)), AddOptions::new().overwrite()).unwrap();
    let rerun = folio.rerun::<&str>(&[], RerunOptions::new()).unwrap();
    // What is made from it stays as it is, and all else is made.
    let failed: Vec<&str> = rerun.failed.iter().map(|failed| failed.name.as_str()).collect();
    assert_eq!(
        (failed, rerun.left, rerun.done),
        (vec!["sums", "last"], vec!["total".to_owned(), "after".to_owned()], vec!["first".to_owned()])
    );
    assert_eq!(one(&folio, "SELECT count(*) FROM first"), 5);
    assert_eq!(one(&folio, "SELECT count(*) FROM last"), 9);
    folio.delete(&["figures"]).unwrap();
    assert!(stale(&folio).contains(&"last: numbers is not there any more".to_owned()), "{:?}", stale(&folio));
    let error = folio.rerun(&["kinds"], RerunOptions::new()).unwrap_err();
    assert!(matches!(error, Error::WrongType { .. }), "{error}");
}

#[test]
fn a_snapshot_that_is_gone_or_another_makes_what_was_made_from_it_stale() {
    let (_dir, folio) = with_numbers();
    let snapshot = || SnapshotOptions { capture_git: false, ..Default::default() };
    folio.create_snapshot("v1", snapshot()).unwrap();
    derive(&folio, "old", "SELECT count(*) AS n FROM v1.numbers");
    folio.add("numbers", data(&numbers(12)), AddOptions::new().overwrite()).unwrap();
    assert_eq!(stale(&folio), [""; 0]);
    folio.delete_snapshot("v1").unwrap();
    let says = "old: snapshot v1 does not hold that version of numbers any more";
    assert_eq!(stale(&folio), [says]);
    assert_eq!(folio.rerun(&["old"], RerunOptions::new()).unwrap().failed[0].error.code(), "snapshot-not-found");
    folio.create_snapshot("v1", snapshot()).unwrap();
    assert_eq!(stale(&folio), [says]);
    folio.rerun(&["old"], RerunOptions::new()).unwrap();
    assert_eq!((one(&folio, "SELECT n FROM old"), stale(&folio)), (json!(12), vec![]));
}

#[test]
fn a_date_is_remembered() {
    let (_dir, folio) = with_numbers();
    let query = QueryOptions::new().param("since", ParamValue::Date(18_262));
    folio
        .derive("dated", "SELECT CAST($since AS VARCHAR) AS day, max(id) AS id FROM numbers", &query, AddOptions::new())
        .unwrap();
    folio.add("numbers", data(&numbers(12)), AddOptions::new().overwrite()).unwrap();
    folio.rerun::<&str>(&[], RerunOptions::new()).unwrap();
    assert_eq!(one(&folio, "SELECT day || ' ' || id FROM dated"), "2020-01-01 11");
    assert_eq!(folio.explain("dated").unwrap().params, json!({"since": {"date": "2020-01-01"}}));
}

#[test]
fn merging_parts_makes_nothing_stale() {
    let (_dir, folio) = with_numbers();
    let append = |options| folio.append_table("numbers", numbers(2), options).unwrap();
    for _ in 0..3 {
        append(AppendOptions::new().without_compaction());
    }
    derive(&folio, "counted", "SELECT count(*) AS n FROM numbers");
    folio.compact("numbers").unwrap();
    assert_eq!((stale(&folio), one(&folio, "SELECT n FROM counted")), (vec![], json!(15)));
    derive(&folio, "again", "SELECT count(*) AS n FROM numbers");
    // What is appended to it is news, and what is then merged by itself is none.
    append(AppendOptions::new().without_compaction());
    assert_eq!(names(&folio), ["counted", "again"]);
    folio.rerun::<&str>(&[], RerunOptions::new()).unwrap();
    let parts = |folio: &DataFolio| folio.get_table_paths("numbers").unwrap().len();
    for _ in 0..6 {
        append(AppendOptions::new().without_compaction());
    }
    let before = parts(&folio);
    folio.rerun::<&str>(&[], RerunOptions::new()).unwrap();
    folio.compact("numbers").unwrap();
    assert!(parts(&folio) < before);
    assert_eq!((stale(&folio), one(&folio, "SELECT n FROM counted")), (vec![], json!(29)));
    // Rows that are removed are another table, also in one file.
    folio.delete_rows("numbers", "id = 0").unwrap();
    assert_eq!(names(&folio), ["counted", "again"]);
}

#[test]
fn what_was_read_is_explained_and_not_what_is_there_now() {
    let (_dir, folio) = chain();
    let before = folio.item_info("numbers").unwrap().version;
    folio.add("numbers", data(&numbers(12)), AddOptions::new().overwrite()).unwrap();
    folio.add_view("a", "SELECT * FROM numbers WHERE kind = 'b'", AddOptions::new().overwrite()).unwrap();
    let now = folio.item_info("numbers").unwrap().version;
    let sums = folio.explain("sums").unwrap();
    let input = |name: &str| sums.upstream.iter().find(|input| input.name == name).unwrap();
    let numbers = input("numbers");
    assert_eq!((numbers.version.as_ref(), numbers.rows), (Some(&before), Some(9)));
    assert_eq!(numbers.current_version.as_ref(), Some(&now));
    assert!(input("a").text.as_ref().unwrap().ends_with("kind = 'a'"));
    assert!(sums.current_version.is_none() && !sums.stale.is_empty() && numbers.stale.is_empty());
    // By way of the table in between as well.
    let total = folio.explain("total").unwrap();
    let sums = &total.upstream[0];
    assert_eq!((sums.name.as_str(), &sums.current_version), ("sums", &None));
    assert!(sums.upstream.iter().any(|input| input.version.as_ref() == Some(&before)));
    // A view reads what is there now.
    let view = folio.explain("a").unwrap();
    assert_eq!(view.upstream[0].version.as_ref(), Some(&now));
}

#[test]
fn parameters_are_remembered_and_explained() {
    let (_dir, folio) = with_numbers();
    let query = QueryOptions::new().param("kind", "b").param("least", 2);
    folio
        .derive("several", "SELECT * FROM numbers WHERE kind = $kind AND id > $least", &query, AddOptions::new())
        .unwrap();
    folio.add("numbers", data(&numbers(12)), AddOptions::new().overwrite()).unwrap();
    folio.rerun::<&str>(&[], RerunOptions::new()).unwrap();
    assert_eq!(one(&folio, "SELECT count(*) FROM several"), 3);
    derive(&folio, "more", "SELECT * FROM several");
    let explained = folio.explain("more").unwrap();
    assert_eq!((explained.kind.as_str(), explained.rows), ("derived", Some(3)));
    assert_eq!(explained.inputs[0].version, folio.item_info("several").unwrap().version);
    let some = &explained.upstream[0];
    assert_eq!((some.params.clone(), some.rows), (json!({"kind": "b", "least": 2}), Some(3)));
    assert_eq!((some.upstream[0].name.as_str(), some.upstream[0].kind.as_str()), ("numbers", "included_table"));
    let taken = folio.derive("several", "SELECT 1 AS x", &QueryOptions::new(), AddOptions::new()).unwrap_err();
    assert_eq!(taken.code(), "item-exists");
    let own = folio.derive("several", "SELECT * FROM several", &QueryOptions::new(), AddOptions::new().overwrite());
    assert!(own.unwrap_err().to_string().contains("made from itself"));
}

#[test]
fn a_reference_whose_file_changed_makes_a_table_stale() {
    let (dir, folio) = with_numbers();
    let path = dir.path().join("outside.csv");
    fs::write(&path, "a\n1\n").unwrap();
    let reference = Reference {
        path: path.display().to_string(),
        table_format: "csv".to_owned(),
        num_rows: None,
        version: None,
        timestamp: None,
    };
    folio.reference_table("outside", reference, AddOptions::new()).unwrap();
    derive(&folio, "inside", "SELECT sum(a) AS s FROM outside");
    assert!(names(&folio).is_empty());
    fs::write(&path, "a\n1\n41\n").unwrap();
    assert_eq!(stale(&folio), ["inside: the files of outside have changed"]);
    folio.rerun::<&str>(&[], RerunOptions::new()).unwrap();
    assert_eq!((names(&folio).len(), one(&folio, "SELECT s FROM inside")), (0, json!(42)));
}

/// A table that was changed by hand is not what its query gives: it is not made again over what was added.
#[test]
fn rows_that_are_appended_or_removed_end_a_derivation() {
    let (_dir, folio) = with_numbers();
    for (name, change) in [("grown", true), ("cut", false)] {
        derive(&folio, name, "SELECT * FROM numbers");
        assert!(folio.item_info(name).unwrap().record.contains_key("derived"));
        let append = || folio.append_table(name, super::numbers(2), datafolio::AppendOptions::new()).unwrap();
        let was_derived = || match change {
            true => append().was_derived,
            false => folio.delete_rows(name, "id = 3 OR id = 1").unwrap().was_derived,
        };
        assert!(was_derived(), "{name}: whoever changes it is told");
        assert!(!was_derived(), "{name}: once");
        assert!(!folio.item_info(name).unwrap().record.contains_key("derived"), "{name}");
    }
}

#[test]
fn a_table_is_not_made_from_itself_through_others() {
    let (_dir, folio) = with_numbers();
    derive(&folio, "a", "SELECT id + 1 AS id FROM numbers");
    derive(&folio, "b", "SELECT id + 1 AS id FROM a");
    let again = folio.derive("a", "SELECT * FROM b", &QueryOptions::new(), AddOptions::new().overwrite());
    let error = again.unwrap_err();
    assert!(error.to_string().contains("made from itself, through 'b'"), "{error}");
    assert!(names(&folio).is_empty());
}

/// The payload of a table of several files only stands for them: it is the same whatever was removed.
#[test]
fn files_that_go_make_a_table_stale() {
    let (_dir, folio) = with_numbers();
    for rows in [0..3, 3..6, 6..9] {
        let rows = super::numbers(9).slice(rows.start, rows.len());
        folio.append_table("parts", rows, datafolio::AppendOptions::new().without_compaction()).unwrap();
    }
    folio.delete_rows("parts", "id < 3").unwrap();
    derive(&folio, "counted", "SELECT count(*) AS n FROM parts");
    folio.delete_rows("parts", "id < 6").unwrap();
    assert_eq!(names(&folio), ["counted"]);
    folio.rerun::<&str>(&[], RerunOptions::new()).unwrap();
    assert_eq!(one(&folio, "SELECT n FROM counted"), 3);
}

#[test]
fn references_to_patterns_and_directories_are_looked_at_file_by_file() {
    let (dir, folio) = with_numbers();
    let place = dir.path().join("refs");
    fs::create_dir(&place).unwrap();
    for name in ["a", "b"] {
        fs::write(place.join(format!("{name}.csv")), "x\n1\n").unwrap();
    }
    let written = |file: &str, time| {
        fs::File::options().write(true).open(place.join(file)).unwrap().set_modified(time).unwrap();
    };
    let now = std::time::SystemTime::now();
    written("a.csv", now - std::time::Duration::from_secs(60));
    written("b.csv", now);
    for (name, path) in [("pattern", place.join("*.csv")), ("directory", place.clone())] {
        let path = path.display().to_string();
        let reference =
            Reference { path, table_format: "csv".to_owned(), num_rows: None, version: None, timestamp: None };
        folio.reference_table(name, reference, AddOptions::new()).unwrap();
        derive(&folio, &format!("of_{name}"), &format!("SELECT sum(x) AS s FROM {name}"));
    }
    assert!(names(&folio).is_empty());
    // Of the same size, and not newer than the newest.
    fs::write(place.join("a.csv"), "x\n7\n").unwrap();
    written("a.csv", now);
    let mut stale = names(&folio);
    stale.sort();
    assert_eq!(stale, ["of_directory", "of_pattern"]);
    folio.rerun::<&str>(&[], RerunOptions::new()).unwrap();
    assert_eq!(
        (one(&folio, "SELECT s FROM of_pattern"), one(&folio, "SELECT s FROM of_directory")),
        (json!(8), json!(8))
    );
}
