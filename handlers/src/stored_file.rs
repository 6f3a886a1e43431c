//! The files that a version of an item lies in.

use datafolio_core::{ItemRecord, PARTS, PARTS_DIR, Part, RelPath};
use datafolio_storage::{BlocksRef, Expected};

use crate::error::{HandlerError, HandlerResult};
use crate::handler::{expected, payload_path};

/// A file of a version, with what its entry records of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredFile {
    /// Where it lies.
    pub path: RelPath,
    /// Its size and hashes.
    pub expected: Expected,
    /// How many rows it has, where it holds some.
    pub rows: Option<u64>,
    /// How many columns it has, where that is recorded.
    pub columns: Option<u64>,
}

impl StoredFile {
    fn payload(record: &ItemRecord) -> HandlerResult<Self> {
        let has_rows = record.get(PARTS).is_none();
        let rows = record.count("num_rows").filter(|_| has_rows);
        let columns = record.count("num_cols").filter(|_| has_rows);
        Ok(Self { path: payload_path(record)?, expected: expected(record)?, rows, columns })
    }

    /// A part of a table.
    ///
    /// # Errors
    /// [`HandlerError::Damaged`] when it names a file outside of where parts lie.
    pub fn part(item: &str, part: &Part) -> HandlerResult<Self> {
        let damaged = |reason: String| HandlerError::Damaged { item: item.to_owned(), reason };
        let in_place = |name: &str| RelPath::in_dir(PARTS_DIR, name).map_err(|error| damaged(error.to_string()));
        let blocks = match &part.blocks {
            Some(value) => {
                let blocks: BlocksRef = serde_json::from_value(value.clone())
                    .map_err(|error| damaged(format!("field blocks of a part: {error}")))?;
                Some((in_place(&blocks.filename)?, blocks.sha256))
            }
            None => None,
        };
        let expected =
            Expected { size: Some(part.size_bytes), sha256: part.sha256.clone(), md5: part.checksum.clone(), blocks };
        Ok(Self { path: in_place(&part.filename)?, expected, rows: Some(part.num_rows), columns: Some(part.num_cols) })
    }
}

/// The files that hold the content of a version, in order: its payload, or the parts of a table of several files.
///
/// # Errors
/// [`HandlerError::Damaged`] when the entry names none, or one outside of its directory.
pub fn stored_files(record: &ItemRecord) -> HandlerResult<Vec<StoredFile>> {
    let damaged = |error: datafolio_core::CoreError| HandlerError::Damaged {
        item: record.name().to_owned(),
        reason: error.to_string(),
    };
    match record.parts().map_err(damaged)? {
        Some(parts) => parts.iter().map(|part| StoredFile::part(record.name(), part)).collect(),
        None => Ok(vec![StoredFile::payload(record)?]),
    }
}

/// The field of a record, never of an entry, with all parts of the table of which the record has some: those alone need not tell
/// its columns.
pub const ALL_PARTS: &str = "all_parts";

/// The files that tell the columns of a table: those of the table whose parts it has.
pub(crate) fn files_with_columns(record: &ItemRecord) -> HandlerResult<Vec<StoredFile>> {
    match record.get(ALL_PARTS) {
        None => stored_files(record),
        Some(all) => {
            let mut whole = record.clone();
            whole.set(PARTS, Some(all.clone()));
            stored_files(&whole)
        }
    }
}

/// All files of a version: its payload, which for a table of several files stands for it where programs look that know of
/// no parts, and then its parts.
///
/// # Errors
/// As [`stored_files`].
pub fn all_files(record: &ItemRecord) -> HandlerResult<Vec<StoredFile>> {
    let mut files = vec![StoredFile::payload(record)?];
    if record.get(PARTS).is_some() {
        files.extend(stored_files(record)?);
    }
    Ok(files)
}
