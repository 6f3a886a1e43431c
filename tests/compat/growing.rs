//! Tables of several parts in the hands of DataFolio 2.3, which knows of none.

use datafolio::{AppendOptions, DataFolio, SnapshotOptions, VerifyOptions};
use serde_json::json;

use super::peer::{Peer, Release};
use crate::support::{new_bundle, reopen, rows, table};

/// A bundle with the table `log` of three parts, held by the snapshot `v1`.
fn with_parts() -> (tempfile::TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    for rows in [10, 20, 30] {
        folio.append_table("log", table(rows), AppendOptions::new().without_compaction()).unwrap();
    }
    folio.create_snapshot("v1", SnapshotOptions { capture_git: false, ..Default::default() }).unwrap();
    (dir, folio)
}

fn is_clean(folio: &DataFolio) -> bool {
    folio.verify(&VerifyOptions::default()).unwrap().is_clean()
}

/// What 2.3 cannot read it must say so of: a part of the rows would pass for all of them.
#[test]
fn it_lists_and_validates_them_and_fails_loudly_when_it_reads() {
    let (_dir, folio) = with_parts();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    assert_eq!(peer.get("folio.list_contents()")["included_tables"], json!(["log"]));
    assert_eq!(peer.get("folio.validate()"), json!({"log": true}));
    assert_eq!(peer.get("folio.is_valid()"), true);
    for call in ["folio.get('log')", "folio.get('log', frame='polars')", "folio.scan_table('log').collect()"] {
        let raised = peer.run(call).unwrap_err();
        assert_ne!(raised.error, "KeyError", "{}", raised.message);
    }
    assert_eq!(peer.get("folio.item_info('log')['num_rows']"), 60);
}

#[test]
fn a_compacted_table_is_one_that_it_reads() {
    let (_dir, folio) = with_parts();
    folio.compact("log").unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    assert_eq!(peer.get("folio.is_valid()"), true);
    assert_eq!(peer.get("[len(folio.get('log')), int(folio.get('log')['id'].sum())]"), json!([60, 45 + 190 + 435]));
    assert_eq!(peer.get("list(folio.get('log')['name'][9:12])"), json!(["row 9", "row 0", "row 1"]));
}

/// It deletes the file of a version that nothing holds, and leaves all other files where they are.
#[test]
fn what_it_does_to_the_bundle_leaves_the_rows_that_a_snapshot_holds() {
    let (dir, folio) = with_parts();
    folio.append_table("log", table(5), AppendOptions::new().without_compaction()).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    peer.get("folio.update_item('log', description='by hand')");
    let folio = reopen(&folio);
    assert_eq!(rows(&folio, "log"), 65);
    folio.append_table("log", table(1), AppendOptions::new().without_compaction()).unwrap();
    assert_eq!(rows(&folio, "log"), 66);
    assert_eq!(folio.item_info("log").unwrap().record["description"], "by hand");

    drop(peer);
    let mut peer = Peer::open(Release::V2_3, folio.location()).unwrap();
    peer.get("folio.create_snapshot('theirs')");
    peer.get("folio.add('log', __import__('pandas').DataFrame({'id': [1]}), overwrite=True)");
    peer.get("folio.delete('log')");
    peer.get("folio.cleanup_orphaned_versions()");
    let folio = reopen(&folio);
    assert_eq!(rows(&folio.load_snapshot("v1").unwrap(), "log"), 60);
    assert_eq!(rows(&folio.load_snapshot("theirs").unwrap(), "log"), 66);
    assert!(is_clean(&folio));

    peer.get("folio.restore_snapshot('v1', confirm=True)");
    assert_eq!(peer.get("folio.is_valid()"), true);
    let folio = reopen(&folio);
    assert_eq!(rows(&folio, "log"), 60);
    folio.append_table("log", table(2), AppendOptions::new()).unwrap();
    assert_eq!(rows(&folio, "log"), 62);
    assert!(is_clean(&folio));
    // Its copy has the file that it knows and no part: a loss that is told, not a table of fewer rows.
    let copied = dir.path().join("copied");
    peer.get("folio.refresh()");
    peer.get(&format!("folio.copy({:?})", copied.to_str().unwrap()));
    let copied = DataFolio::open(copied).unwrap();
    let error = copied.get_table("log").err().unwrap();
    assert_eq!(error.code(), "missing-payload");
    assert!(error.to_string().contains("parts/log--"), "{error}");
}
