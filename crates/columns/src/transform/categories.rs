//! The values that columns take, and how they are written in states.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::json::{Members, kind, wrong};
use crate::aggregate::{Aggregate, Keep, agg};
use crate::error::{ColumnsError, ColumnsResult};
use crate::expr::{Expr, Kind, call_with, col};
use crate::frame::Frame;
use crate::pass::PassOptions;
use crate::types::Unit;
use crate::value::Value;

/// The values that an encoder was fitted to in a column.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Categories {
    /// The column.
    pub column: Arc<str>,
    /// The values, which rise, NaN behind all numbers and a missing value last.
    pub values: Vec<Value>,
}

/// The error of a column in which there is nothing to be encoded.
pub(super) fn none(column: &str) -> ColumnsError {
    ColumnsError::option(format!(
        "no encoder can be fitted to column `{column}`, which has no value that counts; `keep` makes missing values and NaN count"
    ))
}

/// Finds the values of columns, all in one pass.
pub(super) fn find(
    frame: &Frame,
    columns: Vec<Arc<str>>,
    keep: Keep,
    options: &PassOptions,
) -> ColumnsResult<Vec<Categories>> {
    let wanted: Vec<Aggregate> = columns.iter().map(|name| agg::unique(col(name.clone()), keep)).collect();
    let answers = frame.aggregate_with(&wanted, options)?;
    let categories = |(column, answer): (Arc<str>, Value)| match answer {
        Value::List(values) if !values.is_empty() => Ok(Categories { column, values }),
        _ => Err(none(&column)),
    };
    columns.into_iter().zip(answers).map(categories).collect()
}

/// What the values of a column are looked up as.
pub(super) fn looked_up<'o>(
    column: &Arc<str>,
    pairs: Vec<(Expr, Expr)>,
    options: impl IntoIterator<Item = (&'o str, Expr)>,
) -> Expr {
    call_with("map", [col(column.clone()), Expr::new(Kind::Pairs(pairs))], options)
}

/// Whether a column of a frame can be NaN.
pub(super) fn is_float(frame: &Frame, column: &Arc<str>) -> ColumnsResult<bool> {
    Ok(frame.type_of(col(column.clone()))?.is_float())
}

/// Whether NaN is among values.
pub(super) fn has_nan(values: &[Value]) -> bool {
    values.iter().any(|value| matches!(value, Value::Float(number) if number.is_nan()))
}

/// A value in a state: as JSON has it where it has it, else as an object that names what it is.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        // What fits neither is no value of a column.
        Value::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
            (Ok(value), _) => json!(value),
            (_, Ok(value)) => json!(value),
            _ => json!(*value as f64),
        },
        Value::Float(value) if value.is_finite() => json!(value),
        Value::Float(_) => json!({"float": value.to_string()}),
        Value::Text(text) => json!(&**text),
        Value::Instant(ticks, unit, None) => json!({"instant": ticks, "unit": unit.as_str()}),
        Value::Instant(ticks, unit, Some(zone)) => {
            json!({"instant": ticks, "unit": unit.as_str(), "zone": &**zone})
        }
        Value::Duration(ticks, unit) => json!({"duration": ticks, "unit": unit.as_str()}),
        Value::List(values) => Json::Array(values.iter().map(to_json).collect()),
    }
}

/// The value that a state has.
pub(super) fn of_json(written: &Json) -> ColumnsResult<Value> {
    Ok(match written {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), ..) => value.into(),
            (_, Some(value), _) => value.into(),
            (.., Some(value)) if value.is_finite() => Value::Float(value),
            _ => return Err(wrong("among its `values` is a number that does not fit in 64 bits")),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Object(_) | Json::Array(_) => match Members::within(written) {
            Some(members) => special(members)?,
            None => return Err(wrong(format!("among its `values` is {}", kind(written)))),
        },
    })
}

/// What JSON has no values for.
fn special(members: Members<'_>) -> ColumnsResult<Value> {
    if members.has("float") {
        return match members.text("float")? {
            "nan" => Ok(Value::Float(f64::NAN)),
            "inf" => Ok(Value::Float(f64::INFINITY)),
            "-inf" => Ok(Value::Float(f64::NEG_INFINITY)),
            _ => Err(wrong("a `float` among its `values` is none of \"nan\", \"inf\" and \"-inf\"")),
        };
    }
    let unit = || match Unit::from_letters(members.text("unit")?) {
        Some(unit) => Ok(unit),
        None => Err(wrong("a `unit` among its `values` is none of NumPy's, from \"Y\" to \"ns\"")),
    };
    if members.has("duration") {
        return Ok(Value::Duration(members.whole("duration")?, unit()?));
    }
    let zone = members.optional_text("zone")?.map(Arc::from);
    Ok(Value::Instant(members.whole("instant")?, unit()?, zone))
}

/// The values of a column in a state: at least one, and none twice, as no fit gives it.
pub(super) fn values_of(members: Members<'_>) -> ColumnsResult<Vec<Value>> {
    let values = members.list("values")?.iter().map(of_json).collect::<ColumnsResult<Vec<_>>>()?;
    if values.is_empty() {
        return Err(wrong("a column has no `values`"));
    }
    let mut known = HashSet::with_capacity(values.len());
    if !values.iter().all(|value| known.insert(value.to_string())) {
        return Err(wrong("a column has one of its `values` twice"));
    }
    Ok(values)
}

/// Which of missing values and NaN count.
pub(super) fn keep_of(members: Members<'_>) -> ColumnsResult<Keep> {
    Ok(Keep { missing: members.flag("keep_missing")?, nan: members.flag("keep_nan")? })
}

/// The categories of columns, with the prefix and what counts, as members of a state.
pub(super) fn members(columns: &[Categories], prefix: &str, keep: Keep) -> Map<String, Json> {
    let column = |column: &Categories| json!({"column": &*column.column, "values": column.values.iter().map(to_json).collect::<Vec<_>>()});
    let columns: Vec<Json> = columns.iter().map(column).collect();
    let mut members = Map::new();
    members.insert("prefix".to_owned(), json!(prefix));
    members.insert("keep_missing".to_owned(), json!(keep.missing));
    members.insert("keep_nan".to_owned(), json!(keep.nan));
    members.insert("columns".to_owned(), Json::Array(columns));
    members
}
