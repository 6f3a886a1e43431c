//! Somebody puts an older catalogue of ours in the place of the head (promise: what was committed after it is not lost unnoticed).

use std::fs;
use std::path::{Path, PathBuf};

use datafolio::{AddOptions, DataFolio, Finding, RepairOptions, RepairReport, VerifyOptions, repair};
use serde_json::json;
use tempfile::TempDir;

use super::scratch;
use super::workload::strict_gc;

struct Bundle {
    _dir: TempDir,
    root: PathBuf,
    /// What `items.json` was at each revision, from the first on.
    texts: Vec<Vec<u8>>,
}

impl Bundle {
    /// A bundle of some revisions, each with another value of `x` and an item of its own.
    fn of(revisions: usize) -> Self {
        let dir = scratch();
        let root = dir.path().join("bundle");
        let folio = DataFolio::create(&root).unwrap();
        let mut bundle = Self { _dir: dir, root, texts: Vec::new() };
        bundle.texts.push(bundle.text());
        while bundle.texts.len() < revisions {
            bundle.commit(&folio);
        }
        bundle
    }

    fn text(&self) -> Vec<u8> {
        fs::read(self.root.join("items.json")).unwrap()
    }

    fn commit(&mut self, folio: &DataFolio) {
        let mut batch = folio.batch().unwrap();
        let revision = self.texts.len() + 1;
        batch.add("x", json!(revision), AddOptions::new().overwrite()).unwrap();
        batch.add(&format!("of_r{revision}"), json!(revision), AddOptions::new()).unwrap();
        batch.commit().unwrap();
        self.texts.push(self.text());
    }

    fn put_back(&self, revision: usize) -> DataFolio {
        fs::write(self.root.join("items.json"), &self.texts[revision - 1]).unwrap();
        self.open()
    }

    fn open(&self) -> DataFolio {
        DataFolio::open(&self.root).unwrap()
    }

    fn repair(&self) -> RepairReport {
        repair(&self.root, &RepairOptions::default()).unwrap()
    }

    fn accept(&self) -> RepairReport {
        repair(&self.root, &RepairOptions { accept: true, ..RepairOptions::default() }).unwrap()
    }
}

fn findings(folio: &DataFolio) -> Vec<Finding> {
    folio.verify(&VerifyOptions::default()).unwrap().findings
}

/// The one finding, which must be that of an older catalogue.
fn told(folio: &DataFolio) -> String {
    let found = findings(folio);
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(finding.code, "older-catalogue");
    finding.message.clone()
}

