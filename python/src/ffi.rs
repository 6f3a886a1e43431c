//! Tables across the boundary, by the Arrow PyCapsule interface: nothing is copied.

use std::ffi::CStr;

use arrow::array::RecordBatchReader;
use arrow::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::error::arrow_error;

/// The name that the interface gives to capsules with streams.
const STREAM: &CStr = c"arrow_array_stream";

/// The rows of any object with `__arrow_c_stream__`.
///
/// # Errors
/// `TypeError` where the object has no such method; what the method raises, and what the stream says of its schema.
pub(crate) fn import_stream(object: &Bound<'_, PyAny>) -> PyResult<Box<dyn RecordBatchReader + Send>> {
    let py = object.py();
    let method = object.getattr_opt("__arrow_c_stream__")?.ok_or_else(|| {
        let kind =
            object.get_type().fully_qualified_name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!("{kind} is no table: it has no __arrow_c_stream__"))
    })?;
    let capsule = method.call0()?.cast_into::<PyCapsule>()?;
    let pointer = capsule.pointer_checked(Some(STREAM))?.as_ptr().cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of this name holds a pointer to a valid stream. It is moved out: what stays in the capsule is marked as
    // released, so that its destructor does nothing.
    #[allow(unsafe_code)]
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(pointer) };
    // The producer may be one that runs Python.
    let reader = py.detach(|| RecordBatchStreamReader::try_new(stream)).map_err(|error| arrow_error(py, error))?;
    Ok(Box::new(reader))
}

/// The capsule that `__arrow_c_stream__` returns.
///
/// # Errors
/// When Python cannot make one.
pub(crate) fn export_stream(
    py: Python<'_>,
    reader: Box<dyn RecordBatchReader + Send>,
) -> PyResult<Bound<'_, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), STREAM)
}
