//! What a column becomes in the file, and which columns cannot.

use std::path::Path;

use arrow::array::{Array, ArrayRef, FixedSizeListArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, TimeUnit};

use crate::error::{ColumnsError, ColumnsResult};
use crate::types::Unit;

use super::faults;

/// A value of fixed width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// A whole number of so many bytes.
    Int { width: usize, signed: bool },
    /// A floating-point number of so many bytes.
    Float { width: usize },
    /// A byte that is 0 or 1, called FALSE and TRUE.
    Bool,
    /// Ticks since 1970 as an `int64`.
    Instant(Unit),
    /// A number of ticks as an `int64`.
    Duration(Unit),
    /// Days since 1970, `int32` in memory and `int64` in the file.
    Date,
}

impl Element {
    /// Bytes of a value in the file.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Int { width, .. } | Self::Float { width } => width,
            Self::Bool => 1,
            Self::Instant(_) | Self::Duration(_) | Self::Date => 8,
        }
    }

    /// The attribute `dtype`, for what HDF5 has no type for.
    pub(super) fn dtype(self) -> Option<String> {
        match self {
            Self::Int { .. } | Self::Float { .. } | Self::Bool => None,
            Self::Instant(unit) => Some(format!("datetime64[{}]", unit.as_str())),
            Self::Duration(unit) => Some(format!("timedelta64[{}]", unit.as_str())),
            Self::Date => Some(format!("datetime64[{}]", Unit::Day.as_str())),
        }
    }

    /// What is written where there is no value, as a reader that looks at no bitmap should see it, in the machine's byte order.
    pub(super) fn filler(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        match self {
            Self::Int { .. } | Self::Bool => {}
            Self::Float { width: 2 } => bytes[..2].copy_from_slice(&half::f16::NAN.to_ne_bytes()),
            Self::Float { width: 4 } => bytes[..4].copy_from_slice(&f32::NAN.to_ne_bytes()),
            Self::Float { .. } => bytes = f64::NAN.to_ne_bytes(),
            Self::Instant(_) | Self::Duration(_) | Self::Date => bytes = i64::MIN.to_ne_bytes(),
        }
        bytes
    }

    /// Whether the filler alone says that there is no value (NaT), in a type that Vaex reads no bitmap with.
    pub(super) fn filler_is_missing(self) -> bool {
        self == Self::Date
    }

    fn of(type_: &DataType) -> Option<Self> {
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::Second => Unit::Second,
            TimeUnit::Millisecond => Unit::Milli,
            TimeUnit::Microsecond => Unit::Micro,
            TimeUnit::Nanosecond => Unit::Nano,
        };
        Some(match type_ {
            DataType::Int8 => Self::Int { width: 1, signed: true },
            DataType::Int16 => Self::Int { width: 2, signed: true },
            DataType::Int32 => Self::Int { width: 4, signed: true },
            DataType::Int64 => Self::Int { width: 8, signed: true },
            DataType::UInt8 => Self::Int { width: 1, signed: false },
            DataType::UInt16 => Self::Int { width: 2, signed: false },
            DataType::UInt32 => Self::Int { width: 4, signed: false },
            DataType::UInt64 => Self::Int { width: 8, signed: false },
            DataType::Float16 => Self::Float { width: 2 },
            DataType::Float32 => Self::Float { width: 4 },
            DataType::Float64 => Self::Float { width: 8 },
            DataType::Boolean => Self::Bool,
            DataType::Timestamp(ticks, None) => Self::Instant(unit(ticks)),
            DataType::Date64 => Self::Instant(Unit::Milli),
            DataType::Date32 => Self::Date,
            DataType::Duration(ticks) => Self::Duration(unit(ticks)),
            _ => return None,
        })
    }
}

/// What a column becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A dataset of as many values as there are rows, times the shape of a row.
    Fixed { element: Element, shape: Vec<u64> },
    /// The bytes of all texts, and where each begins.
    Text,
    /// Codes, and the values that they stand for.
    Dictionary { key: Element, values: Box<Self> },
}

