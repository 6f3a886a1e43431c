//! Rows on their way to Python: all of them in memory, or one batch after another.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{RecordBatch, RecordBatchIterator, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafolio::handlers::arrow_type_name;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};

use crate::arrow_value::columns_to_python;
use crate::ending::in_python;
use crate::error::{WRONG_VALUE, argument_error, arrow_error};
use crate::ffi::{export_stream, import_stream};
use crate::fork::HereRows;
use crate::interrupt::{Caller, Desk, Watch, interruptible};

/// Rows in memory, which can be handed over as often as one likes.
#[pyclass(frozen, module = "datafolio._native")]
pub(crate) struct Rows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Rows {
    pub(crate) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, batches }
    }

    pub(crate) fn of_batch(batch: RecordBatch) -> Self {
        Self { schema: batch.schema(), batches: vec![batch] }
    }

    /// Reads all that is left, and looks for Ctrl-C between two batches.
    pub(crate) fn read(py: Python<'_>, mut reader: Box<dyn RecordBatchReader + Send>) -> PyResult<Self> {
        let schema = reader.schema();
        let mut batches = Vec::new();
        while let Some(batch) = py.detach(|| reader.next()) {
            batches.push(batch.map_err(|error| arrow_error(py, error))?);
            py.check_signals()?;
        }
        Ok(Self { schema, batches })
    }

    /// The same, where a batch may take long to come: Ctrl-C stops it meanwhile.
    fn read_watched(py: Python<'_>, reader: Box<dyn RecordBatchReader + Send>, watch: &Watch) -> PyResult<Self> {
        let schema = reader.schema();
        let batches = interruptible(py, watch, move || reader.collect::<Result<Vec<_>, _>>())?;
        Ok(Self { schema, batches: batches.map_err(|error| arrow_error(py, error))? })
    }
}

#[pymethods]
impl Rows {
    /// Takes the rows of any object with `__arrow_c_stream__`.
    #[staticmethod]
    fn from_arrow(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::read(object.py(), import_stream(object)?)
    }

    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    #[getter]
    fn column_names(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// Arrow's names of the types, by column.
    #[getter]
    fn dtypes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dtypes_of(py, &self.schema)
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    /// The columns as lists of plain values.
    fn to_pydict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        columns_to_python(py, &self.column_names(), &self.batches)
    }

    /// Rows `[offset, offset + length)`, which share the memory of these.
    fn slice(&self, offset: usize, length: usize) -> Self {
        let (mut skip, mut left, mut batches) = (offset, length, Vec::new());
        for batch in &self.batches {
            let from = skip.min(batch.num_rows());
            let rows = left.min(batch.num_rows() - from);
            if rows > 0 {
                batches.push(batch.slice(from, rows));
            }
            (skip, left) = (skip - from, left - rows);
        }
        Self::new(self.schema.clone(), batches)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The schema that is asked for is a wish, which the protocol lets a producer pass over.
        drop(requested_schema);
        let batches: Vec<Result<RecordBatch, ArrowError>> = self.batches.iter().cloned().map(Ok).collect();
        export_stream(py, Box::new(RecordBatchIterator::new(batches, self.schema.clone())))
    }
}

/// Rows that come one batch after another, and are gone then.
#[pyclass(frozen, module = "datafolio._native")]
pub(crate) struct RowStream {
    schema: SchemaRef,
    reader: Mutex<Option<Box<dyn RecordBatchReader + Send>>>,
    /// What looks after a batch that takes long to come.
    watch: Option<Arc<Watch>>,
    /// The row of the table behind the last one that has come, of the chunks of a table.
    position: Option<Arc<AtomicU64>>,
}

impl RowStream {
    pub(crate) fn new(reader: Box<dyn RecordBatchReader + Send>) -> Self {
        let reader: Box<dyn RecordBatchReader + Send> = Box::new(HereRows::new(reader));
        Self { schema: reader.schema(), reader: Mutex::new(Some(reader)), watch: None, position: None }
    }

    /// Rows that something else than reading makes, and that it can be told to stop.
    pub(crate) fn watched(reader: Box<dyn RecordBatchReader + Send>, watch: Arc<Watch>) -> Self {
        Self { watch: Some(watch), ..Self::new(reader) }
    }

    /// Rows that come in the order of a table, of which somebody keeps track.
    pub(crate) fn with_position(self, position: Arc<AtomicU64>) -> Self {
        Self { position: Some(position), ..self }
    }

    fn next_batch(&self) -> Option<Result<RecordBatch, ArrowError>> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let next = reader.as_mut().and_then(Iterator::next);
        if next.is_none() {
            *reader = None;
        }
        next
    }

    fn take(&self) -> PyResult<Box<dyn RecordBatchReader + Send>> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.take().ok_or_else(|| PyValueError::new_err("these rows have been handed over already"))
    }
}

#[pymethods]
impl RowStream {
    #[getter]
    fn column_names(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// Arrow's names of the types, by column.
    #[getter]
    fn dtypes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dtypes_of(py, &self.schema)
    }

    /// The row of the table behind the last one that has come; `None` where rows are in no order of a table.
    #[getter]
    fn position(&self) -> Option<u64> {
        self.position.as_ref().map(|position| position.load(Ordering::Relaxed))
    }

