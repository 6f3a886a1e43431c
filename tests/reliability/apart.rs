//! Repairs and copies, which are not of the scripted workload, die or fail at any I/O step (promise: a repair gives up nothing that
//! was committed, and can be made again; a copy is whole, or can be made again, and the bundle that is copied is as it was).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafolio::storage::LocalStorage;
use datafolio::{
    AddOptions, CopyOptions, DataFolio, ErrorCategory, NpyArray, RepairOptions, VerifyOptions, repair, repair_storage,
};
use datafolio_testkit::faults::{Fault, Injector};
use serde_json::json;
use tempfile::TempDir;

use super::workload::plain;
use super::{at_length, child, scratch};
use crate::support::{copy_dir, table};

/// A repair of a bundle in local storage that announces its steps.
pub(super) fn observed_repair(root: &Path, injector: &Arc<Injector>) -> datafolio::Result<()> {
    let storage = LocalStorage::open(root)?.with_observer(injector.clone());
    repair_storage(Arc::new(storage), &RepairOptions::default()).map(drop)
}

/// A copy to local storage that announces its steps, that of making its directory included.
pub(super) fn observed_copy(root: &Path, target: &Path, injector: &Arc<Injector>) -> datafolio::Result<DataFolio> {
    let storage = LocalStorage::create_observed(target, injector.clone())?;
    DataFolio::open(root)?.copy_storage(Arc::new(storage), &CopyOptions::default())
}

fn is_clean(folio: &DataFolio) -> bool {
    folio.verify(&VerifyOptions::default()).unwrap().is_clean()
}

/// A bundle whose catalogue was cut short; its history has all of it.
fn damaged() -> (TempDir, PathBuf) {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.create_snapshot("s", plain()).unwrap();
    folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    drop(folio);
    let text = std::fs::read(root.join("items.json")).unwrap();
    std::fs::write(root.join("items.json"), &text[..text.len() / 2]).unwrap();
    (dir, root)
}

fn copied(root: &Path) -> (TempDir, PathBuf) {
    let dir = scratch();
    let copy = dir.path().join("bundle");
    copy_dir(root, &copy);
    (dir, copy)
}

/// How many steps a repair has.
fn steps_of_repair(root: &Path) -> usize {
    let (_dir, copy) = copied(root);
    let injector = Injector::new();
    observed_repair(&copy, &injector).unwrap();
    check_repaired(&copy, "without a fault");
    injector.steps().len()
}

