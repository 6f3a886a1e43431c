//! Reading a payload and checking what is read.

mod touched;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use datafolio_core::RelPath;
use sha2::{Digest, Sha256};

pub(crate) use self::touched::Touched;

use crate::blocks::{self, BLOCK_SIZE, Blocks};
use crate::cache::{self, VerifiedCache};
use crate::error::{StorageError, StorageResult};
use crate::hash::{Wanted, hash_all, hex};
use crate::payload::Payload;
use crate::storage::{FileIdentity, Source, Storage};

/// What an entry records of a payload's bytes. What is `None` is not checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Size in bytes.
    pub size: Option<u64>,
    /// SHA-256, hex.
    pub sha256: Option<String>,
    /// MD5, hex; all that Python DataFolio records. Used when there is no SHA-256, and by [`Verification::Full`].
    pub md5: Option<String>,
    /// The file of block checksums and its SHA-256, hex.
    pub blocks: Option<(RelPath, String)>,
}

impl Expected {
    /// The hash by which the whole file is known.
    pub(crate) fn hash(&self) -> Option<String> {
        let md5 = || self.md5.as_ref().map(|md5| format!("md5:{}", md5.to_ascii_lowercase()));
        self.sha256.as_ref().map(|sha256| sha256.to_ascii_lowercase()).or_else(md5)
    }

    /// The same for a file that is checked block by block: the blocks file is part of what was relied on.
    fn blocks_hash(&self) -> Option<String> {
        let (_, blocks) = self.blocks.as_ref()?;
        Some(format!("{}+blocks:{}", self.hash().unwrap_or_default(), blocks.to_ascii_lowercase()))
    }
}

impl From<&Payload> for Expected {
    fn from(payload: &Payload) -> Self {
        let blocks = payload.blocks.as_ref().and_then(|blocks| {
            let path = RelPath::parse(&format!("{}{}", payload.path, blocks::SUFFIX)).ok()?;
            Some((path, blocks.sha256.clone()))
        });
        Self { size: Some(payload.size), sha256: Some(payload.sha256.clone()), md5: payload.md5.clone(), blocks }
    }
}

/// How much of a payload is checked. The size always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verification {
    /// Everything, by every hash that is recorded, when the file is opened, also when it was checked before.
    Full,
    /// What is read, once: block by block where block checksums are recorded, otherwise the whole file when it is opened.
    #[default]
    Touched,
    /// Nothing but the size.
    Off,
}

/// A payload open for reading, which hands out only bytes that are those recorded.
///
/// Damage is [`StorageError::Damaged`], when the file is opened or when the damaged part is read.
#[derive(Debug)]
pub struct VerifiedSource {
    source: Arc<dyn Source>,
    path: RelPath,
    location: String,
    /// What is still to be checked; `None`: nothing.
    touched: Option<Arc<Touched>>,
    /// Noted once all is checked.
    note: Option<(FileIdentity, String)>,
    cache: VerifiedCache,
    /// Whether the source is a local copy of what lies on a store.
    is_copy: bool,
}

impl VerifiedSource {
    /// Opens a payload. Where that lies on a store and there is a local [copy](crate::Copies), it is the copy that is
    /// read, but for [`Verification::Full`], which is about what lies on the store.
    ///
    /// # Errors
    /// When it is not there, is not a regular file, or is found to be damaged. A missing or damaged file of block
    /// checksums is an error with [`Verification::Full`] or without another hash; otherwise the whole file is checked
    /// instead, because it may well be good.
    pub fn open(
        storage: &Arc<dyn Storage>,
        path: &RelPath,
        expected: Expected,
        verification: Verification,
        cache: &VerifiedCache,
    ) -> StorageResult<Self> {
        if storage.is_remote()
            && verification != Verification::Full
            && let Some(copy) = cache.copies().open(&expected)
        {
            let opened = Self::new(Arc::new(copy), storage.as_ref(), path, cache, true);
            // A small one is sooner read than its block checksums, which would be a request.
            let blocks = expected.blocks.clone().filter(|_| opened.source.size() >= cache::SMALLEST);
            let of_copy = Expected { blocks, ..expected.clone() };
            match opened.prepared(storage.as_ref(), &of_copy, verification) {
                Ok(opened) => return Ok(opened),
                Err(error) => tracing::warn!(%path, %error, "reading the payload itself: its local copy is of no use"),
            }
        }
        let source = match expected.size {
            Some(size) => storage.open_sized(path, size)?,
            None => storage.open(path)?,
        };
        Self::new(source, storage.as_ref(), path, cache, false).prepared(storage.as_ref(), &expected, verification)
    }

