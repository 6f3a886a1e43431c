//! What DataFolio 2.3 does to the history: it writes no commit, and what was before has to be told from what it leaves.

use std::fs;
use std::path::Path;

use datafolio::core::history::HistoryFile::{Checkpoint, Entry};
use datafolio::{AddOptions, CommitKind, DataFolio, Reference, VerifyOptions};
use serde_json::json;
use tempfile::TempDir;

use super::peer::{Peer, Release};
use crate::support::{copy_dir, history_file, new_bundle, reopen};

fn log(folio: &DataFolio) -> Vec<(u64, CommitKind)> {
    reopen(folio).log(100).unwrap().into_iter().map(|entry| (entry.revision, entry.kind)).collect()
}

/// A bundle of revision 3, with what a writer left that died right before it published revision 4.
fn with_a_dead_writer(change: impl FnOnce(&DataFolio)) -> (TempDir, DataFolio) {
    let (dir, folio) = new_bundle();
    folio.add("base", json!(1), AddOptions::new()).unwrap();
    folio.set_metadata("state", "ours").unwrap();
    let (root, aside) = (Path::new(&folio.location()).to_owned(), dir.path().join("aside"));
    copy_dir(&root, &aside);
    change(&DataFolio::open(&aside).unwrap());
    let noted = fs::read(root.join("history/published")).unwrap();
    for part in ["history", "artifacts"] {
        copy_dir(&aside.join(part), &root.join(part));
    }
    // It died before the note that the commit was published.
    fs::write(root.join("history/published"), noted).unwrap();
    (dir, folio)
}

/// What 2.3 wrote afterwards had no version of that revision, which would have said that the commit never was. The log showed
/// it, and it could be opened.
#[test]
fn a_commit_that_never_was_is_no_history_whatever_2_3_writes() {
    type Dies = fn(&DataFolio);
    let deaths: [(&str, Dies); 5] = [
        ("add", |folio| drop(folio.add("dead", json!(1), AddOptions::new()).unwrap())),
        ("overwrite", |folio| drop(folio.add("base", json!(2), AddOptions::new().overwrite()).unwrap())),
        ("describe", |folio| folio.update_item("base", Some("dead"), None).unwrap()),
        ("delete", |folio| drop(folio.delete(&["base"]).unwrap())),
        ("set", |folio| folio.set_metadata("state", "dead").unwrap()),
    ];
    for (what, dies) in deaths {
        let (_dir, folio) = with_a_dead_writer(dies);
        let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
        peer.get("folio.metadata['k'] = 1");
        peer.get("folio.metadata['k2'] = 2");
        let (ours, theirs) = (CommitKind::Commit, CommitKind::External);
        assert_eq!(log(&folio), [(5, theirs), (3, ours), (2, ours), (1, ours)], "{what}");
        let error = reopen(&folio).at_revision(4).unwrap_err();
        assert_eq!(error.code(), "revision-not-found", "{what}");
        let folio = reopen(&folio);
        folio.add("after", json!(1), AddOptions::new()).unwrap();
        assert_eq!(log(&folio), [(6, ours), (5, theirs), (3, ours), (2, ours), (1, ours)], "{what}");
        assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean(), "{what}");
    }
}

/// What 2.3 has removed or replaced was there all the same.
#[test]
fn a_commit_that_2_3_took_back_stays_in_the_history() {
    type Ours = fn(&DataFolio);
    let cases: [(&str, Ours, &str); 6] = [
        // Everything is as before then, and only the note tells that something was.
        ("unset", |folio| folio.set_metadata("state", "ours").unwrap(), "del folio.metadata['state']"),
        ("deleted", |folio| drop(folio.add("x", json!(1), AddOptions::new()).unwrap()), "folio.delete('x')"),
        (
            "replaced",
            |folio| drop(folio.add("x", json!(1), AddOptions::new()).unwrap()),
            "folio.add('x', 2, overwrite=True)",
        ),
        (
            "edited",
            |folio| drop(folio.add("x", json!(1), AddOptions::new()).unwrap()),
            "folio.update_item('x', description='theirs')",
        ),
        ("described", |folio| folio.update_item("base", Some("ours"), None).unwrap(), "folio.add('y', 1)"),
        (
            "restored",
            |folio| drop(folio.add("x", json!(1), AddOptions::new()).unwrap()),
            "folio.restore_snapshot('s', confirm=True)",
        ),
    ];
    for (what, change, python) in cases {
        let (_dir, folio) = new_bundle();
        folio.add("base", json!(1), AddOptions::new()).unwrap();
        folio.create_snapshot("s", Default::default()).unwrap();
        change(&folio);
        let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
        peer.get(python);
        peer.get("folio.metadata['k'] = 1");
        let (ours, theirs) = (CommitKind::Commit, CommitKind::External);
        let expected = [(7, ours), (6, theirs), (4, ours), (3, ours), (2, ours), (1, ours)];
        assert_eq!(log(&folio), expected[1..], "{what}");
        reopen(&folio).add("after", json!(1), AddOptions::new()).unwrap();
        assert_eq!(log(&folio), expected, "{what}");
    }
}