/// Repairs it, unless that had been done, and looks whether all is there.
fn check_repaired(root: &Path, what: &str) {
    repair(root, &RepairOptions::default()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let folio = DataFolio::open(root).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(folio.get_json("x").unwrap(), 2, "{what}");
    assert_eq!(folio.load_snapshot("s").unwrap().get_json("x").unwrap(), 1, "{what}");
    assert!(is_clean(&folio), "{what}");
    folio.add("afterwards", json!(1), AddOptions::new()).unwrap_or_else(|error| panic!("{what}: {error}"));
    for entry in folio.log(100).unwrap().iter() {
        folio.at_revision(entry.revision).unwrap_or_else(|error| panic!("{what}: {}: {error}", entry.revision));
    }
}

#[test]
fn a_repair_that_is_killed_at_any_step_can_be_made_again() {
    let (_dir, root) = damaged();
    for (n, how) in (0..steps_of_repair(&root)).flat_map(|n| [(n, "before"), (n, "tear")]) {
        let (_dir, copy) = copied(&root);
        let output = child::spawn(&["repair", copy.to_str().unwrap(), &n.to_string(), how]).wait_with_output().unwrap();
        assert!(how != "before" || !output.status.success(), "step {n}: the child was not killed");
        check_repaired(&copy, &format!("{how} step {n}"));
    }
}

/// An entry of the history that could not be read once is not one that is gone.
#[test]
fn a_repair_that_fails_at_any_step_gives_nothing_up() {
    let (_dir, root) = damaged();
    for n in 0..steps_of_repair(&root) {
        let (_dir, copy) = copied(&root);
        let injector = Injector::new();
        injector.arm(n, Fault::Once(Fault::EIO));
        let result = observed_repair(&copy, &injector);
        let what = injector.fired().unwrap_or_default();
        if let Err(error) = result {
            assert_eq!(error.category(), ErrorCategory::Storage, "{what}: {error}");
        }
        check_repaired(&copy, &what);
    }
}

/// A bundle to copy: with block checksums, a table of parts, and a directory of its own in the name of an item.
fn original() -> (TempDir, PathBuf) {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    let values: Vec<f64> = (0..40_000).map(|n| f64::from(n).sin()).collect();
    folio.add("ns/grid", NpyArray::from_slice(&[40_000], &values).unwrap(), AddOptions::new()).unwrap();
    for _ in 0..2 {
        folio.append_table("log", table(50), datafolio::AppendOptions::new().without_compaction()).unwrap();
    }
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    (dir, root)
}

/// The revision of a copy: none where there is no bundle, one without items, or one that is whole.
fn revision_of_copy(target: &Path, what: &str) -> u64 {
    let copy = match DataFolio::open(target) {
        Err(error) if error.code() == "not-a-bundle" => return 0,
        other => other.unwrap_or_else(|error| panic!("{what}: {error}")),
    };
    assert!(is_clean(&copy), "{what}");
    match copy.items(true).len() {
        0 => assert_eq!(copy.revision(), 1, "{what}"),
        items => assert_eq!((items, copy.revision(), copy.get_json("x").unwrap()), (3, 2, json!(1)), "{what}"),
    }
    copy.revision()
}

fn steps_of_copy(root: &Path) -> usize {
    let dir = scratch();
    let target = dir.path().join("copy");
    let injector = Injector::new();
    let copy = observed_copy(root, &target, &injector).unwrap();
    let steps = injector.steps().len();
    drop(copy);
    assert_eq!(revision_of_copy(&target, "without a fault"), 2);
    steps
}

#[test]
fn a_copy_that_is_killed_at_any_step_is_whole_or_has_no_items() {
    let (_dir, root) = original();
    let stride = if at_length() { 1 } else { 3 };
    let mut seen = std::collections::BTreeSet::new();
    for (n, how) in (0..steps_of_copy(&root)).step_by(stride).flat_map(|n| [(n, "before"), (n, "tear")]) {
        let dir = scratch();
        let target = dir.path().join("copy");
        let number = n.to_string();
        let words = ["copy", root.to_str().unwrap(), target.to_str().unwrap(), number.as_str(), how];
        let output = child::spawn(&words).wait_with_output().unwrap();
        assert!(how != "before" || !output.status.success(), "step {n}: the child was not killed");
        seen.insert(revision_of_copy(&target, &format!("{how} step {n}")));
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
    assert!(is_clean(&DataFolio::open(&root).unwrap()));
}

#[test]
fn a_copy_that_fails_at_any_step_leaves_no_item_and_can_be_made_again() {
    let (_dir, root) = original();
    for n in 0..steps_of_copy(&root) {
        let dir = scratch();
        let target = dir.path().join("copy");
        let injector = Injector::new();
        injector.arm(n, Fault::Once(Fault::EIO));
        let result = observed_copy(&root, &target, &injector);
        let what = injector.fired().unwrap_or_default();
        injector.disarm();
        match result {
            Ok(copy) => {
                drop(copy);
                assert_eq!(revision_of_copy(&target, &what), 2);
            }
            // It was made, or its bundle was, and may not survive a crash of the machine.
            Err(error) if error.code() == "not-durable" => assert!(revision_of_copy(&target, &what) > 0),
            Err(error) => {
                assert_eq!(error.category(), ErrorCategory::Storage, "{what}: {error}");
                assert_eq!(revision_of_copy(&target, &what), 0);
                for dir in ["tables", "artifacts", "models", "parts"] {
                    let left = std::fs::read_dir(target.join(dir)).into_iter().flatten().count();
                    assert_eq!(left, 0, "{what}: files are left behind in {dir}");
                }
                observed_copy(&root, &target, &injector).unwrap_or_else(|error| panic!("{what}: again: {error}"));
                assert_eq!(revision_of_copy(&target, &what), 2);
            }
        }
    }
}
