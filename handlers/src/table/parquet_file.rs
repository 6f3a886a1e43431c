//! Parquet files.

use std::fs::File;
use std::io::Write;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::columns::{Picked, Written, refuse_other_columns};
use super::guard::{GuardedReader, guarded};
use super::source::SourceFile;
use super::{TableReadOptions, categories};
use crate::error::{HandlerError, HandlerResult};

/// Rows of a row group: four times DuckDB's 122,880, so that its threads share one evenly. A query skips whole groups by
/// their statistics, and within a group the pages of some 20,000 rows by the page index; smaller groups would make the
/// footer of a long, wide table large, larger ones would need more memory here.
const GROUP_ROWS: usize = 491_520;
/// Encoded bytes of a row group, for rows that are wide: the group in progress is what writing holds in memory.
const GROUP_BYTES: usize = 64 << 20;
/// Memory of a row group in progress; dictionaries and buffers can need more than the bytes that they become.
const GROUP_MEMORY: usize = 192 << 20;
/// Rows that are encoded at once: the bounds above are checked between these.
const STEP_ROWS: usize = 16_384;
/// Rows of the batches that are read.
const BATCH_ROWS: usize = 16_384;

/// Writes a stream of batches. At most one row group is in memory.
pub(crate) fn write_parquet(
    item: &str,
    reader: Box<dyn RecordBatchReader + Send>,
    sink: &mut (dyn Write + Send),
) -> HandlerResult<Written> {
    let schema = reader.schema();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .build();
    let mut writer = ArrowWriter::try_new(sink, schema.clone(), Some(properties))?;
    let mut rows = 0;
    let mut categories = categories::Seen::new(&schema);
    for batch in reader {
        let batch = batch?;
        refuse_other_columns(item, &schema, &batch)?;
        categories.note(item, &batch)?;
        for start in (0..batch.num_rows()).step_by(STEP_ROWS) {
            let step = batch.slice(start, STEP_ROWS.min(batch.num_rows() - start));
            writer.write(&step)?;
            rows += step.num_rows() as u64;
            if writer.memory_size() > GROUP_MEMORY {
                writer.flush()?;
            }
        }
    }
    if let Some(entry) = categories.footer(item)? {
        writer.append_key_value_metadata(entry);
    }
    let metadata = writer.close()?;
    let written = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    if written != rows {
        // A table without columns: Parquet counts the rows of a group by its columns.
        let reason = format!("{rows} rows without columns cannot be stored as Parquet");
        return Err(HandlerError::Invalid { item: item.to_owned(), reason });
    }
    Ok(Written { schema, rows })
}

/// Checks the footer of a file that is to be taken over as it is: readable, and no column chunk behind the end.
pub(crate) fn check_parquet(file: &File) -> Result<Written, ParquetError> {
    let size = file.metadata()?.len();
    let metadata = ArrowReaderMetadata::load(file, ArrowReaderOptions::new())?;
    let rows = check_chunks(metadata.metadata(), size)?;
    Ok(Written { schema: categories::without_key(metadata.schema()), rows })
}

/// Number of rows, when all that the footer says fits into the file.
fn check_chunks(metadata: &ParquetMetaData, size: u64) -> Result<u64, ParquetError> {
    let damaged = |reason: String| ParquetError::General(reason);
    let count = |rows: i64| u64::try_from(rows).map_err(|_| damaged(format!("the footer counts {rows} rows")));
    let mut rows: u64 = 0;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        rows = rows.saturating_add(count(group.num_rows())?);
        for column in group.columns() {
            let (start, length) = column.byte_range();
            if start.checked_add(length).is_none_or(|end| end > size) {
                let name = column.column_path().string();
                return Err(damaged(format!("column {name} of row group {index} lies behind the end of the file")));
            }
        }
    }
    let recorded = count(metadata.file_metadata().num_rows())?;
    if rows == recorded {
        Ok(rows)
    } else {
        Err(damaged(format!("the footer counts {recorded} rows, and its row groups have {rows}")))
    }
}

/// Opens a file for reading. `rows` is what the entry records.
pub(crate) fn read_parquet(
    item: &str,
    file: SourceFile,
    rows: Option<u64>,
    options: &TableReadOptions,
) -> HandlerResult<GuardedReader> {
    let arrow_options = ArrowReaderOptions::new()
        // The page index is read only where rows in the middle are wanted.
        .with_page_index_policy(if options.offset > 0 || options.limit.is_some() {
            PageIndexPolicy::Optional
        } else {
            PageIndexPolicy::Skip
        });
    let (builder, found) = guarded(item, &file, || {
        let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), arrow_options)?;
        let found = check_chunks(builder.metadata(), parquet::file::reader::Length::len(&file))?;
        Ok::<_, ParquetError>((builder, found))
    })?;
    if rows.is_some_and(|rows| rows != found) {
        let reason = format!("its entry records {} rows, and its file has {found}", rows.unwrap_or_default());
        return Err(HandlerError::Damaged { item: item.to_owned(), reason });
    }
    let schema: SchemaRef = categories::without_key(builder.schema());
    let picked = options.columns.as_ref().map(|names| Picked::new(item, &schema, names)).transpose()?;
    let expected = found.saturating_sub(options.offset).min(options.limit.unwrap_or(u64::MAX));
    let (inner, schema, order) = guarded(item, &file, || {
        let mut builder = builder.with_batch_size(BATCH_ROWS);
        let (mut schema, mut order) = (schema, None);
        if let Some(picked) = picked {
            schema = SchemaRef::new(schema.project(&picked.file)?);
            let mask = ProjectionMask::roots(builder.parquet_schema(), picked.file.iter().copied());
            builder = builder.with_projection(mask);
            order = picked.into_order();
        }
        if options.offset > 0 || options.limit.is_some() {
            let (groups, skipped) = groups_of_rows(builder.metadata(), options.offset, expected);
            builder = builder
                .with_row_groups(groups)
                .with_offset(usize::try_from(options.offset - skipped).unwrap_or(usize::MAX))
                .with_limit(usize::try_from(expected).unwrap_or(usize::MAX));
        }
        let footer = builder.metadata().file_metadata().key_value_metadata();
        let restore = categories::Restore::new(&schema, footer)?;
        let reader = Restored { inner: builder.build()?, restore };
        Ok::<_, ParquetError>((reader, schema, order))
    })?;
    GuardedReader::new(Box::new(inner), schema, file, item, Some(expected), order)
}

/// A file's batches with the categories that its footer has.
struct Restored {
    inner: ParquetRecordBatchReader,
    restore: categories::Restore,
}

impl Iterator for Restored {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.inner.next()?;
        Some(if self.restore.is_empty() { batch } else { batch.and_then(|batch| self.restore.apply(batch)) })
    }
}

impl RecordBatchReader for Restored {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }
}

/// The row groups that hold some of these rows, and the number of rows in the groups before them.
fn groups_of_rows(metadata: &ParquetMetaData, offset: u64, rows: u64) -> (Vec<usize>, u64) {
    let end = offset.saturating_add(rows);
    let (mut groups, mut skipped, mut start) = (Vec::new(), 0, 0_u64);
    for (index, group) in metadata.row_groups().iter().enumerate() {
        let next = start.saturating_add(u64::try_from(group.num_rows()).unwrap_or(0));
        if next <= offset {
            skipped = next;
        } else if start < end {
            groups.push(index);
        }
        start = next;
    }
    (groups, skipped.min(offset))
}
