use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::conformance::path;
use crate::local::LocalStorage;
use crate::memory::MemoryStorage;

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n * 7 % 253) as u8).collect()
}

fn stores() -> [(Option<TempDir>, Arc<dyn Storage>); 2] {
    let dir = TempDir::new().unwrap();
    let local = LocalStorage::open(dir.path()).unwrap();
    [(Some(dir), Arc::new(local)), (None, Arc::new(MemoryStorage::new()))]
}

#[test]
fn every_size_is_recorded_and_stored() {
    for (_dir, storage) in stores() {
        for size in [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 3 * BLOCK_SIZE, 12 * BLOCK_SIZE + 5] {
            let bytes = bytes(size);
            let mut writer = PayloadWriter::create(&storage, "tables", "ns/a", ".bin").unwrap();
            writer.write_all(&bytes).unwrap();
            writer.flush().unwrap();
            let at = writer.path().clone();
            let payload = writer.finish().unwrap();
            assert_eq!((&payload.path, payload.size), (&at, size as u64));
            assert_eq!(storage.read(&at, size as u64).unwrap(), bytes);
            assert_eq!(payload.sha256, hex(&Sha256::digest(&bytes)));
            assert_eq!(payload.md5, Some(hex(&md5::Md5::digest(&bytes))));

            let name = at.as_str().strip_prefix("tables/ns/a--").unwrap().strip_suffix(".bin").unwrap();
            assert!(random::is_name(name), "{name}");
            assert_eq!(payload.blocks.is_some(), size > BLOCK_SIZE);
            if let Some(blocks) = &payload.blocks {
                assert_eq!(blocks.filename, format!("ns/a--{name}.bin.blocks"));
                let content = storage.read(&path(&format!("tables/{}", blocks.filename)), 1 << 20).unwrap();
                assert_eq!(blocks.sha256, hex(&Sha256::digest(&content)));
                let decoded = blocks::Blocks::decode(&content, payload.size).unwrap();
                for (index, block) in (0..).zip(bytes.chunks(BLOCK_SIZE)) {
                    decoded.check(index, block).unwrap();
                }
            }
        }
    }
}

#[test]
fn the_way_of_writing_makes_no_difference() {
    for (_dir, storage) in stores() {
        let bytes = bytes(2 * BLOCK_SIZE + 1000);
        let mut pieces = PayloadWriter::create(&storage, "t", "a", "").unwrap();
        for piece in bytes.chunks(1009) {
            pieces.write_all(piece).unwrap();
        }
        let mut reader = PayloadWriter::create(&storage, "t", "a", "").unwrap();
        reader.write_all(&bytes[..10]).unwrap();
        let read = reader.write_from(&mut &bytes[10..]).unwrap();
        assert_eq!(read, bytes.len() as u64 - 10);
        let (pieces, reader) = (pieces.finish().unwrap(), reader.finish().unwrap());
        assert_eq!((&pieces.sha256, &pieces.md5), (&reader.sha256, &reader.md5));
        assert_eq!(pieces.blocks.unwrap().sha256, reader.blocks.unwrap().sha256);
        assert_ne!(pieces.path, reader.path);
    }
}

#[test]
fn what_is_dropped_is_gone() {
    for (_dir, storage) in stores() {
        let mut writer = PayloadWriter::create(&storage, "tables", "a", ".bin").unwrap();
        writer.write_all(&bytes(3 * BLOCK_SIZE)).unwrap();
        drop(writer);
        assert!(storage.list(None).unwrap().is_empty());
    }
}

#[test]
fn a_reader_that_fails_spoils_the_payload() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => Ok(buffer.len().min(10)),
                2 => Err(ErrorKind::Interrupted.into()),
                3 => Err(io::Error::other("gone")),
                _ => Ok(0),
            }
        }
    }
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let mut writer = PayloadWriter::create(&storage, "tables", "a", ".bin").unwrap();
    assert!(writer.write_from(&mut Failing(0)).unwrap_err().to_string().contains("gone"));
    assert!(writer.write(b"x").is_err());
    assert!(writer.finish().is_err());
    assert!(storage.list(None).unwrap().is_empty());
}

