//! Finding the type of a text column from all of its values. The rules are in the documentation of
//! [`formats`](crate::formats).

use arrow::datatypes::{DataType, TimeUnit};

use super::instant::Instant;

/// What has been seen in a column, one bit for each kind of value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen(u16);

const BOOL: u16 = 1;
/// An integer that fits int64.
const INT: u16 = 1 << 1;
/// An integer that fits uint64 only.
const UINT: u16 = 1 << 2;
/// An integer that fits neither.
const BIG: u16 = 1 << 3;
/// A negative integer.
const NEGATIVE: u16 = 1 << 4;
/// An integer with a plus sign.
const PLUS: u16 = 1 << 5;
/// A number with a point or exponent.
const FLOAT: u16 = 1 << 6;
const DATE: u16 = 1 << 7;
const TIMESTAMP: u16 = 1 << 8;
/// A timestamp with an offset.
const ZONED: u16 = 1 << 9;
/// A timestamp that needs nanoseconds.
const NANOS: u16 = 1 << 10;
/// A date or timestamp that nanoseconds do not reach.
const FAR: u16 = 1 << 11;
const TEXT: u16 = 1 << 12;

const NUMBERS: u16 = INT | UINT | BIG | NEGATIVE | PLUS | FLOAT;
const INSTANTS: u16 = DATE | TIMESTAMP | ZONED | NANOS | FAR;

impl Seen {
    /// Whether the column is a string already, whatever follows.
    #[inline]
    pub(super) fn is_settled(self) -> bool {
        self.0 & TEXT != 0
    }

    /// Takes in a value that is not missing.
    #[inline]
    pub(super) fn add(&mut self, value: &str) {
        self.0 |= classify(trim(value));
    }

    /// Takes in what was seen elsewhere.
    pub(super) fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The type that holds all that was seen.
    pub(super) fn data_type(self) -> DataType {
        let seen = self.0;
        let only = |kinds: u16| seen & !kinds == 0;
        let has = |kinds: u16| seen & kinds != 0;
        if seen == 0 || has(TEXT) {
            DataType::Utf8
        } else if only(BOOL) {
            DataType::Boolean
        } else if only(NUMBERS) {
            if has(FLOAT) {
                DataType::Float64
            } else if has(PLUS | BIG) || (has(UINT) && has(NEGATIVE)) {
                // float64 would hold these too, but not all of their digits.
                DataType::Utf8
            } else if has(UINT) {
                DataType::UInt64
            } else {
                DataType::Int64
            }
        } else if only(INSTANTS) {
            let unit = if has(NANOS) { TimeUnit::Nanosecond } else { TimeUnit::Microsecond };
            if has(NANOS) && has(FAR) || has(ZONED) && has(TIMESTAMP | DATE) {
                DataType::Utf8
            } else if has(ZONED) {
                DataType::Timestamp(unit, Some("UTC".into()))
            } else if has(TIMESTAMP) {
                DataType::Timestamp(unit, None)
            } else {
                DataType::Date32
            }
        } else {
            DataType::Utf8
        }
    }
}

/// Spaces around a value that is not a string mean nothing.
#[inline]
pub(super) fn trim(value: &str) -> &str {
    // Most values have none, and the general way is slower than reading a number.
    match value.as_bytes() {
        [b' ', ..] | [.., b' '] => value.trim_matches(' '),
        _ => value,
    }
}

fn classify(value: &str) -> u16 {
    let bytes = value.as_bytes();
    match bytes.first() {
        Some(b'0'..=b'9' | b'-' | b'+' | b'.') => {
            let kind = number(bytes, value);
            if kind == TEXT { instant(value) } else { kind }
        }
        Some(b't' | b'T' | b'f' | b'F') => {
            if matches!(value, "true" | "True" | "TRUE" | "false" | "False" | "FALSE") {
                BOOL
            } else {
                TEXT
            }
        }
        Some(b'i' | b'I' | b'n' | b'N') if is_special(value) => FLOAT,
        _ => TEXT,
    }
}

/// Infinity, and not-a-number for callers who do not take it for a missing value.
fn is_special(unsigned: &str) -> bool {
    matches!(unsigned, "inf" | "Inf" | "INF" | "infinity" | "Infinity" | "nan" | "NaN" | "NAN")
}

