//! DataFolio 2.3 reads what is written here: everything that it has a format for, with the same values.

use datafolio::{AddOptions, DataFolio, DescribeOptions, ExportOptions, VerifyOptions};
use serde_json::{Value, json};

use super::peer::{Peer, Release};
use super::sample::sample;
use crate::fixtures::{Tree, assert_item};
use crate::support::{fixture, new_bundle};

/// Fails unless 2.3 read every item with the values that are read here; tables in Arrow and HDF5 format it must refuse.
pub(super) fn assert_same_items(ours: &DataFolio, theirs: &Value) {
    let theirs = theirs.as_object().unwrap();
    assert_eq!(ours.items(true).len(), theirs.len());
    for (name, item) in theirs {
        let record = ours.item_info(name).unwrap().record;
        if matches!(record.get("table_format").and_then(Value::as_str), Some("arrow" | "hdf5")) {
            assert!(item.get("error").is_some(), "{name}: 2.3 reads a table that is no Parquet: {item}");
            continue;
        }
        assert!(item.get("error").is_none(), "{name}: {item}");
        assert_item(ours, name, item);
    }
}

#[test]
fn every_item_of_every_state_is_read_with_its_values() {
    let Some(sample) = sample() else { return };
    let folio = &sample.folio;
    let mut peer = Peer::open(Release::V2_3, sample.place()).unwrap();
    assert_eq!(json!(folio.list(false)), peer.get("folio.list_contents()"));
    assert_eq!(json!(folio.list(true)), peer.get("folio.list_contents(include_archived=True)"));
    let items = peer.get("reading.items(folio)");
    assert_same_items(folio, &items);
    // Fitted models predict what they predicted: y is the sum of three ones.
    assert!((items["regressor"]["predict_on_ones"][0].as_f64().unwrap() - 3.0).abs() < 1e-9, "{}", items["regressor"]);
    assert_eq!(items["classifier"]["class"], "LogisticRegression");
    for snapshot in ["v1", "v2"] {
        let theirs = peer.get(&format!("reading.items(datafolio.DataFolio.load_snapshot(path, '{snapshot}'))"));
        assert_same_items(&folio.load_snapshot(snapshot).unwrap(), &theirs);
    }
    // Descriptions, inputs and all fields of our own.
    for item in folio.items(true).into_iter().map(Result::unwrap) {
        let theirs = peer.get(&format!("folio.item_info({:?})", item.name));
        assert_eq!(Value::Object(item.record), theirs, "{}", item.name);
    }
}

/// A table in Arrow or HDF5 format is no Parquet file: 2.3 must say so, never give something else.
#[test]
fn tables_in_other_formats_fail_loudly() {
    let Some(sample) = sample() else { return };
    let mut peer = Peer::open(Release::V2_3, sample.place()).unwrap();
    for name in ["mapped", "for_vaex"] {
        for call in ["get('NAME')", "get('NAME', frame='polars')", "scan_table('NAME').collect()"] {
            let raised = peer.run(&format!("folio.{}", call.replace("NAME", name))).unwrap_err();
            assert_ne!(raised.error, "KeyError", "{}", raised.message);
        }
        assert_eq!(peer.get(&format!("folio.validate()['{name}']")), true);
    }
}

