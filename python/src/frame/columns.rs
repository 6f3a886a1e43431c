//! The columns of a frame: what they are, and what is made of them.

use datafolio::columns::{Keep, Type, functions};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::functions::kernel;
use super::{Frame, parsed};
use crate::error::{Outcome, python};
use crate::value::{to_json, to_python};

/// The functions that expressions can call: name, arguments, and what each does.
#[pyfunction]
pub(crate) fn frame_functions() -> Vec<(&'static str, Vec<&'static str>, &'static str)> {
    functions().map(|function| (function.name, function.arguments.to_vec(), function.about)).collect()
}

#[pymethods]
impl Frame {
    /// The names of the columns, in order.
    fn names(&self) -> Vec<String> {
        self.columns.columns().map(str::to_owned).collect()
    }

    /// The columns: name, type, unit, description, and the text of those that are computed.
    fn schema<'py>(&self, py: Python<'py>) -> Outcome<Bound<'py, PyList>> {
        let columns = py.detach(|| self.columns.schema())?;
        let list = PyList::empty(py);
        for column in columns {
            let expression = column.expression.map(|expression| expression.to_string());
            let told = (column.name, column.type_.to_string(), column.unit, column.description, expression);
            list.append(told).map_err(python)?;
        }
        Ok(list)
    }

    /// The type of an expression.
    fn type_of(&self, expression: &str) -> Outcome<String> {
        Ok(self.columns.type_of(parsed(expression)?)?.to_string())
    }

    /// The expression as it is written out.
    #[staticmethod]
    fn written(expression: &str) -> Outcome<String> {
        Ok(parsed(expression)?.to_string())
    }

    /// With a column that is computed. Its expression is read, and bound here, so that what is wrong with it is told at once.
    fn with_column(&self, name: &str, expression: &str) -> Outcome<Self> {
        let expression = parsed(expression)?;
        self.columns.type_of(expression.clone())?;
        Ok(self.with(self.columns.with_column(name, expression)))
    }

    /// With a name for a value, which is given as text.
    fn with_variable(&self, name: &str, value: &str) -> Outcome<Self> {
        let mut state = self.columns.state();
        if let Some(variables) = state.get_mut("variables").and_then(serde_json::Value::as_object_mut) {
            variables.insert(name.to_owned(), serde_json::Value::String(value.to_owned()));
        }
        Ok(self.with(self.columns.with_state(&state)?))
    }

    /// With a name for a condition.
    fn with_selection(&self, name: &str, condition: &str) -> Outcome<Self> {
        Ok(self.with(self.columns.with_selection(name, parsed(condition)?)?))
    }

    /// With a function of Python's, which is called with blocks.
    fn with_function(&self, name: &str, returns: &str, function: Py<PyAny>) -> Outcome<Self> {
        let type_ = Type::from_name(returns).ok_or_else(|| {
            python(pyo3::exceptions::PyTypeError::new_err(format!("there is no column of type {returns}")))
        })?;
        Ok(self.with(self.columns.register_function(name, type_, kernel(function))))
    }

    /// Only the rows for which a condition is true.
    fn filter(&self, condition: &str) -> Outcome<Self> {
        Ok(self.with(self.columns.filter(parsed(condition)?)?))
    }

    /// All rows again.
    fn without_filter(&self) -> Self {
        self.with(self.columns.without_filter())
    }

    /// The text of the filter, where there is one.
    fn filter_text(&self) -> Option<String> {
        self.columns.state().get("filter")?.as_str().map(str::to_owned)
    }

    /// Only these columns.
    fn select(&self, names: Vec<String>) -> Outcome<Self> {
        Ok(self.with(self.columns.select(&names)?))
    }

    /// All columns but these.
    fn drop(&self, names: Vec<String>) -> Outcome<Self> {
        Ok(self.with(self.columns.drop(&names)?))
    }

    /// A column by another name.
    fn rename(&self, old: &str, new: &str) -> Outcome<Self> {
        Ok(self.with(self.columns.rename(old, new)?))
    }

    /// What was made of the source, as values of JSON.
    fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.columns.state())
    }

    /// The rows with what a state says.
    fn with_state(&self, state: &Bound<'_, PyDict>) -> Outcome<Self> {
        let state = to_json(state).map_err(python)?;
        Ok(self.with(self.columns.with_state(&state)?))
    }

    /// The tables and versions that the rows come from.
    fn origins(&self) -> Vec<(String, String)> {
        self.columns.origins().iter().map(|origin| (origin.name.clone(), origin.version.clone())).collect()
    }
}

/// Which of missing values and NaN count as values.
pub(super) fn keep(missing: bool, nan: bool) -> Keep {
    Keep { missing, nan }
}