/// Each time that 2.3 had written in between, three catalogues went into the history: all of the text was new.
#[test]
fn writing_in_turn_with_2_3_costs_what_was_changed() {
    let (_dir, folio) = new_bundle();
    let mut batch = folio.batch().unwrap();
    for n in 0..2000 {
        let reference = Reference {
            path: format!("file:///nowhere/{n}.parquet"),
            table_format: "parquet".to_owned(),
            num_rows: None,
            version: None,
            timestamp: None,
        };
        batch.add(&format!("table{n}"), reference, AddOptions::new()).unwrap();
    }
    batch.commit().unwrap();
    folio.add("ours", json!(0), AddOptions::new()).unwrap();
    let catalogue = fs::metadata(Path::new(&folio.location()).join("items.json")).unwrap().len();
    assert!(catalogue > 400_000, "{catalogue}");
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    for round in 0..3u64 {
        peer.get(&format!("folio.refresh(); folio.add('theirs{round}', {round})"));
        // Another process, and the one that wrote before.
        let other = reopen(&folio);
        let handle = if round == 1 { &other } else { &folio };
        handle.refresh().unwrap();
        handle.add("ours", json!(round), AddOptions::new().overwrite()).unwrap();
        for revision in [4 + 2 * round, 5 + 2 * round] {
            let entry = fs::metadata(history_file(&folio, revision, Entry)).unwrap().len();
            assert!(entry < 8_000, "revision {revision}: {entry}");
        }
    }
    let history = Path::new(&folio.location()).join("history");
    let sizes = fs::read_dir(history).unwrap().map(|file| file.unwrap().metadata().unwrap().len());
    // The copies of revisions 1 and 2, and the entry that added it all.
    assert!(sizes.sum::<u64>() < 3 * catalogue);
    let folio = reopen(&folio);
    assert!(
        folio
            .verify(&VerifyOptions { read_data: true, ..VerifyOptions::default() })
            .unwrap()
            .findings
            .iter()
            .all(|found| !found.code.contains("history") && !found.code.contains("catalogue"))
    );
    for revision in 4..=9 {
        let past = folio.at_revision(revision).unwrap();
        assert_eq!(past.contains("theirs1"), revision >= 6, "revision {revision}");
    }
    // A text that is new for the most part is kept as a copy alone.
    peer.get("folio.refresh()\nwith folio.batch():\n    for n in range(2000): folio.update_item(f'table{n}', description='d' * 200)");
    folio.refresh().unwrap();
    folio.add("ours", json!(9), AddOptions::new().overwrite()).unwrap();
    let entry = fs::metadata(history_file(&folio, 10, Entry)).unwrap().len();
    let copy = fs::metadata(history_file(&folio, 10, Checkpoint)).unwrap().len();
    assert!(entry < copy, "{entry} {copy}");
    assert!(!folio.at_revision(9).unwrap().item_info("table7").unwrap().record.contains_key("description"));
}

/// The log showed it, and undoing said that there was no such thing.
#[test]
fn what_2_3_has_just_written_can_be_undone() {
    let (_dir, folio) = new_bundle();
    folio.add("ours", json!(1), AddOptions::new()).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    peer.get("folio.add('theirs', 1)");
    peer.get("folio.metadata['k'] = 1");
    for revision in [None, Some(5)] {
        let folio = reopen(&folio);
        let before = folio.contains("theirs");
        folio.undo(revision).unwrap();
        assert_eq!(folio.contains("theirs"), !before);
        assert_eq!(folio.metadata().contains_key("k"), !before);
    }
    let (ours, theirs) = (CommitKind::Commit, CommitKind::External);
    assert_eq!(log(&folio), [(6, ours), (5, ours), (4, theirs), (2, ours), (1, ours)]);
}
