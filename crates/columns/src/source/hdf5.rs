//! Rows of tables in HDF5 files.

use std::ops::Range;

use arrow::datatypes::SchemaRef;

use super::{Batches, Dictionaries, RawBatches, Source, file_fingerprint};
use crate::error::ColumnsResult;
use crate::hdf5::Hdf5Table;

/// A table of an HDF5 file as a source.
#[derive(Debug)]
pub struct Hdf5Source {
    table: Hdf5Table,
    fingerprint: Option<String>,
    dictionaries: Dictionaries,
}

impl Hdf5Source {
    /// The rows of a table. `fingerprint` names the content of its file, where that is known.
    pub fn new(table: Hdf5Table, fingerprint: Option<String>) -> Self {
        Self { table, fingerprint, dictionaries: Dictionaries::default() }
    }
}

impl Source for Hdf5Source {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn rows(&self) -> u64 {
        self.table.rows()
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        Ok(Box::new(std::iter::once(self.table.read(rows, columns))))
    }

    fn read_raw(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<RawBatches<'_>> {
        Ok(Box::new(std::iter::once(self.table.read_raw(rows, columns, &self.dictionaries))))
    }

    fn name(&self) -> String {
        self.table.path().display().to_string()
    }

    fn check(&self) -> ColumnsResult<()> {
        self.table.store().check_length()
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        file_fingerprint(self.table.store(), self.fingerprint.as_ref(), columns)
    }
}
