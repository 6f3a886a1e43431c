//! Writing Parquet files.

use std::io::Write;
use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::thread::{Builder, scope};

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{DataType, IntervalUnit, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafolio_core::counted;
use parquet::arrow::arrow_writer::ArrowColumnChunk;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;

use super::ahead::with_read_ahead;
use super::categories;
use super::columns::{Written, refuse_other_columns};
use super::dates::{as_instants, restored_schema};
use super::dictionaries;
use super::encode::Encoder;
use super::milliseconds::in_milliseconds;
use super::type_name::arrow_field_type_name;
use crate::error::{HandlerError, HandlerResult};
use crate::formats::{quoted, types_within};

/// Rows of a row group: four times DuckDB's 122,880, so that its threads share one evenly. DuckDB skips whole groups by their
/// statistics, and a condition on rows that are read or walked through also the pages of some 20,000 rows by the page index
/// ([`rows_within`](crate::rows_within)); smaller groups would make the footer of a long, wide table large, larger ones would need
/// more memory here.
const GROUP_ROWS: usize = 491_520;
/// Encoded bytes of a row group, for rows that are wide: the group in progress is what writing holds in memory.
const GROUP_BYTES: usize = 64 << 20;
/// Memory of a row group in progress; dictionaries and buffers can need more than the bytes that they become.
const GROUP_MEMORY: usize = 192 << 20;
/// Rows that are encoded at once: the bounds above are checked between these.
const STEP_ROWS: usize = 16_384;

/// Memory of the rows that are looked at before the first is encoded, where they are wide.
const FIRST_BYTES: usize = 32 << 20;

/// Beyond so many columns none gets a dictionary. Each starts with a table of some 64 KiB, for one value as for a million.
const MANY_COLUMNS: usize = 1000;
/// Beyond so many columns they are compressed with Snappy, which keeps no state between pages: Zstandard's contexts take some
/// 18 KiB for each column.
const VERY_MANY_COLUMNS: usize = 10_000;
/// Values that are encoded at once where there are many columns: the buffers of each are as large as these need.
const SMALL_STEP: usize = 256;

/// How a table of this schema that begins with these rows is encoded. All columns of a row group are in progress at once, so what each costs beside its
/// values decides what a table of many columns needs.
fn properties(schema: &Schema, first: &[RecordBatch]) -> HandlerResult<WriterProperties> {
    let columns = schema.flattened_fields().len();
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES));
    let builder = match columns {
        0..=MANY_COLUMNS => {
            let parquet = ArrowSchemaConverter::new().convert(schema)?;
            let without = |builder: WriterPropertiesBuilder, path| builder.set_column_dictionary_enabled(path, false);
            return Ok(dictionaries::useless(&parquet, first).into_iter().fold(builder, without).build());
        }
        _ => builder.set_dictionary_enabled(false).set_write_batch_size(SMALL_STEP),
    };
    Ok(if columns <= VERY_MANY_COLUMNS { builder } else { builder.set_compression(Compression::SNAPPY) }.build())
}

/// Writes a stream of batches; times in seconds become times in milliseconds, since Parquet has no seconds, and dates in
/// milliseconds are instants to other programs. With one thread one row group is in memory at most; with several one is encoded
/// while the one before it is written, and the next rows are read meanwhile. The file is the same.
///
/// # Errors
/// Those of the reader and of the sink; [`HandlerError::Invalid`], naming `item`, for what Parquet cannot hold.
pub fn write_parquet(
    item: &str,
    reader: Box<dyn RecordBatchReader + Send>,
    threads: usize,
    sink: &mut (dyn Write + Send),
) -> HandlerResult<Written> {
    let mut reader = as_instants(in_milliseconds(item, reader));
    let schema = reader.schema();
    refuse_types(item, &schema)?;
    let (first, has_ended) = first_rows(&mut reader)?;
    first.iter().try_for_each(|batch| refuse_other_columns(item, &schema, batch))?;
    let writer = ArrowWriter::try_new(sink, SchemaRef::clone(&schema), Some(properties(&schema, &first)?))?;
    let (mut file, _) = writer.into_serialized_writer()?;
    let encoder = Encoder::new(SchemaRef::clone(&schema), &file);
    let mut groups = Groups::new(item, SchemaRef::clone(&schema), &encoder);
    let mut write = |group| append(&mut file, group);
    // A table that ends with its first rows is not worth a thread.
    if threads < 2 || has_ended {
        groups.fill(&mut first.into_iter().map(Ok).chain(reader), &mut write)?;
    } else {
        groups = in_threads(groups, first, reader, threads, &mut write)?;
    }
    if let Some(entry) = groups.categories.footer(item)? {
        file.append_key_value_metadata(entry);
    }
    let metadata = file.close()?;
    let written = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
    if written != groups.rows {
        // A table without columns: Parquet counts the rows of a group by its columns.
        let reason = format!("{} without columns cannot be stored as Parquet", counted(groups.rows, "row"));
        return Err(HandlerError::Invalid { item: item.to_owned(), reason });
    }
    Ok(Written { schema: restored_schema(&schema), rows: written })
}

/// Refuses columns of types that Parquet has nothing for, or nothing that holds all of their values.
fn refuse_types(item: &str, schema: &Schema) -> HandlerResult<()> {
    let Some(field) = schema.fields().iter().find(|field| !has_parquet(field.data_type())) else { return Ok(()) };
    let (column, of) = (quoted(field.name()), arrow_field_type_name(field));
    let reason = format!(
        "column {column} is {of}, which Parquet cannot hold: cast it, as a length of time to seconds, or store the table as arrow"
    );
    Err(HandlerError::Invalid { item: item.to_owned(), reason })
}

