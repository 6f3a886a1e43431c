//! The rows and columns that are wanted of the batches that a decoder gives.

use std::sync::Arc;

use arrow::array::{BooleanArray, BooleanBufferBuilder, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::TableReadOptions;
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
    wanted: WantedRows,
}

/// The rows that are given, of those that the decoder has still to give.
enum WantedRows {
    /// Rows to be left out, and then to be given.
    Range { skip: u64, take: u64 },
    /// These, ascending: which of them is next, and the number of the decoder's next row.
    Picked { rows: Arc<[u64]>, next: usize, at: u64 },
}

impl<B: Batches, W: Blame> Window<B, W> {
    /// All rows. `schema` is that of the batches which are given: its columns are in the wanted order.
    pub(crate) fn new(inner: B, blame: W, schema: SchemaRef, order: Option<Vec<usize>>) -> Self {
        Self { inner, blame, schema, order, wanted: WantedRows::Range { skip: 0, take: u64::MAX } }
    }

    /// The wanted rows alone, of a decoder that gives all of them.
    pub(crate) fn with_part(mut self, part: &TableReadOptions) -> Self {
        self.wanted = match &part.rows {
            Some(rows) => WantedRows::Picked { rows: Arc::clone(rows), next: 0, at: 0 },
            None => WantedRows::Range { skip: part.offset, take: part.limit.unwrap_or(u64::MAX) },
        };
        self
    }
}

impl WantedRows {
    fn is_done(&self) -> bool {
        match self {
            Self::Range { take, .. } => *take == 0,
            Self::Picked { rows, next, .. } => *next == rows.len(),
        }
    }

    /// Those of the next batch.
    fn of(&mut self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        let count = batch.num_rows() as u64;
        match self {
            Self::Range { skip, take } => {
                let skipped = (*skip).min(count);
                *skip -= skipped;
                let taken = (*take).min(count - skipped);
                *take -= taken;
                // Both fit: they are at most the rows of a batch in memory.
                Ok(batch.slice(skipped as usize, taken as usize))
            }
            Self::Picked { rows, next, at } => {
                let (start, end) = (*at, at.saturating_add(count));
                let first = *next;
                *next += rows[first..].partition_point(|row| *row < end);
                *at = end;
                let mut is_wanted = BooleanBufferBuilder::new(batch.num_rows());
                is_wanted.append_n(batch.num_rows(), false);
                for row in rows[first..*next].iter().filter_map(|row| row.checked_sub(start)) {
                    // Below the rows of a batch in memory.
                    is_wanted.set_bit(row as usize, true);
                }
                filter_record_batch(&batch, &BooleanArray::new(is_wanted.finish(), None))
            }
        }
    }
}

impl<B: Batches, W: Blame> Batches for Window<B, W> {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        while !self.wanted.is_done() {
            let Some(batch) = self.inner.next_batch()? else { return Ok(None) };
            let batch = self.wanted.of(batch).map_err(|error| self.blame.damaged(words(error)))?;
            if batch.num_rows() == 0 {
                continue;
            }
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
