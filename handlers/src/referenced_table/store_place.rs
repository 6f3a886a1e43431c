//! A Delta table on a store.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use datafolio_core::RelPath;
use datafolio_delta::{Listed, OpenFile, Place};
use datafolio_storage::{FileInfo, Source, Storage, StorageError};

use crate::first_failure::FirstFailure;

/// The directory of a table, where that is a prefix of a store.
#[derive(Debug)]
pub(super) struct StorePlace {
    store: Arc<dyn Storage>,
    failure: Arc<FirstFailure>,
}

/// The error for those who read the table. Whether it is one that a file is not there is for those to say who asked for it.
fn told(failure: &FirstFailure, error: StorageError) -> io::Error {
    match error {
        StorageError::NotFound { .. } => error.into(),
        error => failure.keep(error),
    }
}

impl StorePlace {
    pub(super) fn new(store: Arc<dyn Storage>) -> Self {
        Self { store, failure: Arc::default() }
    }

    /// What the store has refused or failed to do since this was asked last.
    pub(super) fn take_failure(&self) -> Option<StorageError> {
        self.failure.take()
    }
}

fn name(path: &str) -> io::Result<RelPath> {
    RelPath::parse(path).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

impl Place for StorePlace {
    fn list(&self, directory: &str) -> io::Result<Vec<Listed>> {
        let directory = directory.trim_end_matches('/');
        let directory = (!directory.is_empty()).then(|| name(directory)).transpose()?;
        let listed = self.store.list(directory.as_ref()).map_err(|error| told(&self.failure, error))?;
        let file = |file: FileInfo| {
            let modified = file.modified.duration_since(UNIX_EPOCH).ok();
            let modified = modified.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default();
            Listed { path: file.path.to_string(), size: file.size, modified }
        };
        Ok(listed.into_iter().map(file).collect())
    }

    fn open(&self, path: &str, size: Option<u64>) -> io::Result<Box<dyn OpenFile>> {
        let name = name(path)?;
        let source = match size {
            Some(size) => self.store.open_sized(&name, size),
            None => self.store.open(&name),
        };
        let source = source.map_err(|error| told(&self.failure, error))?;
        Ok(Box::new(Object { source, failure: Arc::clone(&self.failure) }))
    }

    fn is_there(&self) -> io::Result<bool> {
        self.store.list(None).map(|files| !files.is_empty()).map_err(|error| told(&self.failure, error))
    }
}

/// A file of the table.
struct Object {
    source: Arc<dyn Source>,
    failure: Arc<FirstFailure>,
}

impl OpenFile for Object {
    fn size(&self) -> u64 {
        self.source.size()
    }

    fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        // A damaged footer may name any length: memory is only taken for bytes that are there.
        if start.checked_add(length as u64).is_none_or(|end| end > self.size()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; length];
        self.source.read_exact_at(&mut bytes, start).map_err(|error| told(&self.failure, error))?;
        Ok(bytes.into())
    }

    fn will_read(&self, stretches: &[Range<u64>]) {
        self.source.will_read(&|| stretches.to_vec());
        if let Some(first) = stretches.first() {
            self.source.prefetch(first.start, first.end.saturating_sub(first.start));
        }
    }
}
