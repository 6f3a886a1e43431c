//! A short life of a bundle on the servers of others: moto for S3, Azurite for Azure.

use std::time::Duration;

use arrow::array::RecordBatchIterator;
use datafolio::{
    AddOptions, DataFolio, ErrorCategory, GcOptions, OpenOptions, SnapshotOptions, TransferOptions, VerifyOptions,
};
use datafolio_testkit::peer_stores::PeerStore;
use serde_json::json;
use tempfile::TempDir;

use super::settings_in;
use crate::support::{rows, table};

/// A bundle on a server, by handles that know nothing of each other.
struct Place<'a> {
    store: &'a PeerStore,
    address: String,
    dir: TempDir,
}

impl Place<'_> {
    fn options(&self) -> OpenOptions {
        let settings = settings_in(&self.dir.path().join("cache"));
        OpenOptions::new().settings(settings).storage_options(self.store.options())
    }

    fn open(&self) -> DataFolio {
        self.options().open(&self.address).unwrap()
    }
}

fn is_whole(folio: &DataFolio) {
    let report = folio.verify(&VerifyOptions { read_data: true, ..VerifyOptions::default() }).unwrap();
    assert!(report.is_clean(), "{report:?}");
}

fn add_table(folio: &DataFolio, count: i64) {
    let batch = table(count);
    let schema = batch.schema();
    let reader = RecordBatchIterator::new([Ok(batch)], schema);
    folio.add_table("visits", Box::new(reader) as Box<_>, AddOptions::new().overwrite()).unwrap();
}

fn life(store: &PeerStore) {
    let place = Place { store, address: store.new_place("lives/größe 1%20+&"), dir: TempDir::new().unwrap() };
    let folio = place.options().create(&place.address).unwrap();
    assert_eq!(place.options().create(&place.address).unwrap_err().code(), "bundle-exists");
    add_table(&folio, 5_000);
    folio.add("params", json!({"rate": 0.1}), AddOptions::new()).unwrap();
    // More than one part of an upload, and more than one request to read.
    let large = place.dir.path().join("large.bin");
    std::fs::write(&large, (0..5_000_000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    folio.add_file("large", &large, AddOptions::new()).unwrap();
    folio.create_snapshot("v1", SnapshotOptions::default()).unwrap();

    two_handles(&place, folio);
    let folio = place.open();
    add_table(&folio, 7_000);
    assert_eq!((rows(&folio, "visits"), rows(&folio.load_snapshot("v1").unwrap(), "visits")), (7_000, 5_000));
    is_whole(&folio);
    transfers(&place, &folio);
    collection(&place, &folio);
}

/// Handles that do not know what the other has done: different things merge, the same thing is a conflict.
fn two_handles(place: &Place<'_>, one: DataFolio) {
    let two = place.open();
    one.add("of-one", json!(1), AddOptions::new()).unwrap();
    two.add("of-two", json!(2), AddOptions::new()).unwrap();
    one.add("params", json!({"rate": 0.2}), AddOptions::new().overwrite()).unwrap();
    let error = two.add("params", json!({"rate": 0.3}), AddOptions::new().overwrite()).unwrap_err();
    assert_eq!(error.category(), ErrorCategory::Conflict, "{error}");
    let before = place.open().revision();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            scope.spawn(move || {
                let folio = place.open();
                for number in 0..5 {
                    folio.add(&format!("w{writer}/{number}"), json!(number), AddOptions::new()).unwrap();
                }
            });
        }
    });
    let folio = place.open();
    assert_eq!((folio.revision(), folio.get_json("of-one").unwrap()), (before + 20, json!(1)));
    assert_eq!(folio.get_json("of-two").unwrap(), json!(2));
    assert!((0..4).all(|writer| folio.get_json(&format!("w{writer}/4")).unwrap() == json!(4)));
}

/// To another place of the server, from there to this machine, and back.
fn transfers(place: &Place<'_>, folio: &DataFolio) {
    let (there, here) = (place.store.new_place("copies"), place.dir.path().join("here"));
    let all = TransferOptions::default();
    assert_eq!(folio.push(&there, &all).unwrap().revision, folio.revision());
    let copy = place.options().open(&there).unwrap();
    copy.push(&here, &all).unwrap();
    let here = place.options().open(&here).unwrap();
    here.add("made-here", json!(5), AddOptions::new()).unwrap();
    assert_eq!(copy.pull(here.location(), &all).unwrap().files, 2);
    assert_eq!(copy.get_json("made-here").unwrap(), json!(5));
    assert_eq!(folio.push(&there, &all).unwrap_err().code(), "diverged");
    is_whole(&copy);
    is_whole(&here);
}

/// What nobody kept goes, what is kept stays, and a writer whose files went is told.
fn collection(place: &Place<'_>, folio: &DataFolio) {
    let writer = place.open();
    let mut batch = writer.batch().unwrap();
    batch.add("late", json!(1), AddOptions::new()).unwrap();
    batch.seen().get_json("late").unwrap();
    let at_once =
        GcOptions { apply: true, grace: Some(Duration::ZERO), retention_days: Some(0), retention_revisions: Some(1) };
    let report = folio.gc(&at_once).unwrap();
    assert!(report.payloads.iter().any(|path| path.contains("late--")), "{report:?}");
    assert_eq!(batch.commit().unwrap_err().code(), "staged-gone");
    writer.refresh().unwrap();
    writer.add("late", json!(1), AddOptions::new()).unwrap();
    let fresh = place.open();
    assert_eq!((rows(&fresh, "visits"), rows(&fresh.load_snapshot("v1").unwrap(), "visits")), (7_000, 5_000));
    is_whole(&fresh);
    assert!(fresh.gc(&at_once).unwrap().payloads.is_empty());
}

#[test]
fn a_bundle_lives_on_moto() {
    if let Some(store) = PeerStore::moto() {
        life(&store);
    }
}

#[test]
fn a_bundle_lives_on_azurite() {
    if let Some(store) = PeerStore::azurite() {
        life(&store);
    }
}
