//! Parameters of a derived table as JSON, from which the same ones come again.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime};
use datafolio_sql::{ParamValue, Params, decimal};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// What JSON has no form for is an object of one field, which says what it is.
const DATE: &str = "date";
const TIMESTAMP: &str = "timestamp";
const INSTANT: &str = "instant";
const INTEGER: &str = "integer";
const FLOAT: &str = "float";
const DECIMAL: &str = "decimal";
const HEX: &str = "hex";

/// As a derivation records them.
pub(super) fn to_json(params: &Params) -> Result<Value> {
    Ok(match params {
        Params::None => Value::Null,
        Params::Positional(values) => Value::Array(values.iter().map(value_to_json).collect::<Result<_>>()?),
        Params::Named(values) => {
            let value = |(name, value): &(String, ParamValue)| Ok((name.clone(), value_to_json(value)?));
            Value::Object(values.iter().map(value).collect::<Result<Map<_, _>>>()?)
        }
    })
}

/// As a query is given them.
///
/// # Errors
/// [`Error::Invalid`] for a value that is none of these: a later version has recorded it, perhaps.
pub(super) fn from_json(value: &Value) -> Result<Params> {
    Ok(match value {
        Value::Array(values) => Params::Positional(values.iter().map(value_from_json).collect::<Result<_>>()?),
        Value::Object(values) => {
            let value = |(name, value): (&String, &Value)| Ok((name.clone(), value_from_json(value)?));
            Params::Named(values.iter().map(value).collect::<Result<_>>()?)
        }
        _ => Params::None,
    })
}

fn value_to_json(value: &ParamValue) -> Result<Value> {
    let exact = match value {
        ParamValue::Null => Some(Value::Null),
        ParamValue::Bool(value) => Some((*value).into()),
        ParamValue::Int(value) => Some(
            i64::try_from(*value)
                .map(Value::from)
                .or_else(|_| u64::try_from(*value).map(Value::from))
                .unwrap_or_else(|_| json!({INTEGER: value.to_string()})),
        ),
        ParamValue::Float(value) => {
            let number = serde_json::Number::from_f64(*value).map(Value::Number);
            Some(number.unwrap_or_else(|| json!({FLOAT: value.to_string()})))
        }
        ParamValue::Decimal { digits, scale } => Some(json!({DECIMAL: decimal(*digits, *scale)})),
        ParamValue::Text(text) => Some(text.as_str().into()),
        ParamValue::Date(days) => {
            let day = NaiveDate::default().checked_add_signed(Duration::days((*days).into()));
            day.map(|day| json!({DATE: day.to_string()}))
        }
        ParamValue::Timestamp(micros) => DateTime::from_timestamp_micros(*micros)
            .map(|instant| json!({TIMESTAMP: instant.naive_utc().format(TO_THE_MICROSECOND).to_string()})),
        ParamValue::Instant(micros) => DateTime::from_timestamp_micros(*micros)
            .map(|instant| json!({INSTANT: instant.format(WITHIN_UTC).to_string()})),
        ParamValue::Bytes(bytes) => {
            Some(json!({HEX: bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()}))
        }
        ParamValue::List(values) => Some(Value::Array(values.iter().map(value_to_json).collect::<Result<_>>()?)),
        _ => None,
    };
    exact.ok_or_else(|| {
        let reason = "a parameter cannot be recorded as JSON: give a text, and cast it in the SQL (CAST(? AS DATE))";
        Error::Invalid(reason.to_owned())
    })
}

const TO_THE_MICROSECOND: &str = "%Y-%m-%dT%H:%M:%S%.6f";
const WITHIN_UTC: &str = "%Y-%m-%dT%H:%M:%S%.6f+00:00";

fn value_from_json(value: &Value) -> Result<ParamValue> {
    Ok(match value {
        Value::Null => ParamValue::Null,
        Value::Object(fields) => {
            let only = fields.iter().next().filter(|_| fields.len() == 1);
            let told = only.and_then(|(what, value)| told(what, value.as_str()?));
            told.ok_or_else(|| {
                Error::Invalid(format!("the recorded parameter {value} is not understood: derive the table anew"))
            })?
        }
        Value::Bool(value) => ParamValue::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => value.into(),
            (None, Some(value)) => value.into(),
            (None, None) => number.as_f64().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => ParamValue::List(values.iter().map(value_from_json).collect::<Result<_>>()?),
    })
}

fn told(what: &str, text: &str) -> Option<ParamValue> {
    Some(match what {
        DATE => {
            let days = text.parse::<NaiveDate>().ok()?.signed_duration_since(NaiveDate::default()).num_days();
            ParamValue::Date(i32::try_from(days).ok()?)
        }
        TIMESTAMP => {
            let time = NaiveDateTime::parse_from_str(text, TO_THE_MICROSECOND).ok()?;
            ParamValue::Timestamp(time.and_utc().timestamp_micros())
        }
        INSTANT => ParamValue::Instant(DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros()),
        INTEGER => ParamValue::Int(text.parse().ok()?),
        FLOAT => ParamValue::Float(text.parse().ok()?),
        DECIMAL => {
            let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            ParamValue::Decimal { digits: text.replace('.', "").parse().ok()?, scale: u8::try_from(scale).ok()? }
        }
        HEX => {
            let digits = text.as_bytes().chunks(2);
            let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            ParamValue::Bytes(digits.map(byte).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_come_again_as_they_were() {
        let values = vec![
            ParamValue::Null,
            ParamValue::Bool(true),
            ParamValue::Int(-7),
            ParamValue::Int(i128::MAX),
            ParamValue::Int(u64::MAX.into()),
            ParamValue::Float(0.1),
            ParamValue::Float(f64::NEG_INFINITY),
            ParamValue::Text("{\"date\": \"2020-01-01\"}".to_owned()),
            ParamValue::Bytes(vec![0, 255, 16]),
            ParamValue::Date(18_262),
            ParamValue::Date(-1_000_000),
            ParamValue::Timestamp(1_600_000_000_123_456),
            ParamValue::Timestamp(-1),
            ParamValue::Instant(1_600_000_000_123_456),
            ParamValue::Instant(-1),
            ParamValue::List(vec![ParamValue::Date(0), ParamValue::Null]),
        ];
        let recorded = to_json(&Params::Positional(values.clone())).unwrap();
        assert_eq!(recorded[9], json!({"date": "2020-01-01"}));
        assert_eq!(recorded[11], json!({"timestamp": "2020-09-13T12:26:40.123456"}));
        assert_eq!(recorded[13], json!({"instant": "2020-09-13T12:26:40.123456+00:00"}));
        let again: Value = serde_json::from_str(&recorded.to_string()).unwrap();
        assert_eq!(from_json(&again).unwrap(), Params::Positional(values.clone()));
        let named = Params::Named(vec![("since".to_owned(), values[9].clone())]);
        assert_eq!(from_json(&to_json(&named).unwrap()).unwrap(), named);
        assert_eq!(from_json(&to_json(&Params::None).unwrap()).unwrap(), Params::None);
        for unknown in [
            json!([{"era": "2020"}]),
            json!([{"date": "soon"}]),
            json!([{"hex": "0g"}]),
            json!([{"instant": "2020-09-13T12:26:40"}]),
            json!([[{}]]),
        ] {
            assert!(from_json(&unknown).unwrap_err().to_string().contains("derive the table anew"));
        }
    }
}
