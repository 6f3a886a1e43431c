//! Parquet files in memory, for the tests of what reads their columns.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::{concat, take};
use datafolio_storage::{FileIdentity, Source, StorageResult};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterPropertiesBuilder;

use super::pages::Result;
use super::runs::Run;

/// A file in memory. It panics where something is read that is not there.
#[derive(Debug)]
pub(super) struct InMemory(pub(super) Vec<u8>);

impl Source for InMemory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        let start = usize::try_from(offset).unwrap();
        buffer.copy_from_slice(&self.0[start..start + buffer.len()]);
        Ok(())
    }

    fn identity(&self) -> Option<FileIdentity> {
        None
    }

    fn try_clone_file(&self) -> Option<io::Result<File>> {
        None
    }
}

/// Counts what is read of a file.
#[derive(Debug)]
pub(super) struct Counting(pub(super) InMemory, pub(super) Arc<AtomicU64>);

impl Source for Counting {
    fn size(&self) -> u64 {
        self.0.size()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> StorageResult<()> {
        self.1.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        self.0.read_exact_at(buffer, offset)
    }

    fn identity(&self) -> Option<FileIdentity> {
        None
    }

    fn try_clone_file(&self) -> Option<io::Result<File>> {
        None
    }
}

/// That a column gives these values, in so many rows at a time, and nothing behind them.
pub(super) fn assert_gives(
    expected: &dyn Array,
    batch: usize,
    what: &str,
    mut next: impl FnMut(usize) -> Result<ArrayRef>,
) {
    let rows = expected.len();
    let found: Vec<ArrayRef> = (0..rows).step_by(batch).map(|from| next(batch.min(rows - from)).unwrap()).collect();
    // Nothing has no type.
    if rows > 0 {
        assert_eq!(joined(&found).as_ref(), expected, "{what}");
    }
    assert!(next(1).is_err(), "there is no other row: {what}");
}

/// That a column gives one row of so many, and now and then some in a row, in batches of seven.
pub(super) fn assert_picks(
    all: &dyn Array,
    every: usize,
    what: &str,
    mut next: impl FnMut(&[Run], usize) -> Result<ArrayRef>,
) {
    let is_picked = |row: &usize| row % every == every / 2 || row % 97 < 3;
    let picked: Vec<usize> = (0..all.len()).filter(is_picked).collect();
    let mut at = 0;
    let mut found = Vec::new();
    for batch in picked.chunks(7) {
        let run = |row: &usize| {
            let passed = (*row - at) as u64;
            at = row + 1;
            Run { passed, wanted: 1 }
        };
        let runs: Vec<Run> = batch.iter().map(run).collect();
        found.push(next(&runs, batch.len()).unwrap());
    }
    let places = UInt64Array::from_iter_values(picked.iter().map(|row| *row as u64));
    assert_eq!(&joined(&found), &take(all, &places, None).unwrap(), "{what}");
    assert!(next(&[Run { passed: all.len() as u64, wanted: 1 }], 1).is_err(), "{what}");
}

/// Arrays one behind the other.
pub(super) fn joined(arrays: &[ArrayRef]) -> ArrayRef {
    let arrays: Vec<&dyn Array> = arrays.iter().map(|array| array.as_ref()).collect();
    concat(&arrays).unwrap()
}

/// The file of a batch.
pub(super) fn encoded(batch: &RecordBatch, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}
