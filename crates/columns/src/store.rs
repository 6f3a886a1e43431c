//! The bytes of an open file, mapped or read on demand, and never beyond its end.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::buffer::{Buffer, MutableBuffer};
use bytes::Bytes;
use memmap2::Mmap;

use crate::error::{ColumnsError, ColumnsResult};

/// Asked before a stretch of a file (where it begins, and its length) is used for the first time and ever after: whether it is as it was
/// recorded.
pub type Guard = Arc<dyn Fn(u64, u64) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + Send + Sync>;

/// An open file of a known length.
pub(crate) struct Store {
    path: PathBuf,
    file: Arc<File>,
    length: u64,
    /// The whole file, unless it is to be read in pieces.
    map: Option<Bytes>,
    guard: Option<Guard>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mapped = self.map.is_some();
        f.debug_struct("Store")
            .field("path", &self.path)
            .field("length", &self.length)
            .field("mapped", &mapped)
            .finish()
    }
}

impl Store {
    /// Opens `path`, and maps it if `mapped`.
    pub(crate) fn open(path: &Path, mapped: bool) -> ColumnsResult<Self> {
        let file = File::open(path).map_err(|source| ColumnsError::io("open", path, source))?;
        Self::of_file(file, path, mapped, None)
    }

    /// A file that is open already. Errors call it by `path`.
    pub(crate) fn of_file(file: File, path: &Path, mapped: bool, guard: Option<Guard>) -> ColumnsResult<Self> {
        let metadata = file.metadata().map_err(|source| ColumnsError::io("read", path, source))?;
        if !metadata.is_file() {
            return Err(ColumnsError::unsupported(path, "is no file, and columns are read from files alone"));
        }
        let length = metadata.len();
        let map = match mapped && length > 0 {
            true => Some(map(&file).map_err(|source| ColumnsError::io("map", path, source))?),
            false => None,
        };
        // Between the two questions the file may have been cut; what is mapped is what there is.
        let length = map.as_ref().map_or(length, |map| length.min(map.len() as u64));
        Ok(Self { path: path.to_owned(), file: Arc::new(file), length, map, guard })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file when it was opened.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// A handle for reads at positions.
    pub(crate) fn file(&self) -> Arc<File> {
        self.file.clone()
    }

    /// Refuses a file that is shorter than it was: touching what is mapped beyond its end would end the process.
    pub(crate) fn check_length(&self) -> ColumnsResult<()> {
        let now = self.file.metadata().map_err(|source| ColumnsError::io("read", &self.path, source))?.len();
        match now < self.length {
            true => Err(self.shortened(now)),
            false => Ok(()),
        }
    }

    /// `length` bytes from `offset` on: of the mapping where there is one, else a copy.
    pub(crate) fn bytes(&self, offset: u64, length: u64) -> ColumnsResult<Buffer> {
        let (end, size) = self.within(offset, length)?;
        if size == 0 {
            return Ok(Buffer::from_vec(Vec::<u8>::new()));
        }
        if let Some(map) = &self.map {
            // The map is as long as `self.length` or longer, so both fit.
            return Ok(Buffer::from(map.slice(offset as usize..end as usize)));
        }
        let mut copy = MutableBuffer::from_len_zeroed(size);
        self.fill(offset, copy.as_slice_mut())?;
        Ok(copy.into())
    }

    /// `length` bytes of the mapping, of which the guard was asked for those that are used. None where there is no mapping, or where it ends
    /// before them.
    pub(crate) fn mapped(&self, offset: u64, length: u64) -> Option<Buffer> {
        let (map, end) = (self.map.as_ref()?, offset.checked_add(length)?);
        (end <= self.length).then(|| Buffer::from(map.slice(offset as usize..end as usize)))
    }

    /// The same bytes for readers that know nothing of Arrow.
    pub(crate) fn shared(&self, offset: u64, length: u64) -> ColumnsResult<Bytes> {
        let (end, size) = self.within(offset, length)?;
        if size == 0 {
            return Ok(Bytes::new());
        }
        if let Some(map) = &self.map {
            return Ok(map.slice(offset as usize..end as usize));
        }
        let mut copy = vec![0; size];
        self.fill(offset, &mut copy)?;
        Ok(copy.into())
    }

    /// Where a stretch ends, and how long it is, if it lies within the file and is as it was recorded.
    fn within(&self, offset: u64, length: u64) -> ColumnsResult<(u64, usize)> {
        if length == 0 {
            return Ok((offset.min(self.length), 0));
        }
        let end = offset.checked_add(length).filter(|end| *end <= self.length);
        match (end, usize::try_from(length)) {
            (Some(end), Ok(size)) => {
                if let Some(guard) = &self.guard {
                    guard(offset, length).map_err(ColumnsError::Source)?;
                }
                Ok((end, size))
            }
            _ => Err(ColumnsError::damaged(
                &self.path,
                format!("points to {length} bytes at {offset}, and has but {} bytes", self.length),
            )),
        }
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) -> ColumnsResult<()> {
        match read_at(&self.file, offset, buffer) {
            Ok(()) => Ok(()),
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.shortened(offset.saturating_add(buffer.len() as u64)))
            }
            Err(source) => Err(ColumnsError::io("read", &self.path, source)),
        }
    }

    /// A text that another file, or a later state of this one, does not have; none where the system does not tell times.
    pub(crate) fn identity(&self) -> Option<String> {
        let now = self.file.metadata().ok()?;
        let time = now.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?.as_nanos();
        let path = std::path::absolute(&self.path).ok()?;
        Some(format!("{} {} {time} {}", path.display(), now.len(), inode(&now)))
    }

    /// Whether bytes are those of a mapping.
    pub(crate) fn is_mapped(&self) -> bool {
        self.map.is_some()
    }

    fn shortened(&self, now: u64) -> ColumnsError {
        let reason = format!(
            "was cut while it was open: it had {} bytes, and now ends before {}. Write to another name and rename instead",
            self.length,
            now.saturating_add(1)
        );
        ColumnsError::damaged(&self.path, reason)
    }
}

#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Elsewhere path, length and time must do.
#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

/// The whole of `file`.
#[allow(unsafe_code)]
fn map(file: &File) -> io::Result<Bytes> {
    // SAFETY: the mapping is read-only and private to this process. Another process may still write to the file or cut
    // it: written bytes are seen as they come, and nothing here relies on two reads giving the same (texts are validated
    // where they are handed out, and offsets are copied or checked in the same pass). Cutting is looked for before every
    // read; that it is not done at the very moment is what all readers of mapped files ask of their users.
    let map = unsafe { Mmap::map(file)? };
    Ok(Bytes::from_owner(map))
}

/// Fills `buffer` from `offset` on.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

/// Fills `buffer` from `offset` on.
#[cfg(windows)]
pub(crate) fn read_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        let count = match std::os::windows::fs::FileExt::seek_read(file, buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        buffer = &mut buffer[count..];
        offset += count as u64;
    }
    Ok(())
}
