//! Version ids, and what follows an item when it is renamed or edited.

use std::sync::Arc;

use datafolio_core::{Catalogue, Change, ChangeSet, Entry, Snapshot, replay};
use serde_json::{Value, json};

use crate::support::{NOW, describe, entry, parse, put, repoint, snapshot, stamp, through_text};

/// A bundle at revision 5 with these entries and snapshots.
fn bundle(items: Value, snapshots: Value) -> Arc<Catalogue> {
    let top = json!({"schema_version": 2, "revision": 5, "metadata": {}, "items": items, "snapshots": snapshots});
    parse(&top.to_string()).unwrap().catalogue
}

fn committed(head: &Arc<Catalogue>, id: &str, changes: Vec<Change>) -> Arc<Catalogue> {
    let mut set = ChangeSet::new(Arc::clone(head));
    for change in changes {
        set.push(change);
    }
    through_text(replay(&set, head, stamp(id), NOW).unwrap().catalogue)
}

/// The payload that a snapshot has for an item.
fn held(catalogue: &Catalogue, snapshot: &str, item: &str) -> String {
    let entries = catalogue.snapshot_entries(snapshot).unwrap();
    entries[item].as_ref().unwrap().filename().unwrap().to_owned()
}

#[test]
fn version_ids_tell_the_revision_and_the_commit() {
    let head = bundle(json!([entry("x", 1, true, &[])]), json!({}));
    let changes = vec![put("x", "a", &[], true), put("y", "b", &["x"], false), describe("x", "new")];
    let after = committed(&head, "0a1b2c3d4e", changes);
    let id = |name: &str| after.item(name).unwrap().version_id().unwrap().to_owned();
    assert_eq!((id("x"), id("y")), ("x--r6-0a1b2c-1".to_owned(), "y--r6-0a1b2c".to_owned()));
    // Another commit of the same revision, as a copy of the bundle has it, gives other ids.
    let other = committed(&head, "ffffff0000", vec![put("x", "a", &[], true)]);
    assert_eq!(other.item("x").unwrap().version_id(), Some("x--r6-ffffff"));
}

/// An entry that only the history still has, with the id that another version has been given since.
fn reused() -> Arc<Entry> {
    let mut old = entry("x", 1, true, &[]);
    old["filename"] = json!("old.json");
    Arc::new(Entry::parse(&old.to_string()).unwrap())
}

#[test]
fn a_version_comes_back_under_a_new_id_when_another_one_has_its_own() {
    let head = bundle(json!([entry("x", 1, true, &[])]), json!({"s": {"item_versions": {"x": "x--r1"}}}));
    let after = committed(&head, "abcdef", vec![repoint("x", Some(&reused()))]);
    let current = after.item("x").unwrap();
    assert_eq!((current.filename(), current.version_id()), (Some("old.json"), Some("x--r6-abcdef")));
    assert_eq!(held(&after, "s", "x"), "x-1.json", "the snapshot keeps its version");
    assert_eq!(through_text((*after).clone()).entries().count(), 2);

    // The same file name with another content is another version as well.
    let mut same_file = entry("x", 1, true, &[]);
    same_file["checksum"] = json!("1".repeat(32));
    let mut there = entry("x", 1, true, &[]);
    there["checksum"] = json!("2".repeat(32));
    let head = bundle(json!([there]), json!({}));
    let old = Arc::new(Entry::parse(&same_file.to_string()).unwrap());
    let after = committed(&head, "abcdef", vec![repoint("x", Some(&old))]);
    assert_eq!(after.item("x").unwrap().version_id(), Some("x--r6-abcdef"));
}

#[test]
fn a_snapshot_holds_the_version_that_was_meant_whatever_its_id() {
    let head = bundle(json!([entry("x", 1, true, &[])]), json!({}));
    let mut seen = (*head).clone();
    seen.current.insert(reused());
    let after = committed(&head, "abcdef", vec![snapshot("s", &seen)]);
    assert_eq!(held(&after, "s", "x"), "old.json");
    assert_eq!(after.item("x").unwrap().filename(), Some("x-1.json"));

    let fields = json!({"name": "u", "item_versions": {"x": "x--r1"}});
    let former = Arc::new(Snapshot::from_fields("u", fields.as_object().unwrap()));
    let back = Change::RevertSnapshot { snapshot: former, entries: vec![reused()] };
    let after = committed(&head, "abcdef", vec![back]);
    assert_eq!(held(&after, "u", "x"), "old.json");
    assert_eq!(after.item("x").unwrap().filename(), Some("x-1.json"));
}

/// 1.x allows any name, and every program writes JSON its own way.
#[test]
fn dependents_follow_a_renaming_however_their_inputs_are_written() {
    for (name, in_text) in [
        ("say \"hi\"", r#""say \"hi\"""#),
        ("tab\there", r#""tab\there""#),
        ("tab\there", r#""tab\u0009here""#),
        ("größe", r#""gr\u00f6\u00DFe""#),
        ("😀", r#""\ud83d\ude00""#),
        ("plain", r#""pl\u0061in""#),
        ("a/b", r#""a\/b""#),
        ("back\\slash", r#""back\\slash""#),
    ] {
        let entry = |name: &str, inputs: &str| {
            format!(r#"{{"name": {name}, "item_type": "json_data", "filename": "f", "inputs": [{inputs}]}}"#)
        };
        let items = [entry(in_text, ""), entry("\"made\"", in_text), entry("\"other\"", r#""\u0078""#)].join(", ");
        let deep = format!(r#"{{"name": "deep", "x": "\"", "y": {}{}}}"#, "[".repeat(500), "]".repeat(500));
        let text = format!(r#"{{"schema_version": 2, "revision": 5, "items": [{items}, {deep}], "snapshots": {{}}}}"#);
        let head = parse(&text).unwrap().catalogue;
        let renaming = Change::Rename { from: name.to_owned(), to: "new".to_owned() };
        let after = committed(&head, "abcdef", vec![renaming]);
        assert_eq!(after.item("made").unwrap().record().unwrap().inputs(), ["new"], "{in_text}");
        // What is not made from it keeps its text.
        for untouched in ["other", "deep"] {
            assert_eq!(after.item(untouched).unwrap().text(), head.item(untouched).unwrap().text());
        }
    }
}

#[test]
fn versions_of_former_inputs_do_not_outlive_an_edit() {
    let mut made = entry("made", 1, true, &["b", "c"]);
    made["input_versions"] = json!({"a": "a--r1", "b": "b--r1"});
    let head = bundle(json!([entry("b", 1, true, &[]), made]), json!({}));
    let versions = |after: &Catalogue, name: &str| {
        after.item(name).unwrap().record().unwrap().get("input_versions").cloned().unwrap_or_default()
    };
    let after = committed(&head, "abcdef", vec![describe("made", "new")]);
    assert_eq!(versions(&after, "made"), json!({"b": "b--r1"}));
    let renaming = |from: &str, to: &str| Change::Rename { from: from.to_owned(), to: to.to_owned() };
    let after = committed(&head, "abcdef", vec![renaming("made", "done")]);
    assert_eq!(versions(&after, "done"), json!({"b": "b--r1"}));
    let after = committed(&head, "abcdef", vec![renaming("b", "beta")]);
    assert_eq!(versions(&after, "made"), json!({"beta": "b--r1"}));
}
