use std::io::Write;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

use super::*;
use crate::cache::VerifiedCache;
use crate::memory::MemoryStorage;
use crate::payload::{Payload, PayloadWriter};
use crate::storage::Source;
use crate::verified::{Verification, VerifiedSource};

mod reading;
mod remote;

use remote::Remote;

/// A bundle on a store, and a cache on this machine.
struct Fixture {
    dir: TempDir,
    remote: Remote,
    storage: Arc<dyn Storage>,
    cache: VerifiedCache,
}

impl Fixture {
    fn new(cap: u64) -> Self {
        let dir = TempDir::new().unwrap();
        let remote = Remote::default();
        let copies = Copies::new(Some(dir.path().join("made/later")), cap);
        let cache = VerifiedCache::new(Some(dir.path().join("markers"))).with_copies(copies);
        Self { dir, storage: Arc::new(remote.clone()), remote, cache }
    }

    fn copies(&self) -> &Copies {
        self.cache.copies()
    }

    /// A payload of its own content.
    fn put(&self, size: usize, seed: u8) -> Payload {
        let mut writer = PayloadWriter::create(&self.storage, "tables", "a", ".bin").unwrap();
        writer.write_all(&bytes(size, seed)).unwrap();
        writer.finish().unwrap()
    }

    fn fetch(&self, payload: &Payload) -> StorageResult<Fetch> {
        self.copies().fetch(&self.remote, &payload.path, &payload.into())
    }

    fn fetched(&self, payload: &Payload) -> PathBuf {
        match self.fetch(payload).unwrap() {
            Fetch::Copy(path) => path,
            other => panic!("{other:?}"),
        }
    }

    fn open(&self, payload: &Payload, verification: Verification) -> StorageResult<VerifiedSource> {
        VerifiedSource::open(&self.storage, &payload.path, payload.into(), verification, &self.cache)
    }

    fn part(&self, payload: &Payload) -> PathBuf {
        self.copies().place(&payload.sha256).unwrap().part
    }

    /// As another process would find it: what this one remembers of the copy is gone.
    fn forget(&self, payload: &Payload) {
        let source = self.copies().open(&payload.into()).unwrap();
        cache::process_forget(&source.identity().unwrap(), &payload.sha256);
    }

    /// All files below the directory of the copies.
    fn files(&self) -> Vec<PathBuf> {
        let top = fs::read_dir(self.copies().dir().unwrap()).into_iter().flatten().map(|entry| entry.unwrap().path());
        let shards = top.filter(|path| path.is_dir());
        shards.flat_map(|shard| fs::read_dir(shard).unwrap().map(|file| file.unwrap().path())).collect()
    }
}

fn bytes(size: usize, seed: u8) -> Vec<u8> {
    (0..size).map(|n| (n * 31 % 251) as u8 ^ seed).collect()
}

fn set_used(path: &Path, hours_ago: u64) {
    let then = SystemTime::now() - Duration::from_secs(hours_ago * 3600);
    File::open(path).unwrap().set_times(FileTimes::new().set_accessed(then)).unwrap();
}

#[test]
fn what_was_fetched_is_found_and_costs_nothing() {
    for size in [0, 1, 1000, 3 * (1 << 20) + 17] {
        let fixture = Fixture::new(1 << 30);
        let payload = fixture.put(size, 1);
        assert_eq!(fixture.copies().find(&(&payload).into()), None);
        let copy = fixture.fetched(&payload);
        assert_eq!(fs::read(&copy).unwrap(), bytes(size, 1));
        let (shard, name) = (&payload.sha256[..2], payload.sha256.as_str());
        assert_eq!(copy, fixture.dir.path().join("made/later").join(shard).join(name));
        assert_eq!(fixture.remote.take_opens(), 1);
        assert_eq!(fixture.remote.take_reads(), size.div_ceil(1 << 20) as u64);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&copy).unwrap().permissions()) & 0o333, 0);

        assert_eq!(fixture.fetched(&payload), copy);
        assert_eq!(fixture.copies().find(&(&payload).into()), Some(copy.clone()));
        assert_eq!((fixture.remote.take_opens(), fixture.files().len()), (0, 1));
        let upper = Expected { sha256: Some(payload.sha256.to_uppercase()), ..Expected::from(&payload) };
        assert_eq!(fixture.copies().find(&upper), Some(copy));
        let list = fixture.copies().list();
        assert_eq!((list[0].sha256.as_str(), list[0].size, list.len()), (name, size as u64, 1));
        assert!(list[0].used.elapsed().unwrap() < Duration::from_secs(60));
        assert_eq!(fixture.copies().bytes(), size as u64);

        assert!(fixture.copies().remove(&payload.sha256.to_uppercase()).unwrap());
        assert!(!fixture.copies().remove(&payload.sha256).unwrap());
        assert_eq!((fixture.files().len(), fixture.copies().list().len()), (0, 0));
    }
}

