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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};

    use super::*;
    use crate::{AppendOptions, DiffOptions, IterOptions, TableOptions};

    #[test]
    fn all_that_needs_sql_names_the_feature_that_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let folio = DataFolio::create(dir.path().join("study")).unwrap();
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
        folio.append_table("t", batch, AppendOptions::new()).unwrap();
        let errors = [
            folio.query_table("t", "SELECT x FROM table", &QueryOptions::new()).err(),
            folio.query("SELECT x FROM t", &QueryOptions::new()).err(),
            folio.read_table("t", &TableOptions::new().filter("x > 0")).err(),
            folio.iter_table("t", &IterOptions::new().filter("x > 0")).err(),
            folio.delete_rows("t", "x > 0").err(),
            folio.update_table("t", "x > 0", &[("x", "2")]).err(),
            folio.diff_table("t", &DiffOptions::default()).err(),
            folio.diff_table_rows("t", &DiffOptions::default()).err(),
        ];
        for (place, error) in errors.into_iter().enumerate() {
            let error = error.unwrap_or_else(|| panic!("call {place} did something"));
            assert_eq!(error.code(), "unsupported", "call {place}: {error}");
            assert!(error.to_string().contains("feature sql"), "call {place}: {error}");
        }
    }
}
