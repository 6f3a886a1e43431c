//! Views: read wherever a table is, in the state that the handle sees.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use datafolio::{
    AddOptions, CopyOptions, DataFolio, Error, IterOptions, QueryOptions, SnapshotOptions, TableOptions, VerifyOptions,
};
use serde_json::{Value, json};

use super::{ask, ask_table, data, numbers, one, rows, with_numbers};
use crate::compat::peer::{Peer, Release};
use crate::support::reopen;

fn view(folio: &DataFolio, name: &str, sql: &str) -> Result<(), Error> {
    folio.add_view(name, sql, AddOptions::new().overwrite()).map(drop)
}

#[test]
fn a_view_is_read_by_all_that_reads_a_table() {
    let (_dir, folio) = with_numbers();
    let info = folio.add_view("a", "SELECT id, value FROM numbers WHERE kind = 'a'", AddOptions::new()).unwrap();
    assert_eq!((info.item_type.as_str(), &info.record["inputs"]), ("json_data", &json!(["numbers"])));
    assert_eq!((&info.record["view"]["language"], info.category), (&json!("sql"), "views"));
    let contents = folio.list(false);
    assert_eq!((contents.views, contents.json_data), (vec!["a".to_owned()], Vec::<String>::new()));
    view(&folio, "top", "SELECT max(id) AS most, t.title FROM a, kinds AS t WHERE t.kind = 'a' GROUP BY ALL").unwrap();
    let folio = reopen(&folio);
    assert_eq!(ask(&folio, "SELECT * FROM top").unwrap(), [[json!(6), json!("first")]]);
    assert_eq!(ask_table(&folio, "a", "SELECT sum(id) FROM table").unwrap()[0][0], json!(9));
    assert_eq!(one(&folio, "SELECT count(*) FROM a JOIN numbers USING (id)"), 3);

    let facts = folio.table_info("a").unwrap();
    assert_eq!((facts.rows, facts.column_names.join(",")), (None, "id,value".to_owned()));
    assert_eq!(facts.dtypes["value"], "double");
    assert_eq!(folio.preview_table("a", 2).unwrap().num_rows(), 2);
    let sample = folio.sample_table("a", 2, 7, &TableOptions::new().columns(["value"])).unwrap();
    assert_eq!((sample.num_rows(), sample.num_columns()), (2, 1));
    let part = TableOptions::new().offset(1).limit(1).columns(["id"]);
    let batch = folio.read_table("a", &part).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), 3);
    let filtered = folio.read_table("a", &TableOptions::new().filter("id >= 3")).unwrap();
    assert_eq!(filtered.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
    let chunks = folio.iter_table("a", &IterOptions::new().chunk_size(2)).unwrap();
    assert_eq!(chunks.map(|chunk| chunk.unwrap().num_rows()).collect::<Vec<_>>(), [2, 1]);
    let no_column =
        folio.read_table("a", &TableOptions::new().columns(["kind"])).map(|rows| rows.schema()).unwrap_err();
    assert!(no_column.to_string().contains("\"id\", \"value\""), "{no_column}");
    let twice =
        folio.read_table("a", &TableOptions::new().columns(["id", "id"])).map(|rows| rows.schema()).unwrap_err();
    assert!(twice.code() == "invalid-value" && twice.to_string().contains("twice"), "{twice}");
    let uncounted = folio.split_table("a", 2).unwrap_err();
    assert!(uncounted.to_string().contains("datafolio derive NEW --from a"), "{uncounted}");
    let no_file = folio.get_table_path("a").unwrap_err();
    assert!(no_file.code() == "unsupported" && no_file.to_string().contains("derive"), "{no_file}");
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}

#[test]
fn names_mean_what_the_open_state_has() {
    let (_dir, folio) = with_numbers();
    view(&folio, "many", "SELECT count(*) AS n FROM numbers").unwrap();
    view(&folio, "twice", "SELECT n * 2 AS n FROM many").unwrap();
    folio.create_snapshot("v1.0", SnapshotOptions::default()).unwrap();
    let before = folio.revision();
    folio.add("numbers", data(&numbers(12)), AddOptions::new().overwrite()).unwrap();
    assert_eq!(one(&folio, "SELECT n FROM twice"), 24);
    assert_eq!(one(&folio, "SELECT n FROM \"v1.0\".twice"), 18);
    assert_eq!(one(&folio, "SELECT now.n - old.n FROM twice AS now, \"v1.0\".twice AS old"), 6);
    assert_eq!(one(&folio.at_revision(before).unwrap(), "SELECT n FROM twice"), 18);
    assert_eq!(one(&folio.load_snapshot("v1.0").unwrap(), "SELECT n FROM twice"), 18);
    // A view is versioned: the snapshot keeps its text as well.
    view(&folio, "many", "SELECT 100 AS n").unwrap();
    assert_eq!(
        (one(&folio, "SELECT n FROM twice"), one(&folio, "SELECT n FROM \"v1.0\".twice")),
        (200.into(), 18.into())
    );
    view(&folio, "grown", "SELECT a.n - b.n AS n FROM twice a, \"v1.0\".twice b").unwrap();
    assert_eq!(one(&folio, "SELECT n FROM grown"), 182);
}

