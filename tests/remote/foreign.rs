//! Another program writes to a store without conditions, as Python DataFolio 2.3 does: it replaces `items.json` by what it read before,
//! with its own change.

use datafolio::{AddOptions, CommitKind, DataFolio, GcOptions, RepairOptions, VerifyOptions, repair};
use serde_json::{Value, json};

use super::{Remote, settings_in};

const CATALOGUE: &str = "runs/a/items.json";

fn catalogue(remote: &Remote) -> Value {
    let found = remote.server.objects().into_iter().find(|(key, _)| key == CATALOGUE).unwrap();
    serde_json::from_slice(&found.1).unwrap()
}

/// What the other program writes that had read `read`.
fn write_over(remote: &Remote, read: &Value, item: &str, value: &str) {
    let mut written = read.clone();
    let revision = written["revision"].as_u64().unwrap() + 1;
    written.as_object_mut().unwrap().remove("commit");
    written["revision"] = json!(revision);
    let items = written["items"].as_array_mut().unwrap();
    items.retain(|entry| entry["name"] != item);
    items.push(json!({
        "name": item, "item_type": "json_data", "filename": format!("{item}-theirs.json"), "is_current": true,
        "version_id": format!("{item}--r{revision}"), "checksum": null,
    }));
    remote.server.put(&format!("runs/a/artifacts/{item}-theirs.json"), value.as_bytes());
    remote.server.put(CATALOGUE, &serde_json::to_vec_pretty(&written).unwrap());
}

fn found(folio: &DataFolio) -> Vec<String> {
    // What it removes it deletes, and that is told.
    let known = ["missing-copy", "lost-version"];
    let findings = folio.verify(&VerifyOptions::default()).unwrap().findings;
    findings.into_iter().map(|finding| finding.code).filter(|code| !known.contains(&code.as_str())).collect()
}

fn repaired(remote: &Remote) -> datafolio::RepairReport {
    let mut settings = settings_in(remote.cache.path());
    settings.storage_options = remote.storage_options();
    repair(remote.address("a"), &RepairOptions { settings, ..RepairOptions::default() }).unwrap()
}

/// One of our commits, or several, are written over; found at once, or when others have committed upon it.
#[test]
fn commits_that_are_written_over_are_told_and_come_back() {
    for (ours, later) in [(1, 0), (1, 2), (3, 0), (3, 2), (5, 1)] {
        let remote = Remote::s3();
        let folio = remote.create("a");
        folio.add("x", json!(0), AddOptions::new()).unwrap();
        let read = catalogue(&remote);
        for number in 1..=ours {
            folio.add(&format!("ours{number}"), json!(number), AddOptions::new()).unwrap();
        }
        folio.set_metadata("owner", "us").unwrap();
        folio.create_snapshot("s", Default::default()).unwrap();
        write_over(&remote, &read, "theirs", "7");
        let fresh = remote.open("a");
        for number in 0..later {
            fresh.add(&format!("later{number}"), json!(number), AddOptions::new()).unwrap();
        }
        let case = format!("{ours} of ours, {later} later");
        let fresh = remote.open("a");
        assert!(!fresh.contains("ours1") && fresh.contains("theirs"), "{case}");
        assert_eq!(found(&fresh), ["overwritten-by-foreign-writer"], "{case}");
        // What they named is kept until somebody has seen to it.
        let gc = fresh.gc(&GcOptions { grace: Some(Default::default()), ..GcOptions::default() }).unwrap();
        assert!(gc.payloads.is_empty() && gc.later_revisions.len() == ours + 2, "{case}: {gc:?}");
        let report = repaired(&remote);
        assert!(report.problem.as_ref().is_some_and(|problem| problem.contains("acknowledged")), "{case}: {report:?}");
        assert!(report.given_up.is_empty(), "{case}: {report:?}");
        let fresh = remote.open("a");
        for number in 1..=ours {
            assert_eq!(fresh.get_json(&format!("ours{number}")).unwrap(), json!(number), "{case}");
        }
        for number in 0..later {
            assert_eq!(fresh.get_json(&format!("later{number}")).unwrap(), json!(number), "{case}");
        }
        assert_eq!((fresh.get_json("theirs").unwrap(), fresh.get_json("x").unwrap()), (json!(7), json!(0)), "{case}");
        assert_eq!(fresh.metadata()["owner"], "us", "{case}");
        assert_eq!(fresh.load_snapshot("s").unwrap().get_json("ours1").unwrap(), json!(1), "{case}");
        assert!(found(&fresh).is_empty(), "{case}: {:?}", found(&fresh));
        assert_eq!(repaired(&remote).problem, None, "{case}");
        let kinds: Vec<CommitKind> = fresh.log(100).unwrap().into_iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == CommitKind::External).count(), 1, "{case}");
    }
}

/// What the other program has changed as well stays as it made it, and is named.
#[test]
fn what_both_have_changed_is_named() {
    let remote = Remote::s3();
    let folio = remote.create("a");
    folio.add("x", json!(0), AddOptions::new()).unwrap();
    let read = catalogue(&remote);
    folio.add("x", json!(1), AddOptions::new().overwrite()).unwrap();
    folio.add("y", json!(1), AddOptions::new()).unwrap();
    write_over(&remote, &read, "x", "7");
    let report = repaired(&remote);
    assert!(report.given_up.len() == 1 && report.given_up[0].contains("'x'"), "{report:?}");
    let fresh = remote.open("a");
    assert_eq!((fresh.get_json("x").unwrap(), fresh.get_json("y").unwrap()), (json!(7), json!(1)));
    assert!(found(&fresh).is_empty());
    // Or all of it is to stay as the other program made it.
    let read = catalogue(&remote);
    fresh.add("z", json!(1), AddOptions::new()).unwrap();
    write_over(&remote, &read, "theirs", "7");
    let mut settings = settings_in(remote.cache.path());
    settings.storage_options = remote.storage_options();
    let report = repair(remote.address("a"), &RepairOptions { settings, accept: true }).unwrap();
    assert!(report.given_up.len() == 1 && report.given_up[0].contains("'z'"), "{report:?}");
    let fresh = remote.open("a");
    assert!(!fresh.contains("z") && found(&fresh).is_empty());
}

/// It reads what we have committed, and goes on from there: nothing is amiss, also when it takes something back.
#[test]
fn a_program_that_follows_is_not_accused() {
    let remote = Remote::s3();
    let folio = remote.create("a");
    folio.add("x", json!(0), AddOptions::new()).unwrap();
    folio.add("y", json!(0), AddOptions::new()).unwrap();
    write_over(&remote, &catalogue(&remote), "theirs", "7");
    let fresh = remote.open("a");
    assert!(found(&fresh).is_empty(), "{:?}", found(&fresh));
    fresh.add("z", json!(0), AddOptions::new()).unwrap();
    // It removes our last item, and deletes its file with it.
    let mut written = catalogue(&remote);
    let entries = written["items"].as_array_mut().unwrap();
    let at = entries.iter().position(|entry| entry["name"] == "z").unwrap();
    let file = entries.remove(at)["filename"].as_str().unwrap().to_owned();
    assert!(remote.server.remove(&format!("runs/a/artifacts/{file}")));
    write_over(&remote, &written, "theirs", "8");
    let fresh = remote.open("a");
    assert!(!fresh.contains("z"));
    assert!(found(&fresh).is_empty(), "{:?}", found(&fresh));
    fresh.add("more", json!(0), AddOptions::new()).unwrap();
    assert!(found(&remote.open("a")).is_empty());
    assert_eq!(repaired(&remote).problem, None);
}
