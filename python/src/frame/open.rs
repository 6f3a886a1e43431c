//! Frames of files, and of what Python has in memory.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use datafolio::columns::{Frame as Columns, MemoryResults, OpenOptions};
use datafolio::{ImportOptions, Settings};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Frame;
use super::arrays::array_of;
use super::options::{Asked, Limits, Running};
use crate::error::{Outcome, arrow_error, python};
use crate::ffi::import_stream;
use crate::interrupt::interruptible;

/// Bytes of answers that are kept of all files together.
const KEPT: usize = 64 << 20;

/// Where answers of files are kept, for all frames of the process.
fn results() -> Arc<MemoryResults> {
    static RESULTS: OnceLock<Arc<MemoryResults>> = OnceLock::new();
    RESULTS.get_or_init(|| Arc::new(MemoryResults::new(KEPT))).clone()
}

/// Opens files as a frame. Text (CSV, TSV, JSON lines) is converted once, to the cache directory.
#[pyfunction]
#[pyo3(signature = (paths, group=None, mapped=true, strict=false, options=None))]
pub(crate) fn open_frame(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    group: Option<String>,
    mapped: bool,
    strict: bool,
    options: Option<Asked>,
) -> Outcome<Frame> {
    if paths.iter().any(|path| is_text(path)) {
        let running = Running::within(&Limits::of_user()?, options);
        let settings = Settings::load()?;
        let import = ImportOptions::default();
        let opened =
            interruptible(py, &running.watch, || datafolio::open_frame(&paths, &import, &settings, &running.options));
        return match opened.map_err(python)? {
            Ok(columns) => Frame::new(columns),
            Err(datafolio::Error::Columns(error)) => running.finish(Err(error)),
            Err(error) => Err(error.into()),
        };
    }
    let open = OpenOptions { mapped, group, strict, content: None };
    let columns = py.detach(|| Columns::open_with(paths, &open))?;
    // Files are told by path, length, time and inode, at each question.
    Frame::new(columns.with_results(results()))
}

/// Whether a path, or a pattern, names text.
fn is_text(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zip")).unwrap_or(&name);
    [".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".txt"].iter().any(|ending| name.ends_with(ending))
}

/// The rows of any object with `__arrow_c_stream__`. What is larger than a share of the memory goes to a file that is gone with the frame.
#[pyfunction]
#[pyo3(signature = (object, options=None))]
pub(crate) fn frame_of_arrow(py: Python<'_>, object: &Bound<'_, PyAny>, options: Option<Asked>) -> Outcome<Frame> {
    let reader = import_stream(object).map_err(python)?;
    let running = Running::within(&Limits::of_user()?, options);
    let read = interruptible(py, &running.watch, || Columns::from_reader(reader, &running.options));
    Frame::new(running.finish(read.map_err(python)?)?)
}

/// A frame of arrays, which are given by name as the parts of arrays of numpy, or as lists of texts.
#[pyfunction]
pub(crate) fn frame_of_arrays(py: Python<'_>, columns: &Bound<'_, PyDict>) -> Outcome<Frame> {
    let mut arrays: Vec<(String, ArrayRef)> = Vec::new();
    for (name, given) in columns.iter() {
        arrays.push((name.extract().map_err(python)?, array_of(&given).map_err(python)?));
    }
    let batch = match arrays.is_empty() {
        true => Ok(RecordBatch::new_empty(Arc::new(Schema::empty()))),
        false => RecordBatch::try_from_iter_with_nullable(arrays.into_iter().map(|(name, array)| (name, array, true))),
    };
    let batch = batch.map_err(|error| python(arrow_error(py, error)))?;
    Frame::new(Columns::from_batches(batch.schema(), vec![batch])?)
}
