//! Snapshots: they cost nothing, never change, and can be gone back to.

use datafolio::{AddOptions, DataFolio, ExportOptions, SnapshotOptions, VerifyOptions};
use serde_json::json;

use crate::support::{new_bundle, reopen, rows, table};

#[test]
fn a_snapshot_does_not_change_whatever_happens_to_its_items() {
    let (_dir, folio) = new_bundle();
    folio.add("t", table(3), AddOptions::new().description("three")).unwrap();
    folio.add("j", json!(1), AddOptions::new()).unwrap();
    folio.add("gone", json!("still here"), AddOptions::new()).unwrap();
    folio.set_metadata("state", "raw").unwrap();
    folio.create_snapshot("v1", SnapshotOptions { tags: vec!["paper".to_owned()], ..Default::default() }).unwrap();
    folio.add("t", table(4), AddOptions::new().overwrite()).unwrap();
    folio.add("j", table(1), AddOptions::new().overwrite()).unwrap();
    folio.update_item("t", Some("four"), None).unwrap();
    folio.delete(&["gone"]).unwrap();
    folio.set_metadata("state", "clean").unwrap();

    let past = DataFolio::open_snapshot(folio.location(), "v1").unwrap();
    assert_eq!(rows(&past, "t"), 3);
    assert_eq!(past.item_info("t").unwrap().description(), Some("three"));
    assert_eq!(past.get_json("j").unwrap(), 1);
    assert_eq!(past.get_json("gone").unwrap(), "still here");
    assert_eq!(past.metadata()["state"], "raw");
    assert_eq!(past.loaded_snapshot(), Some("v1"));
    assert_eq!(past.add("x", json!(1), AddOptions::new()).unwrap_err().code(), "read-only");
    assert_eq!(rows(&folio, "t"), 4);

    let diff = folio.diff_from_snapshot(None).unwrap();
    assert_eq!(diff.modified_items, ["j", "t"]);
    assert_eq!(diff.removed_items, ["gone"]);
    assert_eq!(diff.metadata_changes["state"], (json!("raw"), json!("clean")));

    folio.restore_snapshot("v1").unwrap();
    let now = reopen(&folio);
    assert_eq!((rows(&now, "t"), now.get_json("gone").unwrap()), (3, json!("still here")));
    assert_eq!(now.metadata()["state"], "raw");
    let diff = now.diff_from_snapshot(Some("v1")).unwrap();
    assert!(diff.added_items.is_empty() && diff.modified_items.is_empty() && diff.removed_items.is_empty());
    assert!(now.verify(&VerifyOptions::default()).unwrap().is_clean());
}

#[test]
fn a_snapshot_holds_what_its_maker_saw() {
    let (_dir, one) = new_bundle();
    one.add("x", json!("seen"), AddOptions::new()).unwrap();
    let two = reopen(&one);
    two.add("x", json!("newer"), AddOptions::new().overwrite()).unwrap();
    two.add("y", json!("newer"), AddOptions::new()).unwrap();
    one.create_snapshot("s", Default::default()).unwrap();
    let past = one.load_snapshot("s").unwrap();
    assert_eq!(past.get_json("x").unwrap(), "seen");
    assert!(!past.contains("y"));
    assert_eq!(one.get_json("x").unwrap(), "newer");
}

#[test]
fn a_snapshot_of_a_version_whose_file_is_gone_is_refused() {
    let (_dir, one) = new_bundle();
    one.add("x", json!("seen"), AddOptions::new()).unwrap();
    let path = one.item_path("x").unwrap();
    let two = reopen(&one);
    two.add("x", json!("newer"), AddOptions::new().overwrite()).unwrap();
    // Python DataFolio deletes the payload of an unpinned version that it replaces.
    std::fs::remove_file(path).unwrap();
    let error = one.create_snapshot("s", Default::default()).unwrap_err();
    assert_eq!(error.code(), "payload-gone");
    assert!(one.list_snapshots().unwrap().is_empty());
}

/// Removes the file of an item's current version, as another program might; returns its path.
fn lose_file(folio: &DataFolio, item: &str) -> std::path::PathBuf {
    let path = folio.item_path(item).unwrap();
    std::fs::remove_file(&path).unwrap();
    path
}

#[test]
fn restoring_a_snapshot_whose_file_is_gone_is_refused_and_changes_nothing() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.create_snapshot("s", SnapshotOptions::default()).unwrap();
    let gone = lose_file(&folio, "x");
    folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    let revision = folio.revision();
    let error = folio.restore_snapshot("s").unwrap_err();
    assert_eq!(error.code(), "payload-gone", "{error}");
    assert!(error.to_string().contains("'x'") && error.to_string().contains("artifacts/x--"), "{error}");
    assert_eq!((folio.revision(), reopen(&folio).get_json("x").unwrap()), (revision, json!(2)));
    std::fs::write(gone, "1").unwrap();
    folio.restore_snapshot("s").unwrap();
    assert_eq!(folio.get_json("x").unwrap(), json!(1));
}

