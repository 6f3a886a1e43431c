//! Version ids across programs that count revisions each in its own way, and input versions that only one of them knows.

use datafolio::{AddOptions, CopyOptions, DataFolio, ExportOptions, SnapshotOptions, VerifyOptions};
use serde_json::json;
use std::path::Path;

use super::peer::{Peer, Release};
use crate::support::{new_bundle, reopen};

fn overwrite() -> AddOptions {
    AddOptions::new().overwrite()
}

/// Overwrites `x` until its revisions have passed all that its ids tell of, pins every version, goes back step by step.
/// Snapshots must show what they showed, all the way.
fn no_snapshot_changes(copy: &Path) {
    let folio = DataFolio::open(copy).unwrap();
    let original = folio.get_json("x").unwrap();
    let begun = folio.revision();
    let pin = |name: &str| folio.create_snapshot(name, SnapshotOptions::default()).unwrap();
    for round in 0..6 {
        folio.add("x", json!([round]), overwrite()).unwrap();
        if round % 2 == 0 {
            pin(&format!("keep{round}"));
        }
    }
    let assert_kept = |folio: &DataFolio| {
        for round in [0, 2, 4] {
            let past = folio.load_snapshot(&format!("keep{round}")).unwrap();
            assert_eq!(past.get_json("x").unwrap(), json!([round]));
        }
    };
    assert_kept(&folio);
    for revision in (begun + 1..=folio.revision()).rev() {
        // The snapshots are to stay.
        if folio.log(100).unwrap().iter().any(|e| e.revision == revision && e.operation.contains("snapshot")) {
            continue;
        }
        folio.undo(Some(revision)).unwrap();
        assert_kept(&folio);
        assert_kept(&reopen(&folio));
    }
    assert_eq!(folio.get_json("x").unwrap(), original);
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
    let Some(mut peer) = Peer::open(Release::V2_3, copy) else { return };
    for round in [0, 2, 4] {
        let call = format!("datafolio.DataFolio.load_snapshot(path, 'keep{round}').get('x')");
        assert_eq!(peer.get(&call), json!([round]));
    }
    assert_eq!(peer.get("folio.is_valid()"), true);
}

/// A copy counts revisions anew, and its versions bring the ids of their source.
#[test]
fn snapshots_in_a_copy_never_change_though_revisions_come_again() {
    let (dir, folio) = new_bundle();
    for round in 0..4 {
        folio.add("x", json!(round), overwrite()).unwrap();
    }
    folio.create_snapshot("s", SnapshotOptions::default()).unwrap();
    let place = |name: &str| dir.path().join(name);
    folio.copy(place("copy"), &CopyOptions::default()).unwrap();
    no_snapshot_changes(&place("copy"));
    folio.export_snapshot("s", place("export"), &ExportOptions::default()).unwrap();
    no_snapshot_changes(&place("export"));

    let Some(mut peer) = Peer::open(Release::V2_3, place("theirs")) else { return };
    for round in 0..4 {
        peer.get(&format!("folio.add('x', {round}, overwrite=True)"));
    }
    peer.get("folio.create_snapshot('s')");
    peer.get(&format!("folio.export_snapshot('s', {:?}); None", place("their export")));
    peer.get(&format!("folio.copy({:?}); None", place("their copy")));
    no_snapshot_changes(&place("their export"));
    no_snapshot_changes(&place("their copy"));
}

/// In a copy of its own, 2.3 gives the id and the file name of a version that it has deleted to another content.
#[test]
fn a_version_whose_file_2_3_gave_to_another_one_does_not_come_back() {
    let (dir, _) = new_bundle();
    let Some(mut source) = Peer::open(Release::V2_3, dir.path().join("source")) else { return };
    for round in 0..4 {
        source.get(&format!("folio.add('x', {round}, overwrite=True)"));
    }
    let place = dir.path().join("copy");
    source.get(&format!("folio.copy({place:?}); None"));
    let folio = DataFolio::open(&place).unwrap();
    // From here on the history has the version of the source.
    folio.add("other", json!(1), AddOptions::new()).unwrap();
    let (revision, first) = (folio.revision(), folio.item_info("x").unwrap());

    let mut peer = Peer::open(Release::V2_3, &place).unwrap();
    let again = (0..4).find(|round| {
        peer.get(&format!("folio.add('x', 'again {round}', overwrite=True)"));
        peer.get("folio.item_info('x')['version_id']") == json!(first.version)
    });
    assert!(again.is_some(), "2.3 does not give {} again", first.version);
    folio.refresh().unwrap();
    let now = folio.item_info("x").unwrap();
    assert_eq!((&now.version, &now.record["filename"]), (&first.version, &first.record["filename"]));
    folio.create_snapshot("keep", SnapshotOptions::default()).unwrap();
    let kept = folio.get_json("x").unwrap();

    let by_2_3 = folio
        .log(100)
        .unwrap()
        .into_iter()
        .find(|entry| entry.revision > revision && entry.operation.contains("another"));
    let error = folio.undo(Some(by_2_3.unwrap().revision)).unwrap_err();
    assert_eq!(error.code(), "payload-gone", "{error}");
    assert_eq!(reopen(&folio).get_json("x").unwrap(), kept);
    assert_eq!(folio.load_snapshot("keep").unwrap().get_json("x").unwrap(), kept);
}

/// 2.3 changes `inputs` and does not know that versions are recorded beside them.
#[test]
fn versions_of_inputs_that_2_3_took_away_are_forgotten() {
    let (_dir, folio) = new_bundle();
    for name in ["a", "b", "c"] {
        folio.add(name, json!(name), AddOptions::new()).unwrap();
    }
    folio.add("made", json!(1), AddOptions::new().inputs(["a", "b"])).unwrap();
    let b = folio.item_info("b").unwrap().version;
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    peer.get("folio.update_item('made', inputs=['b', 'c'])");
    assert_eq!(peer.get("sorted(folio.item_info('made')['input_versions'])"), json!(["a", "b"]), "2.3 leaves them");
    folio.refresh().unwrap();
    let recorded = |folio: &DataFolio| folio.item_info("made").unwrap().record["input_versions"].clone();
    assert_eq!(recorded(&folio), json!({"b": b}), "as it is read");
    folio.update_item("made", Some("edited"), None).unwrap();
    assert_eq!(recorded(&folio), json!({"b": b}));
    assert_eq!(peer.get("folio.item_info('made')['input_versions']"), json!({"b": b}), "as it is written");
    peer.get("folio.update_item('made', inputs=['c'])");
    folio.refresh().unwrap();
    folio.rename("c", "d").unwrap();
    assert_eq!(folio.item_info("made").unwrap().record.get("input_versions"), None);
    assert_eq!(peer.get("folio.item_info('made')['inputs']"), json!(["d"]));
}
