//! Two machines whose releases are not the same work on one bundle: what the newer one writes is kept by the older one, which is this one,
//! or refused.

use datafolio::core::history::{CommitRef, EntryStamp, HISTORY_DIR, HistoryEntry};
use datafolio::core::{CatalogueFiles, CommitStamp, SealCheck, encode, fingerprint, parse_catalogue, seal_of};
use datafolio::{AddOptions, DataFolio, GcOptions, RepairOptions, VerifyOptions, repair};
use serde_json::{Value, json};

use super::{Remote, settings_in};

const CATALOGUE: &str = "runs/a/items.json";

fn object(remote: &Remote, key: &str) -> Option<String> {
    let found = remote.server.objects().into_iter().find(|(found, _)| found == key);
    found.map(|(_, bytes)| String::from_utf8(bytes).unwrap())
}

fn catalogue(remote: &Remote) -> Value {
    serde_json::from_str(&object(remote, CATALOGUE).unwrap()).unwrap()
}

/// A text with the seal that it has now.
fn sealed(text: &str) -> String {
    text.replace(seal_of(text).unwrap(), &fingerprint(text))
}

/// A commit of a later release, which has things in its catalogue and its history that are not known here.
fn commit_of_later(remote: &Remote, change: impl FnOnce(&mut Value), write_entry: impl FnOnce(String) -> String) {
    let mut written = catalogue(remote);
    change(&mut written);
    let text = serde_json::to_string_pretty(&written).unwrap();
    let files = CatalogueFiles { items: text.into(), ..CatalogueFiles::default() };
    let mut catalogue = (*parse_catalogue(&files, SealCheck::Skipped).unwrap().catalogue).clone();
    let before = CommitRef { revision: catalogue.revision, id: catalogue.commit.as_ref().unwrap().id.clone() };
    let commit = CommitRef { revision: before.revision + 1, id: format!("{:032x}", before.revision + 1) };
    catalogue.revision = commit.revision;
    catalogue.commit = Some(CommitStamp { id: commit.id.clone(), parent: Some(before.id.clone()) });
    let new = encode(catalogue);
    let last = object(remote, &format!("runs/a/{}", before.entry_path().unwrap())).unwrap();
    let entry = HistoryEntry {
        revision: commit.revision,
        commit: EntryStamp { id: commit.id.clone(), seal: String::new() },
        parent: Some(before),
        operation: "what a later release does".to_owned(),
        catalogue: new.fingerprint(),
        patch: None,
        since_checkpoint: 0,
        ..HistoryEntry::parse("entry", &last).unwrap()
    };
    let put = |path: &str, text: &str| remote.server.put(&format!("runs/a/{path}"), text.as_bytes());
    put(commit.checkpoint_path().unwrap().as_str(), &new.text);
    put(commit.entry_path().unwrap().as_str(), &sealed(&write_entry(entry.encode())));
    put("items.json", &new.text);
}

/// Fields, a type and a file that are not known here.
fn extend(catalogue: &mut Value) {
    catalogue["ontology"] = json!({"terms": ["a", "b"]});
    catalogue["items"][0]["units"] = json!({"rate": "1/s"});
    catalogue["snapshots"]["s"]["signed_by"] = json!("somebody");
    let items = catalogue["items"].as_array_mut().unwrap();
    items.push(json!({
        "name": "graph", "item_type": "graph_data", "filename": "graph-aaaaaaaaaa.bin", "is_current": true,
        "version_id": "graph--r9", "sha256": null, "edges": 5,
    }));
}

fn is_kept(remote: &Remote, case: &str) {
    let found = catalogue(remote);
    assert_eq!(found["ontology"], json!({"terms": ["a", "b"]}), "{case}");
    assert_eq!(found["snapshots"]["s"]["signed_by"], json!("somebody"), "{case}");
    let item =
        |name: &str| found["items"].as_array().unwrap().iter().find(|item| item["name"] == name).unwrap().clone();
    assert_eq!(item("rate")["units"], json!({"rate": "1/s"}), "{case}");
    assert_eq!(item("graph")["edges"], json!(5), "{case}");
    assert_eq!(object(remote, "runs/a/artifacts/graph-aaaaaaaaaa.bin").as_deref(), Some("edges"), "{case}");
}

fn study(remote: &Remote) -> DataFolio {
    let folio = remote.create("a");
    folio.add("rate", json!({"rate": 0.1}), AddOptions::new()).unwrap();
    folio.create_snapshot("s", Default::default()).unwrap();
    remote.server.put("runs/a/artifacts/graph-aaaaaaaaaa.bin", b"edges");
    folio
}

