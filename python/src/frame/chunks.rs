//! Rows of a frame on their way to Python, in chunks of a length that the caller chooses.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafolio::columns::FrameBatches;
use pyo3::exceptions::{PyIndexError, PyStopIteration};
use pyo3::prelude::*;

use super::arrays::Parts;
use super::options::{Asked, Running};
use super::{Frame, named};
use crate::error::{Outcome, arrow_error, python};
use crate::fork::Here;
use crate::interrupt::interruptible;
use crate::rows::{RowStream, Rows};

/// Some rows, in memory.
#[pyclass(frozen, module = "datafolio._native")]
pub(crate) struct Chunk {
    batch: RecordBatch,
}

impl Chunk {
    pub(super) fn new(batch: RecordBatch) -> Self {
        Self { batch }
    }
}

#[pymethods]
impl Chunk {
    fn __len__(&self) -> usize {
        self.batch.num_rows()
    }

    /// The parts of an array of numpy of a column: type, bytes, mask, shape of a row; none where there is no such array.
    fn numpy<'py>(&self, py: Python<'py>, at: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        let column = self.batch.columns().get(at).ok_or_else(|| PyIndexError::new_err("there is no such column"))?;
        let parts = py.detach(|| Parts::of(column)).map_err(|error| arrow_error(py, error))?;
        parts.map(|parts| parts.to_python(py)).transpose()
    }

    /// The rows, to be handed to any library.
    fn rows(&self) -> Rows {
        Rows::of_batch(self.batch.clone())
    }
}

/// Rows that come in chunks.
#[pyclass(frozen, module = "datafolio._native")]
pub(crate) struct Chunks {
    state: Mutex<State>,
    running: Running,
    here: Here,
}

struct State {
    batches: Option<Gentle<FrameBatches>>,
    schema: SchemaRef,
    waiting: VecDeque<RecordBatch>,
    rows: usize,
    /// Rows of a chunk; none for as many as come.
    wanted: Option<usize>,
}

impl State {
    fn next(&mut self) -> Result<Option<RecordBatch>, Stopped> {
        let wanted = self.wanted.unwrap_or(1);
        while self.rows < wanted {
            match self.batches.as_mut().and_then(Iterator::next) {
                Some(batch) => {
                    let batch = batch.map_err(Stopped::Columns)?;
                    self.rows += batch.num_rows();
                    if batch.num_rows() > 0 {
                        self.waiting.push_back(batch);
                    }
                }
                None => {
                    self.batches = None;
                    break;
                }
            }
        }
        if self.rows == 0 {
            return Ok(None);
        }
        let mut left = self.wanted.unwrap_or(usize::MAX).min(self.rows);
        let mut parts = Vec::new();
        while left > 0 {
            let Some(batch) = self.waiting.pop_front() else { break };
            let take = left.min(batch.num_rows());
            parts.push(batch.slice(0, take));
            if take < batch.num_rows() {
                self.waiting.push_front(batch.slice(take, batch.num_rows() - take));
            }
            self.rows -= take;
            left -= take;
        }
        match parts.as_slice() {
            [one] => Ok(Some(one.clone())),
            parts => Ok(Some(concat_batches(&self.schema, parts).map_err(Stopped::Arrow)?)),
        }
    }

    /// All that is left, as one.
    fn rest(&mut self) -> Result<RecordBatch, Stopped> {
        let mut parts: Vec<RecordBatch> = self.waiting.drain(..).collect();
        for batch in self.batches.take().into_iter().flatten() {
            parts.push(batch.map_err(Stopped::Columns)?);
        }
        match parts.as_slice() {
            [one] => Ok(one.clone()),
            parts => concat_batches(&self.schema, parts).map_err(Stopped::Arrow),
        }
    }
}

/// Why no more rows come.
enum Stopped {
    Columns(datafolio::columns::ColumnsError),
    Arrow(ArrowError),
}

