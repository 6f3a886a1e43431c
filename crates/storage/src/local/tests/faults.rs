//! Every step of every operation fails once, in several ways.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;

use super::{names, new_storage};
use crate::conformance::{done, path, put};
use crate::error::{StorageError, StorageResult};
use crate::local::LocalStorage;
use crate::observe::{IoObserver, IoOp, IoStep, Permit};
use crate::payload::PayloadWriter;
use crate::storage::{Publish, Storage};

/// Counts steps, and does something to one of them.
#[derive(Debug, Default)]
struct Trap {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    steps: Vec<IoOp>,
    fail_at: Option<(usize, ErrorKind)>,
    short_writes: bool,
    written: usize,
}

impl Trap {
    /// Forgets the steps so far; the step of this number is to fail, counted from 0.
    fn set(&self, fail_at: Option<(usize, ErrorKind)>) {
        let mut state = self.state.lock().unwrap();
        state.steps.clear();
        state.fail_at = fail_at;
    }

    fn steps(&self) -> Vec<IoOp> {
        self.state.lock().unwrap().steps.clone()
    }
}

impl IoObserver for Trap {
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit> {
        let mut state = self.state.lock().unwrap();
        let number = state.steps.len();
        state.steps.push(step.op);
        match state.fail_at {
            Some((at, kind)) if at == number => Err(kind.into()),
            _ if state.short_writes => Ok(Permit::at_most(1 + step.data.len() / 3)),
            _ => Ok(Permit::all()),
        }
    }

    fn after(&self, step: &IoStep<'_>) -> io::Result<()> {
        self.state.lock().unwrap().written += step.data.len();
        Ok(())
    }
}

fn trapped() -> (TempDir, LocalStorage, Arc<Trap>) {
    let dir = TempDir::new().unwrap();
    let trap = Arc::new(Trap::default());
    let storage = LocalStorage::open(dir.path()).unwrap().with_observer(Arc::clone(&trap) as Arc<dyn IoObserver>);
    (dir, storage, trap)
}

const FAULTS: [ErrorKind; 4] =
    [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::PermissionDenied, ErrorKind::Other];

#[test]
fn publish_fails_at_every_step() {
    let at = path("items.json");
    for kind in FAULTS {
        for existing in [true, false] {
            let mut number = 0;
            loop {
                let (dir, storage, trap) = trapped();
                let tag = existing.then(|| done(storage.publish(&at, b"old", None)));
                trap.set(Some((number, kind)));
                let result = storage.publish(&at, b"new", tag.as_ref());
                let steps = trap.steps();
                trap.set(None);
                if number >= steps.len() {
                    done(result);
                    assert!(number >= 6, "{steps:?}");
                    break;
                }
                let now = storage.read_tagged(&at, 10).unwrap();
                let now_bytes = now.as_ref().map(|(bytes, _)| bytes.as_slice());
                match (steps[number], result.unwrap_err()) {
                    // The last step: the new state is there, and the error says so.
                    (IoOp::FsyncDir, StorageError::NotDurable { source, .. }) => {
                        assert_eq!((source.kind(), now_bytes), (kind, Some(&b"new"[..])));
                    }
                    (op, StorageError::Io { source, path, .. }) => {
                        assert_eq!((source.kind(), path.as_str()), (kind, "items.json"), "{op:?}");
                        assert_eq!(now_bytes, existing.then_some(&b"old"[..]), "{op:?}");
                    }
                    (op, other) => panic!("{op:?}: {other}"),
                }
                // No temporary file, and the same handle works again.
                let left = names(dir.path());
                assert_eq!(left.len(), usize::from(now.is_some()), "step {number}: {left:?}");
                done(storage.publish(&at, b"again", now.as_ref().map(|(_, tag)| tag)));
                assert_eq!(fs::read(dir.path().join("items.json")).unwrap(), b"again");
                number += 1;
            }
        }
    }
}

