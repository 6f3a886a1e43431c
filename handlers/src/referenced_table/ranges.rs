//! Rows of a reference by where they lie in it.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use datafolio_core::item_type;

use super::{ReferenceReader, delta_target};
use crate::error::HandlerResult;
use crate::handler::Item;
use crate::table::TableReadOptions;

/// Opens the rows of a reference that lie in these ranges, which ascend and do not touch: files between them are not opened. `None` for what
/// is no Delta table. Of the part `offset`, `limit` and `rows` do not count.
///
/// # Errors
/// As [`crate::read_table`].
pub fn read_ranges(
    item: &Item<'_>,
    part: &TableReadOptions,
    ranges: Arc<[Range<u64>]>,
) -> HandlerResult<Option<Box<dyn RecordBatchReader + Send>>> {
    if item.record().item_type() != item_type::REFERENCED_TABLE {
        return Ok(None);
    }
    let Some(delta) = delta_target(item)? else { return Ok(None) };
    let reader = delta.open_ranges(part, ranges)?;
    Ok(Some(Box::new(ReferenceReader { reader, item: item.name().to_owned() })))
}
