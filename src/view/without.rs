//! A build without DuckDB keeps views, and says what reading them needs.

use std::sync::Arc;

use arrow::array::RecordBatchReader;
use arrow::datatypes::{Schema, SchemaRef};
use datafolio_core::ItemRecord;
use datafolio_handlers::{HandlerError, TableReadOptions};

use super::view_of;
use crate::bundle::DataFolio;
use crate::error::Result;

impl DataFolio {
    /// The columns that a view had when it was made; those of a frame are what it has now.
    pub(crate) fn view_schema(&self, record: &ItemRecord) -> Result<SchemaRef> {
        if let Some(frame) = self.frame_of_view(record)? {
            return Ok(frame.arrow_schema()?);
        }
        match view_of(record)? {
            Some(view) => view.schema(record.name()),
            None => Ok(Arc::new(Schema::empty())),
        }
    }

    pub(crate) fn open_view(
        &self,
        record: &ItemRecord,
        part: &TableReadOptions,
    ) -> Result<Box<dyn RecordBatchReader + Send>> {
        if let Some(frame) = self.frame_of_view(record)? {
            return self.open_frame(record.name(), &frame, part);
        }
        let what = format!("reading view '{}'", record.name());
        Err(HandlerError::Unsupported { what, needs: "a build with the feature sql".to_owned() }.into())
    }
}