#[test]
fn without_a_directory_a_cap_a_size_or_a_hash_nothing_is_kept() {
    let fixture = Fixture::new(1 << 20);
    let payload = fixture.put(1000, 1);
    let whole = Expected::from(&payload);
    for (copies, expected) in [
        (Copies::new(None, 1 << 20), whole.clone()),
        (Copies::default(), whole.clone()),
        (Copies::new(fixture.copies().dir().map(Path::to_owned), 0), whole.clone()),
        (fixture.copies().clone(), Expected { sha256: None, ..whole.clone() }),
        (fixture.copies().clone(), Expected { size: None, ..whole.clone() }),
    ] {
        assert_eq!(copies.fetch(&fixture.remote, &payload.path, &expected).unwrap(), Fetch::NotKept);
        assert_eq!(copies.fetch_if_kept(&fixture.remote, &payload.path, &expected).unwrap(), None);
        assert_eq!(copies.find(&expected), None);
    }
    assert_eq!((fixture.remote.take_opens(), fixture.files().len()), (0, 0));
    // What was kept before there was a cap of 0 can still be listed and removed.
    fixture.fetched(&payload);
    let none = Copies::new(fixture.copies().dir().map(Path::to_owned), 0);
    assert_eq!((none.find(&whole), none.bytes()), (None, 1000));
    assert_eq!((none.clear().unwrap(), fixture.files().len()), ((1, 1000), 0));
    assert_eq!(Copies::new(None, 1).clear().unwrap(), (0, 0));
}

#[test]
fn of_several_that_want_the_same_one_fetches() {
    let fixture = Fixture::new(1 << 30);
    let payload = fixture.put(5 << 20, 1);
    fixture.remote.set_pause(Duration::from_millis(30));
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                // As if it were another process: a handle of its own.
                let copies = Copies::new(fixture.copies().dir().map(Path::to_owned), 1 << 30);
                let fetch = copies.fetch(&fixture.remote, &payload.path, &(&payload).into()).unwrap();
                assert!(matches!(fetch, Fetch::Copy(path) if fs::read(&path).unwrap() == bytes(5 << 20, 1)));
            });
        }
    });
    assert_eq!((fixture.remote.take_opens(), fixture.remote.take_reads(), fixture.files().len()), (1, 5, 1));
}

#[test]
fn bytes_that_are_not_those_recorded_leave_nothing() {
    let fixture = Fixture::new(1 << 30);
    let payload = fixture.put(3 << 20, 1);
    let other = fixture.put(1000, 2);
    fixture.fetched(&other);
    let wrongs = [[bytes((3 << 20) - 1, 1), vec![0]].concat(), bytes((3 << 20) - 1, 1), bytes((3 << 20) + 1, 1)];
    for (wrong, what) in wrongs.into_iter().zip(["SHA-256", "3145727 bytes", "3145729 bytes"]) {
        fixture.storage.replace(&payload.path, &wrong).unwrap();
        for error in [
            fixture.fetch(&payload).unwrap_err(),
            fixture.copies().fetch_if_kept(&fixture.remote, &payload.path, &(&payload).into()).unwrap_err(),
        ] {
            assert_eq!(error.code(), "damaged-payload");
            let text = error.to_string();
            assert!(text.contains(payload.path.as_str()) && text.contains("(memory)") && text.contains(what), "{text}");
            assert!(!Copies::failed_to_keep(&error));
        }
        assert_eq!(fixture.files().len(), 1);
    }
    // So does a store that fails on the way.
    fixture.storage.replace(&payload.path, &bytes(3 << 20, 1)).unwrap();
    fixture.remote.fail_after(2);
    let error = fixture.fetch(&payload).unwrap_err();
    assert_eq!((error.code(), fixture.files().len()), ("store-unreachable", 1));
    fixture.fetched(&payload);
    fixture.storage.delete(&payload.path).unwrap();
    fixture.fetched(&payload);
    fixture.copies().remove(&payload.sha256).unwrap();
    assert_eq!(fixture.fetch(&payload).unwrap_err().code(), "file-not-found");
}

