//! The rows and columns that are wanted of the batches that a decoder gives.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use crate::error::HandlerResult;
use crate::guard::{Batches, Blame, words};

/// Gives batches their final form: rows before and behind the wanted ones are left out, columns come in the wanted order,
/// and every batch has the schema of the table with its metadata, which decoders leave out of their batches: pandas finds
/// its own types and labels there.
pub(crate) struct Window<B, W> {
    inner: B,
    blame: W,
    schema: SchemaRef,
    /// Places of the wanted columns, when the decoder gives them in another order.
    order: Option<Vec<usize>>,
    /// Rows to be left out, and then to be given.
    skip: u64,
    take: u64,
}

impl<B: Batches, W: Blame> Window<B, W> {
    /// All rows. `schema` is that of the batches which are given: its columns are in the wanted order.
    pub(crate) fn new(inner: B, blame: W, schema: SchemaRef, order: Option<Vec<usize>>) -> Self {
        Self { inner, blame, schema, order, skip: 0, take: u64::MAX }
    }

    /// Leaves out rows at the start, and all after `limit` rows.
    pub(crate) fn with_rows(mut self, offset: u64, limit: Option<u64>) -> Self {
        self.skip = offset;
        self.take = limit.unwrap_or(u64::MAX);
        self
    }
}

impl<B: Batches, W: Blame> Batches for Window<B, W> {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        while self.take > 0 {
            let Some(batch) = self.inner.next_batch()? else { return Ok(None) };
            let rows = batch.num_rows() as u64;
            let skipped = self.skip.min(rows);
            self.skip -= skipped;
            let taken = self.take.min(rows - skipped);
            self.take -= taken;
            if taken == 0 {
                continue;
            }
            // Both fit: they are at most the rows of a batch in memory.
            let batch = batch.slice(skipped as usize, taken as usize);
            let shaped = match &self.order {
                Some(order) => batch.project(order),
                None => Ok(batch),
            }
            .and_then(|batch| {
                let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                let (_, columns, _) = batch.into_parts();
                RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            });
            return shaped.map(Some).map_err(|error| self.blame.damaged(words(error)));
        }
        Ok(None)
    }
}
