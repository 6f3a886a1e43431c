//! The storage over the servers of others: moto for S3, Azurite for Azure.

use std::io::Write;
use std::sync::Arc;

use datafolio_storage::conformance::{self, Place, Tags, path, put};
use datafolio_storage::{Storage, StorageError, StorageOptions};
use datafolio_testkit::peer_stores::PeerStore;

use crate::{Address, ObjectStorage};

fn open(address: &str, options: StorageOptions) -> ObjectStorage {
    ObjectStorage::new(Address::parse(address).unwrap(), options, None).unwrap()
}

/// All that a storage must do, which is also that the store keeps to the conditions of requests.
fn conforms(store: &PeerStore, tags: Tags) {
    for above in ["a", "runs/größe 1%20+&"] {
        conformance::all(&|| {
            let address = store.new_place(above);
            let open = || Arc::new(open(&address, store.options()));
            Place { first: open(), second: open(), tags, keep: Box::new(()) }
        });
    }
}

/// A file that is sent in parts arrives, whole and once; one that is given up leaves nothing.
fn files_in_parts_arrive(store: &PeerStore) {
    let storage = open(&store.new_place("parts"), store.options());
    let content: Vec<u8> = (0..5_000_000u32).flat_map(u32::to_le_bytes).collect();
    put(&storage, "large.bin", &content).unwrap();
    let taken = put(&storage, "large.bin", &vec![1; content.len()]).unwrap_err();
    assert!(matches!(taken, StorageError::AlreadyExists { .. }), "{taken}");
    let mut given_up = storage.create(&path("given-up.bin")).unwrap();
    given_up.write_all(&content).unwrap();
    drop(given_up);
    let listed = storage.list(None).unwrap();
    assert_eq!(
        listed.iter().map(|info| (info.path.as_str(), info.size)).collect::<Vec<_>>(),
        [("large.bin", 20_000_000)]
    );
    let source = storage.open(&path("large.bin")).unwrap();
    let mut read = vec![0; content.len()];
    source.read_exact_at(&mut read, 0).unwrap();
    assert!(read == content);
    storage.duplicate(&path("large.bin"), &path("again.bin")).unwrap();
    assert!(storage.read(&path("again.bin"), 100 << 20).unwrap() == content);
}

/// More objects than a store lists in one answer.
fn long_listings_are_whole(store: &PeerStore) {
    let storage = open(&store.new_place("many"), store.options());
    for number in 0..1_100 {
        let mut staged = storage.create(&path(&format!("history/{number:04}"))).unwrap();
        staged.write_all(b"1").unwrap();
        staged.finish_later().unwrap();
    }
    let listed = storage.list(Some(&path("history"))).unwrap();
    assert!(
        listed.iter().map(|info| info.path.to_string()).eq((0..1_100).map(|number| format!("history/{number:04}")))
    );
}

/// A bucket that is not there is named as such.
fn lacking_buckets_are_named(store: &PeerStore) {
    let elsewhere = store.address("a").replace("bucket", "lacking");
    let storage = open(&elsewhere, store.options());
    for error in [put(&storage, "a", b"1").unwrap_err(), storage.list(None).unwrap_err()] {
        assert!(matches!(error, StorageError::NoSuchBucket { .. }), "{error}");
    }
}

#[test]
fn moto_takes_what_is_asked_of_s3() {
    let Some(store) = PeerStore::moto() else { return };
    conforms(&store, Tags::OfContents);
    files_in_parts_arrive(&store);
    long_listings_are_whole(&store);
    lacking_buckets_are_named(&store);
}

#[test]
fn azurite_takes_what_is_asked_of_azure() {
    let Some(store) = PeerStore::azurite() else { return };
    conforms(&store, Tags::OfStates);
    files_in_parts_arrive(&store);
    long_listings_are_whole(&store);
    lacking_buckets_are_named(&store);
    // Azurite checks signatures.
    let other = store.options().with("account_key", "b3RoZXI=");
    let denied = open(&store.new_place("denied"), other).read(&path("a"), 10).unwrap_err();
    assert!(matches!(denied, StorageError::AccessDenied { .. }), "{denied}");
}

/// Whoever asks for the emulator by its name need give no account and no key, and no account in the endpoint.
#[test]
fn the_emulator_is_reached_by_its_name() {
    let Some(store) = PeerStore::azurite() else { return };
    let (host, _) = store.endpoint().rsplit_once('/').unwrap();
    let named = |options: StorageOptions| options.with("use_emulator", "true").with("endpoint", host);
    let storage = open(&store.new_place("emulator"), named(StorageOptions::new()));
    let access = format!("the key that every emulator of Azure has, endpoint {host}/devstoreaccount1");
    assert_eq!(storage.access().to_string(), access);
    // It has no container, which is told to whoever has its key.
    let told = storage.list(None).unwrap_err();
    assert!(matches!(told, StorageError::NoSuchBucket { .. }), "{told}");
    let storage = open(&store.new_place("emulator"), named(store.options()));
    put(&storage, "a", b"1").unwrap();
    assert_eq!(storage.read(&path("a"), 10).unwrap(), b"1");
}
