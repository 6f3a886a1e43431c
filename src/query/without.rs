//! A build without DuckDB: the calls are there, and name what they need.

use arrow::array::RecordBatchReader;
use datafolio_handlers::HandlerError;

use super::QueryOptions;
use crate::bundle::DataFolio;
use crate::error::Result;

impl DataFolio {
    /// Runs SQL on one table, in a build with the feature `sql`.
    ///
    /// # Errors
    /// [`HandlerError::Unsupported`]: this build has no SQL.
    pub fn query_table(
        &self,
        _name: &str,
        _sql: &str,
        _options: &QueryOptions,
    ) -> Result<Box<dyn RecordBatchReader + Send>> {
        Err(no_sql())
    }

    /// Runs SQL on all tables, in a build with the feature `sql`.
    ///
    /// # Errors
    /// [`HandlerError::Unsupported`]: this build has no SQL.
    pub fn query(&self, _sql: &str, _options: &QueryOptions) -> Result<Box<dyn RecordBatchReader + Send>> {
        Err(no_sql())
    }
}

fn no_sql() -> crate::Error {
    HandlerError::Unsupported { what: "SQL".to_owned(), needs: "a build with the feature sql".to_owned() }.into()
}