#[test]
fn names_that_lead_out_are_refused() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    for (dir, stem) in [("tables", "../a"), ("..", "a"), ("tables", "/a"), ("tables", "a\\b"), ("tables", "a//b")] {
        let error = PayloadWriter::create(&storage, dir, stem, ".bin").unwrap_err();
        assert_eq!(error.code(), "unsafe-path", "{dir} {stem}");
    }
    // There must be room for the name of the block checksums.
    assert!(PayloadWriter::create(&storage, "tables", &"a".repeat(232), ".bin").is_ok());
    assert!(PayloadWriter::create(&storage, "tables", &"a".repeat(233), ".bin").is_err());
}

/// Says of the first names that they are taken.
#[derive(Debug)]
struct Crowded {
    inner: MemoryStorage,
    taken: Mutex<usize>,
}

impl Storage for Crowded {
    fn create(&self, path: &RelPath) -> StorageResult<Box<dyn Staged>> {
        let mut taken = self.taken.lock().unwrap();
        if *taken > 0 {
            *taken -= 1;
            return Err(StorageError::AlreadyExists { path: path.to_string(), location: self.location() });
        }
        self.inner.create(path)
    }
    fn location(&self) -> String {
        self.inner.location()
    }
    fn caveat(&self) -> Option<String> {
        self.inner.caveat()
    }
    fn is_remote(&self) -> bool {
        self.inner.is_remote()
    }
    fn local_path(&self, path: &RelPath) -> Option<std::path::PathBuf> {
        self.inner.local_path(path)
    }
    fn stat(&self, path: &RelPath) -> StorageResult<Option<crate::FileInfo>> {
        self.inner.stat(path)
    }
    fn read(&self, path: &RelPath, limit: u64) -> StorageResult<Vec<u8>> {
        self.inner.read(path, limit)
    }
    fn open(&self, path: &RelPath) -> StorageResult<Arc<dyn crate::Source>> {
        self.inner.open(path)
    }
    fn open_sized(&self, path: &RelPath, size: u64) -> StorageResult<Arc<dyn crate::Source>> {
        self.inner.open_sized(path, size)
    }
    fn list(&self, dir: Option<&RelPath>) -> StorageResult<Vec<crate::FileInfo>> {
        self.inner.list(dir)
    }
    fn delete(&self, path: &RelPath) -> StorageResult<()> {
        self.inner.delete(path)
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
    fn duplicate(&self, from: &RelPath, to: &RelPath) -> StorageResult<()> {
        self.inner.duplicate(from, to)
    }
    fn replace(&self, path: &RelPath, bytes: &[u8]) -> StorageResult<()> {
        self.inner.replace(path, bytes)
    }
    fn lock(&self, timeout: std::time::Duration) -> StorageResult<Box<dyn crate::WriteLock>> {
        self.inner.lock(timeout)
    }
    fn read_tagged(&self, path: &RelPath, limit: u64) -> StorageResult<Option<(Vec<u8>, crate::VersionTag)>> {
        self.inner.read_tagged(path, limit)
    }
    fn is_unchanged(&self, path: &RelPath, tag: &crate::VersionTag) -> StorageResult<bool> {
        self.inner.is_unchanged(path, tag)
    }
    fn read_if_changed(&self, path: &RelPath, limit: u64, tag: &crate::VersionTag) -> StorageResult<crate::Reread> {
        self.inner.read_if_changed(path, limit, tag)
    }
    fn publish(
        &self,
        path: &RelPath,
        bytes: &[u8],
        expected: Option<&crate::VersionTag>,
    ) -> StorageResult<crate::Publish> {
        self.inner.publish(path, bytes, expected)
    }
    fn make_dir(&self, path: &RelPath) -> StorageResult<()> {
        self.inner.make_dir(path)
    }
}

#[test]
fn a_name_that_is_taken_is_not_the_last() {
    for (taken, works) in [(NAME_TRIES - 1, true), (NAME_TRIES, false)] {
        let storage: Arc<dyn Storage> = Arc::new(Crowded { inner: MemoryStorage::new(), taken: Mutex::new(taken) });
        assert_eq!(PayloadWriter::create(&storage, "tables", "a", "").is_ok(), works);
    }
}
