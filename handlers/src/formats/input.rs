//! The bytes of a file: opened safely, counted, unpacked.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use datafolio_storage::OutsideSource;

use super::gzip::GzipReader;
use super::options::Progress;
use super::{Compression, bad, zip_member};
use crate::error::{HandlerError, HandlerResult};
use crate::outside_file::open_regular;
use crate::table::SourceFile;

/// How often progress is told, in bytes.
const TOLD_EVERY: u64 = 1 << 20;

/// An open regular file. All passes over it read the same open file, so that a file that is replaced meanwhile does no harm.
#[derive(Debug)]
pub(super) struct TableFile {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) size: u64,
    modified: Option<SystemTime>,
}

impl TableFile {
    /// Opens a file as [`open_regular`] does.
    pub(super) fn open(path: &Path) -> HandlerResult<Self> {
        let (file, opened) = open_regular(path)?;
        Ok(Self { path: path.to_owned(), file, size: opened.len(), modified: opened.modified().ok() })
    }

    /// A handle at the start of the file. Handles share one position: only one may be in use at a time.
    pub(super) fn handle(&self) -> HandlerResult<File> {
        let rewound = || {
            let mut file = self.file.try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        rewound().map_err(|error: io::Error| bad(&self.path, format!("cannot be read: {error}")))
    }

    /// The file for readers that read at any position, several at a time.
    pub(super) fn source(&self) -> HandlerResult<SourceFile> {
        let file = self.file.try_clone().map_err(|error| bad(&self.path, format!("cannot be read: {error}")))?;
        Ok(SourceFile::new(Arc::new(OutsideSource::new(&self.path, file, self.size))))
    }

    /// The file's content, unpacked.
    pub(super) fn content(&self, compression: Compression, meter: Meter) -> HandlerResult<Box<dyn Read + Send>> {
        Ok(match compression {
            Compression::None => Box::new(Counted::new(self.handle()?, meter)),
            Compression::Gzip => {
                Box::new(GzipReader::new(BufReader::with_capacity(128 << 10, Counted::new(self.handle()?, meter))))
            }
            Compression::Zip => Box::new(zip_member::open(self, meter)?),
        })
    }

    /// Fails when somebody wrote to the file since it was opened: the passes over it may then have seen different rows.
    pub(super) fn check_unchanged(&self) -> HandlerResult<()> {
        match self.file.metadata() {
            Ok(now) if now.len() == self.size && now.modified().ok() == self.modified => Ok(()),
            Ok(_) => Err(bad(&self.path, "was changed while it was read: try again")),
            Err(error) => Err(bad(&self.path, format!("cannot be read: {error}"))),
        }
    }

    /// An error met while reading the content.
    pub(super) fn read_error(&self, error: &io::Error, compression: Compression) -> HandlerError {
        bad(
            &self.path,
            match (compression, error.kind()) {
                (Compression::None, _) => format!("cannot be read: {error}"),
                (_, io::ErrorKind::UnexpectedEof) => {
                    "the compressed data ends too early: the file is truncated".to_owned()
                }
                _ => format!("the compressed data is damaged: {error}"),
            },
        )
    }
}

/// Tells how far reading has come.
#[derive(Clone, Default)]
pub(super) struct Meter {
    progress: Option<Progress>,
    /// What earlier passes have read.
    base: u64,
    total: Option<u64>,
}

impl Meter {
    /// For one of several passes over a file of this size.
    pub(super) fn new(progress: Option<&Progress>, size: u64, pass: u64, passes: u64) -> Self {
        Self { progress: progress.cloned(), base: size.saturating_mul(pass), total: Some(size.saturating_mul(passes)) }
    }

    /// Tells nobody.
    pub(super) fn silent() -> Self {
        Self::default()
    }

    /// This pass has read so many bytes.
    pub(super) fn tell(&self, read: u64) {
        if let Some(progress) = &self.progress {
            progress(self.base.saturating_add(read), self.total);
        }
    }
}

/// Counts what passes.
pub(super) struct Counted<R> {
    inner: R,
    meter: Meter,
    read: u64,
    told: u64,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R, meter: Meter) -> Self {
        Self { inner, meter, read: 0, told: 0 }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read += count as u64;
        if self.read - self.told >= TOLD_EVERY || (count == 0 && self.read != self.told) {
            self.told = self.read;
            self.meter.tell(self.read);
        }
        Ok(count)
    }
}
