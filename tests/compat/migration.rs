//! A bundle of 1.x that one side changes to the layout of 2.x, and the other goes on with.

use datafolio::{AddOptions, DataFolio};
use serde_json::{Value, json};

use super::peer::{Peer, Release};
use crate::fixtures::{Expected, assert_item, assert_pins, entries};
use crate::support::{fixture, reopen};

/// 2.3 itself leaves snapshots of 1.x unreadable that hold a timestamp or a reference. What is changed here it can read:
/// all but the versions that 1.3 has overwritten or deleted.
#[test]
fn what_is_migrated_here_is_read_by_2_3() {
    let (_dir, place) = fixture("bundle-v1");
    let folio = DataFolio::open(&place).unwrap();
    folio.add("first", json!("write"), AddOptions::new()).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    let expected = Expected::load("bundle-v1");

    peer.get("past = datafolio.DataFolio.load_snapshot(path, 'v2.0')");
    for (name, item) in expected.by_1_3().unwrap()["snapshots"]["v2.0"]["load_snapshot_values"].as_object().unwrap() {
        if item.get("unreadable_here").is_some() {
            continue;
        }
        let theirs = peer.get(&format!("reading.item(past, {name:?})"));
        for (field, value) in theirs.as_object().unwrap() {
            // pandas and Polars have other names for some types; the values are the same.
            if field != "arrow_types" {
                assert_eq!(*value, item[field], "{name} {field}");
            }
        }
    }
    let diff = peer.get("folio.diff_from_snapshot('v2.0')");
    assert_eq!(diff, json!(folio.diff_from_snapshot(Some("v2.0")).unwrap()));
    assert_eq!(diff["modified_items"], json!(["measurements"]));
    let compared = json!(folio.compare_snapshots("v1.0", "v2.0").unwrap());
    assert_eq!(peer.get("folio.compare_snapshots('v1.0', 'v2.0')"), compared);

    // Of v1.0 three versions are lost, and 2.3 names the first of them that it meets; the others it can view.
    let raised = peer.run("datafolio.DataFolio.load_snapshot(path, 'v1.0')").unwrap_err();
    let lost = ["config", "scratch", "scratch_table"];
    assert!(lost.iter().any(|name| raised.message.contains(&format!("'{name}'"))), "{raised:?}");
    for (name, pin) in expected.pins()["v1.0"].as_object().unwrap() {
        let view = peer.run(&format!("folio.snapshots['v1.0'].get({name:?}); None"));
        let readable = pin["resolved"] == true && name != "ref_cloud";
        assert_eq!(view.is_ok(), readable, "{name}: {view:?}");
    }

    // It writes, restores and cleans up; nothing that a snapshot holds is touched.
    peer.get("folio.update_item('classifier', description='theirs')");
    peer.get("folio.add('threshold', 0.25, overwrite=True, description='same bytes')");
    peer.get("folio.delete('acquired'); folio.archive('ref_csv')");
    assert_pins(&reopen(&folio), &expected);
    peer.get("folio.restore_snapshot('v2.0', confirm=True)");
    peer.get("folio.cleanup_orphaned_versions()");
    assert_pins(&reopen(&folio), &expected);
    let values = expected.by_1_3().unwrap()["snapshots"]["v2.0"]["load_snapshot_values"].as_object().unwrap();
    for (name, item) in values {
        let mut item = item.clone();
        if name == "threshold" {
            // 2.3 looks for a checksum before it looks for an id, and takes the same bytes for the same version: it
            // restores nothing. The value is right, and for us the snapshot still holds its own version.
            item["path"] = "artifacts/threshold--r4.json".into();
        }
        assert_item(&reopen(&folio), name, &item);
    }
}

