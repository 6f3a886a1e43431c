//! What the fuzz targets in `fuzz/` run, and the ordinary tests run on the saved corpora: readers of bytes that anybody may
//! have written. Whatever the bytes are, they return; what can be read once can be written and read again.

#![allow(clippy::panic, reason = "a target stops where something is not as it should be")]

use std::io::Write;
use std::sync::Arc;

use datafolio_columns::{Frame, OpenOptions};
use datafolio_core::history::HistoryEntry;
use datafolio_core::{
    CatalogueFiles, Published, SealCheck, encode, fingerprint, parse_catalogue, seal_of, versions_in,
};
use datafolio_handlers::npy::NpyHeader;

/// A target: what it is called, in `fuzz/corpus/` too, and what it runs.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 6] = [
    ("catalogue", catalogue),
    ("history", history),
    ("npy_header", npy_header),
    ("arrow_columns", columns),
    ("hdf5_columns", columns),
    ("npy_columns", columns),
];

/// `items.json`, sealed or not.
pub fn catalogue(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let files = |text: String| CatalogueFiles { items: Arc::new(text), metadata: None, snapshots: None };
    let _ = parse_catalogue(&files(text.to_owned()), SealCheck::Required);
    let Ok(read) = parse_catalogue(&files(text.to_owned()), SealCheck::Skipped) else { return };
    look_at_all(&read);
    // As the next commit would write it.
    let written = encode(read.catalogue.in_layout_2());
    let again = parse_catalogue(&files(written.text.to_string()), SealCheck::Required);
    let again = again.unwrap_or_else(|error| panic!("what was written cannot be read: {error}\n{}", written.text));
    assert_eq!(again.catalogue.current.len(), read.catalogue.current.len(), "items were lost");
    assert_eq!(again.catalogue.snapshots.len(), read.catalogue.snapshots.len(), "snapshots were lost");
}

/// Everything that is read of a catalogue later than when it is opened.
fn look_at_all(read: &Published) {
    let catalogue = &read.catalogue;
    for entry in catalogue.entries() {
        for path in entry.files() {
            assert!(path.segments().all(|segment| segment != ".." && !segment.is_empty()), "{path} leads out");
        }
        let flaws = entry.record().map(|record| record.flaws());
        let _ = (flaws, entry.token(), entry.described(), catalogue.is_pinned(entry));
    }
    for name in catalogue.snapshots.keys() {
        let _ = catalogue.snapshot_entries(name);
    }
    let _ = (catalogue.orphans(), catalogue.metadata_object(), catalogue.unreadable_metadata());
    let _ = (catalogue.unreadable_extra(), catalogue.is_damaged_by_1x(), read.fingerprint());
    let _ = versions_in(&read.text, "x");
}

/// An entry of the history. Its seal is put right first: whoever can write one can seal it.
pub fn history(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = HistoryEntry::parse("entry", text);
    let Some(seal) = seal_of(text).map(str::to_owned) else { return };
    let sealed = text.replacen(&seal, &fingerprint(text), 1);
    let Ok(entry) = HistoryEntry::parse("entry", &sealed) else { return };
    let _ = (entry.commit_ref().entry_path(), entry.commit_ref().checkpoint_path(), entry.changes.keys());
    let again = HistoryEntry::parse("entry", &entry.encode());
    let again = again.unwrap_or_else(|error| panic!("what was written cannot be read: {error}"));
    assert_eq!((again.revision, &again.changes), (entry.revision, &entry.changes), "it was written differently");
}

/// The header of a `.npy` file.
pub fn npy_header(data: &[u8]) {
    let mut rest = data;
    let Ok(header) = NpyHeader::read(&mut rest) else { return };
    let _ = (header.len(), header.data_size(), header.file_size(), header.dtype().name());
    let Ok(bytes) = header.to_bytes() else { return };
    let again = NpyHeader::read(&mut &*bytes);
    let again = again.unwrap_or_else(|error| panic!("what was written cannot be read: {error}"));
    assert_eq!((again.shape(), again.dtype()), (header.shape(), header.dtype()), "it was written differently");
}

/// A file of columns: Arrow, HDF5 or `.npy`, as its first bytes say.
pub fn columns(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap_or_else(|error| panic!("no temporary file: {error}"));
    file.write_all(data).unwrap_or_else(|error| panic!("the temporary file cannot be written: {error}"));
    let options = OpenOptions { mapped: false, ..OpenOptions::default() };
    let Ok(frame) = Frame::open_with(file.path(), &options) else { return };
    // A count of rows may be claimed without a byte behind it.
    let _ = frame.head(100).and_then(|rows| rows.collect());
}
