//! Tests of the reader, against what Vaex and h5py say.

mod damaged;
mod expected;
mod foreign;
mod layouts;
mod ranges;

use arrow::array::RecordBatch;

use super::{Hdf5Options, Hdf5Table};
use crate::error::ColumnsResult;
use crate::expected::fixture;

fn in_group(group: &str) -> Hdf5Options {
    Hdf5Options { group: Some(group.to_owned()), ..Hdf5Options::default() }
}

fn unmapped() -> Hdf5Options {
    Hdf5Options { mapped: false, ..Hdf5Options::default() }
}

fn open(name: &str) -> Hdf5Table {
    Hdf5Table::open(fixture(name), &Hdf5Options::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All columns of some rows.
fn all(table: &Hdf5Table, rows: std::ops::Range<u64>) -> ColumnsResult<RecordBatch> {
    table.read(rows, &(0..table.schema().fields().len()).collect::<Vec<_>>())
}

/// The names of the columns.
fn names(table: &Hdf5Table) -> Vec<String> {
    table.schema().fields().iter().map(|field| field.name().clone()).collect()
}
