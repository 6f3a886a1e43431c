//! Repairing: what a damaged bundle goes back to, and what is saved of it (promise: no acknowledged commit is given up for one
//! that never was, and whatever is lost is named).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use datafolio::{AddOptions, CommitKind, DataFolio, ErrorCategory, RepairOptions, RepairReport, VerifyOptions, repair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::regressions::write_as_another_program;
use super::workload::plain;
use super::{at_length, scratch};
use crate::fixtures::{Tree, md5_of};
use crate::support::{copy_dir, fixture};

fn bundle() -> (TempDir, PathBuf, DataFolio) {
    let dir = scratch();
    let root = dir.path().join("bundle");
    let folio = DataFolio::create(&root).unwrap();
    (dir, root, folio)
}

fn overwrite() -> AddOptions {
    AddOptions::new().overwrite()
}

fn repaired(root: &Path) -> (RepairReport, DataFolio) {
    let report = repair(root, &RepairOptions::default()).unwrap();
    (report, DataFolio::open(root).unwrap())
}

/// A commit whose writer dies after its history entry and before its catalogue.
fn die_while_committing(root: &Path, commit: impl FnOnce(&DataFolio)) {
    let before = fs::read(root.join("items.json")).unwrap();
    commit(&DataFolio::open(root).unwrap());
    fs::write(root.join("items.json.before"), before).unwrap();
    fs::rename(root.join("items.json.before"), root.join("items.json")).unwrap();
}

fn assert_sound(folio: &DataFolio) {
    let report = folio.verify(&VerifyOptions::default()).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
}

/// What destroys a file.
type Destroy = fn(&Path);

/// What can become of `items.json` so that nothing of it is left to read.
const UNREADABLE: [(&str, Destroy); 3] = [
    ("deleted", |path| fs::remove_file(path).unwrap()),
    ("emptied", |path| fs::write(path, "").unwrap()),
    ("zero-filled", |path| fs::write(path, vec![0; fs::read(path).unwrap().len()]).unwrap()),
];

/// As everywhere else, and a place without a bundle is one.
#[test]
fn the_bundle_may_be_named_by_a_url() {
    let (dir, root, folio) = bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    drop(folio);
    fs::remove_file(root.join("items.json")).unwrap();
    let url = format!("file://{}", root.display());
    assert!(repair(&url, &RepairOptions::default()).unwrap().problem.is_some());
    assert!(DataFolio::open(&url).unwrap().contains("x"));
    for nowhere in [dir.path().join("nowhere"), PathBuf::from(format!("{url}-nowhere"))] {
        assert_eq!(repair(nowhere, &RepairOptions::default()).unwrap_err().code(), "not-a-bundle");
    }
}

/// The entries of a writer that died and of the one that came after it have the same revision, and which of them sorted last
/// was a matter of their random ids.
#[test]
fn a_commit_that_was_acknowledged_wins_over_one_that_never_was() {
    let mut orders = [0, 0];
    for round in 0..24 {
        let (how, destroy) = UNREADABLE[round % 3];
        let (_dir, root, folio) = bundle();
        folio.add("base", json!(1), AddOptions::new()).unwrap();
        die_while_committing(&root, |folio| drop(folio.add("dead", json!(1), AddOptions::new())));
        let folio = DataFolio::open(&root).unwrap();
        folio.add("acknowledged", json!(1), AddOptions::new()).unwrap();
        let ours = folio.log(1).unwrap().entries.remove(0).id.unwrap();
        let mut ids: Vec<String> = fs::read_dir(root.join("history"))
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| Some(name.strip_prefix("0000000003-")?.strip_suffix(".json")?.to_owned()))
            .collect();
        ids.sort();
        assert_eq!(ids.len(), 2, "{ids:?}");
        orders[usize::from(ids[0] == ours)] += 1;
        destroy(&root.join("items.json"));
        let (report, folio) = repaired(&root);
        assert!(folio.contains("acknowledged") && !folio.contains("dead"), "{how}: {report:?}");
        assert!(report.unconfirmed && report.revision == 4, "{how}: {report:?}");
        assert_sound(&folio);
    }
    assert!(orders.iter().all(|count| *count > 0), "both orders of the ids: {orders:?}");
}