    fn new(
        source: Arc<dyn Source>,
        storage: &dyn Storage,
        path: &RelPath,
        cache: &VerifiedCache,
        is_copy: bool,
    ) -> Self {
        let (path, location, cache) = (path.clone(), storage.location(), cache.clone());
        Self { source, path, location, touched: None, note: None, cache, is_copy }
    }

    /// Checks what is to be checked when it is opened.
    fn prepared(
        mut self,
        storage: &dyn Storage,
        expected: &Expected,
        verification: Verification,
    ) -> StorageResult<Self> {
        if let Some(size) = expected.size
            && size != self.source.size()
        {
            return Err(self.damaged(format!("it has {} bytes, and {size} were recorded", self.source.size())));
        }
        match verification {
            Verification::Off => {}
            Verification::Full => {
                let blocks = match &expected.blocks {
                    Some(blocks) => Some(self.load_blocks(storage, blocks)?),
                    None => None,
                };
                let checked = self.check_whole(expected, true, blocks.as_ref());
                if let Err(StorageError::Damaged { .. }) = &checked {
                    self.forget(expected);
                }
                checked?;
            }
            Verification::Touched => self.prepare(storage, expected)?,
        }
        Ok(self)
    }

    /// Checks all that has not been checked yet.
    ///
    /// # Errors
    /// When something is damaged or cannot be read.
    pub fn verify_rest(&self) -> StorageResult<()> {
        let Some(touched) = &self.touched else { return Ok(()) };
        let mut buffer = Vec::new();
        for index in (0..touched.blocks.checksums.len() as u64).filter(|index| !touched.is_checked(*index)) {
            let (start, end) = self.block_range(touched, index);
            buffer.resize((end - start) as usize, 0);
            self.read_block(touched, index, &mut buffer)?;
        }
        Ok(())
    }

    /// Checks what has not been checked yet of a stretch of the file.
    ///
    /// # Errors
    /// When some of it is damaged or cannot be read.
    pub fn check(&self, offset: u64, length: u64) -> StorageResult<()> {
        let Some(touched) = self.touched.as_ref().filter(|touched| !touched.is_complete()) else { return Ok(()) };
        let end = offset.saturating_add(length).min(self.source.size());
        let size = touched.blocks.block_size;
        let mut buffer = Vec::new();
        for index in (offset / size..end.div_ceil(size)).filter(|index| !touched.is_checked(*index)) {
            let (start, end) = self.block_range(touched, index);
            buffer.resize((end - start) as usize, 0);
            self.read_block(touched, index, &mut buffer)?;
        }
        Ok(())
    }

    /// Where it is in the bundle.
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// The open file, for who maps it and has each stretch [checked](Self::check) before it is used; none where there is no file.
    pub fn mappable_file(&self) -> Option<StorageResult<File>> {
        let file = self.source.try_clone_file()?;
        Some(file.map_err(|source| StorageError::Io {
            action: "open",
            path: self.path.to_string(),
            location: self.location.clone(),
            source,
        }))
    }

    /// Whether there are bytes that will be compared with what was recorded when they are read.
    pub fn is_unchecked(&self) -> bool {
        self.touched.is_some()
    }

