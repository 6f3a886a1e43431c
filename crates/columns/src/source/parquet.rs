//! Parquet files, decoded row group by row group as rows are asked for. Opening reads the footer alone.

use std::fmt;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::Encoding;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

use super::{Batches, Dictionaries, RawBatches, Source, even_tasks, file_fingerprint};
use crate::error::{ColumnsError, ColumnsResult};
use crate::store::Store;

/// Rows that are decoded at once.
const BATCH: usize = 65_536;
/// A row group of more rows is cut into several tasks, each of which goes past the rows before it.
const HUGE: u64 = 4 << 20;

/// The rows of a Parquet file.
pub struct ParquetSource {
    store: Arc<Store>,
    metadata: ArrowReaderMetadata,
    /// Where each row group begins, and where the last one ends.
    starts: Vec<u64>,
    fingerprint: Option<String>,
    dictionaries: Dictionaries,
}

impl fmt::Debug for ParquetSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetSource")
            .field("store", &self.store)
            .field("starts", &self.starts)
            .finish_non_exhaustive()
    }
}

impl ParquetSource {
    /// Opens the file at `path`, mapped or to be read in pieces. `fingerprint` names its content, where that is known.
    ///
    /// # Errors
    /// Where the file is no Parquet, or its footer is damaged.
    pub fn open(path: impl AsRef<Path>, mapped: bool, fingerprint: Option<String>) -> ColumnsResult<Self> {
        let path = path.as_ref();
        let store = Arc::new(Store::open(path, mapped)?);
        let reader = Reader(store.clone());
        let refused = |error: ParquetError| damaged(path, &error);
        let plain = ArrowReaderMetadata::load(&reader, ArrowReaderOptions::new()).map_err(refused)?;
        let schema = with_dictionaries(plain.schema(), plain.metadata());
        let metadata = match schema {
            None => plain,
            Some(schema) => {
                let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
                ArrowReaderMetadata::try_new(plain.metadata().clone(), options).map_err(refused)?
            }
        };
        let mut starts = vec![0_u64];
        let mut rows = 0_u64;
        for group in metadata.metadata().row_groups() {
            let next = u64::try_from(group.num_rows()).ok().and_then(|count| rows.checked_add(count));
            rows = next.filter(|rows| *rows <= 1 << 40).ok_or_else(|| {
                ColumnsError::damaged(path, format!("has a row group that claims {} rows", group.num_rows()))
            })?;
            starts.push(rows);
        }
        Ok(Self { store, metadata, starts, fingerprint, dictionaries: Dictionaries::default() })
    }

    /// The rows of a group, of those that are asked for, decoded one batch after the other.
    fn group(&self, group: usize, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        let schema = Arc::new(self.metadata.schema().project(columns)?);
        let count = (rows.end - rows.start) as usize;
        if columns.is_empty() {
            let options = RecordBatchOptions::new().with_row_count(Some(count));
            let batch = RecordBatch::try_new_with_options(schema, Vec::new(), &options)?;
            return Ok(Box::new(std::iter::once(Ok(batch))));
        }
        let start = self.starts.get(group).copied().unwrap_or(0);
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), columns.iter().copied());
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(Reader(self.store.clone()), self.metadata.clone())
                .with_row_groups(vec![group])
                .with_projection(mask)
                .with_offset((rows.start - start) as usize)
                .with_limit(count)
                .with_batch_size(BATCH)
                .build()
                .map_err(|error| damaged(self.store.path(), &error))?;
        // Columns come in the order of the file.
        let mut sorted = columns.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let places: Vec<usize> = columns.iter().map(|column| sorted.partition_point(|other| other < column)).collect();
        Ok(Box::new(reader.map(move |batch| {
            let batch = batch.map_err(|error| damaged(self.store.path(), &error))?;
            let arrays = batch.project(&places)?.columns().to_vec();
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            Ok(RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
        })))
    }
}

impl Source for ParquetSource {
    fn schema(&self) -> SchemaRef {
        self.metadata.schema().clone()
    }

