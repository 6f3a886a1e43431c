//! What goes wrong on the way and in the store.

use std::io::Write;
use std::sync::Arc;

use datafolio_storage::conformance::{path, put};
use datafolio_storage::{Publish, Storage, StorageError};
use datafolio_testkit::object_server::{FaultKind, ObjectServer};

use super::{google, s3};

const ON_THE_WAY: [FaultKind; 8] = [
    FaultKind::ErrorBefore,
    FaultKind::SlowDown,
    FaultKind::ErrorAfter,
    FaultKind::CutAfter,
    FaultKind::CutBefore,
    FaultKind::Conflict,
    FaultKind::Precondition,
    FaultKind::PreconditionAfter,
];

/// Whatever becomes of the answer to a write, the file is there as it was meant to be.
#[test]
fn small_files_arrive_whatever_becomes_of_the_answer() {
    for kind in ON_THE_WAY {
        for open in [s3, google] {
            let server = ObjectServer::start();
            let storage = open(&server, "run");
            put(&storage, "first.bin", b"the probe is done").unwrap();
            server.faults().next(kind, Some("PUT"), "a.bin");
            put(&storage, "a.bin", b"12345").unwrap_or_else(|error| panic!("{kind:?}: {error}"));
            assert_eq!(server.faults().waiting(), 0, "{kind:?}");
            assert_eq!(storage.read(&path("a.bin"), 10).unwrap(), b"12345", "{kind:?}");
            // And a name that is taken is not taken over.
            server.faults().next(kind, Some("PUT"), "a.bin");
            let taken = put(&storage, "a.bin", b"other").unwrap_err();
            let is_told = matches!(taken, StorageError::AlreadyExists { .. });
            // A server that has applied what it denies has lost what was there; that is not to be made up for here.
            assert!(is_told || matches!(kind, FaultKind::ErrorAfter | FaultKind::CutAfter), "{kind:?}: {taken}");
            assert_eq!(storage.read(&path("a.bin"), 10).unwrap(), b"12345", "{kind:?}");
        }
    }
}

/// A file in parts arrives or is not there, and no part of it stays behind.
#[test]
fn files_in_parts_arrive_or_leave_nothing() {
    let content = vec![7u8; 33 << 20];
    for (kind, method) in ON_THE_WAY.iter().flat_map(|kind| [(*kind, "PUT"), (*kind, "POST")]) {
        let server = ObjectServer::start();
        let storage = s3(&server, "run");
        put(&storage, "first.bin", b"the probe is done").unwrap();
        let written = (|| {
            let write_error = |error| StorageError::from_io("write", "a.bin", "a test", error);
            let mut staged = storage.create(&path("a.bin"))?;
            // The first request begins the upload. Where its answer is lost, nobody knows how the upload is called, and it
            // stays until the store's own rules remove it: that is not to be made up for here.
            staged.write_all(&content[..20 << 20]).map_err(write_error)?;
            while server.unfinished_uploads() == 0 {
                std::thread::yield_now();
            }
            server.faults().next(kind, Some(method), "a.bin");
            staged.write_all(&content[20 << 20..]).map_err(write_error)?;
            staged.finish()
        })();
        match written {
            Ok(()) => assert_eq!(storage.stat(&path("a.bin")).unwrap().unwrap().size, 33 << 20, "{kind:?} {method}"),
            Err(_) => assert!(storage.stat(&path("a.bin")).unwrap().is_none(), "{kind:?} {method}"),
        }
        assert_eq!(server.unfinished_uploads(), 0, "{kind:?} {method}");
        let is_waiting = server.faults().waiting() == 1;
        assert!(
            !is_waiting || matches!(kind, FaultKind::Conflict | FaultKind::Precondition | FaultKind::PreconditionAfter)
        );
    }
    // A writer that gives up.
    let server = ObjectServer::start();
    let storage = s3(&server, "run");
    let mut staged = storage.create(&path("a.bin")).unwrap();
    staged.write_all(&content).unwrap();
    assert!(server.unfinished_uploads() == 1);
    drop(staged);
    assert_eq!((server.unfinished_uploads(), server.objects().len()), (0, 0));
}