#[test]
fn the_least_recently_used_make_room() {
    let fixture = Fixture::new(1000);
    let [a, b, c, d, large, fits] = [300, 301, 302, 303, 1001, 1000].map(|size| fixture.put(size, 1));
    for (payload, hours) in [(&a, 3), (&b, 9), (&c, 5)] {
        set_used(&fixture.fetched(payload), hours);
    }
    let kept = || fixture.copies().list().into_iter().map(|copy| copy.size).collect::<Vec<_>>();
    assert_eq!(kept(), [300, 302, 301]);
    assert_eq!(fixture.fetch(&large).unwrap(), Fetch::TooLarge { size: 1001, cap: 1000 });
    assert_eq!(fixture.copies().fetch_if_kept(&fixture.remote, &large.path, &(&large).into()).unwrap(), None);
    assert_eq!(kept(), [300, 302, 301]);
    // Being found counts as a use, and leaves the time of the last write alone.
    let copy = fixture.copies().place(&b.sha256).unwrap().copy;
    let modified = || fs::metadata(&copy).unwrap().modified().unwrap();
    let before = modified();
    fixture.copies().find(&(&b).into()).unwrap();
    assert_eq!((kept(), modified()), (vec![301, 300, 302], before));
    fixture.fetched(&d);
    assert_eq!(kept(), [303, 301, 300]);
    // Within an hour no use is noted; a time to come is put right.
    set_used(&copy, 0);
    let then = fs::metadata(&copy).unwrap().accessed().unwrap();
    fixture.copies().find(&(&b).into()).unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().accessed().unwrap(), then);
    let ahead = SystemTime::now() + Duration::from_secs(7200);
    File::open(&copy).unwrap().set_times(FileTimes::new().set_accessed(ahead)).unwrap();
    fixture.copies().find(&(&b).into()).unwrap();
    assert!(fs::metadata(&copy).unwrap().accessed().unwrap() <= SystemTime::now());
    fixture.fetched(&fits);
    assert_eq!(kept(), [1000]);
}

#[test]
fn the_cap_is_kept() {
    let fixture = Fixture::new(10_000);
    for n in 0..60 {
        let payload = fixture.put(1 + n * 37, n as u8);
        let copy = fixture.fetched(&payload);
        assert!(fixture.copies().bytes() <= 10_000);
        assert!(copy.is_file());
        set_used(&copy, 100 - n as u64);
    }
    assert!(fixture.copies().bytes() > 7_000, "no more is removed than must be");
    assert_eq!(fixture.files().len(), fixture.copies().list().len());
    // A cap that was lowered counts from the next fetch on.
    let low = Copies::new(fixture.copies().dir().map(Path::to_owned), 3_000);
    let payload = fixture.put(500, 99);
    low.fetch(&fixture.remote, &payload.path, &(&payload).into()).unwrap();
    assert!((500..=3_000).contains(&low.bytes()));
}

/// Two that make room at the same time see neither the other's bytes.
#[test]
fn the_cap_is_kept_by_those_that_fetch_at_the_same_time() {
    let fixture = Fixture::new(5 << 20);
    let payloads = [1, 2, 3].map(|seed| fixture.put(2 << 20, seed));
    fixture.remote.set_pause(Duration::from_millis(50));
    std::thread::scope(|scope| {
        for payload in &payloads {
            scope.spawn(|| fixture.fetched(payload));
        }
    });
    assert_eq!((fixture.copies().bytes(), fixture.files().len()), (4 << 20, 2));
}

#[test]
fn what_a_dead_process_left_is_taken_over_or_removed() {
    let fixture = Fixture::new(1 << 30);
    let [payload, left, locked, young] = [1, 2, 3, 4].map(|seed| fixture.put(1000, seed));
    let leave = |payload: &Payload, hours: u64| {
        let part = fixture.part(payload);
        fs::create_dir_all(part.parent().unwrap()).unwrap();
        fs::write(&part, vec![7; 5000]).unwrap();
        let file = File::options().write(true).open(&part).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(hours * 3600)).unwrap();
        file
    };
    for (payload, hours) in [(&payload, 2), (&left, 2), (&young, 0)] {
        drop(leave(payload, hours));
    }
    let holder = leave(&locked, 2);
    holder.lock().unwrap();
    assert_eq!(fs::read(fixture.fetched(&payload)).unwrap(), bytes(1000, 1));
    let exists = |payload: &Payload| fixture.part(payload).exists();
    assert_eq!([&payload, &left, &locked, &young].map(exists), [false, false, true, true]);
    assert_eq!(fixture.copies().list().len(), 1);
    // Clearing takes what nobody has, and leaves what somebody fetches.
    assert_eq!(fixture.copies().clear().unwrap(), (1, 1000));
    assert_eq!(fixture.files(), [fixture.part(&locked)]);
    drop(holder);
    assert_eq!(fixture.copies().clear().unwrap(), (0, 0));
    assert_eq!(fixture.files().len(), 0);
}

