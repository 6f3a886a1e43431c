//! Files that both programs write, and what becomes of those that only one of them knows.

use std::fs;
use std::time::Duration;

use datafolio::{
    AddOptions, CommitKind, CopyOptions, DataFolio, ExportOptions, GcOptions, OpenOptions, Settings, SnapshotOptions,
    VerifyOptions,
};
use serde_json::json;

use super::peer::{Peer, Release};
use super::read_by_2_3::assert_same_items;
use super::sample::sample;
use crate::fixtures::manifest;
use crate::support::{new_bundle, reopen, rows, table};

/// Keeps nothing but what the head needs.
fn strict() -> GcOptions {
    GcOptions { apply: true, grace: Some(Duration::ZERO), retention_days: Some(0), retention_revisions: Some(1) }
}

fn clean(folio: &DataFolio) -> bool {
    folio.verify(&VerifyOptions::default()).unwrap().is_clean()
}

/// The page for people is the same, whoever wrote it last. 2.3 leaves carriage returns in it, which end a row there.
#[test]
fn contents_md_is_that_of_2_3() {
    let Some(sample) = sample() else { return };
    sample.folio.update_item("object", Some("one\r\ntwo | three\nfour"), None).unwrap();
    let page = || fs::read_to_string(sample.place().join("CONTENTS.md")).unwrap();
    let revision = sample.folio.revision();
    let ours = page();
    let Some(mut peer) = Peer::open(Release::V2_3, sample.place()) else { return };
    peer.get("folio._write_contents()");
    assert_eq!(ours, page().replace('\r', ""));
    assert!(ours.contains("one two \\| three four"), "{ours}");
    peer.get("folio.metadata['x'] = 1");
    assert_eq!(page().replace('\r', ""), ours.replace(&format!("**{revision}**"), &format!("**{}**", revision + 1)));
}

/// What 2.3 opens of ours it also checks, and goes back in.
#[test]
fn our_copies_exports_and_restored_bundles_are_bundles_of_2_3() {
    let Some(sample) = sample() else { return };
    let place = |name: &str| sample.dir.path().join(name);
    let all = CopyOptions { include_archived: true, ..Default::default() };
    sample.folio.copy(place("copied"), &all).unwrap();
    sample.folio.export_snapshot("v1", place("exported"), &ExportOptions::default()).unwrap();
    sample.folio.create_snapshot("before", SnapshotOptions::default()).unwrap();
    sample.folio.restore_snapshot("v1").unwrap();
    for target in [place("copied"), place("exported"), sample.place()] {
        let Some(mut peer) = Peer::open(Release::V2_3, &target) else { return };
        let folio = DataFolio::open(&target).unwrap();
        assert_same_items(&folio, &peer.get("reading.items(folio)"));
        assert_eq!(peer.get("folio.is_valid()"), true);
        peer.get("folio.create_snapshot('theirs')");
        peer.get("folio.add('number', 'replaced', overwrite=True); folio.delete('rich')");
        peer.get("folio.restore_snapshot('theirs', confirm=True)");
        assert_eq!(peer.get("folio.is_valid()"), true);
        assert_same_items(&DataFolio::open(&target).unwrap(), &peer.get("reading.items(folio)"));
        assert!(folio.snapshot_info("theirs").is_err() && reopen(&folio).snapshot_info("theirs").is_ok());
    }
    let mut peer = Peer::open(Release::V2_3, sample.place()).unwrap();
    peer.get("folio.restore_snapshot('before', confirm=True)");
    assert_eq!(peer.get("folio.get('later')"), json!([1, 2]));
    assert_eq!(peer.get("folio.is_valid()"), true);
}

/// 2.3 deletes a payload and does not know of the checksums beside it.
#[test]
fn block_checksums_without_their_payload_are_collected() {
    let Some(sample) = sample() else { return };
    let blocks = |folio: &DataFolio| -> usize {
        let tables = std::path::Path::new(&folio.location()).join("tables");
        fs::read_dir(tables)
            .unwrap()
            .filter(|f| f.as_ref().unwrap().path().to_str().unwrap().ends_with(".blocks"))
            .count()
    };
    let folio = sample.folio.copy(sample.dir.path().join("copy"), &CopyOptions::default()).unwrap();
    let payload = folio.item_path("big").unwrap();
    assert_eq!(blocks(&folio), 1);
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    peer.get("folio.delete('big')");
    assert!(!payload.exists());
    assert_eq!(blocks(&folio), 1);
    let folio = reopen(&folio);
    folio.add("ours", json!(1), AddOptions::new()).unwrap();
    let report = folio.gc(&strict()).unwrap();
    assert_eq!(blocks(&folio), 0, "{report:?}");
    assert!(clean(&folio));
    assert_eq!(peer.get("folio.is_valid()"), true);
}

