//! A disk that fails while a table is written: nothing of the table is there, and the error says which one it was.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, Float64Array, RecordBatch, RecordBatchIterator};
use datafolio_handlers::{Data, Handler, HandlerResult, IncludedTable, Sink, WriteOptions};
use datafolio_storage::{IoObserver, IoOp, IoStep, LocalStorage, Permit, Storage};
use datafolio_testkit::faults::{Fault, Injector};
use tempfile::TempDir;

/// Rows that become hardly smaller: 2 MB in each batch.
fn noise(batches: u64) -> Data {
    const ROWS: u64 = 1 << 17;
    let batch = |number: u64| -> RecordBatch {
        let values = |column: u64| -> ArrayRef {
            let random = move |row: u64| ((row * 2 + column + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64;
            Arc::new(Float64Array::from_iter_values((number * ROWS..(number + 1) * ROWS).map(random)))
        };
        RecordBatch::try_from_iter([("x", values(0)), ("y", values(1))]).unwrap()
    };
    let schema = batch(0).schema();
    Data::Table(Box::new(RecordBatchIterator::new((0..batches).map(move |number| Ok(batch(number))), schema)))
}

fn write(storage: &Arc<dyn Storage>, batches: u64, threads: usize) -> HandlerResult<()> {
    let mut sink = Sink::new(storage, "included_table", "measurements").with_threads(threads);
    IncludedTable.write(noise(batches), &WriteOptions::default(), &mut sink).map(drop)
}

/// The error names the table, and nothing can be seen of it, not even under a name of its own.
fn assert_nothing_is_there(dir: &TempDir, error: datafolio_handlers::HandlerError) {
    assert_is_named(&error);
    let storage = LocalStorage::open(dir.path()).unwrap();
    let left: Vec<String> = storage.list(None).unwrap().into_iter().map(|file| file.path.to_string()).collect();
    assert_eq!(left, [""; 0], "after {error}");
    let tables = dir.path().join("tables");
    assert_eq!(tables.read_dir().map_or(0, |files| files.count()), 0, "a temporary file is left after {error}");
}

fn assert_is_named(error: &datafolio_handlers::HandlerError) {
    assert!(error.to_string().contains("measurements"), "{error}");
}

#[test]
fn a_sync_that_fails_leaves_nothing() {
    for threads in [1, 2] {
        let dir = TempDir::new().unwrap();
        let injector = Injector::new();
        let storage: Arc<dyn Storage> =
            Arc::new(LocalStorage::create(dir.path()).unwrap().with_observer(injector.clone()));
        write(&storage, 2, threads).unwrap();
        let steps = injector.steps();
        let syncs: Vec<usize> = (0..steps.len()).filter(|step| steps[*step].starts_with("Fsync")).collect();
        assert!(!syncs.is_empty(), "{steps:?}");
        for fault in [Fault::Once(Fault::EIO), Fault::From(Fault::EIO), Fault::AfterApply(Fault::EIO)] {
            for sync in &syncs {
                let dir = TempDir::new().unwrap();
                injector.disarm();
                let storage = LocalStorage::create(dir.path()).unwrap().with_observer(injector.clone());
                let storage: Arc<dyn Storage> = Arc::new(storage);
                injector.arm(*sync, fault);
                let error = write(&storage, 2, threads).unwrap_err();
                assert!(injector.fired().is_some_and(|step| step.contains("Fsync")), "{:?}", injector.fired());
                injector.disarm();
                match fault {
                    // A disk that refuses whatever is asked does not remove files either: no catalogue names them.
                    Fault::From(_) => assert_is_named(&error),
                    _ => assert_nothing_is_there(&dir, error),
                }
            }
        }
    }
}

/// Fails once when so many bytes were written, as the write does after a sync in the middle that failed: storage has one running beside
/// what is written, and tells of its error with the next bytes.
#[derive(Debug)]
struct FailsBehind {
    bytes: u64,
    written: AtomicU64,
}

impl IoObserver for FailsBehind {
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit> {
        if step.op == IoOp::Write {
            let before = self.written.fetch_add(step.data.len() as u64, Ordering::Relaxed);
            if before < self.bytes && before + step.data.len() as u64 >= self.bytes {
                return Err(io::Error::from_raw_os_error(Fault::EIO));
            }
        }
        Ok(Permit::all())
    }
}

#[test]
fn a_sync_that_fails_in_the_middle_leaves_nothing() {
    for threads in [1, 2] {
        let dir = TempDir::new().unwrap();
        let observer = Arc::new(FailsBehind { bytes: 32 << 20, written: AtomicU64::new(0) });
        let storage: Arc<dyn Storage> =
            Arc::new(LocalStorage::create(dir.path()).unwrap().with_observer(observer.clone()));
        let error = write(&storage, 24, threads).unwrap_err();
        assert!(observer.written.load(Ordering::Relaxed) >= 32 << 20);
        assert_nothing_is_there(&dir, error);
    }
}
