//! Filling a dataset from its beginning to its end, by positioned writes.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::{ColumnsError, ColumnsResult};

use super::faults;
use super::group::Region;

/// How much is gathered before it is written.
const GATHERED: usize = 256 * 1024;

/// The file that is filled, by several threads at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sink<'a> {
    pub(super) file: &'a File,
    /// The file that this will be, for messages.
    pub(super) path: &'a Path,
    /// The column that is written, for messages.
    pub(super) column: &'a str,
    /// Where the data begin.
    pub(super) origin: u64,
}

/// A dataset that is being filled.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    sink: Sink<'a>,
    region: Region,
    written: u64,
    gathered: Vec<u8>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(sink: Sink<'a>, region: Region) -> Self {
        Self { sink, region, written: 0, gathered: Vec::new() }
    }

    /// Adds bytes. What does not fit the dataset is refused before any of it is written: the next dataset is behind it.
    pub(super) fn write(&mut self, bytes: &[u8]) -> ColumnsResult<()> {
        if bytes.len() as u64 > self.region.length - self.written - self.gathered.len() as u64 {
            return Err(faults::column_changed(self.sink, "has become longer since layout"));
        }
        if self.gathered.len() + bytes.len() > GATHERED {
            self.flush()?;
        }
        if bytes.len() >= GATHERED {
            return self.put(bytes);
        }
        self.gathered.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> ColumnsResult<()> {
        let mut gathered = std::mem::take(&mut self.gathered);
        self.put(&gathered)?;
        gathered.clear();
        self.gathered = gathered;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> ColumnsResult<()> {
        let at = self.sink.origin + self.region.start + self.written;
        write_at(self.sink.file, bytes, at).map_err(|source| ColumnsError::io("write", self.sink.path, source))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Writes what is left, and sees to it that the dataset is full.
    pub(super) fn finish(mut self) -> ColumnsResult<()> {
        self.flush()?;
        if self.written != self.region.length {
            return Err(faults::column_changed(self.sink, "has become shorter since layout"));
        }
        Ok(())
    }
}

/// A bitmap that is being filled, the lowest bit of a byte first.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    stream: Stream<'a>,
    byte: u8,
    count: u8,
}

impl<'a> Bits<'a> {
    pub(super) fn new(sink: Sink<'a>, region: Region) -> Self {
        Self { stream: Stream::new(sink, region), byte: 0, count: 0 }
    }

    pub(super) fn push(&mut self, bit: bool) -> ColumnsResult<()> {
        self.byte |= u8::from(bit) << self.count;
        self.count += 1;
        if self.count == 8 {
            self.stream.write(&[self.byte])?;
            (self.byte, self.count) = (0, 0);
        }
        Ok(())
    }

    pub(super) fn extend(&mut self, mut bits: impl Iterator<Item = bool>) -> ColumnsResult<()> {
        bits.try_for_each(|bit| self.push(bit))
    }

    pub(super) fn finish(mut self) -> ColumnsResult<()> {
        if self.count > 0 {
            self.stream.write(&[self.byte])?;
        }
        self.stream.finish()
    }
}

/// Writes all of the bytes at a place of the file.
#[cfg(unix)]
pub(super) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

/// Writes all of the bytes at a place of the file.
#[cfg(windows)]
pub(super) fn write_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
        at += written as u64;
    }
    Ok(())
}

/// Writes all of the bytes at a place of the file.
#[cfg(not(any(unix, windows)))]
pub(super) fn write_at(mut file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    // There is one cursor.
    static CURSOR: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _cursor = CURSOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}