fn has_parquet(of: &DataType) -> bool {
    !matches!(of, DataType::Union(..) | DataType::Interval(IntervalUnit::MonthDayNano))
        && types_within(of).into_iter().all(has_parquet)
}

/// The rows that tell how the file is encoded, and whether there are no others.
fn first_rows(reader: &mut dyn Iterator<Item = Batch>) -> HandlerResult<(Vec<RecordBatch>, bool)> {
    let (mut first, mut rows, mut bytes) = (Vec::new(), 0, 0);
    while rows < STEP_ROWS && bytes < FIRST_BYTES {
        let Some(batch) = reader.next().transpose()? else { return Ok((first, true)) };
        rows += batch.num_rows();
        bytes += batch.get_array_memory_size();
        first.push(batch);
    }
    Ok((first, false))
}

type Batch = Result<RecordBatch, ArrowError>;
/// The encoded columns of a row group, in order.
type RowGroup = Vec<ArrowColumnChunk>;

fn append<W: Write + Send>(file: &mut SerializedFileWriter<W>, group: RowGroup) -> HandlerResult<()> {
    let mut row_group = file.next_row_group()?;
    for column in group {
        column.append_to_row_group(&mut row_group)?;
    }
    row_group.close()?;
    Ok(())
}

/// Encodes in other threads, and writes in this one.
fn in_threads<'a>(
    mut groups: Groups<'a>,
    first: Vec<RecordBatch>,
    reader: Box<dyn RecordBatchReader + Send>,
    threads: usize,
    write: &mut dyn FnMut(RowGroup) -> HandlerResult<()>,
) -> HandlerResult<Groups<'a>> {
    let encoder = groups.encoder;
    scope(|scope| {
        let _helpers = encoder.start(scope, threads - 1);
        // A row group waits until the one before it is written: there are two at most.
        let (sender, finished) = sync_channel::<RowGroup>(0);
        let encode = move || -> HandlerResult<Groups<'a>> {
            // Where nobody takes it, writing has failed, which is what the caller is told.
            let not_taken = |_| HandlerError::from(ParquetError::General("the file is not written".to_owned()));
            let mut give = |group| sender.send(group).map_err(not_taken);
            with_read_ahead(reader, threads, |rest| {
                groups.fill(&mut first.into_iter().map(Ok).chain(rest), &mut give)
            })?;
            Ok(groups)
        };
        let no_thread = |error| HandlerError::Unsupported {
            what: format!("encoding in several threads: {error}"),
            needs: "fewer threads: set `threads` to 1".to_owned(),
        };
        let encoding = Builder::new().name("encode".to_owned()).spawn_scoped(scope, encode).map_err(no_thread)?;
        let written = finished.iter().try_for_each(write);
        drop(finished);
        let encoded = encoding.join().unwrap_or_else(|panic| resume_unwind(panic));
        written.and(encoded)
    })
}

/// Cuts rows into row groups.
struct Groups<'a> {
    item: &'a str,
    schema: SchemaRef,
    encoder: &'a Encoder,
    categories: categories::Seen,
    /// Rows in all.
    rows: u64,
    /// The row group in progress: its number, and its rows.
    number: usize,
    held: usize,
}

impl<'a> Groups<'a> {
    fn new(item: &'a str, schema: SchemaRef, encoder: &'a Encoder) -> Self {
        let categories = categories::Seen::new(&schema);
        Self { item, schema, encoder, categories, rows: 0, number: 0, held: 0 }
    }

    /// Encodes all of these rows, and hands out each row group that is complete.
    fn fill(
        &mut self,
        batches: &mut dyn Iterator<Item = Batch>,
        give: &mut dyn FnMut(RowGroup) -> HandlerResult<()>,
    ) -> HandlerResult<()> {
        for batch in batches {
            let batch = batch?;
            refuse_other_columns(self.item, &self.schema, &batch)?;
            self.categories.note(self.item, &batch)?;
            let mut done = 0;
            while done < batch.num_rows() {
                let rows = self.room().min(STEP_ROWS).min(batch.num_rows() - done);
                if rows == 0 {
                    self.complete(give)?;
                    continue;
                }
                let rows_of_step = batch.slice(done, rows);
                if self.held == 0 {
                    self.encoder.begin(self.number, &rows_of_step)?;
                }
                self.encoder.encode(rows_of_step)?;
                done += rows;
                self.held += rows;
            }
            self.rows += done as u64;
        }
        self.complete(give)
    }

    /// How many rows the group in progress takes up yet, judging by those that it has.
    fn room(&self) -> usize {
        if self.held == 0 {
            return GROUP_ROWS;
        }
        let size = self.encoder.size();
        if size.memory > GROUP_MEMORY {
            return 0;
        }
        let by_size = GROUP_BYTES.saturating_sub(size.encoded).checked_div(size.encoded / self.held);
        (GROUP_ROWS - self.held).min(by_size.unwrap_or(usize::MAX))
    }

    fn complete(&mut self, give: &mut dyn FnMut(RowGroup) -> HandlerResult<()>) -> HandlerResult<()> {
        if self.held == 0 {
            return Ok(());
        }
        let group = self.encoder.finish()?;
        (self.number, self.held) = (self.number + 1, 0);
        // There is none without columns.
        if group.is_empty() { Ok(()) } else { give(group) }
    }
}