/// A commit that another one follows was published, whatever the clocks of the machines said.
#[test]
fn a_commit_that_another_one_follows_wins_over_a_later_one_that_none_follows() {
    let (_dir, root, folio) = bundle();
    folio.add("base", json!(1), AddOptions::new()).unwrap();
    let before = fs::read(root.join("items.json")).unwrap();
    folio.add("published", json!(1), AddOptions::new()).unwrap();
    folio.add("next", json!(1), AddOptions::new()).unwrap();
    let next = folio.item_path("next").unwrap();
    fs::write(root.join("items.json"), before).unwrap();
    DataFolio::open(&root).unwrap().add("dead", json!(1), AddOptions::new()).unwrap();
    fs::remove_file(root.join("items.json")).unwrap();
    // Without its payload the last commit is no state to go back to.
    fs::remove_file(next).unwrap();
    let (report, folio) = repaired(&root);
    assert!(folio.contains("published") && !folio.contains("dead"), "{report:?}");
    assert!(
        !report.unconfirmed && report.given_up.len() == 1 && report.given_up[0].contains("revision 4"),
        "{report:?}"
    );
}

/// A writer died; Python wrote under the same revision. The entry of the dead one was taken for what the head should be, and
/// the healthy head was replaced by it.
#[test]
fn a_healthy_head_of_another_program_is_left_alone() {
    let (_dir, root, folio) = bundle();
    folio.add("base", json!(1), AddOptions::new()).unwrap();
    die_while_committing(&root, |folio| drop(folio.add("dead", json!(1), AddOptions::new())));
    write_as_another_program(&root, "theirs");
    let head = fs::read(root.join("items.json")).unwrap();
    let (report, folio) = repaired(&root);
    assert_eq!((report.problem, report.revision), (None, 3));
    assert_eq!(fs::read(root.join("items.json")).unwrap(), head);
    assert!(folio.contains("theirs") && !folio.contains("dead"));
}

/// The damage hit the name of the stamp and its look: what is left of it still tells that the text was ours.
#[test]
fn a_head_of_ours_that_lost_its_stamp_to_damage_is_recognised() {
    let (_dir, root, folio) = bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.add("x", json!(2), overwrite()).unwrap();
    let text = fs::read_to_string(root.join("items.json")).unwrap();
    let damaged = text.replace("\"commit\"", "\"commjt\"").replace("\"parent\"", "\"pbrent\"");
    fs::write(root.join("items.json"), damaged.replace("\"is_current\": true", "\"is_current\": false")).unwrap();
    assert!(!DataFolio::open(&root).unwrap().contains("x"));
    let (report, folio) = repaired(&root);
    assert!(report.problem.is_some());
    assert_eq!(folio.get_json("x").unwrap(), 2);
}

/// The catalogue is gone, and so is the payload of the last commit: it went back to that one all the same, and an item that
/// could have been had was lost.
#[test]
fn of_the_last_revisions_the_newest_with_all_its_payloads_is_taken() {
    for (how, destroy) in UNREADABLE {
        let (_dir, root, folio) = bundle();
        for value in 1..=4 {
            folio.add("x", json!(value), overwrite()).unwrap();
        }
        fs::remove_file(folio.item_path("x").unwrap()).unwrap();
        destroy(&root.join("items.json"));
        let (report, folio) = repaired(&root);
        assert_eq!(folio.get_json("x").unwrap(), 3, "{how}");
        assert_eq!((report.missing.len(), report.revision), (0, 6), "{how}");
        assert!(report.given_up[0].contains("revision 5"), "{how}: {report:?}");
        assert_sound(&folio);
    }
}

