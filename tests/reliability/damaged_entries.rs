//! Entries that cannot be read in a catalogue that can (promise: they cost no other item, and come back from the history).

use std::fs;
use std::path::{Path, PathBuf};

use datafolio::{AddOptions, DataFolio, RepairOptions, VerifyOptions, repair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::scratch;
use super::workload::plain;

/// Revision 4, in which `c` has its second version and the snapshot `s` the first.
fn bundle() -> (TempDir, PathBuf) {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    folio.add("c", json!("first"), AddOptions::new()).unwrap();
    folio.create_snapshot("s", plain()).unwrap();
    folio.add("c", json!("second"), AddOptions::new().overwrite()).unwrap();
    folio.add("other", json!(1), AddOptions::new()).unwrap();
    (dir, root)
}

/// Changes the catalogue as another program would, which nests what is `"@@"` more deeply than any reader goes.
fn edit(root: &Path, change: impl FnOnce(&mut Vec<Value>)) {
    let path = root.join("items.json");
    let mut catalogue: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    catalogue.as_object_mut().unwrap().shift_remove("commit");
    change(catalogue["items"].as_array_mut().unwrap());
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    fs::write(path, catalogue.to_string().replace("\"@@\"", &deep)).unwrap();
}

fn version<'a>(items: &'a mut [Value], name: &str, is_current: bool) -> &'a mut Value {
    items.iter_mut().find(|item| item["name"] == name && (item["is_current"] != false) == is_current).unwrap()
}

fn assert_sound(root: &Path) -> DataFolio {
    let folio = DataFolio::open(root).unwrap();
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!(repair(root, &RepairOptions::default()).unwrap().problem, None);
    folio
}

/// There was "nothing to repair".
#[test]
fn a_current_entry_that_cannot_be_read_comes_back_from_the_newest_revision_that_has_it() {
    let (_dir, root) = bundle();
    edit(&root, |items| {
        version(items, "c", true)["novel"] = json!("@@");
        version(items, "other", true)["description"] = json!("theirs");
    });
    let found = DataFolio::open(&root).unwrap().verify(&VerifyOptions::default()).unwrap().findings;
    assert_eq!((found.len(), found[0].code.as_str()), (1, "damaged-entry"), "{found:?}");
    assert!(found[0].message.starts_with("item 'c': its entry in items.json is damaged"), "{found:?}");

    let report = repair(&root, &RepairOptions::default()).unwrap();
    assert!(report.problem.as_ref().unwrap().starts_with("item 'c': its entry"), "{report:?}");
    assert_eq!(report.action.as_deref(), Some("put back the entry of item 'c' from revision 5"));
    assert!(report.given_up.is_empty() && report.missing.is_empty(), "{report:?}");
    assert!(fs::read_to_string(root.join(&report.kept_aside[0])).unwrap().contains("[[[["));
    let folio = assert_sound(&root);
    assert_eq!(folio.get_json("c").unwrap(), "second");
    // What else the other program wrote stays.
    assert_eq!(folio.item_info("other").unwrap().description(), Some("theirs"));
    assert_eq!(folio.load_snapshot("s").unwrap().get_json("c").unwrap(), "first");
}

#[test]
fn an_entry_that_only_a_snapshot_holds_comes_back_as_the_same_version() {
    let (_dir, root) = bundle();
    edit(&root, |items| version(items, "c", false)["novel"] = json!("@@"));
    let report = repair(&root, &RepairOptions::default()).unwrap();
    assert!(report.action.as_ref().unwrap().starts_with("put back the entry of item 'c'"), "{report:?}");
    let folio = assert_sound(&root);
    assert_eq!(folio.get_json("c").unwrap(), "second");
    assert_eq!(folio.load_snapshot("s").unwrap().get_json("c").unwrap(), "first");
}

/// A later version of another program's cannot be had. What was there before it is there again, once.
#[test]
fn an_older_version_comes_back_where_the_current_one_cannot() {
    let (_dir, root) = bundle();
    edit(&root, |items| {
        // As after a write of another program: the second version has given way to one of theirs.
        let current = version(items, "c", true);
        current["version_id"] = json!("c--r6");
        current["novel"] = json!("@@");
    });
    let report = repair(&root, &RepairOptions::default()).unwrap();
    assert_eq!(report.given_up, ["item 'c', version c--r6: its entry cannot be read"], "{report:?}");
    let folio = DataFolio::open(&root).unwrap();
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_valid());
    assert_eq!(folio.get_json("c").unwrap(), "second");
}

#[test]
fn an_entry_that_the_history_does_not_have_is_an_error_and_can_be_removed() {
    let (_dir, root) = bundle();
    let deep = json!({"name": "theirs", "item_type": "json_data", "filename": "theirs.json", "novel": "@@"});
    edit(&root, |items| items.push(deep));
    let before = fs::read(root.join("items.json")).unwrap();
    let error = repair(&root, &RepairOptions::default()).unwrap_err();
    assert_eq!(error.code(), "damaged-entry");
    assert!(
        error.to_string().contains("item 'theirs'") && error.to_string().contains("the history has none"),
        "{error}"
    );
    assert_eq!(fs::read(root.join("items.json")).unwrap(), before);
    DataFolio::open(&root).unwrap().delete(&["theirs"]).unwrap();
    let folio = DataFolio::open(&root).unwrap();
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_valid());
    assert_eq!(folio.get_json("c").unwrap(), "second");
}

#[test]
fn of_several_entries_those_that_the_history_has_come_back_and_the_others_are_named() {
    let (_dir, root) = bundle();
    edit(&root, |items| {
        version(items, "c", true)["novel"] = json!("@@");
        version(items, "c", false)["novel"] = json!("@@");
        version(items, "other", true)["novel"] = json!("@@");
        items.push(json!({"name": "theirs", "item_type": "json_data", "filename": "theirs.json", "novel": "@@"}));
    });
    let report = repair(&root, &RepairOptions::default()).unwrap();
    assert!(
        report.action.as_ref().unwrap().starts_with("put back the entries of items 'c' from revision"),
        "{report:?}"
    );
    assert_eq!(report.given_up, ["item 'theirs': its entry cannot be read, and the history has none of it that can"]);
    let folio = DataFolio::open(&root).unwrap();
    assert_eq!((folio.get_json("c").unwrap(), folio.get_json("other").unwrap()), (json!("second"), json!(1)));
    assert_eq!(folio.load_snapshot("s").unwrap().get_json("c").unwrap(), "first");
}
