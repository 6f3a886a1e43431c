//! The rows of a Parquet file, where the first batch may be shorter than the others.

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::errors::ParquetError;

use super::direct::DirectColumn;
use super::runs::{Run, Runs};
use crate::guard::words;

/// Decodes some columns: those that can be here, the others in the Parquet library. The library's batches have all
/// one size, so a first one that is to complete rows of the file before needs a decoder for itself: without it every batch of this
/// file would be cut in two and put together again.
pub(super) struct FileRows {
    schema: SchemaRef,
    /// The library's columns, in order: where there is none, rows are counted here.
    decoded: Option<Decoded>,
    /// The others, by their place.
    direct: Vec<(usize, DirectColumn)>,
    sizes: Sizes,
    /// Which rows are wanted, where not all are: the library knows it by itself.
    runs: Option<Runs>,
}

/// A decoder of the library.
pub(super) struct Decoded {
    first: Option<ParquetRecordBatchReader>,
    rest: ParquetRecordBatchReader,
}

/// How many rows the batches have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) first: Option<usize>,
    pub(super) others: usize,
    pub(super) rows: u64,
}

impl Decoded {
    pub(super) fn new(first: Option<ParquetRecordBatchReader>, rest: ParquetRecordBatchReader) -> Self {
        Self { first, rest }
    }

    fn next(&mut self) -> Option<Result<RecordBatch, ArrowError>> {
        if let Some(first) = &mut self.first {
            match first.next() {
                Some(batch) => return Some(batch),
                None => self.first = None,
            }
        }
        self.rest.next()
    }
}

impl From<ParquetRecordBatchReader> for FileRows {
    fn from(rest: ParquetRecordBatchReader) -> Self {
        let sizes = Sizes { first: None, others: 0, rows: 0 };
        Self { schema: rest.schema(), decoded: Some(Decoded::new(None, rest)), direct: Vec::new(), sizes, runs: None }
    }
}

impl FileRows {
    /// Columns of a schema. Those that are not `direct` are `decoded`, in the batches that `sizes` tells. The rows are those of `runs`, or
    /// all.
    pub(super) fn new(
        schema: SchemaRef,
        decoded: Option<Decoded>,
        direct: Vec<(usize, DirectColumn)>,
        sizes: Sizes,
        runs: Option<Runs>,
    ) -> Self {
        Self { schema, decoded, direct, sizes, runs }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        let decoded = match &mut self.decoded {
            Some(decoded) => match decoded.next().transpose()? {
                Some(batch) if self.direct.is_empty() => return Ok(Some(batch)),
                Some(batch) => Some(batch),
                None => return Ok(None),
            },
            None => None,
        };
        let rows = match &decoded {
            Some(batch) => batch.num_rows(),
            None => self.sizes.next(),
        };
        if rows == 0 {
            return Ok(None);
        }
        let runs = match &mut self.runs {
            Some(runs) => runs.take(rows),
            None => vec![Run::of(rows)],
        };
        let mut others = decoded.iter().flat_map(RecordBatch::columns).cloned();
        let mut direct = self.direct.iter_mut().peekable();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for (place, field) in self.schema.fields().iter().enumerate() {
            match direct.next_if(|(of, _)| *of == place) {
                Some((_, column)) => {
                    let values = column.next(&runs, rows);
                    columns.push(values.map_err(|error| in_column(column.file().part(), field.name(), &error))?);
                }
                None => columns.extend(others.next()),
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options).map(Some)
    }
}

fn in_column(part: Option<&str>, name: &str, error: &ParquetError) -> ArrowError {
    let part = part.map(|part| format!("part {part}: ")).unwrap_or_default();
    ArrowError::ParquetError(format!("{part}column {name:?}: {}", words(error)))
}

impl Sizes {
    /// The rows of the next batch, 0 at the end.
    fn next(&mut self) -> usize {
        let rows = self.first.take().unwrap_or(self.others).max(1);
        let rows = usize::try_from(self.rows).unwrap_or(usize::MAX).min(rows);
        self.rows -= rows as u64;
        rows
    }
}

impl Iterator for FileRows {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}
