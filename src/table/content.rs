//! What the rows of a version lie in, and what these bytes are known by.

use datafolio_core::{ItemRecord, item_type};
use datafolio_handlers::expected;

/// One of the files that hold the rows of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileContent {
    /// SHA-256 of its bytes.
    pub(super) sha256: String,
    /// All that reading compares the bytes with, as text. Bytes that are read block by block are those that their block
    /// checksums say, and an entry could name the checksums of other bytes: a hash alone does not tell which bytes a reader
    /// was given.
    checked_by: String,
}

/// The files that hold the rows of a version, in the order of the rows. `None` where its bytes are not known by a hash: a
/// reference names files that others write, and DataFolio before 2.3 recorded MD5 alone.
pub(super) fn files_of(record: &ItemRecord) -> Option<Vec<FileContent>> {
    if record.item_type() == item_type::REFERENCED_TABLE || record.get("parts").is_some() {
        return None;
    }
    let expected = expected(record).ok()?;
    let sha256 = expected.sha256?.to_ascii_lowercase();
    let size = expected.size.map_or_else(|| "-".to_owned(), |size| size.to_string());
    let blocks = expected.blocks.map_or_else(|| "-".to_owned(), |(_, sha256)| sha256.to_ascii_lowercase());
    let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash(&sha256) || !(blocks == "-" || is_hash(&blocks)) {
        return None;
    }
    Some(vec![FileContent { checked_by: format!("{sha256}/{blocks}/{size}"), sha256 }])
}

/// All that what a reader says of a version depends on, as text: equal for two versions only where both have the same rows.
pub(super) fn content_of(record: &ItemRecord) -> Option<String> {
    let files: Vec<String> = files_of(record)?.into_iter().map(|file| file.checked_by).collect();
    let format = record.str("table_format").unwrap_or("parquet");
    // Of an Arrow file nothing but its entry says how many rows it has.
    let rows = record.u64("num_rows").map_or_else(|| "-".to_owned(), |rows| rows.to_string());
    Some(format!("{} {format:?} {rows}", files.join("+")))
}
