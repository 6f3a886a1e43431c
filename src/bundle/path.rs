//! Where items lie, for other programs.

use std::path::PathBuf;

use datafolio_core::{ItemRecord, PARTS, RelPath, item_type};
use datafolio_handlers::{HandlerError, payload_path, stored_files};

use crate::bundle::DataFolio;
use crate::error::{Error, Result};
use crate::table::several_files;

impl DataFolio {
    /// The absolute path of an item's payload; for a reference its target, as recorded.
    ///
    /// # Errors
    /// When there is no such item, or its payload is not there.
    pub fn item_path(&self, name: &str) -> Result<PathBuf> {
        let record = self.record(name)?;
        self.path_of(&record)
    }

    /// The absolute path of an item's payload, or that of one of its versions, for a program that reads it by itself and checks nothing: all of
    /// it is compared with its recorded hashes before, unless that was done on this machine already or the settings say not to.
    ///
    /// # Errors
    /// As [`DataFolio::item_path`]; a payload that is not what was recorded; [`Error::WrongType`] for a reference and for a table of several files.
    pub fn verified_path(&self, name: &str, version: Option<&str>) -> Result<PathBuf> {
        let record = match version {
            None => self.record(name)?,
            Some(version) => self.version_record(name, version)?,
        };
        let refused = |found: &str| Error::WrongType {
            item: name.to_owned(),
            expected: "an item that one file holds",
            found: found.to_owned(),
        };
        match record.item_type() {
            item_type::REFERENCED_TABLE => return Err(refused("a reference")),
            _ if record.get(PARTS).is_some() => return Err(refused("a table of several parts")),
            _ => {}
        }
        // Of what lies on a store, a copy is checked as it is made.
        let path = if self.storage().is_remote() { Some(self.path_of(&record)?) } else { None };
        self.handler_item(&record)
            .open_payload()?
            .verify_rest()
            .map_err(|source| HandlerError::Payload { item: name.to_owned(), source })?;
        path.map_or_else(|| self.path_of(&record), Ok)
    }

    pub(crate) fn path_of(&self, record: &ItemRecord) -> Result<PathBuf> {
        if record.item_type() == item_type::REFERENCED_TABLE {
            return Ok(PathBuf::from(record.str("path").unwrap_or_default()));
        }
        if record.get(PARTS).is_some() {
            return match stored_files(record)?.as_slice() {
                [only] => self.path_of_file(record, &only.path),
                several => Err(several_files(record, several.len())),
            };
        }
        self.path_of_file(record, &payload_path(record)?)
    }

    /// The absolute path of a file of an item, which is there; of what lies on a store, that of a copy in the cache.
    pub(crate) fn path_of_file(&self, record: &ItemRecord, path: &RelPath) -> Result<PathBuf> {
        let item = record.name();
        if self.storage().is_remote() {
            let file = stored_files(record)?.into_iter().find(|file| file.path == *path);
            let copy = file.map(|file| self.handler_item(record).local_copy_of(&file)).transpose()?.flatten();
            return copy.ok_or_else(|| {
                let what = format!("a path for item '{item}', which lies on a store,");
                let needs = "a cache that holds a copy of it (settings cache_dir and cache_cap)".to_owned();
                HandlerError::Unsupported { what, needs }.into()
            });
        }
        let found = self.storage().stat(path).and_then(|info| {
            info.ok_or_else(|| datafolio_storage::StorageError::NotFound {
                path: path.to_string(),
                location: self.location(),
            })
        });
        match (found, self.storage().local_path(path)) {
            (Ok(_), Some(local)) => Ok(local),
            (Ok(_), None) => Err(HandlerError::Unsupported {
                what: format!("a path for item '{item}'"),
                needs: "a bundle in a local directory".to_owned(),
            }
            .into()),
            (Err(source), _) => Err(HandlerError::Payload { item: item.to_owned(), source }.into()),
        }
    }
}