#[test]
fn a_view_that_reads_itself_is_refused() {
    let (_dir, folio) = with_numbers();
    let cycle = |result: Result<(), Error>| match result.unwrap_err() {
        Error::ViewCycle { path } => path.join(" "),
        other => panic!("{other}"),
    };
    assert_eq!(cycle(view(&folio, "own", "SELECT * FROM own")), "own");
    view(&folio, "x", "SELECT * FROM numbers").unwrap();
    view(&folio, "y", "SELECT * FROM X").unwrap();
    view(&folio, "z", "SELECT * FROM y").unwrap();
    let revision = folio.revision();
    assert_eq!(cycle(view(&folio, "x", "SELECT * FROM z")), "x z y");
    // y reads what is called x: under that name z would be read by y, and reads y.
    folio.delete(&["x"]).unwrap();
    assert_eq!(cycle(folio.rename("z", "x")), "x y");
    assert_eq!(folio.revision(), revision + 1);
    assert!(folio.contains("z"));
}

/// A catalogue may come from anyone: another program has no such checks.
#[test]
fn a_cycle_in_the_catalogue_is_an_error_that_names_it() {
    let (dir, folio) = with_numbers();
    view(&folio, "x", "SELECT * FROM numbers").unwrap();
    view(&folio, "y", "SELECT * FROM x").unwrap();
    drop(folio);
    let path = dir.path().join("bundle/items.json");
    let text = fs::read_to_string(&path).unwrap().replace("SELECT * FROM numbers", "SELECT * FROM y");
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value.as_object_mut().unwrap().remove("commit");
    fs::write(&path, serde_json::to_string_pretty(&value).unwrap()).unwrap();
    let folio = DataFolio::open(path.parent().unwrap()).unwrap();
    let error = folio.query("SELECT * FROM y", &QueryOptions::new()).unwrap_err();
    assert_eq!(error.code(), "view-cycle");
    assert!(error.to_string().contains("y -> x -> y"), "{error}");
    assert_eq!(folio.get_table("x").map(drop).unwrap_err().code(), "view-cycle");
    let findings = folio.verify(&VerifyOptions::default()).unwrap().findings;
    assert!(findings.iter().any(|finding| finding.code == "broken-view"), "{findings:?}");
}

#[test]
fn what_a_view_reads_must_be_there_and_is_told_of_when_it_goes() {
    let (_dir, folio) = with_numbers();
    let error = view(&folio, "v", "SELECT * FROM nmbers").unwrap_err();
    assert!(error.code() == "table-not-found" && error.to_string().contains("numbers"), "{error}");
    for (sql, code) in [
        ("SELECT nothing FROM numbers", "column-not-found"),
        ("SELECT * FROM read_csv('/etc/passwd')", "sql-refused"),
        ("DROP TABLE numbers", "sql-refused"),
        ("SELECT id FROM numbers WHERE id > ?", "sql-parameters"),
        ("SELECT id FROM numbers LIMIT $most", "sql-parameters"),
        ("SELECT * FROM main.numbers", "invalid-argument"),
        ("SHOW TABLES", "invalid-argument"),
    ] {
        assert_eq!(view(&folio, "v", sql).unwrap_err().code(), code, "{sql}");
    }
    assert!(view(&folio, "v", "SELECT * FROM numbers WHERE id = ?").is_err());
    assert!(!folio.contains("v"));
    view(&folio, "v", "SELECT * FROM numbers").unwrap();
    folio.rename("numbers", "figures").unwrap();
    let error = ask(&folio, "SELECT * FROM v").unwrap_err();
    assert_eq!(error.code(), "input-gone");
    assert!(error.to_string().contains("'numbers'") && error.to_string().contains("'figures' now"), "{error}");
    assert_eq!(
        folio.stale().unwrap()[0].reasons[0].to_string(),
        "numbers is called figures now, and the text has the old name"
    );
    folio.delete(&["figures"]).unwrap();
    let error = ask(&folio, "SELECT * FROM v").unwrap_err();
    assert!(error.to_string().contains("not in the bundle"), "{error}");
    // What is broken does not break the others.
    assert_eq!(one(&folio, "SELECT count(*) FROM kinds"), 2);
}

/// A view that does not fit what it reads any more is told of, and what is told of its columns is what it has now.
#[test]
fn a_view_follows_the_columns_of_what_it_reads() {
    let (_dir, folio) = with_numbers();
    view(&folio, "all", "SELECT * FROM numbers").unwrap();
    view(&folio, "kinds_of", "SELECT kind FROM numbers").unwrap();
    assert!(folio.stale().unwrap().is_empty());
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let other = RecordBatch::try_from_iter([("id", Arc::clone(&id)), ("weight", id)]).unwrap();
    folio.add("numbers", data(&other), AddOptions::new().overwrite()).unwrap();
    assert_eq!(folio.table_info("all").unwrap().column_names, ["id", "weight"]);
    let heavy = folio.read_table("all", &TableOptions::new().filter("weight > 1")).unwrap();
    assert_eq!(heavy.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 1);
    let stale = folio.stale().unwrap();
    assert_eq!(stale.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["kinds_of"]);
    assert!(stale[0].reasons[0].to_string().contains("no column \"kind\""), "{stale:?}");
}