/// An item that cannot be read is no reason to give up what can.
#[test]
fn nothing_that_can_be_read_is_given_up_for_what_cannot() {
    let (_dir, root, folio) = bundle();
    folio.add("pinned", json!(0), AddOptions::new()).unwrap();
    folio.create_snapshot("s", plain()).unwrap();
    let pinned = folio.item_path("pinned").unwrap();
    folio.add("pinned", json!(1), overwrite()).unwrap();
    folio.add("other", json!(1), AddOptions::new()).unwrap();
    let other = folio.item_path("other").unwrap();
    folio.add("more", json!(1), AddOptions::new()).unwrap();
    folio.add("other", json!(2), overwrite()).unwrap();
    for gone in [pinned, other, folio.item_path("other").unwrap()] {
        fs::remove_file(gone).unwrap();
    }
    for (change, lost) in [("a commit", "other"), ("metadata", "other"), ("a snapshot", "other")] {
        match change {
            "metadata" => folio.set_metadata("key", 1).unwrap(),
            "a snapshot" => folio.delete_snapshot("s").unwrap(),
            _ => {}
        }
        let copy = root.with_file_name(change.replace(' ', "-"));
        copy_dir(&root, &copy);
        fs::remove_file(copy.join("items.json")).unwrap();
        let (report, repaired) = repaired(&copy);
        // Revision 1 misses nothing, and has nothing.
        assert_eq!(repaired.get_json("more").unwrap(), 1, "{change}: {report:?}");
        assert_eq!(repaired.revision(), folio.revision() + 1, "{change}");
        assert!(report.given_up.is_empty(), "{change}: {report:?}");
        assert!(report.missing.iter().any(|missing| missing.item == lost), "{change}: {report:?}");
        assert_eq!(report.missing.iter().any(|missing| missing.item == "pinned"), change != "a snapshot", "{report:?}");
        assert_eq!(repaired.metadata().contains_key("key"), change != "a commit", "{change}");
    }
}

/// What the damaged file itself names was published. A payload that is missing is damage of that item, and no reason to give
/// up what others have committed since.
#[test]
fn a_revision_that_the_damaged_file_names_is_taken_whatever_it_misses() {
    let (_dir, root, folio) = bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    folio.add("y", json!(1), AddOptions::new()).unwrap();
    fs::remove_file(folio.item_path("x").unwrap()).unwrap();
    let text = fs::read(root.join("items.json")).unwrap();
    fs::write(root.join("items.json"), &text[..text.len() - 2]).unwrap();
    let (report, folio) = repaired(&root);
    assert!(folio.contains("y") && !report.unconfirmed, "{report:?}");
    assert_eq!((report.missing.len(), report.missing[0].item.as_str()), (1, "x"));
}

#[test]
fn a_catalogue_that_is_no_longer_there_comes_back_with_and_without_writers_that_died() {
    for (how, destroy) in UNREADABLE {
        for deaths in 0..3 {
            let (_dir, root, folio) = bundle();
            folio.add("x", json!(1), AddOptions::new()).unwrap();
            for n in 0..deaths {
                die_while_committing(&root, |folio| drop(folio.add(&format!("dead{n}"), json!(1), AddOptions::new())));
            }
            let folio = DataFolio::open(&root).unwrap();
            folio.add("y", json!(2), AddOptions::new()).unwrap();
            let log = folio.log(10).unwrap();
            let sound = fs::read(root.join("items.json")).unwrap();
            destroy(&root.join("items.json"));
            let left = fs::read(root.join("items.json")).ok();
            let (report, folio) = repaired(&root);
            let what = format!("{how}, {deaths} dead: {report:?}");
            assert_eq!((folio.get_json("x").unwrap(), folio.get_json("y").unwrap()), (json!(1), json!(2)), "{what}");
            assert_eq!(folio.items(true).len(), 2, "{what}");
            assert_eq!((report.revision, folio.revision()), (4, 4), "{what}");
            assert_eq!(report.kept_aside.first().map(|path| fs::read(root.join(path)).unwrap()), left, "{what}");
            let after = folio.log(10).unwrap();
            assert_eq!((after[0].kind, after[0].revision), (CommitKind::Repair, 4), "{what}");
            let ids = |log: &[datafolio::LogEntry]| log.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
            assert_eq!(ids(&after[1..]), ids(&log), "{what}");
            assert_sound(&folio);
            assert_eq!(repair(&root, &RepairOptions::default()).unwrap().problem, None, "{what}");
            // As it was, but for the stamp of the repair.
            let items = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["items"].take();
            assert_eq!(items(&fs::read(root.join("items.json")).unwrap()), items(&sound), "{what}");
        }
    }
}

