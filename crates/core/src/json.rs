//! JSON text as the bundle formats write it, and fingerprints of catalogues.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A JSON value kept as the text it was read from, so that what nobody changes is never written differently.
pub type RawJson = Arc<str>;

/// Length of a seal in hexadecimal.
const SEAL_LENGTH: usize = 64;
/// What stands before a seal in the text.
const SEAL_KEY: &str = "\"seal\": \"";

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

/// Where the characters of the seal stand in a sealed text: in the first object after `"commit": `, or at the start of
/// a history entry.
pub fn seal_position(text: &str) -> Option<usize> {
    // The seal stands near the top; a later text of the same look belongs to a user's value.
    let head_end = text.len().min(4096);
    let mut end = head_end;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let at = text[..end].find(SEAL_KEY)? + SEAL_KEY.len();
    let seal = text.get(at..at + SEAL_LENGTH)?;
    seal.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(at)
}

/// BLAKE3 of a text, the characters of its seal (when it has one) counted as zeros.
///
/// Every commit to a bundle and every opening of one hashes the whole catalogue; BLAKE3 does that in a quarter of the time
/// of SHA-256.
pub fn fingerprint(text: &str) -> String {
    let Some(at) = seal_position(text) else { return blake3::hash(text.as_bytes()).to_hex().to_string() };
    let mut hash = blake3::Hasher::new();
    hash.update(&text.as_bytes()[..at]);
    hash.update(&[b'0'; SEAL_LENGTH]);
    hash.update(&text.as_bytes()[at + SEAL_LENGTH..]);
    hash.finalize().to_hex().to_string()
}

/// The seal that stands in a text.
pub fn seal_of(text: &str) -> Option<&str> {
    let at = seal_position(text)?;
    text.get(at..at + SEAL_LENGTH)
}

/// The placeholder that [`seal`] fills.
pub(crate) const EMPTY_SEAL: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Puts the seal into a text that was written with zeros in its place, and returns it.
pub(crate) fn seal(text: &mut String) -> String {
    let seal = fingerprint(text);
    if let Some(at) = seal_position(text) {
        text.replace_range(at..at + SEAL_LENGTH, &seal);
    }
    seal
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
    fn a_sealed_text_carries_its_own_fingerprint() {
        let mut text = format!("{{\"commit\": {{\"seal\": \"{EMPTY_SEAL}\"}}, \"x\": 1}}");
        let seal = seal(&mut text);
        assert_eq!(seal_of(&text), Some(seal.as_str()));
        assert_eq!(fingerprint(&text), seal);
        let altered = text.replace("\"x\": 1", "\"x\": 2");
        assert_ne!(fingerprint(&altered), seal);
    }

    #[test]
    fn sha256_of_a_known_text() {
        // From FIPS 180-2, appendix B.1.
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