    /// Arranges for checking what will be touched.
    fn prepare(&mut self, storage: &dyn Storage, expected: &Expected) -> StorageResult<()> {
        let (hash, blocks_hash) = (expected.hash(), expected.blocks_hash());
        let identity = self.source.identity();
        if let Some(identity) = &identity {
            let known = [&hash, &blocks_hash]
                .into_iter()
                .flatten()
                .any(|hash| cache::process_knows(identity, hash) || self.cache.knows(identity, hash));
            if known {
                return Ok(());
            }
        }
        let (Some(blocks), Some(blocks_hash)) = (&expected.blocks, blocks_hash) else {
            return self.check_whole(expected, false, None);
        };
        let identity = identity.filter(cache::is_settled);
        if let Some(touched) = identity.as_ref().and_then(|identity| cache::process_touched(identity, &blocks_hash)) {
            self.touched = Some(touched);
        } else {
            let touched = match self.load_blocks(storage, blocks) {
                Ok(blocks) => Touched::new(blocks),
                Err(error) if hash.is_some() => {
                    tracing::warn!(path = %self.path, %error, "checking the whole file: no use of its block checksums");
                    return self.check_whole(expected, false, None);
                }
                Err(error) => return Err(error),
            };
            self.touched = Some(match &identity {
                Some(identity) => cache::process_share(identity, &blocks_hash, touched),
                None => Arc::new(touched),
            });
        }
        self.note = identity.map(|identity| (identity, blocks_hash));
        Ok(())
    }

    /// Reads and checks the file of block checksums.
    fn load_blocks(&self, storage: &dyn Storage, (path, sha256): &(RelPath, String)) -> StorageResult<Blocks> {
        let damaged =
            |reason| StorageError::Damaged { path: path.to_string(), location: self.location.clone(), reason };
        let bytes = match storage.read(path, blocks::size_limit(self.source.size())) {
            Err(StorageError::TooLarge { size, limit, .. }) => {
                return Err(damaged(format!("it has {size} bytes, and its payload cannot have more than {limit}")));
            }
            other => other?,
        };
        let found = hex(&Sha256::digest(&bytes));
        if !found.eq_ignore_ascii_case(sha256) {
            return Err(damaged(format!("it has the SHA-256 {found}, and {sha256} was recorded")));
        }
        Blocks::decode(&bytes, self.source.size()).map_err(damaged)
    }

    /// Reads the whole file and compares it with the hash it is known by, or with every hash that is recorded.
    fn check_whole(&self, expected: &Expected, every: bool, blocks: Option<&Blocks>) -> StorageResult<()> {
        let wanted = Wanted {
            sha256: expected.sha256.is_some(),
            md5: expected.md5.is_some() && (every || expected.sha256.is_none()),
            blocks: false,
            second_thread: true,
        };
        if !wanted.sha256 && !wanted.md5 && blocks.is_none() {
            return Ok(());
        }
        let block_size = blocks.map_or(BLOCK_SIZE as u64, |blocks| blocks.block_size);
        // Both are powers of two: a chunk is a whole number of blocks.
        let chunk_size = BLOCK_SIZE.max(block_size as usize);
        let hashes = hash_all(self.source.as_ref(), wanted, chunk_size, |offset, chunk| {
            let Some(blocks) = blocks else { return Ok(()) };
            chunk
                .chunks(block_size as usize)
                .zip(offset / block_size..)
                .try_for_each(|(block, index)| blocks.check(index, block).map_err(|reason| self.damaged(reason)))
        })
        .map_err(|error| self.copy_error(error))?;
        for (name, wanted, recorded, found) in [
            ("SHA-256", wanted.sha256, &expected.sha256, &hashes.sha256),
            ("MD5", wanted.md5, &expected.md5, &hashes.md5),
        ] {
            if let Some(recorded) = recorded
                && wanted
                && !recorded.eq_ignore_ascii_case(found)
            {
                return Err(self.damaged(format!("it has the {name} {found}, and {recorded} was recorded")));
            }
        }
        if let (Some(identity), Some(hash)) = (self.source.identity().filter(cache::is_settled), expected.hash()) {
            self.remember(&identity, &hash);
        }
        Ok(())
    }

    /// Reads what lies there, unchecked.
    fn read_source(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        let is_inside = offset.checked_add(buffer.len() as u64).is_some_and(|end| end <= self.source.size());
        let read = self.source.read_exact_at(buffer, offset);
        if is_inside { read.map_err(|error| self.copy_error(error)) } else { read }
    }

    /// Reads one block into a buffer of its size, and checks it.
    fn read_block(&self, touched: &Touched, index: u64, buffer: &mut [u8]) -> StorageResult<()> {
        self.read_source(buffer, index * touched.blocks.block_size)?;
        touched.blocks.check(index, buffer).map_err(|reason| self.damaged(reason))?;
        if touched.set_checked(index)
            && let Some((identity, hash)) = &self.note
        {
            self.remember(identity, hash);
        }
        Ok(())
    }

