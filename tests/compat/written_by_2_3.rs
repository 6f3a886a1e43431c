//! DataFolio 2.3 writes to a bundle of ours, deletes what it deletes, and everything that was promised is still there.

use std::fs;

use datafolio::{AddOptions, CommitKind, CopyOptions, DataFolio, Severity, SnapshotOptions, VerifyOptions};
use serde_json::{Map, Value, json};

use super::peer::{Peer, Release};
use super::read_by_2_3::assert_same_items;
use super::sample::{Sample, sample};
use crate::fixtures::{entries, manifest};
use crate::support::{new_bundle, reopen, rows, table};

/// The sample, and 2.3 at work on it.
fn both() -> Option<(Sample, Peer, Whole)> {
    let sample = sample()?;
    let mut peer = Peer::open(Release::V2_3, sample.place())?;
    let whole = Whole::before(&mut peer, &["v1", "v2"]);
    Some((sample, peer, whole))
}

/// What snapshots held before, as 2.3 read them.
struct Whole(Vec<(&'static str, Value, Value)>);

impl Whole {
    fn before(peer: &mut Peer, snapshots: &[&'static str]) -> Self {
        let mut read = |name: &&'static str| {
            let items = peer.get(&format!("reading.items(datafolio.DataFolio.load_snapshot(path, '{name}'))"));
            let info = peer.get(&format!("folio._snapshots['{name}']"));
            (*name, items, info)
        };
        Self(snapshots.iter().map(&mut read).collect())
    }

    /// Fails unless they hold it still.
    fn assert_in(&self, folio: &DataFolio) {
        for (name, items, info) in &self.0 {
            assert_same_items(&folio.load_snapshot(name).unwrap(), items);
            assert_eq!(Value::Object(folio.snapshot_info(name).unwrap().fields), *info, "{name}");
        }
    }
}

/// Findings of `verify` as severity, item and code.
fn findings(folio: &DataFolio) -> Vec<(Severity, String, String)> {
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    report.findings.into_iter().map(|f| (f.severity, f.item.unwrap_or_default(), f.code)).collect()
}

fn lost(item: &str) -> (Severity, String, String) {
    (Severity::Lost, item.to_owned(), "lost-version".to_owned())
}

/// Everything that 2.3 can do to a bundle, one after the other; snapshots survive all of it.
#[test]
fn snapshots_survive_everything_that_2_3_does() {
    let Some((sample, mut peer, whole)) = both() else { return };
    let steps = [
        "folio.add('by_2_3', pd.DataFrame({'a': [1, 2]}), inputs=['rich'])",
        // Of a snapshot, and of none.
        "folio.add('number', 99, overwrite=True)",
        "folio.add('rich', {'now': 'JSON'}, overwrite=True)",
        "folio.update_item('object', description='by 2.3')",
        "folio.update_item('later', inputs=['number'])",
        "folio.archive('v*')",
        "folio.unarchive('truth')",
        "folio.delete(['whole', 'later'])",
        "folio.inspect_table('ref_parquet')",
        "folio.metadata['by_2_3'] = True",
        "folio.create_snapshot('theirs', description='of 2.3')",
        "folio.add('by_2_3', 1, overwrite=True)",
        "with folio.batch():\n    folio.add('in_batch', 1)\n    folio.add('in_batch', 2, overwrite=True)",
        "folio.delete_snapshot('theirs', cleanup_orphans=True)",
        "folio.cleanup_orphaned_versions()",
        "folio.restore_snapshot('v1', confirm=True)",
        "folio.restore_snapshot('v2', confirm=True)",
        "folio.cleanup_orphaned_versions()",
    ];
    for step in steps {
        peer.get(step);
        // `inspect_table` writes into the entry that the snapshots hold: their values stay.
        let folio = sample.reopen();
        for (name, items, _) in &whole.0 {
            assert_same_items(&folio.load_snapshot(name).unwrap(), items);
        }
        let damage: Vec<_> =
            findings(&folio).into_iter().filter(|(severity, ..)| *severity == Severity::Damage).collect();
        assert!(damage.is_empty(), "{step}: {damage:?}");
        assert_eq!(json!(folio.list(true)), peer.get("folio.list_contents(include_archived=True)"), "{step}");
        assert_eq!(Value::Object(folio.metadata()), peer.get("dict(folio.metadata)"), "{step}");
        assert_eq!(folio.revision(), peer.get("folio._manifest_revision"), "{step}");
    }
    let folio = sample.reopen();
    whole.assert_in(&folio);
    // And what is written here afterwards is read there.
    folio.add("at last", json!(1), AddOptions::new()).unwrap_err();
    folio.add("at_last", json!(1), AddOptions::new()).unwrap();
    assert_eq!(peer.get("folio.get('at_last')"), 1);
    whole.assert_in(&folio);
    assert_eq!(peer.get("folio.is_valid()"), true);
}

/// However much 2.3 has written, our next commit records it as one entry, with what changed by name.
#[test]
fn its_writes_become_one_external_entry() {
    let Some((sample, mut peer, whole)) = both() else { return };
    let folio = &sample.folio;
    let before = folio.revision();
    peer.get("folio.add('one', 1)");
    peer.get("folio.update_item('object', description='by 2.3')");
    peer.get("folio.delete('yes')");
    peer.get("folio.metadata['state'] = 'theirs'");
    peer.get("folio.create_snapshot('theirs')");
    // `log` shows it before any commit has recorded it.
    let unrecorded = &sample.reopen().log(1).unwrap()[0];
    assert_eq!(
        (unrecorded.kind, unrecorded.revision, unrecorded.id.as_ref()),
        (CommitKind::External, before + 5, None)
    );

    folio.add("ours", json!(1), AddOptions::new()).unwrap();
    let folio = sample.reopen();
    let log = folio.log(4).unwrap();
    let kinds: Vec<(u64, CommitKind)> = log.iter().map(|entry| (entry.revision, entry.kind)).collect();
    assert_eq!(
        kinds[..3],
        [(before + 6, CommitKind::Commit), (before + 5, CommitKind::External), (before, CommitKind::Commit)]
    );
    let mut changes: Vec<(&str, &str)> =
        log[1].changes.items.iter().map(|change| (change.name.as_str(), change.change.as_str())).collect();
    changes.sort_unstable();
    assert_eq!(changes, [("object", "edited"), ("one", "added"), ("yes", "removed")]);
    assert_eq!(log[1].changes.metadata, ["state"]);
    assert_eq!(log[1].changes.snapshots, ["+theirs"]);
    whole.assert_in(&folio);

    // It is a revision as any other, and so is the last one before it.
    assert!(folio.at_revision(before + 5).unwrap().contains("one"));
    assert!(!folio.at_revision(before).unwrap().contains("one"));
    // What came in between is not known.
    assert_eq!(folio.at_revision(before + 2).unwrap_err().code(), "revision-not-found");

    // Every payload of it is left, since the item that was deleted is held by snapshots: so it can be undone.
    folio.undo(Some(before + 5)).unwrap();
    let folio = reopen(&folio);
    assert!(!folio.contains("one") && folio.contains("yes") && folio.contains("ours"));
    assert_eq!(folio.item_info("object").unwrap().description(), None);
    assert_eq!(folio.metadata()["state"], json!({"step": 2}));
    assert!(folio.list_snapshots().unwrap().iter().all(|snapshot| snapshot.name != "theirs"));
    assert_eq!(peer.get("sorted(folio.snapshots)"), json!(["v1", "v2"]));
    assert_eq!(peer.get("folio.is_valid()"), true);
    whole.assert_in(&folio);
}

/// 2.3 deletes the payload of a version that no snapshot holds. It is named as lost, and nothing passes for it.
#[test]
fn what_it_deletes_is_named_as_lost() {
    let Some((sample, mut peer, whole)) = both() else { return };
    let folio = &sample.folio;
    let version = folio.item_info("later").unwrap().version;
    let of_rich = folio.item_info("rich").unwrap().version;
    let before = folio.revision();
    peer.get("folio.add('later', 'theirs', overwrite=True)");
    peer.get("folio.delete('rich')");
    folio.add("ours", json!(1), AddOptions::new()).unwrap();

    let folio = sample.reopen();
    let mut found = findings(&folio);
    found.sort();
    assert_eq!(found, [lost("later"), lost("rich")]);
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    let named = |version: &String| report.findings.iter().any(|f| f.version.as_ref() == Some(version));
    assert!(named(&version) && named(&of_rich));
    assert!(report.is_valid() && !report.is_clean());
    assert_eq!(report.lost_versions(), 2);

    let versions = folio.versions("later").unwrap();
    let availability: Vec<(&str, bool)> = versions.iter().map(|v| (v.version.as_str(), v.available)).collect();
    assert_eq!(availability[1], (version.as_str(), false));
    assert!(availability[0].1);
    assert_eq!(folio.get_version("later", &version).unwrap_err().code(), "missing-payload");
    let past = folio.at_revision(before).unwrap();
    assert_eq!(past.get("later").unwrap_err().code(), "missing-payload");
    assert_eq!(past.get_json("number").unwrap(), 0.25);
    // Undoing what 2.3 wrote would need it.
    let error = folio.undo(Some(before + 2)).unwrap_err();
    assert_eq!(error.code(), "payload-gone", "{error}");
    assert!(error.to_string().contains("later") || error.to_string().contains("rich"), "{error}");
    whole.assert_in(&sample.reopen());
}

/// Undoing a commit of ours after 2.3 has removed what it had replaced.
#[test]
fn an_old_version_that_2_3_cannot_see_outlives_its_cleanups() {
    let Some((sample, mut peer, _)) = both() else { return };
    // The version before is held by no snapshot; only our history knows it.
    sample.folio.add("later", json!("newer"), AddOptions::new().overwrite()).unwrap();
    peer.get("folio.refresh(); folio.cleanup_orphaned_versions()");
    peer.get("folio.add('other', 1)");
    peer.get("folio.delete_snapshot('v1', cleanup_orphans=True)");
    let folio = sample.reopen();
    // What the snapshot alone held went with it. The version that only our history knows is still there.
    let mut found = findings(&folio);
    found.sort();
    assert_eq!(found, ["letters", "matrix", "nothing", "number", "rich"].map(lost));
    let revision =
        folio.log(9).unwrap().iter().find(|entry| entry.touches("later") && entry.id.is_some()).unwrap().revision;
    folio.undo(Some(revision)).unwrap();
    assert_eq!(folio.get_json("later").unwrap(), json!([1, 2]));
    assert_eq!(peer.get("folio.get('later')"), json!([1, 2]));
}

/// Fields of ours inside entries survive what 2.3 does to them: a checksum of our own, block checksums, input versions.
#[test]
fn our_fields_inside_entries_survive() {
    let Some((sample, mut peer, whole)) = both() else { return };
    let ours = ["sha256", "blocks", "input_versions", "size_bytes", "dataframe_library", "novel"];
    let extra: Map<String, Value> = [("novel".to_owned(), json!({"deep": [1, null]}))].into_iter().collect();
    sample
        .folio
        .add("extra", table(2), AddOptions::new().inputs(["rich"]).dataframe_library("polars").extra(extra))
        .unwrap();
    let fields = |name: &str| -> Map<String, Value> {
        let mut record = sample.reopen().item_info(name).unwrap().record;
        record.retain(|field, _| ours.contains(&field.as_str()));
        record
    };
    let items = ["big", "extra", "object", "classifier", "notes"];
    let before: Vec<Map<String, Value>> = items.iter().map(|name| fields(name)).collect();
    assert!(
        before[0].contains_key("blocks") && before[1].contains_key("novel") && before[2].contains_key("input_versions")
    );
    peer.get("folio.create_snapshot('theirs')");
    for name in items {
        peer.get(&format!("folio.update_item('{name}', description='by 2.3')"));
        peer.get(&format!("folio.archive('{name}'); folio.unarchive('{name}')"));
    }
    peer.get("folio.restore_snapshot('v1', confirm=True)");
    peer.get("folio.restore_snapshot('theirs', confirm=True)");
    for (name, before) in items.iter().zip(&before) {
        assert_eq!(fields(name), *before, "{name}");
    }
    // So the same checks still hold.
    assert_eq!(rows(&sample.reopen(), "big"), 400_000);
    whole.assert_in(&sample.reopen());
}

/// 2.3 drops what it does not know at the top of `items.json`. That is how its writes are recognised.
#[test]
fn our_commit_field_is_gone_after_a_write_of_2_3_and_comes_back() {
    let Some((sample, mut peer, _)) = both() else { return };
    assert!(manifest(&sample.place()).get("commit").is_some());
    peer.get("folio.add('x', 1)");
    assert!(manifest(&sample.place()).get("commit").is_none());
    let folio = sample.reopen();
    folio.add("y", json!(1), AddOptions::new()).unwrap();
    let parent = manifest(&sample.place())["commit"]["parent"].clone();
    assert_eq!(parent, folio.log(2).unwrap()[1].id.clone().unwrap());
    // Nothing of ours is under `metadata`, which 2.3 replaces when it restores.
    let metadata = folio.metadata();
    let keys: Vec<&String> = metadata.keys().collect();
    assert_eq!(keys, ["created_at", "updated_at", "_datafolio", "state"]);
    // Entries are current, or held by a snapshot: 2.3 cleans up what is neither.
    assert_eq!(peer.get("folio.cleanup_orphaned_versions(dry_run=True)"), json!([]));
}

#[test]
fn metadata_edits_both_ways() {
    let Some((sample, mut peer, _)) = both() else { return };
    let folio = &sample.folio;
    peer.get("folio.metadata.update({'theirs': [1, {'é': None}], 'float': 1.5})");
    folio.set_metadata("ours", json!({"a": 1})).unwrap();
    assert_eq!(folio.metadata()["theirs"], json!([1, {"é": null}]));
    assert_eq!(peer.get("folio.refresh(); folio.metadata['ours']"), json!({"a": 1}));
    peer.get("del folio.metadata['ours']");
    folio.refresh().unwrap();
    assert!(!folio.metadata().contains_key("ours"));
    folio.remove_metadata("float").unwrap();
    assert_eq!(peer.get("folio.refresh(); 'float' in folio.metadata"), false);
    assert_eq!(Value::Object(folio.metadata()), peer.get("dict(folio.metadata)"));
}

/// Two bundles of ours that 2.3 copies and exports are bundles like any other.
#[test]
fn its_copies_and_exports_are_read_here() {
    let Some((sample, mut peer, whole)) = both() else { return };
    let target = sample.dir.path().join("theirs");
    peer.get(&format!("folio.copy({:?}, include_archived=True)", target.to_str().unwrap()));
    let copy = DataFolio::open(&target).unwrap();
    assert_same_items(&copy, &peer.get("reading.items(folio)"));
    copy.add("x", json!(1), AddOptions::new()).unwrap();
    let target = sample.dir.path().join("exported");
    peer.get(&format!("folio.export_snapshot('v1', {:?})", target.to_str().unwrap()));
    let exported = DataFolio::open(&target).unwrap();
    assert_same_items(&exported, &whole.0[0].1);
    assert_eq!(exported.metadata()["_source_snapshot"]["name"], "v1");
    // 2.3 copies no files that it does not know: the block checksums of a large table stay behind. That is no damage, here
    // or in what is copied from there.
    let note = (Severity::Note, "big".to_owned(), "missing-blocks".to_owned());
    assert_eq!(findings(&exported), [note]);
    let again = exported
        .copy(sample.dir.path().join("again"), &CopyOptions { include_archived: true, ..Default::default() })
        .unwrap();
    assert_same_items(&again, &whole.0[0].1);
    assert_eq!(findings(&again), []);
}

/// A payload that two entries share is deleted by neither side while one of them is left.
#[test]
fn shared_payloads_stay_while_an_entry_names_them() {
    let (_dir, folio) = new_bundle();
    folio.add("x", json!("shared"), AddOptions::new()).unwrap();
    folio.create_snapshot("s", Default::default()).unwrap();
    // An edit and a renaming make versions over the same payload.
    folio.update_item("x", Some("edited"), None).unwrap();
    folio.rename("x", "y").unwrap();
    let place = std::path::PathBuf::from(folio.location());
    assert_eq!(entries(&place, |_| true).len(), 2);
    let Some(mut peer) = Peer::open(Release::V2_3, &place) else { return };
    peer.get("folio.delete('y')");
    assert_eq!(reopen(&folio).load_snapshot("s").unwrap().get_json("x").unwrap(), "shared");
    peer.get("folio.restore_snapshot('s', confirm=True)");
    peer.get("folio.add('x', 'other', overwrite=True)");
    assert_eq!(reopen(&folio).load_snapshot("s").unwrap().get_json("x").unwrap(), "shared");
    assert_eq!(findings(&reopen(&folio)), []);
}

/// However 2.3 has written since, the log of a snapshot or of an earlier revision ends where that state was made.
#[test]
fn the_log_of_an_earlier_state_is_not_that_of_what_it_wrote_since() {
    let Some((sample, mut peer, _)) = both() else { return };
    let folio = &sample.folio;
    folio.create_snapshot("ours", SnapshotOptions::default()).unwrap();
    let made = folio.revision();
    peer.get("folio.refresh(); folio.add('since', 1)");
    peer.get("folio.create_snapshot('theirs')");
    let newest = |folio: &DataFolio| folio.log(1).unwrap().first().map(|entry| (entry.revision, entry.kind));
    let head = sample.reopen();
    assert_eq!(newest(&head), Some((made + 2, CommitKind::External)));
    assert_eq!(newest(&head.load_snapshot("ours").unwrap()), Some((made, CommitKind::Commit)));
    assert_eq!(newest(&head.load_snapshot("theirs").unwrap()), Some((made + 2, CommitKind::External)));
    assert_eq!(newest(&head.at_revision(made).unwrap()), Some((made, CommitKind::Commit)));
    // The same when a commit has recorded what it wrote.
    folio.add("ours", json!(1), AddOptions::new()).unwrap();
    let head = sample.reopen();
    assert_eq!(newest(&head), Some((made + 3, CommitKind::Commit)));
    assert_eq!(newest(&head.load_snapshot("ours").unwrap()), Some((made, CommitKind::Commit)));
    assert_eq!(newest(&head.load_snapshot("theirs").unwrap()), Some((made + 2, CommitKind::External)));
}

/// The page for people is the same to the byte, but for the revision, where nothing in it could drive a terminal.
#[test]
fn contents_pages_are_the_same() {
    let Some((sample, mut peer, _)) = both() else { return };
    peer.get("folio.add('odd', 1, description='a|b\\tc Zürich 🏔 [x](y) <b> \\\\')");
    peer.get("folio.add('lines', 1, description='one\\ntwo')");
    let page = || {
        let text = std::fs::read_to_string(sample.place().join("CONTENTS.md")).unwrap();
        let (before, rest) = text.split_once("revision **").unwrap();
        let (_, after) = rest.split_once("**").unwrap();
        format!("{before}{after}")
    };
    let theirs = page();
    assert!(theirs.contains("Zürich"), "{theirs}");
    let folio = sample.reopen();
    folio.set_metadata("k", 1).unwrap();
    assert_eq!(page(), theirs);
}

/// Python nests lists more deeply than is read here. The bytes are what was recorded.
#[test]
fn a_value_nested_too_deeply_to_be_read_is_whole_and_its_file_can_be_had() {
    let Some((sample, mut peer, _)) = both() else { return };
    peer.get("folio.add('deep', __import__('functools').reduce(lambda a, _: [a], range(200), 1)) and None");
    let folio = sample.reopen();
    let error = folio.get("deep").unwrap_err();
    assert_eq!((error.code(), error.category().as_str()), ("unsupported", "unsupported"));
    assert!(error.to_string().contains("deeper than 127 levels"), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("`datafolio export deep FILE`") && hint.contains("item_path"), "{hint}");
    assert_eq!(findings(&folio), []);
    assert!(folio.validate().unwrap()["deep"]);
    let path = folio.item_path("deep").unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(findings(&sample.reopen())[0].0, Severity::Damage);
}
