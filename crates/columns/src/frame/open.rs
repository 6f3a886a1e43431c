//! Frames of files.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Frame;
use crate::error::{ColumnsError, ColumnsResult};
use crate::hdf5::{Hdf5Options, Hdf5Table};
use crate::source::{ConcatSource, Hdf5Source, IpcSource, NpySource, ParquetSource, Source};
use crate::store::Store;

/// How files are opened as a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// Whether files are mapped, so that values are shared with the system's cache of them. Where files may be cut while they are
    /// open, or lie on a network, reading in pieces is slower and safer: cutting a mapped file under a pass ends the process.
    pub mapped: bool,
    /// The group of an HDF5 file that holds the table; none for where Vaex looks.
    pub group: Option<String>,
    /// Whether several files must have the same columns of the same types. Otherwise what a file lacks is missing in its rows, and
    /// types are widened.
    pub strict: bool,
    /// What names the content of the file, where the caller knows: the hash of its bytes, say. Of one file only.
    pub content: Option<String>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { mapped: true, group: None, strict: false, content: None }
    }
}

/// Which files to open: a path, a pattern with `*`, `?` or `[...]`, or several of them, whose rows come one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths(Vec<PathBuf>);

macro_rules! paths {
    ($($one:ty)*) => {$(
        impl From<$one> for Paths {
            fn from(path: $one) -> Self {
                Self(vec![path.into()])
            }
        }
    )*};
}
paths!(&str String &Path PathBuf &PathBuf &String);

impl<T: Into<PathBuf>> From<Vec<T>> for Paths {
    fn from(paths: Vec<T>) -> Self {
        Self(paths.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<PathBuf> + Clone> From<&[T]> for Paths {
    fn from(paths: &[T]) -> Self {
        Self(paths.iter().cloned().map(Into::into).collect())
    }
}

impl Paths {
    /// The files: patterns give theirs in the order of their names.
    fn files(self) -> ColumnsResult<Vec<PathBuf>> {
        let mut files = Vec::new();
        for path in self.0 {
            let text = path.to_str().filter(|text| text.contains(['*', '?', '[']));
            // A file may have such a name.
            let Some(pattern) = text.filter(|_| !path.exists()) else {
                files.push(path);
                continue;
            };
            let found = glob::glob(pattern)
                .map_err(|error| ColumnsError::option(format!("'{pattern}' is no pattern of file names: {error}")))?;
            let before = files.len();
            for file in found {
                files.push(file.map_err(|error| {
                    let path = error.path().to_owned();
                    ColumnsError::Io { action: "look for files in", path, source: error.into() }
                })?);
            }
            if files.len() == before {
                return Err(ColumnsError::option(format!("no file is named like '{pattern}'")));
            }
        }
        match files.is_empty() {
            true => Err(ColumnsError::option("no file is named to be opened")),
            false => Ok(files),
        }
    }
}

impl Frame {
    /// Opens a file, or the files that a pattern names: Arrow IPC files and streams, Feather, HDF5, Parquet, `.npy`. Only headers
    /// are read.
    ///
    /// # Errors
    /// Where a file cannot be read, or the columns of several do not go together.
    pub fn open(paths: impl Into<Paths>) -> ColumnsResult<Self> {
        Self::open_with(paths, &OpenOptions::default())
    }

    /// Opens files with options.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_with(paths: impl Into<Paths>, options: &OpenOptions) -> ColumnsResult<Self> {
        let files = paths.into().files()?;
        match files.as_slice() {
            [file] => Ok(Self::new(open_file(file, options)?)),
            files if options.content.is_some() => Err(ColumnsError::option(format!(
                "`content` names the content of one file, and there are {}",
                files.len()
            ))),
            files => Ok(Self::new(Arc::new(ConcatSource::new(open_files(files, options)?, options.strict)?))),
        }
    }
}

/// The place of a file in the list, and what opening it came to.
type Opened = (usize, ColumnsResult<Arc<dyn Source>>);

/// Opens several files at once: each takes some waiting for the file system.
fn open_files(files: &[PathBuf], options: &OpenOptions) -> ColumnsResult<Vec<Arc<dyn Source>>> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).saturating_mul(2);
    let next = AtomicUsize::new(0);
    let opened: Mutex<Vec<Opened>> = Mutex::default();
    let work = || {
        while let Some((at, file)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, files.get(at)?)))
        {
            let source = open_file(file, options);
            let failed = source.is_err();
            opened.lock().unwrap_or_else(PoisonError::into_inner).push((at, source));
            if failed {
                next.store(files.len(), Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(files.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut opened = opened.into_inner().unwrap_or_else(PoisonError::into_inner);
    opened.sort_by_key(|(at, _)| *at);
    opened.into_iter().map(|(_, source)| source).collect()
}

/// Opens a file as what its first bytes, or else its name, say that it is.
pub(crate) fn open_file(path: &Path, options: &OpenOptions) -> ColumnsResult<Arc<dyn Source>> {
    let content = options.content.clone();
    Ok(match format_of(path)? {
        Format::Ipc => Arc::new(IpcSource::open(path, options.mapped, content)?),
        Format::Parquet => Arc::new(ParquetSource::open(path, options.mapped, content)?),
        Format::Npy => Arc::new(NpySource::open(path, options.mapped, content)?),
        Format::Hdf5 => {
            let hdf5 = Hdf5Options { group: options.group.clone(), mapped: options.mapped };
            Arc::new(Hdf5Source::new(Hdf5Table::open(path, &hdf5)?, content))
        }
    })
}

enum Format {
    Ipc,
    Parquet,
    Npy,
    Hdf5,
}

fn format_of(path: &Path) -> ColumnsResult<Format> {
    let store = Store::open(path, false)?;
    let head = store.bytes(0, store.length().min(8))?;
    let head = head.as_slice();
    if head.starts_with(b"ARROW1") || head.starts_with(b"FEA1") || head.starts_with(&[0xFF; 4]) {
        return Ok(Format::Ipc);
    }
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if head.starts_with(b"\x93NUMPY") {
        return Ok(Format::Npy);
    }
    if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Ok(Format::Hdf5);
    }
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    match ending.as_str() {
        // Streams of before Arrow 0.15 begin with a length; HDF5 files may begin with a block of the user's.
        "arrow" | "arrows" | "feather" | "ipc" => Ok(Format::Ipc),
        "hdf5" | "h5" | "hdf" => Ok(Format::Hdf5),
        "parquet" | "pq" => Ok(Format::Parquet),
        "npy" => Ok(Format::Npy),
        "csv" | "tsv" | "json" | "jsonl" | "ndjson" => Err(ColumnsError::unsupported(
            path,
            format!(
                "is text ({ending}), which is not computed with in place; convert it to Arrow, HDF5 or Parquet first"
            ),
        )),
        _ => Err(ColumnsError::unsupported(
            path,
            "is of no format that can be opened: Arrow IPC, HDF5, Parquet and .npy can",
        )),
    }
}
