//! The columns of one file, decoded in several threads, as batches of all of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use super::decoders::{Decoders, Decoding};
use super::file_rows::FileRows;
use crate::error::HandlerResult;
use crate::guard::{Blame, words};

/// Groups of columns, and how they make a batch.
pub(crate) struct SplitColumns {
    schema: SchemaRef,
    /// For each group of columns, their places in the batch.
    places: Vec<Vec<usize>>,
    decoding: Decoding,
}

impl SplitColumns {
    /// Has the columns decoded by so many threads at most. `schema` is that of all together; of each reader so many batches may wait,
    /// beside the one being decoded.
    ///
    /// # Errors
    /// [`Blame::damaged`] when the readers have other columns; when no thread is to be had.
    pub(crate) fn start<B: Blame + Clone + 'static>(
        decoders: &Decoders,
        blame: &B,
        schema: SchemaRef,
        readers: Vec<FileRows>,
        threads: usize,
        waiting: usize,
    ) -> HandlerResult<Self> {
        let places = readers.iter().map(|reader| {
            let names = reader.schema();
            let places = names.fields().iter().map(|field| schema.index_of(field.name())).collect::<Result<_, _>>();
            places.map_err(|error| blame.damaged(words(error)))
        });
        let places = places.collect::<HandlerResult<Vec<Vec<usize>>>>()?;
        let decoding = decoders.decode(Arc::new(blame.clone()), readers, threads, waiting)?;
        Ok(Self { schema, places, decoding })
    }

    /// The next batch of all columns, `None` at the end.
    pub(crate) fn next_batch(&mut self, blame: &dyn Blame) -> HandlerResult<Option<RecordBatch>> {
        let batches = self.decoding.next()?;
        let mut columns: Vec<Option<ArrayRef>> = vec![None; self.schema.fields().len()];
        let mut rows = None;
        for (index, (batch, places)) in batches.iter().zip(&self.places).enumerate() {
            let found = batch.as_ref().map(RecordBatch::num_rows);
            if index > 0 && rows != found {
                return Err(blame.damaged("its columns have different numbers of rows".to_owned()));
            }
            rows = found;
            for (place, column) in places.iter().zip(batch.iter().flat_map(RecordBatch::columns)) {
                columns[*place] = Some(column.clone());
            }
        }
        let Some(rows) = rows else { return Ok(None) };
        let columns: Vec<ArrayRef> = columns.into_iter().flatten().collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options);
        batch.map(Some).map_err(|error| blame.damaged(words(error)))
    }
}
