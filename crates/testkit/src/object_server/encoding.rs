//! How keys and e-tags are written in paths, queries, XML and headers.

use std::fmt::Write;

use md5::{Digest, Md5};

/// The bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// What [`hex`] made these digits of.
pub(super) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(byte_of).collect()
}

/// The byte of two hexadecimal digits. What the standard library parses may have a sign.
fn byte_of(digits: &[u8]) -> Option<u8> {
    let valid = digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit);
    valid.then(|| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok())?
}

/// The MD5 sum of the bytes.
pub(super) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

/// Decodes `%41`; `None` where the result is no text. In the query of a form a plus sign is a blank.
pub(super) fn percent_decode(text: &str, form: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        match after.get(..2).filter(|_| byte == b'%').and_then(byte_of) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(if form && byte == b'+' { b' ' } else { byte });
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// Encodes all but letters, digits and `-._~/`, as `encoding-type=url` asks for.
pub(super) fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// The text as the content of an XML element.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

/// The text of the content of an XML element; `None` for a reference that XML does not have.
pub(super) fn unescape(content: &str) -> Option<String> {
    let mut pieces = content.split('&');
    let mut text = pieces.next()?.to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once(';')?;
        text.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = name.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        text.push_str(rest);
    }
    Some(text)
}

/// What stands inside each element of this name, in order. Elements of the requests to a store have no attributes, and
/// none of them is inside another one of its name.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).filter_map(|rest| rest.split_once(&close)).map(|(inside, _)| inside).collect()
}

/// The text of the first element of this name.
pub(super) fn text_of(xml: &str, name: &str) -> Option<String> {
    unescape(elements(xml, name).first()?)
}

/// The e-tag without quotes and without the mark of a weak one: clients write it with them or without.
pub(super) fn bare_tag(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"')
}

/// Whether one of the e-tags of a header is this one, or the header is a star.
pub(super) fn tag_is_among(header: &str, tag: &str) -> bool {
    header.trim() == "*" || header.split(',').any(|each| bare_tag(each) == bare_tag(tag))
}
