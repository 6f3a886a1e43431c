//! Threads that decode columns, of one file or of several one after the other.
//!
//! The columns of a file are in more groups than there are threads, each with a reader of its own and batches of the same rows. A
//! thread takes the group that is furthest behind and decodes its next batch, so that columns that take long do not hold up a
//! thread that has others as well. Row groups would be coarser to share out, and the rows of the second would have to be held until
//! those of the first are through.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use arrow::array::RecordBatch;

use super::file_rows::FileRows;
use crate::error::{HandlerError, HandlerResult};
use crate::guard::{Blame, guarded, words};

/// Threads that start when there is something to decode, and end with the last clone of this.
#[derive(Clone, Default)]
pub struct Decoders(Arc<Threads>);

#[derive(Default)]
struct Threads {
    shared: Arc<Shared>,
    running: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads and whoever reads the batches share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Files in the order in which they are read.
    files: Vec<File>,
    next: u64,
    is_closed: bool,
}

struct File {
    number: u64,
    groups: Vec<Group>,
    /// Batches of a group that may wait, beside the one being decoded.
    waiting: usize,
    blame: Arc<dyn Blame>,
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

/// A file that is decoded. Its batches that nobody has read go when this is dropped.
pub(super) struct Decoding {
    decoders: Decoders,
    number: u64,
}

impl Decoders {
    /// Decodes a file with so many threads at most. Of each of its readers so many batches may wait, beside the one being decoded.
    ///
    /// # Errors
    /// When no thread is to be had.
    pub(super) fn decode(
        &self,
        blame: Arc<dyn Blame>,
        readers: Vec<FileRows>,
        threads: usize,
        waiting: usize,
    ) -> HandlerResult<Decoding> {
        self.start(threads.clamp(1, readers.len().max(1)))?;
        let group = |reader| Group { reader: Some(reader), ready: VecDeque::new(), given: 0, has_ended: false };
        let groups = readers.into_iter().map(group).collect();
        let mut state = self.0.shared.state();
        let number = state.next;
        state.next += 1;
        state.files.push(File { number, groups, waiting, blame });
        drop(state);
        self.0.shared.changed.notify_all();
        Ok(Decoding { decoders: self.clone(), number })
    }

    /// Has so many threads run.
    fn start(&self, threads: usize) -> HandlerResult<()> {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        while running.len() < threads {
            let shared = Arc::clone(&self.0.shared);
            match Builder::new().name("decode".to_owned()).spawn(move || shared.work()) {
                Ok(thread) => running.push(thread),
                Err(error) if running.is_empty() => {
                    return Err(HandlerError::Unsupported {
                        what: format!("decoding in several threads: {error}"),
                        needs: "fewer threads: set `threads` to 1".to_owned(),
                    });
                }
                // Those that there are do it all.
                Err(_) => break,
            }
        }
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Threads end behind the batches that they have in hand.
        self.shared.state().is_closed = true;
        self.shared.changed.notify_all();
        for thread in self.running.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = thread.join();
        }
    }
}

impl Decoding {
    /// The next batch of each group; `None` of one that has ended.
    pub(super) fn next(&self) -> HandlerResult<Vec<Option<RecordBatch>>> {
        let shared = &self.decoders.0.shared;
        let mut state = shared.state();
        loop {
            let Some(file) = state.files.iter_mut().find(|file| file.number == self.number) else {
                return Ok(Vec::new());
            };
            if file.groups.iter().all(|group| group.has_ended || !group.ready.is_empty()) {
                let batches = file.groups.iter_mut().map(|group| group.ready.pop_front().transpose());
                let batches = batches.collect();
                drop(state);
                shared.changed.notify_all();
                return batches;
            }
            state = shared.wait(state);
        }
    }
}

