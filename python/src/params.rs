//! Values of Python for the places that SQL leaves open.

use datafolio::{ParamValue, Params};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyDate, PyDateTime, PyDelta, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTime,
    PyTuple,
};

use crate::error::{WRONG_TYPE, WRONG_VALUE, argument_error};

/// Why something is no value for SQL.
enum Refusal {
    /// Nothing of its type is.
    Type(String),
    /// Others of its type are.
    Value(String),
    /// What it raised when it was looked at.
    Raised(PyErr),
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl Refusal {
    /// The exception, with the place that the value is for.
    fn at(self, py: Python<'_>, place: &str) -> PyErr {
        match self {
            Self::Type(says) => argument_error(py, WRONG_TYPE, &format!("params: {place} {says}")),
            Self::Value(says) => argument_error(py, WRONG_VALUE, &format!("params: {place} {says}")),
            Self::Raised(error) => error,
        }
    }

    /// The same of a value that has this one in it.
    fn within(self) -> Self {
        let within = |says: String| format!("is a list in which one {says}");
        match self {
            Self::Type(says) => Self::Type(within(says)),
            Self::Value(says) => Self::Value(within(says)),
            raised @ Self::Raised(_) => raised,
        }
    }
}

type Tried<T> = Result<T, Refusal>;

/// The values for `?` from a list or tuple, for `$name` from a dict.
///
/// # Errors
/// `InvalidTypeError` for what is none of these, and for a value that SQL has no form of; `InvalidInputError` for one that does not fit.
pub(crate) fn of(given: &Bound<'_, PyAny>) -> PyResult<Params> {
    let py = given.py();
    if let Ok(named) = given.cast::<PyDict>() {
        let values = named.iter().map(|(name, value)| {
            let Ok(text) = name.cast::<PyString>() else {
                let says = format!("params: a name of a value is text, and {} is none", name.repr()?);
                return Err(argument_error(py, WRONG_TYPE, &says));
            };
            let Ok(name) = text.to_str().map(str::to_owned) else {
                return Err(half_a_character(text)?.at(py, "a name of a value"));
            };
            let value = value_of(&value).map_err(|refused| refused.at(py, &format!("${name}")))?;
            Ok((name, value))
        });
        return Ok(Params::Named(values.collect::<PyResult<_>>()?));
    }
    if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
        let values = given
            .try_iter()?
            .zip(1..)
            .map(|(value, number)| value_of(&value?).map_err(|refused| refused.at(py, &format!("value {number}"))));
        return Ok(Params::Positional(values.collect::<PyResult<_>>()?));
    }
    Err(argument_error(py, WRONG_TYPE, "params: give a list for the ? of the SQL, or a dict for its $names"))
}

fn value_of(value: &Bound<'_, PyAny>) -> Tried<ParamValue> {
    value_within(value, 0)
}

