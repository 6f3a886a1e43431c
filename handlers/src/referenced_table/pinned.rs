//! References to what is the newest now.

use datafolio_core::{ItemRecord, item_type};

use super::delta_target;
use crate::error::HandlerResult;
use crate::handler::Item;

/// The record of a reference to the newest version of a table, as one to the version that is the newest now: for what is read in several
/// steps, between which others may add a version. `None` for all else.
///
/// # Errors
/// As [`crate::read_table`].
pub fn pinned_reference(item: &Item<'_>) -> HandlerResult<Option<ItemRecord>> {
    if item.record().item_type() != item_type::REFERENCED_TABLE {
        return Ok(None);
    }
    let Some(delta) = delta_target(item)? else { return Ok(None) };
    Ok(delta.version_to_pin()?.map(|version| {
        let mut record = item.record().clone();
        record.set("version", Some(version.into()));
        record
    }))
}
