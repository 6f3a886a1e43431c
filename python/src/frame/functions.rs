//! Functions of Python over blocks of rows.

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::arrays::{Parts, array_of};
use crate::ending::in_python;

/// What calls a function of Python with the columns of a block. The facade's half makes arrays of numpy of their parts, and parts of the
/// array that the function returns.
pub(super) fn kernel(function: Py<PyAny>) -> impl Fn(&[ArrayRef]) -> Result<ArrayRef, String> + Send + Sync + 'static {
    move |arrays| {
        // Blocks are copied before the interpreter is asked for: other threads have it meanwhile.
        let parts = arrays.iter().map(Parts::of).collect::<Result<Vec<_>, _>>();
        let parts = parts.map_err(|error| error.to_string())?;
        let called = in_python(|py| {
            let arguments = PyList::empty(py);
            for (array, parts) in arrays.iter().zip(parts) {
                match parts {
                    Some(parts) => arguments.append(parts.to_python(py)?)?,
                    None => arguments.append(texts(py, array)?)?,
                }
            }
            array_of(&function.bind(py).call1((arguments,))?)
        });
        called.ok_or("the interpreter ends")?.map_err(|error: PyErr| error.to_string())
    }
}

/// The texts of a column as a list.
fn texts<'py>(py: Python<'py>, array: &ArrayRef) -> PyResult<Bound<'py, PyList>> {
    let told = |error: arrow::error::ArrowError| pyo3::exceptions::PyTypeError::new_err(error.to_string());
    let texts = cast(array, &DataType::LargeUtf8).map_err(told)?;
    let list = PyList::empty(py);
    for text in texts.as_string::<i64>() {
        list.append(text)?;
    }
    Ok(list)
}
