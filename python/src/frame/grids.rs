//! What is asked of the cells of a grid.

use arrow::array::RecordBatch;
use datafolio::columns::{Axis, Limits};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::chunks::Chunk;
use super::options::Asked;
use super::{Frame, named, parsed};
use crate::error::{Outcome, arrow_error, python};

/// An axis as the facade gives it.
#[derive(FromPyObject)]
struct GivenAxis {
    #[pyo3(item)]
    name: String,
    #[pyo3(item)]
    expression: String,
    /// `even`, `log`, `values` or `whole`.
    #[pyo3(item)]
    scale: String,
    /// A pair of numbers, a percentage, or none for the least and the greatest value.
    #[pyo3(item)]
    limits: Option<(f64, f64)>,
    #[pyo3(item)]
    percent: Option<f64>,
    #[pyo3(item)]
    bins: usize,
    #[pyo3(item)]
    closed: Option<bool>,
}

impl GivenAxis {
    fn axis(self) -> Outcome<Axis> {
        let expression = parsed(&self.expression)?;
        let limits = match (self.limits, self.percent) {
            (Some((low, high)), _) => Limits::Given(low, high),
            (None, Some(percent)) => Limits::Percent(percent),
            (None, None) => Limits::MinMax,
        };
        let axis = match self.scale.as_str() {
            "even" => Axis::new(expression, limits, self.bins),
            "log" => Axis::logarithmic(expression, limits, self.bins),
            "values" => Axis::values(expression),
            "whole" => Axis::whole(expression),
            other => {
                let reason = format!("scale: there is no '{other}'; give \"even\", \"log\", \"values\" or \"whole\"");
                return Err(python(PyValueError::new_err(reason)));
            }
        };
        let axis = axis.named(self.name);
        Ok(match self.closed {
            Some(closed) => axis.closed(closed),
            None => axis,
        })
    }
}

/// A grid: its shape, its axes (name, edges, and the values of bins that are values), and the values of its cells.
type Answer<'py> = (Vec<usize>, Bound<'py, PyList>, Chunk);

#[pymethods]
impl Frame {
    /// Computes aggregations of each cell.
    #[pyo3(signature = (axes, columns, outer=false, selections=None, options=None))]
    fn grid<'py>(
        &self,
        py: Python<'py>,
        axes: Vec<Bound<'py, PyAny>>,
        columns: Vec<(String, String)>,
        outer: bool,
        selections: Option<Vec<String>>,
        options: Option<Asked>,
    ) -> Outcome<Answer<'py>> {
        let axes = axes.into_iter().map(|axis| axis.extract::<GivenAxis>().map_err(python)?.axis());
        let axes = axes.collect::<Outcome<Vec<_>>>()?;
        let columns = named(&columns)?;
        let selections =
            selections.unwrap_or_default().iter().map(|text| parsed(text)).collect::<Result<Vec<_>, _>>()?;
        let grid = self.pass(py, options, |frame, options| {
            let cells = frame.bin_by(axes).selections(selections);
            let cells = if outer { cells.outer_cells() } else { cells };
            cells.agg_expr(&columns, options)
        })?;
        let told = PyList::empty(py);
        for axis in grid.axes {
            let values = axis.values.map(|values| RecordBatch::try_from_iter_with_nullable([("value", values, true)]));
            let values = values.transpose().map_err(|error| python(arrow_error(py, error)))?.map(Chunk::new);
            told.append((axis.name.to_string(), axis.edges, values)).map_err(python)?;
        }
        let cells =
            RecordBatch::try_from_iter_with_nullable(grid.columns.into_iter().map(|(name, array)| (name, array, true)));
        Ok((grid.shape, told, Chunk::new(cells.map_err(|error| python(arrow_error(py, error)))?)))
    }
}
