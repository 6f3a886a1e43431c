//! Footers of Parquet files that are opened several times.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use parquet::arrow::arrow_reader::ArrowReaderMetadata;

/// The footers of files of a bundle, with the index of their pages, by their paths. Whoever reads part after part of a table reads
/// them once.
#[derive(Clone, Default)]
pub struct Footers(Arc<Mutex<HashMap<String, ArrowReaderMetadata>>>);

impl Footers {
    /// The place of a file among them.
    pub(crate) fn of(&self, path: &str) -> Footer {
        Footer { all: self.clone(), path: path.to_owned() }
    }
}

/// The footer of one file.
#[derive(Debug, Clone)]
pub(crate) struct Footer {
    all: Footers,
    path: String,
}

impl Footer {
    /// What was read before.
    pub(super) fn get(&self) -> Option<ArrowReaderMetadata> {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).get(&self.path).cloned()
    }

    pub(super) fn keep(&self, footer: &ArrowReaderMetadata) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).insert(self.path.clone(), footer.clone());
    }
}

impl fmt::Debug for Footers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Footers").finish_non_exhaustive()
    }
}

/// Two are the same when they have the same footers.
impl PartialEq for Footers {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Footers {}
