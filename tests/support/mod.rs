//! What several tests need.

pub(crate) mod model;
pub(crate) mod reads;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafolio::DataFolio;
use datafolio::core::history::{CommitRef, HistoryFile};
use tempfile::TempDir;

pub use datafolio_testkit::copies::copy_dir;

/// A new bundle in a directory that goes away with the test.
pub fn new_bundle() -> (TempDir, DataFolio) {
    let dir = tempfile::tempdir().unwrap();
    let folio = DataFolio::create(dir.path().join("bundle")).unwrap();
    (dir, folio)
}

/// Another handle to the same bundle.
pub fn reopen(folio: &DataFolio) -> DataFolio {
    DataFolio::open(folio.location()).unwrap()
}

/// The file of a revision in the history of a bundle.
pub fn history_file(folio: &DataFolio, revision: u64, kind: HistoryFile) -> PathBuf {
    let dir = Path::new(&folio.location()).join("history");
    let is_it = |path: &PathBuf| {
        let found = path.file_name().and_then(|name| CommitRef::from_file_name(name.to_str()?));
        found.is_some_and(|(commit, found)| commit.revision == revision && found == kind)
    };
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).find(is_it).unwrap()
}

/// Flips one bit in the middle of a file.
pub fn flip_a_bit(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// A table of two columns.
pub fn table(rows: i64) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let name: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|i| format!("row {i}"))));
    RecordBatch::try_from_iter([("id", id), ("name", name)]).unwrap()
}

/// Number of rows of a table item.
pub fn rows(folio: &DataFolio, name: &str) -> usize {
    folio.get_table(name).unwrap().map(|batch| batch.unwrap().num_rows()).sum()
}

/// A copy of a fixture bundle, for tests that write.
pub fn fixture(name: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join(name);
    copy_dir(&fixtures().join(name), &target);
    (dir, target)
}

/// Where the fixtures lie.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fixtures")
}
