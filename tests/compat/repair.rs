//! Bundles that were damaged while, before or after Python DataFolio wrote to them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use datafolio::{
    AddOptions, CommitKind, DataFolio, GcOptions, RepairOptions, RepairReport, Severity, SnapshotOptions,
    VerifyOptions, repair,
};
use serde_json::{Value, json};

use super::peer::{Peer, Release};
use crate::fixtures::{Tree, manifest};
use crate::support::{copy_dir, new_bundle};

fn put(folio: &DataFolio, name: &str, value: Value) {
    folio.add(name, value, AddOptions::new().overwrite()).unwrap();
}

fn repaired(place: &Path) -> (RepairReport, DataFolio) {
    let report = repair(place, &RepairOptions::default()).unwrap();
    (report, DataFolio::open(place).unwrap())
}

/// Fails unless the bundle says what has happened to it, lets itself be read, and lets nothing be written or removed.
fn assert_recognised(place: &Path) {
    let mut before = Tree::of(place);
    let folio = DataFolio::open(place).unwrap();
    assert!(
        folio.warnings().iter().any(|text| text.contains("1.3") && text.contains("repair")),
        "{:?}",
        folio.warnings()
    );
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    let found = report.findings.iter().any(|f| f.code == "damaged-by-1x" && f.severity == Severity::Damage);
    assert!(found, "{report:?}");
    let all = GcOptions { apply: true, grace: Some(Default::default()), ..Default::default() };
    let errors = [
        folio.add("new", json!(1), AddOptions::new()).unwrap_err(),
        folio.create_snapshot("new", SnapshotOptions::default()).unwrap_err(),
        folio.set_metadata("new", 1).unwrap_err(),
        folio.cleanup_orphaned_versions(false).unwrap_err(),
        folio.gc(&all).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.code(), "damaged-by-1x", "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("repair")));
    }
    drop(folio);
    let mut after = Tree::of(place);
    for tree in [&mut before, &mut after] {
        tree.forget("items.json.lock");
    }
    assert_eq!(after, before);
}

/// 1.3 had dropped metadata, snapshots and revision; 2.3 counted from 1 again. Nothing was said of it any more: our next
/// commits gave revisions and ids a second time, and a clean-up deleted what the lost snapshots held.
#[test]
fn damage_by_1_3_is_recognised_and_repaired_after_2_3_has_written() {
    // 2.3 stays below our revision, reaches it, and counts past it.
    for writes in [1, 7, 12] {
        let (_dir, folio) = new_bundle();
        let place = PathBuf::from(folio.location());
        put(&folio, "x", json!("first"));
        put(&folio, "y", json!("kept"));
        put(&folio, "deleted", json!("by 2.3"));
        folio.set_metadata("ours", "kept").unwrap();
        folio.create_snapshot("s1", SnapshotOptions::default()).unwrap();
        put(&folio, "x", json!("second"));
        folio.create_snapshot("s2", SnapshotOptions::default()).unwrap();
        put(&folio, "x", json!("third"));
        let (before, revision) = (manifest(&place), folio.revision());

        let Some(mut peer) = Peer::open(Release::V1_3, &place) else { return };
        peer.get("folio.add_json('from_1_3', 13)");
        peer.get("folio.metadata['by_1_3'] = True");
        peer.get("folio.create_snapshot('s1')");
        drop(peer);
        let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
        for n in 0..writes {
            peer.get(&format!("folio.add('from_2_3', {n}, overwrite=True)"));
        }
        peer.get("folio.add('x', 'by 2.3', overwrite=True)");
        peer.get("folio.delete('deleted')");
        peer.get("folio.create_snapshot('s3')");
        drop(peer);
        assert_eq!(manifest(&place)["revision"], writes + 3);

        assert_recognised(&place);
        assert_eq!(folio.add("new", json!(1), AddOptions::new()).unwrap_err().code(), "damaged-by-1x");
        let (report, folio) = repaired(&place);
        assert_eq!(report.revision, revision.max(writes + 3) + 1, "{report:?}");
        assert_eq!(folio.warnings(), Vec::<String>::new());
        // What the others did is kept.
        for (item, value) in
            [("from_1_3", json!(13)), ("from_2_3", json!(writes - 1)), ("x", json!("by 2.3")), ("y", json!("kept"))]
        {
            assert_eq!(folio.get_json(item).unwrap(), value, "{item}");
        }
        assert!(!folio.contains("deleted"));
        assert_eq!((&folio.metadata()["by_1_3"], &folio.metadata()["ours"]), (&json!(true), &json!("kept")));
        let s1_by_1_3 = folio.load_snapshot("s1-by-1.3").unwrap();
        assert_eq!(s1_by_1_3.get_json("x").unwrap(), "third");
        let s3 = folio.load_snapshot("s3").unwrap();
        assert_eq!(s3.get_json("x").unwrap(), "by 2.3");
        assert!(!s3.contains("deleted") && s3.contains("from_2_3"));
        // And so is what we had, as it was.
        for (name, x) in [("s1", "first"), ("s2", "second")] {
            assert_eq!(Value::Object(folio.snapshot_info(name).unwrap().fields), before["snapshots"][name], "{name}");
            let past = folio.load_snapshot(name).unwrap();
            assert_eq!((past.get_json("x").unwrap(), past.get_json("deleted").unwrap()), (json!(x), json!("by 2.3")));
        }
        let verified = folio.verify(&VerifyOptions::default()).unwrap();
        assert!(verified.is_clean(), "{:?}", verified.findings);
        assert_eq!(report.missing, Vec::new());
        let log = folio.log(2).unwrap();
        assert_eq!((log[0].kind, log[1].revision), (CommitKind::Repair, revision));
        assert_eq!(folio.at_revision(revision).unwrap().get_json("x").unwrap(), "third");
        put(&folio, "x", json!("after"));
        assert_eq!(folio.load_snapshot("s3").unwrap().get_json("x").unwrap(), "by 2.3");

        let mut peer = Peer::open(Release::V2_3, &place).unwrap();
        assert_eq!(peer.get("folio.is_valid()"), true);
        assert_eq!(peer.get("folio.cleanup_orphaned_versions(dry_run=True)"), json!([]));
        for (name, x) in [("s1", "first"), ("s2", "second"), ("s1-by-1.3", "third"), ("s3", "by 2.3")] {
            assert_eq!(peer.get(&format!("datafolio.DataFolio.load_snapshot(path, '{name}').get('x')")), x, "{name}");
        }
        // Going back to a snapshot of 1.3, whose metadata lacks the same, is no such damage.
        peer.get("folio.restore_snapshot('s1-by-1.3', confirm=True)");
        drop(peer);
        let folio = DataFolio::open(&place).unwrap();
        assert_eq!(folio.warnings(), Vec::<String>::new());
        put(&folio, "x", json!("and after that"));
    }
}

