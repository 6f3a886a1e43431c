//! JSON values.

use datafolio_core::{ItemRecord, item_type};
use serde_json::{Map, Value};

use crate::data::Data;
use crate::error::{HandlerError, HandlerResult};
use crate::handler::{Draft, Handler, Item, Sink, WriteOptions};
use crate::json_text::{JsonError, MAX_DEPTH, parse_json};
use crate::payload_bytes::{facts_of, read_all};

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
            let reason = format!("it is nested deeper than {MAX_DEPTH} levels");
            return Err(HandlerError::Invalid { item: sink.name().to_owned(), reason });
        }
        let mut writer = sink.payload(".json")?;
        serde_json::to_writer_pretty(&mut writer, &value).map_err(std::io::Error::from)?;
        let payload = writer.finish()?;
        let mut fields = Map::new();
        fields.insert("data_type".to_owned(), python_type(&value).into());
        Ok(Draft::new(fields).with_payload(payload))
    }

    fn read(&self, item: &Item<'_>) -> HandlerResult<Data> {
        let bytes = read_all(item)?;
        let file_alone = |reason| HandlerError::FileAlone { item: item.name().to_owned(), reason };
        parse_json(text(item, &bytes)?).map(Data::Json).map_err(|error| match error {
            JsonError::Number(number) => file_alone(format!("it has the number {number}, which is beyond 64 bits")),
            JsonError::Depth => file_alone(format!("it is nested deeper than {MAX_DEPTH} levels")),
            other => item.damaged(other),
        })
    }

    /// Numbers of any size and lists of any depth are JSON, though [`read`](Handler::read) does not take all of them: other
    /// programs write them.
    fn verify(&self, item: &Item<'_>) -> HandlerResult<()> {
        let bytes = read_all(item)?;
        match parse_json(text(item, &bytes)?) {
            Ok(_) | Err(JsonError::Number(_) | JsonError::Depth) => Ok(()),
            Err(other) => Err(item.damaged(other)),
        }
    }

    fn facts(&self, record: &ItemRecord) -> Vec<(&'static str, String)> {
        facts_of(record, &[("type", "data_type")])
    }
}

fn text<'a>(item: &Item<'_>, bytes: &'a [u8]) -> HandlerResult<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| item.damaged(format!("not JSON: {error}")))
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
    use std::io::Write;
    use std::sync::Arc;

    use datafolio_storage::{MemoryStorage, Storage, Verification, VerifiedCache};
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

    /// Reads and verifies a payload that somebody wrote.
    fn read(text: &str) -> (HandlerResult<Value>, HandlerResult<()>) {
        let storage = Arc::new(MemoryStorage::new()) as Arc<dyn Storage>;
        let mut writer = Sink::new(&storage, item_type::JSON_DATA, "x").payload(".json").unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        let path = writer.finish().unwrap().path.to_string();
        let mut fields = Map::new();
        for (field, value) in [("name", "x"), ("item_type", item_type::JSON_DATA)] {
            fields.insert(field.to_owned(), value.into());
        }
        fields.insert("filename".to_owned(), path.rsplit('/').next().unwrap().into());
        let (record, cache) = (ItemRecord::new(fields), VerifiedCache::disabled());
        let item = Item::new(&record, &storage, Verification::Full, &cache);
        let value = JsonData.read(&item).map(|data| match data {
            Data::Json(value) => value,
            other => panic!("{other:?}"),
        });
        (value, JsonData.verify(&item))
    }

    #[test]
    fn numbers_of_a_payload_are_read_exactly_or_not_at_all() {
        // The second float is the one whose last bit is lost when its digits are multiplied by a rounded power of ten:
        // float.hex() in Python is 0x1.fffffffffffffp+1022.
        let (value, verified) = read("[18446744073709551615, 8.988465674311579e307]");
        assert_eq!(value.unwrap(), json!([u64::MAX, f64::from_bits(0x7fdf_ffff_ffff_ffff)]));
        verified.unwrap();
        for number in ["18446744073709551616", "-9223372036854775809", "12345678901234567890123", "1e400"] {
            let (value, verified) = read(&format!("{{\"a\": [{number}]}}"));
            let error = value.unwrap_err();
            assert_eq!(error.code(), "unsupported");
            assert!(error.to_string().contains(number), "{error}");
            verified.unwrap();
        }
        for text in ["", "{\"a\": }", "[1] 2", "\u{feff}1"] {
            let (value, verified) = read(text);
            assert_eq!((value.unwrap_err().code(), verified.unwrap_err().code()), ("damaged-item", "damaged-item"));
        }
    }

    /// Python nests about as deeply as its stack goes.
    #[test]
    fn a_value_nested_too_deeply_to_be_read_is_no_damage() {
        for depth in [128, 200, 100_000] {
            let (value, verified) = read(&format!("{}1{}", "[".repeat(depth), "]".repeat(depth)));
            let error = value.unwrap_err();
            assert_eq!((error.code(), error.category().as_str()), ("unsupported", "unsupported"));
            assert!(error.to_string().contains("deeper than 127 levels"), "{error}");
            verified.unwrap();
        }
        let (value, verified) = read(&"[".repeat(200));
        assert_eq!((value.unwrap_err().code(), verified.unwrap_err().code()), ("damaged-item", "damaged-item"));
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
