//! Comparing rows needs SQL: a build without it says so.

use arrow::array::RecordBatchReader;
use datafolio_handlers::HandlerError;

use super::{DiffOptions, TableDiff};
use crate::bundle::DataFolio;
use crate::error::Result;

impl DataFolio {
    /// Compares the rows of two versions of a table, in a build with the feature `sql`.
    ///
    /// # Errors
    /// [`HandlerError::Unsupported`]: this build has no SQL.
    pub fn diff_table(&self, _name: &str, _options: &DiffOptions) -> Result<TableDiff> {
        Err(no_sql())
    }

    /// The rows that differ between two versions of a table, in a build with the feature `sql`.
    ///
    /// # Errors
    /// [`HandlerError::Unsupported`]: this build has no SQL.
    pub fn diff_table_rows(&self, _name: &str, _options: &DiffOptions) -> Result<Box<dyn RecordBatchReader + Send>> {
        Err(no_sql())
    }
}

fn no_sql() -> crate::Error {
    let what = "comparing the rows of two versions of a table".to_owned();
    HandlerError::Unsupported { what, needs: "a build with the feature sql".to_owned() }.into()
}
