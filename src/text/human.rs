//! Sizes, times and metadata values in the words of `describe`.
//!
//! Python DataFolio prints the same texts; a script that reads one program's output reads the other's.

use std::fmt::{Display, Write as _};

use chrono::{DateTime, Datelike, TimeZone, Timelike, Utc};
use serde_json::Value;

use super::python::python_str;

/// Units of [`human_size`]: powers of 1024 under their customary short names, and nothing above the last.
const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];

/// Characters of a long text that are shown.
const TEXT_SHOWN: usize = 60;
/// Elements of a long list that are shown.
const LIST_SHOWN: usize = 5;
/// Fields of a large object that are shown.
const OBJECT_SHOWN: usize = 3;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A number of bytes for people: `5 B`, `1.2 KB`, `3.0 GB`.
pub fn human_size(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} {}", UNITS[0]) } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// An instant for people, as seen at `now` in a time zone: `Today at 5:14 AM UTC`, `Yesterday at 11:59 PM UTC`,
/// `January 15, 2024 at 2:34 PM UTC`.
///
/// The zone is asked for its offset at each of the two instants, so that a summer date read in winter shows summer
/// time. Its name is what the zone itself displays; a zone that knows only its offset (a `FixedOffset`, `chrono::Local`)
/// shows as `UTC+01:00`.
pub fn human_time<Z>(instant: DateTime<Utc>, now: DateTime<Utc>, zone: &Z) -> String
where
    Z: TimeZone,
    Z::Offset: Display,
{
    let there = instant.with_timezone(zone);
    let today = now.with_timezone(zone).date_naive();
    let date = there.date_naive();
    let (is_pm, hour) = there.hour12();
    let half = if is_pm { "PM" } else { "AM" };
    let clock = format!("{hour}:{:02} {half} {}", there.minute(), zone_name(&there.offset().to_string()));
    if date == today {
        format!("Today at {clock}")
    } else if date.succ_opt() == Some(today) {
        format!("Yesterday at {clock}")
    } else {
        let month = MONTHS.get(date.month0() as usize).copied().unwrap_or_default();
        format!("{month} {:02}, {} at {clock}", date.day(), date.year())
    }
}

/// Name of a zone from what its offset displays: a name, or `+01:00`.
fn zone_name(offset: &str) -> String {
    match offset {
        "+00:00" | "-00:00" | "Z" => "UTC".to_owned(),
        numeric if numeric.starts_with(['+', '-']) => format!("UTC{numeric}"),
        name => name.to_owned(),
    }
}

/// A metadata value on one line, as `describe` prints it: long texts, lists and objects are cut and say how much is
/// missing. Values look as Python prints them (`True`, `None`, `'text'` inside lists).
pub fn shorten_value(value: &Value) -> String {
    match value {
        Value::String(text) => shorten_text(text),
        Value::Array(elements) if elements.len() > LIST_SHOWN => {
            let shown = Value::Array(elements.iter().take(LIST_SHOWN).cloned().collect());
            let text = python_str(&shown);
            let open = text.strip_suffix(']').unwrap_or(&text);
            format!("{open}, ...] ({} more items)", elements.len() - LIST_SHOWN)
        }
        Value::Object(fields) if fields.len() > OBJECT_SHOWN => {
            let shown = fields.iter().take(OBJECT_SHOWN).map(|(key, value)| (key.clone(), value.clone())).collect();
            let text = python_str(&Value::Object(shown));
            let open = text.strip_suffix('}').unwrap_or(&text);
            format!("{open}, ...}} ({} more fields)", fields.len() - OBJECT_SHOWN)
        }
        Value::Array(_) | Value::Object(_) => python_str(value),
        plain => shorten_text(&python_str(plain)),
    }
}

/// A text cut after [`TEXT_SHOWN`] characters.
fn shorten_text(text: &str) -> String {
    // The byte position of the first character that is not shown; most texts have none and are not counted.
    let Some((cut, _)) = text.char_indices().nth(TEXT_SHOWN) else { return text.to_owned() };
    let (shown, hidden) = text.split_at(cut);
    format!("{shown}... ({} more chars)", hidden.chars().count())
}

/// A text that can be sent to a terminal or put into a drawing: control characters, line breaks, and the characters
/// that reorder or hide text become visible escapes. Everything else stays.
///
/// Names and descriptions come from a catalogue that someone else may have written: shown as they are, they could move
/// the cursor, change the title of the window, or read differently from what they are.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unprintable(c) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// The text of a JSON value with the characters of [`printable`] as JSON's own escapes: the same value, and nothing that
/// drives a terminal. The line breaks and spaces between its parts stay.
pub fn printable_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => out.push(c),
            // Outside of texts JSON has none of these, and inside an escape stands for the character.
            c if is_unprintable(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// Whether a character drives a terminal or changes how its neighbours are read.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control() || is_deceptive(c)
}