/// A file of the user's, or one that someone made to do harm, looked like the entry of a commit: the repair took its number
/// for a revision, and what it published was refused by every reader, or had no next revision.
#[test]
fn a_stray_file_in_the_history_is_no_revision() {
    for stray in ["history/9223372036854775807-abc.json", "history/nested/9223372036854775807-abc.json"] {
        let (_dir, root, folio) = bundle();
        folio.add("x", json!(1), AddOptions::new()).unwrap();
        fs::create_dir_all(root.join(stray).parent().unwrap()).unwrap();
        fs::write(root.join(stray), "").unwrap();
        fs::write(root.join("items.json"), "x").unwrap();
        let (report, folio) = repaired(&root);
        assert_eq!((report.revision, folio.revision()), (3, 3), "{stray}");
        folio.add("y", json!(1), AddOptions::new()).unwrap();
    }
}

/// Python had written on, and its catalogue was destroyed. What its revisions were is still told by the names of its payload
/// files; the ids of versions must never be given twice.
#[test]
fn no_revision_is_given_again() {
    let (_dir, root, folio) = bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    fs::write(root.join("artifacts/y--r12-1.json"), "1").unwrap();
    // Names of ours are random, and a number in them is none.
    fs::write(root.join("artifacts/z--r77aaaaaaa.json"), "1").unwrap();
    fs::write(root.join("items.json"), "").unwrap();
    assert_eq!(repaired(&root).0.revision, 13);
    fs::write(root.join("items.json"), "{\"schema_version\": 2, \"revision\": 40, \"met").unwrap();
    assert_eq!(repaired(&root).0.revision, 41);
    fs::write(root.join("items.json"), "{\"version_id\": \"x--r50-0a1b2c\"").unwrap();
    assert_eq!(repaired(&root).0.revision, 51);
    fs::write(root.join("items.json"), "{\"revision\": 9223372036854775807, \"x--r9223372036854775807").unwrap();
    assert_eq!(repaired(&root).0.revision, 52);
}

/// At the last revision that can be counted a commit was made all the same, and the bundle could not be opened afterwards.
#[test]
fn a_bundle_at_the_last_revision_refuses_to_be_written() {
    let (_dir, root, folio) = bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    let mut catalogue: Value = serde_json::from_slice(&fs::read(root.join("items.json")).unwrap()).unwrap();
    catalogue.as_object_mut().unwrap().remove("commit");
    catalogue["revision"] = json!(i64::MAX);
    fs::write(root.join("items.json"), serde_json::to_string_pretty(&catalogue).unwrap()).unwrap();
    let before = Tree::of(&root);
    let handles = [folio, DataFolio::open(&root).unwrap()];
    for folio in &handles {
        let error = folio.add("y", json!(1), AddOptions::new()).unwrap_err();
        assert_eq!((error.code(), error.category()), ("revision-limit", ErrorCategory::WrongState));
    }
    assert_eq!(Tree::of(&root), before);
    assert_eq!(DataFolio::open(&root).unwrap().get_json("x").unwrap(), 1);
}