#[test]
fn create_fails_at_every_step() {
    for kind in FAULTS {
        let mut number = 0;
        loop {
            let (dir, storage, trap) = trapped();
            trap.set(Some((number, kind)));
            let result = put(&storage, "tables/ns/a.bin", b"payload");
            let steps = trap.steps();
            trap.set(None);
            if number >= steps.len() {
                result.unwrap();
                let ops = [IoOp::Mkdir, IoOp::Create, IoOp::Write, IoOp::Fsync, IoOp::Rename];
                assert!(ops.iter().all(|op| steps.contains(op)), "{steps:?}");
                break;
            }
            match result.unwrap_err() {
                StorageError::Io { source, .. } => assert_eq!(source.kind(), kind),
                other => panic!("{:?}: {other}", steps[number]),
            }
            assert!(storage.list(None).unwrap().is_empty(), "{:?}", steps[number]);
            put(&storage, "tables/ns/a.bin", b"again").unwrap();
            assert_eq!(fs::read(dir.path().join("tables/ns/a.bin")).unwrap(), b"again");
            number += 1;
        }
    }
}

#[test]
fn payloads_fail_at_every_step() {
    let write = |storage: &Arc<dyn Storage>| -> StorageResult<_> {
        let mut writer = PayloadWriter::create(storage, "tables", "a", ".bin")?;
        for _ in 0..3 {
            writer
                .write_all(&vec![7; 200_000])
                .map_err(|error| StorageError::from_io("write", "a payload", "a test", error))?;
        }
        writer.finish()
    };
    let mut number = 0;
    loop {
        let (_dir, storage, trap) = trapped();
        let storage: Arc<dyn Storage> = Arc::new(storage);
        trap.set(Some((number, ErrorKind::StorageFull)));
        let result = write(&storage);
        let steps = trap.steps();
        trap.set(None);
        if number >= steps.len() {
            let payload = result.unwrap();
            assert_eq!(storage.list(None).unwrap().len(), 2, "{payload:?}");
            break;
        }
        match result.unwrap_err() {
            StorageError::Io { source, .. } => assert_eq!(source.kind(), ErrorKind::StorageFull),
            other => panic!("{:?}: {other}", steps[number]),
        }
        assert!(storage.list(None).unwrap().is_empty(), "step {number} of {steps:?}");
        write(&storage).unwrap();
        number += 1;
    }
    assert!(number > 12);
}

/// A signal at any step is nothing that a caller hears of.
#[test]
fn interrupted_steps_are_tried_again() {
    let at = path("items.json");
    let work = |storage: &LocalStorage| -> StorageResult<()> {
        put(storage, "tables/a.bin", b"payload")?;
        let _lock = storage.lock(Duration::ZERO)?;
        let Publish::Done(tag) = storage.publish(&at, b"one", None)? else { panic!("lost") };
        let Publish::Done(_) = storage.publish(&at, b"two", Some(&tag))? else { panic!("lost") };
        storage.replace(&path("README.md"), b"text")?;
        assert_eq!(storage.read(&at, 10)?, b"two");
        assert_eq!(storage.list(None)?.len(), 4);
        storage.open(&at)?.read_exact_at(&mut [0; 2], 1)?;
        storage.delete(&path("README.md"))?;
        Ok(())
    };
    let (_dir, storage, trap) = trapped();
    work(&storage).unwrap();
    let count = trap.steps().len();
    assert!(count > 30, "{count}");
    for number in 0..count {
        let (_dir, storage, trap) = trapped();
        trap.set(Some((number, ErrorKind::Interrupted)));
        work(&storage).unwrap_or_else(|error| panic!("step {number}: {error}"));
    }
}

