//! Repairing the history of a bundle whose catalogue is sound (promise: damage to it costs what nobody can know any more, and
//! nothing else).

use std::fs;
use std::path::{Path, PathBuf};

use datafolio::{AddOptions, CommitKind, DataFolio, RepairOptions, RepairReport, VerifyOptions, repair};
use serde_json::json;
use tempfile::TempDir;

use super::regressions::write_as_another_program;
use super::scratch;
use super::workload::{plain, strict_gc};
use crate::support::copy_dir;

/// Nine revisions, of which another program made the sixth; `x` has the number of its revision.
fn bundle() -> (TempDir, PathBuf) {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    let put = |revision: u64| folio.add("x", json!(revision), AddOptions::new().overwrite()).unwrap();
    put(2);
    put(3);
    folio.create_snapshot("s", plain()).unwrap();
    put(5);
    write_as_another_program(&root, "theirs");
    folio.refresh().unwrap();
    put(7);
    put(8);
    put(9);
    assert_eq!(folio.revision(), 9);
    (dir, root)
}

/// What `x` was at each revision.
fn value_at(revision: u64) -> u64 {
    match revision {
        4 => 3,
        6 => 5,
        other => other,
    }
}

/// The entries and copies.
fn history(root: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(root.join("history")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn damage(path: &Path, how: &str) {
    let mut bytes = fs::read(path).unwrap();
    match how {
        "flipped" => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            fs::write(path, &bytes).unwrap();
        }
        "cut" => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
        "emptied" => fs::write(path, "").unwrap(),
        _ => fs::remove_file(path).unwrap(),
    }
}

fn repaired(root: &Path) -> RepairReport {
    repair(root, &RepairOptions::default()).unwrap()
}

/// Opens the bundle, which must be in order from this revision on.
fn assert_mended(root: &Path, oldest: u64, newest: u64, what: &str) {
    let folio = DataFolio::open(root).unwrap();
    assert_eq!((folio.revision(), folio.get_json("x").unwrap()), (newest, json!(9)), "{what}");
    assert_eq!(folio.load_snapshot("s").unwrap().get_json("x").unwrap(), 3, "{what}");
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_clean(), "{what}: {:?}", report.findings);
    let log: Vec<u64> = folio.log(100).unwrap().iter().map(|entry| entry.revision).collect();
    assert_eq!(log, (oldest..=newest).rev().collect::<Vec<_>>(), "{what}");
    for revision in oldest.max(2)..=9 {
        let past = folio.at_revision(revision).unwrap_or_else(|error| panic!("{what}: {revision}: {error}"));
        assert_eq!(past.get_json("x").unwrap(), value_at(revision), "{what}: {revision}");
    }
    let again = repaired(root);
    assert_eq!((again.problem, again.revision), (None, newest), "{what}");
    folio.add("after", json!(1), AddOptions::new()).unwrap();
    folio.gc(&strict_gc()).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(folio.load_snapshot("s").unwrap().get_json("x").unwrap(), 3, "{what}");
    assert_eq!(folio.at_revision(newest).unwrap().get_json("x").unwrap(), 9, "{what}");
}