/// Characters that change how their neighbours are read and show nothing themselves: directional marks and overrides,
/// line and paragraph separators, zero-width marks, tag characters.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The pairs were printed by Python DataFolio 2.3.0.
    #[test]
    fn sizes_are_what_python_prints() {
        let expected = [
            (0, "0 B"),
            (5, "5 B"),
            (1023, "1023 B"),
            (1024, "1.0 KB"),
            (1075, "1.0 KB"),
            (1076, "1.1 KB"),
            // 1.25 exactly: ties go to the even digit.
            (1280, "1.2 KB"),
            (1536000, "1.5 MB"),
            (1048575, "1024.0 KB"),
            (1048523, "1023.9 KB"),
            (1342177280, "1.2 GB"),
            (3298534883328000, "3000.0 TB"),
            (9223372036854775808, "8388608.0 TB"),
        ];
        for (bytes, text) in expected {
            assert_eq!(human_size(bytes), text, "{bytes}");
        }
    }

    /// The texts were printed by Python DataFolio 2.3.0 with its clock set to this instant.
    #[test]
    fn times_are_what_python_prints() {
        let now = at("2026-11-21T02:00:00Z");
        let utc = [
            ("2026-11-21T01:14:32Z", "Today at 1:14 AM UTC"),
            ("2026-11-21T00:00:00Z", "Today at 12:00 AM UTC"),
            ("2026-11-20T12:05:00Z", "Yesterday at 12:05 PM UTC"),
            ("2026-11-20T23:59:59.999999Z", "Yesterday at 11:59 PM UTC"),
            ("2024-01-15T14:34:56.789Z", "January 15, 2024 at 2:34 PM UTC"),
            ("2026-11-19T10:00:00Z", "November 19, 2026 at 10:00 AM UTC"),
            ("2026-11-22T10:00:00Z", "November 22, 2026 at 10:00 AM UTC"),
            ("2024-07-05T10:00:00Z", "July 05, 2024 at 10:00 AM UTC"),
        ];
        for (instant, text) in utc {
            assert_eq!(human_time(at(instant), now, &Utc), text);
        }
        // Where Python knows the zone's letters (IST) a bare offset has to do.
        let india = FixedOffset::east_opt(5 * 3600 + 1800).unwrap();
        assert_eq!(human_time(at("2026-11-20T12:05:00Z"), now, &india), "Yesterday at 5:35 PM UTC+05:30");
        assert_eq!(human_time(at("2026-11-20T23:59:59Z"), now, &india), "Today at 5:29 AM UTC+05:30");
        let west = FixedOffset::west_opt(5 * 3600).unwrap();
        assert_eq!(human_time(at("2026-11-19T10:00:00Z"), now, &west), "Yesterday at 5:00 AM UTC-05:00");
    }

    /// The texts were printed by Python DataFolio 2.3.0.
    #[test]
    fn values_are_cut_as_python_cuts_them() {
        let sixty = "a".repeat(60);
        assert_eq!(shorten_value(&json!(sixty)), sixty);
        assert_eq!(shorten_value(&json!("a".repeat(61))), format!("{sixty}... (1 more chars)"));
        assert_eq!(shorten_value(&json!("é".repeat(100))), format!("{}... (40 more chars)", "é".repeat(60)));
        assert_eq!(shorten_value(&json!([1, 2, 3, 4, 5])), "[1, 2, 3, 4, 5]");
        assert_eq!(shorten_value(&json!([1, 2, 3, 4, 5, 6])), "[1, 2, 3, 4, 5, ...] (1 more items)");
        assert_eq!(shorten_value(&json!((0..20).collect::<Vec<_>>())), "[0, 1, 2, 3, 4, ...] (15 more items)");
        assert_eq!(
            shorten_value(&json!({"0": 0, "1": 1, "2": 2, "3": 3, "4": 4})),
            "{'0': 0, '1': 1, '2': 2, ...} (2 more fields)"
        );
        assert_eq!(shorten_value(&json!({"a": 1, "b": [1], "c": {"d": null}})), "{'a': 1, 'b': [1], 'c': {'d': None}}");
        assert_eq!(shorten_value(&json!(true)), "True");
        assert_eq!(shorten_value(&json!(null)), "None");
        assert_eq!(shorten_value(&json!(1e16)), "1e+16");
    }

    #[test]
    fn printable_json_is_the_same_value() {
        let value = json!({"a\u{9b}": "x\u{202e}y\u{e0041}\n\u{1b}", "b": [1, "é"]});
        let text = printable_json(&format!("{value:#}"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(!text.chars().any(|c| c != '\n' && is_unprintable(c)), "{text}");
        assert!(text.contains("x\\u202ey\\udb40\\udc41\\n"), "{text}");
    }

    #[test]
    fn printable_text_cannot_drive_a_terminal() {
        assert_eq!(printable("plain café 名前"), "plain café 名前");
        assert_eq!(printable("a\nb\tc\x1b[2J\u{9b}x"), "a\\nb\\tc\\u{1b}[2J\\u{9b}x");
        assert_eq!(printable("gpj\u{202e}exe.\u{200b}"), "gpj\\u{202e}exe.\\u{200b}");
    }
}