    fn block_range(&self, touched: &Touched, index: u64) -> (u64, u64) {
        let start = index * touched.blocks.block_size;
        (start, (start + touched.blocks.block_size).min(self.source.size()))
    }

    fn remember(&self, identity: &FileIdentity, hash: &str) {
        cache::process_remember(identity, hash);
        self.cache.remember(identity, hash);
    }

    /// Bytes can decay without the file system noticing: whoever reads next must not be told that they were verified.
    fn forget(&self, expected: &Expected) {
        let Some(identity) = self.source.identity() else { return };
        for hash in [expected.hash(), expected.blocks_hash()].into_iter().flatten() {
            cache::process_forget(&identity, &hash);
            self.cache.forget(&identity, &hash);
        }
    }

    /// An error of reading: a copy that cannot be read is as good as damaged, and the payload may be had.
    fn copy_error(&self, error: StorageError) -> StorageError {
        match error {
            StorageError::Io { source, .. } if self.is_copy => match source.kind() {
                io::ErrorKind::UnexpectedEof => self.damaged("it was cut short while it was open".to_owned()),
                _ => self.damaged(format!("it cannot be read: {source}")),
            },
            error => error,
        }
    }

    /// The error for damage. A damaged copy is removed: nothing is lost with it.
    fn damaged(&self, mut reason: String) -> StorageError {
        if let Some(identity) = self.source.identity().filter(|_| self.is_copy) {
            reason += match self.cache.copies().discard(&identity) {
                true => {
                    "; it is the copy in the cache that is damaged: it was removed, and the next try fetches it again"
                }
                false => "; it is the copy in the cache that is damaged, and it could not be removed",
            };
        }
        StorageError::Damaged { path: self.path.to_string(), location: self.location.clone(), reason }
    }
}

impl Source for VerifiedSource {
    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        let end = offset.saturating_add(buffer.len() as u64);
        let unchecked = |touched: &&Arc<Touched>| end <= self.source.size() && !touched.is_complete();
        let Some(touched) = self.touched.as_ref().filter(unchecked) else {
            return self.read_source(buffer, offset);
        };
        if buffer.len() as u64 > touched.blocks.block_size {
            self.source.prefetch(offset, buffer.len() as u64);
        }
        let mut scratch = Vec::new();
        let mut position = offset;
        while position < end {
            let index = position / touched.blocks.block_size;
            let (block_start, block_end) = self.block_range(touched, index);
            let at = (position - offset) as usize;
            if touched.is_checked(index) {
                // As many checked blocks as follow one another are read at once.
                let until = (index + 1..)
                    .map(|next| self.block_range(touched, next).0)
                    .find(|start| *start >= end || !touched.is_checked(start / touched.blocks.block_size))
                    .map_or(end, |start| start.min(end));
                self.read_source(&mut buffer[at..(until - offset) as usize], position)?;
                position = until;
            } else if position == block_start && block_end <= end {
                self.read_block(touched, index, &mut buffer[at..(block_end - offset) as usize])?;
                position = block_end;
            } else {
                scratch.resize((block_end - block_start) as usize, 0);
                self.read_block(touched, index, &mut scratch)?;
                let until = block_end.min(end);
                let wanted = &scratch[(position - block_start) as usize..(until - block_start) as usize];
                buffer[at..(until - offset) as usize].copy_from_slice(wanted);
                position = until;
            }
        }
        Ok(())
    }

    fn prefetch(&self, offset: u64, length: u64) {
        self.source.prefetch(offset, length);
    }

    fn will_read(&self, stretches: &dyn Fn() -> Vec<Range<u64>>) {
        self.source.will_read(stretches);
    }

    fn identity(&self) -> Option<FileIdentity> {
        self.source.identity()
    }

    /// Checks all that has not been checked yet before it gives the file away: what is done with it is out of sight.
    fn try_clone_file(&self) -> Option<io::Result<File>> {
        let file = self.source.try_clone_file()?;
        Some(self.verify_rest().map_err(io::Error::from).and(file))
    }
}

#[cfg(test)]
mod tests;
