//! Frames in queries, queries as frames, and states of frames as views.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use datafolio::columns::{Frame, agg, col};
use datafolio::{
    AddOptions, DataFolio, Error, IterOptions, OpenOptions, QueryOptions, SnapshotOptions, TableOptions, VerifyOptions,
};
use serde_json::{Value, json};

use super::{ask, data, numbers, one, rows, with_numbers};
use crate::compat::peer::{Peer, Release};
use crate::support::reopen;

fn sum(frame: &Frame, column: &str) -> Option<f64> {
    frame.aggregate(&[agg::sum(col(column))]).unwrap()[0].as_f64()
}

/// Rows of odd `id`, with their cubes.
fn odd(folio: &DataFolio, table: &str) -> Frame {
    let frame = folio.frame(table).unwrap().with_column("cube", col("id").pow(3));
    frame.filter(datafolio::columns::Expr::parse("id % 2 == 1").unwrap()).unwrap()
}

#[test]
fn a_join_of_frames_and_tables_comes_back_as_a_frame() {
    let (_dir, folio) = with_numbers();
    for table in ["numbers", "mapped"] {
        let odd = odd(&folio, table);
        let joined = folio
            .query_frame(
                "SELECT title, cube FROM odd JOIN kinds USING (kind) ORDER BY cube DESC",
                &QueryOptions::new().frame("odd", &odd),
            )
            .unwrap();
        // Of kinds a and b are 1, 3, 7.
        assert_eq!(sum(&joined, "cube"), Some(1.0 + 27.0 + 343.0));
        let rows = joined.collect().unwrap();
        assert_eq!(rows.column_by_name("cube").unwrap().as_primitive::<Int64Type>().values().to_vec(), [343, 27, 1]);
        let mut origins: Vec<&str> = joined.origins().iter().map(|origin| origin.name.as_str()).collect();
        origins.sort_unstable();
        assert_eq!(origins, ["kinds", table]);
        let made = folio.add_frame("joined", &joined, AddOptions::new().overwrite()).unwrap();
        assert_eq!(made.record["num_rows"], json!(3));
    }
    // A frame goes before an item of its name, also in a query that gives rows.
    let three = folio.frame("numbers").unwrap().filter(col("id").less(3)).unwrap();
    let options = QueryOptions::new().frame("Kinds", &three);
    assert_eq!(rows(folio.query("SELECT count(*) FROM kinds", &options).unwrap()).unwrap(), [[json!(3)]]);
    assert_eq!(
        rows(folio.query("SELECT count(*) FROM main.kinds, numbers", &options).unwrap()).unwrap(),
        [[json!(27)]]
    );
    let parameters = QueryOptions::new().frame("t", &three).params([1]);
    let above = folio.query_frame("SELECT id FROM t WHERE id > ?", &parameters).unwrap();
    assert_eq!(sum(&above, "id"), Some(2.0));
}

/// What does not fit into the memory that is allowed goes to the spill directory, of which nothing is left.
#[test]
fn a_large_sort_is_spilled_and_leaves_nothing() {
    let (dir, folio) = with_numbers();
    let spill = dir.path().join("spill");
    let large = "SELECT (i * 7919) % 1000003 AS k, 'text ' || i AS t FROM range(1000003) AS r(i) ORDER BY k";
    let asked = |cap: u64| {
        let mut settings = folio.settings().clone();
        (settings.spill_dir, settings.spill_cap) = (Some(spill.clone()), cap);
        let folio = OpenOptions::new().settings(settings).open(folio.location()).unwrap();
        folio.query_frame(large, &QueryOptions::new().memory(64 << 20))
    };
    let sorted = asked(1 << 30).unwrap();
    let first = sorted.slice(0..5).unwrap().collect().unwrap();
    assert_eq!(first.column(0).as_primitive::<Int64Type>().values().to_vec(), [0, 1, 2, 3, 4]);
    assert_eq!(sum(&sorted, "k"), Some(1_000_002.0 * 1_000_003.0 / 2.0));
    let left = || std::fs::read_dir(&spill).map_or(0, Iterator::count);
    assert_eq!(left(), 0);
    drop(sorted);
    let error = asked(0).map(drop).unwrap_err();
    assert!(error.to_string().contains("spill_cap"), "{error}");
    assert_eq!(left(), 0);
}

