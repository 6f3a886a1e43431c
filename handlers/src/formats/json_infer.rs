//! Finding the schema of JSON lines from all of their values.
//!
//! Not left to Arrow's own inference, which knows no line numbers, makes lists of what was a plain value elsewhere, and
//! takes integers beyond int64 for floats, losing digits.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{MAX_COLUMNS, quoted};

/// What has been seen at one place of the objects.
#[derive(Debug, Default)]
enum Kind {
    /// Nothing but null.
    #[default]
    Unknown,
    /// Plain values: a set of bits.
    Scalar(u8),
    List(Box<Kind>),
    Object(IndexMap<String, Kind>),
}

const BOOL: u8 = 1;
const INT: u8 = 1 << 1;
const NEGATIVE: u8 = 1 << 2;
/// An integer that fits uint64 only.
const UINT: u8 = 1 << 3;
const FLOAT: u8 = 1 << 4;
const TEXT: u8 = 1 << 5;

/// The columns of a JSON lines file, as far as they have been seen.
#[derive(Debug, Default)]
pub(super) struct JsonColumns {
    columns: IndexMap<String, Kind>,
    count: usize,
}

impl JsonColumns {
    /// Takes in one object.
    ///
    /// # Errors
    /// A sentence on a value that cannot stand in one column with those before it.
    pub(super) fn add(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        add_object(&mut self.columns, object, &mut self.count)
            .map_err(|(place, reason)| format!("column {}: {reason}", quoted(&place)))
    }

    /// The names, in the order in which they were first seen.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.columns.keys().map(String::as_str)
    }

    /// The type of a column.
    ///
    /// # Errors
    /// A sentence on an object that was always empty: no file format has a column without any field.
    pub(super) fn data_type(&self, name: &str) -> Result<DataType, String> {
        match self.columns.get(name) {
            Some(kind) => data_type(kind, name),
            None => Ok(DataType::Utf8),
        }
    }
}

type Misfit = (String, String);

fn add_object(
    columns: &mut IndexMap<String, Kind>,
    object: &Map<String, Value>,
    count: &mut usize,
) -> Result<(), Misfit> {
    for (name, value) in object {
        let kind = match columns.get_mut(name) {
            Some(kind) => kind,
            None => {
                *count += 1;
                if *count > MAX_COLUMNS {
                    return Err((name.clone(), format!("more than {MAX_COLUMNS} different names")));
                }
                columns.entry(name.clone()).or_default()
            }
        };
        add_value(kind, value, count).map_err(|(place, reason)| {
            let place = if place.is_empty() { name.clone() } else { format!("{name}.{place}") };
            (place, reason)
        })?;
    }
    Ok(())
}

fn add_value(kind: &mut Kind, value: &Value, count: &mut usize) -> Result<(), Misfit> {
    match (&mut *kind, value) {
        (_, Value::Null) => Ok(()),
        (Kind::Unknown, Value::Array(_)) => {
            *kind = Kind::List(Box::default());
            add_value(kind, value, count)
        }
        (Kind::Unknown, Value::Object(_)) => {
            *kind = Kind::Object(IndexMap::new());
            add_value(kind, value, count)
        }
        (Kind::Unknown, _) => {
            *kind = Kind::Scalar(scalar(value));
            Ok(())
        }
        (Kind::List(inner), Value::Array(values)) => values.iter().try_for_each(|value| add_value(inner, value, count)),
        (Kind::Object(columns), Value::Object(object)) => add_object(columns, object, count),
        (Kind::Scalar(seen), Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            *seen |= scalar(value);
            Ok(())
        }
        (before, _) => {
            let (here, before) = (describe_value(value), describe_kind(before));
            Err((String::new(), format!("{here} here, and {before} in lines before: they make no column together")))
        }
    }
}

fn scalar(value: &Value) -> u8 {
    match value {
        Value::Bool(_) => BOOL,
        Value::Number(number) if number.is_i64() => {
            INT | if number.as_i64().is_some_and(i64::is_negative) { NEGATIVE } else { 0 }
        }
        Value::Number(number) if number.is_u64() => UINT,
        Value::Number(_) => FLOAT,
        _ => TEXT,
    }
}

fn describe_value(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        _ => "a plain value",
    }
}

fn describe_kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::List(_) => "a list",
        Kind::Object(_) => "an object",
        Kind::Scalar(_) | Kind::Unknown => "a plain value",
    }
}

fn data_type(kind: &Kind, place: &str) -> Result<DataType, String> {
    Ok(match kind {
        Kind::Unknown => DataType::Utf8,
        Kind::Scalar(BOOL) => DataType::Boolean,
        Kind::Scalar(seen) if seen & (BOOL | TEXT) != 0 => DataType::Utf8,
        Kind::Scalar(seen) if seen & FLOAT != 0 => DataType::Float64,
        // Float64 would lose digits.
        Kind::Scalar(seen) if seen & UINT != 0 && seen & NEGATIVE != 0 => DataType::Utf8,
        Kind::Scalar(seen) if seen & UINT != 0 => DataType::UInt64,
        Kind::Scalar(_) => DataType::Int64,
        Kind::List(inner) => DataType::List(Arc::new(Field::new_list_field(data_type(inner, place)?, true))),
        Kind::Object(columns) if columns.is_empty() => {
            return Err(format!(
                "column {} holds nothing but empty objects, which no table can: leave it out by naming the other columns",
                quoted(place)
            ));
        }
        Kind::Object(columns) => DataType::Struct(
            columns
                .iter()
                .map(|(name, kind)| Ok(Field::new(name, data_type(kind, &format!("{place}.{name}"))?, true)))
                .collect::<Result<Fields, String>>()?,
        ),
    })
}
