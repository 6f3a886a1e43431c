//! Decoding the columns of one file in several threads.
//!
//! The columns are in more groups than there are threads, each with a reader of its own and batches of the same rows. A thread
//! takes the group that is furthest behind and decodes its next batch, so that columns that take long do not hold up a thread
//! that has others as well. Row groups would be coarser to share out, and the rows of the second would have to be held until those of
//! the first are through.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

use super::file_rows::FileRows;
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Blame, guarded, words};

type Next = HandlerResult<Option<RecordBatch>>;

/// The threads, and how their columns make a batch.
pub(crate) struct SplitColumns {
    schema: SchemaRef,
    /// For each group of columns, their places in the batch.
    places: Vec<Vec<usize>>,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads and whoever reads the batches share.
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    /// Batches of a group that may wait, beside the one being decoded.
    waiting: usize,
}

struct State {
    groups: Vec<Group>,
    /// Nobody wants more.
    is_closed: bool,
}

/// Some of the columns.
struct Group {
    /// `None` while a thread has it, and at the end.
    reader: Option<FileRows>,
    ready: VecDeque<HandlerResult<RecordBatch>>,
    /// How many batches it has given.
    given: usize,
    has_ended: bool,
}

impl SplitColumns {
    /// Starts so many threads. `schema` is that of all columns together; of each reader so many batches may wait, beside the one
    /// being decoded.
    ///
    /// # Errors
    /// [`Blame::damaged`] when the readers have other columns; when no thread is to be had.
    pub(crate) fn start<B: Blame + Clone + 'static>(
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
        let group = |reader| Group { reader: Some(reader), ready: VecDeque::new(), given: 0, has_ended: false };
        let threads = threads.clamp(1, readers.len().max(1));
        let state = State { groups: readers.into_iter().map(group).collect(), is_closed: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new(), waiting });
        let mut split = Self { schema, places, shared, threads: Vec::with_capacity(threads) };
        for _ in 0..threads {
            let (shared, owner) = (Arc::clone(&split.shared), blame.clone());
            match Builder::new().name("decode".to_owned()).spawn(move || shared.work(&owner)) {
                Ok(thread) => split.threads.push(thread),
                Err(error) if split.threads.is_empty() => {
                    return Err(HandlerError::Unsupported {
                        what: format!("decoding in several threads: {error}"),
                        needs: "fewer threads: set `threads` to 1".to_owned(),
                    });
                }
                // Those that there are do it all.
                Err(_) => break,
            }
        }
        Ok(split)
    }

    /// The next batch of all columns, `None` at the end.
    pub(crate) fn next_batch(&mut self, blame: &dyn Blame) -> Next {
        let batches = self.shared.next()?;
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

impl Drop for SplitColumns {
    fn drop(&mut self) {
        // Threads end behind their batches in hand.
        self.shared.state().is_closed = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch of each group; `None` of one that has ended.
    fn next(&self) -> HandlerResult<Vec<Option<RecordBatch>>> {
        let mut state = self.state();
        while state.groups.iter().any(|group| group.ready.is_empty() && !group.has_ended) {
            state = self.wait(state);
        }
        let batches = state.groups.iter_mut().map(|group| group.ready.pop_front().transpose());
        let batches = batches.collect();
        drop(state);
        self.changed.notify_all();
        batches
    }

    /// What a thread does.
    fn work(&self, blame: &dyn Blame) {
        let mut state = self.state();
        while !state.is_closed && state.groups.iter().any(|group| !group.has_ended) {
            let Some((index, mut reader)) = state.take(self.waiting) else {
                state = self.wait(state);
                continue;
            };
            drop(state);
            let next = guarded(blame, || reader.next().transpose().map_err(|error| blame.damaged(words(error))));
            let mut reader = Some(reader);
            if !matches!(next, Ok(Some(_))) {
                // A decoder that has panicked can panic again when it is dropped.
                let _ = guarded(blame, || {
                    reader = None;
                    Ok(())
                });
            }
            state = self.state();
            if let Some(group) = state.groups.get_mut(index) {
                group.given += 1;
                group.has_ended = reader.is_none();
                group.reader = reader;
                group.ready.extend(next.transpose());
            }
            self.changed.notify_all();
        }
    }
}

impl State {
    /// The reader of the group that has given least, of those that nobody has in hand and that may give more.
    fn take(&mut self, waiting: usize) -> Option<(usize, FileRows)> {
        let free = self.groups.iter_mut().enumerate();
        let free = free.filter(|(_, group)| group.reader.is_some() && group.ready.len() <= waiting);
        let (index, group) = free.min_by_key(|(_, group)| group.given)?;
        Some((index, group.reader.take()?))
    }
}
