//! Reading a [`Source`] from front to back, or as a seekable stream.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use crate::error::StorageResult;
use crate::hash::{CHUNK, Wanted, hash_all};
use crate::storage::Source;

/// A [`Source`] as [`Read`] and [`Seek`]. Each read goes to the source: wrap it in a [`std::io::BufReader`] for small ones.
///
/// A [`StorageError`](crate::StorageError) arrives inside the [`io::Error`];
/// [`StorageError::from_io`](crate::StorageError::from_io) takes it out again.
#[derive(Debug, Clone)]
pub struct SourceReader {
    source: Arc<dyn Source>,
    position: u64,
}

impl SourceReader {
    /// Starts at the front.
    pub fn new(source: Arc<dyn Source>) -> Self {
        source.will_read(&|| vec![Range { start: 0, end: source.size() }]);
        Self { source, position: 0 }
    }

    /// What is read.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }
}

impl Read for SourceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.size().saturating_sub(self.position);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if length == 0 {
            return Ok(0);
        }
        self.source.read_exact_at(&mut buffer[..length], self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for SourceReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.source.size().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        // Beyond the end is allowed, as with files; before the front is not.
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// SHA-256 and MD5 of a whole source, lower-case hex.
///
/// # Errors
/// When it cannot be read.
pub fn hash_source(source: &dyn Source) -> StorageResult<(String, String)> {
    let wanted = Wanted { sha256: true, md5: true, blocks: false, second_thread: true };
    let hashes = hash_all(source, wanted, CHUNK, |_, _| Ok(()))?;
    Ok((hashes.sha256, hashes.md5))
}