fn number(bytes: &[u8], value: &str) -> u16 {
    let (sign, digits) = match bytes {
        [sign @ (b'-' | b'+'), digits @ ..] => (*sign, digits),
        digits => (0, digits),
    };
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // 007 is a code and 0.07 is a number.
    if whole > 1 && digits[0] == b'0' {
        return TEXT;
    }
    if whole == digits.len() && whole > 0 {
        let size = match whole {
            ..=18 => INT,
            19..=20 if value.parse::<i64>().is_ok() => INT,
            19..=20 if value.parse::<u64>().is_ok() => UINT,
            _ => BIG,
        };
        return match sign {
            b'-' => size | NEGATIVE,
            b'+' => size | PLUS,
            _ => size,
        };
    }
    if whole == 0 && is_special(&value[usize::from(sign != 0)..]) {
        return FLOAT;
    }
    if is_float(digits, whole) && value.parse::<f64>().is_ok_and(f64::is_finite) { FLOAT } else { TEXT }
}

/// `1.5`, `1.`, `.5`, each with or without an exponent, and `1e5`.
fn is_float(digits: &[u8], whole: usize) -> bool {
    let count = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = &digits[whole..];
    let mut fraction = 0;
    if let Some(after) = rest.strip_prefix(b".") {
        fraction = count(after);
        rest = &after[fraction..];
    }
    if whole + fraction == 0 {
        return false;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'-' | b'+', exponent @ ..] => exponent,
            exponent => exponent,
        };
        let length = count(exponent);
        return length > 0 && length == exponent.len();
    }
    rest.is_empty()
}

fn instant(value: &str) -> u16 {
    let Some(instant) = Instant::parse(value) else { return TEXT };
    let far = if i64::try_from(instant.nanos()).is_ok() { 0 } else { FAR };
    let Some(time) = instant.time else { return DATE | far };
    let fine = if time % 1000 == 0 { 0 } else { NANOS };
    far | fine | if instant.offset.is_some() { ZONED } else { TIMESTAMP }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(values: &[&str]) -> String {
        let mut seen = Seen::default();
        values.iter().for_each(|value| seen.add(value));
        match seen.data_type() {
            DataType::Timestamp(unit, zone) => format!("{unit:?} {}", zone.as_deref().unwrap_or("-")),
            other => other.to_string(),
        }
    }

    #[test]
    fn types_of_columns() {
        for (values, expected) in [
            (&[][..], "Utf8"),
            (&["1", "-2", " 3 ", "0", "-0"], "Int64"),
            (&["9223372036854775807"], "Int64"),
            (&["-9223372036854775808"], "Int64"),
            (&["9223372036854775808", "1"], "UInt64"),
            (&["18446744073709551615"], "UInt64"),
            (&["18446744073709551616"], "Utf8"),
            (&["9223372036854775808", "-1"], "Utf8"),
            (&["007"], "Utf8"),
            (&["1", "02"], "Utf8"),
            (&["1.5", "02"], "Utf8"),
            (&["+4915112345678"], "Utf8"),
            (&["+1.5", "+2", "-3"], "Float64"),
            (&["1", "2.5", ".5", "5.", "1e5", "-1.5E-10", "inf", "-Infinity"], "Float64"),
            (&["NaN", "1"], "Float64"),
            (&["1e400"], "Utf8"),
            (&["1e", "1.2.3", ".", "-", "+"], "Utf8"),
            (&["0x1f"], "Utf8"),
            (&["1,5"], "Utf8"),
            (&["1_000"], "Utf8"),
            (&["true", "FALSE", "True"], "Boolean"),
            (&["true", "1"], "Utf8"),
            (&["tRue"], "Utf8"),
            (&["2024-01-31", "0001-01-01"], "Date32"),
            (&["2024-02-30"], "Utf8"),
            (&["2024-01-31", "5"], "Utf8"),
            (&["2024-01-31", "2024-01-31 12:00"], "Microsecond -"),
            (&["2013-01-01T06:00:00Z", "2013-01-01T06:00:00+01:00"], "Microsecond UTC"),
            (&["2013-01-01T06:00:00Z", "2013-01-01T06:00:00"], "Utf8"),
            (&["2013-01-01T06:00:00Z", "2013-01-01"], "Utf8"),
            (&["2013-01-01T06:00:00.123456789", "2013-01-01"], "Nanosecond -"),
            (&["2013-01-01T06:00:00.123456000"], "Microsecond -"),
            (&["2013-01-01T06:00:00.123456789", "9999-12-31"], "Utf8"),
            (&["9999-12-31T23:59:59"], "Microsecond -"),
            (&[" "], "Utf8"),
        ] {
            assert_eq!(infer(values), expected, "{values:?}");
        }
    }
}