/// A value that lies in so many lists.
fn value_within(value: &Bound<'_, PyAny>, lists: usize) -> Tried<ParamValue> {
    if value.is_none() {
        return Ok(ParamValue::Null);
    }
    // A single value of numpy has no dimension.
    if attribute(value, "ndim").is_some_and(|count| count.gt(0).unwrap_or(true))
        || value.hasattr("__arrow_c_stream__")?
    {
        return Err(no_form(value, "give a list of plain values, such as tolist() or to_list() makes of it"));
    }
    match attribute(value, "dtype").and_then(|dtype| attribute(&dtype, "kind")?.extract::<String>().ok()).as_deref() {
        Some("M") => return of_numpy_instant(value),
        Some("m") if value.ne(value)? => return Ok(ParamValue::Null),
        Some("m") => return Err(no_form(value, DURATION)),
        _ => {}
    }
    // What is missing in pandas: an instant that equals nothing, and a value of a type of its own.
    if value.get_type().name()? == "NAType" || (value.is_instance_of::<PyDateTime>() && value.ne(value)?) {
        return Ok(ParamValue::Null);
    }
    // Scalars of numpy and the like say themselves which plain value they stand for.
    if let Some(item) = attribute(value, "item").filter(|_| attribute(value, "dtype").is_some()) {
        let plain = item.call0()?;
        return match plain.get_type().is(value.get_type()) {
            true => Err(no_form(value, "give float(value)")),
            false => value_within(&plain, lists),
        };
    }
    if let Ok(yes) = value.cast::<PyBool>() {
        Ok(ParamValue::Bool(yes.is_true()))
    } else if value.is_instance_of::<PyInt>() {
        let whole = value.to_string().parse::<i128>();
        Ok(ParamValue::Int(whole.map_err(|_| Refusal::Value("is a whole number of more than 128 bits".to_owned()))?))
    } else if let Ok(number) = value.cast::<PyFloat>() {
        Ok(ParamValue::Float(number.value()))
    } else if let Ok(text) = value.cast::<PyString>() {
        match text.to_str() {
            Ok(plain) => Ok(ParamValue::Text(plain.to_owned())),
            Err(_) => Err(half_a_character(text)?),
        }
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        Ok(ParamValue::Bytes(bytes.as_bytes().to_vec()))
    } else if value.is_instance_of::<PyDateTime>() {
        // Instants of pandas have nanoseconds.
        if attribute(value, "nanosecond").is_some_and(|rest| rest.is_truthy().unwrap_or(true)) {
            return Err(too_fine(value));
        }
        instant_of(value)
    } else if value.is_instance_of::<PyDate>() {
        let day: i32 = value.call_method0("toordinal")?.extract()?;
        Ok(ParamValue::Date(day - UNIX_EPOCH_ORDINAL))
    } else if is_a(value, "decimal", "Decimal")? {
        decimal_of(value)
    } else if is_a(value, "uuid", "UUID")? {
        Ok(ParamValue::Text(value.str()?.to_string()))
    } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        list_of(value, lists + 1)
    } else {
        Err(no_form(value, instead_of(value)))
    }
}

/// An attribute, where a value has one.
fn attribute<'py>(value: &Bound<'py, PyAny>, name: &str) -> Option<Bound<'py, PyAny>> {
    value.getattr_opt(name).ok()?
}

/// What to give in the place of a duration: in tables they are whole numbers to SQL.
const DURATION: &str = "give its microseconds, value // timedelta(microseconds=1), and to_microseconds(?) in the SQL; of a column of \
                        durations a whole number in its unit, which is what SQL sees of them";

/// What to give in the place of a value of a type that SQL has no form of.
fn instead_of(value: &Bound<'_, PyAny>) -> &'static str {
    if value.is_instance_of::<PyDelta>() {
        DURATION
    } else if value.is_instance_of::<PyTime>() {
        "give str(value), and CAST(? AS TIME) in the SQL"
    } else if value.is_instance_of::<PyDict>() {
        "give what is in it as values of their own, or json.dumps(value), which is text"
    } else if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
        "give sorted(value), which is a list"
    } else {
        "give a number, truth value, text, bytes, a date, an instant, or a list of such"
    }
}

/// A text that no bytes of UTF-8 stand for.
fn half_a_character(text: &Bound<'_, PyString>) -> PyResult<Refusal> {
    Ok(Refusal::Value(format!(
        "has a lone surrogate, half of a character, which UTF-8 has no form of: {}. It comes of bytes that were decoded with \
         errors='surrogateescape': decode them with the encoding that they are in",
        text.repr()?
    )))
}

fn no_form(value: &Bound<'_, PyAny>, instead: &str) -> Refusal {
    let named = value.get_type().fully_qualified_name();
    named.map_or_else(Refusal::Raised, |named| {
        Refusal::Type(format!("is of type {named}, of which SQL has no form here: {instead}"))
    })
}

/// So many lists may be in one another: a list may have itself in it.
const MOST_LISTS: usize = 64;

