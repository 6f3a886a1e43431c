//! A bundle in memory that says to lie on a store, and counts what is asked of it.

use super::*;
use crate::storage::{FileInfo, Publish, Reread, Staged, VersionTag, WriteLock};

#[derive(Debug, Clone, Default)]
pub(super) struct Remote {
    pub(super) inner: MemoryStorage,
    asked: Arc<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    opens: AtomicU64,
    reads: AtomicU64,
    /// How long each read takes, in milliseconds.
    pause: AtomicU64,
    /// One more than the reads until one fails; 0: none does.
    fails: AtomicU64,
}

impl Remote {
    pub(super) fn set_pause(&self, pause: Duration) {
        self.asked.pause.store(pause.as_millis() as u64, Ordering::SeqCst);
    }

    /// Lets one read fail after this number of them.
    pub(super) fn fail_after(&self, reads: u64) {
        self.asked.fails.store(reads + 1, Ordering::SeqCst);
    }

    pub(super) fn opens(&self) -> u64 {
        self.asked.opens.load(Ordering::SeqCst)
    }

    /// Files that were opened, or read as a whole, since this was asked last.
    pub(super) fn take_opens(&self) -> u64 {
        self.asked.opens.swap(0, Ordering::SeqCst)
    }

    pub(super) fn take_reads(&self) -> u64 {
        self.asked.reads.swap(0, Ordering::SeqCst)
    }

    fn count_open(&self) {
        self.asked.opens.fetch_add(1, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct RemoteSource {
    inner: Arc<dyn Source>,
    asked: Arc<Asked>,
}

impl Source for RemoteSource {
    fn size(&self) -> u64 {
        self.inner.size()
    }
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        self.asked.reads.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(self.asked.pause.load(Ordering::SeqCst)));
        if self.asked.fails.load(Ordering::SeqCst) > 0 && self.asked.fails.fetch_sub(1, Ordering::SeqCst) == 1 {
            let (path, location, reason) = ("a".to_owned(), "memory".to_owned(), "gone".to_owned());
            return Err(StorageError::Unreachable {
                action: "read",
                path,
                location,
                source: std::io::Error::other(reason),
            });
        }
        self.inner.read_exact_at(buffer, offset)
    }
    fn identity(&self) -> Option<FileIdentity> {
        None
    }
    fn try_clone_file(&self) -> Option<io::Result<File>> {
        None
    }
}

impl Storage for Remote {
    fn is_remote(&self) -> bool {
        true
    }
    fn open(&self, path: &RelPath) -> StorageResult<Arc<dyn Source>> {
        self.count_open();
        Ok(Arc::new(RemoteSource { inner: self.inner.open(path)?, asked: Arc::clone(&self.asked) }))
    }
    fn open_sized(&self, path: &RelPath, _size: u64) -> StorageResult<Arc<dyn Source>> {
        self.open(path)
    }
    fn read(&self, path: &RelPath, limit: u64) -> StorageResult<Vec<u8>> {
        self.count_open();
        self.inner.read(path, limit)
    }
    fn location(&self) -> String {
        self.inner.location()
    }
    fn caveat(&self) -> Option<String> {
        self.inner.caveat()
    }
    fn local_path(&self, path: &RelPath) -> Option<PathBuf> {
        self.inner.local_path(path)
    }
    fn stat(&self, path: &RelPath) -> StorageResult<Option<FileInfo>> {
        self.inner.stat(path)
    }
    fn create(&self, path: &RelPath) -> StorageResult<Box<dyn Staged>> {
        self.inner.create(path)
    }
    fn list(&self, dir: Option<&RelPath>) -> StorageResult<Vec<FileInfo>> {
        self.inner.list(dir)
    }
    fn delete(&self, path: &RelPath) -> StorageResult<()> {
        self.inner.delete(path)
    }
    fn arrived(&self, path: &RelPath) -> StorageResult<()> {
        self.inner.arrived(path)
    }

    fn settle(&self) -> StorageResult<()> {
        self.inner.settle()
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
    fn now(&self) -> StorageResult<SystemTime> {
        self.inner.now()
    }
    fn make_dir(&self, path: &RelPath) -> StorageResult<()> {
        self.inner.make_dir(path)
    }
}
