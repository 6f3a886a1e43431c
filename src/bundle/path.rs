//! Where items lie, for other programs.

use std::path::PathBuf;

use datafolio_core::{ItemRecord, item_type};
use datafolio_handlers::{HandlerError, payload_path};

use crate::bundle::DataFolio;
use crate::error::Result;

impl DataFolio {
    /// The absolute path of an item's payload; for a reference its target, as recorded.
    ///
    /// # Errors
    /// When there is no such item, or its payload is not there.
    pub fn item_path(&self, name: &str) -> Result<PathBuf> {
        let record = self.record(name)?;
        self.path_of(&record)
    }

    pub(crate) fn path_of(&self, record: &ItemRecord) -> Result<PathBuf> {
        if record.item_type() == item_type::REFERENCED_TABLE {
            return Ok(PathBuf::from(record.str("path").unwrap_or_default()));
        }
        let path = payload_path(record)?;
        let found = self.storage().stat(&path).and_then(|info| {
            info.ok_or_else(|| datafolio_storage::StorageError::NotFound {
                path: path.to_string(),
                location: self.location(),
            })
        });
        match (found, self.storage().local_path(&path)) {
            (Ok(_), Some(local)) => Ok(local),
            (Ok(_), None) => Err(HandlerError::Unsupported {
                what: format!("a path for item '{}'", record.name()),
                needs: "a bundle in a local directory".to_owned(),
            }
            .into()),
            (Err(source), _) => Err(HandlerError::Payload { item: record.name().to_owned(), source }.into()),
        }
    }
}
