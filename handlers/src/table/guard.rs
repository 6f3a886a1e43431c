//! Damaged bytes must be an error that names the item, whatever the decoders do with them.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::source::SourceFile;
use crate::error::{HandlerError, HandlerResult};

/// Runs a decoder over bytes that may be anything.
///
/// The decoders of Arrow and Parquet return errors for most damage, but not for all of it: some slices and sums in them
/// panic on bytes that no writer produces. A program that opens someone else's bundle must not die of that, so a panic is
/// turned into the same error that other damage gives. State that a panic left half-done is never used again: the caller
/// drops the decoder.
pub(crate) fn guarded<T, E: fmt::Display>(
    item: &str,
    file: &SourceFile,
    decode: impl FnOnce() -> Result<T, E>,
) -> HandlerResult<T> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(explain(item, file, error.to_string())),
        Err(panic) => Err(explain(item, file, format!("its bytes cannot be decoded: {}", message(&*panic)))),
    }
}

/// The source's own error, when it had one; else damage of what was read.
fn explain(item: &str, file: &SourceFile, reason: String) -> HandlerError {
    let item = item.to_owned();
    match file.take_failure() {
        Some(source) => HandlerError::Payload { item, source },
        None => HandlerError::Damaged { item, reason },
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "the decoder gave up",
    }
}

/// A reader of one item's table. Its errors are [`HandlerError`]s inside of [`ArrowError::ExternalError`], which
/// `HandlerError::from` takes out again.
pub(crate) struct GuardedReader {
    /// `None` when it has ended.
    inner: Option<Box<dyn RecordBatchReader + Send>>,
    schema: SchemaRef,
    file: SourceFile,
    item: String,
    /// Rows that must still come, when that is known.
    missing: Option<u64>,
    /// Places of the wanted columns, when the file has them in another order.
    order: Option<Vec<usize>>,
    /// Rows to be left out, and then to be given.
    skip: u64,
    take: u64,
}

impl GuardedReader {
    /// `schema` is that of the columns that `inner` gives, with the metadata of the table, which decoders leave out of
    /// their batches: pandas finds its own types and labels there. `rows` is how many must come, when that is known.
    pub(crate) fn new(
        inner: Box<dyn RecordBatchReader + Send>,
        mut schema: SchemaRef,
        file: SourceFile,
        item: &str,
        rows: Option<u64>,
        order: Option<Vec<usize>>,
    ) -> HandlerResult<Self> {
        if let Some(order) = &order {
            schema = Arc::new(schema.project(order)?);
        }
        let inner = Some(inner);
        Ok(Self { inner, schema, file, item: item.to_owned(), missing: rows, order, skip: 0, take: u64::MAX })
    }

    /// Leaves out rows at the start, and all after `limit` rows.
    pub(crate) fn with_rows(mut self, offset: u64, limit: Option<u64>) -> Self {
        self.skip = offset;
        self.take = limit.unwrap_or(u64::MAX);
        self
    }

    fn step(&mut self) -> HandlerResult<Option<RecordBatch>> {
        while self.take > 0 {
            let Some(batch) = self.decode()? else { return Ok(None) };
            let rows = batch.num_rows() as u64;
            let skipped = self.skip.min(rows);
            self.skip -= skipped;
            let taken = self.take.min(rows - skipped);
            self.take -= taken;
            if taken == 0 {
                continue;
            }
            // Both fit: they are at most the rows of a batch in memory.
            let mut batch = batch.slice(skipped as usize, taken as usize);
            if let Some(order) = &self.order {
                batch = batch.project(order)?;
            }
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let (_, columns, _) = batch.into_parts();
            let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options);
            return batch.map(Some).map_err(|error| self.damaged(error.to_string()));
        }
        Ok(None)
    }

    fn damaged(&self, reason: String) -> HandlerError {
        HandlerError::Damaged { item: self.item.clone(), reason }
    }

    fn decode(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let Some(inner) = &mut self.inner else { return Ok(None) };
        let batch = guarded(&self.item, &self.file, || inner.next().transpose())?;
        let damaged = |reason: String| HandlerError::Damaged { item: self.item.clone(), reason };
        match (&batch, &mut self.missing) {
            (Some(batch), Some(missing)) => {
                *missing = missing
                    .checked_sub(batch.num_rows() as u64)
                    .ok_or_else(|| damaged("it has more rows than its entry records".to_owned()))?;
            }
            (None, Some(missing)) if *missing > 0 => {
                return Err(damaged(format!("it has {missing} rows less than its entry records")));
            }
            _ => {}
        }
        Ok(batch)
    }

    fn close(&mut self) {
        let inner = self.inner.take();
        // Dropping a decoder that has just panicked can panic as well.
        let _ = catch_unwind(AssertUnwindSafe(move || drop(inner)));
    }
}

impl Iterator for GuardedReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if !matches!(step, Ok(Some(_))) {
            self.close();
        }
        step.map_err(|error| ArrowError::ExternalError(Box::new(error))).transpose()
    }
}

impl RecordBatchReader for GuardedReader {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
