//! Reading payloads of which there are copies.

use super::*;
use crate::blocks::BLOCK_SIZE;

/// Changes a byte of a copy as if a disk had, or a program.
fn flip(path: &Path, at: usize, leaves_time: bool) {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    let mut content = fs::read(path).unwrap();
    content[at] ^= 1;
    let mut permissions = fs::metadata(path).unwrap().permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    fs::set_permissions(path, permissions).unwrap();
    fs::write(path, content).unwrap();
    if leaves_time {
        File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
    }
}

fn read(source: &VerifiedSource, offset: u64, length: usize) -> StorageResult<Vec<u8>> {
    let mut buffer = vec![0; length];
    source.read_exact_at(&mut buffer, offset)?;
    Ok(buffer)
}

#[test]
fn the_copy_is_read_without_any_request() {
    for size in [1000, BLOCK_SIZE + 1, (3 << 20) + 5] {
        let fixture = Fixture::new(1 << 30);
        let payload = fixture.put(size, 1);
        fixture.fetched(&payload);
        fixture.remote.take_opens();
        for verification in [Verification::Touched, Verification::Off] {
            let source = fixture.open(&payload, verification).unwrap();
            assert_eq!(read(&source, 0, size).unwrap(), bytes(size, 1));
            assert!(!source.is_unchecked() && source.mappable_file().unwrap().is_ok());
            assert!(source.identity().is_some() && source.path() == &payload.path);
            assert_eq!(fixture.remote.take_opens(), 0, "{verification:?}, {size} bytes");
        }
        // A later process knows large ones by their marker, and reads small ones to the end.
        fixture.forget(&payload);
        let source = fixture.open(&payload, Verification::Touched).unwrap();
        assert!(!source.is_unchecked());
        assert_eq!((read(&source, 0, size).unwrap(), fixture.remote.take_opens()), (bytes(size, 1), 0));
        // A full check is one of what lies on the store.
        let source = fixture.open(&payload, Verification::Full).unwrap();
        assert_eq!((source.identity(), source.size()), (None, size as u64));
        assert!(fixture.remote.take_opens() > 0);
        // Copies are for what is remote.
        let local: Arc<dyn Storage> = Arc::new(fixture.remote.inner.clone());
        let source =
            VerifiedSource::open(&local, &payload.path, (&payload).into(), Verification::Touched, &fixture.cache);
        assert!(source.unwrap().identity().is_none());
    }
}

#[test]
fn a_copy_that_nobody_knows_is_checked_block_by_block() {
    let fixture = Fixture::new(1 << 30);
    let payload = fixture.put(3 << 20, 1);
    fixture.fetched(&payload);
    fixture.remote.take_opens();
    // Without markers: the block checksums are asked for, and nothing else.
    fixture.forget(&payload);
    let cache = VerifiedCache::disabled().with_copies(fixture.copies().clone()).capped(0);
    assert!(cache.copies().find(&(&payload).into()).is_some());
    let open =
        || VerifiedSource::open(&fixture.storage, &payload.path, (&payload).into(), Verification::Touched, &cache);
    let source = open().unwrap();
    assert!(source.is_unchecked());
    assert_eq!(read(&source, 5, 2 << 20).unwrap(), bytes(3 << 20, 1)[5..(2 << 20) + 5]);
    assert_eq!(fixture.remote.take_opens(), 1);
    // When they cannot be had, the whole copy is read.
    let (blocks, _) = Expected::from(&payload).blocks.unwrap();
    fixture.storage.delete(&blocks).unwrap();
    flip(&fixture.copies().find(&(&payload).into()).unwrap(), 7, false);
    flip(&fixture.copies().find(&(&payload).into()).unwrap(), 7, false);
    std::thread::sleep(Duration::from_millis(150));
    let source = open().unwrap();
    assert!(!source.is_unchecked() && source.identity().is_some());
}

#[test]
fn a_copy_found_damaged_when_it_is_opened_gives_way_to_the_payload() {
    for size in [1000, BLOCK_SIZE + 1] {
        let fixture = Fixture::new(1 << 30);
        let payload = fixture.put(size, 1);
        let copy = fixture.fetched(&payload);
        flip(&copy, size / 2, false);
        fixture.remote.take_opens();
        let source = fixture.open(&payload, Verification::Touched).unwrap();
        assert_eq!(read(&source, 0, size).unwrap(), bytes(size, 1));
        assert!(fixture.remote.take_opens() > 0);
        assert!(source.identity().is_none() && fixture.files().is_empty());
        fixture.fetched(&payload);
        assert!(fixture.open(&payload, Verification::Touched).unwrap().identity().is_some());
    }
    // One of another size is not there, and is fetched again; what it takes is room for that.
    let fixture = Fixture::new(1500);
    let (other, payload) = (fixture.put(400, 2), fixture.put(1000, 1));
    set_used(&fixture.fetched(&other), 5);
    let copy = fixture.fetched(&payload);
    fs::remove_file(&copy).unwrap();
    fs::write(&copy, bytes(999, 1)).unwrap();
    assert_eq!(fixture.copies().find(&(&payload).into()), None);
    assert!(fixture.open(&payload, Verification::Off).unwrap().identity().is_none());
    assert_eq!(fs::read(fixture.fetched(&payload)).unwrap(), bytes(1000, 1));
    assert_eq!(fixture.copies().bytes(), 1400);
}