/// A list, whose values have one type in SQL.
fn list_of(value: &Bound<'_, PyAny>, lists: usize) -> Tried<ParamValue> {
    if lists > MOST_LISTS {
        return Err(Refusal::Value(format!("is lists within lists, more than {MOST_LISTS} of them")));
    }
    let values = value.try_iter()?.map(|value| {
        value_within(&value?, lists).map_err(|refused| if lists > 1 { refused } else { refused.within() })
    });
    let mut values = values.collect::<Tried<Vec<_>>>()?;
    if values.iter().any(|value| matches!(value, ParamValue::Float(_))) {
        // Whole numbers among others are such, as in any list of numbers of Python, where none of them is changed by that.
        for value in &mut values {
            if let ParamValue::Int(whole) = *value
                && (whole as f64) as i128 == whole
            {
                *value = ParamValue::Float(whole as f64);
            }
        }
    }
    let mut kinds: Vec<&str> = values.iter().filter_map(kind_of).collect();
    kinds.sort_unstable();
    kinds.dedup();
    match kinds.len() {
        0 | 1 => Ok(ParamValue::List(values)),
        _ => Err(Refusal::Type(format!(
            "is a list of {}, and a list of SQL has values of one type: make them of one",
            kinds.join(" and ")
        ))),
    }
}

/// What a value of a list is to SQL; `None` for null, which any list may have.
fn kind_of(value: &ParamValue) -> Option<&'static str> {
    Some(match value {
        ParamValue::Null => return None,
        ParamValue::Bool(_) => "truth values",
        ParamValue::Int(whole) if i64::try_from(*whole).is_err() => "whole numbers of more than 64 bits",
        ParamValue::Int(_) => "whole numbers",
        ParamValue::Float(_) => "floating-point numbers",
        ParamValue::Decimal { .. } => "decimal numbers",
        ParamValue::Text(_) => "texts",
        ParamValue::Bytes(_) => "bytes",
        ParamValue::Date(_) => "dates",
        ParamValue::Timestamp(_) => "instants without a time zone",
        ParamValue::Instant(_) => "instants with a time zone",
        ParamValue::List(_) => "lists",
        _ => "other values",
    })
}

/// An instant of numpy, whose plain value is a number of nanoseconds as a rule.
fn of_numpy_instant(value: &Bound<'_, PyAny>) -> Tried<ParamValue> {
    let micros = value.call_method1("astype", ("datetime64[us]",))?;
    let plain = micros.call_method0("item")?;
    if plain.is_instance_of::<PyInt>() {
        let says = format!(
            "is {value}, an instant beyond the years of Python: give it as text, and CAST(? AS TIMESTAMP) in the SQL"
        );
        return Err(Refusal::Value(says));
    }
    match plain.is_none() || micros.eq(value)? {
        true => value_of(&plain),
        false => Err(too_fine(value)),
    }
}

fn too_fine(value: &Bound<'_, PyAny>) -> Refusal {
    Refusal::Value(format!(
        "is {value}, which has nanoseconds, and a value has microseconds: give it as text, and CAST(? AS TIMESTAMP_NS) in the SQL"
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
fn decimal_of(value: &Bound<'_, PyAny>) -> Tried<ParamValue> {
    let none = || Refusal::Value(format!("is {value}, and a decimal number of SQL has 38 digits at most"));
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

/// A `datetime`: an instant in UTC where it has a time zone, else what its clock shows.
fn instant_of(value: &Bound<'_, PyAny>) -> Tried<ParamValue> {
    let day: i64 = value.call_method0("toordinal")?.extract()?;
    let part = |of: &Bound<'_, PyAny>, name: &str| -> PyResult<i64> { of.getattr(name)?.extract() };
    let seconds = (day - i64::from(UNIX_EPOCH_ORDINAL)) * 86_400
        + part(value, "hour")? * 3_600
        + part(value, "minute")? * 60
        + part(value, "second")?;
    let clock = seconds * 1_000_000 + part(value, "microsecond")?;
    // A zone that does not know how far it is from UTC is none. The ends of the calendar may be beyond the years of Python in UTC, for
    // which `astimezone` has no value.
    let offset = value.call_method0("utcoffset")?;
    if offset.is_none() {
        return Ok(ParamValue::Timestamp(clock));
    }
    let ahead =
        (part(&offset, "days")? * 86_400 + part(&offset, "seconds")?) * 1_000_000 + part(&offset, "microseconds")?;
    Ok(ParamValue::Instant(clock - ahead))
}
