//! Values of Arrow arrays as plain values of Python.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use pyo3::BoundObject;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBytes, PyDict, PyList};

/// The columns of record batches as lists, by name. Where a name occurs twice, the last column counts, as in any dict.
///
/// # Errors
/// For instants that Python's `datetime` does not reach.
pub(crate) fn columns_to_python<'py>(
    py: Python<'py>,
    names: &[&str],
    batches: &[RecordBatch],
) -> PyResult<Bound<'py, PyDict>> {
    let columns = PyDict::new(py);
    for (at, name) in names.iter().enumerate() {
        let list = PyList::empty(py);
        for batch in batches {
            let column = batch.column(at).as_ref();
            for row in 0..column.len() {
                list.append(to_python(py, column, row)?)?;
            }
        }
        columns.set_item(name, list)?;
    }
    Ok(columns)
}

/// A value of an array. Instants and durations have microseconds in Python: what is finer is cut off.
fn to_python<'py>(py: Python<'py>, array: &dyn Array, row: usize) -> PyResult<Bound<'py, PyAny>> {
    if array.is_null(row) {
        return Ok(py.None().into_bound(py));
    }
    Ok(match array.data_type() {
        DataType::Null => py.None().into_bound(py),
        DataType::Boolean => array.as_boolean().value(row).into_pyobject(py)?.to_owned().into_any(),
        DataType::Int8 => number::<Int8Type>(py, array, row)?,
        DataType::Int16 => number::<Int16Type>(py, array, row)?,
        DataType::Int32 => number::<Int32Type>(py, array, row)?,
        DataType::Int64 => number::<Int64Type>(py, array, row)?,
        DataType::UInt8 => number::<UInt8Type>(py, array, row)?,
        DataType::UInt16 => number::<UInt16Type>(py, array, row)?,
        DataType::UInt32 => number::<UInt32Type>(py, array, row)?,
        DataType::UInt64 => number::<UInt64Type>(py, array, row)?,
        DataType::Float16 => array.as_primitive::<Float16Type>().value(row).to_f32().into_pyobject(py)?.into_any(),
        DataType::Float32 => number::<Float32Type>(py, array, row)?,
        DataType::Float64 => number::<Float64Type>(py, array, row)?,
        DataType::Utf8 => array.as_string::<i32>().value(row).into_pyobject(py)?.into_any(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into_pyobject(py)?.into_any(),
        DataType::Utf8View => array.as_string_view().value(row).into_pyobject(py)?.into_any(),
        DataType::Binary => PyBytes::new(py, array.as_binary::<i32>().value(row)).into_any(),
        DataType::LargeBinary => PyBytes::new(py, array.as_binary::<i64>().value(row)).into_any(),
        DataType::BinaryView => PyBytes::new(py, array.as_binary_view().value(row)).into_any(),
        DataType::FixedSizeBinary(_) => PyBytes::new(py, array.as_fixed_size_binary().value(row)).into_any(),
        DataType::Date32 => date(py, i64::from(array.as_primitive::<Date32Type>().value(row)))?,
        DataType::Date64 => date(py, array.as_primitive::<Date64Type>().value(row).div_euclid(86_400_000))?,
        DataType::Timestamp(unit, zone) => instant(py, ticks(array, row, *unit, true), *unit, zone.as_deref())?,
        DataType::Duration(unit) => timedelta(py, micros(ticks(array, row, *unit, false), *unit))?,
        DataType::Time32(TimeUnit::Second) => {
            time(py, i64::from(array.as_primitive::<Time32SecondType>().value(row)) * 1_000_000)?
        }
        DataType::Time32(_) => time(py, i64::from(array.as_primitive::<Time32MillisecondType>().value(row)) * 1_000)?,
        DataType::Time64(TimeUnit::Microsecond) => time(py, array.as_primitive::<Time64MicrosecondType>().value(row))?,
        DataType::Time64(_) => time(py, array.as_primitive::<Time64NanosecondType>().value(row) / 1_000)?,
        DataType::Decimal32(..) => decimal(py, array.as_primitive::<Decimal32Type>().value_as_string(row))?,
        DataType::Decimal64(..) => decimal(py, array.as_primitive::<Decimal64Type>().value_as_string(row))?,
        DataType::Decimal128(..) => decimal(py, array.as_primitive::<Decimal128Type>().value_as_string(row))?,
        DataType::Decimal256(..) => decimal(py, array.as_primitive::<Decimal256Type>().value_as_string(row))?,
        DataType::List(_) => list(py, array.as_list::<i32>().value(row).as_ref())?,
        DataType::LargeList(_) => list(py, array.as_list::<i64>().value(row).as_ref())?,
        DataType::ListView(_) => list(py, array.as_list_view::<i32>().value(row).as_ref())?,
        DataType::LargeListView(_) => list(py, array.as_list_view::<i64>().value(row).as_ref())?,
        DataType::FixedSizeList(..) => list(py, array.as_fixed_size_list().value(row).as_ref())?,
        DataType::Struct(fields) => {
            let array = array.as_struct();
            let values = PyDict::new(py);
            for (field, column) in fields.iter().zip(array.columns()) {
                values.set_item(field.name(), to_python(py, column.as_ref(), row)?)?;
            }
            values.into_any()
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let pairs = PyList::empty(py);
            for at in 0..entries.len() {
                let part = |column: usize| to_python(py, entries.column(column).as_ref(), at);
                pairs.append((part(0)?, part(1)?))?;
            }
            pairs.into_any()
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let key = dictionary.normalized_keys()[row];
            to_python(py, dictionary.values().as_ref(), key)?
        }
        // What Python has no value of is shown as text.
        _ => {
            let formatter = ArrayFormatter::try_new(array, &FormatOptions::default())
                .map_err(|error| PyValueError::new_err(error.to_string()))?;
            formatter.value(row).to_string().into_pyobject(py)?.into_any()
        }
    })
}