#[test]
fn what_does_not_work_is_told() {
    let (_dir, folio) = with_numbers();
    let frame = folio.frame("numbers").unwrap();
    let options = QueryOptions::new().frame("f", &frame);
    let error = folio.derive("d", "SELECT * FROM f", &options, AddOptions::new()).unwrap_err();
    assert!(error.to_string().contains("add_frame"), "{error}");
    let error = folio.query_frame("SELECT nothing FROM f", &options).map(drop).unwrap_err();
    assert!(error.to_string().contains("nothing"), "{error}");
    let error = folio.query_frame("SELECT * FROM g", &options).map(drop).unwrap_err();
    assert_eq!(error.code(), "table-not-found");
    // A view means the item, and DuckDB has one table of a name.
    folio.add_view("v", "SELECT * FROM numbers", AddOptions::new()).unwrap();
    let options = QueryOptions::new().frame("numbers", &frame);
    let error = folio.query_frame("SELECT * FROM v", &options).map(drop).unwrap_err();
    assert!(error.to_string().contains("view 'v' reads an item called 'numbers'"), "{error}");
    // A row without a result is an error that names the expression.
    let frame = frame.with_column("q", datafolio::columns::Expr::parse("1 // (id - 4)").unwrap());
    let error = folio.query_frame("SELECT q FROM f", &QueryOptions::new().frame("f", &frame)).map(drop).unwrap_err();
    assert!(error.to_string().contains("1 // (id - 4)"), "{error}");
}