    fn rows(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    fn name(&self) -> String {
        self.store.path().display().to_string()
    }

    /// A task is a row group. Here is where groups could be left out whose statistics say that no row passes a filter.
    fn tasks(&self, rows: Range<u64>, target: u64) -> Vec<Range<u64>> {
        let groups = self.starts.windows(2).map(|pair| rows.start.max(pair[0])..rows.end.min(pair[1]));
        groups
            .filter(|part| part.start < part.end)
            .flat_map(|part| match part.end - part.start > HUGE.max(target) {
                true => even_tasks(part, HUGE.max(target) / 4),
                false => vec![part],
            })
            .collect()
    }

    fn read(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<Batches<'_>> {
        if rows.start > rows.end || rows.end > self.rows() {
            return Err(ColumnsError::option(format!(
                "rows {} to {} of '{}' were asked for, and there are {}",
                rows.start,
                rows.end,
                self.name(),
                self.rows()
            )));
        }
        self.store.check_length()?;
        let columns = columns.to_vec();
        let groups = self.starts.windows(2).map(|pair| rows.start.max(pair[0])..rows.end.min(pair[1])).enumerate();
        let groups: Vec<_> = groups.filter(|(_, part)| part.start < part.end).collect();
        Ok(Box::new(groups.into_iter().flat_map(move |(group, part)| match self.group(group, part, &columns) {
            Ok(batches) => batches,
            Err(error) => Box::new(std::iter::once(Err(error))) as Batches<'_>,
        })))
    }

    fn read_raw(&self, rows: Range<u64>, columns: &[usize]) -> ColumnsResult<RawBatches<'_>> {
        let batches = self.read(rows, columns)?;
        Ok(Box::new(batches.map(|batch| batch.map(|batch| self.dictionaries.numbered(&batch)))))
    }

    fn check(&self) -> ColumnsResult<()> {
        self.store.check_length()
    }

    fn fingerprint(&self, columns: &[usize]) -> Option<String> {
        file_fingerprint(&self.store, self.fingerprint.as_ref(), columns)
    }
}

/// The schema with texts as dictionaries, where all pages of the file have them so; nothing where there is no such column.
fn with_dictionaries(schema: &Schema, metadata: &ParquetMetaData) -> Option<Schema> {
    let descriptor = metadata.file_metadata().schema_descr();
    let mut changed = false;
    let fields = schema.fields().iter().enumerate().map(|(place, field)| {
        if !matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
            return field.clone();
        }
        let leaf = (0..descriptor.num_columns()).find(|leaf| descriptor.get_column_root_idx(*leaf) == place);
        let coded = leaf.is_some_and(|leaf| {
            !metadata.row_groups().is_empty()
                && metadata.row_groups().iter().all(|group| {
                    let mask = group.columns().get(leaf).and_then(|column| column.page_encoding_stats_mask());
                    let only = |encoding| mask.is_some_and(|mask| mask.is_only(encoding));
                    only(Encoding::RLE_DICTIONARY) || only(Encoding::PLAIN_DICTIONARY)
                })
        });
        if !coded {
            return field.clone();
        }
        changed = true;
        let type_ = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let coded = Field::new(field.name(), type_, field.is_nullable()).with_metadata(field.metadata().clone());
        Arc::new(coded)
    });
    let fields: Vec<_> = fields.collect();
    changed.then(|| Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn damaged(path: &Path, error: &dyn fmt::Display) -> ColumnsError {
    ColumnsError::Damaged { path: PathBuf::from(path), reason: format!("cannot be read as Parquet: {error}") }
}

/// Reads at positions: threads that share a file must not share its cursor.
struct Reader(Arc<Store>);

impl Length for Reader {
    fn len(&self) -> u64 {
        self.0.length()
    }
}

impl ChunkReader for Reader {
    type T = Cursor;

    fn get_read(&self, start: u64) -> ParquetResult<Cursor> {
        Ok(Cursor { store: self.0.clone(), at: start })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.0.shared(start, length as u64);
        bytes.map_err(|error| ParquetError::External(Box::new(error)))
    }
}

/// Reads on from a position.
struct Cursor {
    store: Arc<Store>,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = self.store.length().saturating_sub(self.at);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let bytes = self.store.shared(self.at, count as u64).map_err(std::io::Error::other)?;
        if let Some(part) = buffer.get_mut(..bytes.len()) {
            part.copy_from_slice(&bytes);
        }
        self.at += count as u64;
        Ok(count)
    }
}
