//! What is open in a process, and must be left alone in one that is forked from it: the threads behind it exist in the first alone, and
//! whoever waits for them waits for ever.

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// The process that something was opened in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Here(u32);

impl Here {
    /// This one.
    pub(crate) fn new() -> Self {
        Self(std::process::id())
    }

    /// Refuses another process.
    ///
    /// # Errors
    /// `RuntimeError`.
    pub(crate) fn check(self) -> PyResult<()> {
        match self == Self::new() {
            true => Ok(()),
            false => Err(PyRuntimeError::new_err(
                "these rows were opened before this process was forked: open them in this process",
            )),
        }
    }

    /// Lets go of something in the process that has it, and leaves it alone elsewhere.
    pub(crate) fn drop<T>(self, value: T) {
        match self == Self::new() {
            true => drop(value),
            false => std::mem::forget(value),
        }
    }
}

/// Rows that are read in the process alone that has opened them.
pub(crate) struct HereRows {
    reader: Option<Box<dyn RecordBatchReader + Send>>,
    here: Here,
    schema: SchemaRef,
}

impl HereRows {
    pub(crate) fn new(reader: Box<dyn RecordBatchReader + Send>) -> Self {
        Self { schema: reader.schema(), reader: Some(reader), here: Here::new() }
    }
}

impl Iterator for HereRows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.here.check() {
            Ok(()) => self.reader.as_mut()?.next(),
            Err(refused) => Some(Err(ArrowError::ExternalError(Box::new(refused)))),
        }
    }
}

impl RecordBatchReader for HereRows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl Drop for HereRows {
    fn drop(&mut self) {
        self.here.drop(self.reader.take());
    }
}