impl From<Stopped> for datafolio::columns::ColumnsError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Columns(error) => error,
            Stopped::Arrow(error) => Self::Arrow(error),
        }
    }
}

#[pymethods]
impl Chunks {
    fn __iter__(chunks: Bound<'_, Self>) -> Bound<'_, Self> {
        chunks
    }

    fn __next__(&self, py: Python<'_>) -> Outcome<Chunk> {
        self.here.check().map_err(python)?;
        let next = interruptible(py, &self.running.watch, || self.locked(State::next)).map_err(python)?;
        match self.running.checked(next.map_err(Into::into))? {
            Some(batch) => Ok(Chunk::new(batch)),
            None => {
                self.running.finish(Ok(()))?;
                Err(python(PyStopIteration::new_err(())))
            }
        }
    }
}

impl Chunks {
    fn locked<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl Frame {
    /// The values of expressions, under names of their own, in chunks of so many rows.
    #[pyo3(signature = (columns, chunk_size=None, options=None))]
    fn chunks(
        &self,
        py: Python<'_>,
        columns: Vec<(String, String)>,
        chunk_size: Option<usize>,
        options: Option<Asked>,
    ) -> Outcome<Chunks> {
        let running = Running::within(&self.limits, options);
        let columns = named(&columns)?;
        let batches = py.detach(|| self.columns.evaluate(columns, &running.options))?;
        let schema = batches.schema();
        let wanted = chunk_size.map(|size| size.max(1));
        let batches = Some(Gentle::new(batches));
        let state = State { batches, schema, waiting: VecDeque::new(), rows: 0, wanted };
        Ok(Chunks { state: Mutex::new(state), running, here: Here::new() })
    }

    /// The values of expressions, in all rows at once.
    #[pyo3(signature = (columns, options=None))]
    fn collect(&self, py: Python<'_>, columns: Vec<(String, String)>, options: Option<Asked>) -> Outcome<Chunk> {
        let chunks = self.chunks(py, columns, None, options)?;
        let rest = interruptible(py, &chunks.running.watch, || chunks.locked(State::rest)).map_err(python)?;
        Ok(Chunk::new(chunks.running.finish(rest.map_err(Into::into))?))
    }

    /// The rows one batch after another, as they are computed.
    #[pyo3(signature = (columns, options=None))]
    fn stream(&self, py: Python<'_>, columns: Vec<(String, String)>, options: Option<Asked>) -> Outcome<RowStream> {
        let running = Running::within(&self.limits, options);
        let columns = named(&columns)?;
        let batches = py.detach(|| self.columns.evaluate(columns, &running.options))?;
        let reader = Reader { schema: batches.schema(), batches: Gentle::new(batches) };
        Ok(RowStream::watched(Box::new(reader), running.watch.clone()))
    }
}

/// Something that is waited for without the interpreter, whoever asks: its threads may call functions of Python, and would wait for
/// the one who waits for them.
struct Gentle<T: Send> {
    inner: Option<T>,
    here: Here,
}

impl<T: Send> Gentle<T> {
    fn new(inner: T) -> Self {
        Self { inner: Some(inner), here: Here::new() }
    }
}

impl<T: Iterator + Send> Iterator for Gentle<T>
where
    T::Item: Send,
{
    type Item = T::Item;

    fn next(&mut self) -> Option<T::Item> {
        let inner = self.inner.as_mut()?;
        Python::attach(|py| py.detach(|| inner.next()))
    }
}

impl<T: Send> Drop for Gentle<T> {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            if self.here.check().is_err() {
                self.here.drop(inner);
                return;
            }
            // Not while the interpreter ends, when nobody can be attached any more.
            if let Some(dropped) = Python::try_attach(|py| py.detach(|| drop(inner))) {
                dropped
            }
        }
    }
}

struct Reader {
    schema: SchemaRef,
    batches: Gentle<FrameBatches>,
}

impl Iterator for Reader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.batches.next()?.map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for Reader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