/// Every item has the checksum that `validate` wants, also models, arrays and tables that were taken over.
#[test]
fn everything_validates() {
    let Some(sample) = sample() else { return };
    let mut peer = Peer::open(Release::V2_3, sample.place()).unwrap();
    let valid = peer.get("folio.validate()");
    let wrong: Vec<&String> =
        valid.as_object().unwrap().iter().filter(|(_, ok)| **ok != true).map(|(n, _)| n).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(valid.as_object().unwrap().len(), sample.folio.items(true).len());
    assert_eq!(peer.get("folio.is_valid()"), true);
    // 2.3 takes an item without a checksum for a whole one; here every payload has one, but for timestamps, as there.
    let unchecked = peer.get(
        "[name for name, item in folio._items.items() if 'filename' in item \
          and item.get('checksum') != reading.digests(folio.item_path(name))['md5']]",
    );
    let mut unchecked: Vec<&str> = unchecked.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    unchecked.sort_unstable();
    assert_eq!(unchecked, sample.folio.list(true).timestamps);
    assert!(sample.folio.verify(&VerifyOptions::default()).unwrap().is_clean());
    // Damage is seen by both.
    for name in ["big", "vector", "object", "notes", "classifier", "mapped", "for_vaex"] {
        let path = sample.folio.item_path(name).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(peer.get(&format!("folio.validate()['{name}']")), false, "{name}");
        assert!(!sample.folio.validate().unwrap()[name], "{name}");
    }
}

#[test]
fn snapshots_differences_and_lineage_are_the_same() {
    let Some(sample) = sample() else { return };
    let folio = &sample.folio;
    let mut peer = Peer::open(Release::V2_3, sample.place()).unwrap();
    let ours: Vec<Value> = folio
        .list_snapshots()
        .unwrap()
        .iter()
        .map(|s| {
            json!({"name": s.name, "timestamp": s.timestamp, "description": s.description, "tags": s.tags,
                   "num_items": s.num_items})
        })
        .collect();
    assert_eq!(json!(ours), peer.get("folio.list_snapshots()"));
    for snapshot in ["v1", "v2"] {
        let info = folio.snapshot_info(snapshot).unwrap();
        let theirs = peer.get(&format!("dict(folio.get_snapshot_info('{snapshot}'))"));
        for (field, value) in &info.fields {
            assert_eq!(theirs[field], *value, "{snapshot} {field}");
        }
        assert_eq!(theirs["mutable_references"], json!(info.mutable_references));
        let diff = json!(folio.diff_from_snapshot(Some(snapshot)).unwrap());
        assert_eq!(diff, peer.get(&format!("folio.diff_from_snapshot('{snapshot}')")), "{snapshot}");
    }
    assert_eq!(json!(folio.diff_from_snapshot(None).unwrap()), peer.get("folio.diff_from_snapshot()"));
    let theirs = peer.get("reading.comparisons(folio)");
    assert_eq!(theirs.as_object().unwrap().len(), 2);
    for (pair, theirs) in theirs.as_object().unwrap() {
        let (before, after) = pair.split_once("..").unwrap();
        assert_eq!(json!(folio.compare_snapshots(before, after).unwrap()), *theirs, "{pair}");
    }
    let lineage = folio.lineage();
    assert_eq!(json!(lineage.graph()), peer.get("folio.get_lineage_graph()"));
    for item in folio.items(true).into_iter().map(|item| item.unwrap().name) {
        let theirs = peer.get(&format!("folio.get_dependents({item:?})"));
        assert_eq!(json!(lineage.dependents(&item).unwrap()), theirs, "{item}");
    }
    assert_eq!(Value::Object(folio.metadata()), peer.get("dict(folio.metadata)"));
    assert_eq!(
        json!(folio.cleanup_orphaned_versions(true).unwrap()),
        peer.get("folio.cleanup_orphaned_versions(dry_run=True)")
    );
}

/// The lines of a description: those of an item with what is said of it below, all others alone.
fn paragraphs(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match (line.trim().strip_prefix("↳ "), found.last_mut()) {
            (Some(fact), Some((_, facts))) => facts.push(fact.to_owned()),
            _ => found.push((line.to_owned(), Vec::new())),
        }
    }
    found
}

