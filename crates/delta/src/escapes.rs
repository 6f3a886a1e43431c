//! JSON whose characters beyond U+FFFF are written out, since the decoder of Arrow confuses many of those that are escaped as two
//! halves (`\ud840\udc00`): it joins the bits where they are to be added.

use std::borrow::Cow;

/// A half of such a character: `\ud840`.
const HALF: usize = 6;

/// The same JSON without such escapes; all else is left as it is, also halves without the other.
pub(crate) fn without_halves(json: &[u8]) -> Cow<'_, [u8]> {
    let is_escape = |pair: &[u8]| pair == br"\u";
    if !json.windows(2).any(is_escape) {
        return Cow::Borrowed(json);
    }
    let mut made = Vec::with_capacity(json.len());
    let mut rest = json;
    while let [first, tail @ ..] = rest {
        if let Some(character) = character(rest) {
            made.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            rest = rest.get(2 * HALF..).unwrap_or_default();
        } else if let (b'\\', [escaped, behind @ ..]) = (first, tail) {
            // A backslash that is escaped itself begins no escape.
            made.extend_from_slice(&[b'\\', *escaped]);
            rest = behind;
        } else {
            made.push(*first);
            rest = tail;
        }
    }
    Cow::Owned(made)
}

/// The character whose two halves a text begins with.
fn character(json: &[u8]) -> Option<char> {
    let (high, low) = (half(json)?, half(json.get(HALF..)?)?);
    let mut decoded = char::decode_utf16([high, low]);
    match (decoded.next(), decoded.next()) {
        (Some(Ok(character)), None) => Some(character),
        _ => None,
    }
}

fn half(json: &[u8]) -> Option<u16> {
    let digits = json.get(..HALF)?.strip_prefix(br"\u")?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_put_together_and_all_else_stays() {
        for (json, expected) in [
            (r#"{"a": "\ud840\udc00 \uDBFF\uDFFF\ud83d\ude00"}"#, "{\"a\": \"\u{20000} \u{10ffff}\u{1f600}\"}"),
            (r#""\u00e9\n\"\\""#, r#""\u00e9\n\"\\""#),
            (r#""\\ud840\\udc00""#, r#""\\ud840\\udc00""#),
            (r#""\\\ud840\udc00""#, "\"\\\\\u{20000}\""),
            (r#""\ud840 \udc00\ud840""#, r#""\ud840 \udc00\ud840""#),
            (r#""\udc00\ud840\udc00""#, "\"\\udc00\u{20000}\""),
            (r#""\u+840\udc00\u""#, r#""\u+840\udc00\u""#),
            ("no escape \\", "no escape \\"),
        ] {
            assert_eq!(String::from_utf8(without_halves(json.as_bytes()).into_owned()).unwrap(), expected, "{json}");
        }
    }
}
