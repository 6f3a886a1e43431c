//! Every commit is on record, and every kept revision can be opened.

use std::time::Duration;

use datafolio::core::history::{HistoryEntry, HistoryFile};
use datafolio::{AddOptions, DataFolio, GcOptions, VerifyOptions};
use serde_json::json;

use crate::support::{history_file, new_bundle, reopen, table};

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
    assert!(first.version.starts_with("item0--r2-") && first.revision == Some(2), "{first:?}");
    let datafolio::Data::Json(value) = folio.get_version("item0", &first.version).unwrap() else { panic!() };
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
    let error = folio.undo(Some(3)).unwrap_err();
    assert_eq!(error.code(), "cannot-undo");
    assert!(error.to_string().contains("revision 7 has changed item 'x' since"), "{error}");
    assert!(error.hint().unwrap().contains("`datafolio undo r7`"), "{error:?}");
    folio.undo(None).unwrap();
    assert_eq!(folio.get_json("x").unwrap(), 2);
    for (revision, reason, hint) in
        [(1, "it created the bundle", "datafolio rm"), (99, "no such revision", "the latest is 8")]
    {
        let error = folio.undo(Some(revision)).unwrap_err();
        assert_eq!(error.code(), "cannot-undo");
        assert!(error.to_string().contains(reason) && error.hint().unwrap().contains(hint), "{error:?}");
    }
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

/// The versions under the old name were not listed, and could not be read under the new one.
#[test]
fn the_versions_of_an_item_are_found_under_its_new_name() {
    let (_dir, folio) = new_bundle();
    folio.add("a", json!(1), AddOptions::new()).unwrap();
    folio.add("a", json!(2), AddOptions::new().overwrite()).unwrap();
    folio.rename("a", "w").unwrap();
    folio.add("w", json!(3), AddOptions::new().overwrite()).unwrap();
    let of = |name: &str| -> Vec<(Option<u64>, bool)> {
        folio.versions(name).unwrap().into_iter().map(|version| (version.revision, version.current)).collect()
    };
    assert_eq!(of("w"), [(Some(5), true), (Some(4), false), (Some(3), false), (Some(2), false)]);
    let first = folio.versions("w").unwrap().pop().unwrap().version;
    let datafolio::Data::Json(value) = folio.get_version("w", &first).unwrap() else { panic!() };
    assert_eq!(value, 1);
    let touched: Vec<u64> = folio.log(100).unwrap().of_item("w").iter().map(|entry| entry.revision).collect();
    assert_eq!(touched, [5, 4, 3, 2]);

    // Nor does undoing a renaming hide any.
    folio.undo(Some(5)).unwrap();
    folio.undo(Some(4)).unwrap();
    assert_eq!(of("a"), [(Some(3), true), (Some(4), false), (Some(5), false), (Some(2), false)]);
    // Another item of the old name does not take them away.
    folio.rename("a", "w").unwrap();
    folio.add("a", json!("other"), AddOptions::new()).unwrap();
    assert!(of("w").contains(&(Some(2), false)), "{:?}", of("w"));
}

/// What was made from the item under its new name listed a name that was gone.
#[test]
fn undoing_a_renaming_takes_along_what_was_made_since() {
    let (_dir, folio) = new_bundle();
    folio.add("a", json!(1), AddOptions::new()).unwrap();
    folio.add("before", json!(1), AddOptions::new().inputs(["a"])).unwrap();
    folio.rename("a", "w").unwrap();
    folio.add("since", json!(1), AddOptions::new().inputs(["w"])).unwrap();
    let undone = folio.undo(Some(4)).unwrap();
    assert!(undone.removed.dependents.is_empty(), "{undone:?}");
    let inputs = |name: &str| folio.item_info(name).unwrap().record["inputs"].clone();
    assert_eq!((inputs("before"), inputs("since")), (json!(["a"]), json!(["a"])));
    assert_eq!(folio.get_json("a").unwrap(), 1);
    // And back again.
    folio.undo(None).unwrap();
    assert_eq!((inputs("before"), inputs("since")), (json!(["w"]), json!(["w"])));
}

#[test]
fn undoing_an_addition_tells_what_was_made_from_it() {
    let (_dir, folio) = new_bundle();
    folio.add("a", json!(1), AddOptions::new()).unwrap();
    folio.add("b", json!(1), AddOptions::new().inputs(["a"])).unwrap();
    let undone = folio.undo(Some(2)).unwrap();
    assert_eq!((undone.revision, undone.removed.names), (2, vec!["a".to_owned()]));
    assert_eq!(undone.removed.dependents["a"], ["b"]);
}

/// One machine's clock was a year slow: what it replaced today counted as old and was removed at once.
#[test]
fn a_slow_clock_does_not_shorten_what_is_kept() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(0), AddOptions::new()).unwrap();
    folio.add("x", json!(1), AddOptions::new().overwrite()).unwrap();
    let folio = with_entry(&folio, 3, |entry| entry.timestamp = "2020-01-01T00:00:00+00:00".to_owned());
    let options =
        GcOptions { apply: true, grace: Some(Duration::ZERO), retention_days: Some(30), retention_revisions: Some(1) };
    assert_eq!(folio.gc(&options).unwrap().oldest_kept_revision, 1);
    assert_eq!(folio.at_revision(2).unwrap().get_json("x").unwrap(), 0);
    // A time that is still to come does not keep what follows for ever.
    let folio = with_entry(&folio, 1, |entry| entry.timestamp = "2020-01-01T00:00:00+00:00".to_owned());
    let folio = with_entry(&folio, 2, |entry| entry.timestamp = "2120-01-01T00:00:00+00:00".to_owned());
    assert_eq!(folio.gc(&options).unwrap().oldest_kept_revision, 3);
}

/// Another machine wrote an entry: with the change, under the same name.
fn with_entry(folio: &DataFolio, revision: u64, change: impl FnOnce(&mut HistoryEntry)) -> DataFolio {
    let path = history_file(folio, revision, HistoryFile::Entry);
    let mut entry = HistoryEntry::parse("", &std::fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut entry);
    std::fs::write(path, entry.encode()).unwrap();
    reopen(folio)
}
