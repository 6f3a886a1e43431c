//! Arrow types by their text.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Schema, TimeUnit};

use crate::error::{HandlerError, HandlerResult};

/// Most lists and structs within each other: pyarrow and the schema that Parquet files carry go not far beyond, and what
/// they cannot read must not be written.
pub(crate) const MAX_TYPE_DEPTH: usize = 32;

/// Why a table cannot be read again, when a column of it has a type that is nested too deeply.
pub(crate) fn deep_type(schema: &Schema) -> Option<String> {
    let field = schema.fields().iter().find(|field| !is_shallow(field.data_type(), MAX_TYPE_DEPTH))?;
    Some(format!(
        "column {} has lists or structs nested more than {MAX_TYPE_DEPTH} levels deep, which readers of tables refuse",
        super::quoted(field.name())
    ))
}

/// Whether a type is nested at most this deep. Looks no deeper than that, so the stack is bounded.
fn is_shallow(data_type: &DataType, depth: usize) -> bool {
    let is_nested =
        data_type.is_nested() || matches!(data_type, DataType::Dictionary(..) | DataType::RunEndEncoded(..));
    !is_nested || depth > 0 && types_within(data_type).into_iter().all(|inner| is_shallow(inner, depth - 1))
}

/// The types right within a type: of the items of a list, the values of a dictionary, the fields of a structure.
pub fn types_within(of: &DataType) -> Vec<&DataType> {
    match of {
        DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::ListView(inner)
        | DataType::LargeListView(inner)
        | DataType::FixedSizeList(inner, _)
        | DataType::Map(inner, _)
        | DataType::RunEndEncoded(_, inner) => vec![inner.data_type()],
        DataType::Dictionary(_, inner) => vec![inner],
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| field.data_type()).collect(),
        _ => Vec::new(),
    }
}

/// The word for a type that [`parse_type`] takes, where it takes one.
pub(crate) fn type_word(data_type: &DataType) -> String {
    match data_type {
        DataType::Float32 => "float32".to_owned(),
        DataType::Float64 => "float64".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Decimal128(digits, scale) => format!("decimal({digits}, {scale})"),
        other => crate::table::arrow_type_name(other),
    }
}

/// [`ImportOptions::types`](super::ImportOptions::types) for text files whose rows are to have the types of a table. Columns of
/// types that no word gives are left out.
pub fn import_types(table: &Schema) -> BTreeMap<String, String> {
    let fields = table.fields().iter().map(|field| {
        let values = match field.data_type() {
            DataType::Dictionary(_, values) => values,
            other => other,
        };
        (field.name().clone(), values, type_word(values))
    });
    let is_exact = |values: &DataType, word: &str| parse_type(word).is_ok_and(|parsed| parsed == *values);
    fields.filter(|(_, values, word)| is_exact(values, word)).map(|(name, _, word)| (name, word)).collect()
}

