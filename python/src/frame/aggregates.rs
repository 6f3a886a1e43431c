//! What is asked of all rows, or of groups of them.

use datafolio::columns::{Key, Metric, ValueCounts};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::columns::keep;
use super::options::Asked;
use super::values::{list, to_python};
use super::{Frame, named, parsed};
use crate::error::{Outcome, python};
use crate::rows::Rows;

#[pymethods]
impl Frame {
    /// Computes aggregations that are written as text, all in one pass.
    #[pyo3(signature = (texts, options=None))]
    fn compute<'py>(&self, py: Python<'py>, texts: Vec<String>, options: Option<Asked>) -> Outcome<Bound<'py, PyList>> {
        let values = self.pass(py, options, |frame, options| frame.compute_with(&texts, options))?;
        list(py, &values).map_err(python)
    }

    /// Computes aggregations of each group: the keys and a column for each. `order` is `None`, `"ascending"` or `"descending"`.
    #[pyo3(signature = (keys, columns, order=None, options=None))]
    fn groups(
        &self,
        py: Python<'_>,
        keys: Vec<(String, String)>,
        columns: Vec<(String, String)>,
        order: Option<&str>,
        options: Option<Asked>,
    ) -> Outcome<Rows> {
        let keys: Vec<Key> = named(&keys)?.into_iter().map(Key::from).collect();
        let columns = named(&columns)?;
        let groups = self.pass(py, options, |frame, options| {
            let groups = frame.group_by(keys);
            let groups = match order {
                Some("descending") => groups.sorted_descending(),
                Some(_) => groups.sorted(),
                None => groups,
            };
            groups.agg_expr(&columns, options)
        })?;
        Ok(Rows::of_batch(groups))
    }

    /// How often each value occurs.
    #[pyo3(signature = (expression, missing=true, nan=true, ascending=false, limit=None, selection=None, options=None))]
    #[allow(clippy::too_many_arguments)]
    fn value_counts(
        &self,
        py: Python<'_>,
        expression: &str,
        missing: bool,
        nan: bool,
        ascending: bool,
        limit: Option<usize>,
        selection: Option<&str>,
        options: Option<Asked>,
    ) -> Outcome<Rows> {
        let expression = parsed(expression)?;
        let selection = selection.map(parsed).transpose()?;
        let counted = ValueCounts { keep: keep(missing, nan), ascending, limit, selection };
        let counts = self.pass(py, options, |frame, options| frame.value_counts_with(expression, &counted, options))?;
        Ok(Rows::of_batch(counts))
    }

    /// The rows with the greatest or least values.
    #[pyo3(signature = (expression, k, descending, columns, options=None))]
    fn top_k(
        &self,
        py: Python<'_>,
        expression: &str,
        k: usize,
        descending: bool,
        columns: Vec<String>,
        options: Option<Asked>,
    ) -> Outcome<Rows> {
        let expression = parsed(expression)?;
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let top =
            self.pass(py, options, |frame, options| frame.top_k_with(expression, k, descending, &columns, options))?;
        Ok(Rows::of_batch(top))
    }

    /// The rows whose vectors are nearest to one.
    #[pyo3(signature = (vector, target, k, metric, columns))]
    fn nearest(
        &self,
        py: Python<'_>,
        vector: &str,
        target: Vec<f64>,
        k: usize,
        metric: &str,
        columns: Vec<String>,
    ) -> Outcome<Rows> {
        let vector = parsed(vector)?;
        let metric = match metric {
            "dot" => Metric::Dot,
            "cosine" => Metric::Cosine,
            "l2" | "euclidean" => Metric::L2,
            other => {
                let reason = format!("metric: there is no '{other}'; give \"cosine\", \"dot\" or \"l2\"");
                return Err(python(PyValueError::new_err(reason)));
            }
        };
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let nearest = self.pass(py, None, |frame, _| frame.nearest(vector, &target, k, metric, &columns))?;
        Ok(Rows::of_batch(nearest))
    }

    /// What each column holds.
    #[pyo3(signature = (options=None))]
    fn describe<'py>(&self, py: Python<'py>, options: Option<Asked>) -> Outcome<Bound<'py, PyList>> {
        let columns = self.pass(py, options, |frame, options| frame.describe_with(options))?;
        let told = PyList::empty(py);
        for column in columns {
            let fields = PyDict::new(py);
            let fill = || -> PyResult<()> {
                fields.set_item("name", &column.name)?;
                fields.set_item("dtype", column.type_.to_string())?;
                fields.set_item("count", column.rows - column.missing)?;
                fields.set_item("missing", column.missing)?;
                fields.set_item("distinct", column.distinct)?;
                fields.set_item("mean", to_python(py, &column.mean)?)?;
                fields.set_item("std", to_python(py, &column.std)?)?;
                fields.set_item("min", to_python(py, &column.min)?)?;
                fields.set_item("max", to_python(py, &column.max)?)
            };
            fill().map_err(python)?;
            told.append(fields).map_err(python)?;
        }
        Ok(told)
    }
}
