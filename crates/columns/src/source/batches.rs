//! Rows that are in memory.

use std::ops::Range;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Batches, Dictionaries, RawBatches, Source};
use crate::error::{ColumnsError, ColumnsResult};

/// Record batches, one after the other. Whether their arrays lie in memory or in a mapped file makes no difference.
#[derive(Debug)]
pub struct BatchSource {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Where each batch begins, and where the last one ends.
    starts: Vec<u64>,
    fingerprint: Option<String>,
    dictionaries: Dictionaries,
}

impl BatchSource {
    /// The rows of batches that all have this schema.
    pub fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> ColumnsResult<Self> {
        let mut starts = vec![0];
        let mut rows = 0;
        for batch in &batches {
            let same = batch.num_columns() == schema.fields().len()
                && batch
                    .columns()
                    .iter()
                    .zip(schema.fields())
                    .all(|(array, field)| array.data_type() == field.data_type());
            if !same {
                return Err(ColumnsError::option("a record batch has other columns than the schema says"));
            }
            rows += batch.num_rows() as u64;
            starts.push(rows);
        }
        Ok(Self { schema, batches, starts, fingerprint: None, dictionaries: Dictionaries::default() })
    }

    /// The same rows, named by a text that no other rows have.
    #[must_use]
    pub fn with_fingerprint(mut self, fingerprint: impl Into<String>) -> Self {
        self.fingerprint = Some(fingerprint.into());
        self
    }
}

impl Source for BatchSource {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn rows(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        let first = self.starts.partition_point(|start| *start <= rows.start).saturating_sub(1);
        let columns = columns.to_vec();
        let parts = self.batches.iter().zip(&self.starts).skip(first);
        let parts = parts.take_while(move |(_, start)| **start < rows.end).map(move |(batch, start)| {
            let from = rows.start.max(*start) - start;
            let to = rows.end.min(start + batch.num_rows() as u64).max(start + from) - start;
            Ok(batch.project(&columns)?.slice(from as usize, (to - from) as usize))
        });
        Ok(Box::new(parts.filter(|part| !part.as_ref().is_ok_and(|batch| batch.num_rows() == 0))))
    }

    fn read_raw(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<RawBatches<'_>> {
        let batches = self.read(rows, columns)?;
        Ok(Box::new(batches.map(|batch| batch.map(|batch| self.dictionaries.numbered(&batch)))))
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        let fingerprint = self.fingerprint.as_ref()?;
        Some(format!("{fingerprint} {columns:?}"))
    }
}
