//! A Delta table on a store.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use datafolio_core::RelPath;
use datafolio_delta::{Listed, OpenFile, Place};
use datafolio_storage::{FileInfo, Source, Storage, StorageError};

use super::log_files::LogFiles;
use crate::first_failure::FirstFailure;

/// The directory of a table, where that is a prefix of a store.
#[derive(Debug)]
pub(super) struct StorePlace {
    store: Arc<dyn Storage>,
    log: Arc<LogFiles>,
    failure: Arc<FirstFailure>,
}

/// Below it lies what never changes...
const LOG: &str = "_delta_log/";
/// ...but for this, which is written anew with each checkpoint.
const HINT: &str = "_last_checkpoint";

/// The error for those who read the table. Whether it is one that a file is not there is for those to say who asked for it.
fn told(failure: &FirstFailure, error: StorageError) -> io::Error {
    match error {
        StorageError::NotFound { .. } => error.into(),
        error => failure.keep(error),
    }
}

impl StorePlace {
    pub(super) fn new(store: Arc<dyn Storage>) -> Self {
        Self { log: LogFiles::of(&store), store, failure: Arc::default() }
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
        if directory.as_ref().is_some_and(|directory| LOG.starts_with(directory.as_str())) {
            self.log.begin_list();
        }
        let file = |file: FileInfo| {
            let modified = file.modified.duration_since(UNIX_EPOCH).ok();
            let modified = modified.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default();
            if file.path.as_str().starts_with(LOG) && file.path.file_name() != HINT {
                self.log.saw(file.path.as_str(), file.size, file.modified);
            }
            Listed { path: file.path.to_string(), size: file.size, modified }
        };
        Ok(listed.into_iter().map(file).collect())
    }

    fn open(&self, path: &str, size: Option<u64>) -> io::Result<Box<dyn OpenFile>> {
        if let Some(bytes) = self.log.get(path) {
            return Ok(Box::new(Known(bytes)));
        }
        let name = name(path)?;
        let source = match size {
            Some(size) => self.store.open_sized(&name, size),
            None => self.store.open(&name),
        };
        let source = source.map_err(|error| told(&self.failure, error))?;
        let kept = path.starts_with(LOG).then(|| (Arc::clone(&self.log), path.to_owned()));
        Ok(Box::new(Object { source, failure: Arc::clone(&self.failure), kept }))
    }

    fn is_there(&self) -> io::Result<bool> {
        self.store.list(None).map(|files| !files.is_empty()).map_err(|error| told(&self.failure, error))
    }
}

/// A file of the table.
struct Object {
    source: Arc<dyn Source>,
    failure: Arc<FirstFailure>,
    /// Where it is kept when it was read as a whole, and under which path.
    kept: Option<(Arc<LogFiles>, String)>,
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
        let bytes = Bytes::from(bytes);
        if let Some((files, path)) = &self.kept
            && bytes.len() as u64 == self.size()
        {
            files.keep(path, &bytes);
        }
        Ok(bytes)
    }

    fn will_read(&self, stretches: &[Range<u64>]) {
        self.source.will_read(&|| stretches.to_vec());
        if let Some(first) = stretches.first() {
            self.source.prefetch(first.start, first.end.saturating_sub(first.start));
        }
    }
}

/// A file of the log that was read before.
struct Known(Bytes);

impl OpenFile for Known {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let start = usize::try_from(start).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(length)?));
        let range = range.filter(|range| range.end <= self.0.len());
        range.map(|range| self.0.slice(range)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