    fn __iter__(stream: Bound<'_, Self>) -> Bound<'_, Self> {
        stream
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Rows> {
        // Two threads that ask for the next batch get one each: the lock is taken without the interpreter.
        let next = match &self.watch {
            None => py.detach(|| self.next_batch()),
            Some(watch) => interruptible(py, watch, || self.next_batch())?,
        };
        py.check_signals()?;
        if let Some(batch) = next {
            return Ok(Rows::of_batch(batch.map_err(|error| arrow_error(py, error))?));
        }
        self.watch.as_ref().map_or(Ok(()), |watch| watch.done(py))?;
        Err(PyStopIteration::new_err(()))
    }

    /// All rows that are left.
    fn read_all(&self, py: Python<'_>) -> PyResult<Rows> {
        let Some(watch) = &self.watch else { return Rows::read(py, self.take()?) };
        let rows = Rows::read_watched(py, self.take()?, watch)?;
        watch.done(py)?;
        Ok(rows)
    }

    /// Lets go of the files under it.
    fn close(&self, py: Python<'_>) {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Threads that read ahead are waited for.
        py.detach(|| drop(reader));
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // As in `Rows`.
        drop(requested_schema);
        export_stream(py, self.take()?)
    }
}

/// Rows that are taken in the thread that called from Python, whoever wants them: what is behind them may belong to that thread. They end
/// with an error once somebody has asked for that.
struct Fetched {
    reader: Option<Box<dyn RecordBatchReader + Send>>,
    schema: SchemaRef,
    caller: Caller,
    stop: Arc<AtomicBool>,
}

impl Iterator for Fetched {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.reader.take()?;
        let fetched = match self.stop.load(Ordering::Relaxed) {
            true => None,
            false => self.caller.run(move || (reader.next(), reader)),
        };
        let Some((next, reader)) = fetched else {
            return Some(Err(ArrowError::ExternalError("the rows were stopped".into())));
        };
        self.reader = Some(reader);
        next
    }
}

impl RecordBatchReader for Fetched {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// Rows that are to be stored, from an object of Python.
pub(crate) struct RowsToStore {
    pub(crate) reader: Box<dyn RecordBatchReader + Send>,
    /// What stops them.
    pub(crate) watch: Watch,
    /// Where the caller has to wait, to give the rows.
    pub(crate) desk: Desk,
}

impl RowsToStore {
    /// The rows of an object with `__arrow_c_stream__`, or with `chunks` of all that an iterator gives; `argument` is what a caller knows
    /// them as.
    ///
    /// # Errors
    /// Those of the object; `InvalidInputError` for an iterator that gives nothing.
    pub(crate) fn of(rows: &Bound<'_, PyAny>, chunks: bool, argument: &str) -> PyResult<Self> {
        let reader = match chunks {
            false => import_stream(rows)?,
            true => chunks_of(rows)?.ok_or_else(|| {
                let says = format!(
                    "{argument}: the iterator gives no chunk, so that the columns of the table are not known: give at least one, \
                     which may have no rows"
                );
                argument_error(rows.py(), WRONG_VALUE, &says)
            })?,
        };
        let (stop, desk) = (Arc::new(AtomicBool::new(false)), Desk::new());
        let watch = Watch::new({
            let stop = Arc::clone(&stop);
            move || stop.store(true, Ordering::Relaxed)
        });
        let reader = Box::new(Fetched { schema: reader.schema(), reader: Some(reader), caller: desk.caller(), stop });
        Ok(Self { reader, watch, desk })
    }
}

/// Chunks that an iterator of Python gives, as one stream of rows: each is an object with `__arrow_c_stream__`.
struct Chunks {
    schema: SchemaRef,
    chunk: Option<Box<dyn RecordBatchReader + Send>>,
    iterator: Py<PyAny>,
}

impl Chunks {
    /// The next chunk, or `None` at the end.
    fn next_chunk(iterator: &Bound<'_, PyAny>) -> PyResult<Option<Box<dyn RecordBatchReader + Send>>> {
        let mut iterator = iterator.try_iter()?;
        iterator.next().map(|chunk| import_stream(&chunk?)).transpose()
    }
}

impl Iterator for Chunks {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.chunk.as_mut()?.next() {
                return Some(batch);
            }
            let next = in_python(|py| Self::next_chunk(self.iterator.bind(py)));
            let ends = || Err(PyRuntimeError::new_err("the interpreter ends"));
            match next.unwrap_or_else(ends) {
                Ok(chunk) => self.chunk = chunk,
                Err(error) => {
                    self.chunk = None;
                    return Some(Err(ArrowError::ExternalError(Box::new(error))));
                }
            }
        }
    }
}

impl RecordBatchReader for Chunks {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// The rows of all chunks that an iterator gives; `None` when it gives none.
///
/// # Errors
/// Those of the iterator, and of the first chunk.
fn chunks_of(iterator: &Bound<'_, PyAny>) -> PyResult<Option<Box<dyn RecordBatchReader + Send>>> {
    let iterator = iterator.try_iter()?.into_any();
    Ok(Chunks::next_chunk(&iterator)?.map(|chunk| {
        let (schema, iterator) = (chunk.schema(), iterator.unbind());
        let chunks: Box<dyn RecordBatchReader + Send> = Box::new(Chunks { schema, chunk: Some(chunk), iterator });
        chunks
    }))
}

fn dtypes_of<'py>(py: Python<'py>, schema: &SchemaRef) -> PyResult<Bound<'py, PyDict>> {
    let dtypes = PyDict::new(py);
    for field in schema.fields() {
        dtypes.set_item(field.name(), arrow_type_name(field.data_type()))?;
    }
    Ok(dtypes)
}
