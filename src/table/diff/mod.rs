//! What has changed in the rows of a table between two of its versions.

#[cfg(feature = "sql")]
mod numeral;
mod options;
#[cfg(feature = "sql")]
mod run;
#[cfg(feature = "sql")]
mod schema;
#[cfg(feature = "sql")]
mod sides;
#[cfg(feature = "sql")]
mod statement;
#[cfg(not(feature = "sql"))]
mod without;

use indexmap::IndexMap;
use serde::Serialize;

pub use options::{DiffOptions, TableState};

/// What has changed in a table: how many rows, in which columns, and the columns themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableDiff {
    /// The item.
    pub name: String,
    /// The earlier version.
    pub from: String,
    /// The later version.
    pub to: String,
    /// The columns that tell rows apart; none where rows are compared as a whole.
    pub key: Vec<String>,
    /// Rows that the later version has and the earlier one has not.
    pub added: u64,
    /// Rows that the earlier version has and the later one has not.
    pub removed: u64,
    /// Rows of the same key with other values; 0 without a key.
    pub changed: u64,
    /// Rows that both versions have; `None` where no rows were read and nobody has counted them.
    pub unchanged: Option<u64>,
    /// For each column with other values, in how many rows they are others.
    pub changed_columns: IndexMap<String, u64>,
    /// Columns that only the later version has.
    pub added_columns: Vec<ColumnType>,
    /// Columns that only the earlier version has.
    pub removed_columns: Vec<ColumnType>,
    /// Columns whose type has changed.
    pub retyped_columns: Vec<RetypedColumn>,
    /// Whether rows were read: both versions may have the same files.
    pub rows_were_read: bool,
}

impl TableDiff {
    /// Whether both versions have the same rows and columns.
    pub fn is_empty(&self) -> bool {
        self.added + self.removed + self.changed == 0
            && self.added_columns.is_empty()
            && self.removed_columns.is_empty()
            && self.retyped_columns.is_empty()
    }
}

/// A column and its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ColumnType {
    /// Its name.
    pub name: String,
    /// Its type, as Arrow names it.
    pub arrow_type: String,
}

/// A column whose type has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RetypedColumn {
    /// Its name.
    pub name: String,
    /// The type in the earlier version.
    pub from: String,
    /// The type in the later version.
    pub to: String,
}
