//! DataFolio 1.3 writes to a bundle of 2.x: it has no check of the version, and drops revision, metadata and snapshots.

use datafolio::{AddOptions, CommitKind, DataFolio, RepairOptions, repair};
use serde_json::{Value, json};

use super::peer::{Peer, Release};
use super::read_by_2_3::assert_same_items;
use super::sample::sample;
use crate::fixtures::manifest;
use crate::support::rows;

#[test]
fn a_repair_brings_back_what_1_3_drops() {
    let Some(sample) = sample() else { return };
    let place = sample.place();
    let (before, revision) = (manifest(&place), sample.folio.revision());
    let snapshots: Vec<(&str, Value)> = {
        let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
        let mut read = |name| peer.get(&format!("reading.items(datafolio.DataFolio.load_snapshot(path, '{name}'))"));
        ["v1", "v2"].map(|name| (name, read(name))).into()
    };
    let Some(mut old) = Peer::open(Release::V1_3, &place) else { return };
    assert_eq!(old.get("[folio.list_snapshots(), dict(folio.metadata)]"), json!([[], {}]));
    old.get("folio.add_json('from_1_3', {'a': 1})");
    old.get("folio.add_table('rich', pd.DataFrame({'z': [1, 2]}), overwrite=True)");
    old.get("folio.add_json('object', 'replaced', overwrite=True)");
    old.get("folio.update_item('classifier', description='by 1.3')");
    old.get("folio.metadata['note'] = 'by 1.3'");
    old.get("folio.create_snapshot('v2')");
    old.get("folio.add_table('rich', pd.DataFrame({'z': [3]}), overwrite=True)");
    drop(old);
    assert_eq!(manifest(&place).as_object().unwrap().keys().collect::<Vec<_>>(), ["items"]);

    // The handle that was open all the time sees it as well.
    for folio in [&sample.folio, &sample.reopen()] {
        let error = folio.add("x", json!(1), AddOptions::new()).unwrap_err();
        assert_eq!(error.code(), "damaged-by-1x", "{error}");
    }
    let report = repair(&place, &RepairOptions::default()).unwrap();
    assert!(report.problem.is_some() && report.revision > revision);

    let folio = sample.reopen();
    assert!(folio.warnings().is_empty(), "{:?}", folio.warnings());
    for (name, snapshot) in before["snapshots"].as_object().unwrap() {
        assert_eq!(Value::Object(folio.snapshot_info(name).unwrap().fields), *snapshot, "{name}");
    }
    for (name, items) in &snapshots {
        assert_same_items(&folio.load_snapshot(name).unwrap(), items);
    }
    assert_eq!(folio.metadata()["state"], before["metadata"]["state"]);
    assert_eq!(folio.metadata()["note"], "by 1.3");
    // What 1.3 did stays done.
    assert_eq!(folio.get_json("from_1_3").unwrap(), json!({"a": 1}));
    assert_eq!(folio.get_json("object").unwrap(), "replaced");
    assert_eq!(rows(&folio, "rich"), 1);
    assert_eq!(folio.item_info("classifier").unwrap().description(), Some("by 1.3"));
    assert_eq!(rows(&folio.load_snapshot("v2-by-1.3").unwrap(), "rich"), 2);
    let log = folio.log(2).unwrap();
    assert_eq!((log[0].kind, log[1].revision), (CommitKind::Repair, revision));

    // And 2.3 has a bundle again.
    let mut peer = Peer::open(Release::V2_3, &place).unwrap();
    assert_eq!(peer.get("folio.is_valid()"), true);
    assert_eq!(peer.get("folio.cleanup_orphaned_versions(dry_run=True)"), json!([]));
    for (name, items) in &snapshots {
        let theirs = peer.get(&format!("reading.items(datafolio.DataFolio.load_snapshot(path, '{name}'))"));
        for (item, value) in items.as_object().unwrap() {
            if value.get("error").is_none() {
                assert_eq!(theirs[item], *value, "{name} {item}");
            }
        }
    }
    folio.add("x", json!(1), AddOptions::new()).unwrap();
}

/// Without a commit of ours in its past there is no history: what 2.3 had pinned is held by snapshots of our own.
#[test]
fn without_a_history_no_payload_is_lost() {
    let (_dir, place) = crate::support::fixture("bundle-v2");
    let before = manifest(&place);
    let Some(mut old) = Peer::open(Release::V1_3, &place) else { return };
    old.get("folio.add_json('from_1_3', 1)");
    drop(old);
    assert_eq!(DataFolio::open(&place).unwrap().delete(&["notes"]).unwrap_err().code(), "damaged-by-1x");
    repair(&place, &RepairOptions::default()).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    peer.get("folio.cleanup_orphaned_versions()");
    for entry in before["items"].as_array().unwrap() {
        let Some(file) = entry.get("filename").and_then(Value::as_str) else { continue };
        let dir = match entry["item_type"].as_str().unwrap() {
            "included_table" => "tables",
            "model" => "models",
            _ => "artifacts",
        };
        assert!(place.join(dir).join(file).exists(), "{file}");
    }
}
