//! Items, sizes and times in the words of the program's lists.

use std::sync::Arc;

use chrono::SecondsFormat;
use datafolio_core::{Entry, ItemRecord, item_type, time};
use serde_json::{Value, json};

use super::failure::{Failure, Outcome};
use crate::bundle::{DataFolio, ItemInfo};
use crate::error::Error;
use crate::text::{human_size, printable};
use crate::view::is_view;

/// An item type in one word.
pub(super) fn type_word(item_type: &str) -> &str {
    match item_type {
        item_type::INCLUDED_TABLE | item_type::POLARS_TABLE => "table",
        item_type::REFERENCED_TABLE => "reference",
        item_type::NUMPY_ARRAY => "array",
        item_type::JSON_DATA => "json",
        item_type::MODEL | item_type::PYTORCH_MODEL => "model",
        other => other,
    }
}

/// What an item is, in one word.
pub(super) fn kind_word(record: &ItemRecord) -> &str {
    if is_view(record) { "view" } else { type_word(record.item_type()) }
}

/// What is worth knowing of an item on one short line: rows and columns, shape, format.
pub(super) fn details(record: &ItemRecord) -> String {
    let text = |key: &str| record.str(key).unwrap_or_default().to_owned();
    if is_view(record) {
        return String::new();
    }
    match record.item_type() {
        item_type::INCLUDED_TABLE | item_type::POLARS_TABLE | item_type::REFERENCED_TABLE => {
            match (record.count("num_rows"), record.count("num_cols")) {
                (Some(rows), Some(columns)) => format!("{} x {columns}", grouped(rows)),
                (Some(rows), None) => count(usize::try_from(rows).unwrap_or(usize::MAX), "row"),
                _ => text("table_format"),
            }
        }
        item_type::NUMPY_ARRAY => {
            let shape = record.shape().map(|lengths| format!("{lengths:?}"));
            format!("{} {}", text("dtype"), shape.unwrap_or_default())
        }
        item_type::JSON_DATA => text("data_type"),
        item_type::TIMESTAMP => short_time(&text("iso_string")),
        item_type::MODEL | item_type::PYTORCH_MODEL => {
            let words = [text("serialization_format"), text("model_type")];
            words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
        }
        item_type::ARTIFACT => text("category"),
        _ => String::new(),
    }
}

/// A number with commas between the thousands.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An instant of the catalogue to the minute, as lists show it; anything else as it is.
pub(super) fn short_time(iso: &str) -> String {
    match time::from_iso(iso) {
        Some(instant) => instant.format("%Y-%m-%d %H:%M UTC").to_string(),
        None => printable(iso),
    }
}

/// An instant of the catalogue to the second.
pub(super) fn long_time(iso: &str) -> String {
    match time::from_iso(iso) {
        Some(instant) => instant.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        None => printable(iso),
    }
}

/// An instant as an ISO text.
pub(super) fn iso(instant: chrono::DateTime<chrono::Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// An item whose entry cannot be read, in a list for programs.
pub(super) fn damaged_json(error: &Error) -> Value {
    json!({"error": {"code": error.code(), "message": error.to_string()}})
}

/// How many bytes the payload of an item takes, as it lies there, or where it does not, as recorded; `None` for what has
/// none. A store would have to be asked for each item: there it is what is recorded.
pub(super) fn size_of(folio: &DataFolio, info: &ItemInfo) -> Option<u64> {
    if info.item_type == item_type::REFERENCED_TABLE {
        return None;
    }
    let record = info.to_record();
    let found = if folio.storage().is_remote() { None } else { folio.payload_size(&record).ok().flatten() };
    found.or_else(|| recorded_size(&record))
}

/// How many bytes the payload of a version takes, as recorded.
pub(super) fn recorded_size(record: &ItemRecord) -> Option<u64> {
    record.count("size_bytes").or_else(|| record.count("file_size"))
}

/// How many bytes the payloads of these versions take, as recorded.
pub(super) fn recorded_bytes<'a>(entries: impl IntoIterator<Item = &'a Arc<Entry>>) -> u64 {
    let size = |entry: &Arc<Entry>| recorded_size(&*entry.record().ok()?);
    entries.into_iter().filter_map(size).fold(0, u64::saturating_add)
}

/// A size, or nothing.
pub(super) fn size_text(bytes: Option<u64>) -> String {
    bytes.map(human_size).unwrap_or_default()
}

/// `1 item`, `2 items`.
pub(super) fn count(number: usize, one: &str) -> String {
    format!("{} {one}{}", grouped(number as u64), if number == 1 { "" } else { "s" })
}

/// Names that contain a word, or match a glob pattern when the word is one.
///
/// # Errors
/// A glob pattern that is none.
pub(super) fn matches(pattern: Option<&str>) -> Outcome<impl Fn(&str) -> bool + use<>> {
    let word = pattern.map(str::to_owned);
    let glob = match pattern {
        Some(pattern) if pattern.contains(['*', '?', '[']) => {
            Some(glob::Pattern::new(pattern).map_err(|error| Failure::pattern(pattern, error.msg))?)
        }
        _ => None,
    };
    Ok(move |name: &str| match (&glob, &word) {
        (Some(glob), _) => glob.matches(name),
        (None, Some(word)) => name.contains(word.as_str()),
        (None, None) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (336_776, "336,776"), (1_000_000, "1,000,000")]
        {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(count(1, "item"), "1 item");
        assert_eq!(count(1200, "item"), "1,200 items");
    }

    #[test]
    fn a_word_is_searched_for_and_a_pattern_matched_whole() {
        let found = |pattern, name| matches(Some(pattern)).unwrap()(name);
        assert!(found("igh", "flights") && !found("igh*", "flights") && found("fl*", "flights"));
        assert!(matches(None).unwrap()("x"));
        assert!(matches(Some("[")).is_err());
    }
}
