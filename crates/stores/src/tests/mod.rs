//! The storage over the server of the testkit.

mod bad_places;
mod faults;
mod peers;
mod requests;

use std::sync::Arc;

use datafolio_storage::StorageOptions;
use datafolio_storage::conformance::{self, Place, Tags};
use datafolio_testkit::object_server::ObjectServer;

use crate::{Address, ObjectStorage};

/// A bundle on a server, over the protocol of S3.
fn s3(server: &ObjectServer, prefix: &str) -> ObjectStorage {
    let options = StorageOptions::new()
        .with("endpoint", server.endpoint())
        .with("access_key_id", "key")
        .with("secret_access_key", "secret")
        .with("region", "here");
    ObjectStorage::new(Address::parse(&format!("s3://bucket/{prefix}")).unwrap(), options, None).unwrap()
}

/// The same over that of Google.
fn google(server: &ObjectServer, prefix: &str) -> ObjectStorage {
    let options = StorageOptions::new().with("endpoint", server.endpoint()).with("bearer_token", "token");
    ObjectStorage::new(Address::parse(&format!("gs://bucket/{prefix}")).unwrap(), options, None).unwrap()
}

fn place(open: fn(&ObjectServer, &str) -> ObjectStorage, prefix: &str, tags: Tags, page: usize) -> Place {
    let server = ObjectServer::start();
    server.faults().set_page_size(page);
    Place {
        first: Arc::new(open(&server, prefix)),
        second: Arc::new(open(&server, prefix)),
        tags,
        keep: Box::new(server),
    }
}

#[test]
fn conforms() {
    conformance::all(&|| place(s3, "runs/größe 1%20+&", Tags::OfContents, 3));
    conformance::all(&|| place(s3, "", Tags::OfContents, 1000));
    conformance::all(&|| place(google, "a", Tags::OfContents, 3));
}

/// What lies beside a bundle whose name begins like its own is not listed.
#[test]
fn neighbours_are_not_seen() {
    let server = ObjectServer::start();
    server.put("run/a.bin", b"1");
    server.put("run-2/b.bin", b"2");
    server.put("run.txt", b"3");
    let listed = datafolio_storage::Storage::list(&s3(&server, "run"), None).unwrap();
    assert_eq!(listed.iter().map(|info| info.path.to_string()).collect::<Vec<_>>(), ["a.bin"]);
}

/// Addresses of memory with other prefixes are other bundles, as on a store, and the same one is the same bundle.
#[test]
fn prefixes_in_memory_are_places_of_their_own() {
    let open = |address: &str| {
        crate::open(&Address::parse(&format!("memory://prefixes{address}")).unwrap(), &StorageOptions::new(), None)
            .unwrap()
    };
    conformance::put(open("/a/one").as_ref(), "x", b"1").unwrap();
    conformance::put(open("/a/two").as_ref(), "x", b"2").unwrap();
    let read = |address: &str, file: &str| open(address).read(&conformance::path(file), 10).unwrap();
    assert_eq!((read("/a/one", "x"), read("/a/two/", "x")), (b"1".to_vec(), b"2".to_vec()));
    assert_eq!(read("", "a/one/x"), b"1");
    assert_eq!(open("/a").list(None).unwrap().len(), 2);
    assert!(open("/a/on").list(None).unwrap().is_empty());
}