/// The lock and reading fail with the error, and leave the handle as it was.
#[test]
fn the_rest_fails_at_every_step() {
    let at = path("d/a");
    type Work = fn(&LocalStorage) -> StorageResult<()>;
    let works: [(&str, Work); 7] = [
        ("lock", |storage| storage.lock(Duration::ZERO).map(drop)),
        ("read", |storage| storage.read(&path("d/a"), 10).map(drop)),
        ("stat", |storage| storage.stat(&path("d/a")).map(drop)),
        ("list", |storage| storage.list(None).map(drop)),
        ("open", |storage| storage.open(&path("d/a"))?.read_exact_at(&mut [0; 2], 0)),
        ("make_dir", |storage| storage.make_dir(&path("x/y"))),
        ("replace", |storage| storage.replace(&path("d/a"), b"old")),
    ];
    for (name, work) in works {
        let mut number = 0;
        loop {
            let (_dir, storage, trap) = trapped();
            put(&storage, "d/a", b"old").unwrap();
            trap.set(Some((number, ErrorKind::Other)));
            let result = work(&storage);
            let steps = trap.steps();
            trap.set(None);
            if number >= steps.len() {
                result.unwrap();
                assert!(number > 0);
                break;
            }
            // Looking for old temporary files is a favour; the lock is taken all the same.
            if name != "lock" || steps[number] == IoOp::Lock {
                assert_eq!(result.unwrap_err().code(), "io", "{name} at {:?}", steps[number]);
            }
            assert_eq!(storage.read(&at, 10).unwrap(), b"old");
            assert!(storage.list(None).unwrap().iter().all(|info| !info.path.as_str().ends_with(".tmp")));
            work(&storage).unwrap();
            number += 1;
        }
    }
}

#[test]
fn short_writes_lose_nothing() {
    let (_dir, storage, trap) = trapped();
    trap.state.lock().unwrap().short_writes = true;
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    put(&storage, "a", &bytes).unwrap();
    done(storage.publish(&path("items.json"), &bytes, None));
    assert_eq!(storage.read(&path("a"), 1 << 20).unwrap(), bytes);
    assert_eq!(storage.read(&path("items.json"), 1 << 20).unwrap(), bytes);
    assert!(trap.steps().iter().filter(|op| **op == IoOp::Write).count() > 20);
    assert_eq!(trap.state.lock().unwrap().written, 2 * bytes.len());
}

/// A caller that overlooks the error of a write does not get a file with a hole.
#[test]
fn a_failed_write_cannot_be_finished() {
    let (dir, storage, trap) = trapped();
    let mut staged = storage.create(&path("a")).unwrap();
    trap.set(Some((0, ErrorKind::StorageFull)));
    assert_eq!(staged.write(b"one").unwrap_err().kind(), ErrorKind::StorageFull);
    trap.set(None);
    staged.write_all(b"two").unwrap();
    assert_eq!(staged.finish().unwrap_err().code(), "io");
    assert!(names(dir.path()).is_empty());
}

/// What is published is durable, and what it names was before: content before name, name before the catalogue, new
/// directories included.
#[test]
fn the_order_of_durable_steps() {
    let (_dir, storage, trap) = trapped();
    put(&storage, "tables/ns/a.bin", b"1").unwrap();
    use IoOp::{Create, Fsync, FsyncDir, Mkdir, Open, Rename, SetMode, Stat, Write};
    let durable =
        |steps: Vec<IoOp>| -> Vec<IoOp> { steps.into_iter().filter(|op| !matches!(op, Open | Stat)).collect() };
    let published = |names: usize, old: bool| -> Vec<IoOp> {
        let mode = if old { vec![SetMode] } else { vec![] };
        [&[Create, Write][..], &mode, &[Fsync], &vec![FsyncDir; names], &[Rename, FsyncDir]].concat()
    };
    let made = [Mkdir, Mkdir, Create, Write, Fsync, Rename];
    assert_eq!(durable(trap.steps()), made);
    trap.set(None);
    put(&storage, "tables/ns/b.bin", b"1").unwrap();
    assert_eq!(durable(trap.steps()), [Create, Write, Fsync, Rename]);
    // The names that were given before become durable, once for each directory (the bundle's own, which has the new one,
    // and two below), before the new state is there.
    put(&storage, "tables/c.bin", b"1").unwrap();
    trap.set(None);
    let tag = done(storage.publish(&path("items.json"), b"1", None));
    assert_eq!(durable(trap.steps()), published(3, false));
    trap.set(None);
    let tag = done(storage.publish(&path("items.json"), b"2", Some(&tag)));
    assert_eq!(durable(trap.steps()), published(0, true));
    // Whoever made a directory may not have come to its fsync: another handle does it, once.
    fs::create_dir(storage.root().join("models")).unwrap();
    put(&storage, "models/a.bin", b"1").unwrap();
    trap.set(None);
    let tag = done(storage.publish(&path("items.json"), b"3", Some(&tag)));
    assert_eq!(durable(trap.steps()), published(2, true));
    put(&storage, "models/b.bin", b"1").unwrap();
    trap.set(None);
    let tag = done(storage.publish(&path("items.json"), b"4", Some(&tag)));
    assert_eq!(durable(trap.steps()), published(1, true));
    // One that was removed is made again; a removal is as good as a name.
    fs::remove_dir_all(storage.root().join("models")).unwrap();
    trap.set(None);
    put(&storage, "models/c.bin", b"1").unwrap();
    assert_eq!(durable(trap.steps()), made[1..]);
    done(storage.publish(&path("items.json"), b"5", Some(&tag)));
    storage.delete(&path("models/c.bin")).unwrap();
    trap.set(None);
    storage.settle().unwrap();
    storage.settle().unwrap();
    assert_eq!(durable(trap.steps()), [FsyncDir]);
}

