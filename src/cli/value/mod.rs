//! Items as text and as files outside the bundle.

pub(super) mod array;
pub(super) mod file;
#[cfg(feature = "sql")]
pub(super) mod first;
pub(super) mod preview;
pub(super) mod rows;
mod times;

use datafolio_core::item_type;
use datafolio_handlers::{Data, HandlerError, StoredArray};

use super::failure::{Failure, Outcome};
use crate::bundle::DataFolio;
use crate::error::Error;

/// Reads an item: its current version, or the one with this id.
pub(super) fn read(folio: &DataFolio, item: &str, version: Option<&str>) -> Outcome<Data> {
    Ok(match version {
        None => folio.get(item)?,
        Some(version) => folio.get_version(item, version)?,
    })
}

/// Reads an item; of one whose value cannot be read here though its bytes are whole, the file.
pub(super) fn read_or_file(folio: &DataFolio, item: &str, version: Option<&str>) -> Outcome<Data> {
    match read(folio, item, version) {
        Err(Failure::Library { error, .. })
            if matches!(*error, Error::Handler(HandlerError::UnknownType { .. } | HandlerError::FileAlone { .. })) =>
        {
            Ok(Data::Payload(folio.file_of(item, version)?))
        }
        other => other,
    }
}

/// Whether an item is a JSON value: then its file is JSON as well, whether it can be read as a value or not.
pub(super) fn is_json(folio: &DataFolio, item: &str) -> Outcome<bool> {
    Ok(folio.catalogue().item(item)?.item_type() == item_type::JSON_DATA)
}

/// Opens an item that is an array without reading its elements; `None` for other items.
pub(super) fn stored_array(folio: &DataFolio, item: &str, version: Option<&str>) -> Outcome<Option<StoredArray>> {
    let record = match version {
        None => folio.record(item)?,
        Some(version) => folio.version_record(item, version)?,
    };
    Ok(folio.stored_array(&record)?)
}
