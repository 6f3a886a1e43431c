//! Frames of the tables of a bundle, and frames that become its tables and views.

use arrow::array::RecordBatchReader;
use datafolio::columns::PassOptions;
use datafolio::{Data, core::item_type};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Frame;
use super::options::Running;
use crate::bundle::Bundle;
use crate::bundle::changes::add_options;
use crate::error::{Outcome, python};
use crate::interrupt::interruptible;
use crate::value::to_json;

#[pymethods]
impl Bundle {
    /// A table, or a view that is the state of a frame, as a frame: of the version that the handle sees, or of another.
    #[pyo3(signature = (name, version=None))]
    fn frame(&self, py: Python<'_>, name: &str, version: Option<&str>) -> Outcome<Frame> {
        let columns = py.detach(|| match version {
            Some(version) => self.folio().frame_of_version(name, version),
            None => self.folio().frame(name),
        })?;
        Ok(Frame::new(columns))
    }

    /// A table as a frame of mapped columns, converted once where it is not stored as such.
    fn mapped_frame(&self, py: Python<'_>, name: &str) -> Outcome<Frame> {
        let running = Running::of(None)?;
        let mapped = interruptible(py, &running.stop, || self.folio().mapped_frame(name, &running.options));
        Ok(Frame::new(mapped.map_err(python)??))
    }

    /// Stores the rows of a frame as a table, with the tables that they come from.
    #[pyo3(signature = (name, frame, options=None))]
    fn add_frame(
        &self,
        py: Python<'_>,
        name: String,
        frame: &Frame,
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        let mut options = add_options(options)?;
        if !self.has_batch() {
            py.detach(|| self.folio().add_frame(&name, &frame.columns, options))?;
            return Ok(());
        }
        // A batch records which tables it was made of, and takes their versions from what it sees itself.
        let inputs: Vec<String> = frame.columns.origins().iter().map(|origin| origin.name.clone()).collect();
        if !inputs.is_empty() && !inputs.contains(&name) {
            options = options.inputs(inputs);
        }
        let rows: Box<dyn RecordBatchReader + Send> =
            Box::new(py.detach(|| frame.columns.to_reader(&PassOptions::default()))?);
        self.change(py, move |batch| batch.add_typed(item_type::INCLUDED_TABLE, &name, Data::Table(rows), options))
    }

    /// Keeps the state of a frame over a table by a name.
    #[pyo3(signature = (name, table, state, options=None))]
    fn add_frame_view(
        &self,
        py: Python<'_>,
        name: String,
        table: String,
        state: &Bound<'_, PyDict>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> Outcome<()> {
        let (state, options) = (to_json(state).map_err(python)?, add_options(options)?);
        self.change(py, move |batch| batch.add_frame_view(&name, &table, &state, options))
    }
}