/// Items of a type that neither knows, such as another program's.
#[test]
fn unknown_types_survive_what_2_3_does() {
    let (_dir, folio) = new_bundle();
    folio.add("known", json!(1), AddOptions::new()).unwrap();
    let place = std::path::PathBuf::from(folio.location());
    let mut catalogue = manifest(&place);
    catalogue.as_object_mut().unwrap().shift_remove("commit");
    let odd = json!({"name": "odd", "item_type": "of_the_future", "filename": "odd.xyz", "novel": {"deep": [1]},
                     "created_at": "2026-01-01T00:00:00+00:00", "version_id": "odd--r2", "is_current": true});
    catalogue["items"].as_array_mut().unwrap().push(odd);
    fs::write(place.join("items.json"), catalogue.to_string()).unwrap();
    fs::write(place.join("artifacts/odd.xyz"), b"future").unwrap();
    let folio = reopen(&folio);
    folio.create_snapshot("s", SnapshotOptions::default()).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    let assert_kept = |what: &str| {
        let past = reopen(&folio).load_snapshot("s").unwrap();
        let info = past.item_info("odd").unwrap();
        assert_eq!(
            (info.item_type.as_str(), &info.record["novel"]),
            ("of_the_future", &json!({"deep": [1]})),
            "{what}"
        );
        assert_eq!(fs::read(place.join("artifacts/odd.xyz")).unwrap(), b"future", "{what}");
    };
    for step in [
        "folio.add('known', 2, overwrite=True)",
        "folio.update_item('odd', description='by 2.3')",
        "folio.restore_snapshot('s', confirm=True)",
        "folio.delete('odd')",
        "folio.cleanup_orphaned_versions()",
        "folio.restore_snapshot('s', confirm=True)",
    ] {
        peer.get(step);
        assert_kept(step);
    }
    let folio = reopen(&folio);
    folio.add("ours", json!(1), AddOptions::new()).unwrap();
    folio.gc(&strict()).unwrap();
    assert_kept("ours");
    assert!(reopen(&folio).contains("odd"));
}

/// Revisions of 2.3 between ours are kept and collected as ours are.
#[test]
fn retention_and_collection_reach_across_external_entries() {
    let (_dir, folio) = new_bundle();
    let overwrite = || AddOptions::new().overwrite();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    for round in 0..3 {
        folio.add("ours", json!([round]), overwrite()).unwrap();
        peer.get(&format!("folio.refresh(); folio.add('theirs', [{round}], overwrite=True)"));
        folio.refresh().unwrap();
    }
    folio.create_snapshot("s", SnapshotOptions::default()).unwrap();
    folio.add("ours", json!("last"), overwrite()).unwrap();
    let kinds = |folio: &DataFolio| -> Vec<CommitKind> { folio.log(99).unwrap().iter().map(|e| e.kind).collect() };
    assert_eq!(kinds(&folio).iter().filter(|kind| **kind == CommitKind::External).count(), 3);

    // Kept are the head and what it replaced, back over one entry of theirs.
    let keep = GcOptions { retention_revisions: Some(3), ..strict() };
    folio.gc(&keep).unwrap();
    let folio = reopen(&folio);
    let kept = kinds(&folio);
    assert!(kept.contains(&CommitKind::External) && kept.len() < 8, "{kept:?}");
    let revisions: Vec<u64> = folio.log(99).unwrap().iter().map(|entry| entry.revision).collect();
    for revision in &revisions {
        folio.at_revision(*revision).unwrap();
    }
    assert_eq!(folio.load_snapshot("s").unwrap().get_json("theirs").unwrap(), json!([2]));
    assert_eq!(folio.load_snapshot("s").unwrap().get_json("ours").unwrap(), json!([2]));
    folio.gc(&strict()).unwrap();
    let folio = reopen(&folio);
    assert!(clean(&folio));
    assert_eq!(folio.load_snapshot("s").unwrap().get_json("ours").unwrap(), json!([2]));
    peer.get("folio.refresh(); folio.add('theirs', 'again', overwrite=True)");
    folio.refresh().unwrap();
    folio.add("ours", json!("again"), overwrite()).unwrap();
    assert_eq!(kinds(&reopen(&folio))[..2], [CommitKind::Commit, CommitKind::External]);
    assert_eq!(peer.get("folio.is_valid()"), true);
}

/// The history before is out of reach; what 2.3 wrote is recorded all the same.
#[test]
fn a_write_of_2_3_upon_a_broken_chain_becomes_external() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    let place = std::path::PathBuf::from(folio.location());
    let last = fs::read_dir(place.join("history")).unwrap().map(|f| f.unwrap().path()).max().unwrap();
    let mut text = fs::read(&last).unwrap();
    let middle = text.len() / 2;
    text[middle] ^= 1;
    fs::write(&last, text).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    peer.get("folio.add('y', 2)");
    let folio = reopen(&folio);
    folio.add("z", json!(3), AddOptions::new()).unwrap();
    let log = reopen(&folio).log(2).unwrap();
    assert_eq!((log[0].kind, log[1].kind), (CommitKind::Commit, CommitKind::External));
    assert_eq!((log[0].revision, log[1].revision), (4, 3));
    let past = folio.at_revision(3).unwrap();
    assert_eq!((past.get_json("x").unwrap(), past.get_json("y").unwrap()), (json!(1), json!(2)));
    assert_eq!(peer.get("folio.refresh(); folio.get('z')"), 3);
}

/// A file that was checked once is checked again when it was written since, though name and size are the same.
#[test]
fn the_cache_of_checked_files_notices_what_2_3_rewrites() {
    let (dir, folio) = new_bundle();
    let mut settings = Settings::default();
    settings.cache_dir = Some(dir.path().join("cache"));
    let open = || OpenOptions::new().settings(settings.clone()).open(folio.location()).unwrap();
    let ours = open();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    peer.get("folio.add('big', np.arange(500_000))");
    ours.refresh().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    ours.get("big").unwrap();
    open().get("big").unwrap();
    // In place, by numpy: as long as before.
    peer.get("np.save(folio.item_path('big'), np.arange(500_000)[::-1].copy())");
    for folio in [&ours, &open()] {
        assert_eq!(folio.get("big").unwrap_err().code(), "damaged-payload");
    }
    // By its own means: a new version, and a file that was not there.
    peer.get("folio.add('big', np.arange(500_000) + 1, overwrite=True)");
    ours.refresh().unwrap();
    ours.get("big").unwrap();
    ours.add("table", table(2), AddOptions::new()).unwrap();
    assert_eq!(rows(&ours, "table"), 2);
}