/// Another process is at it: it finishes, gives up, dies, or stands still.
#[test]
fn who_waits_gets_what_the_other_fetched_or_fetches_it() {
    for (what, opens) in [("finishes", 0), ("gives up", 1), ("dies", 1)] {
        let fixture = Fixture::new(1 << 30);
        let payload = fixture.put(1000, 1);
        let place = fixture.copies().place(&payload.sha256).unwrap();
        fs::create_dir_all(&place.shard).unwrap();
        let other = File::create(&place.part).unwrap();
        other.lock().unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| fixture.fetched(&payload));
            std::thread::sleep(Duration::from_millis(100));
            assert!(!waiting.is_finished() && fixture.remote.opens() == 0, "{what}");
            match what {
                "finishes" => {
                    fs::write(&place.part, bytes(1000, 1)).unwrap();
                    fs::rename(&place.part, &place.copy).unwrap();
                }
                "gives up" => fs::remove_file(&place.part).unwrap(),
                _ => fs::write(&place.part, "half").unwrap(),
            }
            drop(other);
            assert_eq!(fs::read(waiting.join().unwrap()).unwrap(), bytes(1000, 1), "{what}");
        });
        assert_eq!((fixture.remote.take_opens(), fixture.files()), (opens, vec![place.copy]), "{what}");
    }
    let fixture = Fixture::new(1 << 30);
    let payload = fixture.put(1000, 1);
    let place = fixture.copies().place(&payload.sha256).unwrap();
    fs::create_dir_all(&place.shard).unwrap();
    let other = File::create(&place.part).unwrap();
    other.lock().unwrap();
    let inner = Inner { dir: fixture.copies().dir().map(Path::to_owned), cap: 1 << 30, patience: Duration::ZERO };
    let copies = Copies { inner: Arc::new(inner), markers: Markers::default() };
    assert_eq!(copies.fetch(&fixture.remote, &payload.path, &(&payload).into()).unwrap(), Fetch::NotKept);
    assert_eq!((fixture.remote.take_opens(), fixture.files().len()), (0, 1));
}

#[test]
fn a_directory_that_cannot_be_written_is_an_error_of_its_own() {
    let fixture = Fixture::new(1 << 30);
    let payload = fixture.put(1000, 1);
    let blocked = fixture.dir.path().join("a-file");
    fs::write(&blocked, "mine").unwrap();
    let copies = Copies::new(Some(blocked.clone()), 1 << 30);
    let error = copies.fetch(&fixture.remote, &payload.path, &(&payload).into()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StorageError::Io { .. }) && Copies::failed_to_keep(&error), "{text}");
    for part in [payload.path.as_str(), "in the cache", blocked.to_str().unwrap(), &payload.sha256] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(copies.fetch_if_kept(&fixture.remote, &payload.path, &(&payload).into()).unwrap(), None);
    assert_eq!((copies.list(), copies.clear().unwrap(), copies.bytes()), (Vec::new(), (0, 0), 0));
    assert_eq!((fs::read(&blocked).unwrap(), fixture.remote.take_opens()), (b"mine".to_vec(), 0));
    // A directory in the place of the copy, and of what is being fetched.
    for place in [fixture.copies().place(&payload.sha256).unwrap().copy, fixture.part(&payload)] {
        fs::create_dir_all(place.join("mine")).unwrap();
        let error = fixture.fetch(&payload).unwrap_err();
        assert!(Copies::failed_to_keep(&error), "{error}");
        assert_eq!((fixture.copies().list().len(), fixture.files()), (0, vec![place.clone()]));
        assert!(!fixture.copies().remove(&payload.sha256).unwrap());
        fs::remove_dir_all(place).unwrap();
    }
    fixture.fetched(&payload);
}

