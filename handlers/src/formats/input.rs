//! The bytes of a file: opened safely, counted, unpacked.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use datafolio_storage::{Source, SourceReader};

use super::file_place::{FilePlace, Opened};
use super::gzip::GzipReader;
use super::kept_failure::KeptFailure;
use super::options::Progress;
use super::{Compression, bad, zip_member};
use crate::error::{HandlerError, HandlerResult};
use crate::file_state::FileState;
use crate::table::SourceFile;

/// How often progress is told, in bytes.
const TOLD_EVERY: u64 = 1 << 20;

/// An open file. All passes over it read the same one, so that a file that is replaced meanwhile does no harm.
#[derive(Debug)]
pub(super) struct TableFile {
    /// Its path, or its address.
    pub(super) path: PathBuf,
    pub(super) size: u64,
    source: Arc<dyn Source>,
    kept: Kept,
    /// Its state when it was opened; `None` where it cannot be told from others.
    pub(super) state: Option<FileState>,
}

/// What tells whether all that was read is of one state of the file.
#[derive(Debug)]
enum Kept {
    /// A file of this machine, and when it was last written.
    Here(File, Option<SystemTime>),
    /// A store gives no other object than the first that was read: what goes wrong then is an error of reading.
    OnStore(Arc<KeptFailure>),
}

impl TableFile {
    /// Opens a file, as [`FilePlace::open`] does.
    pub(super) fn open(place: &FilePlace) -> HandlerResult<Self> {
        let Opened { source, file, modified, state } = place.open()?;
        let (path, size) = (place.path().to_owned(), source.size());
        Ok(match file {
            Some(file) => Self { path, size, source, kept: Kept::Here(file, modified), state },
            None => {
                let source = Arc::new(KeptFailure::new(source));
                Self { path, size, source: source.clone(), kept: Kept::OnStore(source), state }
            }
        })
    }

    /// A reader at the start of the file, with a position of its own.
    pub(super) fn handle(&self) -> SourceReader {
        SourceReader::new(Arc::clone(&self.source))
    }

    /// The file for readers that read at any position, several at a time.
    pub(super) fn source(&self) -> SourceFile {
        SourceFile::new(Arc::clone(&self.source))
    }

    /// Bytes from the middle of the file, fewer at its end.
    pub(super) fn bytes_at(&self, start: u64, length: u64) -> HandlerResult<Vec<u8>> {
        let length = length.min(self.size.saturating_sub(start));
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        match self.source.read_exact_at(&mut bytes, start) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(self.cause_of(bad(&self.path, format!("cannot be read: {error}")))),
        }
    }

    /// Whether the file is one of this machine.
    pub(super) fn is_here(&self) -> bool {
        matches!(self.kept, Kept::Here(..))
    }

    /// The file's content, unpacked.
    pub(super) fn content(&self, compression: Compression, meter: Meter) -> HandlerResult<Box<dyn Read + Send>> {
        Ok(match compression {
            Compression::None => Box::new(Counted::new(self.handle(), meter)),
            Compression::Gzip => {
                Box::new(GzipReader::new(BufReader::with_capacity(128 << 10, Counted::new(self.handle(), meter))))
            }
            Compression::Zip => Box::new(zip_member::open(self, meter)?),
        })
    }

    /// Fails when somebody wrote to the file since it was opened: the passes over it may then have seen different rows. Of a store,
    /// when it did not give what it was asked for.
    pub(super) fn check_unchanged(&self) -> HandlerResult<()> {
        match &self.kept {
            Kept::OnStore(source) => source.take().map_or(Ok(()), |error| Err(error.into())),
            Kept::Here(file, modified) => match file.metadata() {
                Ok(now) if now.len() == self.size && now.modified().ok() == *modified => Ok(()),
                Ok(_) => Err(bad(&self.path, "was changed while it was read: try again")),
                Err(error) => Err(bad(&self.path, format!("cannot be read: {error}"))),
            },
        }
    }

    /// What a decoder complains of may come of a change, or of a store that does not answer: then that is told.
    pub(super) fn cause_of(&self, error: HandlerError) -> HandlerError {
        self.check_unchanged().err().unwrap_or(error)
    }

    /// An error met while reading the content.
    pub(super) fn read_error(&self, error: &io::Error, compression: Compression) -> HandlerError {
        // A file that was cut meanwhile ends too early for another reason than a truncated one.
        self.cause_of(bad(
            &self.path,
            match (compression, error.kind()) {
                (Compression::None, _) => format!("cannot be read: {error}"),
                (_, io::ErrorKind::UnexpectedEof) => {
                    "the compressed data ends too early: the file is truncated".to_owned()
                }
                _ => format!("the compressed data is damaged: {error}"),
            },
        ))
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
