//! A bundle in memory.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use datafolio_core::RelPath;

use crate::error::{StorageError, StorageResult};
use crate::payload::copy_source;
use crate::storage::{FileIdentity, FileInfo, Publish, Reread, Source, Staged, Storage, VersionTag, WriteLock};

/// A bundle in memory, for tests and examples; it is gone with its last handle. There are no directories: as in an object
/// store, a file may lie "below" another.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    files: Arc<Mutex<Files>>,
    /// The directory that paths are relative to; without one, all files are the bundle's.
    dir: Option<RelPath>,
    caveat: Option<Arc<str>>,
}

#[derive(Debug, Default)]
struct Files {
    by_path: BTreeMap<RelPath, File>,
    /// Counts the states of all files, so that no tag is given twice.
    states: u64,
}

#[derive(Debug)]
struct File {
    /// `None`: the name is taken by a file that is being written.
    bytes: Option<Arc<[u8]>>,
    modified: SystemTime,
    state: u64,
}

impl MemoryStorage {
    /// An empty bundle.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same bundle, at a place of which this does not hold although it holds elsewhere.
    #[must_use]
    pub fn with_caveat(self, caveat: &str) -> Self {
        Self { caveat: Some(caveat.into()), ..self }
    }

    /// The bundle whose files lie in a directory of this one. Both see what the other writes there.
    ///
    /// # Errors
    /// When the name is not acceptable as a path.
    pub fn below(&self, dir: &str) -> StorageResult<Self> {
        let dir = match &self.dir {
            Some(above) => above.join(dir)?,
            None => RelPath::parse(dir)?,
        };
        Ok(Self { dir: Some(dir), ..self.clone() })
    }

    /// Where a file of the bundle is kept.
    fn key(&self, path: &RelPath) -> StorageResult<RelPath> {
        Ok(match &self.dir {
            Some(dir) => dir.join(path.as_str())?,
            None => path.clone(),
        })
    }

    /// What a file is called in the bundle; `None` for one that is not its own.
    fn name_of(&self, key: &RelPath) -> Option<RelPath> {
        match &self.dir {
            None => Some(key.clone()),
            Some(dir) => RelPath::parse(key.as_str().strip_prefix(dir.as_str())?.strip_prefix('/')?).ok(),
        }
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(&self, path: &RelPath) -> StorageError {
        StorageError::NotFound { path: path.to_string(), location: self.location() }
    }
}

impl Files {
    fn get(&self, path: &RelPath) -> Option<(&File, &Arc<[u8]>)> {
        self.by_path.get(path).and_then(|file| Some((file, file.bytes.as_ref()?)))
    }

    fn put(&mut self, path: &RelPath, bytes: Option<&[u8]>) -> VersionTag {
        self.states += 1;
        let file = File { bytes: bytes.map(Arc::from), modified: SystemTime::now(), state: self.states };
        let tag = file.tag();
        self.by_path.insert(path.clone(), file);
        tag
    }
}

impl File {
    fn tag(&self) -> VersionTag {
        VersionTag::from_token(self.state.to_string())
    }
}

impl Storage for MemoryStorage {
    fn location(&self) -> String {
        "memory".to_owned()
    }

