//! A source that keeps its first error.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use datafolio_storage::{FileIdentity, Source, StorageError, StorageResult};

use crate::first_failure::FirstFailure;

/// A source of a store, for decoders.
#[derive(Debug)]
pub(super) struct KeptFailure {
    source: Arc<dyn Source>,
    failure: FirstFailure,
}

impl KeptFailure {
    pub(super) fn new(source: Arc<dyn Source>) -> Self {
        Self { source, failure: FirstFailure::default() }
    }

    /// The first error, once.
    pub(super) fn take(&self) -> Option<StorageError> {
        self.failure.take()
    }
}

impl Source for KeptFailure {
    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        // Damaged bytes lead decoders beyond the end: that is no error of the store.
        let is_inside = offset.checked_add(buffer.len() as u64).is_some_and(|end| end <= self.size());
        let read = self.source.read_exact_at(buffer, offset);
        match read {
            Err(error) if is_inside => {
                let told = self.failure.keep(error);
                Err(StorageError::Io { action: "read", path: String::new(), location: String::new(), source: told })
            }
            read => read,
        }
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
