//! What is known of a bundle whose history is damaged or has a gap.

use std::fs;
use std::path::Path;
use std::time::Duration;

use datafolio::core::history::HistoryFile::{Checkpoint, Entry};
use datafolio::{AddOptions, DataFolio, GcOptions, Severity, VerifyOptions, VerifyReport};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{copy_dir, flip_a_bit, history_file, new_bundle, reopen};

/// A bundle of revisions 1 to `last`; revision *n* makes `x` *n*.
fn counted(last: u64) -> (TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    for n in 2..=last {
        folio.add("x", json!(n), AddOptions::new().overwrite()).unwrap();
    }
    (dir, folio)
}

fn verify(folio: &DataFolio) -> VerifyReport {
    reopen(folio).verify(&VerifyOptions::default()).unwrap()
}

fn has_damage(folio: &DataFolio) -> bool {
    let report = verify(folio);
    report.findings.iter().any(|found| found.code == "damaged-history" && found.severity == Severity::Damage)
}

fn everything() -> GcOptions {
    GcOptions { apply: true, grace: Some(Duration::ZERO), ..GcOptions::default() }
}

fn files(folio: &DataFolio) -> usize {
    ["history", "artifacts"]
        .iter()
        .map(|dir| fs::read_dir(Path::new(&folio.location()).join(dir)).unwrap().count())
        .sum()
}

fn revisions(folio: &DataFolio) -> Vec<u64> {
    folio.log(100).unwrap().iter().map(|entry| entry.revision).collect()
}

/// The next commit made a normal end of the gap: the check found nothing, and the collection removed all that was before.
#[test]
fn a_gap_in_the_history_stays_one_after_the_next_commit() {
    let (_dir, folio) = counted(6);
    fs::remove_file(history_file(&folio, 6, Entry)).unwrap();
    for next in 7..9 {
        let folio = reopen(&folio);
        assert!(has_damage(&folio), "before revision {next}");
        let before = files(&folio);
        assert_eq!(folio.gc(&everything()).unwrap_err().code(), "damaged-history");
        assert_eq!(files(&folio), before);
        folio.add("x", json!(next), AddOptions::new().overwrite()).unwrap();
    }
    let folio = reopen(&folio);
    assert!(has_damage(&folio));
    // What is on record is told, and the rest can be opened all the same.
    let log = folio.log(100).unwrap();
    assert_eq!(revisions(&folio), [8, 7, 5, 4, 3, 2, 1]);
    assert_eq!(log.breaks.iter().map(|found| found.revision).collect::<Vec<_>>(), [6]);
    assert!(log.breaks[0].reason.contains("missing"), "{:?}", log.breaks);
    for revision in 2..=8 {
        assert_eq!(folio.at_revision(revision).unwrap().get_json("x").unwrap(), revision);
    }
    // Once the gap lies behind what is kept, it goes with the rest.
    let kept = GcOptions { retention_days: Some(0), retention_revisions: Some(2), ..everything() };
    assert_eq!(folio.gc(&kept).unwrap().oldest_kept_revision, 7);
    assert!(verify(&folio).is_clean());
    assert_eq!(revisions(&folio), [8, 7]);
}

/// A collection that is interrupted leaves a history with an end, wherever that is.
#[test]
fn an_interrupted_collection_leaves_no_gap() {
    let (dir, folio) = counted(12);
    let root = Path::new(&folio.location()).to_owned();
    let options = GcOptions { retention_days: Some(0), retention_revisions: Some(4), ..everything() };
    let plan = folio.gc(&GcOptions { apply: false, ..options.clone() }).unwrap();
    assert!(plan.history.len() > 8);
    // It begins with what it makes itself: the copies of the catalogue that are to stay.
    let done = dir.path().join("done");
    copy_dir(&root, &done);
    DataFolio::open(&done).unwrap().gc(&options).unwrap();
    for copy in fs::read_dir(done.join("history")).unwrap() {
        let name = copy.unwrap().file_name();
        fs::copy(done.join("history").join(&name), root.join("history").join(&name)).unwrap();
    }
    for path in &plan.history {
        let report = verify(&folio);
        assert!(report.is_clean(), "before {path}: {:?}", report.findings);
        assert!(reopen(&folio).log(100).unwrap().breaks.is_empty(), "before {path}");
        fs::remove_file(root.join(path)).unwrap();
    }
    assert!(verify(&folio).is_clean());
    assert_eq!(revisions(&reopen(&folio)), [12, 11, 10, 9]);
}