#[test]
fn a_copy_takes_views_and_with_lineage_what_they_read() {
    let (dir, folio) = with_numbers();
    view(&folio, "v", "SELECT count(*) AS n FROM numbers").unwrap();
    let options = CopyOptions { include: Some(vec!["v".to_owned()]), follow_lineage: true, ..CopyOptions::default() };
    let copy = folio.copy(dir.path().join("copy"), &options).unwrap();
    assert_eq!(one(&copy, "SELECT n FROM v"), 9);
    assert!(!copy.contains("kinds"));
}

/// To DataFolio 2.3 a view is a JSON value that says what it is.
#[test]
fn python_opens_lists_validates_and_snapshots_a_bundle_with_views() {
    let Some(_) = Release::V2_3.python() else { return };
    let (_dir, folio) = with_numbers();
    view(&folio, "v", "SELECT count(*) AS n FROM numbers").unwrap();
    folio.derive("d", "SELECT * FROM v", &QueryOptions::new(), AddOptions::new()).unwrap();
    let place = folio.location();
    let mut peer = Peer::open(Release::V2_3, std::path::Path::new(&place)).unwrap();
    assert_eq!(peer.get("folio.list_contents()['json_data']"), json!(["v"]));
    assert_eq!(peer.get("folio.get('v')")["text"], "SELECT count(*) AS n FROM numbers");
    assert_eq!(peer.get("all(folio.validate().values())"), true);
    peer.get("folio.create_snapshot('by-2.3') and None");
    drop(peer);
    let folio = DataFolio::open(&place).unwrap();
    assert_eq!(one(&folio, "SELECT n FROM v"), 9);
    folio.add("numbers", data(&numbers(10)), AddOptions::new().overwrite()).unwrap();
    assert_eq!(one(&folio, "SELECT n FROM \"by-2.3\".v"), 9);
    assert_eq!(folio.stale().unwrap().len(), 1);
    assert!(rows(folio.query("SELECT * FROM d", &QueryOptions::new()).unwrap()).unwrap()[0][0] == 9);
}

#[test]
fn a_batch_adds_views_over_what_it_adds() {
    let (_dir, folio) = with_numbers();
    let revision = folio.revision();
    let mut batch = folio.batch().unwrap();
    batch.add("raw", data(&numbers(6)), AddOptions::new()).unwrap();
    batch.add_view("small", "SELECT * FROM raw WHERE id < 3", AddOptions::new()).unwrap();
    batch.add_view("many", "SELECT count(*) AS n FROM Small", AddOptions::new()).unwrap();
    // The checks are those of a view alone, over the state that the batch has made.
    let fails = |batch: &mut datafolio::Batch<'_>, name: &str, sql: &str| {
        batch.add_view(name, sql, AddOptions::new().overwrite()).unwrap_err()
    };
    let error = fails(&mut batch, "small", "SELECT * FROM many");
    assert!(matches!(&error, Error::ViewCycle { path } if path.join(" ") == "small many"), "{error}");
    assert_eq!(fails(&mut batch, "own", "SELECT * FROM own").code(), "view-cycle");
    assert_eq!(fails(&mut batch, "v", "SELECT * FROM main.raw").code(), "invalid-argument");
    assert_eq!(fails(&mut batch, "v", "SELECT nothing FROM raw").code(), "column-not-found");
    batch.add_view("small", "SELECT 1", AddOptions::new()).unwrap_err();
    batch.delete(&["kinds"]).unwrap();
    assert_eq!(fails(&mut batch, "v", "SELECT * FROM kinds").code(), "table-not-found");
    batch.rename("numbers", "figures").unwrap();
    batch.add_view("sum", "SELECT sum(id)::BIGINT AS n FROM figures", AddOptions::new()).unwrap();
    assert_eq!(folio.query("SELECT * FROM many", &QueryOptions::new()).unwrap_err().code(), "table-not-found");
    batch.commit().unwrap();
    assert_eq!(folio.revision(), revision + 1);
    let folio = reopen(&folio);
    assert_eq!((one(&folio, "SELECT n FROM many"), one(&folio, "SELECT n FROM sum")), (json!(3), json!(36)));
    let record = folio.item_info("small").unwrap().record;
    assert_eq!(record["inputs"], json!(["raw"]));
    assert_eq!(record["input_versions"]["raw"], folio.item_info("raw").unwrap().version);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());

    // One that is dropped has left nothing.
    let mut batch = folio.batch().unwrap();
    batch.add_view("gone", "SELECT 1 AS one", AddOptions::new()).unwrap();
    drop(batch);
    assert!(!reopen(&folio).contains("gone"));
}