#[test]
fn undoing_to_a_version_whose_file_is_gone_is_refused_and_changes_nothing() {
    for pinned in [true, false] {
        let (_dir, folio) = new_bundle();
        folio.add("x", json!(1), AddOptions::new()).unwrap();
        if pinned {
            folio.create_snapshot("s", SnapshotOptions::default()).unwrap();
        }
        lose_file(&folio, "x");
        folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
        let revision = folio.revision();
        let error = folio.undo(None).unwrap_err();
        assert_eq!(error.code(), "payload-gone", "pinned: {pinned}: {error}");
        assert_eq!((folio.revision(), folio.get_json("x").unwrap()), (revision, json!(2)));
    }
}

/// What is not touched by restoring may be as damaged as it was.
#[test]
fn restoring_a_snapshot_does_not_mind_that_the_file_of_a_current_version_is_gone() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.create_snapshot("s", SnapshotOptions::default()).unwrap();
    folio.add("y", json!(1), AddOptions::new()).unwrap();
    lose_file(&folio, "x");
    folio.restore_snapshot("s").unwrap();
    assert!(!folio.contains("y"));
}

#[test]
fn comparing_and_exporting() {
    let (dir, folio) = new_bundle();
    folio.add("same", json!(1), AddOptions::new().description("d")).unwrap();
    folio.add("changed", json!(1), AddOptions::new()).unwrap();
    folio.add("old", json!(1), AddOptions::new()).unwrap();
    folio.create_snapshot("a", Default::default()).unwrap();
    folio.add("changed", json!(2), AddOptions::new().overwrite()).unwrap();
    folio.delete(&["old"]).unwrap();
    folio.add("new", json!(1), AddOptions::new()).unwrap();
    folio.create_snapshot("b", Default::default()).unwrap();
    let comparison = folio.compare_snapshots("a", "b").unwrap().items;
    assert_eq!(comparison.added_items, ["new"]);
    assert_eq!(comparison.removed_items, ["old"]);
    assert_eq!(comparison.modified_items, ["changed"]);
    assert_eq!(comparison.shared_items, ["same"]);

    let exported = folio.export_snapshot("a", dir.path().join("out"), &ExportOptions::default()).unwrap();
    assert_eq!(exported.list(true).json_data, ["same", "changed", "old"]);
    assert_eq!(exported.get_json("changed").unwrap(), 1);
    assert_eq!(exported.item_info("same").unwrap().description(), Some("d"));
    assert_eq!(exported.metadata()["_source_snapshot"]["name"], "a");
    assert!(exported.list_snapshots().unwrap().is_empty());
    assert!(folio.export_snapshot("a", dir.path().join("out"), &ExportOptions::default()).is_err());
}

#[test]
fn deleting_a_snapshot_can_be_undone() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.create_snapshot("v1", Default::default()).unwrap();
    folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    folio.delete_snapshot("v1").unwrap();
    assert_eq!(folio.load_snapshot("v1").unwrap_err().code(), "snapshot-not-found");
    folio.undo(None).unwrap();
    assert_eq!(folio.load_snapshot("v1").unwrap().get_json("x").unwrap(), 1);
    assert_eq!(folio.get_json("x").unwrap(), 2);
}

#[test]
fn names_that_are_taken_or_not_allowed() {
    let (_dir, folio) = new_bundle();
    folio.create_snapshot("v1", Default::default()).unwrap();
    assert_eq!(folio.create_snapshot("v1", Default::default()).unwrap_err().code(), "snapshot-exists");
    for name in ["", "a b", "..", "a/b", "x@y"] {
        assert_eq!(folio.create_snapshot(name, Default::default()).unwrap_err().code(), "invalid-snapshot-name");
    }
    assert_eq!(folio.restore_snapshot("nope").unwrap_err().code(), "snapshot-not-found");
}

/// The history is that of the bundle, whatever state of it a handle shows.
#[test]
fn checking_an_earlier_state_finds_no_damage_in_a_whole_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let folio = DataFolio::create(dir.path().join("b")).unwrap();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.create_snapshot("s", SnapshotOptions::default()).unwrap();
    folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    for earlier in [folio.load_snapshot("s").unwrap(), folio.at_revision(2).unwrap()] {
        let report = earlier.verify(&VerifyOptions::default()).unwrap();
        assert_eq!((report.findings.len(), report.commits), (0, 4), "{report:?}");
    }
}
