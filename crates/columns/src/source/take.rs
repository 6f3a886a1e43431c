//! Rows of a source in any order, named by their numbers.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;

use super::{Batches, Source, even_tasks};
use crate::error::{ColumnsError, ColumnsResult};

/// Rows that are gathered at once, which bounds the memory that they take.
const GATHERED: u64 = 65_536;
/// Rows between two that are wanted are read along if there are no more of them than this: another read costs more.
const GAP: u64 = 1024;

/// Rows of another source, each as often and where it is named.
#[derive(Debug)]
pub struct TakeSource {
    source: Arc<dyn Source>,
    rows: Arc<[u64]>,
}

impl TakeSource {
    /// The rows with these numbers, in this order. The same row may be named several times.
    ///
    /// # Errors
    /// Where there is no row of a number.
    pub fn new(source: Arc<dyn Source>, rows: impl Into<Arc<[u64]>>) -> ColumnsResult<Self> {
        let rows = rows.into();
        let count = source.rows();
        match rows.iter().find(|row| **row >= count) {
            Some(row) => {
                Err(ColumnsError::option(format!("row {row} was asked for, and '{}' has {count}", source.name())))
            }
            None => Ok(Self { source, rows }),
        }
    }

    /// The rows of a stretch, read in the order of the source and put in the order that was asked for.
    fn gathered(&self, stretch: Range<u64>, columns: &[usize]) -> ColumnsResult<RecordBatch> {
        let wanted = self.rows.get(stretch.start as usize..stretch.end as usize).unwrap_or_default();
        let mut sorted = wanted.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let schema = Arc::new(self.source.schema().project(columns)?);
        if columns.is_empty() {
            let options = RecordBatchOptions::new().with_row_count(Some(wanted.len()));
            return Ok(RecordBatch::try_new_with_options(schema, Vec::new(), &options)?);
        }
        let mut found = Vec::new();
        for run in sorted.chunk_by(|a, b| b - a <= GAP) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            let mut left = run;
            let mut start = *first;
            for batch in self.source.read(*first..*last + 1, columns)? {
                let batch = batch?;
                let end = start + batch.num_rows() as u64;
                let (own, rest) = left.split_at(left.partition_point(|row| *row < end));
                left = rest;
                if !own.is_empty() {
                    let places = UInt64Array::from_iter_values(own.iter().map(|row| row - start));
                    found.push(take_record_batch(&batch, &places)?);
                }
                start = end;
            }
            if !left.is_empty() {
                let name = self.source.name();
                return Err(ColumnsError::option(format!(
                    "'{name}' ended at row {start}, and row {last} was asked for"
                )));
            }
        }
        let found = concat_batches(&schema, &found)?;
        if found.num_rows() == wanted.len() && wanted.is_sorted() {
            return Ok(found);
        }
        let places = wanted.iter().map(|row| sorted.partition_point(|other| other < row) as u64);
        Ok(take_record_batch(&found, &UInt64Array::from_iter_values(places))?)
    }
}

impl Source for TakeSource {
    fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    fn rows(&self) -> u64 {
        self.rows.len() as u64
    }

    fn name(&self) -> String {
        self.source.name()
    }

    fn tasks(&self, rows: Range<u64>, target: u64) -> Vec<Range<u64>> {
        even_tasks(rows, target.min(GATHERED))
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        if rows.start > rows.end || rows.end > self.rows() {
            return Err(ColumnsError::option(format!(
                "rows {} to {} were asked for, and there are {}",
                rows.start,
                rows.end,
                self.rows()
            )));
        }
        let columns = columns.to_vec();
        Ok(Box::new(even_tasks(rows, GATHERED).into_iter().map(move |stretch| self.gathered(stretch, &columns))))
    }

    fn check(&self) -> ColumnsResult<()> {
        self.source.check()
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        // Two sums that are started differently: one of 64 bits would meet another too soon.
        let sums = [0_u8, 1].map(|start| {
            let mut hasher = DefaultHasher::new();
            (start, &self.rows).hash(&mut hasher);
            hasher.finish()
        });
        Some(format!(
            "{} rows {:016x}{:016x} of {}",
            self.rows.len(),
            sums[0],
            sums[1],
            self.source.fingerprint(columns)?
        ))
    }
}
