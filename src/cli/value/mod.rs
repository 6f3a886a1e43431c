//! Items as text and as files outside the bundle.

pub(super) mod array;
pub(super) mod file;
pub(super) mod preview;
pub(super) mod rows;

use datafolio_handlers::Data;

use super::failure::Outcome;
use crate::bundle::DataFolio;

/// Reads an item: its current version, or the one with this id.
pub(super) fn read(folio: &DataFolio, item: &str, version: Option<&str>) -> Outcome<Data> {
    Ok(match version {
        None => folio.get(item)?,
        Some(version) => folio.get_version(item, version)?,
    })
}
