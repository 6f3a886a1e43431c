//! Reading Parquet files, in the bundle and outside of it.

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::columns::Picked;
use super::window::Window;
use super::{TableReadOptions, categories};
use crate::error::HandlerResult;
use crate::guard::{Batches, Blame, guarded, words};

/// A batch has no more rows than fit into this, by the sizes that the file records.
const BATCH_BYTES: u64 = 32 << 20;
const FORM: &str = "a Parquet file";

/// A file whose footer was read: all that it says fits into the file.
pub(crate) struct ParquetFile<T: ChunkReader> {
    builder: ParquetRecordBatchReaderBuilder<T>,
    /// Number of rows.
    pub(crate) rows: u64,
    /// The columns as the table has them, without what only the file needs.
    pub(crate) schema: SchemaRef,
}

impl<T: ChunkReader + 'static> ParquetFile<T> {
    /// Reads and checks the footer.
    ///
    /// # Errors
    /// [`Blame::unreadable`] for what has no footer, [`Blame::damaged`] when the footer tells of more than the file can
    /// hold; as [`Blame::check_columns`].
    pub(crate) fn open(blame: &dyn Blame, file: T, part: &TableReadOptions) -> HandlerResult<Self> {
        let options = ArrowReaderOptions::new().with_page_index_policy(if wants_all_rows(part) {
            PageIndexPolicy::Skip
        } else {
            // The page index is read only where rows in the middle are wanted.
            PageIndexPolicy::Optional
        });
        guarded(blame, || {
            let size = file.len();
            let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
                .map_err(|error| blame.unreadable(FORM, words(error)))?;
            let rows = check_chunks(builder.metadata(), size).map_err(|reason| blame.damaged(reason))?;
            let schema = categories::without_key(builder.schema());
            blame.check_columns(&schema)?;
            Ok(Self { builder, rows, schema })
        })
    }

    /// Number of row groups.
    pub(crate) fn row_groups(&self) -> usize {
        self.builder.metadata().num_row_groups()
    }

    /// Opens the wanted part, in batches of at most `batch_rows` rows. Of the file only the row groups and pages with wanted
    /// rows and columns are read.
    ///
    /// # Errors
    /// [`Blame::invalid`] for columns that are not there; [`Blame::damaged`].
    pub(crate) fn read<B: Blame + Clone>(
        self,
        blame: &B,
        part: &TableReadOptions,
        batch_rows: usize,
    ) -> HandlerResult<(SchemaRef, Window<ParquetBatches<B>, B>)> {
        let Self { builder, rows, schema } = self;
        let picked = part.columns.as_ref().map(|names| Picked::new(blame, &schema, names)).transpose()?;
        let expected = rows.saturating_sub(part.offset).min(part.limit.unwrap_or(u64::MAX));
        guarded(blame, || {
            let damaged = |error: &dyn std::fmt::Display| blame.damaged(words(error));
            let mut builder = builder;
            let (mut decoded, mut order, mut given) = (schema.clone(), None, schema);
            let mask = match picked {
                Some(picked) => {
                    decoded = project(blame, &decoded, &picked.file)?;
                    let mask = ProjectionMask::roots(builder.parquet_schema(), picked.file.iter().copied());
                    order = picked.into_order();
                    given = decoded.clone();
                    if let Some(order) = &order {
                        given = project(blame, &given, order)?;
                    }
                    builder = builder.with_projection(mask.clone());
                    mask
                }
                None => ProjectionMask::all(),
            };
            let fitting = fitting_rows(builder.metadata().row_groups(), &mask);
            builder = builder.with_batch_size(batch_rows.min(fitting).max(1));
            if !wants_all_rows(part) {
                let (groups, skipped) = groups_of_rows(builder.metadata(), part.offset, expected);
                builder = builder
                    .with_row_groups(groups)
                    .with_offset(usize::try_from(part.offset - skipped).unwrap_or(usize::MAX))
                    .with_limit(usize::try_from(expected).unwrap_or(usize::MAX));
            }
            let footer = builder.metadata().file_metadata().key_value_metadata();
            let restore = categories::Restore::new(&decoded, footer).map_err(|error| damaged(&error))?;
            let reader = builder.build().map_err(|error| damaged(&error))?;
            let batches = ParquetBatches { reader, restore, blame: blame.clone(), rows: expected, read: 0 };
            Ok((given.clone(), Window::new(batches, blame.clone(), given, order)))
        })
    }
}

