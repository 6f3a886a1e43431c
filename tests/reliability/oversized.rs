//! Files of the bundle's own that are larger than any that is read (promise: they are damage like any other, and cost neither
//! memory nor the good history).

use std::fs::{self, OpenOptions};
use std::path::Path;

use datafolio::{AddOptions, DataFolio, ErrorCategory, RepairOptions, VerifyOptions, repair};
use serde_json::json;

use super::scratch;

/// More than a catalogue may have. The files are sparse, so that they take no room.
const TOO_LARGE: u64 = 5 << 30;

fn grow(path: &Path) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(TOO_LARGE).unwrap();
}

fn assert_kept(root: &Path, kept_aside: &[String]) {
    assert_eq!(kept_aside.len(), 1, "{kept_aside:?}");
    assert_eq!(fs::metadata(root.join(&kept_aside[0])).unwrap().len(), TOO_LARGE);
}

/// It was read whole, and then refused for its size.
#[test]
fn a_catalogue_larger_than_any_is_put_aside_and_the_history_is_gone_back_to() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    drop(folio);
    grow(&root.join("items.json"));

    let error = DataFolio::open(&root).unwrap_err();
    assert_eq!(error.code(), "too-large");
    assert!(error.hint().unwrap().contains("datafolio repair"), "{:?}", error.hint());
    // As it is, it cannot be taken; nothing is done to it.
    let error = repair(&root, &RepairOptions { accept: true, ..RepairOptions::default() }).unwrap_err();
    assert_eq!((error.code(), error.category()), ("too-large", ErrorCategory::InvalidInput));
    assert_eq!(fs::metadata(root.join("items.json")).unwrap().len(), TOO_LARGE);

    let report = repair(&root, &RepairOptions::default()).unwrap();
    assert!(report.problem.as_ref().unwrap().contains("5368709120 bytes"), "{report:?}");
    assert_eq!(report.revision, 4, "{report:?}");
    assert_kept(&root, &report.kept_aside);
    let folio = DataFolio::open(&root).unwrap();
    assert_eq!(folio.get_json("x").unwrap(), 2);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
    assert_eq!(repair(&root, &RepairOptions::default()).unwrap().problem, None);
}

#[test]
fn without_a_history_a_catalogue_larger_than_any_stays_where_it_is() {
    let dir = scratch();
    let root = dir.path().join("bundle");
    DataFolio::create(&root).unwrap().add("x", json!(1), AddOptions::new()).unwrap();
    fs::remove_dir_all(root.join("history")).unwrap();
    grow(&root.join("items.json"));
    assert_eq!(repair(&root, &RepairOptions::default()).unwrap_err().code(), "damaged-catalogue");
    assert_eq!(fs::metadata(root.join("items.json")).unwrap().len(), TOO_LARGE);
}

#[test]
fn entries_and_copies_of_the_history_larger_than_any_are_put_aside_and_written_again() {
    for kind in [".json", ".items.json"] {
        let dir = scratch();
        let root = dir.path().join("bundle");
        let folio = DataFolio::create(&root).unwrap();
        folio.add("x", json!(1), AddOptions::new()).unwrap();
        folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
        drop(folio);
        let files = fs::read_dir(root.join("history")).unwrap().map(|file| file.unwrap().path());
        let is_copy = |path: &Path| path.to_str().unwrap().ends_with(".items.json");
        let mut files: Vec<_> = files
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .filter(|path| is_copy(path) == (kind == ".items.json"))
            .collect();
        files.sort();
        assert!(!files.is_empty(), "{kind}");
        grow(files.last().unwrap());
        let report = repair(&root, &RepairOptions::default()).unwrap();
        assert!(report.problem.is_some(), "{kind}");
        assert_kept(&root, &report.kept_aside);
        let folio = DataFolio::open(&root).unwrap();
        assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean(), "{kind}");
        assert_eq!(folio.at_revision(2).unwrap().get_json("x").unwrap(), 1, "{kind}");
    }
}
