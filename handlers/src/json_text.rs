//! JSON as text: its tokens, and values whose numbers are what the text says.
//!
//! `serde_json` decides what is JSON. Its own numbers are not used, because two of its choices change values: an integer
//! that needs more than 64 bits becomes the nearest float, and of some floats the last bit differs from what Python and
//! every correctly rounding reader make of the text.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::{Map, Number, Value};

/// Deepest nesting of a JSON value: `serde_json` reads no deeper one.
pub(crate) const MAX_DEPTH: usize = 127;

/// Why a text gives no JSON value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It is not JSON.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// Lists and objects are nested too deeply.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    Depth,
    /// It has a number that no integer or float of 64 bits is.
    #[error("the number {0} does not fit in 64 bits, and would be changed")]
    Number(String),
}

/// Reads a JSON value without changing any number: floats are rounded correctly, and what would lose digits is refused.
/// Of two fields of one name the last one counts, as in Python.
///
/// # Errors
/// [`JsonError::Syntax`]; [`JsonError::Depth`]; [`JsonError::Number`] for an integer outside −2⁶³ to 2⁶⁴−1 and for a
/// number beyond the largest float.
pub fn parse_json(text: &str) -> Result<Value, JsonError> {
    check(text).map_err(syntax)?;
    let mut tokens = Tokens::new(text);
    let first = tokens.next();
    value(&mut tokens, first, MAX_DEPTH)
}

/// Whether a text is JSON, whatever its numbers.
pub(crate) fn check(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text).map(drop)
}

/// What `serde_json` says, without the place: it counts lines from the start of what it was given.
pub(crate) fn sentence(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn syntax(error: serde_json::Error) -> JsonError {
    JsonError::Syntax(error.to_string())
}

fn value(tokens: &mut Tokens<'_>, first: Option<Token<'_>>, depth: usize) -> Result<Value, JsonError> {
    Ok(match first {
        Some(Token::Null) => Value::Null,
        Some(Token::Bool(value)) => Value::Bool(value),
        Some(Token::Number(text)) => match Digits::of(text) {
            Digits::Signed(number) => number.into(),
            Digits::Unsigned(number) => number.into(),
            Digits::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
            Digits::Beyond | Digits::Infinite => return Err(JsonError::Number(shortened(text))),
        },
        Some(Token::String(text)) => Value::String(unquote(text).map_err(syntax)?.into_owned()),
        Some(Token::ListStart) => {
            let depth = depth.checked_sub(1).ok_or(JsonError::Depth)?;
            let mut items = Vec::new();
            loop {
                match tokens.next() {
                    Some(Token::ListEnd) | None => break Value::Array(items),
                    Some(Token::Comma) => {}
                    first => items.push(value(tokens, first, depth)?),
                }
            }
        }
        Some(Token::ObjectStart) => {
            let depth = depth.checked_sub(1).ok_or(JsonError::Depth)?;
            let mut fields = Map::new();
            while let Some(name) = tokens.next_name() {
                let name = unquote(name).map_err(syntax)?.into_owned();
                let first = tokens.next();
                fields.insert(name, value(tokens, first, depth)?);
            }
            Value::Object(fields)
        }
        _ => return Err(JsonError::Syntax("a value is missing".to_owned())),
    })
}

/// A number as a message shows it.
fn shortened(number: &str) -> String {
    const SHOWN: usize = 40;
    if number.len() <= SHOWN { number.to_owned() } else { format!("{}…", &number[..SHOWN]) }
}

/// What a number in JSON text is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Digits {
    /// An integer that an `i64` holds.
    Signed(i64),
    /// An integer that only a `u64` holds.
    Unsigned(u64),
    /// An integer that neither holds.
    Beyond,
    /// A number with a point or an exponent.
    Float(f64),
    /// One that is larger than the largest float.
    Infinite,
}

impl Digits {
    pub(crate) fn of(number: &str) -> Self {
        if number.contains(['.', 'e', 'E']) {
            return match number.parse::<f64>() {
                Ok(float) if float.is_finite() => Self::Float(float),
                _ => Self::Infinite,
            };
        }
        match (number.parse(), number.parse()) {
            (Ok(signed), _) => Self::Signed(signed),
            (_, Ok(unsigned)) => Self::Unsigned(unsigned),
            _ => Self::Beyond,
        }
    }
}

/// A token of JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    ObjectStart,
    ObjectEnd,
    ListStart,
    ListEnd,
    Colon,
    Comma,
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    /// As it is written, with its quotes. See [`unquote`].
    String(&'a str),
}

