//! What is recorded of a payload file, and writing one while all its hashes are computed in the same pass.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::sync::Arc;

use datafolio_core::RelPath;
use sha2::{Digest, Sha256};

use crate::blocks::{self, BLOCK_SIZE};
use crate::error::{StorageError, StorageResult};
use crate::hash::{CHUNK, Hashes, StreamHasher, Wanted, hex};
use crate::random;
use crate::storage::{Source, Staged, Storage};

/// How many names are tried for a new file. That the first is taken has a chance of one in 10^15.
const NAME_TRIES: usize = 16;

/// What is recorded of a payload file in its entry. All of it was computed as the bytes were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// Where the file lies.
    pub path: RelPath,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// MD5 of the file, lower-case hex: Python DataFolio's `checksum`. `None` on a store, where that computes none and takes any for a
    /// mismatch.
    pub md5: Option<String>,
    /// The file of block checksums, for payloads of more than one block.
    pub blocks: Option<BlocksRef>,
}

impl Payload {
    /// What was computed of a file.
    pub(crate) fn of(path: RelPath, hashes: Hashes, blocks: Option<BlocksRef>) -> Self {
        let md5 = Some(hashes.md5).filter(|md5| !md5.is_empty());
        Self { path, size: hashes.size, sha256: hashes.sha256, md5, blocks }
    }
}

/// Removes a payload that no catalogue names, and its block checksums, as far as they are there. What cannot be removed is
/// left to gc.
pub fn discard_payload(storage: &dyn Storage, path: &RelPath) {
    let blocks = RelPath::parse(&format!("{path}{}", blocks::SUFFIX));
    for path in std::iter::once(path).chain(blocks.as_ref()) {
        if let Err(error) = storage.delete(path) {
            tracing::debug!(%path, %error, "a staged file stays behind");
        }
    }
}

/// Waits for a payload that was written, and for its block checksums, so that they are there.
///
/// # Errors
/// Why they are not.
pub fn payload_arrived(storage: &dyn Storage, path: &RelPath) -> StorageResult<()> {
    storage.arrived(path)?;
    storage.arrived(&blocks_path(path)?)
}

/// Gives a payload a second name, `<dir>/<stem>--<random><extension>`, and its file of block checksums one beside it. Returns
/// both. No byte is copied where the place has names for that.
///
/// # Errors
/// As [`Storage::duplicate`]; then nothing new is there.
pub fn duplicate_payload(
    storage: &dyn Storage,
    from: &RelPath,
    blocks: Option<&RelPath>,
    (dir, stem, extension): (&str, &str, &str),
) -> StorageResult<(RelPath, Option<RelPath>)> {
    let mut tries = 0;
    loop {
        let random = random::name()
            .map_err(|error| StorageError::from_io("create a name in", dir, &storage.location(), error))?;
        let path = RelPath::portable(&format!("{dir}/{stem}--{random}{extension}"))?;
        let beside = RelPath::parse(&format!("{path}{}", blocks::SUFFIX))?;
        tries += 1;
        let made = match blocks {
            Some(blocks) => storage.duplicate(blocks, &beside),
            None => Ok(()),
        };
        match made.and_then(|()| storage.duplicate(from, &path)) {
            Ok(()) => return Ok((path, blocks.map(|_| beside))),
            Err(StorageError::AlreadyExists { .. }) if tries < NAME_TRIES => {}
            Err(error) => {
                discard_payload(storage, &path);
                return Err(error);
            }
        }
    }
}

/// Where the block checksums of a payload lie.
fn blocks_path(path: &RelPath) -> StorageResult<RelPath> {
    Ok(RelPath::parse(&format!("{path}{}", blocks::SUFFIX))?)
}

/// Writes the block checksums of a payload beside it, if it has more than one block.
///
/// # Errors
/// When that fails; then they are not there.
pub(crate) fn write_blocks(storage: &dyn Storage, path: &RelPath, hashes: &Hashes) -> StorageResult<Option<BlocksRef>> {
    if hashes.size <= BLOCK_SIZE as u64 {
        return Ok(None);
    }
    let content = blocks::encode(hashes.size, &hashes.blocks);
    let beside = blocks_path(path)?;
    let mut staged = storage.create(&beside)?;
    staged
        .write_all(&content)
        .map_err(|error| StorageError::from_io("write", beside.as_str(), &storage.location(), error))?;
    staged.finish_later()?;
    // Its name is relative to the directory that that of the payload is relative to.
    let filename = beside.as_str().split_once('/').map_or(beside.as_str(), |(_, name)| name).to_owned();
    Ok(Some(BlocksRef { filename, sha256: hex(&Sha256::digest(&content)) }))
}

/// Copies an open file to a new path of a storage.
///
/// # Errors
/// [`StorageError::AlreadyExists`] when the path is taken; when reading or writing fails, and then nothing is there.
pub fn copy_source(source: &dyn Source, target: &dyn Storage, path: &RelPath) -> StorageResult<()> {
    let mut staged = target.create(path)?;
    source.will_read(&|| vec![Range { start: 0, end: source.size() }]);
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    while offset < source.size() {
        let length = usize::try_from(source.size() - offset).unwrap_or(CHUNK).min(CHUNK);
        source.read_exact_at(&mut buffer[..length], offset)?;
        staged
            .write_all(&buffer[..length])
            .map_err(|error| StorageError::from_io("write", path.as_str(), &target.location(), error))?;
        offset += length as u64;
    }
    staged.finish()
}

