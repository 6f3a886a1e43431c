//! Where a table lies: the few things that reading it needs from a file system or a store.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

use crate::error::{DeltaError, DeltaResult};

/// Directories within each other that are listed: a log has two or three, and links can lead on and on.
const DEEPEST: usize = 32;

/// A file as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path below the table, with `/`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, in milliseconds since 1970.
    pub modified: i64,
}

/// The directory of a table. All paths are below it, with `/`; nothing is ever written.
pub trait Place: fmt::Debug + Send + Sync {
    /// All files in a directory and below it, in any order; none where the directory is not there.
    ///
    /// # Errors
    /// What the file system says. A [`DeltaError`] within it is told as it is.
    fn list(&self, directory: &str) -> io::Result<Vec<Listed>>;

    /// Opens a file, which has this size as far as is known.
    ///
    /// # Errors
    /// What the file system says; [`io::ErrorKind::NotFound`] where the file is not there.
    fn open(&self, path: &str, size: Option<u64>) -> io::Result<Box<dyn OpenFile>>;

    /// Whether anything is there at all.
    ///
    /// # Errors
    /// What the file system says.
    fn is_there(&self) -> io::Result<bool>;
}

/// A file of a table.
pub trait OpenFile: Send + Sync {
    /// How many bytes it has.
    fn size(&self) -> u64;

    /// Reads bytes from the middle of it.
    ///
    /// # Errors
    /// What the file system says; that the file is shorter.
    fn read(&self, start: u64, length: usize) -> io::Result<Bytes>;

    /// Says which stretches of it will be read, each from its front to its end: where reading is a request, it may be made before.
    fn will_read(&self, stretches: &[Range<u64>]) {
        let _ = stretches;
    }
}

/// A table on this machine.
#[derive(Debug, Clone)]
pub struct LocalPlace {
    root: PathBuf,
}

impl LocalPlace {
    /// The table in a directory.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// `above` are the directories that lead to this one, itself last, without links in their paths.
    fn list_into(
        &self,
        directory: &Path,
        prefix: &str,
        above: &mut Vec<PathBuf>,
        found: &mut Vec<Listed>,
    ) -> io::Result<()> {
        if above.len() > DEEPEST + 1 {
            return Err(io::Error::other(DeltaError::TooDeep { directory: prefix.to_owned(), most: DEEPEST }));
        }
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            // A name that is no text is none of the log's.
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            let facts = match fs::metadata(entry.path()) {
                Ok(facts) => facts,
                // It went while we were looking.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if facts.is_dir() {
                let real = match (entry.file_type()?.is_symlink(), above.last()) {
                    (false, Some(here)) => Ok(here.join(&name)),
                    _ => fs::canonicalize(entry.path()),
                };
                let real = match real {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    real => real?,
                };
                // What leads to here is below it, and would come again and again.
                if above.iter().any(|above| above.starts_with(&real)) {
                    return Err(io::Error::other(DeltaError::LinkLoop { link: path }));
                }
                above.push(real);
                match self.list_into(&entry.path(), &path, above, found) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    listed => listed?,
                }
                above.pop();
            } else if facts.is_file() {
                let modified = facts.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                let modified = modified.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default();
                found.push(Listed { path, size: facts.len(), modified });
            }
        }
        Ok(())
    }
}

impl Place for LocalPlace {
    fn list(&self, directory: &str) -> io::Result<Vec<Listed>> {
        let mut found = Vec::new();
        let here = self.root.join(directory);
        let listed = fs::canonicalize(&here)
            .and_then(|real| self.list_into(&here, directory.trim_end_matches('/'), &mut vec![real], &mut found));
        match listed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(found),
            other => other.map(|()| found),
        }
    }

    fn open(&self, path: &str, _size: Option<u64>) -> io::Result<Box<dyn OpenFile>> {
        let path = self.root.join(path);
        // A pipe would keep whoever opens it waiting.
        if !fs::metadata(&path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Box::new(LocalFile { file: Mutex::new(file), size }))
    }

    fn is_there(&self) -> io::Result<bool> {
        self.root.try_exists()
    }
}

struct LocalFile {
    /// One reader at a time has its position.
    file: Mutex<File>,
    size: u64,
}

