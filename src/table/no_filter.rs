//! Conditions need SQL: a build without it says so.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafolio_core::ItemRecord;
use datafolio_handlers::HandlerError;

use super::{Condition, Conditional, RowsChanged};
use crate::bundle::DataFolio;
use crate::error::Result;

impl DataFolio {
    pub(super) fn filter_table(&self, _record: &Arc<ItemRecord>, _wanted: &Conditional<'_>) -> Result<Filtered> {
        Err(no_sql())
    }

    /// Removes rows of a table, in a build with the feature `sql`.
    ///
    /// # Errors
    /// [`HandlerError::Unsupported`]: this build has no SQL.
    pub fn delete_rows(&self, _name: &str, _condition: impl Into<Condition>) -> Result<RowsChanged> {
        Err(no_sql())
    }

    /// Changes rows of a table, in a build with the feature `sql`.
    ///
    /// # Errors
    /// [`HandlerError::Unsupported`]: this build has no SQL.
    pub fn update_table(
        &self,
        _name: &str,
        _condition: impl Into<Condition>,
        _values: &[(&str, &str)],
    ) -> Result<RowsChanged> {
        Err(no_sql())
    }
}

fn no_sql() -> crate::Error {
    let what = "a condition on the rows of a table".to_owned();
    HandlerError::Unsupported { what, needs: "a build with the feature sql".to_owned() }.into()
}

/// There are none.
pub(super) enum Filtered {}

impl Filtered {
    pub(super) fn next_numbered(&mut self) -> Option<std::result::Result<(RecordBatch, ArrayRef), ArrowError>> {
        match *self {}
    }
}

impl Iterator for Filtered {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match *self {}
    }
}

impl RecordBatchReader for Filtered {
    fn schema(&self) -> SchemaRef {
        match *self {}
    }
}
