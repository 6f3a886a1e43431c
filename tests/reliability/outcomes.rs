//! What a writer is told when the storage does not tell it what became of its commit.

use std::path::Path;
use std::sync::Arc;

use datafolio::storage::LocalStorage;
use datafolio::{AddOptions, DataFolio, Error, OpenOptions, VerifyOptions};
use datafolio_testkit::faults::{Fault, Injector};
use serde_json::json;

use super::scratch;
use super::workload::strict_gc;

fn observed(root: &Path) -> (DataFolio, Arc<Injector>) {
    let injector = Injector::new();
    let storage = LocalStorage::open(root).unwrap().with_observer(injector.clone());
    (OpenOptions::new().open_storage(Arc::new(storage)).unwrap(), injector)
}

/// A bundle with one item, and a handle whose next commit has the fault where the catalogue is renamed.
fn about_to_fail(root: &Path, fault: Fault) -> (DataFolio, Arc<Injector>) {
    DataFolio::create(root).unwrap();
    let (folio, injector) = observed(root);
    folio.add("x", json!(0), AddOptions::new()).unwrap();
    injector.disarm();
    folio.add("x", json!(1), AddOptions::new().overwrite()).unwrap();
    let steps = injector.steps();
    let renamed = steps.iter().position(|step| step.contains("Rename") && step.ends_with("\"items.json\"")).unwrap();
    injector.arm(renamed, fault);
    (folio, injector)
}

#[test]
fn a_commit_that_may_have_been_made_keeps_its_files_and_is_reported_as_unknown() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let (folio, injector) = about_to_fail(&root, Fault::AfterApplyThenFrom(Fault::EIO));
    let error = folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap_err();
    injector.disarm();
    let Error::CommitUnknown { revision: 4, commit, .. } = &error else { panic!("{error:?}") };
    assert!(error.to_string().contains(commit) && error.to_string().contains("revision 4"), "{error}");
    assert!(error.hint().unwrap().contains("datafolio log"));

    // It was made, and all that it needs is there.
    let other = DataFolio::open(&root).unwrap();
    assert_eq!((other.revision(), other.get_json("x").unwrap()), (4, json!(2)));
    assert_eq!(other.log(1).unwrap()[0].id.as_ref(), Some(commit));
    assert!(other.verify(&VerifyOptions::default()).unwrap().is_clean());
    // The handle does not take its own commit for nothing: repeated, it is a conflict.
    assert_eq!(folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap_err().code(), "conflict");
    folio.refresh().unwrap();
    folio.add("x", json!(3), AddOptions::new().overwrite()).unwrap();
    assert_eq!(folio.revision(), 5);
}

#[test]
fn a_commit_that_is_reported_as_unknown_and_was_not_made_can_be_repeated() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let (folio, injector) = about_to_fail(&root, Fault::From(Fault::EIO));
    let error = folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap_err();
    injector.disarm();
    assert_eq!(error.code(), "commit-unknown", "{error}");
    assert_eq!(DataFolio::open(&root).unwrap().get_json("x").unwrap(), json!(1));
    folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    assert_eq!((folio.revision(), folio.get_json("x").unwrap()), (4, json!(2)));
    // What was kept for the commit that never was is garbage like any other.
    let report = DataFolio::open(&root).unwrap().gc(&strict_gc()).unwrap();
    assert!(report.payloads.len() == 1 && !report.history.is_empty(), "{report:?}");
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}

#[test]
fn a_rename_whose_answer_was_lost_is_a_commit_like_any_other() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let (folio, injector) = about_to_fail(&root, Fault::AfterApply(Fault::EIO));
    folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    assert!(injector.fired().is_some());
    assert_eq!(DataFolio::open(&root).unwrap().get_json("x").unwrap(), json!(2));
}