fn all_files(root: &Path) -> Vec<PathBuf> {
    let dirs = ["artifacts", "history"].map(|dir| fs::read_dir(root.join(dir)).unwrap());
    let mut files: Vec<PathBuf> = dirs.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Nothing said so, gc deleted what the later commits had brought, and the way back was gone.
#[test]
fn what_was_committed_after_it_is_named_and_kept_and_comes_back() {
    for back in [1, 4, 7] {
        let bundle = Bundle::of(9);
        let files = all_files(&bundle.root);
        let folio = bundle.put_back(back);
        let message = told(&folio);
        for part in [
            &format!("items.json is of revision {back}, and the history has revisions {} to 9", back + 1),
            "`datafolio repair` brings revision 9 back",
            "`datafolio repair --accept` stays",
        ] {
            assert!(message.contains(part), "{message}");
        }
        let report = folio.gc(&strict_gc()).unwrap();
        assert_eq!(report.later_revisions, (back as u64 + 1..=9).collect::<Vec<_>>());
        assert_eq!((report.payloads.len(), report.history.len(), report.bytes), (0, 0, 0), "{report:?}");
        assert_eq!(all_files(&bundle.root), files);

        let report = bundle.repair();
        assert_eq!(report.action.as_deref(), Some("went forward to revision 9"), "{report:?}");
        assert_eq!((report.revision, report.missing.len(), report.given_up.len()), (10, 0, 0), "{report:?}");
        assert_eq!(fs::read(bundle.root.join(&report.kept_aside[0])).unwrap(), bundle.texts[back - 1]);
        let folio = bundle.open();
        assert_eq!(findings(&folio).len(), 0);
        assert_eq!((folio.get_json("x").unwrap(), folio.get_json("of_r9").unwrap()), (json!(9), json!(9)));
        for revision in 2..=9 {
            assert_eq!(folio.at_revision(revision).unwrap().get_json("x").unwrap(), revision);
        }
        assert_eq!(folio.log(usize::MAX).unwrap().entries.len(), 10);
        assert_eq!(folio.gc(&strict_gc()).unwrap().later_revisions, [0; 0]);
    }
}

/// A writer that dies while it commits leaves an entry right above the head.
#[test]
fn the_entry_of_a_writer_that_died_is_no_sign_of_it() {
    let mut bundle = Bundle::of(5);
    let folio = bundle.put_back(4);
    assert_eq!(findings(&folio).len(), 0);
    assert_eq!(bundle.repair().problem, None);
    // Nor is it after commits, and beside one more.
    bundle.texts.truncate(4);
    bundle.commit(&folio);
    bundle.commit(&folio);
    let folio = bundle.put_back(5);
    assert_eq!(findings(&folio).len(), 0);
    assert_eq!(folio.gc(&strict_gc()).unwrap().later_revisions, [0; 0]);
    // And at the very beginning.
    let bundle = Bundle::of(2);
    assert_eq!(findings(&bundle.put_back(1)).len(), 0);
}

#[test]
fn an_older_catalogue_stays_when_the_user_says_so() {
    let bundle = Bundle::of(8);
    bundle.put_back(3);
    let report = bundle.accept();
    assert_eq!((report.revision, report.action.as_deref()), (9, Some("items.json was taken as it is")), "{report:?}");
    let folio = bundle.open();
    assert_eq!((folio.get_json("x").unwrap(), folio.contains("of_r8")), (json!(3), false));
    assert_eq!(findings(&folio).len(), 0);
    // What came after it counts no more.
    let collected = folio.gc(&strict_gc()).unwrap();
    assert!(collected.payloads.iter().any(|path| path.starts_with("artifacts/of_r8--")), "{collected:?}");
    assert_eq!(findings(&bundle.open()).len(), 0);
    assert_eq!(bundle.repair().problem, None);
}

/// Commits were made upon the older state before anyone looked. Neither side is given up without being asked for.
#[test]
fn states_that_have_parted_are_for_the_user_to_choose_from() {
    let start = || {
        let mut bundle = Bundle::of(8);
        let old = bundle.texts.clone();
        let folio = bundle.put_back(3);
        bundle.texts.truncate(3);
        folio.add("since", json!(1), AddOptions::new()).unwrap();
        bundle.commit(&folio);
        let message = told(&bundle.open());
        for part in ["of revision 5", "revisions 4 to 8", "`datafolio repair --accept` stays", "move items.json away"] {
            assert!(message.contains(part), "{message}");
        }
        let files = all_files(&bundle.root);
        assert_eq!(folio.gc(&strict_gc()).unwrap().later_revisions, [4, 5, 6, 7, 8]);
        let error = repair(&bundle.root, &RepairOptions::default()).unwrap_err();
        assert_eq!(error.code(), "older-catalogue");
        assert_eq!((all_files(&bundle.root), old.len()), (files, 8));
        bundle
    };
    let bundle = start();
    assert_eq!(bundle.accept().revision, 9);
    let folio = bundle.open();
    assert_eq!((folio.get_json("since").unwrap(), folio.contains("of_r8")), (json!(1), false));
    assert_eq!(findings(&folio).len(), 0);

    let bundle = start();
    fs::rename(bundle.root.join("items.json"), bundle.root.with_extension("aside")).unwrap();
    let report = bundle.repair();
    assert_eq!(report.action.as_deref(), Some("went back to revision 8"), "{report:?}");
    let folio = bundle.open();
    assert_eq!((folio.get_json("x").unwrap(), folio.contains("since")), (json!(8), false));
    assert_eq!(findings(&folio).len(), 0);

    // When only the last of the old commits is still above, it builds upon another commit than the head.
    let mut bundle = start();
    let folio = bundle.open();
    while bundle.texts.len() < 6 {
        bundle.texts.push(Vec::new());
    }
    bundle.commit(&folio);
    bundle.commit(&folio);
    assert_eq!(folio.revision(), 7);
    assert!(told(&bundle.open()).contains("revisions 4 to 8"));
}

/// The later state has lost files that an earlier one does not need, as after a collection by an older release.
#[test]
fn later_states_whose_files_are_gone_are_given_up_by_name() {
    let bundle = Bundle::of(6);
    for path in all_files(&bundle.root) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let holds = |number: u32| fs::read_to_string(&path).is_ok_and(|text| text == number.to_string());
        if name.starts_with("of_r6--") || (name.starts_with("x--") && holds(6)) {
            fs::remove_file(&path).unwrap();
        }
    }
    bundle.put_back(3);
    let report = bundle.repair();
    assert_eq!(report.action.as_deref(), Some("went forward to revision 5"), "{report:?}");
    assert_eq!(report.given_up, ["revision 6: 2 of its files are gone"]);
    assert_eq!(bundle.open().get_json("x").unwrap(), 5);
}

/// It went to the newest line of commits, and said nothing of the other one.
#[test]
fn another_line_of_commits_is_not_given_up_unsaid() {
    let mut bundle = Bundle::of(7);
    let folio = bundle.put_back(4);
    let all = bundle.texts.split_off(4);
    bundle.commit(&folio);
    bundle.commit(&folio);
    bundle.texts.extend_from_slice(&all[2..]);
    let message = told(&bundle.put_back(4));
    assert!(message.contains("revisions 5 to 7") && message.contains("in no state alone"), "{message}");
    assert_eq!(repair(&bundle.root, &RepairOptions::default()).unwrap_err().code(), "older-catalogue");
    assert_eq!(bundle.accept().revision, 8);
}

/// An ordinary backup, older than what a collection has kept: nothing was committed to it, and nobody can tell.
#[test]
fn a_backup_from_before_the_history_is_not_said_to_have_been_committed_to() {
    let bundle = Bundle::of(13);
    let folio = bundle.open();
    let collected = folio.gc(&datafolio::GcOptions {
        apply: true,
        retention_days: Some(0),
        retention_revisions: Some(3),
        ..strict_gc()
    });
    assert!(!collected.unwrap().history.is_empty());
    // Its own files were collected as well.
    let found = findings(&bundle.put_back(3));
    let message = &found.iter().find(|finding| finding.code == "older-catalogue").unwrap().message;
    assert!(message.contains("entries between are missing") && message.contains("--accept"), "{message}");
    assert_eq!(repair(&bundle.root, &RepairOptions::default()).unwrap_err().code(), "older-catalogue");
    fs::rename(bundle.root.join("items.json"), bundle.root.with_extension("aside")).unwrap();
    assert_eq!(bundle.repair().action.as_deref(), Some("went back to revision 13"));
}