impl Drop for Decoding {
    fn drop(&mut self) {
        let mut state = self.decoders.0.shared.state();
        let at = state.files.iter().position(|file| file.number == self.number);
        let file = at.map(|at| state.files.remove(at));
        // Closing its readers takes its time, and nobody need wait for the lock.
        drop(state);
        drop(file);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread does.
    fn work(&self) {
        let mut state = self.state();
        while !state.is_closed {
            let Some((number, index, blame, mut reader)) = state.take() else {
                state = self.wait(state);
                continue;
            };
            drop(state);
            let blame = blame.as_ref();
            let next = guarded(blame, || reader.next().transpose().map_err(|error| blame.damaged(words(error))));
            let mut reader = Some(reader);
            if !matches!(next, Ok(Some(_))) {
                discard(blame, &mut reader);
            }
            state = self.state();
            let file = state.files.iter_mut().find(|file| file.number == number);
            match file.and_then(|file| file.groups.get_mut(index)) {
                Some(group) => {
                    group.given += 1;
                    group.has_ended = reader.is_none();
                    group.reader = reader;
                    group.ready.extend(next.transpose());
                }
                None => {
                    // Nobody wants more of it.
                    drop(state);
                    discard(blame, &mut reader);
                    state = self.state();
                }
            }
            self.changed.notify_all();
        }
    }
}

/// A decoder that has panicked can panic again when it is dropped.
fn discard(blame: &dyn Blame, reader: &mut Option<FileRows>) {
    let _ = guarded(blame, || {
        *reader = None;
        Ok(())
    });
}

impl State {
    /// The reader of the group that has given least, of those of a file that nobody has in hand and that may give more.
    fn take(&mut self) -> Option<(u64, usize, Arc<dyn Blame>, FileRows)> {
        self.files.iter_mut().find_map(|file| {
            let free = file.groups.iter_mut().enumerate();
            let free = free.filter(|(_, group)| group.reader.is_some() && group.ready.len() <= file.waiting);
            let (index, group) = free.min_by_key(|(_, group)| group.given)?;
            Some((file.number, index, Arc::clone(&file.blame), group.reader.take()?))
        })
    }
}

impl fmt::Debug for Decoders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoders").finish_non_exhaustive()
    }
}

/// Two are the same when they have the same threads.
impl PartialEq for Decoders {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Decoders {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use arrow::array::{ArrayRef, AsArray, Int64Array};
    use arrow::datatypes::Int64Type;
    use bytes::{Buf, Bytes, buf};
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::errors::ParquetError;
    use parquet::file::properties::WriterProperties;
    use parquet::file::reader::{ChunkReader, Length};

    use super::*;

    /// What becomes of a read.
    #[derive(Clone, Copy, PartialEq)]
    enum Fate {
        Works,
        Fails,
        Panics,
    }

    /// A file of which reads work for a while only.
    #[derive(Clone)]
    struct Flaky {
        bytes: Bytes,
        left: Arc<AtomicUsize>,
        then: Fate,
    }

    impl Length for Flaky {
        fn len(&self) -> u64 {
            self.bytes.len() as u64
        }
    }

    impl ChunkReader for Flaky {
        type T = buf::Reader<Bytes>;

        fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
            self.read()?;
            Ok(self.bytes.slice(usize::try_from(start).unwrap()..).reader())
        }

        fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
            self.read()?;
            let start = usize::try_from(start).unwrap();
            Ok(self.bytes.slice(start..start + length))
        }
    }

    impl Flaky {
        fn read(&self) -> Result<(), ParquetError> {
            let works = self.then == Fate::Works || self.left.fetch_sub(1, Ordering::Relaxed) > 0;
            match self.then {
                Fate::Panics if !works => panic!("the reader gave up"),
                Fate::Fails if !works => Err(ParquetError::External(Box::new(io::Error::other("the disk is gone")))),
                _ => Ok(()),
            }
        }
    }

    /// Readers of a file whose rows count up from `first`, each of all of them; reads of its pages end like this.
    fn readers(first: i64, rows: i64, count: usize, then: Fate) -> Vec<FileRows> {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + rows));
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let properties = WriterProperties::builder()
            .set_data_page_row_count_limit(50)
            .set_write_batch_size(50)
            .set_dictionary_enabled(false)
            .build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let left = Arc::new(AtomicUsize::new(1_000));
        let file = Flaky { bytes: bytes.into(), left: left.clone(), then };
        let reader = || {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone()).unwrap();
            FileRows::from(builder.with_batch_size(50).build().unwrap())
        };
        let readers = (0..count).map(|_| reader()).collect();
        left.store(6, Ordering::Relaxed);
        readers
    }

    /// All rows that are still to come: those of each reader, which are the same.
    fn rest(decoding: &Decoding) -> HandlerResult<Vec<i64>> {
        let mut values = Vec::new();
        loop {
            let batches = decoding.next()?;
            let numbers = batches.iter().map(|batch| batch.as_ref().map(|batch| batch.column(0).as_primitive()));
            let numbers: Vec<Option<&arrow::array::PrimitiveArray<Int64Type>>> = numbers.collect();
            assert!(numbers.windows(2).all(|pair| pair[0] == pair[1]), "groups give other rows");
            match numbers.first().copied().flatten() {
                Some(numbers) => values.extend(numbers.values()),
                None => return Ok(values),
            }
        }
    }

    fn decode(decoders: &Decoders, readers: Vec<FileRows>) -> Decoding {
        decoders.decode(Arc::new("t".to_owned()), readers, 2, 2).unwrap()
    }

    #[test]
    fn files_share_their_threads_and_keep_their_rows() {
        let decoders = Decoders::default();
        let files: Vec<Decoding> =
            (0..5).map(|file| decode(&decoders, readers(file * 1_000, 990, 3, Fate::Works))).collect();
        // Not in the order in which they came.
        for (file, decoding) in files.iter().enumerate().rev() {
            let first = file as i64 * 1_000;
            assert_eq!(rest(decoding).unwrap(), (first..first + 990).collect::<Vec<_>>());
            assert!(rest(decoding).unwrap().is_empty(), "and then there are none");
        }
        assert_eq!(decoders.0.running.lock().unwrap().len(), 2);
        assert_eq!(decoders.0.shared.state().files.len(), 5);
        drop(files);
        assert_eq!(decoders.0.shared.state().files.len(), 0);
    }

    #[test]
    fn a_file_that_nobody_wants_any_more_holds_up_no_other() {
        let decoders = Decoders::default();
        for _ in 0..20 {
            let (unread, begun) = (
                decode(&decoders, readers(0, 5_000, 4, Fate::Works)),
                decode(&decoders, readers(0, 5_000, 4, Fate::Works)),
            );
            let other = decode(&decoders, readers(7, 500, 4, Fate::Works));
            begun.next().unwrap();
            drop((unread, begun));
            assert_eq!(rest(&other).unwrap(), (7..507).collect::<Vec<_>>());
        }
        // Threads that are decoding, or waiting for someone to read, end with it.
        let threads = Arc::downgrade(&decoders.0.shared);
        let unread = decode(&decoders, readers(0, 5_000, 4, Fate::Works));
        drop((decoders, unread));
        assert_eq!(threads.strong_count(), 0, "a thread is still there");
    }

    #[test]
    fn what_ends_one_file_ends_no_other() {
        for (fate, reason) in [(Fate::Fails, "the disk is gone"), (Fate::Panics, "the reader gave up")] {
            let decoders = Decoders::default();
            let bad = decode(&decoders, readers(0, 5_000, 3, fate));
            let good = decode(&decoders, readers(0, 5_000, 3, Fate::Works));
            let error = rest(&bad).unwrap_err();
            assert!(matches!(&error, HandlerError::Damaged { item, .. } if item == "t"), "{error:?}");
            assert!(error.to_string().contains(reason), "{error}");
            assert_eq!(rest(&good).unwrap().len(), 5_000);
        }
    }
}
