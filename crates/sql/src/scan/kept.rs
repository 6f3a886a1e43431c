//! Values that a condition has looked at already, and that are wanted as well: nobody reads them twice.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchIterator, RecordBatchOptions, RecordBatchReader,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{cast, concat, filter};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::{Scannable, Stage};
use crate::fetch::ByNumber;
use crate::session::Failure;

/// Rows of batches of what is kept alone.
const BATCH_ROWS: usize = 1 << 14;
/// Bytes that are kept at most: texts can be long, and are read again then, batch by batch.
const MOST_BYTES: usize = 16 << 20;

/// Columns of the rows that were found so far, by their places among those that are given.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(Vec<(usize, ArrayRef)>);

/// The columns of a stage that are kept while it looks, of the rows for which it holds.
pub(super) struct Keeping {
    /// For each column its place in the stage, and among those that are given.
    places: Vec<(usize, usize)>,
    given: SchemaRef,
    pieces: Vec<Vec<ArrayRef>>,
    bytes: usize,
}

impl Keeping {
    /// Those of a stage that are given as well.
    pub(super) fn new(stage: &Stage, given: SchemaRef) -> Self {
        let places = stage.columns().iter().enumerate();
        let places: Vec<_> = places.filter_map(|(at, name)| Some((at, given.fields().find(name)?.0))).collect();
        let pieces = vec![Vec::new(); places.len()];
        Self { places, given, pieces, bytes: 0 }
    }

    /// Whether what is kept is not too much.
    pub(super) fn is_small(&self) -> bool {
        self.bytes <= MOST_BYTES
    }

    /// Keeps what a stage holds for in a batch.
    pub(super) fn add(&mut self, batch: &RecordBatch, holds: &BooleanBuffer) -> Result<(), ArrowError> {
        let holds = BooleanArray::new(holds.clone(), None);
        for ((at, place), pieces) in self.places.iter().zip(&mut self.pieces) {
            // Few of the texts of a dictionary are left.
            let kept = cast(&filter(batch.column(*at), &holds)?, self.given.field(*place).data_type())?;
            self.bytes += kept.get_array_memory_size();
            pieces.push(kept);
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<(usize, ArrayRef)>, ArrowError> {
        let columns = self.places.iter().zip(&self.pieces).filter(|(_, pieces)| !pieces.is_empty());
        let columns = columns.map(|((_, place), pieces)| {
            let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
            Ok((*place, concat(&pieces)?))
        });
        columns.collect()
    }
}

impl Kept {
    /// Of the rows those that a further stage holds for, with the columns of that.
    pub(super) fn narrowed(self, holds: &BooleanBuffer, stage: Keeping) -> Result<Self, ArrowError> {
        let holds = BooleanArray::new(holds.clone(), None);
        let columns = self.0.into_iter().map(|(place, column)| Ok((place, filter(&column, &holds)?)));
        let mut columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
        // Both stages may look at a column.
        let further = stage.finish()?.into_iter();
        let further: Vec<_> = further.filter(|(place, _)| columns.iter().all(|(kept, _)| kept != place)).collect();
        columns.extend(further);
        Ok(Self(columns))
    }

    /// All that is given, of which these are not read.
    pub(super) fn beside(self, columns: &Arc<dyn Scannable>) -> Arc<dyn ByNumber> {
        if self.0.is_empty() {
            return columns.clone();
        }
        let schema = columns.schema();
        let read: Vec<usize> =
            (0..schema.fields().len()).filter(|place| self.0.iter().all(|(kept, _)| kept != place)).collect();
        let others = (!read.is_empty()).then(|| columns.only(&read));
        Arc::new(Beside { kept: self, schema, read, others })
    }
}

/// Columns of which some are known, for the rows that were found.
#[derive(Debug)]
struct Beside {
    kept: Kept,
    schema: SchemaRef,
    /// The places of those that are read.
    read: Vec<usize>,
    others: Option<Arc<dyn ByNumber>>,
}

impl Beside {
    /// Rows from here on: so many, or those of a batch that was read.
    fn part(&self, start: usize, rows: usize, others: Option<&RecordBatch>) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<(usize, ArrayRef)> =
            self.kept.0.iter().map(|(place, column)| (*place, column.slice(start, rows))).collect();
        if let Some(batch) = others {
            columns.extend(self.read.iter().copied().zip(batch.columns().iter().cloned()));
        }
        columns.sort_by_key(|(place, _)| *place);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)
    }
}

impl ByNumber for Beside {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn rows(&self, numbers: Arc<[u64]>) -> Result<Box<dyn RecordBatchReader + Send>, Failure> {
        let this = Self { kept: self.kept.clone(), schema: self.schema(), read: self.read.clone(), others: None };
        let count = numbers.len();
        let Some(others) = &self.others else {
            let parts = (0..count).step_by(BATCH_ROWS);
            let parts = parts.map(move |start| this.part(start, BATCH_ROWS.min(count - start), None));
            return Ok(Box::new(RecordBatchIterator::new(parts, self.schema())));
        };
        let mut at = 0;
        let parts = others.rows(numbers)?.map(move |batch| {
            let batch = batch?;
            let start = at;
            at += batch.num_rows();
            if at > count {
                return Err(ArrowError::ComputeError("there are more rows than were found".to_owned()));
            }
            this.part(start, batch.num_rows(), Some(&batch))
        });
        Ok(Box::new(RecordBatchIterator::new(parts, self.schema())))
    }
}