/// The tokens of a text that [`check`] found to be JSON. Of other texts they end somewhere.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token and where it stands.
    pub(crate) fn next_span(&mut self) -> Option<(Token<'a>, Range<usize>)> {
        let bytes = self.text.as_bytes();
        let start = self.at + bytes[self.at..].iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))?;
        let rest = &bytes[start..];
        let (length, token) = match rest[0] {
            b'{' => (1, Token::ObjectStart),
            b'}' => (1, Token::ObjectEnd),
            b'[' => (1, Token::ListStart),
            b']' => (1, Token::ListEnd),
            b':' => (1, Token::Colon),
            b',' => (1, Token::Comma),
            b'n' => (4, Token::Null),
            b't' => (4, Token::Bool(true)),
            b'f' => (5, Token::Bool(false)),
            b'"' => {
                let length = string_length(rest)?;
                (length, Token::String(self.text.get(start..start + length)?))
            }
            b'-' | b'0'..=b'9' => {
                let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
                let length = rest.iter().take_while(|byte| is_part(byte)).count();
                (length, Token::Number(self.text.get(start..start + length)?))
            }
            _ => return None,
        };
        self.at = (start + length).min(bytes.len());
        Some((token, start..self.at))
    }

    /// In an object: the name of the next field, behind which its value follows. `None` at the object's end.
    pub(crate) fn next_name(&mut self) -> Option<&'a str> {
        loop {
            match self.next()? {
                Token::Comma => {}
                Token::String(name) => {
                    self.next().filter(|token| *token == Token::Colon)?;
                    return Some(name);
                }
                _ => return None,
            }
        }
    }

    /// Whether the token before was a name: it is followed by a colon.
    pub(crate) fn is_before_colon(&self) -> bool {
        self.clone().next() == Some(Token::Colon)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.next_span().map(|(token, _)| token)
    }
}

/// Length of a string with both quotes.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The text that a string stands for.
///
/// # Errors
/// For escapes that stand for no character (half of a surrogate pair).
pub(crate) fn unquote(string: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    if string.contains('\\') {
        return serde_json::from_str(string).map(Cow::Owned);
    }
    Ok(Cow::Borrowed(string.trim_matches('"')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_what_the_text_says() {
        for (text, expected) in [
            ("0", json!(0)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.0", json!(1.0)),
            ("1e23", json!(1e23)),
            ("1.00000000000000011", json!(1.0)),
            ("-0", json!(0)),
            // Their bits as Python has them, by struct.pack.
            ("8.988465674311579e307", json!(f64::from_bits(0x7fdf_ffff_ffff_ffff))),
            ("477.95269883162916", json!(f64::from_bits(0x407d_df3e_4121_4c8e))),
            ("2.2250738585072011e-308", json!(f64::from_bits(0x000f_ffff_ffff_ffff))),
            ("1.7976931348623157e308", json!(f64::MAX)),
            ("5e-324", json!(f64::from_bits(1))),
        ] {
            assert_eq!(parse_json(text), Ok(expected), "{text}");
        }
        assert!(parse_json("-0.0").unwrap().as_f64().is_some_and(f64::is_sign_negative));
        for text in ["18446744073709551616", "-9223372036854775809", "12345678901234567890123", "1e400", "-1e400"] {
            assert_eq!(parse_json(&format!("{{\"a\": [{text}]}}")), Err(JsonError::Number(text.to_owned())));
        }
    }

    #[test]
    fn what_is_not_json_or_too_deep() {
        for text in
            ["", "{", "[1,]", "{\"a\" 1}", "nul", "NaN", "1 2", "\"\u{1}\"", "\"\\ud800\"", "{\"\\udc00\": 1}", "01"]
        {
            assert!(matches!(parse_json(text), Err(JsonError::Syntax(_))), "{text}");
        }
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_json(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(parse_json(&nested(MAX_DEPTH + 1)), Err(JsonError::Depth));
        assert_eq!(parse_json(&nested(1_000_000)), Err(JsonError::Depth));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let plain = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[ -~\u{e9}\u{1f600}\n\t]{0,6}".prop_map(Value::from),
        ];
        plain.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-c\"\\\\]{0,2}", inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Whatever is written comes back, every float to its last bit.
        #[test]
        fn values_come_back(value in any_value(), pretty: bool) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            prop_assert_eq!(parse_json(&text).map(|found| found.to_string()), Ok(value.to_string()));
        }

        /// Whatever a text holds: what `serde_json` refuses is refused.
        #[test]
        fn any_text(text in "[\\[\\]{}:,\"\\\\ud8019.eE+-]{0,12}") {
            let theirs = serde_json::from_str::<Value>(&text);
            match parse_json(&text) {
                Ok(_) => prop_assert!(theirs.is_ok()),
                Err(JsonError::Syntax(_)) => prop_assert!(theirs.is_err()),
                Err(_) => {}
            }
        }
    }
}
