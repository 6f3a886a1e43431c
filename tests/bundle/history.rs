//! Every commit is on record, and every kept revision can be opened.

use std::time::Duration;

use datafolio::{AddOptions, GcOptions, VerifyOptions};
use serde_json::json;

use crate::support::{new_bundle, reopen, table};

#[test]
fn every_revision_opens_as_it_was() {
    let (_dir, folio) = new_bundle();
    // More commits than lie between two full copies of the catalogue.
    for n in 0..150 {
        folio.add(&format!("item{}", n % 7), json!(n), AddOptions::new().overwrite()).unwrap();
    }
    let folio = reopen(&folio);
    assert_eq!(folio.revision(), 151);
    for revision in [2, 8, 9, 77, 127, 128, 129, 130, 150, 151] {
        let past = folio.at_revision(revision).unwrap();
        let n = revision - 2;
        assert_eq!(past.get_json(&format!("item{}", n % 7)).unwrap(), n, "revision {revision}");
        assert_eq!(past.catalogue().current.len() as u64, (n + 1).min(7));
    }
    assert_eq!(folio.at_revision(152).unwrap_err().code(), "revision-not-found");
    assert_eq!(folio.at_revision(0).unwrap_err().code(), "revision-not-found");
    let log = folio.log(1000).unwrap();
    assert_eq!(log.len(), 151);
    assert_eq!(log[0].operation, "replace item2");
    assert_eq!(log[150].operation, "create the bundle");
    let versions = folio.versions("item0").unwrap();
    assert_eq!(versions.len(), 22);
    assert!(versions[0].current && versions.iter().all(|version| version.available));
    let first = &versions[21];
    assert_eq!((first.version.as_str(), first.revision), ("item0--r2", Some(2)));
    let datafolio::Data::Json(value) = folio.get_version("item0", "item0--r2").unwrap() else { panic!() };
    assert_eq!(value, 0);
}

#[test]
fn undo_takes_back_one_commit_and_can_be_undone() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.add("x", json!(2), AddOptions::new().overwrite()).unwrap();
    folio.set_metadata("k", "v").unwrap();
    // Not the latest, but nothing since has touched it.
    folio.undo(Some(3)).unwrap();
    assert_eq!(folio.get_json("x").unwrap(), 1);
    assert_eq!(folio.metadata()["k"], "v");
    folio.undo(None).unwrap();
    assert_eq!(folio.get_json("x").unwrap(), 2);
    // Revision 3 was touched by the two undos since.
    folio.delete(&["x"]).unwrap();
    assert_eq!(folio.undo(Some(3)).unwrap_err().code(), "cannot-undo");
    folio.undo(None).unwrap();
    assert_eq!(folio.get_json("x").unwrap(), 2);
    assert_eq!(folio.undo(Some(1)).unwrap_err().code(), "cannot-undo");
}

#[test]
fn gc_takes_what_nothing_kept_needs_and_nothing_else() {
    let (_dir, folio) = new_bundle();
    folio.add("t", table(1000), AddOptions::new()).unwrap();
    folio.create_snapshot("v1", Default::default()).unwrap();
    for n in 1..30 {
        folio.add("t", table(1000 + n), AddOptions::new().overwrite()).unwrap();
    }
    let orphan = std::path::Path::new(&folio.location()).join("tables/orphan.parquet");
    std::fs::write(&orphan, "x").unwrap();

    // By default nothing is old enough.
    let report = folio.gc(&GcOptions { apply: true, ..Default::default() }).unwrap();
    assert!(report.payloads.is_empty() && orphan.exists());
    assert_eq!(report.too_young, 1);

    let strict =
        GcOptions { apply: false, grace: Some(Duration::ZERO), retention_days: Some(0), retention_revisions: Some(5) };
    let dry = folio.gc(&strict).unwrap();
    assert!(orphan.exists() && !dry.applied);
    let report = folio.gc(&GcOptions { apply: true, ..strict }).unwrap();
    assert!(!orphan.exists());
    assert_eq!((&report.payloads, report.bytes), (&dry.payloads, dry.bytes));
    assert_eq!(report.oldest_kept_revision, 28);
    // The head, the snapshot, and the four revisions before the head.
    let left = std::fs::read_dir(std::path::Path::new(&folio.location()).join("tables")).unwrap().count();
    assert_eq!(left, 6);
    let folio = reopen(&folio);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
    for revision in 28..=32 {
        folio.at_revision(revision).unwrap().get_table("t").unwrap();
    }
    assert_eq!(
        folio.load_snapshot("v1").unwrap().get_table("t").unwrap().map(|b| b.unwrap().num_rows()).sum::<usize>(),
        1000
    );
}

#[test]
fn disk_usage_counts_shared_files_once() {
    let (_dir, folio) = new_bundle();
    folio.add("t", table(1000), AddOptions::new()).unwrap();
    folio.create_snapshot("v1", Default::default()).unwrap();
    folio.update_item("t", Some("described"), None).unwrap();
    folio.add("t", table(10), AddOptions::new().overwrite()).unwrap();
    let usage = folio.disk_usage().unwrap();
    let item = &usage.items[0];
    assert_eq!(item.name, "t");
    assert!(item.total_bytes > item.current_bytes);
    let lengths: u64 = std::fs::read_dir(std::path::Path::new(&folio.location()).join("tables"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert_eq!(item.total_bytes, lengths);
    assert_eq!(usage.snapshots["v1"].unique_bytes, lengths - item.current_bytes);
    assert_eq!(usage.reclaimable_bytes, 0);
}

#[test]
fn a_gap_in_the_history_is_damage_and_not_its_end() {
    let (_dir, folio) = new_bundle();
    for n in 0..6 {
        folio.add(&format!("item{n}"), json!(n), AddOptions::new()).unwrap();
    }
    let entry = std::fs::read_dir(std::path::Path::new(&folio.location()).join("history"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("0000000004-"))
        .unwrap();
    std::fs::remove_file(entry).unwrap();
    let folio = reopen(&folio);
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    assert!(report.findings.iter().any(|finding| finding.code == "damaged-history"), "{report:?}");
    assert_eq!(folio.log(3).unwrap().len(), 3);
    assert_eq!(folio.log(100).unwrap_err().code(), "damaged-history");
    // Nothing is removed on a guess, and work goes on.
    assert_eq!(folio.gc(&GcOptions::default()).unwrap_err().code(), "damaged-history");
    folio.add("more", json!(1), AddOptions::new()).unwrap();
    assert_eq!(folio.at_revision(6).unwrap().list(true).json_data.len(), 5);
}
