//! JSON values as values of Python, and back.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value};

/// How deep values may lie within each other, as the catalogue allows.
const DEEPEST: usize = 200;

/// A JSON value as Python has it.
///
/// # Errors
/// When Python has no memory.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(yes) => PyBool::new(py, *yes).to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => whole.into_pyobject(py)?.into_any(),
            (None, Some(whole)) => whole.into_pyobject(py)?.into_any(),
            (None, None) => PyFloat::new(py, number.as_f64().unwrap_or(f64::NAN)).into_any(),
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(to_python(py, value)?)?;
            }
            list.into_any()
        }
        Value::Object(fields) => object_to_python(py, fields)?.into_any(),
    })
}

/// The fields of an object as a dict, in their order.
///
/// # Errors
/// When Python has no memory.
pub(crate) fn object_to_python<'py>(py: Python<'py>, fields: &Map<String, Value>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in fields {
        dict.set_item(key, to_python(py, value)?)?;
    }
    Ok(dict)
}

/// Whatever can be written as JSON, as Python has it.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn facts_to_python<'py>(py: Python<'py>, facts: &impl serde::Serialize) -> PyResult<Bound<'py, PyAny>> {
    let value = serde_json::to_value(facts).map_err(|error| PyValueError::new_err(error.to_string()))?;
    to_python(py, &value)
}

/// A value of Python as JSON. The package has made plain values of everything else before.
///
/// # Errors
/// `TypeError` for what JSON has no form of, `ValueError` for whole numbers of more than 64 bits, floats that are no
/// numbers, and values that lie too deep in each other.
pub(crate) fn to_json(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    json_within(object, 0)
}

/// A dict as the fields of an object.
///
/// # Errors
/// As [`to_json`]; `TypeError` for what is no dict.
pub(crate) fn to_object(object: &Bound<'_, PyAny>) -> PyResult<Map<String, Value>> {
    match to_json(object)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(PyTypeError::new_err("a dict is wanted")),
    }
}

fn json_within(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if depth > DEEPEST {
        return Err(PyValueError::new_err(format!("the value holds others more than {DEEPEST} deep, or itself")));
    }
    if object.is_none() {
        Ok(Value::Null)
    } else if let Ok(yes) = object.cast_exact::<PyBool>() {
        Ok(Value::Bool(yes.is_true()))
    } else if let Ok(text) = object.cast::<PyString>() {
        Ok(Value::String(text.to_str()?.to_owned()))
    } else if object.is_instance_of::<PyInt>() {
        whole_number(object)
    } else if let Ok(number) = object.cast::<PyFloat>() {
        Number::from_f64(number.value())
            .map(Value::Number)
            .ok_or_else(|| PyValueError::new_err(format!("JSON has no form of the number {}", number.value())))
    } else if let Ok(fields) = object.cast::<PyDict>() {
        let mut map = Map::new();
        for (key, value) in fields.iter() {
            let key = key
                .cast_into::<PyString>()
                .map_err(|_| PyTypeError::new_err("the keys of JSON objects are strings"))?;
            map.insert(key.to_str()?.to_owned(), json_within(&value, depth + 1)?);
        }
        Ok(Value::Object(map))
    } else if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let values = object.try_iter()?.map(|value| json_within(&value?, depth + 1));
        Ok(Value::Array(values.collect::<PyResult<_>>()?))
    } else {
        Err(PyTypeError::new_err(format!("not JSON-serializable: a value of type {}", object.get_type().name()?)))
    }
}

fn whole_number(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(number) = object.extract::<i64>() {
        return Ok(number.into());
    }
    object.extract::<u64>().map(Value::from).map_err(|_| {
        PyValueError::new_err(format!("not JSON-serializable: {object} is a whole number of more than 64 bits"))
    })
}
