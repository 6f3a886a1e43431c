//! Reading table files through a [`Source`], for the Parquet reader and for readers that seek.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafolio_storage::{Source, StorageError};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::footers::Footer;
use super::spare::Spare;
use crate::first_failure::FirstFailure;

/// A file that a table is read from.
///
/// Arrow and Parquet turn the errors of their input into text. The first error of the source is kept here as it was, so
/// that whoever reads the table learns that the *payload* was damaged or missing, and where.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    source: Arc<dyn Source>,
    failure: Arc<FirstFailure>,
    footer: Option<Footer>,
    /// What it is called among the files of its table.
    part: Option<Arc<str>>,
}

impl SourceFile {
    pub(crate) fn new(source: Arc<dyn Source>) -> Self {
        Self { source, failure: Arc::default(), footer: None, part: None }
    }

    /// With the place where its footer is kept, if it is.
    pub(crate) fn with_footer(self, footer: Option<Footer>) -> Self {
        Self { footer, ..self }
    }

    /// One of several files that are read as one, by its name, where the first error of all of them is kept with that of `first`.
    pub(super) fn among(self, name: &str, first: Option<&Self>) -> Self {
        let failure = first.map_or(self.failure, |first| Arc::clone(&first.failure));
        Self { part: Some(name.into()), failure, ..self }
    }

    /// What errors call it: nothing where it is the only one.
    pub(super) fn part(&self) -> Option<&str> {
        self.part.as_deref()
    }

    pub(super) fn footer(&self) -> Option<&Footer> {
        self.footer.as_ref()
    }

    /// The first error that the source had, once.
    pub(crate) fn take_failure(&self) -> Option<StorageError> {
        self.failure.take()
    }

    /// Reads bytes to where they are wanted.
    ///
    /// # Errors
    /// Those of the source, as text: the error itself is kept.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.source.read_exact_at(buffer, offset).map_err(|error| self.failure.keep(error))
    }

    /// Says which stretches will be read.
    pub(crate) fn will_read(&self, stretches: &dyn Fn() -> Vec<Range<u64>>) {
        self.source.will_read(stretches);
    }

    /// A reader with a position of its own.
    pub(crate) fn cursor(&self, position: u64) -> Cursor {
        Cursor { file: self.clone(), position }
    }
}

impl Length for SourceFile {
    fn len(&self) -> u64 {
        self.source.size()
    }
}

impl ChunkReader for SourceFile {
    type T = BufReader<Cursor>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(self.cursor(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // Checked before anything is allocated: a damaged footer can ask for any length.
        let end = start.checked_add(length as u64).filter(|end| *end <= self.source.size());
        if end.is_none() {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} lie behind the end of the file")));
        }
        Ok(Spare::for_pages().filled(length, |buffer| self.read_at(buffer, start))?)
    }
}

/// Reads a [`SourceFile`] from a position.
#[derive(Debug)]
pub(crate) struct Cursor {
    file: SourceFile,
    position: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.file.source.size().saturating_sub(self.position);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        if length > 0 {
            self.file.read_at(&mut buffer[..length], self.position)?;
            self.position += length as u64;
        }
        Ok(length)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(distance) => self.file.source.size().checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
