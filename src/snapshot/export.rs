//! A snapshot as a bundle of its own.

use std::path::Path;

use serde_json::{Value, json};

use crate::bundle::{CopyOptions, DataFolio};
use crate::error::Result;

/// Options of exporting a snapshot.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// Records in the new bundle's metadata which snapshot it was made from. On by default.
    pub include_snapshot_metadata: bool,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self { include_snapshot_metadata: true }
    }
}

impl DataFolio {
    /// Writes the state of a snapshot as a new bundle without snapshots; files are checked as they are copied.
    ///
    /// # Errors
    /// [`CoreError::SnapshotNotFound`](datafolio_core::CoreError::SnapshotNotFound); a lost version or a damaged file; a
    /// target that exists.
    pub fn export_snapshot(&self, name: &str, target: impl AsRef<Path>, options: &ExportOptions) -> Result<DataFolio> {
        let info = self.snapshot_info(name)?;
        let past = self.load_snapshot(name)?;
        if let Some(error) = past.state().lost.values().next() {
            return Err(error.clone().into());
        }
        let mut copy = CopyOptions { include_archived: true, ..CopyOptions::default() };
        if options.include_snapshot_metadata {
            let mut source = serde_json::Map::new();
            source.insert("name".to_owned(), name.into());
            source.insert("source_bundle".to_owned(), self.location().into());
            source.insert("timestamp".to_owned(), info.timestamp.into());
            source.insert("description".to_owned(), json!(info.description));
            source.insert("tags".to_owned(), info.tags.into());
            copy.metadata_updates.insert("_source_snapshot".to_owned(), Value::Object(source));
        }
        past.copy(target, &copy)
    }
}
