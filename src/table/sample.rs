//! A random sample of the rows of a table.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafolio_core::random::draw;
use datafolio_handlers::{HandlerError, TableReadOptions};

use super::read::{TableOptions, collect};
use super::reservoir::draw_rows;
use crate::bundle::DataFolio;
use crate::error::Result;

impl DataFolio {
    /// So many rows of a table, drawn at random without replacement, each as likely as any other, in the order in which they
    /// are stored; all rows where there are fewer. The same seed draws the same rows of a table of as many rows.
    ///
    /// Of a Parquet file only the pages with these rows are read. `options` chooses the columns and the version; `offset` and
    /// `limit` choose the rows that are drawn from. With a condition these are the rows that it holds for: all of them are looked
    /// at, while memory holds some twice as many as are drawn.
    ///
    /// # Errors
    /// As [`DataFolio::read_table`].
    pub fn sample_table(&self, name: &str, rows: usize, seed: u64, options: &TableOptions) -> Result<RecordBatch> {
        if let Some(folio) = self.checking(options.verification) {
            return folio.sample_table(name, rows, seed, options);
        }
        let record = self.table_record(name, options.version.as_deref())?;
        if options.filter.is_some() {
            return Ok(draw_rows(self.read_part_of(&record, options, None)?, rows, seed)?);
        }
        let all = match self.facts_of(&record)?.rows {
            Some(rows) => rows,
            None => self.count_rows(name, options.version.as_deref())?,
        };
        let first = options.offset.min(all);
        let range = (all - first).min(options.limit.unwrap_or(u64::MAX));
        let mut part = TableReadOptions::default();
        part.columns = options.columns.clone();
        part.threads = self.settings().threads;
        part.rows = Some(draw(range, rows as u64, seed).into_iter().map(|row| first + row).collect::<Arc<[u64]>>());
        collect(self.open_table(&record, &part)?)
    }

    /// The rows of a table that only reading all of it tells.
    fn count_rows(&self, name: &str, version: Option<&str>) -> Result<u64> {
        let options = TableOptions { version: version.map(str::to_owned), ..TableOptions::default() };
        let mut rows = 0;
        for batch in self.read_table(name, &options)? {
            rows += batch.map_err(HandlerError::from)?.num_rows() as u64;
        }
        Ok(rows)
    }
}