/// 2.3 counted from 1 again and gave ids that versions of ours have, and 1.3 had dropped the snapshots that hold these.
#[test]
fn an_id_that_2_3_gave_again_means_two_versions_in_their_snapshots() {
    let (_dir, folio) = new_bundle();
    let place = PathBuf::from(folio.location());
    put(&folio, "other", json!(0));
    put(&folio, "x", json!("ours"));
    folio.create_snapshot("ours", SnapshotOptions::default()).unwrap();
    folio.delete(&["x"]).unwrap();
    let ours = folio.snapshot_info("ours").unwrap().fields["item_versions"]["x"].clone();
    let Some(mut peer) = Peer::open(Release::V1_3, &place) else { return };
    // 1.3 drops old versions as well when it cleans up.
    peer.get("folio.add_json('from_1_3', 1)");
    drop(peer);
    let mut items = manifest(&place);
    items["items"].as_array_mut().unwrap().retain(|entry| entry["is_current"] == true);
    fs::write(place.join("items.json"), items.to_string()).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    peer.get("folio.add('a', 1); folio.add('b', 1); folio.add('x', 'theirs'); folio.create_snapshot('theirs')");
    peer.get("folio.add('x', 'current', overwrite=True)");
    let theirs = peer.get("folio.get_snapshot_info('theirs')['item_versions']['x']");
    drop(peer);
    assert_eq!(theirs, "x--r3");
    let (_, folio) = repaired(&place);
    assert_eq!(folio.load_snapshot("ours").unwrap().get_json("x").unwrap(), "ours", "{ours} {theirs}");
    assert_eq!(folio.load_snapshot("theirs").unwrap().get_json("x").unwrap(), "theirs");
    assert_eq!(folio.get_json("x").unwrap(), "current");
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    for (name, value) in [("ours", "ours"), ("theirs", "theirs")] {
        assert_eq!(peer.get(&format!("datafolio.DataFolio.load_snapshot(path, '{name}').get('x')")), value);
    }
}

