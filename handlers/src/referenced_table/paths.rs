//! Where referenced tables lie, for programs that read the files by themselves.

use datafolio_core::item_type;

use super::address::{Address, without_secrets};
use super::of_item;
use super::target::{is_there, local_target, reference_target};
use crate::error::HandlerResult;
use crate::handler::Item;

/// Where a referenced table lies, for other programs: an absolute path on this machine, or an address; `None` for tables in
/// the bundle.
///
/// # Errors
/// [`HandlerError::MissingReference`](crate::HandlerError::MissingReference); a path that is damaged.
pub fn table_paths(item: &Item<'_>) -> HandlerResult<Option<String>> {
    if item.record().item_type() != item_type::REFERENCED_TABLE {
        return Ok(None);
    }
    let text = item.record().str("path").ok_or_else(|| item.damaged("its entry has no path"))?;
    if let Address::Url(url) = Address::parse(text) {
        return Ok(Some(without_secrets(url)));
    }
    let path = local_target(item, text)?;
    is_there(item, &path)?;
    Ok(Some(path.to_string_lossy().into_owned()))
}

/// The files of a reference: their paths, in the order of their rows. Of a Delta table and of what lies on a store it is the place that is
/// referenced; `None` for an item that is none.
///
/// # Errors
/// As [`table_paths`].
pub fn reference_paths(item: &Item<'_>) -> HandlerResult<Option<Vec<String>>> {
    let Some(place) = table_paths(item)? else { return Ok(None) };
    let is_elsewhere = matches!(item.record().str("path").map(Address::parse), Some(Address::Url(_)));
    if is_elsewhere || item.record().str("table_format") == Some("delta") {
        return Ok(Some(vec![place]));
    }
    let target = reference_target(item)?;
    let files = target.found().map_err(|error| of_item(item.name(), error))?;
    if files.places().len() == 0 {
        return Err(target.missing());
    }
    Ok(Some(files.places().map(|file| file.path().to_string_lossy().into_owned()).collect()))
}
