//! Views and derived tables in the hands of DataFolio 2.3, which knows of neither: it takes a view for a JSON value and a derived
//! table for a table, and leaves what else they are where it stands.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafolio::{AddOptions, DataFolio, QueryOptions, RerunOptions, SnapshotOptions, VerifyOptions};
use serde_json::{Map, Value, json};

use super::peer::{Peer, Release};
use crate::support::{new_bundle, reopen, rows, table};

const VIEW: &str = "SELECT id, name FROM log WHERE id >= 5";

/// `log`, the view `late` over it, and the table `sums` made from the view; the snapshot `v1` holds them.
fn with_views() -> (tempfile::TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    folio.add("log", table(10), AddOptions::new()).unwrap();
    folio.add_view("late", VIEW, AddOptions::new().description("the later half")).unwrap();
    let query = QueryOptions::new().param("below", 9);
    let sql = "SELECT max(id) AS most, count(*) AS n FROM late WHERE id < $below";
    folio.derive("sums", sql, &query, AddOptions::new()).unwrap();
    folio.create_snapshot("v1", SnapshotOptions { capture_git: false, ..Default::default() }).unwrap();
    (dir, folio)
}

/// What makes them more than a value and a table.
fn fields(folio: &DataFolio) -> [Map<String, Value>; 2] {
    ["late", "sums"].map(|name| {
        let mut record = folio.item_info(name).unwrap().record;
        record.retain(|field, _| ["view", "derived", "inputs", "input_versions"].contains(&field.as_str()));
        record
    })
}

/// The one row of the derived table.
fn sums(folio: &DataFolio) -> (i64, i64) {
    let batch = folio.preview_table("sums", 2).unwrap();
    assert_eq!(batch.num_rows(), 1);
    let value = |column: usize| batch.column(column).as_primitive::<Int64Type>().value(0);
    (value(0), value(1))
}

fn stale(folio: &DataFolio) -> Vec<String> {
    folio.stale().unwrap().into_iter().map(|item| item.name).collect()
}

fn is_clean(folio: &DataFolio) -> bool {
    folio.verify(&VerifyOptions::default()).unwrap().is_clean()
}

#[test]
fn it_lists_reads_and_validates_them() {
    let (_dir, folio) = with_views();
    let [view, derived] = fields(&folio);
    assert!(["view", "inputs", "input_versions"].iter().all(|field| view.contains_key(*field)), "{view:?}");
    assert!(["derived", "inputs", "input_versions"].iter().all(|field| derived.contains_key(*field)), "{derived:?}");
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    let contents = peer.get("folio.list_contents()");
    assert_eq!((&contents["json_data"], &contents["included_tables"]), (&json!(["late"]), &json!(["log", "sums"])));
    assert_eq!(peer.get("folio.get('late')['text']"), VIEW);
    assert_eq!(peer.get("[int(x) for x in folio.get('sums').iloc[0]]"), json!([8, 4]));
    assert_eq!(peer.get("folio.validate()"), json!({"log": true, "late": true, "sums": true}));
    assert_eq!(peer.get("folio.is_valid()"), true);
    for name in ["late", "sums"] {
        let record = folio.item_info(name).unwrap().record;
        assert_eq!(peer.get(&format!("folio.item_info('{name}')")), Value::Object(record), "{name}");
    }
    assert_eq!(peer.get("folio.get_dependents('log')"), json!(folio.lineage().dependents("log").unwrap()));
    peer.get("folio.describe(return_string=True)");
}

#[test]
fn they_survive_what_it_does_to_them() {
    let (_dir, folio) = with_views();
    let before = fields(&folio);
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    peer.get("folio.create_snapshot('theirs')");
    for name in ["log", "late", "sums"] {
        peer.get(&format!("folio.update_item('{name}', description='by 2.3')"));
        peer.get(&format!("folio.archive('{name}'); folio.unarchive('{name}')"));
    }
    // What was edited has the same rows.
    let folio = reopen(&folio);
    assert_eq!(folio.item_info("late").unwrap().description(), Some("by 2.3"));
    assert_eq!((fields(&folio), rows(&folio, "late"), sums(&folio)), (before.clone(), 5, (8, 4)));
    assert_eq!(stale(&folio), Vec::<String>::new());
    assert!(is_clean(&folio));

    // What it reads has others now, also through the view, and is made again here.
    peer.get("folio.add('log', pd.DataFrame({'id': [6, 7, 20], 'name': ['a', 'b', 'c']}), overwrite=True)");
    let folio = reopen(&folio);
    assert_eq!((fields(&folio), rows(&folio, "late"), sums(&folio)), (before.clone(), 3, (8, 4)));
    assert_eq!(stale(&folio), ["sums"]);
    assert_eq!(folio.rerun(&["sums"], RerunOptions::new()).unwrap().done, ["sums"]);
    assert_eq!(sums(&folio), (7, 2));
    peer.get("folio.refresh()");
    assert_eq!(peer.get("[int(x) for x in folio.get('sums').iloc[0]]"), json!([7, 2]));
    for snapshot in ["v1", "theirs"] {
        let past = reopen(&folio).load_snapshot(snapshot).unwrap();
        assert_eq!((fields(&past), rows(&past, "late"), sums(&past)), (before.clone(), 5, (8, 4)), "{snapshot}");
    }

    // Going back brings all of it back.
    peer.get("folio.restore_snapshot('v1', confirm=True)");
    peer.get("folio.cleanup_orphaned_versions()");
    assert_eq!(peer.get("folio.is_valid()"), true);
    let folio = reopen(&folio);
    assert_eq!((fields(&folio), rows(&folio, "late"), sums(&folio)), (before, 5, (8, 4)));
    assert_eq!(stale(&folio), Vec::<String>::new());
    folio.rerun(&["sums"], RerunOptions::new().force()).unwrap();
    // What it has cleaned up is gone, and nothing else is wrong.
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    assert!(report.findings.iter().all(|finding| finding.code == "lost-version"), "{:?}", report.findings);
}

#[test]
fn its_copies_have_them() {
    let (dir, folio) = with_views();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    let target = dir.path().join("copy");
    peer.get(&format!("folio.copy({:?}) and None", target.to_str().unwrap()));
    let copy = DataFolio::open(&target).unwrap();
    assert_eq!((fields(&copy), rows(&copy, "late"), sums(&copy)), (fields(&folio), 5, (8, 4)));
    assert_eq!(stale(&copy), Vec::<String>::new());
    assert!(is_clean(&copy));
    copy.add("log", table(7), AddOptions::new().overwrite()).unwrap();
    assert_eq!((rows(&copy, "late"), stale(&copy)), (2, vec!["sums".to_owned()]));
}