/// The other way: 2.3 changes the layout, and leaves entries without ids and tokens that match nothing in it.
#[test]
fn what_2_3_migrated_is_written_here() {
    let (_dir, place) = fixture("bundle-v1");
    let expected = Expected::load("bundle-v1");
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    peer.get("folio.add('first', 'write')");
    let folio = DataFolio::open(&place).unwrap();
    assert_eq!(folio.revision(), 1);
    assert_pins(&folio, &expected);
    assert_eq!(peer.run("datafolio.DataFolio.load_snapshot(path, 'v2.0')").unwrap_err().error, "KeyError");

    for item in folio.items(true).into_iter().map(Result::unwrap).enumerate() {
        match item {
            (index, item) if index % 3 == 0 => drop(folio.delete(&[item.name]).unwrap()),
            (index, item) if index % 3 == 1 => folio.update_item(&item.name, Some("ours"), None).unwrap(),
            (_, item) => drop(folio.add(&item.name, json!("ours"), AddOptions::new().overwrite()).unwrap()),
        }
    }
    assert_pins(&reopen(&folio), &expected);
    // What was replaced here has the token of its snapshot for an id, so that now 2.3 finds it too. (`measurements` was
    // replaced by 1.3; its token is a checksum, by which 2.3 finds it.)
    for (name, pin) in expected.pins()["v2.0"].as_object().unwrap().iter().filter(|(name, _)| *name != "measurements") {
        let kept = entries(&place, |entry| entry["name"] == *name && entry.get("version_id") == Some(&pin["token"]));
        assert_eq!(kept.len(), 1, "{name}");
    }
    assert_eq!(
        peer.get("datafolio.DataFolio.load_snapshot(path, 'v2.0').get('started').isoformat()"),
        "2024-01-15T11:30:00+00:00"
    );
    peer.get("folio.refresh(); folio.restore_snapshot('v2.0', confirm=True); folio.cleanup_orphaned_versions()");
    assert_pins(&reopen(&folio), &expected);
    let restored = reopen(&folio);
    for (name, item) in expected.by_1_3().unwrap()["snapshots"]["v2.0"]["load_snapshot_values"].as_object().unwrap() {
        assert_item(&restored, name, item);
    }
    let log = restored.log(100).unwrap();
    assert!(log.len() > 20);
}

/// A bundle that 1.3 makes now, not only the one in the fixtures.
#[test]
fn a_bundle_that_1_3_makes_is_read_and_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("bundle");
    let Some(mut old) = Peer::open(Release::V1_3, &place) else { return };
    old.get("folio.add_table('t', pd.DataFrame({'a': [1, 2, 3]}), description='three', models=['m'])");
    old.get("folio.add_json('j', {'a': 1}, inputs=['t'])");
    old.get("import datetime as dt; folio.add_timestamp('when', dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc))");
    old.get("folio.create_snapshot('s', tags=['x'])");
    old.get("folio.add_table('t', pd.DataFrame({'a': [4]}), overwrite=True); folio.metadata['k'] = 'v'");
    let folio = DataFolio::open(&place).unwrap();
    let check = |folio: &DataFolio| {
        assert_eq!(crate::support::rows(folio, "t"), 1);
        let past = folio.load_snapshot("s").unwrap();
        assert_eq!(crate::support::rows(&past, "t"), 3);
        assert_eq!(past.item_info("t").unwrap().description(), Some("three"));
        assert_eq!(past.lineage().inputs("t").unwrap(), ["m"]);
        assert_eq!(past.get_timestamp("when").unwrap().timestamp(), 1_704_153_600);
        assert_eq!(folio.metadata()["k"], "v");
    };
    check(&folio);
    folio.add("new", json!(1), AddOptions::new()).unwrap();
    folio.delete(&["when"]).unwrap();
    check(&reopen(&folio));
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    assert_eq!(peer.get("folio.is_valid()"), true);
    assert_eq!(peer.get("sorted(datafolio.DataFolio.load_snapshot(path, 's')._items)"), json!(["j", "t", "when"]));
    assert_eq!(peer.get("folio.cleanup_orphaned_versions(dry_run=True)"), Value::Array(Vec::new()));
}
