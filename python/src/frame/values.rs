//! Single values as values of Python.

use datafolio::columns::Value;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyList, PyString};

/// A value as Python has it. What instants and durations become is the facade's to say, since `datetime` does not hold all of them.
///
/// # Errors
/// Those of the facade: an instant for which numpy is needed.
pub(super) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(yes) => PyBool::new(py, *yes).to_owned().into_any(),
        Value::Int(whole) => whole.into_pyobject(py)?.into_any(),
        Value::Float(number) => PyFloat::new(py, *number).into_any(),
        Value::Text(text) => PyString::new(py, text).into_any(),
        Value::Instant(ticks, unit, zone) => {
            let made = py.import("datafolio.frame._values")?.getattr("instant")?;
            made.call1((*ticks, unit.as_str(), zone.as_deref()))?
        }
        Value::Duration(ticks, unit) => {
            py.import("datafolio.frame._values")?.getattr("duration")?.call1((*ticks, unit.as_str()))?
        }
        Value::List(values) => list(py, values)?.into_any(),
    })
}

/// Values as a list.
///
/// # Errors
/// As [`to_python`].
pub(super) fn list<'py>(py: Python<'py>, values: &[Value]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for value in values {
        list.append(to_python(py, value)?)?;
    }
    Ok(list)
}
