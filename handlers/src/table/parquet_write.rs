//! Writing Parquet files.

use std::io::Write;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::ahead::with_read_ahead;
use super::categories;
use super::columns::{Written, refuse_other_columns};
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

/// Beyond so many columns none gets a dictionary. Each starts with a table of some 64 KiB, for one value as for a million.
const MANY_COLUMNS: usize = 1000;
/// Beyond so many columns they are compressed with Snappy, which keeps no state between pages: Zstandard's contexts take some
/// 18 KiB for each column.
const VERY_MANY_COLUMNS: usize = 10_000;
/// Values that are encoded at once where there are many columns: the buffers of each are as large as these need.
const SMALL_STEP: usize = 256;

/// How a table of this schema is encoded. All columns of a row group are in progress at once, so what each costs beside its
/// values decides what a table of many columns needs.
fn properties(schema: &Schema) -> WriterProperties {
    let columns = schema.flattened_fields().len();
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES));
    let builder = match columns {
        0..=MANY_COLUMNS => return builder.build(),
        _ => builder.set_dictionary_enabled(false).set_write_batch_size(SMALL_STEP),
    };
    if columns <= VERY_MANY_COLUMNS { builder } else { builder.set_compression(Compression::SNAPPY) }.build()
}

/// Writes a stream of batches. At most one row group is in memory, and with several threads some batches that are read ahead.
pub(crate) fn write_parquet(
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
    sink: &mut (dyn Write + Send),
) -> HandlerResult<Written> {
    let mut writer = ArrowWriter::try_new(sink, schema.clone(), Some(properties(&schema)))?;
    let mut rows = 0;
    let mut categories = categories::Seen::new(&schema);
    for batch in batches {
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
