//! A build without DuckDB keeps views, and says what reading them needs.

use arrow::array::RecordBatchReader;
use datafolio_core::ItemRecord;
use datafolio_handlers::{HandlerError, TableReadOptions};

use crate::bundle::DataFolio;
use crate::error::Result;

impl DataFolio {
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