impl OpenFile for LocalFile {
    fn size(&self) -> u64 {
        self.size
    }

    fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        // A damaged footer may name any length: memory is only taken for bytes that are there.
        if start.checked_add(length as u64).is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; length];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// An open file of a table, with its name for messages; clones share it.
#[derive(Clone)]
pub(crate) struct TableFile {
    pub(crate) name: String,
    file: Arc<dyn OpenFile>,
    /// Whether a read has found that it is not there: where opening asks nothing, only that tells.
    is_gone: Arc<AtomicBool>,
}

impl fmt::Debug for TableFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableFile").field("name", &self.name).finish_non_exhaustive()
    }
}

impl TableFile {
    pub(crate) fn open(place: &dyn Place, path: &str, size: Option<u64>) -> DeltaResult<Self> {
        let file = place.open(path, size).map_err(|error| DeltaError::io(path, &error))?;
        Ok(Self { name: path.to_owned(), file: Arc::from(file), is_gone: Arc::default() })
    }

    pub(crate) fn size(&self) -> u64 {
        self.file.size()
    }

    pub(crate) fn read(&self, start: u64, length: usize) -> DeltaResult<Bytes> {
        self.bytes(start, length).map_err(|error| DeltaError::io(&self.name, &error))
    }

    fn bytes(&self, start: u64, length: usize) -> io::Result<Bytes> {
        self.file.read(start, length).inspect_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                self.is_gone.store(true, Ordering::Relaxed);
            }
        })
    }

    /// What decoding it has failed with: that it is gone, or else that it is damaged in this way.
    pub(crate) fn fails(&self, reason: String) -> DeltaError {
        match self.is_gone.load(Ordering::Relaxed) {
            true => DeltaError::FileGone { version: 0, file: self.name.clone() },
            false => DeltaError::damaged(&self.name, reason),
        }
    }

    pub(crate) fn will_read(&self, stretches: &[Range<u64>]) {
        self.file.will_read(stretches);
    }

    pub(crate) fn read_all(&self) -> DeltaResult<Bytes> {
        let length = usize::try_from(self.size()).map_err(|_| DeltaError::damaged(&self.name, "it is too long"))?;
        self.read(0, length)
    }
}

impl Length for TableFile {
    fn len(&self) -> u64 {
        self.size()
    }
}

impl ChunkReader for TableFile {
    type T = FromHere;

    fn get_read(&self, start: u64) -> Result<FromHere, ParquetError> {
        Ok(FromHere { file: self.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.bytes(start, length).map_err(ParquetError::from)
    }
}

/// Reads a file from a place in it on.
pub(crate) struct FromHere {
    file: TableFile,
    at: u64,
}

impl Read for FromHere {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.file.size().saturating_sub(self.at);
        let length = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let bytes = self.file.bytes(self.at, length)?;
        buffer[..length].copy_from_slice(&bytes);
        self.at += length as u64;
        Ok(length)
    }
}

/// The address that the kernel knows the table by. What is below it is found by the rest of the path; the place itself knows
/// where that is.
pub(crate) const ROOT: &str = "table:///t/";

/// The path below the table that an address of the kernel stands for.
pub(crate) fn below_root(url: &Url) -> DeltaResult<String> {
    let decoded = url.as_str().strip_prefix(ROOT).map(percent_decoded);
    let path = decoded.flatten().filter(|path| !path.split('/').any(|part| part == ".."));
    path.ok_or_else(|| DeltaError::Unsupported(format!("a file outside of the table's directory, {url}")))
}

/// The address of a path below the table.
pub(crate) fn url_of(path: &str) -> DeltaResult<Url> {
    let mut url = root();
    url.set_path(&format!("/t/{}", path.replace('%', "%25")));
    match below_root(&url) {
        Ok(back) if back == path => Ok(url),
        _ => Err(DeltaError::damaged(path, "its name cannot be told")),
    }
}

/// The address of the table.
#[expect(clippy::expect_used, reason = "a constant that is an address")]
pub(crate) fn root() -> Url {
    Url::parse(ROOT).expect("is an address")
}

/// Text in which `%20` stands for a space, and so on; `None` where it is no text.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        if let (b'%', [high, low, behind @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (hex(high), hex(low))
        {
            bytes.push(high << 4 | low);
            rest = behind;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}