/// A history that was lost as a whole, or not copied, ends where it begins again.
#[test]
fn a_bundle_without_its_history_begins_a_new_one() {
    let (_dir, folio) = counted(4);
    fs::remove_dir_all(Path::new(&folio.location()).join("history")).unwrap();
    let folio = reopen(&folio);
    assert!(verify(&folio).is_clean());
    folio.add("x", json!(5), AddOptions::new().overwrite()).unwrap();
    folio.add("x", json!(6), AddOptions::new().overwrite()).unwrap();
    assert!(verify(&folio).is_clean());
    assert_eq!(revisions(&folio), [6, 5]);
    folio.gc(&everything()).unwrap();
    assert_eq!(folio.at_revision(5).unwrap().get_json("x").unwrap(), 5);
}

/// One flipped bit in an old entry took the whole log with it, and every revision before.
#[test]
fn a_damaged_entry_costs_what_it_says_and_nothing_else() {
    for broken in [2, 3, 7, 9, 10] {
        let (_dir, folio) = counted(10);
        flip_a_bit(&history_file(&folio, broken, Entry));
        let folio = reopen(&folio);
        let log = folio.log(100).unwrap();
        let expected: Vec<u64> = (1..=10).rev().filter(|revision| *revision != broken).collect();
        assert_eq!(revisions(&folio), expected, "{broken}");
        assert_eq!(log.breaks.iter().map(|found| found.revision).collect::<Vec<_>>(), [broken]);
        assert_eq!(log.breaks[0].code, "damaged-history");
        for revision in 2..=10 {
            let past = folio.at_revision(revision).unwrap_or_else(|error| panic!("{broken}, {revision}: {error}"));
            assert_eq!(past.get_json("x").unwrap(), revision, "{broken}");
        }
        let usage = folio.disk_usage().unwrap();
        assert!(usage.items[0].versions.len() >= 8);
        assert_eq!((usage.history_breaks.len(), usage.reclaimable_bytes), (1, 0));
        assert!(folio.versions("x").unwrap().len() >= 8);
        assert!(has_damage(&folio));
        assert_eq!(folio.gc(&everything()).unwrap_err().code(), "damaged-history");
        // A commit on the far side can still be undone when nothing has touched its items since.
        assert_eq!(folio.undo(Some(broken)).unwrap_err().code(), "damaged-history");
    }
}

/// Several in a row: what lies between is looked for.
#[test]
fn damaged_entries_one_after_the_other() {
    let (_dir, folio) = counted(12);
    for revision in [5, 6, 8] {
        fs::remove_file(history_file(&folio, revision, Entry)).unwrap();
    }
    let folio = reopen(&folio);
    assert_eq!(revisions(&folio), [12, 11, 10, 9, 7, 4, 3, 2, 1]);
    for revision in [1, 2, 3, 4, 8, 9, 12] {
        folio.at_revision(revision).unwrap();
    }
    // Between two breaks there is neither a way back nor one forward.
    assert_eq!(folio.at_revision(5).unwrap_err().code(), "damaged-history");
    assert_eq!(folio.at_revision(7).unwrap_err().code(), "damaged-history");
}

