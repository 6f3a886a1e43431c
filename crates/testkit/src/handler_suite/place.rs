//! Where samples are written.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafolio_core::{ItemRecord, RelPath};
use datafolio_storage::{IoObserver, IoOp, IoStep, LocalStorage, Permit, Storage};
use tempfile::TempDir;

/// A bundle's storage in a temporary directory.
pub(super) struct Place {
    dir: TempDir,
    pub(super) storage: Arc<dyn Storage>,
    /// The files that samples are made of: what refers to one needs it for as long as the bundle is there.
    pub(super) files: TempDir,
    fault: Option<Arc<FailAt>>,
}

impl Place {
    pub(super) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let storage = Arc::new(LocalStorage::create(dir.path()).unwrap());
        Self { dir, storage, files: TempDir::new().unwrap(), fault: None }
    }

    pub(super) fn failing(step: usize) -> Self {
        let mut place = Self::new();
        place.fail_at(step);
        place
    }

    /// From now on, the step of this number fails, once.
    pub(super) fn fail_at(&mut self, step: usize) {
        let fault = Arc::new(FailAt { step, next: AtomicUsize::new(0) });
        let storage = LocalStorage::open(self.dir.path()).unwrap().with_observer(fault.clone());
        self.storage = Arc::new(storage);
        self.fault = Some(fault);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.next.load(Ordering::Relaxed) > fault.step)
    }

    pub(super) fn payload(&self, record: &ItemRecord) -> PathBuf {
        self.local(&datafolio_handlers::payload_path(record).unwrap())
    }

    pub(super) fn blocks(&self, record: &ItemRecord) -> Option<PathBuf> {
        let (path, _) = datafolio_handlers::expected(record).unwrap().blocks?;
        Some(self.local(&path))
    }

    pub(super) fn local(&self, path: &RelPath) -> PathBuf {
        self.storage.local_path(path).unwrap()
    }
}

/// Fails the step of one number, and no other. Removing files is left alone: what a failed removal leaves is garbage by
/// design, and collected as such.
#[derive(Debug)]
struct FailAt {
    step: usize,
    next: AtomicUsize,
}

impl IoObserver for FailAt {
    fn before(&self, step: &IoStep<'_>) -> io::Result<Permit> {
        if step.op != IoOp::Unlink && self.next.fetch_add(1, Ordering::Relaxed) == self.step {
            return Err(io::Error::other("made to fail"));
        }
        Ok(Permit::all())
    }
}
