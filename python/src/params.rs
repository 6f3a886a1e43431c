//! Values of Python for the places that SQL leaves open.

use datafolio::{ParamValue, Params};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBool, PyBytes, PyDate, PyDateTime, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

/// The values for `?` from a list or tuple, for `$name` from a dict.
///
/// # Errors
/// `TypeError` for what is none of these, and for a value that SQL has no form of.
pub(crate) fn of(given: &Bound<'_, PyAny>) -> PyResult<Params> {
    if let Ok(named) = given.cast::<PyDict>() {
        let values = named.iter().map(|(name, value)| Ok((name.extract()?, value_of(&value)?)));
        return Ok(Params::Named(values.collect::<PyResult<_>>()?));
    }
    if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
        return Ok(Params::Positional(list_of(given)?));
    }
    Err(PyTypeError::new_err("params: give a list for the ? of the SQL, or a dict for its $names"))
}

fn list_of(given: &Bound<'_, PyAny>) -> PyResult<Vec<ParamValue>> {
    given.try_iter()?.map(|value| value_of(&value?)).collect()
}

fn value_of(value: &Bound<'_, PyAny>) -> PyResult<ParamValue> {
    if value.is_none() {
        return Ok(ParamValue::Null);
    }
    if let Some(value) = of_numpy_instant(value)? {
        return Ok(value);
    }
    // What is missing in pandas: an instant that equals nothing, and a value of a type of its own.
    if value.get_type().name()? == "NAType" || (value.is_instance_of::<PyDateTime>() && value.ne(value)?) {
        return Ok(ParamValue::Null);
    }
    // Scalars of numpy and the like say themselves which plain value they stand for.
    if let Some(item) = value.getattr_opt("item")?.filter(|_| value.hasattr("dtype").unwrap_or(false)) {
        return value_of(&item.call0()?);
    }
    if let Ok(yes) = value.cast::<PyBool>() {
        Ok(ParamValue::Bool(yes.is_true()))
    } else if value.is_instance_of::<PyInt>() {
        let whole = value.to_string().parse::<i128>();
        Ok(ParamValue::Int(whole.map_err(|_| PyValueError::new_err(format!("{value} has more than 128 bits")))?))
    } else if let Ok(number) = value.cast::<PyFloat>() {
        Ok(ParamValue::Float(number.value()))
    } else if let Ok(text) = value.cast::<PyString>() {
        Ok(ParamValue::Text(text.to_str()?.to_owned()))
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        Ok(ParamValue::Bytes(bytes.as_bytes().to_vec()))
    } else if value.is_instance_of::<PyDateTime>() {
        // Instants of pandas have nanoseconds.
        if value.getattr_opt("nanosecond")?.is_some_and(|rest| rest.is_truthy().unwrap_or(true)) {
            return Err(too_fine(value));
        }
        Ok(ParamValue::Timestamp(microseconds(value)?))
    } else if value.is_instance_of::<PyDate>() {
        let day: i32 = value.call_method0("toordinal")?.extract()?;
        Ok(ParamValue::Date(day - UNIX_EPOCH_ORDINAL))
    } else if is_a(value, "decimal", "Decimal")? {
        decimal_of(value)
    } else if is_a(value, "uuid", "UUID")? {
        Ok(ParamValue::Text(value.str()?.to_string()))
    } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        Ok(ParamValue::List(list_of(value)?))
    } else {
        Err(PyTypeError::new_err(format!("SQL has no form of a value of type {}", value.get_type().name()?)))
    }
}

/// An instant of numpy, whose plain value is a number of nanoseconds as a rule.
fn of_numpy_instant(value: &Bound<'_, PyAny>) -> PyResult<Option<ParamValue>> {
    let Some(kind) = value.getattr_opt("dtype")?.and_then(|dtype| dtype.getattr_opt("kind").ok()?) else {
        return Ok(None);
    };
    if kind.extract::<String>().ok().as_deref() != Some("M") || value.hasattr("__len__")? {
        return Ok(None);
    }
    let micros = value.call_method1("astype", ("datetime64[us]",))?;
    let plain = micros.call_method0("item")?;
    match plain.is_none() || micros.eq(value)? {
        true => value_of(&plain).map(Some),
        false => Err(too_fine(value)),
    }
}

fn too_fine(value: &Bound<'_, PyAny>) -> PyErr {
    PyValueError::new_err(format!(
        "{value} has nanoseconds, and a value has microseconds: give it as text, and CAST(? AS TIMESTAMP_NS) in the SQL"
    ))
}

/// Whether a value is of a type that was imported: nobody has one of a type that was not.
fn is_a(value: &Bound<'_, PyAny>, module: &str, name: &str) -> PyResult<bool> {
    let modules = value.py().import("sys")?.getattr("modules")?;
    match modules.get_item(module) {
        Ok(module) => value.is_instance(&module.getattr(name)?),
        Err(_) => Ok(false),
    }
}

/// A `Decimal`, all of its digits.
fn decimal_of(value: &Bound<'_, PyAny>) -> PyResult<ParamValue> {
    let none = || PyValueError::new_err(format!("{value} is no decimal number of SQL, which has 38 digits at most"));
    let (sign, digits, exponent): (u8, Vec<u8>, i32) = value.call_method0("as_tuple")?.extract().map_err(|_| none())?;
    let whole = digits.iter().try_fold(0_i128, |whole, digit| whole.checked_mul(10)?.checked_add((*digit).into()));
    let zeros = u32::try_from(exponent).unwrap_or(0);
    let whole = whole.and_then(|whole| whole.checked_mul(10_i128.checked_pow(zeros)?)).ok_or_else(none)?;
    let scale = u8::try_from(exponent.min(0).unsigned_abs()).ok().filter(|scale| *scale <= 38).ok_or_else(none)?;
    if whole.unsigned_abs().checked_ilog10().is_some_and(|log| log >= 38) {
        return Err(none());
    }
    Ok(ParamValue::Decimal { digits: if sign == 0 { whole } else { -whole }, scale })
}

/// 1970-01-01 in Python's count of days.
const UNIX_EPOCH_ORDINAL: i32 = 719_163;

/// A `datetime` in microseconds since 1970-01-01: in UTC where it has a time zone, as its clock shows where it has none.
fn microseconds(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    let py = value.py();
    let utc = py.import("datetime")?.getattr("timezone")?.getattr("utc")?;
    let value = match value.getattr("tzinfo")?.is_none() {
        true => value.call_method("replace", (), Some(&[("tzinfo", &utc)].into_py_dict(py)?))?,
        false => value.call_method1("astimezone", (&utc,))?,
    };
    let day: i64 = value.call_method0("toordinal")?.extract()?;
    let part = |name: &str| -> PyResult<i64> { value.getattr(name)?.extract() };
    let seconds =
        (day - i64::from(UNIX_EPOCH_ORDINAL)) * 86_400 + part("hour")? * 3_600 + part("minute")? * 60 + part("second")?;
    Ok(seconds * 1_000_000 + part("microsecond")?)
}
