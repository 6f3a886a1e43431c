//! The first error of a storage: decoders make text of it, and what they then complain of is not the cause.

use std::io;
use std::sync::{Mutex, PoisonError};

use datafolio_storage::StorageError;

/// Keeps the first error as it was.
#[derive(Debug, Default)]
pub(crate) struct FirstFailure(Mutex<Option<StorageError>>);

impl FirstFailure {
    /// Keeps an error, if it is the first, and gives what is told on the way.
    pub(crate) fn keep(&self, error: StorageError) -> io::Error {
        let told = io::Error::other(error.to_string());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        told
    }

    /// The first error, once.
    pub(crate) fn take(&self) -> Option<StorageError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
