//! Writing HDF5 files in two steps, as Vaex's writer does.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafolio::columns::hdf5::{Hdf5Writer as Writer, Rows};
use datafolio::columns::{ColumnsResult, Frame as Columns, PassOptions};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::Frame;
use super::export::hdf5_options;
use super::options::{Asked, Running};
use crate::error::{Outcome, python};
use crate::interrupt::interruptible;

/// A file that is being written. It appears when `finish` is called, whole or not at all.
#[pyclass(frozen, module = "datafolio._native")]
pub(crate) struct Hdf5Writer {
    writer: Mutex<Option<Writer>>,
}

/// The rows of a frame, as the writer walks them.
struct FrameRows<'f> {
    frame: &'f Columns,
    schema: SchemaRef,
    rows: u64,
    pass: PassOptions,
}

impl<'f> FrameRows<'f> {
    fn of(frame: &'f Columns, pass: &PassOptions) -> ColumnsResult<Self> {
        // The writer tells of the progress itself.
        let pass = PassOptions { progress: None, ..pass.clone() };
        Ok(Self { frame, schema: frame.arrow_schema()?, rows: frame.count_rows(&pass)?, pass })
    }
}

impl Rows for FrameRows<'_> {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batches(
        &self,
        columns: &[usize],
    ) -> ColumnsResult<Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + '_>> {
        let fields = self.schema.fields();
        let names = columns.iter().filter_map(|column| fields.get(*column)).map(|field| field.name().as_str());
        let reader = self.frame.reader_of(&names.collect::<Vec<_>>(), &self.pass)?;
        Ok(Box::new(reader.map(|batch| Ok(batch?))))
    }
}

/// Writes with a writer that is there, while Ctrl-C and the callable for the progress can stop it.
type Step<'s> = &'s (dyn Fn(&mut Writer, &FrameRows<'_>, &(dyn Fn(f64) -> bool + Sync)) -> ColumnsResult<()> + Sync);

impl Hdf5Writer {
    fn step(&self, py: Python<'_>, frame: &Frame, options: Option<Asked>, step: Step<'_>) -> Outcome<()> {
        let running = Running::within(&frame.limits, options);
        let done = interruptible(py, &running.watch, || {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(writer) = writer.as_mut() else { return Ok(None) };
            let rows = FrameRows::of(&frame.columns, &running.options)?;
            let told = |fraction: f64| {
                let stopped = running
                    .options
                    .cancel
                    .as_ref()
                    .is_some_and(|cancel| cancel.load(std::sync::atomic::Ordering::Relaxed));
                // Parts of a million stand for a fraction.
                let parts = (fraction * 1e6).round() as u64;
                let goes_on = running.options.progress.as_ref().is_none_or(|progress| progress(parts, 1_000_000));
                !stopped && goes_on
            };
            step(writer, &rows, &told).map(Some)
        });
        match running.finish(done.map_err(python)?)? {
            Some(()) => Ok(()),
            None => Err(python(PyValueError::new_err("the writer is closed"))),
        }
    }
}

#[pymethods]
impl Hdf5Writer {
    #[new]
    fn new(py: Python<'_>, path: PathBuf, group: String, mode: &str, byteorder: &str) -> Outcome<Self> {
        let options = hdf5_options(group, mode, byteorder)?;
        let writer = py.detach(|| Writer::create(path, options))?;
        Ok(Self { writer: Mutex::new(Some(writer)) })
    }

    /// Looks at the rows of a frame, and makes room for them.
    #[pyo3(signature = (frame, options=None))]
    fn layout(&self, py: Python<'_>, frame: &Frame, options: Option<Asked>) -> Outcome<()> {
        self.step(py, frame, options, &|writer, rows, progress| writer.layout(rows, Some(progress)))
    }

    /// Writes the rows that `layout` has seen.
    #[pyo3(signature = (frame, chunk_size, column_count, threads, options=None))]
    fn write(
        &self,
        py: Python<'_>,
        frame: &Frame,
        chunk_size: usize,
        column_count: usize,
        threads: usize,
        options: Option<Asked>,
    ) -> Outcome<()> {
        self.step(py, frame, options, &move |writer, rows, progress| {
            writer.write(rows, chunk_size, column_count, threads, Some(progress))
        })
    }

    /// Brings the file under its name.
    fn finish(&self, py: Python<'_>) -> Outcome<()> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        match writer {
            Some(writer) => Ok(py.detach(|| writer.finish())?),
            None => Ok(()),
        }
    }

    /// Lets go of what there is of the file.
    fn abandon(&self, py: Python<'_>) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(writer));
    }
}