/// Without a commit of ours there is no history that could tell. Old versions that nothing holds do.
#[test]
fn damage_by_1_3_to_a_bundle_of_2_3_is_recognised_without_a_history() {
    for writes in [1, 70] {
        let (_dir, place) = crate::support::fixture("bundle-v2");
        let before = manifest(&place);
        assert_eq!(DataFolio::open(&place).unwrap().warnings(), Vec::<String>::new());
        let Some(mut peer) = Peer::open(Release::V1_3, &place) else { return };
        peer.get("folio.add_json('from_1_3', 1)");
        drop(peer);
        let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
        peer.get(&format!("[folio.add('from_2_3', n, overwrite=True) for n in range({writes})] and None"));
        drop(peer);
        assert_recognised(&place);
        let (report, folio) = repaired(&place);
        assert!(report.revision >= 60, "{report:?}");
        assert_eq!(folio.warnings(), Vec::<String>::new());
        assert_eq!(
            (folio.get_json("from_1_3").unwrap(), folio.get_json("from_2_3").unwrap()),
            (json!(1), json!(writes - 1))
        );
        let held: Vec<String> = folio.list_snapshots().unwrap().into_iter().map(|snapshot| snapshot.name).collect();
        assert!(held.contains(&"recovered".to_owned()), "{held:?}");
        assert_eq!(folio.cleanup_orphaned_versions(false).unwrap(), Vec::<String>::new());
        let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
        assert_eq!(peer.get("folio.cleanup_orphaned_versions()"), json!([]));
        peer.get("folio.add('once more', 1) if False else folio.add('once_more', 1)");
        drop(peer);
        assert_eq!(DataFolio::open(&place).unwrap().warnings(), Vec::<String>::new());
        for entry in before["items"].as_array().unwrap().iter().filter(|entry| entry["is_current"] == false) {
            let Some(file) = entry.get("filename").and_then(Value::as_str) else { continue };
            assert!(["tables", "models", "artifacts"].iter().any(|dir| place.join(dir).join(file).exists()), "{file}");
        }
    }
}

/// What 2.3 alone does never looks like that: copying, restoring, deleting snapshots, cleaning up.
#[test]
fn what_2_3_does_is_not_taken_for_damage_by_1_3() {
    let (dir, folio) = new_bundle();
    let place = PathBuf::from(folio.location());
    for n in 0..8 {
        put(&folio, "x", json!(n));
    }
    folio.create_snapshot("s", SnapshotOptions::default()).unwrap();
    let copies = [dir.path().join("whole"), dir.path().join("exported")];
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    peer.get(&format!("folio.copy({:?}) and None", copies[0].to_str().unwrap()));
    peer.get(&format!("folio.export_snapshot('s', {:?}) and None", copies[1].to_str().unwrap()));
    drop(peer);
    for place in [&place, &copies[0], &copies[1]] {
        let mut peer = Peer::open(Release::V2_3, place).unwrap();
        for line in [
            "folio.create_snapshot('t')",
            "folio.add('x', 'new', overwrite=True)",
            "folio.delete_snapshot('t')",
            "folio.add('y', 1)",
            "folio.create_snapshot('u')",
            "folio.restore_snapshot('u', confirm=True)",
            "folio.delete('y')",
            "folio.delete_snapshot('u')",
            "folio.cleanup_orphaned_versions()",
        ] {
            peer.get(&format!("{line} and None"));
            let folio = DataFolio::open(place).unwrap();
            assert_eq!(folio.warnings(), Vec::<String>::new(), "{} after {line}", place.display());
        }
        put(&DataFolio::open(place).unwrap(), "ours", json!(1));
    }
}

/// Its metadata is a mapping of its own, which can be cleared. Nothing else is gone then.
#[test]
fn metadata_that_2_3_has_cleared_is_not_taken_for_damage_by_1_3() {
    let (_dir, folio) = new_bundle();
    let place = PathBuf::from(folio.location());
    put(&folio, "x", json!(1));
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    peer.get("folio.metadata.clear() and None");
    drop(peer);
    let folio = DataFolio::open(&place).unwrap();
    assert!(!folio.metadata().contains_key("created_at"), "{:?}", folio.metadata());
    assert_eq!(folio.warnings(), Vec::<String>::new());
    put(&folio, "x", json!(2));
    assert!(folio.verify(&datafolio::VerifyOptions::default()).unwrap().is_clean());
}

