//! What once went wrong. Each test tells what happened.

use std::path::Path;
use std::sync::Arc;

use datafolio::storage::LocalStorage;
use datafolio::{AddOptions, CommitKind, DataFolio, OpenOptions, VerifyOptions};
use datafolio_testkit::faults::{Fault, Injector};
use serde_json::{Value, json};

use super::scratch;
use super::workload::strict_gc;
use crate::support::{copy_dir, fixture};

/// Writes to a bundle as Python DataFolio does: without our stamp, under the next revision.
pub(super) fn write_as_another_program(root: &Path, item: &str) {
    let path = root.join("items.json");
    let mut catalogue: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let revision = catalogue["revision"].as_u64().unwrap() + 1;
    catalogue.as_object_mut().unwrap().remove("commit");
    catalogue["revision"] = json!(revision);
    std::fs::write(root.join(format!("artifacts/{item}.json")), "\"theirs\"").unwrap();
    let items = catalogue["items"].as_array_mut().unwrap();
    items.retain(|entry| entry["name"] != item);
    items.push(json!({
        "name": item, "item_type": "json_data", "filename": format!("{item}.json"), "is_current": true,
        "version_id": format!("{item}--r{revision}"),
    }));
    let temporary = root.join("items.json.theirs");
    std::fs::write(&temporary, serde_json::to_string_pretty(&catalogue).unwrap()).unwrap();
    std::fs::rename(temporary, path).unwrap();
}

/// The revisions of the log with what made them.
fn log(folio: &DataFolio) -> Vec<(u64, CommitKind)> {
    folio.log(100).unwrap().into_iter().map(|entry| (entry.revision, entry.kind)).collect()
}

fn observed(root: &Path) -> (DataFolio, Arc<Injector>) {
    let injector = Injector::new();
    let storage = LocalStorage::open(root).unwrap().with_observer(injector.clone());
    (OpenOptions::new().open_storage(Arc::new(storage)).unwrap(), injector)
}

/// A process died while it created a bundle, or the disk was full. What it left, empty directories and a lock, made the
/// place "no bundle, and not empty": it could neither be opened nor created again.
#[test]
fn a_creation_that_was_interrupted_can_be_repeated() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    for name in ["tables", "models", "artifacts", "history"] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    std::fs::write(root.join("items.json.lock"), "").unwrap();
    std::fs::write(root.join(".items.json.abcdefghij.tmp"), "{").unwrap();
    let id = "0".repeat(32);
    std::fs::write(root.join(format!("history/0000000001-{id}.items.json")), "{").unwrap();
    assert_eq!(DataFolio::create(&root).unwrap().revision(), 1);

    // Someone's own files are still not built upon.
    for own in ["models/theirs.pt", "history/notes.txt", "data.csv"] {
        let root = dir.path().join(own.replace('/', "-"));
        std::fs::create_dir_all(root.join(own).parent().unwrap()).unwrap();
        std::fs::write(root.join(own), "x").unwrap();
        assert_eq!(DataFolio::create(&root).unwrap_err().code(), "not-empty", "{own}");
    }
}

/// The README could not be written, and creating the bundle was reported as failed although the bundle was there.
#[test]
fn a_readme_that_cannot_be_written_does_not_fail_the_creation() {
    let dir = scratch();
    let injector = Injector::new();
    let create = |root: &str| {
        let storage = LocalStorage::create(&dir.path().join(root)).unwrap().with_observer(injector.clone());
        OpenOptions::new().create_storage(Arc::new(storage))
    };
    create("first").unwrap();
    let steps = injector.steps();
    let readme = steps.iter().position(|step| step.contains("README.md")).unwrap();
    injector.arm(readme, Fault::Full);
    assert_eq!(create("second").unwrap().revision(), 1);
    assert!(injector.fired().unwrap().contains("README.md"));
}

/// The last sync of a commit failed. The error said, rightly, that the commit was visible; the handle went on seeing the state
/// before, and its next change to the same item was in conflict with its own commit.
#[test]
fn a_handle_sees_its_own_commit_also_when_that_may_not_be_durable() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    DataFolio::create(&root).unwrap();
    let (folio, injector) = observed(&root);
    folio.add("x", json!(0), AddOptions::new()).unwrap();
    injector.disarm();
    folio.add("x", json!(1), AddOptions::new().overwrite()).unwrap();
    let steps = injector.steps();
    let published = steps.iter().position(|step| step.contains("Rename") && step.ends_with("\"items.json\"")).unwrap();
    injector.arm(published + 1, Fault::From(Fault::EIO));
    let error = folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap_err();
    assert_eq!(error.code(), "not-durable", "{:?}", injector.fired());
    injector.disarm();
    assert_eq!((folio.revision(), folio.get_json("x").unwrap()), (4, json!(2)));
    folio.add("x", json!(3), AddOptions::new().overwrite()).unwrap();
}

/// Two processes of ours committed, then Python wrote. The first to commit afterwards took what *its* handle had seen last
/// for the commit before: the other's commits fell out of the history, and the next collection removed them.
#[test]
fn what_others_committed_before_another_program_wrote_stays_in_the_history() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let one = DataFolio::create(&root).unwrap();
    let two = DataFolio::open(&root).unwrap();
    two.add("a", json!(1), AddOptions::new()).unwrap();
    two.add("b", json!(1), AddOptions::new()).unwrap();
    write_as_another_program(&root, "theirs");
    one.add("c", json!(1), AddOptions::new()).unwrap();
    let (ours, theirs) = (CommitKind::Commit, CommitKind::External);
    assert_eq!(log(&one), [(5, ours), (4, theirs), (3, ours), (2, ours), (1, ours)]);
    assert!(!one.at_revision(2).unwrap().contains("b"));
    let changed: Vec<String> = one.log(2).unwrap()[1].changes.items.iter().map(|item| item.name.clone()).collect();
    assert_eq!(changed, ["theirs"]);
}

