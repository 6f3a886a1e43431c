//! Parquet files that are taken over byte for byte: what cannot be decoded does not get in.

use std::cell::Cell;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int8Type;
use datafolio_handlers::{Data, Handler, HandlerResult, IncludedTable, Sink, WriteOptions, quiet_decoder_panics};
use datafolio_storage::{MemoryStorage, Storage};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

use crate::encoded;

/// Adds a file; nothing may stay of one that is refused.
fn add(path: &Path) -> HandlerResult<()> {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let mut sink = Sink::new(&storage, "included_table", "weather");
    let added = IncludedTable.write(Data::ParquetFile(path.to_owned()), &WriteOptions::default(), &mut sink).map(drop);
    assert_eq!(storage.list(None).unwrap().is_empty(), added.is_err());
    added
}

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether every batch can be decoded, by the library's own reader.
fn decodes(bytes: &[u8]) -> bool {
    let bytes = bytes::Bytes::copy_from_slice(bytes);
    let read = || -> Result<(), Box<dyn std::error::Error>> {
        for batch in ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()? {
            batch?;
        }
        Ok(())
    };
    DECODING.set(true);
    let decoded = catch_unwind(AssertUnwindSafe(read)).is_ok_and(|result| result.is_ok());
    DECODING.set(false);
    decoded
}

/// Without checksums of pages, many flips give other values and not an error: these nobody can tell.
fn sample() -> Vec<u8> {
    let categories: DictionaryArray<Int8Type> = ["a", "b", "a"].into_iter().cycle().take(60).collect();
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new(Int64Array::from_iter_values(0..60))),
        ("s", Arc::new(StringArray::from_iter_values((0..60).map(|n| format!("value {n}"))))),
        ("c", Arc::new(categories)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    encoded(&batch, properties)
}

#[test]
fn a_file_that_cannot_be_decoded_is_refused_and_named() {
    quiet_decoder_panics();
    // The library's own reader is called unguarded here, and what it panics on is no news.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !DECODING.get() {
            before(info);
        }
    }));
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("weather.parquet");
    // Written by pyarrow with a checksum of each page.
    let checked = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/page-checksums.parquet")).unwrap();
    for whole in [sample(), checked] {
        fs::write(&path, &whole).unwrap();
        add(&path).unwrap();
        let mut refused = 0;
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            fs::write(&path, &bytes).unwrap();
            let added = add(&path);
            if !decodes(&bytes) {
                let error = added.unwrap_err();
                assert_eq!(error.code(), "bad-file", "byte {at}: {error}");
                let text = error.to_string();
                assert!(text.contains("weather.parquet") && text.contains("'weather'"), "byte {at}: {text}");
                refused += 1;
            }
        }
        assert!(refused > whole.len() / 4, "only {refused} flips of {} were refused", whole.len());
    }
}

#[test]
fn a_flip_in_a_page_with_a_checksum_is_always_seen() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("weather.parquet");
    let whole = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/page-checksums.parquet")).unwrap();
    // The pages of both columns end at these bytes, by the footer; the last hundred before are data and no page header.
    for end in [257, 491] {
        for at in end - 100..end {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            fs::write(&path, &bytes).unwrap();
            assert_eq!(add(&path).unwrap_err().code(), "bad-file", "byte {at}");
        }
    }
}
