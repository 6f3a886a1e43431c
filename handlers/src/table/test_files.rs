//! Parquet files in memory, for the tests of what reads their columns.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use datafolio_storage::{FileIdentity, Source, StorageResult};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterPropertiesBuilder;

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

/// The file of a batch.
pub(super) fn encoded(batch: &RecordBatch, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}
