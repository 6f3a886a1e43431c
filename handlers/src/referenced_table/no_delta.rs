//! In the place of `delta.rs` where the feature is left out: such references are kept, and not read.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatchReader;
use datafolio_storage::Patience;
use serde_json::{Map, Value};

use super::Where;
use super::check::ReferenceCheck;
use crate::error::{HandlerError, HandlerResult};
use crate::handler::Item;
use crate::page_rows::{RowsWithin, ValueSpan};
use crate::table::TableReadOptions;
use crate::table_facts::TableFacts;

/// There is none.
#[derive(Debug)]
pub(crate) enum DeltaTarget {}

/// What an item refers to, where that is a Delta table: nothing that this build reads.
pub(crate) fn delta_target(item: &Item<'_>) -> HandlerResult<Option<DeltaTarget>> {
    match item.record().str("table_format") {
        Some("delta") => Err(HandlerError::Unsupported {
            what: format!("reading Delta table '{}'", item.name()),
            needs: "a build with the feature delta".to_owned(),
        }),
        _ => Ok(None),
    }
}

/// The same.
pub(super) fn delta_target_within(item: &Item<'_>, _patience: Patience) -> HandlerResult<Option<DeltaTarget>> {
    delta_target(item)
}

/// Nothing is seen of it.
pub(super) fn look_at_delta(_name: &str, _place: Where<'_>, _fields: &mut Map<String, Value>) -> HandlerResult<()> {
    Ok(())
}

impl DeltaTarget {
    pub(super) fn open(&self, _part: &TableReadOptions) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
        match *self {}
    }

    pub(super) fn open_ranges(
        &self,
        _part: &TableReadOptions,
        _ranges: Arc<[Range<u64>]>,
    ) -> HandlerResult<Box<dyn RecordBatchReader + Send>> {
        match *self {}
    }

    pub(crate) fn rows_within(&self, _spans: &[ValueSpan]) -> HandlerResult<RowsWithin> {
        match *self {}
    }

    pub(super) fn version_to_pin(&self) -> HandlerResult<Option<u64>> {
        match *self {}
    }

    pub(super) fn is_there(&self) -> HandlerResult<()> {
        match *self {}
    }

    pub(super) fn verify(&self) -> HandlerResult<()> {
        match *self {}
    }

    pub(crate) fn facts(&self) -> HandlerResult<TableFacts> {
        match *self {}
    }

    pub(super) fn state(&self) -> Option<String> {
        match *self {}
    }

    pub(super) fn seen_files(&self) -> HandlerResult<(u64, String)> {
        match *self {}
    }

    pub(super) fn compare(&self, _item: &Item<'_>, _check: &mut ReferenceCheck) -> HandlerResult<()> {
        match *self {}
    }

    pub(super) fn change(&self, _item: &Item<'_>) -> Option<String> {
        match *self {}
    }
}
