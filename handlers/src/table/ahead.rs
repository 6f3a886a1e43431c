//! Reading a stream of batches in a thread of its own, ahead of the work on them.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle, scope};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::error::ArrowError;

type Batch = Result<RecordBatch, ArrowError>;
type Reader = Box<dyn RecordBatchReader + Send>;

/// Batches that are read before the thread starts: a small table is not worth one.
const READ_HERE: usize = 1;
/// Batches that may wait for the work, beside the one being read and the one being worked on.
const WAITING: usize = 1;

/// Gives the batches of a reader to `work`. With more than one thread the next batch is read while one is worked on.
pub(super) fn with_read_ahead<T>(
    reader: Reader,
    threads: usize,
    work: impl FnOnce(&mut dyn Iterator<Item = Batch>) -> T,
) -> T {
    let mut reader = reader;
    if threads < 2 {
        return work(&mut reader);
    }
    scope(|scope| work(&mut Ahead { scope, state: State::Here { reader, read: 0 } }))
}

struct Ahead<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    state: State<'scope>,
}

enum State<'scope> {
    Here { reader: Reader, read: usize },
    Thread { batches: Receiver<Batch>, thread: ScopedJoinHandle<'scope, ()> },
    Ended,
}

impl Iterator for Ahead<'_, '_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        self.state = match std::mem::replace(&mut self.state, State::Ended) {
            State::Here { reader, read: READ_HERE } => self.start(reader),
            other => other,
        };
        match &mut self.state {
            State::Here { reader, read } => {
                *read += 1;
                reader.next()
            }
            State::Thread { batches, .. } => match batches.recv() {
                Ok(batch) => Some(batch),
                Err(_) => {
                    // The reader has ended, or panicked: then so does this thread, as if it had read itself.
                    if let State::Thread { thread, .. } = std::mem::replace(&mut self.state, State::Ended)
                        && let Err(panic) = thread.join()
                    {
                        resume_unwind(panic);
                    }
                    None
                }
            },
            State::Ended => None,
        }
    }
}

impl<'scope> Ahead<'scope, '_> {
    fn start(&self, reader: Reader) -> State<'scope> {
        let (batch, batches) = sync_channel(WAITING);
        // The thread takes the reader out of here, so that it is not lost where no thread can be had.
        let (hand_over, taken) = sync_channel::<Reader>(1);
        let read = move || {
            let Ok(reader) = taken.recv() else { return };
            for next in reader {
                // Nobody wants more after an error of the work.
                if batch.send(next).is_err() {
                    return;
                }
            }
        };
        match Builder::new().name("datafolio-read".to_owned()).spawn_scoped(self.scope, read) {
            Ok(thread) => match hand_over.send(reader) {
                Ok(()) => State::Thread { batches, thread },
                Err(back) => State::Here { reader: back.0, read: READ_HERE + 1 },
            },
            Err(_) => State::Here { reader, read: READ_HERE + 1 },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatchIterator};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    /// Batches of one row each; the one at `end` is an error or a panic.
    fn reader(count: i64, end: Option<(i64, fn() -> Batch)>) -> Reader {
        let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Int64, false)]));
        let of_schema = schema.clone();
        let batches = (0..count).map(move |n| match end {
            Some((at, end)) if n == at => end(),
            _ => RecordBatch::try_new(of_schema.clone(), vec![Arc::new(Int64Array::from(vec![n]))]),
        });
        Box::new(RecordBatchIterator::new(batches, schema))
    }

    fn values(batches: &mut dyn Iterator<Item = Batch>) -> Result<Vec<i64>, String> {
        batches
            .map(|batch| {
                let batch = batch.map_err(|error| error.to_string())?;
                Ok(batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().value(0))
            })
            .collect()
    }

    #[test]
    fn all_batches_come_in_order_and_errors_where_they_are() {
        for threads in [1, 2] {
            for count in [0, 1, 2, 3, 4, 100] {
                let read = with_read_ahead(reader(count, None), threads, values);
                assert_eq!(read, Ok((0..count).collect()), "{threads} {count}");
            }
            for at in [0, 1, 2, 3, 50] {
                let fails: fn() -> Batch = || Err(ArrowError::ParseError("here".to_owned()));
                let read = with_read_ahead(reader(100, Some((at, fails))), threads, |batches| {
                    let before: Vec<_> = batches.take(usize::try_from(at).unwrap()).collect();
                    assert!(before.iter().all(Result::is_ok));
                    values(batches)
                });
                assert!(read.unwrap_err().contains("here"));
            }
        }
    }

    #[test]
    fn work_that_ends_early_ends_the_reading() {
        let read = with_read_ahead(reader(i64::MAX, None), 2, |batches| batches.take(5).count());
        assert_eq!(read, 5);
    }

    #[test]
    fn a_panic_of_the_reader_is_one_here() {
        let panics: fn() -> Batch = || panic!("in the reader");
        let caught = std::panic::catch_unwind(|| with_read_ahead(reader(100, Some((50, panics))), 2, values));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"in the reader"));
    }
}
