//! The rows of a Parquet file, where the first batch may be shorter than the others.

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

/// Decodes some columns. The decoder's own batches have all one size, so a first one that is to complete rows of the file
/// before needs a decoder for itself: without it every batch of this file would be cut in two and put together again.
pub(super) struct FileRows {
    first: Option<ParquetRecordBatchReader>,
    rest: ParquetRecordBatchReader,
}

impl FileRows {
    pub(super) fn new(first: Option<ParquetRecordBatchReader>, rest: ParquetRecordBatchReader) -> Self {
        Self { first, rest }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        self.rest.schema()
    }
}

impl Iterator for FileRows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = &mut self.first {
            match first.next() {
                Some(batch) => return Some(batch),
                None => self.first = None,
            }
        }
        self.rest.next()
    }
}