/// In a bundle without a history all that 1.3 leaves behind, but the revision, looks the same.
#[test]
fn metadata_that_2_3_has_cleared_after_deleting_a_snapshot_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("bundle");
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    peer.get("folio.add('x', 1); folio.create_snapshot('s'); folio.add('x', 2, overwrite=True)");
    peer.get("folio.delete_snapshot('s'); folio.metadata.clear() and None");
    drop(peer);
    let folio = DataFolio::open(&place).unwrap();
    let retired =
        manifest(&place)["items"].as_array().unwrap().iter().filter(|item| item["is_current"] == false).count();
    assert_eq!((retired, folio.metadata().contains_key("created_at")), (1, false));
    assert_eq!(folio.warnings(), Vec::<String>::new());
    put(&folio, "x", json!(3));
    assert!(folio.verify(&VerifyOptions::default()).unwrap().is_clean());
}

/// What 2.3 can nest more deeply than anything is read here is kept, told of, and never left out of a snapshot or copy.
#[test]
fn metadata_that_2_3_has_nested_too_deeply_is_not_lost() {
    let (dir, folio) = new_bundle();
    let place = PathBuf::from(folio.location());
    put(&folio, "x", json!(1));
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    peer.get(
        "folio.metadata.__setitem__('deep', __import__('functools').reduce(lambda a, _: [a], range(180), 1)) and None",
    );
    drop(peer);
    let folio = DataFolio::open(&place).unwrap();
    let report = folio.verify(&datafolio::VerifyOptions::default()).unwrap();
    assert!(report.findings.iter().any(|finding| finding.code == "metadata-not-read"), "{report:?}");
    put(&folio, "x", json!(2));
    assert!(fs::read_to_string(place.join("items.json")).unwrap().contains("\"deep\""));
    let refused = folio.create_snapshot("s", SnapshotOptions::default()).unwrap_err();
    assert!(refused.to_string().contains("\"deep\""), "{refused}");
    let refused = folio.copy(dir.path().join("copy"), &datafolio::CopyOptions::default()).unwrap_err();
    assert!(refused.to_string().contains("\"deep\""), "{refused}");
    assert!(folio.remove_metadata("deep").unwrap());
    folio.create_snapshot("s", SnapshotOptions::default()).unwrap();
}

/// A writer of ours died, and 2.3 wrote the revision that its entry has. The repair took the entry for the truth.
#[test]
fn a_head_that_2_3_wrote_in_the_place_of_a_commit_that_never_was_stays() {
    let (_dir, folio) = new_bundle();
    let place = PathBuf::from(folio.location());
    put(&folio, "base", json!(1));
    let head = fs::read(place.join("items.json")).unwrap();
    put(&folio, "dead", json!(1));
    fs::write(place.join("items.json"), head).unwrap();
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    peer.get("folio.add('theirs', 1)");
    drop(peer);
    let (report, folio) = repaired(&place);
    assert_eq!((report.problem, report.revision), (None, 3));
    assert!(folio.contains("theirs") && !folio.contains("dead"));
}

