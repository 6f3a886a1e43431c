//! Single values: what is written out in an expression, and what comes out of an aggregation.

use std::fmt;
use std::sync::Arc;

use crate::types::{Int, Type, Unit};

/// A single value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A missing value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number of any width.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// Ticks since 1970-01-01T00:00:00.
    Instant(i64, Unit, Option<Arc<str>>),
    /// A number of ticks.
    Duration(i64, Unit),
    /// Several values: components of a vector, or what `list` and `unique` collect.
    List(Vec<Value>),
}

impl Value {
    /// The type that it has by itself: `int64` where it fits, else `uint64`; `float64`.
    pub fn type_of(&self) -> Type {
        match self {
            Self::Null => Type::Null,
            Self::Bool(_) => Type::Bool,
            Self::Int(value) if i64::try_from(*value).is_ok() => Type::INT64,
            Self::Int(value) if u64::try_from(*value).is_ok() => Type::Int(Int::U64),
            Self::Int(_) | Self::Float(_) => Type::Float64,
            Self::Text(_) => Type::Text,
            Self::Instant(_, unit, zone) => Type::Instant(*unit, zone.clone()),
            Self::Duration(_, unit) => Type::Duration(*unit),
            Self::List(values) => {
                let element = values.first().map_or(Type::Null, Self::type_of);
                Type::Vector(Box::new(element), Arc::from([values.len()]))
            }
        }
    }

    /// The value as a floating-point number, if it is a number or a truth value.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The value as a whole number, if it is one.
    pub fn as_i128(&self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is missing.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// As it would be written in an expression.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) if value.is_nan() => f.write_str("nan"),
            Self::Float(value) if value.is_infinite() => f.write_str(if *value > 0.0 { "inf" } else { "-inf" }),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) => write_text(f, text),
            Self::Instant(ticks, unit, None) => write!(f, "datetime64({ticks}, '{}')", unit.as_str()),
            Self::Instant(ticks, unit, Some(zone)) => {
                write!(f, "datetime64({ticks}, '{}', '{zone}')", unit.as_str())
            }
            Self::Duration(ticks, unit) => write!(f, "timedelta64({ticks}, '{}')", unit.as_str()),
            Self::List(values) => {
                f.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    value.fmt(f)?;
                }
                f.write_str("]")
            }
        }
    }
}

/// Text as Python writes it, in double quotes.
pub(crate) fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            control if control.is_control() => write!(f, "\\u{:04x}", control as u32)?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}

macro_rules! from_int {
    ($($type:ty)*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::Int(value.into())
            }
        }
    )*};
}
from_int!(i8 i16 i32 i64 u8 u16 u32 u64);

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::Float(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}
