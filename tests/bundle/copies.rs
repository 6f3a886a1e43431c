//! Copies and exports: whole, or not there.

use std::fs;
use std::path::Path;

use datafolio::{AddOptions, CopyOptions, DataFolio, ExportOptions, SnapshotOptions, VerifyOptions};
use serde_json::json;

use crate::support::{new_bundle, table};

/// A bundle of which one payload is gone.
fn with_a_gap() -> (tempfile::TempDir, DataFolio, std::path::PathBuf) {
    let (dir, folio) = new_bundle();
    folio.add("first", table(3), AddOptions::new()).unwrap();
    folio.add("ns/deep/second", json!(2), AddOptions::new()).unwrap();
    folio.add("third", json!(3), AddOptions::new()).unwrap();
    folio.create_snapshot("s", SnapshotOptions::default()).unwrap();
    let payload = folio.item_path("third").unwrap();
    fs::rename(&payload, dir.path().join("aside")).unwrap();
    (dir, folio, payload)
}

#[test]
fn a_copy_that_fails_leaves_nothing_and_can_be_made_again() {
    let (dir, folio, payload) = with_a_gap();
    let aside = dir.path().join("aside");
    let (new, empty, export) = (dir.path().join("new"), dir.path().join("empty"), dir.path().join("export"));
    fs::create_dir(&empty).unwrap();
    type Make = fn(&DataFolio, &Path) -> datafolio::Result<DataFolio>;
    let copy: Make = |folio, target| folio.copy(target, &CopyOptions::default());
    let exported: Make = |folio, target| folio.export_snapshot("s", target, &ExportOptions::default());
    for (target, make) in [(&new, copy), (&empty, copy), (&export, exported)] {
        assert_eq!(make(&folio, target).unwrap_err().code(), "missing-payload");
        assert_eq!(target.exists(), target == &empty, "{}", target.display());
    }
    assert!(fs::read_dir(&empty).unwrap().next().is_none());
    // Damage is found while it is copied.
    fs::write(&payload, "4").unwrap();
    assert!(copy(&folio, &new).is_err() && !new.exists());

    fs::rename(&aside, &payload).unwrap();
    for (target, make) in [(&new, copy), (&empty, copy), (&export, exported)] {
        let made = make(&folio, target).unwrap();
        assert_eq!(made.get_json("third").unwrap(), 3);
        assert!(made.verify(&VerifyOptions::default()).unwrap().is_clean());
    }
}

#[test]
fn a_copy_never_removes_what_was_there() {
    let (dir, folio, _) = with_a_gap();
    let target = dir.path().join("taken");
    let other = DataFolio::create(&target).unwrap();
    other.add("x", json!(1), AddOptions::new()).unwrap();
    assert_eq!(folio.copy(&target, &CopyOptions::default()).unwrap_err().code(), "bundle-exists");
    assert_eq!(DataFolio::open(&target).unwrap().get_json("x").unwrap(), 1);
}

/// What a URL names is what its path names: a copy into the bundle itself, and a directory that was there before.
#[test]
fn a_target_may_be_named_by_a_url() {
    let (dir, folio, _) = with_a_gap();
    let url = |path: &Path| format!("file://{}", path.display());
    let inside = url(&Path::new(&folio.location()).join("copy"));
    let error = folio.copy(&inside, &CopyOptions::default()).unwrap_err();
    assert!(error.to_string().contains("lies in the bundle"), "{error}");

    let there = dir.path().join("there");
    fs::create_dir(&there).unwrap();
    assert_eq!(folio.copy(url(&there), &CopyOptions::default()).unwrap_err().code(), "missing-payload");
    assert!(there.is_dir(), "a directory that was there is removed with a copy that failed");
}

#[test]
fn what_is_archived_does_not_come_along_with_what_was_made_from_it() {
    let (dir, folio) = new_bundle();
    folio.add("raw", json!(1), AddOptions::new()).unwrap();
    folio.add("old", json!(2), AddOptions::new().inputs(["raw"])).unwrap();
    folio.add("made", json!(3), AddOptions::new().inputs(["old"])).unwrap();
    folio.archive(&["old"]).unwrap();
    let names = |target: &str, include_archived| {
        let include = Some(vec!["made".to_owned()]);
        let options = CopyOptions { include, follow_lineage: true, include_archived, ..Default::default() };
        let copy = folio.copy(dir.path().join(target), &options).unwrap();
        copy.catalogue().current.keys().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(names("without", false), ["raw", "made"]);
    assert_eq!(names("with", true), ["raw", "old", "made"]);
}

/// A name that is misspelt would copy what was to stay behind.
#[test]
fn items_to_include_or_exclude_must_be_there() {
    let (dir, folio) = new_bundle();
    folio.add("secret", json!(1), AddOptions::new()).unwrap();
    let names = Some(vec!["secrets".to_owned()]);
    for options in [
        CopyOptions { include: names.clone(), ..Default::default() },
        CopyOptions { exclude: names.clone(), ..Default::default() },
    ] {
        assert_eq!(folio.copy(dir.path().join("copy"), &options).unwrap_err().code(), "item-not-found");
        assert!(!dir.path().join("copy").exists());
    }
}