/// A process died between its history entry and its catalogue; then Python wrote, under the revision that would have been
/// the dead commit's. The log showed the commit that never was, in the place of what Python had done.
#[test]
fn the_entry_of_a_writer_that_died_is_not_history() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    folio.add("before", json!(1), AddOptions::new()).unwrap();
    let sound = std::fs::read(root.join("items.json")).unwrap();
    folio.add("never", json!(1), AddOptions::new()).unwrap();
    // As if the last step had not been.
    std::fs::write(root.join("items.json"), sound).unwrap();
    for round in 0..2 {
        // One writing, and then another: the entry is first as new as the head, then older.
        write_as_another_program(&root, &format!("theirs{round}"));
        let folio = DataFolio::open(&root).unwrap();
        let entries = folio.log(100).unwrap();
        let revisions: Vec<u64> = entries.iter().map(|entry| entry.revision).collect();
        assert_eq!(revisions, [3 + round, 2, 1], "{entries:?}");
        assert!(entries.iter().all(|entry| !entry.operation.contains("never")), "{entries:?}");
    }
    let folio = DataFolio::open(&root).unwrap();
    folio.add("after", json!(1), AddOptions::new()).unwrap();
    let (ours, theirs) = (CommitKind::Commit, CommitKind::External);
    assert_eq!(log(&folio), [(5, ours), (4, theirs), (2, ours), (1, ours)]);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}

/// The collection keeps a full copy of the oldest kept catalogue. It was killed while it wrote that; the next one found a
/// file of the name, took it for the copy, and removed the history that the half of it could not stand in for.
#[test]
fn a_half_written_copy_of_the_catalogue_is_not_relied_upon() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    for n in 0..10 {
        folio.add("x", json!(n), AddOptions::new().overwrite()).unwrap();
    }
    let oldest = folio.log(3).unwrap().entries.pop().unwrap();
    let copy = root.join(format!("history/{:010}-{}.items.json", oldest.revision, oldest.id.unwrap()));
    let whole = std::fs::read(root.join("items.json")).unwrap();
    std::fs::write(&copy, &whole[..whole.len() / 2]).unwrap();
    folio.gc(&strict_gc()).unwrap();
    // Without the head, everything has to come from that copy.
    std::fs::remove_file(root.join("items.json")).unwrap();
    datafolio::repair(&root, &Default::default()).unwrap();
    assert_eq!(DataFolio::open(&root).unwrap().get_json("x").unwrap(), 9);
}

/// While it looked for what was old enough, the collection could not read an entry. It took that for the end of the history,
/// kept no copy, and removed the entries before all the same: what was left had no beginning.
#[test]
fn an_entry_that_cannot_be_read_does_not_end_the_history() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    for n in 0..8 {
        folio.add("x", json!(n), AddOptions::new().overwrite()).unwrap();
    }
    let (folio, injector) = observed(&root);
    injector.disarm();
    folio.gc(&datafolio::GcOptions { apply: false, ..strict_gc() }).unwrap();
    for n in 0..injector.steps().len() {
        injector.arm(n, Fault::Once(Fault::EIO));
        let _ = folio.gc(&strict_gc());
        injector.disarm();
        let report = folio.verify(&VerifyOptions::default()).unwrap();
        assert!(report.is_clean(), "step {n}: {:?}", report.findings);
        assert_eq!(folio.at_revision(7).unwrap().get_json("x").unwrap(), 5, "step {n}");
    }
}

/// The damage hit the commit's own id. The file still named the commit before, as its parent, and repairing went back to
/// that one although the history had the last commit too.
#[test]
fn a_damaged_commit_id_does_not_cost_the_commit() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    for n in 0..4 {
        folio.add("x", json!(n), AddOptions::new().overwrite()).unwrap();
    }
    let id = folio.log(1).unwrap()[0].id.clone().unwrap();
    let path = root.join("items.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(&id, &format!("{}~{}", &id[..9], &id[10..]))).unwrap();
    datafolio::repair(&root, &Default::default()).unwrap();
    assert_eq!(DataFolio::open(&root).unwrap().get_json("x").unwrap(), 3);
}

/// Changing the layout of a 1.x bundle keeps the old catalogue aside. Killed while it wrote that, it took the half for the
/// whole when it came again, and replaced the original.
#[test]
fn a_half_written_copy_of_the_old_catalogue_is_written_again() {
    let (_dir, root) = fixture("bundle-v1");
    let aside = root.with_file_name("before");
    copy_dir(&root, &aside);
    std::fs::create_dir_all(root.join("history/v1")).unwrap();
    std::fs::write(root.join("history/v1/items.json"), "[{").unwrap();
    DataFolio::open(&root).unwrap().set_metadata("changed", true).unwrap();
    for name in ["items.json", "metadata.json"] {
        let (kept, was) = (root.join("history/v1").join(name), aside.join(name));
        assert_eq!(std::fs::read(kept).unwrap(), std::fs::read(was).unwrap(), "{name}");
    }
}
