//! How far a push or a pull is, and stopping it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use datafolio_columns::ColumnsError;
use datafolio_storage::{FileIdentity, Source, StorageError, StorageResult};

use crate::error::{Error, Result};

/// Watches a push or a pull, and stops it. It is made before, and given to it as [`TransferOptions::control`](super::TransferOptions::control).
#[derive(Debug, Clone, Default)]
pub struct TransferControl {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_cancelled: AtomicBool,
    /// Whether it is known what goes over.
    has_begun: AtomicBool,
    total: AtomicU64,
    done: AtomicU64,
}

impl TransferControl {
    /// For a push or pull to come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops it, unless the other bundle has its new state already: it ends with an error of the code `cancelled`. Of a whole bundle, what went
    /// over is not sent again by the next one.
    pub fn cancel(&self) {
        self.shared.is_cancelled.store(true, Ordering::SeqCst);
    }

    /// How much of what goes over has, from 0 to 1; nothing before it is known what that is. What others commit meanwhile may bring
    /// it back.
    pub fn progress(&self) -> Option<f64> {
        let (total, done) = (self.shared.total.load(Ordering::Relaxed), self.bytes());
        let fraction = if total == 0 { 1.0 } else { (done as f64 / total as f64).min(1.0) };
        self.shared.has_begun.load(Ordering::Acquire).then_some(fraction)
    }

    /// How many bytes have gone over.
    pub fn bytes(&self) -> u64 {
        self.shared.done.load(Ordering::Relaxed)
    }

    /// So many bytes are to go over, and none has.
    pub(super) fn begin(&self, total: u64) {
        self.shared.done.store(0, Ordering::Relaxed);
        self.shared.total.store(total, Ordering::Relaxed);
        self.shared.has_begun.store(true, Ordering::Release);
    }

    fn is_cancelled(&self) -> bool {
        self.shared.is_cancelled.load(Ordering::SeqCst)
    }

    /// # Errors
    /// When it was stopped.
    pub(super) fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(ColumnsError::Cancelled.into()) } else { Ok(()) }
    }

    /// Why something failed: because it was stopped, where it was.
    pub(super) fn why(&self, error: Error) -> Error {
        self.check().err().unwrap_or(error)
    }

    /// A file of which is counted what is read, and of which nothing more is once it is stopped.
    pub(crate) fn counted<'a>(&'a self, source: &'a dyn Source) -> Counted<'a> {
        Counted { source, control: self }
    }
}

/// A file that goes over.
#[derive(Debug)]
pub(crate) struct Counted<'a> {
    source: &'a dyn Source,
    control: &'a TransferControl,
}

impl Source for Counted<'_> {
    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        if self.control.is_cancelled() {
            let stopped = io::Error::other(ColumnsError::Cancelled);
            return Err(StorageError::from_io("read", "the rest of a file", "stopped", stopped));
        }
        self.source.read_exact_at(buffer, offset)?;
        self.control.shared.done.fetch_add(buffer.len() as u64, Ordering::Relaxed);
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

    fn try_clone_file(&self) -> Option<io::Result<File>> {
        self.source.try_clone_file()
    }
}
