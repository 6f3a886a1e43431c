//! Values of numbers and texts that are written out.

use crate::error::Span;
use crate::expr::lex::Problem;
use crate::value::Value;

/// The value of a number.
pub(super) fn number(text: &str, span: Span) -> Result<Value, Box<Problem>> {
    let problem = |reason: &str| Err(Problem::new(span, format!("'{text}' is no number: {reason}")));
    let base = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 10,
    };
    let digits = if base == 10 { text } else { text.get(2..).unwrap_or_default() };
    let bytes = digits.as_bytes();
    // A '_' parts two digits, or the first one from the base.
    let digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at)).is_some_and(|byte| char::from(*byte).is_digit(base))
            || (base != 10 && at.is_none())
    };
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        if !digit(at.checked_sub(1)) || !digit(Some(at + 1)) {
            return problem("a '_' stands between two digits");
        }
    }
    let digits = digits.replace('_', "");
    if !digits.is_empty() && digits.chars().all(|character| character.is_digit(base)) {
        if base == 10 && digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|digit| digit != b'0') {
            return problem("a whole number does not begin with 0; write 0o17 for octal digits");
        }
        return match u64::from_str_radix(&digits, base) {
            Ok(value) => Ok(Value::Int(value.into())),
            Err(_) => problem("it does not fit in 64 bits; with '.0' at its end it is a floating-point number"),
        };
    }
    if base != 10 {
        return problem(&format!("digits of base {base} are expected after '{}'", text.get(..2).unwrap_or_default()));
    }
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Value::Float(value)),
        Ok(_) => problem("it does not fit in 64 bits; infinity is written inf"),
        Err(_) if digits.ends_with(['j', 'J']) => problem("complex numbers are not supported"),
        Err(_) => problem("letters run into it; a name does not begin with a digit, unless it stands in backticks"),
    }
}

/// The opposite of a number that is written without a sign; none for other values.
pub(super) fn negated(value: &Value, span: Span) -> Result<Option<Value>, Box<Problem>> {
    match value {
        Value::Int(value) if i64::try_from(-value).is_err() => {
            Err(Problem::new(span, format!("-{value} is no number: it does not fit in 64 bits")))
        }
        Value::Int(value) => Ok(Some(Value::Int(-value))),
        Value::Float(value) if value.is_nan() => Ok(Some(Value::Float(f64::NAN))),
        Value::Float(value) => Ok(Some(Value::Float(-value))),
        _ => Ok(None),
    }
}

/// What stands between quotes, with its escapes replaced.
pub(super) fn text(token: &str, span: Span) -> Result<String, Box<Problem>> {
    let opening = token.find(['"', '\'']).unwrap_or_default();
    let (prefix, quoted) = token.split_at(opening);
    let raw = match prefix.to_lowercase().as_str() {
        "" | "u" => false,
        "r" => true,
        other if other.contains(['f', 't']) => {
            return Err(Problem::new(span, "f-strings are not supported; texts are joined with '+'"));
        }
        other if other.contains('b') => {
            return Err(Problem::new(span, "bytes are not supported; write text without the 'b'"));
        }
        _ => return Err(Problem::new(span, format!("text does not begin with '{prefix}'"))),
    };
    let quotes = if quoted.starts_with("\"\"\"") || quoted.starts_with("'''") { 3 } else { 1 };
    let body = quoted.get(quotes..quoted.len() - quotes).unwrap_or_default();
    if raw || !body.contains('\\') {
        return Ok(body.to_owned());
    }
    unescaped(body, span.start + opening + quotes)
}

/// Replaces escapes. `start` is where the text stands in the whole.
fn unescaped(body: &str, start: usize) -> Result<String, Box<Problem>> {
    let mut made = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        let (before, from_here) = rest.split_at(at);
        made.push_str(before);
        let here = start + body.len() - from_here.len();
        let escaped = from_here.get(1..).unwrap_or_default();
        let Some(letter) = escaped.chars().next() else { break };
        let (digits, least, base) = match letter {
            'x' => (2, 2, 16),
            'u' => (4, 4, 16),
            'U' => (8, 8, 16),
            '0'..='7' => (3, 1, 8),
            _ => (0, 0, 0),
        };
        if digits == 0 {
            match simple_escape(letter) {
                Some(meant) => made.extend(meant),
                None if letter == 'N' => {
                    let span = Span { start: here, end: here + 2 };
                    return Err(Problem::new(span, "characters are not known by name; write the character itself"));
                }
                // As in Python, so that `\d` and `\w` of a pattern need not be written in raw text.
                None => made.extend(['\\', letter]),
            }
            rest = escaped.get(letter.len_utf8()..).unwrap_or_default();
            continue;
        }
        let code = escaped.get(usize::from(base == 16)..).unwrap_or_default();
        let length = code.chars().take(digits).take_while(|digit| digit.is_digit(base)).count();
        let code = code.get(..length).unwrap_or_default();
        let character = u32::from_str_radix(code, base).ok().and_then(char::from_u32).filter(|_| length >= least);
        let Some(character) = character else {
            let span = Span { start: here, end: here + 2 + length };
            return Err(Problem::new(
                span,
                format!("'\\{letter}' needs {digits} digits of a Unicode character after it"),
            ));
        };
        made.push(character);
        rest = escaped.get(usize::from(base == 16) + length..).unwrap_or_default();
    }
    made.push_str(rest);
    Ok(made)
}

/// What a backslash and a letter stand for; none where the backslash stands for itself.
fn simple_escape(letter: char) -> Option<Option<char>> {
    Some(match letter {
        // A line break that is not part of the text.
        '\n' => None,
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'a' => Some('\x07'),
        'b' => Some('\x08'),
        'f' => Some('\x0c'),
        'v' => Some('\x0b'),
        '\\' | '\'' | '"' => Some(letter),
        _ => return None,
    })
}