/// The file of block checksums that lies beside a payload.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BlocksRef {
    /// Its name, relative to the directory that the payload's own `filename` is relative to.
    pub filename: String,
    /// SHA-256 of it, lower-case hex.
    pub sha256: String,
}

/// Writes a payload file under a name that was never used before. Dropped without [`finish`](Self::finish), it leaves
/// nothing behind.
///
/// It collects what is written into blocks: many small writes cost little.
pub struct PayloadWriter {
    storage: Arc<dyn Storage>,
    staged: Box<dyn Staged>,
    path: RelPath,
    hasher: StreamHasher,
    buffer: Vec<u8>,
    failed: bool,
}

impl PayloadWriter {
    /// Starts the file `<dir>/<stem>--<random><extension>`. The stem may have subdirectories (`a/b`); the extension has its
    /// dot (`.parquet`) or is empty.
    ///
    /// # Errors
    /// When the name is not acceptable as a path, or the file cannot be created.
    pub fn create(storage: &Arc<dyn Storage>, dir: &str, stem: &str, extension: &str) -> StorageResult<Self> {
        let mut tries = 0;
        loop {
            let random = random::name()
                .map_err(|error| StorageError::from_io("create a name in", dir, &storage.location(), error))?;
            let filename = format!("{stem}--{random}{extension}");
            let path = RelPath::portable(&format!("{dir}/{filename}"))?;
            // The block checksums must have a name as well.
            RelPath::parse(&format!("{dir}/{filename}{}", blocks::SUFFIX))?;
            tries += 1;
            match storage.create(&path) {
                Ok(staged) => return Ok(Self::new(Arc::clone(storage), staged, path)),
                Err(StorageError::AlreadyExists { .. }) if tries < NAME_TRIES => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn new(storage: Arc<dyn Storage>, staged: Box<dyn Staged>, path: RelPath) -> Self {
        let md5 = !storage.is_remote();
        let hasher = StreamHasher::new(Wanted { sha256: true, md5, blocks: true, second_thread: true });
        Self { storage, staged, path, hasher, buffer: Vec::new(), failed: false }
    }

    /// The same, for this many threads; without it a second one hashes large files.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.hasher.allow_second_thread(threads > 1);
        self
    }

    /// Where the file lies.
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// Writes all that a reader has; returns how many bytes that was.
    ///
    /// # Errors
    /// When reading or writing fails. The file cannot be finished afterwards.
    pub fn write_from(&mut self, reader: &mut dyn Read) -> StorageResult<u64> {
        let mut total = 0;
        loop {
            let filled = self.buffer.len();
            self.buffer.resize(CHUNK, 0);
            let result = reader.read(&mut self.buffer[filled..]);
            // A reader may claim more than it was given room for.
            let read = *result.as_ref().unwrap_or(&0).min(&(CHUNK - filled));
            self.buffer.truncate(filled + read);
            match result {
                Ok(0) => return Ok(total),
                Ok(_) => total += read as u64,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(self.error("read what is to be written to", error));
                }
            }
            if self.buffer.len() == CHUNK {
                self.write_chunk().map_err(|error| self.error("write", error))?;
            }
        }
    }

    /// Makes the file durable, after its block checksums if it has more than one block. On a store both may be on their way:
    /// [`payload_arrived`] waits for them.
    ///
    /// # Errors
    /// When that fails, or any write before failed; then neither file is there.
    pub fn finish(mut self) -> StorageResult<Payload> {
        if !self.buffer.is_empty() && !self.failed {
            self.write_chunk().map_err(|error| self.error("write", error))?;
        }
        if self.failed {
            return Err(self.error("write", io::Error::other("an earlier write to it failed")));
        }
        let Self { storage, staged, path, hasher, .. } = self;
        let io_error = |error| StorageError::from_io("write", path.as_str(), &storage.location(), error);
        let hashes = hasher.finish().map_err(io_error)?;
        let blocks = write_blocks(storage.as_ref(), &path, &hashes)?;
        if let Err(error) = staged.finish_later() {
            if let Some(blocks_path) = blocks.as_ref().and_then(|_| blocks_path(&path).ok())
                && let Err(error) = storage.delete(&blocks_path)
            {
                tracing::warn!(path = %blocks_path, %error, "block checksums without a payload could not be removed");
            }
            return Err(error);
        }
        Ok(Payload::of(path, hashes, blocks))
    }

    /// Writes and hashes what was collected.
    fn write_chunk(&mut self) -> io::Result<()> {
        let chunk = Arc::new(std::mem::take(&mut self.buffer));
        self.hasher.update(&chunk);
        let written = self.staged.write_all(&chunk);
        self.failed |= written.is_err();
        self.buffer = self.hasher.buffer(Some(chunk));
        written
    }

    fn error(&self, action: &'static str, error: io::Error) -> StorageError {
        StorageError::from_io(action, self.path.as_str(), &self.storage.location(), error)
    }
}

impl Write for PayloadWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed {
            return Err(io::Error::other("an earlier write to this payload failed"));
        }
        let taken = bytes.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == CHUNK {
            self.write_chunk()?;
        }
        Ok(taken)
    }

    /// Does nothing: only whole blocks are written before the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for PayloadWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayloadWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