/// What cannot be told is said to be unclear; what is not done is never said to be.
#[test]
fn a_publish_is_done_or_unclear() {
    for kind in ON_THE_WAY {
        let server = ObjectServer::start();
        let storage = s3(&server, "run");
        let Publish::Done(tag) = storage.publish(&path("items.json"), b"one", None).unwrap() else { panic!() };
        server.faults().next(kind, Some("PUT"), "items.json");
        let unclear = storage.publish(&path("items.json"), b"two", Some(&tag)).unwrap();
        assert!(matches!(unclear, Publish::Unclear(_)), "{kind:?}: {unclear:?}");
        let is_applied = matches!(kind, FaultKind::ErrorAfter | FaultKind::CutAfter | FaultKind::PreconditionAfter);
        let expected: &[u8] = if is_applied { b"two" } else { b"one" };
        assert_eq!(storage.read(&path("items.json"), 10).unwrap(), expected, "{kind:?}");
    }
}

/// Answers that are cut short, errors of the store and lost connections are asked for again.
#[test]
fn reading_goes_on_after_faults() {
    let server = ObjectServer::start();
    let content: Vec<u8> = (0..5_000_000u32).flat_map(u32::to_le_bytes).collect();
    server.put("run/a.bin", &content);
    let storage = s3(&server, "run");
    for kind in [FaultKind::ErrorBefore, FaultKind::SlowDown, FaultKind::CutBefore, FaultKind::ShortRead] {
        for _ in 0..2 {
            server.faults().next(kind, Some("GET"), "a.bin");
        }
        let source = storage.open_sized(&path("a.bin"), content.len() as u64).unwrap();
        let mut read = vec![0; content.len()];
        source.read_exact_at(&mut read, 0).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert!(read == content, "{kind:?}");
        assert_eq!(server.faults().waiting(), 0);
        server.faults().next(kind, Some("GET"), "a.bin");
        assert!(storage.read(&path("a.bin"), 100 << 20).unwrap() == content, "{kind:?}");
    }
}

/// An object that is deleted, cut or replaced while it is read is never half one and half the other.
#[test]
fn objects_that_change_under_a_reader_are_noticed() {
    let server = ObjectServer::start();
    let storage = s3(&server, "run");
    let old = vec![1u8; 20 << 20];
    let open = |size: usize| {
        server.put("run/a.bin", &old);
        let source = storage.open_sized(&path("a.bin"), size as u64).unwrap();
        source.read_exact_at(&mut [0; 10], 0).unwrap();
        source
    };
    let mut buffer = [0; 10];
    let source = open(old.len());
    server.put("run/a.bin", &vec![2u8; 20 << 20]);
    assert!(matches!(source.read_exact_at(&mut buffer, 15 << 20).unwrap_err(), StorageError::Damaged { .. }));
    let source = open(old.len());
    server.put("run/a.bin", &old[..16 << 20]);
    assert!(matches!(source.read_exact_at(&mut buffer, 15 << 20).unwrap_err(), StorageError::Damaged { .. }));
    assert!(matches!(source.read_exact_at(&mut buffer, 18 << 20).unwrap_err(), StorageError::Damaged { .. }));
    let source = open(old.len());
    server.remove("run/a.bin");
    assert!(matches!(source.read_exact_at(&mut buffer, 15 << 20).unwrap_err(), StorageError::NotFound { .. }));
    // The next try works.
    server.put("run/a.bin", &old);
    source.read_exact_at(&mut buffer, 15 << 20).unwrap();
}

/// Several threads that read one file share what is fetched.
#[test]
fn threads_share_one_source() {
    let server = ObjectServer::start();
    let content: Vec<u8> = (0..4_000_000u32).flat_map(u32::to_le_bytes).collect();
    server.put("run/a.bin", &content);
    server.faults().set_read_rate(FaultKind::ErrorBefore, 100);
    let storage = s3(&server, "run");
    let source = storage.open_sized(&path("a.bin"), content.len() as u64).unwrap();
    let (source, content) = (&source, Arc::new(content));
    std::thread::scope(|scope| {
        for thread in 0..4usize {
            let content = Arc::clone(&content);
            scope.spawn(move || {
                let mut buffer = vec![0; 70_000];
                for round in 0..200usize {
                    let offset = (round * 7919 + thread * 104_729) * 31 % (content.len() - buffer.len());
                    source.read_exact_at(&mut buffer, offset as u64).unwrap();
                    assert!(buffer == content[offset..offset + buffer.len()]);
                }
            });
        }
    });
}