/// The Arrow type that a text names, in any case:
/// `int8` to `int64` (`int` is `int64`), `uint8` to `uint64`, `float32`, `float64` (`float`, `double`), `bool`
/// (`boolean`), `string` (`str`, `utf8`), `large_string`, `date` (`date32`), `timestamp` (microseconds; `datetime`),
/// `timestamp[unit]` and `timestamp[unit, zone]` with unit `s`, `ms`, `us` or `ns`, `decimal(digits, scale)`.
///
/// # Errors
/// [`HandlerError::Invalid`] for any other text.
pub fn parse_type(text: &str) -> HandlerResult<DataType> {
    let refuse = |reason: &str| HandlerError::Invalid {
        item: format!("type {}", super::quoted(text)),
        reason: reason.to_owned(),
    };
    let trimmed = text.trim();
    let lower = trimmed.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "int8" => DataType::Int8,
        "int16" => DataType::Int16,
        "int32" => DataType::Int32,
        "int64" | "int" | "integer" => DataType::Int64,
        "uint8" => DataType::UInt8,
        "uint16" => DataType::UInt16,
        "uint32" => DataType::UInt32,
        "uint64" => DataType::UInt64,
        "float32" => DataType::Float32,
        "float64" | "float" | "double" => DataType::Float64,
        "bool" | "boolean" => DataType::Boolean,
        "string" | "str" | "utf8" | "text" => DataType::Utf8,
        "large_string" | "large_utf8" => DataType::LargeUtf8,
        "date" | "date32" | "date32[day]" => DataType::Date32,
        "timestamp" | "datetime" => DataType::Timestamp(TimeUnit::Microsecond, None),
        _ => {
            if let Some(inner) = arguments(trimmed, &lower, "timestamp", '[', ']')
                .or_else(|| arguments(trimmed, &lower, "datetime", '[', ']'))
            {
                let (unit, zone) =
                    inner.split_once(',').map_or((inner, None), |(unit, zone)| (unit, Some(zone.trim())));
                let unit = match unit.trim() {
                    "s" => TimeUnit::Second,
                    "ms" => TimeUnit::Millisecond,
                    "us" => TimeUnit::Microsecond,
                    "ns" => TimeUnit::Nanosecond,
                    _ => return Err(refuse("the unit must be s, ms, us or ns")),
                };
                let zone = zone.map(|zone| zone.strip_prefix("tz=").unwrap_or(zone));
                if zone.is_some_and(|zone| zone.is_empty() || zone.chars().any(char::is_control)) {
                    return Err(refuse("the time zone is missing"));
                }
                DataType::Timestamp(unit, zone.map(Into::into))
            } else if let Some(inner) = arguments(trimmed, &lower, "decimal", '(', ')')
                .or_else(|| arguments(trimmed, &lower, "decimal128", '(', ')'))
            {
                let parsed = inner
                    .split_once(',')
                    .and_then(|(digits, scale)| Some((digits.trim().parse().ok()?, scale.trim().parse().ok()?)));
                match parsed {
                    Some((digits @ 1..=38_u8, scale @ 0_i8..=38)) if i16::from(scale) <= i16::from(digits) => {
                        DataType::Decimal128(digits, scale)
                    }
                    _ => return Err(refuse("write decimal(digits, scale), at most 38 digits, as in decimal(12, 2)")),
                }
            } else {
                return Err(refuse(
                    "not known: int8 to int64, uint8 to uint64, float32, float64, bool, string, large_string, date, \
                     timestamp[s|ms|us|ns] or timestamp[us, UTC], decimal(digits, scale)",
                ));
            }
        }
    })
}

/// What stands between the brackets after a word. Zone names keep their case, the word's case does not matter.
fn arguments<'a>(text: &'a str, lower: &str, word: &str, open: char, close: char) -> Option<&'a str> {
    if !lower.starts_with(word) {
        return None;
    }
    text.get(word.len()..)?.trim().strip_prefix(open)?.strip_suffix(close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types() {
        assert_eq!(parse_type(" Int64 ").unwrap(), DataType::Int64);
        assert_eq!(parse_type("double").unwrap(), DataType::Float64);
        assert_eq!(parse_type("timestamp[ms]").unwrap(), DataType::Timestamp(TimeUnit::Millisecond, None));
        for text in ["timestamp[us, UTC]", "timestamp[us,tz=UTC]", "Timestamp[us, UTC]"] {
            assert_eq!(
                parse_type(text).unwrap(),
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                "{text}"
            );
        }
        assert_eq!(parse_type("decimal(12, 2)").unwrap(), DataType::Decimal128(12, 2));
        for text in [
            "",
            "int65",
            "timestamp[h]",
            "timestamp[us",
            "timestamp[us,]",
            "decimal(0,0)",
            "decimal(3,5)",
            "list<int64>",
            "timestampé[us]",
        ] {
            assert!(parse_type(text).is_err(), "{text}");
        }
    }
}