fn wants_all_rows(part: &TableReadOptions) -> bool {
    part.offset == 0 && part.limit.is_none()
}

fn project(blame: &dyn Blame, schema: &Schema, places: &[usize]) -> HandlerResult<SchemaRef> {
    schema.project(places).map(SchemaRef::new).map_err(|error| blame.damaged(words(error)))
}

/// Number of rows, when all that the footer says fits into the file; else what does not.
fn check_chunks(metadata: &ParquetMetaData, size: u64) -> Result<u64, String> {
    let count = |rows: i64| u64::try_from(rows).map_err(|_| format!("its footer counts {rows} rows"));
    let mut rows: u64 = 0;
    for (index, group) in metadata.row_groups().iter().enumerate() {
        rows = rows.saturating_add(count(group.num_rows())?);
        for column in group.columns() {
            let (start, length) = column.byte_range();
            if start.checked_add(length).is_none_or(|end| end > size) {
                let name = column.column_path().string();
                return Err(format!("column {name} of row group {index} lies behind the end of the file"));
            }
        }
    }
    let recorded = count(metadata.file_metadata().num_rows())?;
    if rows == recorded {
        Ok(rows)
    } else {
        Err(format!("its footer counts {recorded} rows, and its row groups have {rows}"))
    }
}

/// How many rows fit a batch. Rows can be large (embeddings, documents), and those of one row group larger than those of
/// another, so the widest row group counts. A dictionary makes strings small in the file and not in memory; where the file
/// records how long they are without it, that counts.
fn fitting_rows(groups: &[RowGroupMetaData], wanted: &ProjectionMask) -> usize {
    let fitting = groups.iter().map(|group| {
        let columns = group.columns().iter().enumerate().filter(|(leaf, _)| wanted.leaf_included(*leaf));
        let bytes: u64 = columns
            .map(|(_, column)| {
                let unpacked = column.uncompressed_size().max(column.unencoded_byte_array_data_bytes().unwrap_or(0));
                unpacked.max(0).unsigned_abs()
            })
            .fold(0, u64::saturating_add);
        let rows = group.num_rows().max(0).unsigned_abs();
        rows.saturating_mul(BATCH_BYTES).checked_div(bytes).unwrap_or(u64::MAX)
    });
    fitting.min().and_then(|rows| usize::try_from(rows).ok()).unwrap_or(usize::MAX).max(1)
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

/// The batches of a file, with the categories that its footer has.
pub(crate) struct ParquetBatches<B> {
    reader: ParquetRecordBatchReader,
    restore: categories::Restore,
    blame: B,
    /// Rows that must come in all, and those that have come.
    rows: u64,
    read: u64,
}

impl<B: Blame> Batches for ParquetBatches<B> {
    fn next_batch(&mut self) -> HandlerResult<Option<RecordBatch>> {
        let Some(batch) = self.reader.next() else {
            if self.read != self.rows {
                let reason = format!("{} of its rows are wanted, and it gives {}", self.rows, self.read);
                return Err(self.blame.damaged(reason));
            }
            return Ok(None);
        };
        let batch = batch
            .and_then(|batch| if self.restore.is_empty() { Ok(batch) } else { self.restore.apply(batch) })
            .map_err(|error| self.blame.damaged(words(error)))?;
        self.read = self.read.saturating_add(batch.num_rows() as u64);
        Ok(Some(batch))
    }
}