/// The copies of the catalogue were never read. When one was damaged nobody knew, and there was no other.
#[test]
fn a_damaged_copy_of_the_catalogue_is_found_and_is_not_the_only_one() {
    let (_dir, folio) = counted(6);
    let (first, second) = (history_file(&folio, 1, Checkpoint), history_file(&folio, 2, Checkpoint));
    let sound = fs::read(&second).unwrap();
    for copy in [&second, &first] {
        flip_a_bit(copy);
        assert!(has_damage(&folio), "{}", copy.display());
        if copy == &second {
            fs::write(&second, &sound).unwrap();
        }
    }
    let quick = VerifyOptions { read_data: false, ..VerifyOptions::default() };
    assert!(reopen(&folio).verify(&quick).unwrap().is_clean());
    // Of one that is gone the quick look knows too; as long as there is another way, nothing is lost.
    fs::rename(&second, second.with_extension("aside")).unwrap();
    let report = reopen(&folio).verify(&quick).unwrap();
    assert_eq!((report.is_clean(), report.findings[0].code.as_str()), (true, "missing-copy"));
    assert!(has_damage(&folio), "the copy of revision 1 is damaged, and there is no other");
    fs::rename(second.with_extension("aside"), &second).unwrap();

    let path = Path::new(&folio.location()).join("items.json");
    fs::write(&path, "{").unwrap();
    datafolio::repair(folio.location(), &Default::default()).unwrap();
    assert_eq!(reopen(&folio).get_json("x").unwrap(), 6);
}

/// After a collection of garbage there are two copies as well.
#[test]
fn what_a_collection_leaves_has_two_copies_of_the_catalogue() {
    let (_dir, folio) = counted(20);
    let options = GcOptions { retention_days: Some(0), retention_revisions: Some(5), ..everything() };
    folio.gc(&options).unwrap();
    let copies = [16, 20].map(|revision| history_file(&folio, revision, Checkpoint));
    for copy in copies {
        let sound = fs::read(&copy).unwrap();
        flip_a_bit(&copy);
        let head = Path::new(&folio.location()).join("items.json");
        let catalogue = fs::read(&head).unwrap();
        fs::write(&head, "{").unwrap();
        datafolio::repair(folio.location(), &Default::default()).unwrap();
        assert_eq!(reopen(&folio).get_json("x").unwrap(), 20);
        fs::write(&copy, sound).unwrap();
        fs::write(&head, catalogue).unwrap();
    }
}

/// A difference between two catalogues that does not lead to what was published, in an entry that is otherwise whole.
#[test]
fn the_way_from_the_last_copy_to_the_head_is_walked() {
    let (_dir, folio) = counted(5);
    let path = history_file(&folio, 4, Entry);
    let mut entry = datafolio::core::history::HistoryEntry::parse("", &fs::read_to_string(&path).unwrap()).unwrap();
    entry.patch.as_mut().unwrap().pop();
    fs::write(&path, entry.encode()).unwrap();
    assert!(has_damage(&folio));
}

/// A damaged file of a kept old revision was only found by whoever opened the revision.
#[test]
fn the_files_of_kept_revisions_are_read() {
    let (_dir, folio) = counted(4);
    let path = folio.at_revision(3).unwrap().item_path("x").unwrap();
    fs::write(&path, "9").unwrap();
    let report = verify(&folio);
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    let found = &report.findings[0];
    assert_eq!((found.severity, found.code.as_str()), (Severity::Lost, "damaged-payload"));
    assert_eq!(found.item.as_deref(), Some("x"));
    assert_eq!((report.versions, report.read), (3, 2), "revisions 2 to 4");
    let quick = VerifyOptions { read_data: false, ..VerifyOptions::default() };
    assert!(folio.verify(&quick).unwrap().is_clean(), "the quick look reads nothing");
    fs::remove_file(&path).unwrap();
    for options in [quick, VerifyOptions::default()] {
        let report = folio.verify(&options).unwrap();
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
        assert_eq!((report.findings[0].severity, report.findings[0].code.as_str()), (Severity::Lost, "lost-version"));
    }
}
