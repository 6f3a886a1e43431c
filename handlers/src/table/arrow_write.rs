//! Writing Arrow IPC files, laid out so that their columns can be mapped: uncompressed, every buffer at a multiple of 64 bytes.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchReader};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::MetadataVersion;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};

use super::ahead::with_read_ahead;
use super::columns::{Written, refuse_other_columns};
use super::concat::concat_rows;
use crate::error::{HandlerError, HandlerResult};

const ALIGNMENT: usize = 64;
/// Rows and bytes of a batch in the file. A mapped column is one run of memory per batch: larger batches mean fewer
/// runs, and reading through a buffer, or writing, holds one batch.
const BATCH_ROWS: usize = 1 << 20;
const BATCH_BYTES: usize = 16 << 20;

/// Writes a stream of batches. At most one batch of the file is in memory beside the one that came, and with several threads
/// some that are read ahead.
pub(crate) fn write_arrow(
    item: &str,
    reader: Box<dyn RecordBatchReader + Send>,
    threads: usize,
    sink: &mut (dyn Write + Send),
) -> HandlerResult<Written> {
    let schema = reader.schema();
    with_read_ahead(reader, threads, |batches| write_batches(item, schema, batches, sink))
}

fn write_batches(
    item: &str,
    schema: SchemaRef,
    batches: &mut dyn Iterator<Item = Result<RecordBatch, ArrowError>>,
    sink: &mut dyn Write,
) -> HandlerResult<Written> {
    let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
    let writer = FileWriter::try_new_with_options(sink, &schema, options)?;
    let mut file = ArrowFile { item, schema: schema.clone(), writer, pending: Vec::new(), rows: 0, bytes: 0 };
    let mut total = 0;
    for batch in batches {
        let batch = batch?;
        refuse_other_columns(item, &schema, &batch)?;
        total += batch.num_rows() as u64;
        for start in (0..batch.num_rows()).step_by(BATCH_ROWS) {
            file.push(batch.slice(start, BATCH_ROWS.min(batch.num_rows() - start)))?;
        }
    }
    file.write_pending()?;
    file.writer.finish()?;
    Ok(Written { schema, rows: total })
}

struct ArrowFile<'a, W: Write> {
    item: &'a str,
    schema: SchemaRef,
    writer: FileWriter<W>,
    pending: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl<W: Write> ArrowFile<'_, W> {
    fn push(&mut self, batch: RecordBatch) -> HandlerResult<()> {
        if self.rows + batch.num_rows() > BATCH_ROWS || self.dictionaries_change(&batch) {
            self.write_pending()?;
        }
        self.rows += batch.num_rows();
        // Of a slice only what it shows: the batches may all be windows of one large array.
        self.bytes +=
            batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum::<usize>();
        self.pending.push(batch);
        if self.bytes >= BATCH_BYTES { self.write_pending() } else { Ok(()) }
    }

    fn write_pending(&mut self) -> HandlerResult<()> {
        if let [first, ..] = self.pending.as_slice() {
            // One batch is written as it is: concatenating would copy it.
            let batch = if self.pending.len() == 1 { first.clone() } else { concat_rows(&self.schema, &self.pending)? };
            self.pending.clear();
            (self.rows, self.bytes) = (0, 0);
            self.writer.write(&batch).map_err(|error| self.explain(error))?;
        }
        Ok(())
    }

    /// Whether a dictionary differs from that of the batches before: concatenating would build a third one.
    fn dictionaries_change(&self, batch: &RecordBatch) -> bool {
        let Some(last) = self.pending.last() else { return false };
        last.columns().iter().zip(batch.columns()).any(|(one, other)| {
            let (Some(one), Some(other)) = (one.as_any_dictionary_opt(), other.as_any_dictionary_opt()) else {
                return false;
            };
            if Arc::ptr_eq(one.values(), other.values()) {
                return false;
            }
            let (one, other) = (one.values().to_data(), other.values().to_data());
            !one.ptr_eq(&other) && one != other
        })
    }

    /// An Arrow file has one dictionary per column.
    fn explain(&self, error: ArrowError) -> HandlerError {
        let has_dictionary =
            self.schema.fields().iter().any(|field| matches!(field.data_type(), DataType::Dictionary(..)));
        match error {
            ArrowError::InvalidArgumentError(text) if has_dictionary && text.contains("ictionary") => {
                let reason = "the categories of a column change between batches, and an Arrow file has one set of \
                              categories per column: unify them first, or store the table as Parquet";
                HandlerError::Invalid { item: self.item.to_owned(), reason: reason.to_owned() }
            }
            error => error.into(),
        }
    }
}
