//! How many requests things cost, and how many bytes are fetched.

use std::io::Write;
use std::sync::Arc;

use datafolio_storage::conformance::{path, put};
use datafolio_storage::{PayloadWriter, Reread, Storage, Verification, VerifiedCache, VerifiedSource};
use datafolio_testkit::object_server::{ObjectServer, Request};

use super::s3;

fn methods(requests: &[Request]) -> Vec<(String, u16)> {
    requests.iter().map(|request| (request.method.clone(), request.status)).collect()
}

#[test]
fn reading_the_catalogue_is_one_request() {
    let server = ObjectServer::start();
    server.put("run/items.json", b"{}");
    let storage = s3(&server, "run");
    let (_, tag) = storage.read_tagged(&path("items.json"), 100).unwrap().unwrap();
    assert_eq!(methods(&server.take_requests()), [("GET".to_owned(), 200)]);
    assert!(matches!(storage.read_if_changed(&path("items.json"), 100, &tag).unwrap(), Reread::Unchanged));
    assert_eq!(methods(&server.take_requests()), [("GET".to_owned(), 304)]);
    server.put("run/items.json", b"{1}");
    assert!(
        matches!(storage.read_if_changed(&path("items.json"), 100, &tag).unwrap(), Reread::Changed(bytes, _) if bytes == b"{1}")
    );
    assert_eq!(methods(&server.take_requests()), [("GET".to_owned(), 200)]);
}

#[test]
fn a_store_is_probed_once_and_a_small_file_is_one_request() {
    let server = ObjectServer::start();
    let storage = s3(&server, "run");
    put(&storage, "tables/a.bin", b"1").unwrap();
    let probed = server.take_requests();
    assert!(probed.iter().any(|request| request.status == 412), "{probed:?}");
    assert_eq!(server.objects().len(), 1, "the probe left something behind");
    put(&storage, "tables/b.bin", b"2").unwrap();
    put(&s3(&server, "other"), "tables/b.bin", b"2").unwrap();
    assert_eq!(methods(&server.take_requests()), [("PUT".to_owned(), 200), ("PUT".to_owned(), 200)]);
}

fn numbers(length: usize) -> Vec<u8> {
    (0..length as u64 / 8).flat_map(u64::to_le_bytes).collect()
}

/// A file of 40 MB in parts, written and read back; reading a little fetches little.
#[test]
fn large_files_go_in_parts_and_are_read_in_stretches() {
    let server = ObjectServer::start();
    let storage: Arc<dyn Storage> = Arc::new(s3(&server, "run"));
    let content = numbers(40 << 20);
    let mut writer = PayloadWriter::create(&storage, "tables", "t", ".bin").unwrap();
    writer.write_all(&content).unwrap();
    let payload = writer.finish().unwrap();
    assert_eq!(server.unfinished_uploads(), 0);
    let parts = server.take_requests().iter().filter(|request| request.query.contains("partNumber")).count();
    assert_eq!(parts, 5);
    let held = server.objects().into_iter().find(|(key, _)| key.ends_with(".bin")).unwrap().1;
    assert!(held == content);

    let cache = VerifiedCache::new(None);
    let open = |verification| {
        let source = VerifiedSource::open(&storage, &payload.path, (&payload).into(), verification, &cache).unwrap();
        Arc::new(source)
    };
    // A few bytes in the middle: the block that holds them, and the file of checksums.
    let mut few = [0; 100];
    datafolio_storage::Source::read_exact_at(open(Verification::Touched).as_ref(), &mut few, 20_000_000).unwrap();
    assert_eq!(few, content[20_000_000..][..100]);
    let requests = server.take_requests();
    let fetched: u64 = requests.iter().map(|request| request.sent).sum();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(fetched < 1_100_000, "{fetched}");
    // From front to back: few requests, each byte once.
    for verification in [Verification::Off, Verification::Touched] {
        let mut reader = datafolio_storage::SourceReader::new(open(verification));
        server.take_requests();
        let mut read = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut read).unwrap();
        assert!(read == content);
        let requests = server.take_requests();
        let fetched: u64 = requests.iter().map(|request| request.sent).sum();
        assert!((40 << 20..41 << 20).contains(&fetched), "{verification:?}: {fetched}");
        assert!(requests.len() < 16, "{verification:?}: {requests:?}");
    }
}