impl Kind {
    /// What the column becomes, or why it cannot.
    pub(super) fn of(path: &Path, field: &Field) -> ColumnsResult<Self> {
        Self::of_type(field.data_type()).map_err(|(type_, advice)| {
            let inside =
                if type_ == *field.data_type() { String::new() } else { format!(" (in {})", field.data_type()) };
            faults::column_type(path, field.name(), &format!("{type_}{inside}"), advice)
        })
    }

    fn of_type(type_: &DataType) -> Result<Self, (DataType, &'static str)> {
        match type_ {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(Self::Text),
            DataType::FixedSizeList(field, length) => match (u64::try_from(*length), Self::of_type(field.data_type())?)
            {
                (Ok(length @ 1..), Self::Fixed { element, shape }) => {
                    Ok(Self::Fixed { element, shape: [vec![length], shape].concat() })
                }
                _ => Err((type_.clone(), "vectors must be of numbers, and at least one long; join texts into one")),
            },
            DataType::Dictionary(key, values) => match (Element::of(key), Self::of_type(values)?) {
                (Some(key), values @ (Self::Text | Self::Fixed { .. })) if !values.is_vector() => {
                    Ok(Self::Dictionary { key, values: Box::new(values) })
                }
                _ => Err((type_.clone(), "the values of a dictionary must be texts, numbers, booleans or times")),
            },
            _ => Element::of(type_)
                .map(|element| Self::Fixed { element, shape: Vec::new() })
                .ok_or_else(|| (type_.clone(), advice(type_))),
        }
    }

    fn is_vector(&self) -> bool {
        matches!(self, Self::Fixed { shape, .. } if !shape.is_empty())
    }
}

fn advice(type_: &DataType) -> &'static str {
    match type_ {
        DataType::Timestamp(..) => "cast it to a timestamp without time zone (in UTC)",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "cast it to float64, or to string where every digit matters"
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "cast it to string (of hex or base64 digits)"
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) | DataType::LargeListView(_) => {
            "cast it to a fixed-size list where all rows are as long, or to string (JSON)"
        }
        DataType::Struct(_) => "make a column of each of its fields",
        DataType::Time32(_) | DataType::Time64(_) => "cast it to a duration since midnight, or to int64",
        DataType::Interval(_) => "cast it to a duration",
        DataType::Null => "cast it to a type that has values",
        DataType::RunEndEncoded(..) => "cast it to the type of its values",
        _ => "cast it to string (JSON)",
    }
}

/// The values of a vector column, one after the other, and which of them are missing.
pub(super) fn flattened(array: &ArrayRef) -> ColumnsResult<(ArrayRef, Option<NullBuffer>)> {
    let mut array = array.clone();
    let mut nulls = array.nulls().cloned();
    while let Some(list) = array.as_any().downcast_ref::<FixedSizeListArray>() {
        let length = usize::try_from(list.value_length())
            .map_err(|_| ColumnsError::option("a fixed-size list of negative length".to_owned()))?;
        let values = list.values().slice(list.value_offset_at(0), list.len() * length);
        let outer = nulls.map(|nulls| nulls.expand(length));
        nulls = NullBuffer::union(outer.as_ref(), values.nulls());
        array = values;
    }
    Ok((array, nulls.filter(|nulls| nulls.null_count() > 0)))
}

/// The bytes of the values of an array of fixed width, as they are in memory.
pub(super) fn bytes_of(array: &dyn Array, width: usize) -> Option<arrow::buffer::Buffer> {
    let data = array.to_data();
    let buffer = data.buffers().first()?;
    let (start, length) = (data.offset().checked_mul(width)?, data.len().checked_mul(width)?);
    (start.checked_add(length)? <= buffer.len()).then(|| buffer.slice_with_length(start, length))
}

/// The bits of a boolean array.
pub(super) fn bits_of(array: &dyn Array) -> Option<BooleanBuffer> {
    array.as_any().downcast_ref::<arrow::array::BooleanArray>().map(|array| array.values().clone())
}