#[test]
fn a_state_of_a_frame_is_a_view() {
    let (_dir, folio) = with_numbers();
    let made = folio.add_frame_view("odd", "numbers", &odd(&folio, "numbers").state(), AddOptions::new()).unwrap();
    assert_eq!((made.item_type.as_str(), &made.record["inputs"]), ("json_data", &json!(["numbers"])));
    assert_eq!((&made.record["view"]["language"], made.category), (&json!("frame"), "views"));
    let folio = reopen(&folio);
    assert_eq!(sum(&folio.frame("odd").unwrap(), "cube"), Some(1.0 + 27.0 + 125.0 + 343.0));
    // It is read wherever a table is.
    assert_eq!(
        ask(&folio, "SELECT id, cube FROM odd WHERE value > 1 ORDER BY id LIMIT 1").unwrap(),
        [[json!(3), json!(27)]]
    );
    assert_eq!(one(&folio, "SELECT count(*) FROM odd JOIN numbers USING (id)"), 4);
    let facts = folio.table_info("odd").unwrap();
    assert_eq!((facts.rows, facts.column_names.join(",")), (None, "id,kind,value,cube".to_owned()));
    let ids = |batch: &RecordBatch| batch.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(ids(&folio.preview_table("odd", 2).unwrap()), [1, 3]);
    let part = TableOptions::new().offset(1).limit(2).columns(["cube", "id"]);
    let batch = folio.read_table("odd", &part).unwrap().next().unwrap().unwrap();
    assert_eq!((ids(&batch), batch.num_columns()), (vec![3, 5], 2));
    let filtered = folio.read_table("odd", &TableOptions::new().filter("cube > 27")).unwrap();
    assert_eq!(filtered.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
    let chunks = folio.iter_table("odd", &IterOptions::new().chunk_size(3)).unwrap();
    assert_eq!(chunks.map(|chunk| chunk.unwrap().num_rows()).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(folio.sample_table("odd", 2, 7, &TableOptions::new()).unwrap().num_rows(), 2);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
    assert!(folio.stale().unwrap().is_empty());
    // A table that is derived of it has read the table below, too.
    folio.derive("most", "SELECT max(cube) AS most FROM odd", &QueryOptions::new(), AddOptions::new()).unwrap();
    let explained = folio.explain("most").unwrap();
    let inputs: Vec<&str> = explained.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(inputs, ["numbers", "odd"]);
}

/// The state is applied to the table as the handle sees it: now, at a snapshot, under another name.
#[test]
fn a_state_follows_its_table() {
    let (_dir, folio) = with_numbers();
    let sliced = folio.frame("numbers").unwrap().slice(2..6).unwrap().with_column("cube", col("id").pow(3));
    let sliced = sliced.filter(datafolio::columns::Expr::parse("id % 2 == 1").unwrap()).unwrap();
    folio.add_frame_view("odd", "numbers", &sliced.state(), AddOptions::new()).unwrap();
    assert_eq!(sum(&folio.frame("odd").unwrap(), "id"), Some(3.0 + 5.0));
    folio.create_snapshot("v1", SnapshotOptions { capture_git: false, ..Default::default() }).unwrap();
    folio.add("numbers", data(&numbers(5)), AddOptions::new().overwrite()).unwrap();
    assert_eq!(sum(&folio.frame("odd").unwrap(), "id"), Some(3.0));
    let before = folio.load_snapshot("v1").unwrap();
    assert_eq!(sum(&before.frame("odd").unwrap(), "id"), Some(8.0));
    assert_eq!(one(&folio, "SELECT (SELECT sum(id) FROM v1.odd) - (SELECT sum(id) FROM odd)"), 5);
    folio.rename("numbers", "renamed").unwrap();
    assert_eq!(sum(&folio.frame("odd").unwrap(), "id"), Some(3.0));
    // A state of a state stands on the table.
    let more = folio.frame("odd").unwrap().with_column("half", col("cube") / 2.0);
    let made = folio.add_frame_view("more", "odd", &more.state(), AddOptions::new()).unwrap();
    assert_eq!(made.record["inputs"], json!(["renamed"]));
    assert_eq!(sum(&folio.frame("more").unwrap(), "half"), Some(13.5));
}

#[test]
fn a_state_that_does_not_fit_is_told() {
    let (_dir, folio) = with_numbers();
    let state = odd(&folio, "numbers").state();
    let refused = |table: &str, state: &Value, expected: &str| {
        let error = folio.add_frame_view("odd", table, state, AddOptions::new()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!folio.contains("odd"));
    };
    refused("kinds", &state, "'id'");
    refused("numbers", &json!([1]), "JSON object");
    refused("nothing", &state, "nothing");
    let error = folio.add_frame_view("numbers", "numbers", &state, AddOptions::new().overwrite()).unwrap_err();
    assert!(error.to_string().contains("another name"), "{error}");

    folio.add_frame_view("odd", "numbers", &state, AddOptions::new()).unwrap();
    let column: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let other = RecordBatch::try_from_iter([("other", column)]).unwrap();
    folio.add("numbers", data(&other), AddOptions::new().overwrite()).unwrap();
    let broken = |expected: &str| {
        let error: Error = folio.frame("odd").map(drop).unwrap_err();
        assert!(error.to_string().contains("odd") && error.to_string().contains(expected), "{error}");
        let error = folio.query("SELECT * FROM odd", &QueryOptions::new()).map(drop).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        let stale = folio.stale().unwrap();
        assert_eq!((stale.len(), stale[0].name.as_str()), (1, "odd"));
    };
    broken("'numbers'");
    // A table that became a view which reads the state: no circle is walked.
    folio.add_view("numbers", "SELECT 1 AS id", AddOptions::new().overwrite()).unwrap();
    broken("is a view now");
    folio.delete(&["numbers"]).unwrap();
    broken("numbers");
}

/// DataFolio 2.3 lists, validates and snapshots the JSON value that it is.
#[test]
fn the_last_release_of_python_keeps_a_state() {
    let Some(_) = Release::V2_3.python() else { return };
    let (_dir, folio) = with_numbers();
    folio.add_frame_view("odd", "numbers", &odd(&folio, "numbers").state(), AddOptions::new()).unwrap();
    let place = folio.location();
    let mut peer = Peer::open(Release::V2_3, std::path::Path::new(&place)).unwrap();
    assert_eq!(peer.get("folio.get('odd')")["language"], "frame");
    assert_eq!(peer.get("all(folio.validate().values())"), true);
    peer.get("folio.create_snapshot('by-2.3') and None");
    drop(peer);
    let folio = reopen(&folio);
    assert_eq!(sum(&folio.load_snapshot("by-2.3").unwrap().frame("odd").unwrap(), "id"), Some(16.0));
}
