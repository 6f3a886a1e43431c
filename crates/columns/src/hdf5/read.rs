//! Reads tables from HDF5 files: Vaex's layouts, and plain datasets of other tools.
//!
//! The structure of the file is read once, when it is opened, and every dataset is checked against the length of the file.
//! Values are then read by row, from a mapping of the file wherever they lie in one piece.

mod block;
mod column;
mod locate;
mod missing;
mod structure;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod values;

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use datafolio_core::counted;

use self::column::Column;
use self::structure::Tree;
use crate::error::{ColumnsError, ColumnsResult};
use crate::source::{Dictionaries, RawBatch, RawColumn};
use crate::store::{Guard, Store};

/// How a table is read from an HDF5 file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hdf5Options {
    /// The group that holds the table; none for where Vaex looks: `/data`, `/table`, the root and `/columns`.
    pub group: Option<String>,
    /// Whether the file is mapped, so that values are shared with the system's cache of it. Where files may be cut while
    /// they are open, or lie on a network, reading in pieces is slower and safer.
    pub mapped: bool,
}

impl Default for Hdf5Options {
    fn default() -> Self {
        Self { group: None, mapped: true }
    }
}

/// A table in an HDF5 file.
///
/// Any number of threads can read from it. Arrays whose values lie in the file as Arrow wants them (in one piece, in the
/// byte order of the machine, at an address that their type allows) are backed by the mapping of the file, and keep it for
/// as long as they live; all others are copies of the rows asked for.
#[derive(Debug)]
pub struct Hdf5Table {
    store: Store,
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: u64,
}

impl Hdf5Table {
    /// Opens the table in the file at `path`.
    pub fn open(path: impl AsRef<Path>, options: &Hdf5Options) -> ColumnsResult<Self> {
        Self::of_store(Store::open(path.as_ref(), options.mapped)?, options.group.as_deref())
    }

    /// Opens the table in a file that is open already. Errors call it by `path`.
    pub fn of_file(file: File, path: &Path, options: &Hdf5Options) -> ColumnsResult<Self> {
        Self::of_store(Store::of_file(file, path, options.mapped, None)?, options.group.as_deref())
    }

    /// The same, asking `guard` before anything of the file is used.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and of the guard.
    pub fn guarded(file: File, path: &Path, options: &Hdf5Options, guard: Guard) -> ColumnsResult<Self> {
        Self::of_store(Store::of_file(file, path, options.mapped, Some(guard))?, options.group.as_deref())
    }

    fn of_store(store: Store, group: Option<&str>) -> ColumnsResult<Self> {
        let tree = Tree::open(&store)?;
        let located = locate::locate(store.path(), &tree, group)?;
        let mut columns: Vec<Column> = Vec::with_capacity(located.columns.len());
        let mut fields = Vec::with_capacity(located.columns.len());
        for found in located.columns {
            let (column, field) = Column::open(&store, found)?;
            if let Some(first) = columns.first().filter(|first| first.rows != column.rows) {
                return Err(column.label.damaged(format_args!(
                    "has {}, and column '{}' has {}",
                    counted(column.rows, "row"),
                    first.label.column,
                    first.rows
                )));
            }
            columns.push(column);
            fields.push(field);
        }
        let notes = located.description.map(|text| ("description".to_owned(), text));
        let schema = Arc::new(Schema::new(fields).with_metadata(notes.into_iter().collect::<HashMap<_, _>>()));
        let rows = columns.first().map_or(0, |column| column.rows);
        Ok(Self { store, schema, columns, rows })
    }

    /// The groups of the file at `path` that hold tables, each of which [`Hdf5Options::group`] can name.
    pub fn groups(path: impl AsRef<Path>) -> ColumnsResult<Vec<String>> {
        let store = Store::open(path.as_ref(), false)?;
        locate::tables(&Tree::open(&store)?)
    }

    /// The columns, with what is noted on them: `unit`, `ucd` and `description`, and `numpy_dtype` where the unit of
    /// instants or durations is one that Arrow does not have.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Some rows of some columns, which are named by their places in the schema.
    pub fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<RecordBatch> {
        self.check(&rows)?;
        let schema = self.schema.project(columns)?;
        let mut arrays = Vec::with_capacity(columns.len());
        for column in columns.iter().filter_map(|at| self.columns.get(*at)) {
            arrays.push(column.read(&self.store, rows.clone())?);
        }
        let count = (rows.end - rows.start) as usize;
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)?)
    }

    /// The same as a pass takes them: texts as they lie in the file, and dictionaries with their numbers.
    pub(crate) fn read_raw(
        &self,
        rows: Range<u64>,
        columns: &[usize],
        dictionaries: &Dictionaries,
    ) -> ColumnsResult<RawBatch> {
        self.check(&rows)?;
        let column = |column: &Column| match column.read_raw(&self.store, rows.clone())? {
            Some(texts) => Ok(RawColumn::Texts(texts)),
            None => Ok(dictionaries.numbered_column(&column.read(&self.store, rows.clone())?)),
        };
        let columns =
            columns.iter().filter_map(|at| self.columns.get(*at)).map(column).collect::<ColumnsResult<_>>()?;
        Ok(RawBatch { columns, rows: (rows.end - rows.start) as usize })
    }

    /// Refuses rows that there are not, and a file that is shorter than it was.
    fn check(&self, rows: &Range<u64>) -> ColumnsResult<()> {
        if rows.start > rows.end || rows.end > self.rows {
            let path = self.path().display();
            return Err(ColumnsError::option(format!(
                "rows {} to {} of '{path}' were asked for, and there are {}",
                rows.start, rows.end, self.rows
            )));
        }
        self.store.check_length()
    }
}
