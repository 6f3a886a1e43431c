//! Answers that are kept, so that a question that was asked before costs no pass.
//!
//! The key of an answer names the content of the columns that were read, by their hash where the source knows it, and all that the answer
//! was computed by: a table that has changed has other keys.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use serde_json::{Value as Json, json};

use crate::types::Unit;
use crate::value::Value;

/// Keeps answers under keys. It may forget any of them at any time, and never fails.
pub trait ResultCache: Debug + Send + Sync {
    /// What is kept under a key.
    fn get(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps an answer under a key.
    fn put(&self, key: &str, answer: &[u8]);
}

/// Answers in memory, of which those go first that were asked for longest ago.
#[derive(Debug)]
pub struct MemoryResults {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Arc<str>, (Vec<u8>, u64)>,
    bytes: usize,
    /// Counts what was asked.
    now: u64,
}

/// What an entry takes beside its key and its answer.
const OVERHEAD: usize = 96;

impl MemoryResults {
    /// Keeps answers that take at most so many bytes together.
    pub fn new(bytes: usize) -> Self {
        Self { most: bytes, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResultCache for MemoryResults {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        let mut kept = self.kept();
        kept.now += 1;
        let now = kept.now;
        let (answer, asked) = kept.answers.get_mut(key)?;
        *asked = now;
        Some(answer.clone())
    }

    fn put(&self, key: &str, answer: &[u8]) {
        let size = key.len() + answer.len() + OVERHEAD;
        if size > self.most / 2 {
            return;
        }
        let mut kept = self.kept();
        kept.now += 1;
        let now = kept.now;
        if let Some((before, _)) = kept.answers.insert(key.into(), (answer.to_vec(), now)) {
            kept.bytes -= key.len() + before.len() + OVERHEAD;
        }
        kept.bytes += size;
        if kept.bytes <= self.most {
            return;
        }
        // A quarter goes at once, so that not every answer has to look for the oldest.
        let mut by_age: Vec<(u64, Arc<str>)> =
            kept.answers.iter().map(|(key, (_, asked))| (*asked, key.clone())).collect();
        by_age.sort_unstable();
        for (_, key) in by_age {
            if kept.bytes <= self.most / 4 * 3 {
                break;
            }
            if let Some((answer, _)) = kept.answers.remove(&key) {
                kept.bytes -= key.len() + answer.len() + OVERHEAD;
            }
        }
    }
}

/// The longest answer that is kept.
const LONGEST: usize = 1 << 20;

/// An answer as bytes; none where it is too long to be kept.
pub(crate) fn encode(answer: &Value) -> Option<Vec<u8>> {
    let bytes = serde_json::to_vec(&json_of(answer)).ok()?;
    (bytes.len() <= LONGEST).then_some(bytes)
}

/// The answer that bytes are; none where they are none.
pub(crate) fn decode(bytes: &[u8]) -> Option<Value> {
    value_of(&serde_json::from_slice(bytes).ok()?)
}

/// A table as bytes, in Arrow's form of a stream; none where it is too long to be kept.
pub(crate) fn encode_table(answer: &RecordBatch) -> Option<Vec<u8>> {
    // What is too long is not written first.
    if answer.get_array_memory_size() > 2 * LONGEST {
        return None;
    }
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &answer.schema()).ok()?;
    writer.write(answer).and_then(|()| writer.finish()).ok()?;
    drop(writer);
    (bytes.len() <= LONGEST).then_some(bytes)
}

/// The table that bytes are; none where they are none.
pub(crate) fn decode_table(bytes: &[u8]) -> Option<RecordBatch> {
    let mut reader = StreamReader::try_new(bytes, None).ok()?;
    let answer = reader.next()?.ok()?;
    reader.next().is_none().then_some(answer)
}

/// Numbers by their digits or bits, since those of JSON are rounded, and lack NaN.
fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!({ "int": value.to_string() }),
        Value::Float(value) => json!({ "float": format!("{:016x}", value.to_bits()) }),
        Value::Text(text) => json!(&**text),
        Value::Instant(ticks, unit, zone) => {
            json!({ "instant": ticks, "unit": unit.as_str(), "zone": zone.as_deref() })
        }
        Value::Duration(ticks, unit) => json!({ "duration": ticks, "unit": unit.as_str() }),
        Value::List(values) => values.iter().map(json_of).collect(),
    }
}

fn value_of(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => Value::Text(text.as_str().into()),
        Json::Array(values) => Value::List(values.iter().map(value_of).collect::<Option<_>>()?),
        Json::Number(_) => return None,
        Json::Object(members) => {
            let unit = || Unit::from_letters(members.get("unit")?.as_str()?);
            if let Some(digits) = members.get("int") {
                Value::Int(digits.as_str()?.parse().ok()?)
            } else if let Some(bits) = members.get("float") {
                Value::Float(f64::from_bits(u64::from_str_radix(bits.as_str()?, 16).ok()?))
            } else if let Some(ticks) = members.get("instant") {
                let zone = members.get("zone").and_then(Json::as_str).map(Arc::from);
                Value::Instant(ticks.as_i64()?, unit()?, zone)
            } else {
                Value::Duration(members.get("duration")?.as_i64()?, unit()?)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_back_as_they_were() {
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Int(i128::from(u64::MAX)),
            Value::Float(-0.1),
            Value::Float(f64::INFINITY),
            Value::from("a \"text\""),
            Value::Instant(i64::MIN, Unit::Nano, Some("Europe/Berlin".into())),
            Value::Instant(3, Unit::Day, None),
            Value::Duration(-7, Unit::Milli),
            Value::List(vec![Value::Int(1), Value::List(vec![Value::Null])]),
        ];
        for value in values {
            assert_eq!(decode(&encode(&value).unwrap()), Some(value));
        }
        assert!(matches!(decode(&encode(&Value::Float(f64::NAN)).unwrap()), Some(Value::Float(nan)) if nan.is_nan()));
        for wrong in [&b""[..], b"{}", b"7", b"{\"int\":\"x\"}", b"{\"instant\":1,\"unit\":\"q\"}", b"[{\"float\":1}]"]
        {
            assert_eq!(decode(wrong), None);
        }
        assert_eq!(encode(&Value::from("x".repeat(LONGEST).as_str())), None);
    }

    #[test]
    fn what_was_not_asked_for_longest_goes_first() {
        let kept = MemoryResults::new(10 * (OVERHEAD + 4));
        for number in 0..9 {
            kept.put(&format!("k{number}"), b"an");
        }
        assert_eq!(kept.get("k0").as_deref(), Some(&b"an"[..]));
        for number in 9..12 {
            kept.put(&format!("k{number}"), b"an");
        }
        assert!(kept.get("k0").is_some() && kept.get("k11").is_some() && kept.get("k1").is_none());
        assert!(kept.kept().bytes <= 10 * (OVERHEAD + 4));
        kept.put("large", &[0; 2000]);
        assert!(kept.get("large").is_none());
    }
}
