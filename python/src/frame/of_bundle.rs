//! Frames of the tables of a bundle, and frames that become its tables and views.

use datafolio::columns::Frame as Columns;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::Frame;
use super::options::{Limits, Running};
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
        let columns = self.read(py, |folio| match version {
            Some(version) => folio.frame_of_version(name, version),
            None => folio.frame(name),
        })?;
        Ok(self.frame_here(columns))
    }

    /// A table as a frame of mapped columns, converted once where it is not stored as such.
    fn mapped_frame(&self, py: Python<'_>, name: &str) -> Outcome<Frame> {
        let running = Running::within(&Limits::of(self.settings_here()), None);
        let mapped = self.read_watched(py, &running.watch, |folio| folio.mapped_frame(name, &running.options))?;
        Ok(self.frame_here(mapped))
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
        let options = add_options(options)?;
        let running = Running::within(&frame.limits, None);
        let (columns, pass) = (frame.columns.clone(), running.options.clone());
        let add = || self.changed(move |batch| batch.add_frame(&name, &columns, options, &pass));
        interruptible(py, &running.watch, add).map_err(python)??;
        Ok(())
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

#[pymethods]
impl Frame {
    /// What a pass may take where nothing else is said: threads, bytes of memory, and where it spills.
    fn limits(&self) -> (Option<usize>, u64, Option<String>) {
        self.limits.told()
    }
}

impl Bundle {
    /// A frame whose passes go by the settings of this handle.
    pub(crate) fn frame_here(&self, columns: Columns) -> Frame {
        Frame::within(columns, Limits::of(self.settings_here()))
    }
}
