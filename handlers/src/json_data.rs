//! JSON values.

use datafolio_core::{ItemRecord, item_type};
use serde_json::{Map, Value};

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::payload_bytes::{facts_of, read_all};

/// Deepest nesting that is written: what is written must be readable, and the parser's own limit is 128.
const MAX_DEPTH: usize = 127;

/// Item type `json_data`: a value as JSON text, indented as DataFolio writes it.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonData;

impl Handler for JsonData {
    fn item_type(&self) -> &str {
        item_type::JSON_DATA
    }

    fn recognises(&self, data: &Data) -> bool {
        matches!(data, Data::Json(_))
    }

    fn write(&self, data: Data, _: &WriteOptions, sink: &mut Sink<'_>) -> HandlerResult<Draft> {
        let Data::Json(value) = data else {
            return Err(HandlerError::WrongKind { expected: "a JSON value", found: data.kind().to_owned() });
        };
        if !is_shallow(&value, MAX_DEPTH) {
            let reason = format!("it is nested deeper than {MAX_DEPTH} levels, which JSON readers refuse");
            return Err(HandlerError::Invalid { item: sink.name().to_owned(), reason });
        }
        let mut writer = sink.payload(".json")?;
        serde_json::to_writer_pretty(&mut writer, &value).map_err(std::io::Error::from)?;
        let payload = writer.finish()?;
        let mut fields = Map::new();
        fields.insert("data_type".to_owned(), python_type(&value).into());
        Ok(Draft { fields, payload: Some(payload) })
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        let bytes = read_all(item)?;
        let value = serde_json::from_slice(&bytes).map_err(|error| item.damaged(format!("not JSON: {error}")))?;
        Ok(Data::Json(value))
    }

    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        self.read(item).map(drop)
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        facts_of(record, &[("type", "data_type")])
    }
}

/// The name of the type that the value has in Python.
fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Whether lists and objects are nested at most this deep. Looks no deeper than that, so the stack is bounded.
fn is_shallow(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| is_shallow(item, depth - 1)),
        Value::Object(fields) => depth > 0 && fields.values().all(|field| is_shallow(field, depth - 1)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_named_as_in_python() {
        for (value, expected) in [
            (json!(null), "NoneType"),
            (json!(true), "bool"),
            (json!(1), "int"),
            (json!(u64::MAX), "int"),
            (json!(1.0), "float"),
            (json!("x"), "str"),
            (json!([]), "list"),
            (json!({}), "dict"),
        ] {
            assert_eq!(python_type(&value), expected);
        }
    }

    #[test]
    fn the_deepest_value_that_is_written_can_be_read() {
        let nested = |depth| (0..depth).fold(json!(1), |value, _| json!([value]));
        let text = nested(MAX_DEPTH).to_string();
        assert!(is_shallow(&nested(MAX_DEPTH), MAX_DEPTH));
        assert!(serde_json::from_str::<Value>(&text).is_ok());
        assert!(!is_shallow(&nested(MAX_DEPTH + 1), MAX_DEPTH));
    }
}