type Action = (&'static str, fn(&DataFolio) -> datafolio::Result<()>);

/// What is not known is kept by every kind of commit, also of a handle that was open before.
#[test]
fn what_a_later_release_adds_is_kept() {
    let remote = Remote::s3();
    let folio = study(&remote);
    commit_of_later(&remote, extend, |entry| entry.replacen("\"kind\"", "\"reviewed\": true,\n  \"kind\"", 1));
    let actions: [Action; 6] = [
        ("add", |folio| folio.add("other", json!(1), AddOptions::new()).map(drop)),
        ("snapshot", |folio| folio.create_snapshot("t", Default::default()).map(drop)),
        ("metadata", |folio| folio.set_metadata("owner", "us").map(drop)),
        ("undo", |folio| folio.undo(None).map(drop)),
        ("rename", |folio| folio.rename("other", "another").map(drop)),
        ("gc", |folio| folio.gc(&GcOptions { grace: Some(Default::default()), ..GcOptions::default() }).map(drop)),
    ];
    for (case, action) in actions {
        action(&folio).unwrap_or_else(|error| panic!("{case}: {error}"));
        is_kept(&remote, case);
        assert!(remote.open("a").contains("graph"), "{case}");
    }
    assert_eq!(folio.get("graph").unwrap_err().code(), "unknown-item-type");
    let fresh = remote.open("a");
    assert!(fresh.verify(&VerifyOptions::default()).unwrap().is_clean());
    // Its commit is one of the line: before it and after it there is what there was.
    let log = fresh.log(usize::MAX).unwrap();
    assert!(log.entries.iter().any(|entry| entry.operation == "what a later release does"), "{log:?}");
    assert!(!fresh.at_revision(3).unwrap().contains("graph"));
    assert!(fresh.at_revision(4).unwrap().contains("graph"));
}

/// A history of a later format is not read, and said to be that; nothing of it goes.
#[test]
fn a_history_of_a_later_format_is_refused() {
    let remote = Remote::s3();
    let folio = study(&remote);
    let later = |entry: String| {
        entry.replacen("\"format\": 1", "\"format\": 2", 1).replacen("\"kind\": \"commit\"", "\"kind\": {\"of\": 7}", 1)
    };
    commit_of_later(&remote, extend, later);
    let fresh = remote.open("a");
    assert_eq!(fresh.get_json("rate").unwrap(), json!({"rate": 0.1}));
    let history = || {
        let objects = remote.server.objects();
        objects.into_iter().filter(|(key, _)| key.contains(HISTORY_DIR)).collect::<Vec<_>>()
    };
    let before = history();
    let log = fresh.log(usize::MAX).unwrap();
    assert_eq!(log.breaks[0].code, "unknown-history", "{log:?}");
    let gc = fresh.gc(&GcOptions { grace: Some(Default::default()), ..GcOptions::default() });
    assert_eq!(gc.unwrap_err().code(), "unknown-history");
    assert_eq!(history(), before);
    folio.add("other", json!(1), AddOptions::new()).unwrap();
    is_kept(&remote, "add");
    assert!(before.iter().all(|old| history().contains(old) || old.0.ends_with("published")));
}

/// A catalogue of a later format is neither read nor written, nor repaired.
#[test]
fn a_catalogue_of_a_later_format_is_refused() {
    let remote = Remote::s3();
    let folio = study(&remote);
    let text = object(&remote, CATALOGUE).unwrap();
    remote
        .server
        .put(CATALOGUE, sealed(&text.replacen("\"schema_version\": 2", "\"schema_version\": 3", 1)).as_bytes());
    let before = remote.server.objects();
    // One that was open before cannot tell whether its commit lies below that catalogue.
    let error = folio.add("other", json!(1), AddOptions::new()).unwrap_err();
    assert_eq!(error.code(), "commit-unknown", "{error}");
    let code = |result: datafolio::Result<()>| result.unwrap_err().code();
    assert_eq!(code(remote.options().open(remote.address("a")).map(drop)), "unknown-schema");
    assert_eq!(code(remote.options().open_or_create(remote.address("a")).map(drop)), "unknown-schema");
    assert_eq!(code(folio.gc(&GcOptions::default()).map(drop)), "unknown-schema");
    let mut settings = settings_in(remote.cache.path());
    settings.storage_options = remote.storage_options();
    let options = RepairOptions { settings, ..RepairOptions::default() };
    assert_eq!(code(repair(remote.address("a"), &options).map(drop)), "unknown-schema");
    let after = remote.server.objects();
    assert!(before.iter().all(|old| after.contains(old)));
}
