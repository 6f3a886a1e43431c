//! Values that are bound to a query.

use duckdb::ToSql;
use duckdb::types::{TimeUnit, ToSqlOutput, Value};

/// A value for a place in a query.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ParamValue {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number.
    Float(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A day, counted from 1970-01-01.
    Date(i32),
    /// An instant without a time zone, in microseconds from 1970-01-01.
    Timestamp(i64),
    /// A list.
    List(Vec<ParamValue>),
}

/// The values for a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Params {
    /// None.
    #[default]
    None,
    /// For `?`, or `$1`, `$2`, ..., in order.
    Positional(Vec<ParamValue>),
    /// For `$name`.
    Named(Vec<(String, ParamValue)>),
}

macro_rules! from {
    ($($type:ty => $variant:ident),*) => {
        $(impl From<$type> for ParamValue {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from!(bool => Bool, i32 => Int, i64 => Int, u32 => Int, u64 => Int, f32 => Float, f64 => Float, &str => Text, String => Text);

impl<T: Into<ParamValue>> From<Option<T>> for ParamValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl ParamValue {
    fn to_duckdb(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Boolean(*value),
            // Whole numbers of a table are 64 bits wide; a wider type would make DuckDB calculate in 128.
            Self::Int(value) => i64::try_from(*value).map_or(Value::HugeInt(*value), Value::BigInt),
            Self::Float(value) => Value::Double(*value),
            Self::Text(text) => Value::Text(text.clone()),
            Self::Bytes(bytes) => Value::Blob(bytes.clone()),
            Self::Date(days) => Value::Date32(*days),
            Self::Timestamp(micros) => Value::Timestamp(TimeUnit::Microsecond, *micros),
            Self::List(values) => Value::List(values.iter().map(Self::to_duckdb).collect()),
        }
    }
}

impl ToSql for ParamValue {
    fn to_sql(&self) -> duckdb::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(self.to_duckdb()))
    }
}
