//! Stages: places where workers of other programs write the files of a table.

use datafolio::StageOptions;
use pyo3::prelude::*;

use super::Bundle;
use crate::error::{Outcome, python};
use crate::value::facts_to_python;

#[pymethods]
impl Bundle {
    /// Begins a stage.
    #[pyo3(signature = (name, *, append=false, overwrite=false, evolve=false, description=None, inputs=None))]
    #[allow(clippy::too_many_arguments)]
    fn stage_table<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        append: bool,
        overwrite: bool,
        evolve: bool,
        description: Option<String>,
        inputs: Option<Vec<String>>,
    ) -> Outcome<Bound<'py, PyAny>> {
        let mut options = StageOptions::new().inputs(inputs.unwrap_or_default());
        if append {
            options = options.append();
        } else if overwrite {
            options = options.overwrite();
        }
        (options.evolve, options.description) = (evolve, description);
        facts_to_python(py, &py.detach(|| self.folio.stage_table(name, &options))?).map_err(python)
    }

    /// The stages that were neither committed nor aborted.
    fn stages<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &py.detach(|| self.folio.stages())?).map_err(python)
    }

    /// Makes a table of all files of a stage.
    #[pyo3(signature = (id, rows=None))]
    fn commit_stage<'py>(&self, py: Python<'py>, id: &str, rows: Option<u64>) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &py.detach(|| self.folio.commit_stage(id, rows))?).map_err(python)
    }

    /// Removes a stage with all that was written to it.
    fn abort_stage<'py>(&self, py: Python<'py>, id: &str) -> Outcome<Bound<'py, PyAny>> {
        facts_to_python(py, &py.detach(|| self.folio.abort_stage(id))?).map_err(python)
    }
}
