//! Counting the bytes that a bundle's files give and take, so that people see how far a long command is.

use std::io::{self, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use datafolio_core::RelPath;
use datafolio_storage::{
    FileIdentity, FileInfo, Publish, Reread, Source, Staged, Storage, StorageResult, VersionTag, WriteLock,
};

/// How many bytes went through the files of a bundle.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    read: AtomicU64,
    written: AtomicU64,
}

impl Traffic {
    /// Bytes that were read from payloads.
    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Bytes that were written to new files.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

/// A storage whose traffic is counted; all else is that of the storage inside.
#[derive(Debug)]
pub(super) struct Watched {
    inner: Arc<dyn Storage>,
    traffic: Arc<Traffic>,
}

impl Watched {
    pub(super) fn new(inner: Arc<dyn Storage>, traffic: Arc<Traffic>) -> Self {
        Self { inner, traffic }
    }
}

impl Storage for Watched {
    fn location(&self) -> String {
        self.inner.location()
    }

    fn caveat(&self) -> Option<String> {
        self.inner.caveat()
    }

    fn is_remote(&self) -> bool {
        self.inner.is_remote()
    }

    fn local_path(&self, path: &RelPath) -> Option<PathBuf> {
        self.inner.local_path(path)
    }

    fn stat(&self, path: &RelPath) -> StorageResult<Option<FileInfo>> {
        self.inner.stat(path)
    }

    fn read(&self, path: &RelPath, limit: u64) -> StorageResult<Vec<u8>> {
        self.inner.read(path, limit)
    }

    fn open(&self, path: &RelPath) -> StorageResult<Arc<dyn Source>> {
        let inner = self.inner.open(path)?;
        Ok(Arc::new(WatchedSource { inner, traffic: Arc::clone(&self.traffic) }))
    }

    fn open_sized(&self, path: &RelPath, size: u64) -> StorageResult<Arc<dyn Source>> {
        let inner = self.inner.open_sized(path, size)?;
        Ok(Arc::new(WatchedSource { inner, traffic: Arc::clone(&self.traffic) }))
    }

    fn create(&self, path: &RelPath) -> StorageResult<Box<dyn Staged>> {
        let inner = self.inner.create(path)?;
        Ok(Box::new(WatchedStaged { inner, traffic: Arc::clone(&self.traffic) }))
    }

    fn list(&self, dir: Option<&RelPath>) -> StorageResult<Vec<FileInfo>> {
        self.inner.list(dir)
    }

    fn delete(&self, path: &RelPath) -> StorageResult<()> {
        self.inner.delete(path)
    }

    fn duplicate(&self, from: &RelPath, to: &RelPath) -> StorageResult<()> {
        self.inner.duplicate(from, to)
    }

    fn replace(&self, path: &RelPath, bytes: &[u8]) -> StorageResult<()> {
        self.inner.replace(path, bytes)
    }

    fn lock(&self, timeout: Duration) -> StorageResult<Box<dyn WriteLock>> {
        self.inner.lock(timeout)
    }

    fn read_tagged(&self, path: &RelPath, limit: u64) -> StorageResult<Option<(Vec<u8>, VersionTag)>> {
        self.inner.read_tagged(path, limit)
    }

    fn is_unchanged(&self, path: &RelPath, tag: &VersionTag) -> StorageResult<bool> {
        self.inner.is_unchanged(path, tag)
    }

    fn read_if_changed(&self, path: &RelPath, limit: u64, tag: &VersionTag) -> StorageResult<Reread> {
        self.inner.read_if_changed(path, limit, tag)
    }

    fn publish(&self, path: &RelPath, bytes: &[u8], expected: Option<&VersionTag>) -> StorageResult<Publish> {
        self.inner.publish(path, bytes, expected)
    }

    fn make_dir(&self, path: &RelPath) -> StorageResult<()> {
        self.inner.make_dir(path)
    }

    fn now(&self) -> StorageResult<std::time::SystemTime> {
        self.inner.now()
    }

    fn arrived(&self, path: &RelPath) -> StorageResult<()> {
        self.inner.arrived(path)
    }

    fn settle(&self) -> StorageResult<()> {
        self.inner.settle()
    }
}

#[derive(Debug)]
struct WatchedSource {
    inner: Arc<dyn Source>,
    traffic: Arc<Traffic>,
}

impl Source for WatchedSource {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        self.inner.read_exact_at(buffer, offset)?;
        self.traffic.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn prefetch(&self, offset: u64, length: u64) {
        self.inner.prefetch(offset, length);
    }

    fn will_read(&self, stretches: &dyn Fn() -> Vec<Range<u64>>) {
        self.inner.will_read(stretches);
    }

    fn identity(&self) -> Option<FileIdentity> {
        self.inner.identity()
    }

    fn try_clone_file(&self) -> Option<io::Result<std::fs::File>> {
        self.inner.try_clone_file()
    }
}

struct WatchedStaged {
    inner: Box<dyn Staged>,
    traffic: Arc<Traffic>,
}

impl Write for WatchedStaged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.traffic.written.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Staged for WatchedStaged {
    fn finish(self: Box<Self>) -> StorageResult<()> {
        self.inner.finish()
    }

    fn finish_later(self: Box<Self>) -> StorageResult<()> {
        self.inner.finish_later()
    }
}

#[cfg(test)]
mod tests {
    use datafolio_storage::MemoryStorage;

    use super::*;
    use crate::bundle::OpenOptions;

    #[test]
    fn bytes_are_counted_and_pass_unchanged() {
        let traffic = Arc::new(Traffic::default());
        let storage = Watched::new(Arc::new(MemoryStorage::new()), Arc::clone(&traffic));
        let path = RelPath::parse("artifacts/x").unwrap();
        let mut staged = storage.create(&path).unwrap();
        staged.write_all(b"hello").unwrap();
        staged.finish().unwrap();
        let mut buffer = [0; 3];
        let source = storage.open(&path).unwrap();
        source.read_exact_at(&mut buffer, 2).unwrap();
        assert_eq!((&buffer, source.size(), traffic.written(), traffic.read()), (b"llo", 5, 5, 3));
        // What is not there is not counted.
        assert!(source.read_exact_at(&mut buffer, 4).is_err());
        assert_eq!(traffic.read(), 3);
    }

    #[test]
    fn what_does_not_hold_at_a_place_is_still_told() {
        let inner = MemoryStorage::new().with_caveat("far away");
        let folio = OpenOptions::new().create_storage(Arc::new(Watched::new(Arc::new(inner), Arc::default()))).unwrap();
        assert_eq!(folio.warnings(), ["far away"]);
    }
}
