//! JSON text as the bundle formats write it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A JSON value kept as the text it was read from, so that what nobody changes is never written differently.
pub type RawJson = Arc<str>;

/// Writes a value with two-space indentation, all lines but the first indented by `indent` further spaces.
pub fn pretty<T: Serialize>(value: &T, indent: usize) -> String {
    // Serialising maps with string keys into memory cannot fail; a value that claims otherwise is written as null.
    let text = serde_json::to_string_pretty(value).unwrap_or_else(|_| "null".to_owned());
    if indent == 0 || !text.contains('\n') {
        return text;
    }
    // A raw line break cannot stand inside a JSON string, so every one found is layout.
    text.replace('\n', &format!("\n{}", " ".repeat(indent)))
}

/// Most levels of a value of the metadata. A snapshot holds it two levels deeper, and 127 are read.
pub const MAX_METADATA_DEPTH: usize = 120;

/// Whether lists and objects are nested more deeply than this.
pub fn is_deeper_than(value: &Value, levels: usize) -> bool {
    let mut left = vec![(value, 1)];
    while let Some((value, level)) = left.pop() {
        let inner: Vec<&Value> = match value {
            Value::Array(values) => values.iter().collect(),
            Value::Object(fields) => fields.values().collect(),
            _ => continue,
        };
        if level > levels {
            return true;
        }
        left.extend(inner.into_iter().map(|value| (value, level + 1)));
    }
    false
}

/// A string as a JSON string.
pub fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// The bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// SHA-256 of a text.
pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_that_of_the_formats() {
        let value: Value = serde_json::from_str(r#"{"a":[],"b":{},"c":["é",1.5,null]}"#).unwrap();
        assert_eq!(
            pretty(&value, 2),
            "{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n      \"é\",\n      1.5,\n      null\n    ]\n  }"
        );
    }

    #[test]
    fn depth_is_counted_as_brackets() {
        for levels in [1, 2, 50] {
            let value: Value = serde_json::from_str(&format!("{}{}", "[".repeat(levels), "]".repeat(levels))).unwrap();
            assert!(is_deeper_than(&value, levels - 1) && !is_deeper_than(&value, levels));
        }
        assert!(!is_deeper_than(&Value::from(1), 0));
    }

    #[test]
    fn sha256_of_a_known_text() {
        // From FIPS 180-2, appendix B.1.
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