/// A writer that dies leaves a file under its real name only when that file is whole.
#[test]
fn a_name_is_given_when_the_file_is_whole() {
    let (dir, storage) = new_storage();
    let mut staged = storage.create(&path("tables/a.bin")).unwrap();
    staged.write_all(b"half").unwrap();
    let there = names(&dir.path().join("tables"));
    assert_eq!(there.len(), 1);
    assert!(there[0].starts_with(".a.bin.") && there[0].ends_with(".tmp"), "{there:?}");
    assert!(storage.stat(&path("tables/a.bin")).unwrap().is_none());
    staged.finish().unwrap();
    assert_eq!(names(&dir.path().join("tables")), ["a.bin"]);
    // One that was given meanwhile is not taken away.
    let staged = storage.create(&path("tables/b.bin")).unwrap();
    fs::write(dir.path().join("tables/b.bin"), "theirs").unwrap();
    assert!(matches!(staged.finish().unwrap_err(), StorageError::AlreadyExists { .. }));
    assert_eq!(names(&dir.path().join("tables")), ["a.bin", "b.bin"]);
    assert_eq!(fs::read(dir.path().join("tables/b.bin")).unwrap(), b"theirs");
}

/// Writes to the catalogue, without the lock, right before a certain step of somebody else's.
#[derive(Debug)]
struct Meddler {
    before: IoOp,
    file: std::path::PathBuf,
}

impl IoObserver for Meddler {
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit> {
        if step.op == self.before {
            let beside = self.file.with_extension("meddler");
            fs::write(&beside, "meddled")?;
            fs::rename(beside, &self.file)?;
        }
        Ok(Permit::all())
    }
}

#[test]
fn a_writer_without_the_lock_is_noticed_until_the_end() {
    let at = path("items.json");
    for (before, existing) in [
        (IoOp::Create, false),
        (IoOp::Write, false),
        (IoOp::Fsync, false),
        (IoOp::Rename, false),
        (IoOp::Create, true),
        (IoOp::Write, true),
        (IoOp::Fsync, true),
    ] {
        let dir = TempDir::new().unwrap();
        let storage = LocalStorage::open(dir.path()).unwrap();
        let tag = existing.then(|| done(storage.publish(&at, b"old", None)));
        let meddler = Meddler { before, file: dir.path().join("items.json") };
        let storage = storage.with_observer(Arc::new(meddler));
        let published = storage.publish(&at, b"new", tag.as_ref()).unwrap();
        assert!(matches!(published, Publish::Lost), "{before:?}, {existing}");
        assert_eq!(fs::read(dir.path().join("items.json")).unwrap(), b"meddled");
        assert_eq!(names(dir.path()), ["items.json"]);
    }
}