    fn caveat(&self) -> Option<String> {
        self.caveat.as_deref().map(str::to_owned)
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn local_path(&self, _path: &RelPath) -> Option<PathBuf> {
        None
    }

    fn stat(&self, path: &RelPath) -> StorageResult<Option<FileInfo>> {
        let info = |(file, bytes): (&File, &Arc<[u8]>)| info(path, file, bytes);
        Ok(self.files().get(&self.key(path)?).map(info))
    }

    fn read(&self, path: &RelPath, limit: u64) -> StorageResult<Vec<u8>> {
        Ok(self.read_tagged(path, limit)?.ok_or_else(|| self.missing(path))?.0)
    }

    fn open(&self, path: &RelPath) -> StorageResult<Arc<dyn Source>> {
        let bytes = self.files().get(&self.key(path)?).map(|(_, bytes)| Arc::clone(bytes));
        Ok(Arc::new(MemorySource { path: path.clone(), bytes: bytes.ok_or_else(|| self.missing(path))? }))
    }

    fn open_sized(&self, path: &RelPath, _size: u64) -> StorageResult<Arc<dyn Source>> {
        self.open(path)
    }

    fn create(&self, path: &RelPath) -> StorageResult<Box<dyn Staged>> {
        let (key, mut files) = (self.key(path)?, self.files());
        if files.by_path.contains_key(&key) {
            return Err(StorageError::AlreadyExists { path: path.to_string(), location: self.location() });
        }
        files.put(&key, None);
        Ok(Box::new(MemoryStaged { storage: self.clone(), key, bytes: Vec::new(), kept: false }))
    }

    fn list(&self, dir: Option<&RelPath>) -> StorageResult<Vec<FileInfo>> {
        let below = |path: &RelPath| {
            dir.is_none_or(|dir| path.as_str().strip_prefix(dir.as_str()).is_some_and(|rest| rest.starts_with('/')))
        };
        let files = self.files();
        let whole =
            files.by_path.iter().filter_map(|(key, file)| Some(info(&self.name_of(key)?, file, file.bytes.as_ref()?)));
        Ok(whole.filter(|info| below(&info.path)).collect())
    }

    fn delete(&self, path: &RelPath) -> StorageResult<()> {
        let key = self.key(path)?;
        self.files().by_path.remove(&key);
        Ok(())
    }

    fn now(&self) -> StorageResult<SystemTime> {
        Ok(SystemTime::now())
    }

    fn arrived(&self, _path: &RelPath) -> StorageResult<()> {
        Ok(())
    }

    fn settle(&self) -> StorageResult<()> {
        Ok(())
    }

    fn duplicate(&self, from: &RelPath, to: &RelPath) -> StorageResult<()> {
        copy_source(self.open(from)?.as_ref(), self, to)
    }

    fn replace(&self, path: &RelPath, bytes: &[u8]) -> StorageResult<()> {
        let key = self.key(path)?;
        self.files().put(&key, Some(bytes));
        Ok(())
    }

    fn lock(&self, _timeout: Duration) -> StorageResult<Box<dyn WriteLock>> {
        Ok(Box::new(NoLock))
    }

    fn read_tagged(&self, path: &RelPath, limit: u64) -> StorageResult<Option<(Vec<u8>, VersionTag)>> {
        let (key, files) = (self.key(path)?, self.files());
        let Some((file, bytes)) = files.get(&key) else { return Ok(None) };
        let size = bytes.len() as u64;
        if size > limit {
            return Err(StorageError::TooLarge { path: path.to_string(), location: self.location(), size, limit });
        }
        Ok(Some((bytes.to_vec(), file.tag())))
    }

    fn is_unchanged(&self, path: &RelPath, tag: &VersionTag) -> StorageResult<bool> {
        Ok(self.files().get(&self.key(path)?).is_some_and(|(file, _)| file.tag() == *tag))
    }

    fn read_if_changed(&self, path: &RelPath, limit: u64, tag: &VersionTag) -> StorageResult<Reread> {
        Ok(match self.read_tagged(path, limit)? {
            None => Reread::Gone,
            Some((_, found)) if found == *tag => Reread::Unchanged,
            Some((bytes, found)) => Reread::Changed(bytes, found),
        })
    }

    fn publish(&self, path: &RelPath, bytes: &[u8], expected: Option<&VersionTag>) -> StorageResult<Publish> {
        let (key, mut files) = (self.key(path)?, self.files());
        if files.by_path.get(&key).map(File::tag).as_ref() != expected {
            return Ok(Publish::Lost);
        }
        Ok(Publish::Done(files.put(&key, Some(bytes))))
    }

    fn make_dir(&self, _path: &RelPath) -> StorageResult<()> {
        Ok(())
    }
}

fn info(path: &RelPath, file: &File, bytes: &[u8]) -> FileInfo {
    FileInfo { path: path.clone(), size: bytes.len() as u64, modified: file.modified, changed: file.modified, id: None }
}

/// Publishing compares and replaces under one mutex: there is nothing to lock.
#[derive(Debug)]
struct NoLock;

impl WriteLock for NoLock {}

#[derive(Debug)]
struct MemorySource {
    path: RelPath,
    bytes: Arc<[u8]>,
}

impl Source for MemorySource {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        let range = usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(buffer.len())?));
        match range.and_then(|range| self.bytes.get(range)) {
            Some(bytes) => buffer.copy_from_slice(bytes),
            None => {
                let end = io::ErrorKind::UnexpectedEof.into();
                return Err(StorageError::from_io("read", self.path.as_str(), "memory", end));
            }
        }
        Ok(())
    }

    fn identity(&self) -> Option<FileIdentity> {
        None
    }

    fn try_clone_file(&self) -> Option<io::Result<std::fs::File>> {
        None
    }
}

struct MemoryStaged {
    storage: MemoryStorage,
    key: RelPath,
    bytes: Vec<u8>,
    kept: bool,
}

impl Write for MemoryStaged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for MemoryStaged {
    fn finish(mut self: Box<Self>) -> StorageResult<()> {
        self.storage.files().put(&self.key, Some(&self.bytes));
        self.kept = true;
        Ok(())
    }

    fn finish_later(self: Box<Self>) -> StorageResult<()> {
        self.finish()
    }
}

impl Drop for MemoryStaged {
    fn drop(&mut self) {
        if !self.kept {
            self.storage.files().by_path.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[test]
    fn conforms() {
        conformance::all(&|| {
            let storage = MemoryStorage::new();
            conformance::Place::new(storage.clone(), storage, ())
        });
        conformance::all(&|| {
            let storage = MemoryStorage::new();
            conformance::put(&storage, "runs/ab/beside", b"1").unwrap();
            let open = || storage.below("runs").unwrap().below("a").unwrap();
            conformance::Place::new(open(), open(), storage.clone())
        });
    }

    /// A directory is a bundle of its own, whose files lie where the whole has them.
    #[test]
    fn a_directory_sees_its_own_files_under_their_names() {
        let whole = MemoryStorage::new();
        let (one, two) = (whole.below("a/one").unwrap(), whole.below("a/two").unwrap());
        conformance::put(&one, "x", b"1").unwrap();
        conformance::put(&two, "x", b"22").unwrap();
        let names = |storage: &MemoryStorage| -> Vec<(String, u64)> {
            storage.list(None).unwrap().iter().map(|info| (info.path.to_string(), info.size)).collect()
        };
        assert_eq!(names(&one), [("x".to_owned(), 1)]);
        assert_eq!(names(&two), [("x".to_owned(), 2)]);
        assert_eq!(names(&whole), [("a/one/x".to_owned(), 1), ("a/two/x".to_owned(), 2)]);
        two.delete(&conformance::path("x")).unwrap();
        assert_eq!(names(&whole), [("a/one/x".to_owned(), 1)]);
        assert!(whole.below("../a").is_err());
    }
}