/// Fails unless ours has every line of theirs, in their order, and of every item every fact of theirs. Ours may say more.
fn assert_describes(ours: &str, theirs: &str) {
    let ours = paragraphs(ours);
    let mut rest = ours.iter();
    for (line, facts) in paragraphs(theirs) {
        let (_, said) = rest
            .find(|(found, _)| found.replacen(" [archived]: ", ": ", 1) == line)
            .unwrap_or_else(|| panic!("ours has no {line:?}, or not in that place: {ours:#?}"));
        for fact in facts {
            let is_said = said.iter().any(|found| *found == fact || found.starts_with(&format!("{fact}, ")));
            assert!(is_said, "{line}: ours does not say {fact:?}, but {said:?}");
        }
    }
}

/// Both describe the same: the bundle, its snapshots and all items, with sizes, types, shapes, times, paths and inputs.
#[test]
fn both_describe_the_same_items() {
    let Some(sample) = sample() else { return };
    sample.folio.set_metadata("list", json!([1, 2, 3, 4, 5, 6, "x"])).unwrap();
    let mut peer = Peer::open(Release::V2_3, sample.place()).unwrap();
    let options = DescribeOptions { show_paths: true, include_archived: true, ..Default::default() };
    for (arguments, options) in
        [("", DescribeOptions::default()), (", show_paths=True, include_archived=True", options)]
    {
        let theirs = peer.get(&format!("folio.describe(return_string=True{arguments})"));
        assert_describes(&sample.folio.describe(&options).unwrap(), theirs.as_str().unwrap());
    }
    for snapshot in ["v1", "v2"] {
        let past = format!("datafolio.DataFolio.load_snapshot(path, '{snapshot}')");
        let theirs = peer.get(&format!("{past}.describe(return_string=True)"));
        // 2.3 goes on to list the snapshots of the bundle; the state of a snapshot has none.
        let (before, list) = theirs.as_str().unwrap().split_once("\nSnapshots (2):\n").unwrap();
        let (_, after) = list.split_once("\n\n").unwrap();
        let ours = sample.folio.load_snapshot(snapshot).unwrap().describe(&DescribeOptions::default()).unwrap();
        // A line end in a description is shown as one here, and ends the line there.
        let theirs = format!("{before}\n{after}").replace("Every | type\nof", "Every | type\\nof");
        assert_describes(&ours, &theirs);
    }
    let target = sample.dir.path().join("exported");
    let exported = sample.folio.export_snapshot("v1", &target, &ExportOptions::default()).unwrap();
    let theirs = Peer::open(Release::V2_3, target).unwrap().get("folio.describe(return_string=True)");
    let theirs = theirs.as_str().unwrap().replace("Every | type\nof", "Every | type\\nof");
    assert_describes(&exported.describe(&DescribeOptions::default()).unwrap(), &theirs);

    let (_dir, place) = fixture("bundle-v2");
    let theirs = Peer::open(Release::V2_3, &place).unwrap().get("folio.describe(return_string=True)");
    let ours = DataFolio::open(&place).unwrap().describe(&DescribeOptions::default()).unwrap();
    assert_describes(&ours, theirs.as_str().unwrap());
}

/// Looking at a bundle changes nothing in it.
#[test]
fn reading_by_2_3_changes_nothing() {
    let Some(sample) = sample() else { return };
    let before = Tree::of(&sample.place());
    let mut peer = Peer::open(Release::V2_3, sample.place()).unwrap();
    peer.get("reading.items(folio); folio.validate(); folio.describe(return_string=True); folio.list_snapshots()");
    drop(peer);
    assert_eq!(Tree::of(&sample.place()), before);
}

/// A bundle just made, and one without items.
#[test]
fn an_empty_bundle_is_a_bundle() {
    let (_dir, folio) = new_bundle();
    let Some(mut peer) = Peer::open(Release::V2_3, folio.location()) else { return };
    assert_eq!(peer.get("folio.validate()"), json!({}));
    peer.get("folio.add('x', 1)");
    folio.refresh().unwrap();
    assert_eq!(folio.get_json("x").unwrap(), 1);
    folio.add("y", json!(2), AddOptions::new()).unwrap();
    assert_eq!(peer.get("folio.get('y')"), 2);
}