/// One flipped bit in an old entry ended the history, and garbage collection with it; there was "nothing to repair".
#[test]
fn any_one_file_of_the_history_is_written_again_from_its_neighbours() {
    let (_dir, root) = bundle();
    let before = DataFolio::open(&root).unwrap().log(100).unwrap();
    for (index, path) in history(&root).into_iter().enumerate() {
        for how in ["flipped", "cut", "emptied", "gone"] {
            let name = path.file_name().unwrap().to_str().unwrap();
            let what = format!("{name} {how}");
            if how == "gone" && name.starts_with("0000000001-") && !name.contains(".items.") {
                // As after a collection of garbage: nothing before it is left.
                continue;
            }
            let copy = root.with_file_name(format!("copy-{index}-{how}"));
            copy_dir(&root, &copy);
            let hit = copy.join("history").join(name);
            damage(&hit, how);
            let damaged = fs::read(&hit).ok();
            let report = repaired(&copy);
            assert!(report.problem.as_ref().is_some_and(|problem| problem.contains(name)), "{what}: {report:?}");
            assert_eq!(report.kept_aside.first().map(|path| fs::read(copy.join(path)).unwrap()), damaged, "{what}");
            let folio = DataFolio::open(&copy).unwrap();
            let after = folio.log(100).unwrap();
            assert_eq!((after[0].kind, after[0].changes.items.len()), (CommitKind::Repair, 0), "{what}");
            for (now, was) in after[1..].iter().zip(&before) {
                assert_eq!((now.revision, &now.id), (was.revision, &was.id), "{what}");
                let text = |entry: &datafolio::LogEntry| serde_json::to_string(&entry.changes).unwrap();
                assert_eq!((text(now), &now.timestamp), (text(was), &was.timestamp), "{what}");
            }
            assert_mended(&copy, 1, 10, &what);
        }
    }
}

/// What is damaged on both sides cannot be known any more. The history begins behind it.
#[test]
fn two_neighbours_that_are_damaged_end_the_history_there() {
    let (_dir, root) = bundle();
    for (index, pair) in [[2u64, 3], [3, 4], [7, 8]].into_iter().enumerate() {
        let copy = root.with_file_name(format!("copy-{index}"));
        copy_dir(&root, &copy);
        for path in history(&copy) {
            let revision: u64 = path.file_name().unwrap().to_str().unwrap()[..10].parse().unwrap();
            if pair.contains(&revision) {
                damage(&path, "flipped");
            }
        }
        let what = format!("{pair:?}");
        let report = repaired(&copy);
        assert!(report.action.as_ref().unwrap().contains(&format!("begins with revision {}", pair[1])), "{report:?}");
        let error = DataFolio::open(&copy).unwrap().at_revision(pair[0]).unwrap_err();
        assert_eq!(error.code(), "revision-not-found", "{what}");
        assert_mended(&copy, pair[1], 10, &what);
    }
}

/// The head is Python's: it names no commit, and the chain has to be found.
#[test]
fn a_history_below_a_head_of_another_program_is_mended() {
    let (_dir, root) = bundle();
    write_as_another_program(&root, "theirs");
    let hit = history(&root).into_iter().find(|path| path.to_str().unwrap().contains("/0000000003-")).unwrap();
    damage(&hit, "flipped");
    let report = repaired(&root);
    assert_eq!(report.revision, 11, "{report:?}");
    assert_mended(&root, 1, 11, "external head");
}

/// Whatever is damaged of the history: what is current and what snapshots hold stays, and time goes on.
#[test]
fn however_much_of_the_history_is_damaged_the_bundle_is_in_order_afterwards() {
    let (_dir, root) = bundle();
    let files = history(&root);
    for bits in 0..40usize {
        let copy = root.with_file_name(format!("copy-{bits}"));
        copy_dir(&root, &copy);
        let mut hit = 0;
        for (index, path) in files.iter().enumerate() {
            // Patterns without order, the same in every run.
            let number = (bits * 31 + index * 17 + bits * index * 7) % 11;
            if number < 4 {
                let how = ["flipped", "cut", "emptied", "gone"][number];
                damage(&copy.join("history").join(path.file_name().unwrap()), how);
                hit += 1;
            }
        }
        let report = repaired(&copy);
        let what = format!("{bits}, {hit} files: {report:?}");
        let folio = DataFolio::open(&copy).unwrap();
        assert_eq!(folio.get_json("x").unwrap(), 9, "{what}");
        assert_eq!(folio.load_snapshot("s").unwrap().get_json("x").unwrap(), 3, "{what}");
        assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean(), "{what}");
        for entry in folio.log(100).unwrap() {
            assert!(entry.revision == 1 || folio.at_revision(entry.revision).is_ok(), "{what}: {}", entry.revision);
        }
        assert_eq!(repaired(&copy).problem, None, "{what}");
        folio.add("after", json!(1), AddOptions::new()).unwrap();
        folio.gc(&strict_gc()).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}
