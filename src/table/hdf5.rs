//! A table as an HDF5 file, as Vaex lays it out.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use datafolio_columns::hdf5::{Hdf5WriteOptions, Hdf5Writer, Rows};
use datafolio_columns::{ColumnsError, ColumnsResult};
use datafolio_core::{ItemRecord, item_type};

use super::TableOptions;
use crate::bundle::DataFolio;
use crate::error::{Error, Result};

/// Rows of some columns that are turned into bytes at once, by each thread.
const CHUNK_ROWS: usize = 1 << 16;
/// Columns for which the rows are walked once, by each thread.
const COLUMNS_AT_ONCE: usize = 8;
/// About how much of the time it takes to look at texts and categories before the first row is written.
const LOOKING: f64 = 0.25;

impl DataFolio {
    /// Writes a table to an HDF5 file in Vaex's layout, which Vaex maps and h5py and others read; returns how many rows it
    /// has. A file that is there is replaced once the new one is whole; a process that is killed leaves a hidden `.NAME.*.tmp`
    /// beside it.
    ///
    /// The rows are read several times: once for the room that texts and categories take, then for every few columns.
    ///
    /// ```
    /// # fn main() -> datafolio::Result<()> {
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let folio = datafolio::DataFolio::create(dir.path().join("b"))?;
    /// # let column: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Int64Array::from(vec![1, 20]));
    /// # let scores = arrow::array::RecordBatch::try_from_iter([("score", column)]).unwrap();
    /// # folio.add("scores", scores, datafolio::AddOptions::new())?;
    /// let file = dir.path().join("scores.hdf5");
    /// let rows = folio.export_hdf5("scores", &file, &datafolio::TableOptions::new(), &Default::default())?;
    /// assert_eq!(rows, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Columns`] for a table without rows, columns of types that the layout does not have, names with `/`, rows that
    /// are others each time (as of a view with `random()`), and errors of the disk; as [`DataFolio::read_table`].
    pub fn export_hdf5(
        &self,
        name: &str,
        path: impl AsRef<Path>,
        rows: &TableOptions,
        options: &Hdf5WriteOptions,
    ) -> Result<u64> {
        self.export_hdf5_watched(name, path, rows, options, &|_| true)
    }

    /// The same, telling how much of it is done, from 0 to 1; an answer of `false` stops it, and what was there stays.
    ///
    /// # Errors
    /// As [`DataFolio::export_hdf5`]; [`ColumnsError::Cancelled`] where it was stopped.
    pub fn export_hdf5_watched(
        &self,
        name: &str,
        path: impl AsRef<Path>,
        rows: &TableOptions,
        options: &Hdf5WriteOptions,
        progress: &(dyn Fn(f64) -> bool + Sync),
    ) -> Result<u64> {
        if let Some(folio) = self.checking(rows.verification) {
            return folio.export_hdf5_watched(name, path, rows, options, progress);
        }
        let record = self.pinned_record(self.table_record(name, rows.version.as_deref())?)?;
        let reader = self.read_part_of(&record, rows, None)?;
        let schema = reader.schema();
        let count = match rows_known(&record, rows) {
            Some(count) => count,
            None => reader.map(|batch| Ok(batch?.num_rows() as u64)).sum::<Result<u64>>()?,
        };
        let open = |names| self.read_part_of(&record, &rows.clone().columns(names), None);
        let table = Reread { schema, rows: count, open };
        let mut writer = Hdf5Writer::create(path, options.clone())?;
        let looking = |share: f64| progress(share * LOOKING);
        let writing = |share: f64| progress(LOOKING + share * (1.0 - LOOKING));
        writer.layout(&table, Some(&looking))?;
        let threads = self.settings().threads;
        writer.write(&table, CHUNK_ROWS, COLUMNS_AT_ONCE, threads, Some(&writing))?;
        writer.finish()?;
        Ok(count)
    }
}

/// How many rows there are, where the catalogue says it: of a table of the bundle's own, all of which is wanted.
fn rows_known(record: &ItemRecord, rows: &TableOptions) -> Option<u64> {
    if rows.filter.is_some() || rows.offset > 0 || rows.limit.is_some() {
        return None;
    }
    let is_own = record.item_type() == item_type::INCLUDED_TABLE;
    record.get("num_rows").filter(|_| is_own).and_then(serde_json::Value::as_u64)
}

/// Rows that are read anew for each walk: `open` gives those of the columns that are named.
pub(crate) struct Reread<F> {
    pub(crate) schema: SchemaRef,
    pub(crate) rows: u64,
    pub(crate) open: F,
}

impl<F: Fn(Vec<String>) -> Result<crate::rows::Rows> + Sync> Rows for Reread<F> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn batches(
        &self,
        columns: &[usize],
    ) -> ColumnsResult<Box<dyn Iterator<Item = ColumnsResult<RecordBatch>> + Send + '_>> {
        let names = columns.iter().filter_map(|column| self.schema.fields().get(*column)).map(|field| field.name());
        let source = |error: Error| ColumnsError::Source(Box::new(error));
        let reader = (self.open)(names.cloned().collect()).map_err(source)?;
        Ok(Box::new(reader.map(move |batch| batch.map_err(|error| source(error.into())))))
    }
}