#[cfg(unix)]
#[test]
fn no_link_is_followed_and_what_is_foreign_stays() {
    use std::os::unix::fs::symlink;
    let fixture = Fixture::new(1 << 30);
    let payload = fixture.put(1000, 1);
    let expected = Expected::from(&payload);
    let place = fixture.copies().place(&payload.sha256).unwrap();
    let mine = fixture.dir.path().join("mine");
    fs::write(&mine, bytes(1000, 1)).unwrap();
    // In the place of a copy: it is replaced, not what it leads to.
    fs::create_dir_all(&place.shard).unwrap();
    symlink(&mine, &place.copy).unwrap();
    assert_eq!((fixture.copies().find(&expected), fixture.copies().bytes()), (None, 0));
    assert!(!fixture.copies().remove(&payload.sha256).unwrap());
    assert!(fixture.copies().open(&expected).is_none());
    assert_eq!(fixture.copies().clear().unwrap(), (0, 0));
    fixture.fetched(&payload);
    assert!(fs::symlink_metadata(&place.copy).unwrap().is_file());
    fixture.copies().clear().unwrap();
    // In the place of what is being fetched.
    symlink(&mine, &place.part).unwrap();
    assert!(Copies::failed_to_keep(&fixture.fetch(&payload).unwrap_err()));
    fs::remove_file(&place.part).unwrap();
    // In the place of a subdirectory.
    let outside = fixture.dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join(&payload.sha256), bytes(1000, 1)).unwrap();
    fs::remove_dir(&place.shard).unwrap();
    symlink(&outside, &place.shard).unwrap();
    assert_eq!((fixture.copies().find(&expected), fixture.copies().bytes()), (None, 0));
    assert!(!fixture.copies().remove(&payload.sha256).unwrap());
    assert_eq!(fixture.copies().clear().unwrap(), (0, 0));
    fs::remove_file(outside.join(&payload.sha256)).unwrap();
    assert!(Copies::failed_to_keep(&fixture.fetch(&payload).unwrap_err()));
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    fs::remove_file(&place.shard).unwrap();
    assert_eq!(fs::read(&mine).unwrap(), bytes(1000, 1));
    // Files that are not ours, large ones too, are neither counted nor removed.
    let dir = fixture.copies().dir().unwrap();
    fs::create_dir_all(&place.shard).unwrap();
    let foreign = [
        dir.join("README"),
        dir.join(&payload.sha256),
        place.shard.join("notes.part"),
        place.shard.join(format!("{}.bak", payload.sha256)),
        place.shard.join(payload.sha256.to_uppercase().replace(char::is_numeric, "A")),
    ];
    for file in &foreign {
        fs::write(file, vec![0; 5000]).unwrap();
    }
    let small = Copies::new(Some(dir.to_owned()), 1500);
    small.fetch(&fixture.remote, &payload.path, &expected).unwrap();
    assert_eq!((small.bytes(), small.clear().unwrap()), (1000, (1, 1000)));
    assert!(foreign.iter().all(|file| file.exists()));
}

#[test]
fn no_hash_leads_out_of_the_directory() {
    let fixture = Fixture::new(1 << 30);
    let payload = fixture.put(1000, 1);
    let outside = fixture.dir.path().join("victim");
    fs::write(&outside, bytes(1000, 1)).unwrap();
    let mut long = payload.sha256.clone();
    long.push('0');
    let slashes = "../".repeat(21) + "x";
    let absolute = format!("/{}", "a".repeat(63));
    let wide = "é".repeat(32);
    let hostile = ["", "a", "../../x", "..", "../../victim", &payload.sha256[1..], &long, &slashes, &absolute, &wide];
    for sha256 in hostile.into_iter().chain([format!("{}\0", &payload.sha256[1..]).as_str()]) {
        let expected = Expected { sha256: Some(sha256.to_owned()), ..Expected::from(&payload) };
        assert_eq!(fixture.copies().find(&expected), None, "{sha256}");
        assert_eq!(fixture.copies().fetch(&fixture.remote, &payload.path, &expected).unwrap(), Fetch::NotKept);
        assert!(!fixture.copies().remove(sha256).unwrap(), "{sha256}");
    }
    assert_eq!((fixture.files().len(), fixture.remote.take_opens()), (0, 0));
    let upper = Expected { sha256: Some(payload.sha256.to_uppercase()), ..Expected::from(&payload) };
    let fetched = fixture.copies().fetch(&fixture.remote, &payload.path, &upper).unwrap();
    assert_eq!(fetched, Fetch::Copy(fixture.copies().place(&payload.sha256).unwrap().copy));
    assert!(outside.exists());
}