/// A bundle that only Python ever wrote has no history. What is whole of its catalogue is still better than nothing.
#[test]
fn without_a_history_what_is_whole_is_saved() {
    let (_dir, place) = fixture("bundle-v2");
    let sound = fs::read_to_string(place.join("items.json")).unwrap();
    let entries = |text: &str| serde_json::from_str::<Value>(text).unwrap()["items"].as_array().unwrap().clone();
    let all = entries(&sound);
    let mut counts = Vec::new();
    for part in [0, 1, 3, 6, 9, 10] {
        let copy = place.with_file_name(format!("copy-{part}"));
        copy_dir(&place, &copy);
        let mut cut = (sound.len() * part / 10).clamp(100, sound.len() - 1);
        while !sound.is_char_boundary(cut) {
            cut -= 1;
        }
        fs::write(copy.join("items.json"), &sound[..cut]).unwrap();
        let result = repair(&copy, &RepairOptions::default());
        let Ok(report) = result else {
            // Nothing of it is whole: nothing was changed.
            assert_eq!(fs::read_to_string(copy.join("items.json")).unwrap(), sound[..cut]);
            assert!(!copy.join("history").exists());
            counts.push(0);
            continue;
        };
        assert!(report.revision > 60, "{part}: {report:?}");
        let saved = entries(&fs::read_to_string(copy.join("items.json")).unwrap());
        assert!(saved.iter().all(|entry| all.contains(entry)), "{part}: {report:?}");
        let whole = all
            .iter()
            .filter(|entry| sound[..cut].contains(&format!("\"{}\"", entry["filename"].as_str().unwrap_or("-"))));
        assert!(saved.len() <= all.len() && whole.count() <= saved.len() + 2, "{part}: {report:?}");
        let folio = DataFolio::open(&copy).unwrap();
        let valid = folio.validate().unwrap();
        for info in folio.items(true).into_iter().map(Result::unwrap) {
            assert!(valid[&info.name] || !info.record.contains_key("filename"), "{part}: {}", info.name);
        }
        assert!(!report.given_up.is_empty(), "{part}: {report:?}");
        // Whatever cleans up, no old version goes whose snapshot is lost.
        assert_eq!(folio.cleanup_orphaned_versions(true).unwrap(), Vec::<String>::new(), "{part}: {report:?}");
        folio.add("afterwards", json!(1), AddOptions::new()).unwrap();
        counts.push(saved.len());
    }
    assert!(counts.is_sorted() && counts[0] == 0 && counts[5] == all.len(), "{counts:?}");
}

/// 1.3 writes in place, and died over it: of our catalogue nothing is left, and of its own not all.
#[test]
fn what_1_3_had_written_when_it_died_is_saved() {
    let (_dir, root, folio) = bundle();
    folio.add("x", json!("ours"), AddOptions::new()).unwrap();
    folio.add("y", json!("ours"), AddOptions::new()).unwrap();
    folio.create_snapshot("s", plain()).unwrap();
    let catalogue: Value = serde_json::from_slice(&fs::read(root.join("items.json")).unwrap()).unwrap();
    let mut items = catalogue["items"].as_array().unwrap().clone();
    fs::write(root.join("artifacts/x.json"), "\"by 1.3\"").unwrap();
    items[0] = json!({"name": "x", "item_type": "json_data", "filename": "x.json", "is_current": true, "in_snapshots": [],
        "created_at": "2026-03-01T00:00:00+00:00"});
    let right = md5_of(b"\"by 1.3\"");
    for (checksum, expected) in [("00000000000000000000000000000000", "ours"), (&right, "by 1.3")] {
        items[0]["checksum"] = checksum.into();
        let copy = root.with_file_name(expected.replace(' ', "-"));
        copy_dir(&root, &copy);
        let text = serde_json::to_string_pretty(&json!({"items": items})).unwrap();
        fs::write(copy.join("items.json"), &text[..text.len() - 120]).unwrap();
        fs::write(copy.join("metadata.json"), "{\"updated_at\": \"2026-03-01T00:00:00+00:00\"}").unwrap();
        let (report, folio) = repaired(&copy);
        assert_eq!(folio.get_json("x").unwrap(), expected, "{report:?}");
        assert_eq!(folio.get_json("y").unwrap(), "ours", "{report:?}");
        assert_eq!(folio.load_snapshot("s").unwrap().get_json("x").unwrap(), "ours", "{report:?}");
        // A payload that is not what the entry says is not taken.
        assert_eq!(report.salvaged_items.is_empty(), expected == "ours", "{report:?}");
        assert!(!copy.join("metadata.json").exists());
        assert_sound(&folio);
    }
}

