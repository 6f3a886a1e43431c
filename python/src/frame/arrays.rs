//! Columns as the bytes that arrays of numpy are made of, and back: numpy itself is the facade's to import.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BooleanArray, FixedSizeListArray, LargeStringArray, make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Field, Int64Type, TimeUnit};
use arrow::error::ArrowError;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyList};

/// What numpy writes where an instant is missing.
const NAT: i64 = i64::MIN;

/// The parts of an array of numpy.
pub(super) struct Parts {
    /// The name of the type of an element.
    dtype: String,
    bytes: Buffer,
    /// A byte for each element, 1 where it is missing.
    mask: Option<Vec<u8>>,
    /// The shape of a row.
    shape: Vec<usize>,
}

/// An array of numpy as the facade gives it: type, bytes, mask, and the shape with the rows first.
type Given<'py> = (String, Bound<'py, PyAny>, Option<Bound<'py, PyAny>>, Vec<usize>);

impl Parts {
    /// What becomes of a column; none where no array of numbers is like it: texts, lists and the like.
    pub(super) fn of(array: &ArrayRef) -> Result<Option<Self>, ArrowError> {
        if let DataType::Dictionary(_, values) = array.data_type() {
            return match dtype_of(values) {
                Some(_) => Self::of(&cast(array, values)?),
                None => Ok(None),
            };
        }
        if let DataType::FixedSizeList(..) = array.data_type() {
            return Self::of_vectors(array);
        }
        let Some(dtype) = dtype_of(array.data_type()) else { return Ok(None) };
        let is_time = dtype.starts_with("datetime64") || dtype.starts_with("timedelta64");
        let missing = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        let bytes = match array.data_type() {
            DataType::Boolean => array.as_boolean().values().iter().map(u8::from).collect::<Vec<u8>>().into(),
            _ if is_time => {
                // Days are 32 bits wide in Arrow, and 64 in numpy.
                let array = match array.data_type() {
                    DataType::Date32 => cast(&cast(array, &DataType::Int32)?, &DataType::Int64)?,
                    _ => cast(array, &DataType::Int64)?,
                };
                let ticks = array.as_primitive::<Int64Type>();
                Buffer::from_iter(ticks.iter().map(|ticks| ticks.unwrap_or(NAT)))
            }
            _ => values_of(array),
        };
        let mask = missing.filter(|_| !is_time).map(|nulls| nulls.iter().map(|present| u8::from(!present)).collect());
        Ok(Some(Self { dtype, bytes, mask, shape: Vec::new() }))
    }

    fn of_vectors(array: &ArrayRef) -> Result<Option<Self>, ArrowError> {
        let vectors = array.as_fixed_size_list();
        let width = usize::try_from(vectors.value_length()).unwrap_or(0);
        // The values of a slice are those of its rows.
        let values = vectors.values().slice(vectors.offset() * width, vectors.len() * width);
        let Some(mut parts) = Self::of(&values)? else { return Ok(None) };
        let inner: usize = parts.shape.iter().product();
        if let Some(nulls) = vectors.nulls().filter(|nulls| nulls.null_count() > 0) {
            let of_row = width * inner;
            let mask = parts.mask.get_or_insert_with(|| vec![0; vectors.len() * of_row]);
            for (row, components) in mask.chunks_mut(of_row.max(1)).enumerate() {
                if nulls.is_null(row) {
                    components.fill(1);
                }
            }
        }
        parts.shape.insert(0, width);
        Ok(Some(parts))
    }

    /// Type, bytes, mask, and the shape of a row.
    pub(super) fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let bytes = PyByteArray::new(py, &self.bytes);
        let mask = self.mask.as_ref().map(|mask| PyByteArray::new(py, mask));
        Ok((&self.dtype, bytes, mask, &self.shape).into_pyobject(py)?.into_any())
    }
}

/// The bytes of the values of an array of numbers, which are not copied.
fn values_of(array: &ArrayRef) -> Buffer {
    let data = array.to_data();
    let width = array.data_type().primitive_width().unwrap_or(0);
    let buffer = data.buffers().first();
    buffer.map_or_else(Buffer::default, |buffer| buffer.slice_with_length(data.offset() * width, data.len() * width))
}

/// What numpy calls a type of Arrow.
fn dtype_of(type_: &DataType) -> Option<String> {
    Some(match type_ {
        DataType::Boolean => "bool".to_owned(),
        DataType::Date32 => "datetime64[D]".to_owned(),
        DataType::Date64 => "datetime64[ms]".to_owned(),
        DataType::Timestamp(unit, _) => format!("datetime64[{}]", letters(*unit)),
        DataType::Duration(unit) => format!("timedelta64[{}]", letters(*unit)),
        number if number.is_integer() || number.is_floating() => number.to_string().to_lowercase(),
        _ => return None,
    })
}

