//! Snapshot commands that Python DataFolio's program does not have.

use serde_json::json;

use super::{Home, has};

#[test]
fn restoring_asks_and_can_be_undone() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1"]);
    home.ok(&["rm", "notes"]);
    home.write("params.json", "0");
    home.ok(&["add", "params.json", "--overwrite"]);
    let ran = home.answer(&["snapshot", "restore", "v1"], "n\n");
    has(&ran.out, &["Cancelled"]);
    assert_eq!(home.json(&["get", "params"]), 0);
    has(&home.fails(&["snapshot", "restore", "v1"], 1), &["-y"]);
    home.ok(&["snapshot", "restore", "v1", "-y"]);
    assert_eq!(home.json(&["get", "params"])["rate"], 0.1);
    assert_eq!(home.ok(&["get", "notes"]), "first line\nsecond line\n");
    home.ok(&["undo"]);
    assert_eq!(home.json(&["get", "params"]), 0);
    has(&home.fails(&["snapshot", "restore", "v2", "-y"], 1), &["Snapshot 'v2' not found"]);
}

#[test]
fn a_snapshot_becomes_a_bundle() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1", "-d", "First"]);
    home.ok(&["rm", "raw", "-y"]);
    has(&home.ok(&["snapshot", "export", "v1", "../out"]), &["3 items"]);
    assert_eq!(home.ok(&["-f", "../out", "cat", "raw", "-n", "1"]), "id,name\n1,one\n");
    assert_eq!(home.json(&["-f", "../out", "meta", "_source_snapshot"])["name"], "v1");
    assert_eq!(home.json(&["-f", "../out", "snapshot", "list"]), json!([]));
    has(&home.fails(&["snapshot", "export", "v1", "../out"], 1), &["already exists"]);
}

#[test]
fn snapshots_as_json() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1", "-t", "a", "--env", "--exec"]);
    home.ok(&["rm", "notes"]);
    let list = home.json(&["snapshot", "list"]);
    assert_eq!((&list[0]["name"], &list[0]["tags"], &list[0]["num_items"]), (&json!("v1"), &json!(["a"]), &json!(3)));
    let shown = home.json(&["snapshot", "show", "v1"]);
    assert!(shown["fields"]["environment"]["platform"].is_string());
    assert!(shown["fields"]["execution"]["entry_point"].as_str().unwrap().contains("snapshot create v1"));
    let diff = home.json(&["snapshot", "diff"]);
    assert_eq!((&diff["snapshot_name"], &diff["removed_items"]), (&json!("v1"), &json!(["notes"])));
    assert_eq!(home.json(&["snapshot", "status"])["changes"]["unchanged_items"], json!(["params", "raw"]));
    home.ok(&["snapshot", "create", "v2"]);
    assert_eq!(home.json(&["snapshot", "compare", "v1", "v2"])["removed_items"], json!(["notes"]));
    assert_eq!(home.json(&["snapshot", "gc", "--dry-run"])["files"], json!([]));
}

#[test]
fn deleting_keeps_data_in_the_history() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1"]);
    home.ok(&["rm", "notes"]);
    home.ok(&["snapshot", "delete", "v1", "-y", "--cleanup"]);
    home.fails(&["at", "v1", "ls"], 1);
    assert_eq!(home.ok(&["at", "5", "get", "notes"]), "first line\nsecond line\n");
}

#[test]
fn comparisons_tell_what_a_person_changed() {
    let home = Home::with_bundle();
    home.ok(&["snapshot", "create", "v1"]);
    home.ok(&["meta", "rate", "0.5"]);
    home.ok(&["snapshot", "create", "v2"]);
    for arguments in [&["snapshot", "compare", "v1", "v2"][..], &["snapshot", "diff", "v1"]] {
        let out = home.ok(arguments);
        has(&out, &["rate: (not set) → 0.5", "Metadata Changes (1)"]);
        assert!(!out.contains("updated_at"), "{out}");
        assert_eq!(home.json(arguments)["metadata_changes"], json!({"rate": [null, 0.5]}));
    }
}