/// 2.3 wrote several times since our last commit, and its catalogue was damaged: all of that was given up without a word.
#[test]
fn what_is_whole_of_a_damaged_catalogue_of_2_3_is_saved() {
    let (_dir, folio) = new_bundle();
    let place = PathBuf::from(folio.location());
    put(&folio, "a", json!("ours"));
    put(&folio, "gone", json!("ours"));
    put(&folio, "pinned", json!("ours"));
    put(&folio, "untouched", json!("ours"));
    folio.set_metadata("ours", 1).unwrap();
    folio.create_snapshot("ours", SnapshotOptions::default()).unwrap();
    put(&folio, "a", json!("ours again"));
    let revision = folio.revision();
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    for n in 0..5 {
        peer.get(&format!("folio.add('n{n}', {n})"));
    }
    peer.get("folio.add('a', 'theirs', overwrite=True); folio.add('pinned', 'theirs', overwrite=True)");
    peer.get("folio.update_item('untouched', description='by 2.3'); folio.delete('gone')");
    peer.get("folio.metadata['theirs'] = 2; folio.create_snapshot('theirs')");
    peer.get("folio.add('n0', 'once more', overwrite=True)");
    drop(peer);
    let theirs = DataFolio::open(&place).unwrap().revision();
    let whole = fs::read_to_string(place.join("items.json")).unwrap();
    let values = values_of(&DataFolio::open(&place).unwrap());
    let ours = BTreeMap::from([("a", "ours again"), ("gone", "ours"), ("pinned", "ours"), ("untouched", "ours")]);

    let cuts = (0..40).map(|part| whole.len() * part / 40).chain([whole.len() - 40, whole.len() - 2]);
    let mut damages: Vec<(String, Vec<u8>)> = Vec::new();
    for cut in cuts {
        damages.push((format!("cut to {cut}"), whole.as_bytes()[..cut].to_vec()));
        let mut zeros = whole.clone().into_bytes();
        zeros[cut..].fill(0);
        damages.push((format!("zeros from {cut}"), zeros));
        let mut hole = whole.clone().into_bytes();
        let end = hole.len().min(cut + 100);
        hole[cut..end].fill(0);
        damages.push((format!("a hole at {cut}"), hole));
    }
    let mut saved_all = 0;
    for (index, (what, bytes)) in damages.iter().enumerate() {
        let copy = place.with_file_name(format!("copy-{index}"));
        copy_dir(&place, &copy);
        fs::write(copy.join("items.json"), bytes).unwrap();
        let (report, folio) = repaired(&copy);
        let what = format!("{what}: {report:?}");
        assert!(report.revision > theirs && report.missing.is_empty(), "{what}");
        // Each item is what 2.3 made of it, or what it was before; never anything else.
        let found = values_of(&folio);
        for (name, value) in &found {
            let was = ours.get(name.as_str()).map(|value| json!(value));
            let is_earlier = (name == "n0" && *value == json!(0)) || (name == "a" && *value == json!("ours"));
            assert!(
                Some(value) == values.get(name) || Some(value) == was.as_ref() || is_earlier,
                "{what}: {name} {value}"
            );
        }
        // What is whole in the text is there.
        let text = String::from_utf8_lossy(bytes);
        for (name, value) in &values {
            let entry = whole_entry(&whole, name, true);
            if text.contains(&entry) && text.contains(&format!("\"revision\": {theirs}")) {
                assert_eq!(found.get(name), Some(value), "{what}: {name}");
            }
        }
        saved_all += usize::from(found == values);
        // Our snapshot is whole, whatever happened.
        let past = folio.load_snapshot("ours").unwrap();
        for (item, value) in [("a", "ours"), ("gone", "ours"), ("pinned", "ours"), ("untouched", "ours")] {
            assert_eq!(past.get_json(item).unwrap(), value, "{what}: {item}");
        }
        assert_eq!(past.item_info("untouched").unwrap().description(), None, "{what}");
        assert_eq!(folio.metadata()["ours"], 1, "{what}");
        // Every file of 2.3 is in the catalogue or was named as given up.
        let named = fs::read_to_string(copy.join("items.json")).unwrap();
        for file in fs::read_dir(copy.join("artifacts")).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            let is_theirs = name.contains("--r") && name.starts_with(['n', 'a', 'p']);
            let is_known = named.contains(&name) || report.given_up.iter().any(|lost| lost.contains(&name));
            assert!(!is_theirs || is_known || report.unconfirmed, "{what}: {name}");
        }
        let verified = folio.verify(&VerifyOptions::default()).unwrap();
        for finding in verified.findings.iter().filter(|finding| finding.severity == Severity::Damage) {
            // Of a snapshot of 2.3 itself a version may be lost with its entry. That was said.
            assert_eq!(finding.code, "lost-version", "{what}: {finding:?}");
            assert!(report.given_up.contains(&finding.message), "{what}: {finding:?}");
        }
        put(&folio, "afterwards", json!(1));
        if index % 30 == 7 {
            let mut peer = Peer::open(Release::V2_3, &copy).unwrap();
            assert_eq!(peer.get("folio.is_valid()"), true, "{what}");
        }
    }
    assert!(saved_all > 3, "{saved_all} of {} had all of it", damages.len());
    assert!(revision < theirs);
}

/// The current items with their values.
fn values_of(folio: &DataFolio) -> BTreeMap<String, Value> {
    let items = folio.items(true).into_iter().map(|info| info.unwrap().name);
    items.map(|name| (name.clone(), folio.get_json(&name).unwrap_or_else(|error| panic!("{name}: {error}")))).collect()
}

/// The text of an item's entry in a catalogue.
fn whole_entry(text: &str, name: &str, is_current: bool) -> String {
    let begin = format!("    {{\n      \"name\": \"{name}\",");
    let entries = text.match_indices(&begin).map(|(at, _)| {
        let end = text[at..].find("\n    }").unwrap() + "\n    }".len();
        text[at..at + end].to_owned()
    });
    entries.into_iter().find(|entry| entry.contains(&format!("\"is_current\": {is_current}"))).unwrap()
}