fn letters(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

/// The array that the facade gives: the parts of an array of numpy, or a list of texts.
///
/// # Errors
/// `TypeError` and `ValueError` for what is neither.
pub(super) fn array_of(given: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    if given.is_instance_of::<PyList>() {
        let texts: Vec<Option<String>> = given.extract()?;
        return Ok(Arc::new(LargeStringArray::from(texts)));
    }
    let (dtype, bytes, mask, shape): Given<'_> = given.extract()?;
    let bytes = bytes_of(&bytes)?;
    let mask = mask.map(|mask| bytes_of(&mask)).transpose()?;
    array(&dtype, &bytes, mask.as_deref(), &shape).map_err(|reason| PyValueError::new_err(format!("{dtype}: {reason}")))
}

fn bytes_of(object: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = object.cast::<pyo3::types::PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    if let Ok(bytes) = object.cast::<PyByteArray>() {
        return Ok(bytes.to_vec());
    }
    Err(PyTypeError::new_err("the values of an array come as bytes"))
}

fn array(dtype: &str, bytes: &[u8], mask: Option<&[u8]>, shape: &[usize]) -> Result<ArrayRef, String> {
    let told = |error: ArrowError| error.to_string();
    let (rows, inner) = shape.split_first().ok_or("an array has at least one axis")?;
    let count = inner.iter().try_fold(*rows, |count, length| count.checked_mul(*length)).ok_or("it is too large")?;
    if mask.is_some_and(|mask| mask.len() != count) {
        return Err("the mask is of another length".to_owned());
    }
    let nulls = mask.map(|mask| NullBuffer::from_iter(mask.iter().map(|missing| *missing == 0)));
    let mut array: ArrayRef = if dtype == "bool" {
        if bytes.len() != count {
            return Err("its bytes are of another length".to_owned());
        }
        let values = BooleanBuffer::from_iter(bytes.iter().map(|byte| *byte != 0));
        Arc::new(BooleanArray::new(values, nulls))
    } else if let Some(type_) = number_of(dtype) {
        primitive(type_, count, bytes, nulls)?
    } else {
        let ticks = primitive(DataType::Int64, count, bytes, nulls)?;
        let ticks = ticks.as_primitive::<Int64Type>();
        let ticks: arrow::array::Int64Array = ticks.iter().map(|ticks| ticks.filter(|ticks| *ticks != NAT)).collect();
        time_of(dtype, &(Arc::new(ticks) as ArrayRef))?
    };
    for length in inner.iter().rev() {
        let width = i32::try_from(*length).map_err(|_| "a row is too wide")?;
        let rows = array.len().checked_div(*length).unwrap_or(0);
        let field = Arc::new(Field::new("item", array.data_type().clone(), true));
        array = Arc::new(FixedSizeListArray::try_new_with_length(field, width, array, None, rows).map_err(told)?);
    }
    Ok(array)
}

fn primitive(type_: DataType, count: usize, bytes: &[u8], nulls: Option<NullBuffer>) -> Result<ArrayRef, String> {
    let width = type_.primitive_width().unwrap_or(1);
    if Some(bytes.len()) != count.checked_mul(width) {
        return Err("its bytes are of another length".to_owned());
    }
    // The buffer is a copy, and aligned as Arrow wants it.
    let data = ArrayData::builder(type_).len(count).add_buffer(Buffer::from_slice_ref(bytes)).nulls(nulls);
    Ok(make_array(data.build().map_err(|error| error.to_string())?))
}

fn number_of(dtype: &str) -> Option<DataType> {
    Some(match dtype {
        "int8" => DataType::Int8,
        "int16" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" => DataType::Int64,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "float16" => DataType::Float16,
        "float32" => DataType::Float32,
        "float64" => DataType::Float64,
        _ => return None,
    })
}

fn time_of(dtype: &str, ticks: &ArrayRef) -> Result<ArrayRef, String> {
    let unit = |letters: &str| {
        Some(match letters {
            "s" => TimeUnit::Second,
            "ms" => TimeUnit::Millisecond,
            "us" => TimeUnit::Microsecond,
            "ns" => TimeUnit::Nanosecond,
            _ => return None,
        })
    };
    let within = |prefix: &str| dtype.strip_prefix(prefix)?.strip_prefix('[')?.strip_suffix(']');
    if within("datetime64") == Some("D") {
        let days = ticks.as_primitive::<Int64Type>().try_unary::<_, Date32Type, String>(|days| {
            i32::try_from(days).map_err(|_| format!("day {days} is beyond 32 bits"))
        })?;
        return Ok(Arc::new(days));
    }
    let type_ = match (within("datetime64"), within("timedelta64")) {
        (Some(letters), _) => unit(letters).map(|unit| DataType::Timestamp(unit, None)),
        (_, Some(letters)) => unit(letters).map(DataType::Duration),
        _ => None,
    };
    cast(ticks, &type_.ok_or("there is no column of this type")?).map_err(|error| error.to_string())
}