fn number<'py, T: ArrowPrimitiveType>(py: Python<'py>, array: &dyn Array, row: usize) -> PyResult<Bound<'py, PyAny>>
where
    T::Native: IntoPyObject<'py>,
    PyErr: From<<T::Native as IntoPyObject<'py>>::Error>,
{
    let value = array.as_primitive::<T>().value(row).into_pyobject(py)?;
    Ok(value.into_any().into_bound())
}

fn list<'py>(py: Python<'py>, values: &dyn Array) -> PyResult<Bound<'py, PyAny>> {
    let list = PyList::empty(py);
    for row in 0..values.len() {
        list.append(to_python(py, values, row)?)?;
    }
    Ok(list.into_any())
}

fn ticks(array: &dyn Array, row: usize, unit: TimeUnit, is_instant: bool) -> i64 {
    match (unit, is_instant) {
        (TimeUnit::Second, true) => array.as_primitive::<TimestampSecondType>().value(row),
        (TimeUnit::Millisecond, true) => array.as_primitive::<TimestampMillisecondType>().value(row),
        (TimeUnit::Microsecond, true) => array.as_primitive::<TimestampMicrosecondType>().value(row),
        (TimeUnit::Nanosecond, true) => array.as_primitive::<TimestampNanosecondType>().value(row),
        (TimeUnit::Second, false) => array.as_primitive::<DurationSecondType>().value(row),
        (TimeUnit::Millisecond, false) => array.as_primitive::<DurationMillisecondType>().value(row),
        (TimeUnit::Microsecond, false) => array.as_primitive::<DurationMicrosecondType>().value(row),
        (TimeUnit::Nanosecond, false) => array.as_primitive::<DurationNanosecondType>().value(row),
    }
}

fn micros(ticks: i64, unit: TimeUnit) -> i128 {
    let ticks = i128::from(ticks);
    match unit {
        TimeUnit::Second => ticks * 1_000_000,
        TimeUnit::Millisecond => ticks * 1_000,
        TimeUnit::Microsecond => ticks,
        TimeUnit::Nanosecond => ticks.div_euclid(1_000),
    }
}

fn timedelta(py: Python<'_>, microseconds: i128) -> PyResult<Bound<'_, PyAny>> {
    let (days, rest) = (microseconds.div_euclid(86_400_000_000), microseconds.rem_euclid(86_400_000_000));
    py.import("datetime")?.getattr("timedelta")?.call1((days, rest / 1_000_000, rest % 1_000_000))
}

fn date(py: Python<'_>, days: i64) -> PyResult<Bound<'_, PyAny>> {
    let epoch = py.import("datetime")?.getattr("date")?.call1((1970, 1, 1))?;
    epoch.add(timedelta(py, i128::from(days) * 86_400_000_000)?)
}

fn time(py: Python<'_>, microseconds: i64) -> PyResult<Bound<'_, PyAny>> {
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    py.import("datetime")?.getattr("time")?.call1((seconds / 3_600, seconds / 60 % 60, seconds % 60, rest))
}

/// An instant: without a zone as a clock shows it, with one in that zone.
fn instant<'py>(py: Python<'py>, ticks: i64, unit: TimeUnit, zone: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
    let module = py.import("datetime")?;
    let utc = module.getattr("timezone")?.getattr("utc")?;
    let epoch = module.getattr("datetime")?.call1((1970, 1, 1))?;
    let clock = epoch.add(timedelta(py, micros(ticks, unit))?)?;
    let Some(zone) = zone else { return Ok(clock) };
    let aware = clock.call_method("replace", (), Some(&[("tzinfo", &utc)].into_py_dict(py)?))?;
    match zone {
        "UTC" | "+00:00" | "Z" => Ok(aware),
        offset if offset.starts_with(['+', '-']) => {
            let parsed = module.getattr("datetime")?.call_method1("strptime", (offset, "%z"))?;
            aware.call_method1("astimezone", (parsed.getattr("tzinfo")?,))
        }
        name => match py.import("zoneinfo")?.getattr("ZoneInfo")?.call1((name,)) {
            Ok(zone) => aware.call_method1("astimezone", (zone,)),
            // A machine without this zone still has the instant.
            Err(_) => Ok(aware),
        },
    }
}

fn decimal(py: Python<'_>, digits: String) -> PyResult<Bound<'_, PyAny>> {
    py.import("decimal")?.getattr("Decimal")?.call1((digits,))
}
