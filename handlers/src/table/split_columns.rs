//! Decoding the columns of one file in several threads.
//!
//! Each thread has a reader of some of the columns, with batches of the same rows, and is a few batches ahead at most. Row groups
//! would be coarser to share out, and the rows of the second would have to be held until those of the first are through.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use super::file_rows::FileRows;
use crate::error::HandlerResult;
use crate::guard::{Blame, guarded, words};

type Next = HandlerResult<Option<RecordBatch>>;

/// The threads, and how their columns make a batch.
pub(crate) struct SplitColumns {
    schema: SchemaRef,
    lanes: Vec<Lane>,
}

/// One thread.
struct Lane {
    /// `None` when the thread is to end.
    batches: Option<Receiver<Next>>,
    thread: Option<JoinHandle<()>>,
    /// For each of its columns, the place in the batch.
    places: Vec<usize>,
}

impl SplitColumns {
    /// Starts the threads. `schema` is that of all columns together; of each thread so many batches may wait, beside the one
    /// being decoded.
    ///
    /// # Errors
    /// [`Blame::damaged`] when the readers have other columns.
    pub(crate) fn start<B: Blame + Clone + 'static>(
        blame: &B,
        schema: SchemaRef,
        readers: Vec<FileRows>,
        waiting: usize,
    ) -> HandlerResult<Self> {
        let lanes = readers.into_iter().map(|reader| Lane::start(blame, &schema, reader, waiting));
        let lanes = lanes.collect::<HandlerResult<Vec<_>>>()?;
        Ok(Self { schema, lanes })
    }

    /// The next batch of all columns, `None` at the end.
    pub(crate) fn next_batch(&mut self, blame: &dyn Blame) -> Next {
        let mut columns: Vec<Option<ArrayRef>> = vec![None; self.schema.fields().len()];
        let mut rows = None;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            let batch = lane.next(blame)?;
            let found = batch.as_ref().map(RecordBatch::num_rows);
            if index > 0 && rows != found {
                return Err(blame.damaged("its columns have different numbers of rows".to_owned()));
            }
            rows = found;
            for (place, column) in lane.places.iter().zip(batch.iter().flat_map(RecordBatch::columns)) {
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

impl Lane {
    fn start<B: Blame + Clone + 'static>(
        blame: &B,
        schema: &SchemaRef,
        reader: FileRows,
        waiting: usize,
    ) -> HandlerResult<Self> {
        let names = reader.schema();
        let places = names.fields().iter().map(|field| schema.index_of(field.name())).collect::<Result<_, _>>();
        let places = places.map_err(|error| blame.damaged(words(error)))?;
        let (sender, batches) = sync_channel(waiting);
        let owner = blame.clone();
        let decode = move || {
            let mut reader = Some(reader);
            loop {
                let next = guarded(&owner, || {
                    let next = reader.as_mut().and_then(Iterator::next).transpose();
                    next.map_err(|error| owner.damaged(words(error)))
                });
                let ended = !matches!(next, Ok(Some(_)));
                // Nobody wants more once the receiver is gone.
                if sender.send(next).is_err() || ended {
                    break;
                }
            }
            // A decoder that has panicked can panic again when it is dropped.
            let _ = guarded(&owner, || {
                drop(reader.take());
                Ok(())
            });
        };
        let thread = Builder::new().name("decode".to_owned()).spawn(decode).map_err(|error| {
            crate::error::HandlerError::Unsupported {
                what: format!("decoding in several threads: {error}"),
                needs: "fewer threads: set `threads` to 1".to_owned(),
            }
        })?;
        Ok(Self { batches: Some(batches), thread: Some(thread), places })
    }

    fn next(&mut self, blame: &dyn Blame) -> Next {
        match self.batches.as_ref().map(Receiver::recv) {
            Some(Ok(next)) => next,
            _ => Err(blame.damaged("a thread that decodes it has ended".to_owned())),
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // The thread ends at its next batch.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
