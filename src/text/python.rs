//! JSON values as Python's `str` prints them.
//!
//! `describe` and the snapshot commands show metadata this way, and callers of the Python package compare such lines.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// A JSON value as `str` of the Python value prints it: a text as it is, everything else as Python would write it.
pub fn python_str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => {
            let mut out = String::new();
            write_repr(&mut out, other);
            out
        }
    }
}

/// Appends what Python's `repr` gives. The recursion is as deep as the value; a parsed document has at most 128 levels.
fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_repr(out, element);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (index, (key, field)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_text(out, key);
                out.push_str(": ");
                write_repr(out, field);
            }
            out.push('}');
        }
    }
}

fn write_number(out: &mut String, number: &Number) {
    match number.as_f64() {
        Some(float) if number.is_f64() => write_float(out, float),
        // Integers are written alike in both languages.
        _ => out.push_str(&number.to_string()),
    }
}

/// Both languages write the shortest digits that read back as the same number; they differ in when they turn to
/// exponents and in how these look.
fn write_float(out: &mut String, float: f64) {
    let scientific = format!("{float:e}");
    let exponent = scientific.split_once('e').and_then(|(digits, exponent)| {
        let exponent: i32 = exponent.parse().ok()?;
        Some((digits, exponent))
    });
    match exponent {
        Some((digits, exponent)) if !(-4..16).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            // Writing to a String cannot fail.
            let _ = write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs());
        }
        // Debug keeps the `.0` of whole numbers, as Python does; its own exponents start beyond the range that is left.
        _ => {
            let _ = write!(out, "{float:?}");
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                // Writing to a String cannot fail.
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
}

/// Whether Python's `str.isprintable` accepts a character: it is assigned, and neither control, format, private use
/// nor a separator other than the space.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // The standard library escapes by the same Unicode categories. It also escapes a combining mark at the start of a
    // text, which is why the character is tried after a letter.
    let probe = String::from_iter(['a', c]);
    probe.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The texts were printed by Python 3.11.
    #[test]
    fn values_look_as_in_python() {
        let expected = [
            (json!([1.0, 2.5, null, true, "x'y"]), r#"[1.0, 2.5, None, True, "x'y"]"#),
            (json!(["a\"b", "a'b\"c", "\\"]), r#"['a"b', 'a\'b"c', '\\']"#),
            (json!(["\n\t\u{1}é\u{a0}\u{202e}😀\u{301}"]), "['\\n\\t\\x01é\\xa0\\u202e😀\u{301}']"),
            (
                json!(["\u{7f}\u{80}ÿ\u{378}\u{e000}\u{2028}\u{feff}\u{e0001}\u{200d}\u{600}"]),
                r"['\x7f\x80ÿ\u0378\ue000\u2028\ufeff\U000e0001\u200d\u0600']",
            ),
            (json!([[1, [2]], {"k": "v"}]), "[[1, [2]], {'k': 'v'}]"),
            (json!({"it's": "ok"}), r#"{"it's": 'ok'}"#),
            (json!([]), "[]"),
            (json!({}), "{}"),
            (json!("as it is\n"), "as it is\n"),
            (json!(18446744073709551615_u64), "18446744073709551615"),
            (json!(-9223372036854775808_i64), "-9223372036854775808"),
        ];
        for (value, text) in expected {
            assert_eq!(python_str(&value), text);
        }
    }

    #[test]
    fn floats_look_as_in_python() {
        let expected = [
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (9999999999999998.0, "9999999999999998.0"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (-0.0, "-0.0"),
            (0.0, "0.0"),
            (1.5e300, "1.5e+300"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (100.0, "100.0"),
            (12345.678, "12345.678"),
            (-1.0 / 3.0, "-0.3333333333333333"),
        ];
        for (float, text) in expected {
            assert_eq!(python_str(&json!(float)), text);
        }
    }
}