#[test]
fn a_copy_found_damaged_later_is_removed_and_the_error_says_so() {
    for how in ["read", "check", "verify_rest", "try_clone_file", "cut short"] {
        let fixture = Fixture::new(1 << 30);
        let payload = fixture.put(3 << 20, 1);
        let copy = fixture.fetched(&payload);
        flip(&copy, 2 << 20, false);
        let source = fixture.open(&payload, Verification::Touched).unwrap();
        assert!(source.is_unchecked() && source.identity().is_some());
        assert_eq!(read(&source, 5, 10).unwrap(), bytes(15, 1)[5..]);
        assert!(copy.exists());
        let error = match how {
            "read" => read(&source, 2 << 20, 1).unwrap_err(),
            "check" => source.check((2 << 20) - 1, 2).unwrap_err(),
            "verify_rest" => source.verify_rest().unwrap_err(),
            "try_clone_file" => StorageError::from_io("map", "", "", source.try_clone_file().unwrap().unwrap_err()),
            _ => {
                File::options().write(true).open(&copy).unwrap().set_len(1 << 20).unwrap();
                read(&source, 2 << 20, 1).unwrap_err()
            }
        };
        assert_eq!(error.code(), "damaged-payload", "{how}");
        let text = error.to_string();
        assert!(text.starts_with(payload.path.as_str()) && text.contains("copy in the cache"), "{text}");
        assert!(text.contains("was removed, and the next try fetches it again"), "{text}");
        assert!(!copy.exists(), "{how}");
        let source = fixture.open(&payload, Verification::Touched).unwrap();
        assert_eq!(read(&source, 0, 3 << 20).unwrap(), bytes(3 << 20, 1), "{how}");
        assert_eq!(fs::read(fixture.fetched(&payload)).unwrap(), bytes(3 << 20, 1), "{how}");
        // What is read beyond the end is a mistake of the reader, not of the copy.
        let source = fixture.open(&payload, Verification::Touched).unwrap();
        assert!(read(&source, 3 << 20, 1).is_err() && copy.exists());
    }
    // What lies on the store is not the cache's to remove, and says nothing of it.
    let fixture = Fixture::new(1 << 30);
    let payload = fixture.put(3 << 20, 1);
    let mut wrong = bytes(3 << 20, 1);
    wrong[9] ^= 1;
    fixture.storage.replace(&payload.path, &wrong).unwrap();
    let error = read(&fixture.open(&payload, Verification::Touched).unwrap(), 9, 1).unwrap_err();
    assert!(!error.to_string().contains("cache"), "{error}");
}

/// Another process may have fetched it again by the time that damage is found.
#[test]
fn a_good_copy_that_has_taken_the_place_of_a_damaged_one_stays() {
    let fixture = Fixture::new(1 << 30);
    let payload = fixture.put(3 << 20, 1);
    let copy = fixture.fetched(&payload);
    flip(&copy, 2 << 20, false);
    let source = fixture.open(&payload, Verification::Touched).unwrap();
    fixture.copies().remove(&payload.sha256).unwrap();
    fixture.fetched(&payload);
    assert_eq!(read(&source, 2 << 20, 1).unwrap_err().code(), "damaged-payload");
    assert_eq!(fs::read(copy).unwrap(), bytes(3 << 20, 1));
}

/// A copy is known from the moment on that it is there, and yet a change in the next moment is noticed.
#[test]
fn a_fresh_copy_is_known_and_a_change_right_after_is_noticed() {
    let fixture = Fixture::new(1 << 30);
    let payload = fixture.put(1000, 1);
    let copy = fixture.fetched(&payload);
    let identity = |copies: &Copies| copies.open(&(&payload).into()).unwrap().identity().unwrap();
    assert!(cache::process_knows(&identity(fixture.copies()), &payload.sha256));
    assert!(cache::is_settled(&identity(fixture.copies())));
    flip(&copy, 0, false);
    assert!(!cache::process_knows(&identity(fixture.copies()), &payload.sha256));
    assert_eq!(read(&fixture.open(&payload, Verification::Touched).unwrap(), 0, 1).unwrap(), bytes(1, 1));
    // Damage without a trace is served until somebody looks: it is not hashed again.
    let copy = fixture.fetched(&payload);
    flip(&copy, 0, true);
    assert_ne!(read(&fixture.open(&payload, Verification::Touched).unwrap(), 0, 1).unwrap(), bytes(1, 1));
}