/// A reader takes no lock: between its look at the catalogue and its look at the history others commit. What they had added
/// by then was taken for what a catalogue of Python, which is behind it, had lost.
#[test]
fn a_head_that_is_replaced_while_it_is_read_is_not_taken_for_damaged() {
    let (_dir, root, folio) = bundle();
    folio.add("x", json!(0), AddOptions::new()).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        assert_eq!(DataFolio::open(&root).unwrap().warnings(), Vec::<String>::new());
                    }
                })
            })
            .collect();
        for n in 0..if at_length() { 3000 } else { 60 } {
            write_as_another_program(&root, "theirs");
            folio.refresh().unwrap();
            for _ in 0..3 {
                folio.add("x", json!(n), overwrite()).unwrap();
            }
        }
        is_over.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

/// Someone put an older catalogue in the place of the head, and means it.
#[test]
fn an_older_catalogue_is_taken_when_the_user_says_so() {
    let (_dir, root, folio) = bundle();
    folio.add("x", json!(1), AddOptions::new()).unwrap();
    write_as_another_program(&root, "theirs");
    let older = fs::read(root.join("items.json")).unwrap();
    folio.refresh().unwrap();
    folio.add("x", json!(2), overwrite()).unwrap();
    folio.add("x", json!(3), overwrite()).unwrap();
    fs::write(root.join("items.json"), older).unwrap();
    assert_eq!(folio.add("y", json!(1), AddOptions::new()).unwrap_err().code(), "damaged-by-1x");
    let report = repair(&root, &RepairOptions { accept: true, ..RepairOptions::default() }).unwrap();
    assert_eq!((report.revision, report.kept_aside.len()), (6, 1), "{report:?}");
    let folio = DataFolio::open(&root).unwrap();
    assert_eq!((folio.get_json("x").unwrap(), folio.warnings().len()), (json!(1), 0));
    folio.add("y", json!(1), AddOptions::new()).unwrap();
    assert_sound(&folio);
}

/// A copy of an older catalogue, damaged and without its stamp, is no reason to go back in time.
#[test]
fn a_damaged_text_that_is_older_than_the_history_takes_nothing_back() {
    let (_dir, root, folio) = bundle();
    folio.add("x", json!("first"), AddOptions::new()).unwrap();
    folio.create_snapshot("s", plain()).unwrap();
    folio.create_snapshot("deleted", plain()).unwrap();
    let older = fs::read_to_string(root.join("items.json")).unwrap();
    folio.add("x", json!("second"), overwrite()).unwrap();
    folio.add("y", json!(1), AddOptions::new()).unwrap();
    folio.delete_snapshot("deleted").unwrap();
    // An item as 1.x writes it, so that there is something to save.
    fs::write(root.join("artifacts/z.json"), "1").unwrap();
    let theirs = r#""items": [{"name": "z", "item_type": "json_data", "filename": "z.json"}, "#;
    let damaged = older[older.find("\"metadata\"").unwrap()..].replacen("\"items\": [", theirs, 1);
    fs::write(root.join("items.json"), damaged).unwrap();
    let (report, folio) = repaired(&root);
    assert_eq!(report.salvaged_items, ["z"], "{report:?}");
    assert_eq!((folio.get_json("x").unwrap(), folio.get_json("y").unwrap()), (json!("second"), json!(1)));
    assert_eq!(folio.list_snapshots().unwrap().len(), 1, "{report:?}");
    assert_eq!(folio.load_snapshot("s").unwrap().get_json("x").unwrap(), "first");
}
