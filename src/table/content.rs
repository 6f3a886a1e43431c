//! What the rows of a version lie in, and what these bytes are known by.

use datafolio_core::{ItemRecord, PARTS, item_type};
use datafolio_handlers::{StoredFile, stored_files};

use crate::view::is_view;

/// One of the files that hold the rows of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileContent {
    /// SHA-256 of its bytes.
    pub(super) sha256: String,
    /// All that reading compares the bytes with, as text. Bytes that are read block by block are those that their block
    /// checksums say, and an entry could name the checksums of other bytes: a hash alone does not tell which bytes a reader
    /// was given.
    checked_by: String,
    /// Which of the version's files it is.
    pub(super) place: usize,
    /// How many rows it has.
    pub(super) rows: Option<u64>,
}

/// The files that hold the rows of a version, in the order of the rows. `None` where its bytes are not known by a hash: a
/// reference names files that others write, and DataFolio before 2.3 recorded MD5 alone.
pub(super) fn files_of(record: &ItemRecord) -> Option<Vec<FileContent>> {
    // The rows of a view are those of others.
    if record.item_type() == item_type::REFERENCED_TABLE || is_view(record) {
        return None;
    }
    stored_files(record).ok()?.iter().enumerate().map(|(place, file)| FileContent::of(place, file)).collect()
}

impl FileContent {
    fn of(place: usize, file: &StoredFile) -> Option<Self> {
        let expected = &file.expected;
        let sha256 = expected.sha256.as_ref()?.to_ascii_lowercase();
        let size = expected.size.map_or_else(|| "-".to_owned(), |size| size.to_string());
        let blocks = expected.blocks.as_ref().map_or_else(|| "-".to_owned(), |(_, sha256)| sha256.to_ascii_lowercase());
        let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash(&sha256) || !(blocks == "-" || is_hash(&blocks)) {
            return None;
        }
        // Of an Arrow file nothing but its entry says how many rows it has.
        let rows = file.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string());
        Some(Self { checked_by: format!("{sha256}/{blocks}/{size}/{rows}"), sha256, place, rows: file.rows })
    }
}

/// All that what a reader says of a version depends on, as text: equal for two versions only where both have the same rows.
pub(crate) fn content_of(record: &ItemRecord) -> Option<String> {
    let files: Vec<String> = files_of(record)?.into_iter().map(|file| file.checked_by).collect();
    let format = record.str("table_format").unwrap_or("parquet");
    // Which columns a table of several parts has stands in its entry.
    let columns = record.get(PARTS).and_then(|_| record.get("columns")).map(ToString::to_string).unwrap_or_default();
    Some(format!("{} {format:?} {columns}", files.join("+")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(change: impl FnOnce(&mut Value)) -> ItemRecord {
        let mut fields = json!({
            "name": "t", "item_type": "included_table", "filename": "t.parquet", "table_format": "parquet", "num_rows": 7,
            "sha256": "a".repeat(64), "size_bytes": 100, "checksum": "b".repeat(32),
            "blocks": {"filename": "t.parquet.blocks", "sha256": "c".repeat(64)},
        });
        change(&mut fields);
        let Value::Object(fields) = fields else { panic!("an object") };
        ItemRecord::new(fields)
    }

    /// Whoever writes a bundle chooses what stands in its entries: an answer is shared only where all that the bytes are compared
    /// with is the same.
    #[test]
    fn content_is_all_that_its_bytes_are_compared_with() {
        let content = |change: fn(&mut Value)| content_of(&record(change));
        let expected = content(|_| {});
        assert!(expected.is_some());
        // Other names and texts are the same content.
        assert_eq!(content(|entry| entry["name"] = json!("other")), expected);
        assert_eq!(content(|entry| entry["sha256"] = json!("A".repeat(64))), expected);
        for change in [
            |entry: &mut Value| entry["sha256"] = json!("d".repeat(64)),
            |entry: &mut Value| entry["blocks"]["sha256"] = json!("d".repeat(64)),
            |entry: &mut Value| entry["blocks"] = json!(null),
            |entry: &mut Value| entry["size_bytes"] = json!(101),
            |entry: &mut Value| entry["num_rows"] = json!(8),
            |entry: &mut Value| entry["table_format"] = json!("arrow"),
        ] {
            assert_ne!(content(change), expected, "{:?}", content(change));
        }
        for change in [
            |entry: &mut Value| entry["sha256"] = json!(null),
            |entry: &mut Value| entry["sha256"] = json!("short"),
            |entry: &mut Value| entry["sha256"] = json!(format!("{}\n", "a".repeat(63))),
            |entry: &mut Value| entry["item_type"] = json!("referenced_table"),
            |entry: &mut Value| entry["parts"] = json!(7),
        ] {
            assert_eq!(content(change), None);
        }
        // The parts of a table, and the columns that it has.
        let part = |name: &str| json!({"filename": name, "sha256": name.repeat(64), "size_bytes": 1, "num_rows": 1, "num_cols": 1});
        let of = |parts: &[&str], columns: &[&str]| {
            let parts: Vec<Value> = parts.iter().map(|name| part(name)).collect();
            content_of(&record(|entry| (entry["parts"], entry["columns"]) = (json!(parts), json!(columns))))
        };
        assert!(of(&["a", "b"], &["x"]).is_some());
        for other in [of(&["b", "a"], &["x"]), of(&["a"], &["x"]), of(&["a", "b"], &["x", "y"])] {
            assert_ne!(other, of(&["a", "b"], &["x"]));
        }
    }
}
