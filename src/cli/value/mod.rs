//! Items as text and as files outside the bundle.

pub(super) mod array;
pub(super) mod file;
pub(super) mod first;
pub(super) mod preview;
pub(super) mod rows;
mod times;

use datafolio_handlers::{Data, StoredArray};

use super::failure::Outcome;
use crate::bundle::DataFolio;

/// Reads an item: its current version, or the one with this id.
pub(super) fn read(folio: &DataFolio, item: &str, version: Option<&str>) -> Outcome<Data> {
    Ok(match version {
        None => folio.get(item)?,
        Some(version) => folio.get_version(item, version)?,
    })
}

/// Opens an item that is an array without reading its elements; `None` for other items.
pub(super) fn stored_array(folio: &DataFolio, item: &str, version: Option<&str>) -> Outcome<Option<StoredArray>> {
    let record = match version {
        None => folio.record(item)?,
        Some(version) => folio.version_record(item, version)?,
    };
    Ok(folio.stored_array(&record)?)
}
